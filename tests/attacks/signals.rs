//! Signals at any moment: the program ends in good order, what it left can be continued, nothing is lost.

use super::harness::{Attack, attack};

/// Starts a command in the background, sends it a signal after so many milliseconds, and takes its code.
fn signalled(command: &str, signal: &str, milliseconds: u32) -> String {
    let seconds = f64::from(milliseconds) / 1000.0;
    format!("{command} & pid=$!; sleep {seconds}; kill -{signal} $pid 2>/dev/null; wait $pid; code=$?; ")
}

/// Before the program is ready the signal ends it as it ends any other (128 and the signal); afterwards it says so (130).
fn codes(signal: &str) -> [i32; 3] {
    [
        0,
        130,
        128 + match signal {
            "HUP" => 1,
            "INT" => 2,
            _ => 15,
        },
    ]
}

/// A training that is signalled, then continued to its end, or begun if there is nothing yet.
fn train(name: &'static str, signal: &str, milliseconds: u32) -> Attack {
    let command = "fer train tiny.json --epochs 300 --limit 70 --run run";
    let again = "if test -e run/config.toml; then fer train --resume --run run; else rm -rf run; fer train tiny.json \
                 --epochs 3 --limit 70 --run run; fi || exit 99; exit $code";
    attack(name, signalled(command, signal, milliseconds) + again)
        .ends_in(&codes(signal), &[])
        .after("test -s run/result.json && test -s run/last.safetensors && test -s run/best.safetensors")
        .after("test ! -e run/.*vitrine-tmp*")
        .within(180)
}

fn search(name: &'static str, signal: &str, milliseconds: u32) -> Attack {
    let command = "fer search --trials 2 --epochs 1 --limit 70 --batch 64 --out search";
    let again = format!("{command} --resume || exit 99; exit $code");
    attack(name, signalled(command, signal, milliseconds) + &again)
        .ends_in(&codes(signal), &[])
        .after("test -s search/result.json && test -s search/best.toml")
        .within(180)
        .memory(600)
}

fn study(name: &'static str, signal: &str, milliseconds: u32) -> Attack {
    let command = "fer study --only fnn --epochs 1 --limit 70 --out study";
    let again = "if test -e study/study.toml; then fer study --resume --out study; else code=0; fi || exit 99; exit $code";
    attack(name, signalled(command, signal, milliseconds) + again)
        .ends_in(&codes(signal), &[])
        .after("test ! -e study/study.toml || test -s study/report.html")
        .within(300)
        .memory(800)
}

pub fn rows() -> Vec<Attack> {
    vec![
        train("training that is terminated at once", "TERM", 5),
        train("training that is terminated", "TERM", 400),
        train("training that is interrupted", "INT", 700),
        train("training whose terminal is closed", "HUP", 900),
        train("training that is killed", "KILL", 800).ends_in(&[0, 137], &[]),
        search("a search that is terminated at once", "TERM", 20),
        search("a search that is terminated", "TERM", 900),
        search("a search whose terminal is closed", "HUP", 1500),
        search("a search that is interrupted", "INT", 600),
        study("a study that is terminated", "TERM", 1500),
        study("a study whose terminal is closed", "HUP", 700),
        attack(
            "a training that outlives its terminal",
            "nohup fer train tiny.json --epochs 300 --limit 70 --run run & pid=$!
             for i in $(seq 600); do test -f run/best.safetensors && break; sleep 0.1; done
             kill -HUP $pid; wait $pid",
        )
        .after("test -s run/result.json"),
        attack(
            "a training that is terminated twice",
            "fer train tiny.json --epochs 1000000 --limit 70 --run run & pid=$!
             for i in $(seq 600); do test -f run/best.safetensors && break; sleep 0.1; done
             kill -TERM $pid; kill -TERM $pid; wait $pid",
        )
        .ends_in(&[130, 143], &[])
        .after("test -s run/config.toml"),
        attack(
            "a report that is terminated leaves none or a whole one",
            "fer report run -o r.html & pid=$!; sleep 0.2; kill -TERM $pid; wait $pid; true",
        )
        .trained()
        .after("test ! -e r.html || grep -q '</html>' r.html"),
        attack(
            "two trainings in one folder",
            "fer train tiny.json --epochs 1000000 --limit 70 --run run 2>/dev/null & pid=$!
             for i in $(seq 600); do test -f run/best.safetensors && break; sleep 0.1; done
             fer train --resume --run run; code=$?; kill -TERM $pid; wait $pid; exit $code",
        )
        .ends(1, &["in use"]),
    ]
}
