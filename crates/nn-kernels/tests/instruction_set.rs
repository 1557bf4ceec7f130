//! Which instruction set is in force: the environment variable, scopes, worker threads.
//!
//! The environment is read once per process, so each of its values is tried in a process of its own: this program
//! again, running the one test that prints what it sees.

use std::ffi::OsStr;
use std::panic::catch_unwind;
use std::process::{Command, Output};
use std::str::FromStr;

use nn_kernels::Isa;
use nn_kernels::isa::IsaError;
use nn_kernels::parallel::for_each_chunk;

const CHILD: &str = "prints_the_instruction_set";

#[test]
#[ignore = "run by the other tests, in a process of its own"]
fn prints_the_instruction_set() {
    println!("from_env: {:?}", Isa::from_env());
    assert_eq!(Isa::in_force(), Isa::from_env());
    println!("current: {}", Isa::current());
}

/// Runs [`prints_the_instruction_set`] with a value of `NN_ISA`, or without any.
fn with_environment(value: Option<impl AsRef<OsStr>>) -> Output {
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command.args(["--exact", CHILD, "--ignored", "--nocapture"]).env_remove("NN_ISA");
    command.envs(value.map(|value| ("NN_ISA", value)));
    command.output().expect("started")
}

/// What a process prints in which `NN_ISA` can be used.
fn words(value: Option<&str>) -> String {
    let output = with_environment(value);
    assert!(output.status.success(), "NN_ISA={value:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// What a process prints that ends because `NN_ISA` cannot be used.
fn refusal(value: &str) -> String {
    let output = with_environment(Some(value));
    assert!(!output.status.success(), "NN_ISA={value} was accepted");
    String::from_utf8([output.stdout, output.stderr].concat()).expect("text")
}

#[test]
fn best_is_the_default() {
    let best = Isa::available().into_iter().max().expect("one at least");
    for unset in [None, Some("")] {
        let text = words(unset);
        assert!(text.contains(&format!("current: {best}\n")), "{text}");
    }
}

#[test]
fn environment_names_one() {
    for isa in Isa::available() {
        let text = words(Some(isa.name()));
        assert!(text.contains(&format!("from_env: Ok({isa:?})\ncurrent: {isa}\n")), "{text}");
    }
}

#[test]
fn unknown_name_is_refused() {
    for name in ["bogus", "AVX2", " avx2"] {
        let text = refusal(name);
        assert!(text.contains(&format!("from_env: Err(Environment(Unknown({name:?})))")), "{text}");
        let message = format!("NN_ISA: unknown instruction set {name:?}, expected portable");
        assert!(text.contains(&message), "{text}");
    }
    let long = refusal(&"x".repeat(10_000));
    assert!(!long.contains(&"x".repeat(41)), "{long}");
}

#[test]
fn a_refusal_lists_what_this_machine_has() {
    let has: Vec<_> = Isa::available().into_iter().map(Isa::name).collect();
    for name in ["AVX2", if cfg!(target_arch = "x86_64") { "neon" } else { "avx2" }] {
        assert!(refusal(name).contains(&has.join(" or ")), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn a_name_that_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let output = with_environment(Some(OsStr::from_bytes(b"avx\xff")));
    assert!(!output.status.success(), "{output:?}");
}

/// Any machine lacks one: no processor has both NEON and AVX2.
#[test]
fn unavailable_one_is_refused() {
    let lacking: Vec<_> = Isa::ALL.into_iter().filter(|isa| !isa.is_available()).collect();
    assert!(!lacking.is_empty());
    for isa in lacking {
        let text = refusal(isa.name());
        assert!(text.contains(&format!("from_env: Err(Environment(Unavailable({isa:?})))")), "{text}");
        let message =
            format!("NN_ISA: the instruction set {isa} was asked for, but this processor does not have it");
        assert!(text.contains(&message), "{text}");
        assert!(catch_unwind(|| isa.scope(|| ())).is_err(), "scope of {isa}");
    }
}

#[test]
fn names_round_trip() {
    for isa in Isa::ALL {
        assert_eq!((Isa::from_str(isa.name()), isa.to_string()), (Ok(isa), isa.name().to_owned()));
    }
    assert_eq!(Isa::from_str("sse"), Err(IsaError::Unknown("sse".into())));
    assert!(Isa::available().contains(&Isa::Portable) && Isa::available().is_sorted());
}

#[test]
fn scopes_nest_and_end() {
    let outside = Isa::current();
    for isa in Isa::available() {
        let value = isa.scope(|| {
            assert_eq!(Isa::current(), isa);
            assert_eq!(Isa::Portable.scope(Isa::current), Isa::Portable);
            assert_eq!(Isa::current(), isa, "the inner scope has ended");
            let _ = catch_unwind(|| Isa::Portable.scope(|| panic!("on purpose")));
            assert_eq!(Isa::current(), isa, "the inner scope has ended by a panic");
            7
        });
        assert_eq!((value, Isa::current()), (7, outside));
    }
}

#[test]
fn scopes_reach_worker_threads() {
    for isa in Isa::available() {
        let mut seen = [None; 100];
        isa.scope(|| for_each_chunk(&mut seen, 1, |_, seen| seen[0] = Some(Isa::current())));
        assert_eq!(seen, [Some(isa); 100]);
    }
}
