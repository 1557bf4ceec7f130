//! The harness sees what it is there to see.

use super::{Attack, attack, run};

#[track_caller]
fn fails(attack: Attack, why: &str) {
    let problem = run::run(&attack).unwrap_err();
    assert!(problem.contains(why), "{problem}");
}

#[test]
fn what_is_wrong_is_seen() {
    let says = |text: &str| attack("says", format!("printf '%b' '{text}'"));
    fails(attack("code", "exit 3"), "exit code 3");
    fails(attack("signal", "kill -SEGV $$"), "exit code 139");
    fails(says("nothing").ends(0, &["something"]), "\"something\" is not said");
    fails(says("secret").never(&["secret"]), "\"secret\" is said");
    fails(says("thread panicked at"), "panicked");
    fails(says("\\033[2J"), "\\u{1b}");
    fails(says("\\342\\200\\256"), "\\u{202e}");
    fails(says("invalid type: map, expected a string"), "invalid type");
    fails(says("decoding ChunkType { type: IHDR, critical: true }"), "Debug makes of a ChunkType");
    fails(says(&"7".repeat(41)), "40 digits");
    fails(says(&"x ".repeat(3000)), "a line of 6000 bytes");
    fails(attack("hangs", "sleep 100").within(1), "no end within 1 s");
    fails(attack("leaves", "true").after("test -e nothing"), "test -e nothing");
    fails(attack("setup", "true").setup("false"), "its setup failed");
    run::run(&says("all is well").ends(0, &["well"])).unwrap();
}

#[test]
fn memory_is_bounded() {
    if std::env::var_os("ATTACKS_WITHOUT_LIMITS").is_some() {
        return;
    }
    let holds = "x=$(head -c 30000000 /dev/zero | tr '\\0' x); sleep 1; test -n \"$x\"";
    fails(attack("holds", holds).memory(20), "MiB of memory");
    run::run(&attack("holds", holds)).unwrap();
    run::run(&attack("address space", "ulimit -v").ends(0, &["1048576"])).unwrap();
}
