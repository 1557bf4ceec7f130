//! Run folders: each file in each way in which it can be wrong.

use super::harness::{Attack, TRAIN, attack};

/// A run to which something happened, and what a command then says of it.
fn harmed(name: &'static str, harm: &str, command: &str) -> Attack {
    attack(name, command).trained().setup(harm)
}

/// `fer eval` of such a run.
fn eval(name: &'static str, harm: &str, file: &str) -> Attack {
    harmed(name, harm, "fer eval run").ends(1, &[file])
}

/// A run under way that was left, then harmed, then resumed. It must leave `victim` alone.
fn resume(name: &'static str, harm: &str) -> Attack {
    attack(name, "fer train --resume --run run")
        .file("victim", "precious")
        .file("victims/state-000001.safetensors", "precious")
        .left()
        .setup(harm)
        .ends(1, &["run"])
        .after("test \"$(cat victim)\" = precious && test \"$(cat victims/state-000001.safetensors)\" = precious")
        .after("test \"$(ls victims)\" = state-000001.safetensors")
}

fn report(name: &'static str, harm: &str) -> Attack {
    attack(name, "fer report run bad -o r.html")
        .trained()
        .setup("cp -r run bad")
        .setup(harm)
        .ends_in(&[0, 1], &[])
        .after("test -s r.html && grep -q bad r.html")
}

fn files() -> Vec<Attack> {
    vec![
        harmed("a good run", ":", "fer eval run").ends(0, &["accuracy"]),
        eval("a run without weights", "rm run/last.safetensors", "last.safetensors"),
        eval("a run with half of its weights", "truncate -s 3000 run/last.safetensors", "last.safetensors"),
        eval("a run with text as weights", "echo x > run/last.safetensors", "last.safetensors"),
        eval("a run with empty weights", ": > run/last.safetensors", "last.safetensors"),
        eval(
            "a run whose weights are a pipe",
            "rm run/last.safetensors; mkfifo run/last.safetensors",
            "last.safetensors",
        ),
        eval("a run whose weights are a device", "ln -sf /dev/zero run/last.safetensors", "last.safetensors"),
        eval(
            "a run whose weights are 50 GB of nothing",
            "truncate -s 50G run/last.safetensors",
            "last.safetensors",
        ),
        eval(
            "a run whose weights are a folder",
            "rm run/last.safetensors; mkdir run/last.safetensors",
            "last.safetensors",
        ),
        eval(
            "weights with a header of 2^63 bytes",
            "printf '\\377\\377\\377\\377\\377\\377\\377\\177{}' > run/last.safetensors",
            "last.safetensors",
        ),
        eval(
            "weights of the shape (0, 2^63)",
            r#"h='{"dense/kernel":{"dtype":"F32","shape":[0,9223372036854775807],"data_offsets":[0,0]}}       '
               printf '\\130\\0\\0\\0\\0\\0\\0\\0%.88s' "$h" > run/last.safetensors"#,
            "last.safetensors",
        ),
        eval("a run without a network", "rm run/network.json", "run"),
        eval("a run with another network", "sed -i 's/\"units\": 7/\"units\": 9/' run/network.json", "run"),
        eval(
            "a run with a network of 1e12 units",
            "sed -i 's/\"units\": 7/\"units\": 1000000000000/' run/network.json",
            "run",
        ),
        eval("a run whose network is a pipe", "rm run/network.json; mkfifo run/network.json", "network.json"),
        eval("a run whose network is a device", "ln -sf /dev/zero run/network.json", "network.json"),
        eval(
            "a run whose transform is a pipe",
            "rm -f run/transform.json; mkfifo run/transform.json",
            "transform.json",
        ),
        eval("a run whose transform is a device", "ln -sf /dev/zero run/transform.json", "transform.json"),
        eval("a run whose transform is 5 GB", "truncate -s 5G run/transform.json", "transform.json"),
        eval("a run whose transform is text", "echo x > run/transform.json", "transform.json"),
        eval("a run whose settings are a pipe", "rm run/config.toml; mkfifo run/config.toml", "config.toml"),
        eval("a run whose settings are text", "echo x > run/config.toml", "config.toml"),
        harmed("a run that is a file", "rm -r run; echo > run", "fer eval run").ends(1, &["run"]),
        harmed("a run that is a pipe", "rm -r run; mkfifo run", "fer eval run").ends(1, &["run"]),
        harmed("a run that links to itself", "rm -r run; ln -s run run", "fer eval run").ends(1, &["run"]),
        harmed("a result that is a pipe", "rm run/result.json; mkfifo run/result.json", "fer runs show run")
            .ends_in(&[0, 1], &["result.json"]),
        harmed("a result that is a device", "ln -sf /dev/zero run/result.json", "fer runs show run")
            .ends_in(&[0, 1], &["result.json"]),
        harmed("a result of 5 GB", "truncate -s 5G run/result.json", "fer runs list .")
            .ends_in(&[0, 1], &["run"]),
        harmed(
            "a result of brackets",
            "head -c 100000 /dev/zero | tr '\\0' '[' > run/result.json",
            "fer runs list .",
        )
        .ends_in(&[0, 1], &["run"]),
        harmed("a log that is a pipe", "rm run/metrics.csv; mkfifo run/metrics.csv", "fer runs show run")
            .ends_in(&[0, 1], &["metrics.csv"]),
        harmed("runs in a folder that is a file", "echo > file", "fer runs list file").ends(1, &["file"]),
        harmed("a comparison with nothing", ":", "fer runs compare run nothing").ends(1, &["nothing"]),
        harmed("weights that compute NaN", NAN_WEIGHTS, "fer eval run")
            .ends(1, &["finite"])
            .never(&["NaN %"]),
        harmed(
            "weights that predict NaN",
            NAN_WEIGHTS,
            "fer data preview --per-class 1 -o x.png && fer predict x.png --run run",
        )
        .setup("cp run/last.safetensors run/best.safetensors")
        .ends(1, &["finite"])
        .never(&["NaN %"]),
    ]
}

/// Finite weights whose sums are not: each number's exponent is the greatest.
const NAN_WEIGHTS: &str = r#"
    size=$(stat -c %s run/last.safetensors)
    n=$(( $(od -An -tu8 -N8 run/last.safetensors) + 8 ))
    head -c $n run/last.safetensors > w
    yes "$(printf '\177\177\177\177')" | tr -d '\n' | head -c $((size - n)) >> w
    mv w run/last.safetensors"#;

fn resumed() -> Vec<Attack> {
    vec![
        resume("a lock that links elsewhere", "ln -sf ../victim run/run.lock"),
        resume("a log that links elsewhere", "ln -sf ../victim run/metrics.csv"),
        resume("checkpoints that link elsewhere", "rm -r run/checkpoints; ln -s ../victims run/checkpoints"),
        resume("settings that link to a device", "ln -sf /dev/zero run/config.toml"),
        resume("a lock that is a pipe", "rm run/run.lock; mkfifo run/run.lock"),
        resume("a lock that is a folder", "rm run/run.lock; mkdir run/run.lock"),
        resume("a log that is a pipe, resumed", "rm -f run/metrics.csv; mkfifo run/metrics.csv"),
        resume("best weights that link elsewhere", "ln -sf ../victim run/best.safetensors"),
        resume("checkpoints that are pipes", "for f in run/checkpoints/*; do rm $f; mkfifo $f; done"),
        resume("checkpoints that are 5 GB", "for f in run/checkpoints/*; do truncate -s 50G $f; done"),
        resume("checkpoints that are empty", "for f in run/checkpoints/*; do : > $f; done"),
        resume("checkpoints cut in half", "for f in run/checkpoints/*; do truncate -s 1000 $f; done"),
        resume("a network changed under way", "sed -i 's/2304/2305/' run/network.json").ends_in(&[1], &[]),
        attack("a run that is not begun", "mkdir run; fer train --resume --run run").ends(1, &["run"]),
        attack("a run that is somebody's notes", format!("{TRAIN} --run run"))
            .file("run/.notes.tmp.7", "mine")
            .file("run/.notes", "mine")
            .ends(1, &["run"])
            .after("test -s run/.notes.tmp.7"),
        attack("a run folder that is a file", format!("{TRAIN} --run file"))
            .file("file", "mine")
            .ends(1, &["file"])
            .never(&["not empty"])
            .after("test \"$(cat file)\" = mine"),
        attack("a run that links elsewhere", format!("{TRAIN} --run link"))
            .file("folder/mine", "mine")
            .setup("ln -s folder link")
            .ends(1, &["link"])
            .after("test \"$(ls folder)\" = mine"),
        attack("runs that are a file", TRAIN).file("runs", "mine").ends(1, &["runs"]),
        attack("a report of a path with a percent sign", "fer report 'a%n' -o r.html").ends(1, &["a%n"]),
    ]
}

fn reports() -> Vec<Attack> {
    vec![
        report(
            "a report with a network of 1e12 units",
            "sed -i 's/\"units\": 7/\"units\": 1000000000000/' bad/network.json",
        ),
        report("a report without a result", "rm bad/result.json"),
        report("a report with an empty result", ": > bad/result.json"),
        report("a report with half a log", "truncate -s 30 bad/metrics.csv"),
        report(
            "a report with long rows",
            "sed -i 's/$/,1,2,3/' bad/predictions.csv; sed -i '1s/,1,2,3//' bad/predictions.csv",
        ),
        report("a report with a log that is a pipe", "rm bad/metrics.csv; mkfifo bad/metrics.csv"),
        report("a report with predictions that are a device", "ln -sf /dev/zero bad/predictions.csv"),
        report("a report with a result of text", "echo x > bad/result.json"),
        report(
            "a report with numbers of 1e308",
            "sed -i 's/0\\.[0-9]*/1e308/g' bad/metrics.csv bad/result.json",
        ),
        report(
            "a report of 60,000 epochs",
            r#"awk 'BEGIN { print "epoch,accuracy,loss,learning_rate,val_accuracy,val_loss,seconds"
               for (i = 0; i < 60000; i++) print i ",0.5," 1 + i % 7 ",0.001,0.5," 2 + i % 9 ",0.1" }' > bad/metrics.csv"#,
        )
        .ends(0, &[])
        .within(30)
        .after("test $(stat -c %s r.html) -lt 4000000 && test $(wc -l < r-data/bad-loss.csv) = 60001"),
        report(
            "a report of names that command the terminal",
            r#"sed -i 's/"tiny"/"a\u001b[31m\u0007\u202e"/' bad/network.json
               sed -i "s/Angry/$(printf '\033[31m\302\233')/" bad/confusion.csv"#,
        )
        .ends(0, &[])
        .after("! grep -qP '[\\x00-\\x08\\x0b-\\x1f\\x7f]|\\xc2[\\x80-\\x9f]|\\xe2\\x80\\xae' r.html r.md r-data/*.csv"),
        report("a report of names that are formulas", "sed -i 's/Angry/=cmd()/' bad/confusion.csv")
            .ends(0, &[])
            .after("grep -q \"'=cmd()\" r-data/bad-confusion*.csv && ! grep -qE '(^|,)=' r-data/*.csv"),
        report("a report of a run whose network is gone", "rm bad/network.json").ends(0, &["network.json"]),
        report("a report of an epoch beyond all", "sed -i '2s/^[0-9]*/18446744073709551615/' bad/metrics.csv")
            .ends(0, &["metrics.csv: line 2"]),
        report("a report of more images than there are", "sed -i 's/[0-9]\\+/18446744073709551615/g' bad/confusion.csv")
            .ends(0, &["confusion.csv: line 2"]),
        attack("a report of nothing but damage", "fer report run -o r.html")
            .trained()
            .setup(": > run/result.json")
            .ends(1, &["result.json"])
            .after("test ! -e r.html && test ! -e r-data"),
        attack("a list with a damaged run", "fer runs list .")
            .trained()
            .setup("cp -r run bad; echo x > bad/metrics.csv")
            .ends(0, &["metrics.csv", "damaged", "finished"]),
        attack("a comparison with a damaged run", "fer runs compare run bad")
            .trained()
            .setup("cp -r run bad; echo '[]' > bad/env.json")
            .ends(0, &["env.json", "test accuracy"]),
        report("a report with NaN", "sed -i 's/0\\.[0-9]*/NaN/g' bad/metrics.csv bad/result.json"),
    ]
}

pub fn rows() -> Vec<Attack> {
    [files(), resumed(), reports()].into_iter().flatten().collect()
}
