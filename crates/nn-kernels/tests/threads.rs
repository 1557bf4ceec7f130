//! How many threads compute: what is asked for, what the environment says, what is refused. The environment is tried in
//! processes of their own.

use std::process::Command;

use nn_kernels::threads::{MOST_THREADS, count, pool, start};

const CHILD: &str = "starts_and_counts";

#[test]
#[ignore = "run by the other tests, in a process of its own"]
fn starts_and_counts() {
    match start(None) {
        Ok(()) => println!("started {}", rayon::current_num_threads()),
        Err(error) => println!("refused: {error}"),
    }
}

/// What a process prints that starts with this value of `RAYON_NUM_THREADS`.
fn with_environment(value: &str) -> String {
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command.args(["--exact", CHILD, "--ignored", "--nocapture"]).env("RAYON_NUM_THREADS", value);
    String::from_utf8(command.output().expect("started").stdout).expect("text")
}

#[test]
fn a_number_that_is_asked_for_is_checked() {
    for wrong in [0, MOST_THREADS + 1, 100_000, usize::MAX] {
        let message = pool(Some(wrong)).unwrap_err().to_string();
        assert_eq!(message, format!("threads = {wrong}: expected a whole number from 1 to 1024"));
    }
    assert_eq!(count(Some(7)).unwrap(), 7);
    assert_eq!(pool(Some(3)).unwrap().current_num_threads(), 3);
}

#[test]
fn the_environment_is_heard_and_checked() {
    assert!(with_environment("3").contains("started 3\n"));
    for wrong in ["1025", "100000", "18446744073709551615"] {
        let text = with_environment(wrong);
        let expected =
            format!("refused: RAYON_NUM_THREADS = {wrong}: expected a whole number from 1 to 1024");
        assert!(text.contains(&expected), "{text}");
    }
    let all = std::thread::available_parallelism().map_or(1, |n| n.get());
    for silent in ["", "0", "many", "-1"] {
        assert!(
            with_environment(silent).contains(&format!("started {}\n", all.min(MOST_THREADS))),
            "{silent}"
        );
    }
}

/// An address space with room for the program but not for many stacks: the system refuses threads, as it does where a user
/// may start no more processes.
#[cfg(target_os = "linux")]
#[test]
fn threads_that_do_not_start_are_an_error() {
    let program = std::env::current_exe().expect("this program");
    let run = format!("ulimit -v 600000; exec '{}' --exact {CHILD} --ignored --nocapture", program.display());
    let output =
        Command::new("sh").args(["-c", &run]).env("RAYON_NUM_THREADS", "1024").output().expect("started");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("refused: cannot start 1024 threads"), "{output:?}");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"), "{output:?}");
}
