//! What surrounds the programs: variables, limits, rights, clocks, arguments.

use super::arrays::with_inputs;
use super::harness::{Attack, Need, TRAIN, attack};

/// As another user, who may have no more threads than the one that runs.
fn without_threads(name: &'static str, command: &str) -> Attack {
    let script = format!("exec setpriv --reuid=65534 --clear-groups prlimit --nproc=1 {command}");
    attack(name, script).setup("chmod -R a+rwX . && chmod 777 .").needs(Need::OtherUser).ends_in(&[0, 1], &[])
}

/// A command that computes, with an instruction set that is not there: nothing may be begun.
fn without_set(name: &'static str, set: &str, command: &str) -> Attack {
    attack(name, format!("NN_ISA={set} {command}"))
        .trained()
        .setup("fer data preview --per-class 1 -o p.png")
        .ends(2, &["NN_ISA", "portable"])
        .after("test ! -e runs && test ! -e new")
}

/// With so few file descriptors.
fn few_files(name: &'static str, files: u32, command: &str) -> Attack {
    attack(name, format!("ulimit -n {files}; {command}"))
        .trained()
        .setup("fer data preview --per-class 1 -o p.png")
        .ends_in(&[0, 1], &[])
}

fn sets() -> Vec<Attack> {
    let missing = if cfg!(target_arch = "x86_64") { "neon" } else { "avx2" };
    vec![
        without_set("training with a missing set", missing, TRAIN),
        without_set("training with garbage as a set", "garbage", TRAIN),
        without_set("evaluation with garbage as a set", "garbage", "fer eval run"),
        without_set("prediction with garbage as a set", "garbage", "fer predict p.png --run run"),
        without_set(
            "a search with garbage as a set",
            "garbage",
            "fer search --trials 1 --epochs 1 --limit 70 --out new",
        ),
        without_set("a study with garbage as a set", "garbage", "fer study --limit 70 --epochs 1 --out new"),
        without_set(
            "fine-tuning with garbage as a set",
            "garbage",
            "fer finetune ft2 --weights random --epochs 1 --limit 70",
        ),
        without_set(
            "augmented training with a missing set",
            missing,
            "fer augment train --variant 4 --epochs 1 --limit 70",
        ),
        attack("a benchmark with garbage as a set", "NN_ISA=garbage nn-lab bench conv ic1ih8oc1kh3")
            .ends(2, &["portable"]),
        attack("a set with a terminal's commands in it", "NN_ISA=\"$(printf '\\033[2J')\" nn-lab peak")
            .ends(2, &["portable"]),
    ]
}

fn limits() -> Vec<Attack> {
    vec![
        without_threads("training without threads", &format!("{TRAIN} --run new")),
        without_threads("statistics without threads", "fer data stats"),
        without_threads("a preview without threads", "fer data preview --per-class 1 -o p.png"),
        without_threads("evaluation without threads", "fer eval run").trained(),
        without_threads("a report without threads", "fer report run -o r.html").trained(),
        with_inputs(without_threads(
            "an array without threads",
            "nn-lab run --model m.keras --input x.npy --output y.npy",
        )),
        without_threads("a benchmark without threads", "nn-lab bench conv ic1ih8oc1kh3 --max-ms 1"),
        few_files("training with 12 files", 12, &format!("{TRAIN} --run new")),
        few_files("training with 5 files", 5, &format!("{TRAIN} --run new")),
        few_files("statistics with 4 files", 4, "fer data stats"),
        few_files("evaluation with 12 files", 12, "fer eval run"),
        few_files("prediction with 5 files", 5, "fer predict p.png --run run"),
        few_files("a report with 12 files", 12, "fer report run -o r.html"),
        few_files("a report with 5 files", 5, "fer report run -o r.html"),
        few_files(
            "a search with 12 files",
            12,
            "fer search --trials 1 --epochs 1 --limit 70 --batch 64 --out new",
        ),
        few_files("runs with 5 files", 5, "fer runs list ."),
        few_files(
            "a benchmark with 5 files",
            5,
            "nn-lab bench conv ic1ih8oc1kh3 --max-ms 1 --min-reps 1 --json b.json",
        ),
        attack("100,000 threads by the environment", "RAYON_NUM_THREADS=100000 fer data stats")
            .ends_in(&[0, 2], &[]),
        attack(
            "training with 100,000 threads by the environment",
            format!("RAYON_NUM_THREADS=100000 {TRAIN}"),
        )
        .ends_in(&[0, 2], &[])
        .memory(1500),
        attack("threads that are no number", format!("RAYON_NUM_THREADS=-1 {TRAIN}")).ends_in(&[0, 2], &[]),
        attack("files that may not grow", format!("ulimit -f 64; {TRAIN}")).ends(1, &["safetensors"]),
        attack("a report that may not grow", "ulimit -f 8; fer report run -o r.html")
            .trained()
            .ends(1, &["r.html"])
            .after("test ! -e r.html"),
        attack("threads beyond counting", format!("RAYON_NUM_THREADS=99999999999999999999999 {TRAIN}"))
            .ends(2, &["RAYON_NUM_THREADS"]),
    ]
}

fn surroundings() -> Vec<Attack> {
    vec![
        attack("no environment", format!("env -i $(command -v fer) {}", &TRAIN[4..])),
        attack("no home", format!("unset HOME; {TRAIN}")),
        attack("a home that is not there", "HOME=/no/where fer finetune ft2 --epochs 1 --limit 70").ends(1, &["weights"]),
        attack("a temporary folder that is not there", format!("TMPDIR=/no/where {TRAIN}")),
        attack("a locale that is not there", format!("LC_ALL=xx_XX.UTF-9 {TRAIN}")),
        attack("a time zone that is not there", format!("TZ=../../etc/passwd {TRAIN}")),
        attack("a terminal that is not there", format!("TERM='' COLUMNS=0 LINES=-7 {TRAIN}")),
        attack("a terminal of 10^18 columns", "COLUMNS=1000000000000000000 fer --help").ends_in(&[0, 2], &[]),
        attack("a cache that is a file", "FER_CACHE=tiny.json fer finetune ft2 --weights random --epochs 1 --limit 7 --batch 7")
            .ends_in(&[0, 1], &[])
            .memory(1500),
        attack("data that is nothing", format!("FER_DATA= {TRAIN}")),
        attack("data that commands the terminal", format!("FER_DATA=\"$(printf '\\033[2J')\" {TRAIN}")).ends(1, &["No such file"]),
        attack("a number in the environment that is none", "FER_EPOCHS=many fer train tiny.json --limit 70").ends(2, &["--epochs", "many"])
            .never(&["panic"]),
        attack("arguments that are not text", "fer data stats --data \"$(printf '\\377\\376')\"").ends(1, &["No such file"]),
        attack("an argument of 2,000 letters", format!("fer {}", "x".repeat(2_000))).ends(2, &[]),
        attack("an argument of nothing", "fer ''").ends(2, &[]),
        attack("10,000 arguments", "fer predict $(seq 10000) --run run").trained().ends(1, &[]),
        attack("a folder that is gone", "mkdir gone; cd gone; rmdir ../gone; fer data stats"),
        attack("training in a folder that is gone", "mkdir gone; cd gone; cp ../tiny.json .; rm tiny.json; rmdir ../gone; fer train cnn1 --epochs 1 --limit 70")
            .ends(1, &[]),
        attack("usage that is wrong in train", "fer train tiny.json --epochs 0").ends(2, &["epochs"]),
        attack("usage that is wrong in synth", "fer data synth -o x --train 0").ends(2, &["--train"]),
        attack("usage that is wrong in search", "fer search --epochs 0 --out new").ends(2, &["epochs"]),
        attack("a folder that may not be read", "chmod 000 runs; exec setpriv --reuid=65534 --clear-groups fer runs list runs")
            .setup("mkdir runs; chmod 755 .")
            .needs(Need::OtherUser)
            .ends(1, &["runs", "denied"]),
        attack("a folder that may not be written", format!("exec setpriv --reuid=65534 --clear-groups {TRAIN}"))
            .setup("chmod 755 .")
            .needs(Need::OtherUser)
            .ends(1, &["runs", "denied"]),
    ]
}

pub fn rows() -> Vec<Attack> {
    [sets(), limits(), surroundings()].into_iter().flatten().collect()
}
