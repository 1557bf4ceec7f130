//! Outputs: what stands where they are to go, disks without room, readers that leave.

use super::arrays::with_inputs;
use super::harness::{Attack, Need, TRAIN, attack};

const RUN: &str = "nn-lab run --model m.keras --input x.npy";
const AUGMENT: &str = "fer augment preview --variant 4";
const BENCH: &str = "nn-lab bench conv ic1ih8oc1kh3 --max-ms 1 --min-reps 1";

/// A command that writes to the file `precious`, which is there: refused without --force, done with it.
fn kept(name: &'static str, command: &str) -> Attack {
    with_inputs(attack(name, command))
        .setup("echo precious > precious")
        .ends_in(&[1, 2], &["precious", "--force"])
        .after("test \"$(cat precious)\" = precious")
        .after(&format!("{command} --force"))
        .after("test \"$(cat precious)\" != precious")
}

/// A command whose output goes to `null` or `full`, the devices of these names in a folder of the attack's own: it is
/// not the machine's `/dev` that a program with all rights might replace.
fn device(name: &'static str, command: &str) -> Attack {
    with_inputs(attack(name, command))
        .setup("mknod null c 1 3; mknod full c 1 7")
        .after("test -c null && test -c full")
        .needs(Need::Device)
}

/// A command on a disk of 3 MB of which `free` KiB are free; what was there before must be there afterwards, and the
/// command must succeed when there is room.
fn full(name: &'static str, free: u32, command: &str, again: &str) -> Attack {
    let used = 3072 - free;
    let script = format!(
        "unshare --mount sh -c 'mkdir disk && mount -t tmpfs -o size=3m tmpfs disk && cd disk && cp -r ../tiny.json ../run . || exit 99
         dd if=/dev/zero of=filler bs=1024 count={used} 2>/dev/null
         {command}; code=$?
         rm filler; cmp run/best.safetensors ../run/best.safetensors || exit 98
         {again} || exit 97
         exit $code'"
    );
    attack(name, script).trained().needs(Need::Mount).ends(1, &[])
}

fn places() -> Vec<Attack> {
    let lab = |name, output: &str| with_inputs(attack(name, format!("{RUN} --output {output}")));
    vec![
        kept("a preview over a file", "fer data preview --per-class 1 -o precious"),
        kept("an augmented preview over a file", &format!("{AUGMENT} -o precious")),
        kept("an array over a file", &format!("{RUN} --output precious")),
        kept("a benchmark's JSON over a file", &format!("{BENCH} --json precious")),
        kept("a benchmark's CSV over a file", &format!("{BENCH} --csv precious")),
        kept("a benchmark's roofline over a file", &format!("{BENCH} --roofline precious"))
            .memory(2500)
            .within(180),
        kept(
            "a drawn table over a file",
            "fer data synth --single-file --train 7 --val 7 --test 7 -o precious",
        ),
        attack("a report over a file", "fer report run -o precious.html")
            .trained()
            .file("precious.html", "mine")
            .ends_in(&[1, 2], &["precious.html", "--force"])
            .after("test \"$(cat precious.html)\" = mine"),
        attack("a preview over a run's weights", "fer data preview --per-class 1 -o run/best.safetensors")
            .trained()
            .setup("cp run/best.safetensors before")
            .ends_in(&[1, 2], &["best.safetensors"])
            .after("cmp before run/best.safetensors"),
        device("a preview to a device", "fer data preview --per-class 1 -o null"),
        device("an augmented preview to a device", &format!("{AUGMENT} -o null")),
        device("an array to a device", &format!("{RUN} --output null")),
        device("a benchmark to a device", &format!("{BENCH} --json null")),
        device("a preview to a full device", "fer data preview --per-class 1 -o full")
            .ends(1, &["full", "No space"]),
        device("an array to a full device", &format!("{RUN} --output full")).ends(1, &["full", "No space"]),
        device("a benchmark on a full device keeps the measurement", &format!("{BENCH} --json full"))
            .ends(1, &["full", "ic1ih8_oc1", "No space"]),
        lab("an array to a pipe", "pipe & cat pipe > out; wait $!")
            .setup("mkfifo pipe")
            .after("test -s out && test -p pipe"),
        lab("an array to a folder", ".").ends_in(&[1, 2], &[]),
        lab("an array to no folder", "no/where.npy").ends(1, &["no/where.npy"]),
        lab("an array through a link to nothing", "link")
            .setup("ln -s nothing link")
            .ends_in(&[1, 2], &["link"]),
        lab("an array over its own input", "x.npy").ends_in(&[1, 2], &["x.npy"]),
        attack("a preview to a folder", "fer data preview --per-class 1 -o .").ends_in(&[1, 2], &[]),
        attack(
            "a preview to a name of 300 letters",
            format!("fer data preview --per-class 1 -o {}", "x".repeat(300)),
        )
        .ends(1, &["xxx"]),
        attack("a report that would take somebody's folder", "fer report run -o faces.html --force")
            .trained()
            .file("faces-data/mine.csv", "mine")
            .file("faces-data/mine.png", "mine")
            .ends_in(&[0, 1], &[])
            .after("test -s faces-data/mine.csv && test -s faces-data/mine.png"),
    ]
}

fn disks() -> Vec<Attack> {
    let train = "fer train tiny.json --epochs 2 --limit 70 --run new";
    let mut rows: Vec<Attack> = [
        ("training without room for a log", 4),
        ("training without room for weights", 60),
        ("training without room for a checkpoint", 150),
        ("training without room for the last weights", 300),
    ]
    .into_iter()
    .map(|(name, free)| {
        full(name, free, train, "if test -e new/config.toml; then fer train --resume --run new; fi")
    })
    .collect();
    let search = "fer search --trials 1 --epochs 1 --limit 70 --batch 64 --out new";
    rows.push(full("a search without room", 40, search, "true").ends(1, &["full"]).memory(600).within(180));
    rows.push(
        full("a search without room for its network", 700, search, "true")
            .ends(1, &["No space left"])
            .memory(600)
            .within(180),
    );
    rows.push(full(
        "a report without room",
        4,
        "fer report run -o r.html",
        "fer report run -o r.html --force",
    ));
    rows.push(full(
        "a study without room",
        100,
        "fer study --only fnn --epochs 1 --limit 70 --out new",
        "true",
    ));
    rows.push(full("a preview without room", 0, "fer data preview -o p.png", "fer data preview -o p.png"));
    rows
}

fn streams() -> Vec<Attack> {
    vec![
        attack("help to a full device", "fer --help > /dev/full").ends(1, &[]),
        attack("help of nn-lab to a full device", "nn-lab --help > /dev/full").ends(1, &[]),
        attack("a version to a full device", "fer --version > /dev/full").ends(1, &[]),
        attack("a list to a full device", "fer model list > /dev/full").ends(1, &["stdout"]),
        attack("runs to a full device", "fer runs list . > /dev/full").trained().ends(1, &["stdout"]),
        attack("an evaluation to a full device", "fer eval run > /dev/full").trained().ends(1, &["stdout"]),
        attack("a prediction to a full device", "fer predict p.png --run run > /dev/full")
            .trained()
            .setup("fer data preview --per-class 1 -o p.png")
            .ends(1, &["stdout"]),
        attack("a benchmark to a full device", format!("{BENCH} > /dev/full")).ends(1, &["stdout"]),
        attack("a reader that leaves", "fer model list --json | head -c 1").ends(0, &[]),
        attack("a reader that leaves a benchmark", format!("{BENCH} | true")).ends(0, &[]),
        attack("a closed stdout", "fer model list >&-").ends_in(&[0, 1], &[]),
        attack("a closed stdin, stdout and stderr", format!("{TRAIN} <&- >&- 2>&-"))
            .after("test -s runs/tiny/result.json"),
        attack("a report in JSON to a full device", "fer report run -o r.html --json > /dev/full")
            .trained()
            .ends(1, &["stdout"])
            .after("test -s r.html"),
    ]
}

pub fn rows() -> Vec<Attack> {
    [places(), disks(), streams()].into_iter().flatten().collect()
}
