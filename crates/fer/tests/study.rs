//! `fer study` from end to end, through the binary, on studies that take a moment.

mod page;
mod program;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nn_core::rng::{Purpose, Stream};
use roxmltree::Node;
use serde_json::Value;
use sha2::{Digest, Sha256};

use page::{as_xml, cells, in_a_browser, parse, without_pictures};
use program::{end_despite_kills, fer};

/// Runs a study; `arguments` are separated by spaces.
fn study(folder: &Path, arguments: &str) -> Command {
    let arguments: Vec<_> = ["study"].into_iter().chain(arguments.split(' ')).collect();
    let mut command = fer(folder, &arguments);
    command.env("FER_CACHE", folder.join("cache"));
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn succeeds(mut command: Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    output
}

#[track_caller]
fn fails(mut command: Command, code: i32, fragments: &[&str]) {
    let output = command.output().unwrap();
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    for fragment in fragments {
        assert!(stderr.contains(fragment), "{fragment:?} is not in: {stderr}");
    }
}

/// Checksums of the weights of all runs, by path.
fn weights(out: &Path) -> Vec<(PathBuf, String)> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match path.is_dir() {
                true => collect(&path, found),
                false if path.ends_with("last.safetensors") || path.ends_with("best.safetensors") => {
                    found.push(path);
                }
                false => {}
            }
        }
    }
    let mut found = Vec::new();
    collect(out, &mut found);
    found.sort();
    let sum = |path: &PathBuf| format!("{:?}", Sha256::digest(fs::read(path).unwrap()));
    found.iter().map(|path| (path.strip_prefix(out).unwrap().into(), sum(path))).collect()
}

const SECTIONS: [&str; 14] = [
    "Results",
    "What the original got wrong",
    "(a), (b) The data",
    "(c) Fully connected networks",
    "(d) Convolutional networks",
    "(e) Search for hyper-parameters",
    "(f) Fine-tuning",
    "(g) Augmentation",
    "Confusion matrices",
    "Results by class",
    "Worst errors",
    "Over seeds",
    "What is missing",
    "Environment",
];

const RUNS: [&str; 27] = [
    "augment/face",
    "augment/variant1",
    "augment/variant2",
    "augment/variant3",
    "augment/variant4",
    "augment/variant5",
    "cnn/cnn1",
    "cnn/cnn2",
    "cnn/cnn3",
    "finetune/ft1-as-it-ran",
    "finetune/ft1-imagenet",
    "finetune/ft2-as-it-ran",
    "finetune/ft2-imagenet",
    "finetune/ft2-unfrozen",
    "finetune/ft2-unfrozen-96",
    "finetune/ft3-as-it-ran",
    "finetune/ft3-as-written",
    "finetune/ft3-imagenet",
    "fnn/fnn1",
    "fnn/fnn2",
    "fnn/fnn3",
    "fnn/fnn4",
    "fnn/fnn5",
    "search/hyperopt/best-3",
    "search/hyperopt/best-4",
    "search/joint/best-3",
    "search/joint/best-4",
];

/// The headings, in order.
fn headings(html: &str) -> Vec<String> {
    let xml = as_xml(html);
    let document = parse(&xml);
    let headings = document.descendants().filter(|node| node.has_tag_name("h2"));
    headings.filter_map(|node| node.text()).map(str::to_owned).collect()
}

#[test]
fn a_study_reports_every_part() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let output =
        succeeds(study(folder, "--limit 56 --epochs 1 --trials 2 --seeds 2 --seed 3 --out s --json"));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let names = said["runs"].as_array().unwrap().iter().map(|run| {
        assert_eq!(run["state"], "finished", "{run}");
        run["run"].as_str().unwrap().to_owned()
    });
    let names: Vec<_> = names.collect();
    // The best of a part is trained with a second seed; which one it is depends on the machine's arithmetic.
    let seeds: Vec<_> = names.iter().filter(|name| name.ends_with("-seed4")).collect();
    assert!(seeds.len() == 2 && seeds[0].starts_with("cnn/") && seeds[1].starts_with("fnn/"), "{seeds:?}");
    let others: Vec<_> = names.iter().filter(|name| !name.ends_with("-seed4")).collect();
    assert_eq!(others, RUNS.iter().collect::<Vec<_>>());
    let progress = text(&output.stderr);
    for line in
        ["[fnn 2/5] fnn2: s/fnn/fnn2", "[search] hyperopt", "none of these 2 trials is a Bayesian step"]
    {
        assert!(progress.contains(line), "{line:?} is not in: {progress}");
    }

    let report = folder.join("s/report.html");
    let html = fs::read_to_string(&report).unwrap();
    let markdown = fs::read_to_string(folder.join("s/report.md")).unwrap();
    // Nothing is missing where initial weights stand for the pre-trained ones.
    let expected: Vec<_> = SECTIONS.into_iter().filter(|title| *title != "What is missing").collect();
    assert_eq!(headings(&html), expected);
    for text in [&without_pictures(&html), &markdown] {
        assert!(!text.contains("NaN") && !text.contains("Infinity"), "a number is none");
    }
    let xml = as_xml(&html);
    let document = parse(&xml);
    let ids: Vec<_> = document.descendants().filter_map(|node| node.attribute("id")).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "an id occurs twice: {ids:?}");
    let plain = markdown.replace('\\', "");
    for row in cells(&document) {
        let line = format!("| {} |", row.join(" | "));
        assert!(plain.contains(&line), "{line} is not in the Markdown");
    }
    let figures = document.descendants().filter(|node| node.has_tag_name("figure"));
    let plots: usize = figures.map(|figure| compare_with_csv(figure, &folder.join("s"))).sum();
    assert!(plots > 2 * (5 + 3 + 9 + 6), "{plots} plots");
    for words in [
        "variant 1 as it ran",
        "ft3 as it ran (random weights)",
        "26.95 ms",
        "fnn1: layers and settings",
        "best of the search",
        "what suits faces",
        "joint/best-4",
        "(e) searched",
        "they are no results on FER-2013",
        "so none of these 2 trials is a Bayesian step",
    ] {
        assert!(html.contains(words), "{words:?} is not in the report");
    }
    // Networks of one epoch may all answer alike, and then no pair has a difference to show.
    let pairs = html.contains("Each mistake as a pair of runs");
    assert_eq!(pairs, html.contains("These runs were not made on FER-2013"));
    // What two trials of one epoch on drawn faces do not show; claims.rs has the conditions.
    for words in [
        "our density",
        "Importance of",
        "over-fitting",
        "58.12",
        "59.40",
        "published training",
        "<td class=\"number\">0.00</td>",
    ] {
        assert!(!html.contains(words), "{words:?} is in the report");
    }
    // Runs with a further seed are rows of tables, no more.
    let further = format!("{}, seed 4", seeds[1].trim_start_matches("fnn/").trim_end_matches("-seed4"));
    assert!(html.contains(&further) && !html.contains(&format!("{further}: ")), "{further}");
    in_a_browser(&report);

    // Everything is there already: nothing is trained again, and the report is the same.
    let before = weights(&folder.join("s"));
    let again = succeeds(study(folder, "--resume --out s"));
    assert!(!text(&again.stderr).contains("accuracy:"), "{}", text(&again.stderr));
    assert_eq!(weights(&folder.join("s")), before);
    assert_eq!(fs::read_to_string(&report).unwrap(), html);
    assert!(text(&again.stdout).contains("cnn/cnn1") && text(&again.stdout).ends_with("report.md\n"));

    // What a run does not measure itself is what `fer eval` measures, also where the best weights are not the last.
    let other = ["train", "fnn3", "--limit", "56", "--epochs", "2", "--seed", "9", "--run", "other"];
    succeeds(fer(folder, &other));
    fs::copy(folder.join("other/last.safetensors"), folder.join("s/fnn/fnn3/best.safetensors")).unwrap();
    let path = folder.join("s/measures.csv");
    let measures = fs::read_to_string(&path).unwrap();
    let kept: Vec<_> = measures.lines().filter(|line| !line.starts_with("fnn/fnn3,")).collect();
    fs::write(&path, kept.join("\n") + "\n").unwrap();
    succeeds(study(folder, "--resume --only fnn --out s"));
    let measures = fs::read_to_string(&path).unwrap();
    for (run, measure, flags) in [
        ("fnn/fnn3", "best", &["--weights", "best"][..]),
        ("augment/variant1", "best", &["--weights", "best"]),
        ("augment/variant1", "raw", &["--raw-test"]),
    ] {
        let output = succeeds(fer(folder, &[&["eval", &format!("s/{run}"), "--json"], flags].concat()));
        let measured: Value = serde_json::from_slice(&output.stdout).unwrap();
        let line = format!("{run},{measure},{},{}", measured["accuracy"], measured["loss"]);
        assert!(measures.contains(&line), "{line} is not in {measures}");
    }
}

/// Compares what a plot says of its points with the CSV file beside the report; returns how many plots the figure has.
fn compare_with_csv(figure: Node, out: &Path) -> usize {
    let link = figure.descendants().find_map(|node| node.attribute("href")).map(|link| out.join(link));
    let titles: BTreeSet<String> = figure
        .descendants()
        .filter(|node| node.has_tag_name("title"))
        .filter_map(|node| node.text())
        .map(str::to_owned)
        .collect();
    let Some(path) = link.filter(|_| !titles.is_empty()) else { return 0 };
    let mut csv = csv::Reader::from_path(&path).unwrap();
    let header = csv.headers().unwrap().clone();
    let mut numbers = BTreeSet::new();
    for row in csv.records().map(Result::unwrap) {
        for (name, value) in header.iter().zip(&row).skip(1).filter(|(_, value)| !value.is_empty()) {
            let number: f64 = value.parse().unwrap();
            assert!(number.is_finite(), "{}: {row:?}", path.display());
            numbers.insert(format!("{name} {} {value}", &row[0]));
        }
    }
    // Bars say their numbers beside them, rounded; points say them whole.
    if &header[0] != "name" {
        let points = titles.iter().map(|title| {
            let (place, value) = title.rsplit_once(": ").unwrap();
            let (series, x) = place.rsplit_once(", ").unwrap();
            format!("{series} {} {value}", x.rsplit_once(' ').unwrap().1)
        });
        assert_eq!(points.collect::<BTreeSet<_>>(), numbers, "{}", path.display());
    }
    1
}

#[test]
fn a_study_is_made_in_stages() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    succeeds(study(folder, "--only explore,cnn --limit 28 --epochs 1 --out s"));
    let report = folder.join("s/report.html");
    let found = headings(&fs::read_to_string(&report).unwrap());
    assert!(found.contains(&SECTIONS[4].into()) && !found.contains(&SECTIONS[7].into()), "{found:?}");
    // The settings are the study's: not those of the environment.
    let mut more = study(folder, "--resume --only augment --out s --threads 1");
    more.env("FER_EPOCHS", "3").env("FER_DATA", "nowhere").env("FER_SEED", "5");
    succeeds(more);
    let found = headings(&fs::read_to_string(&report).unwrap());
    assert!(found.contains(&SECTIONS[4].into()) && found.contains(&SECTIONS[7].into()), "{found:?}");
    let config = fs::read_to_string(folder.join("s/augment/face/config.toml")).unwrap();
    assert!(config.contains("epochs = 1") && config.contains("seed = 0"), "{config}");

    fails(study(folder, "--only cnn --out s"), 1, &["s exists already", "--resume"]);
    fails(study(folder, "--resume --only cnn --seed 3 --out s"), 2, &["--resume", "--seed"]);
    fails(study(folder, "--resume --out elsewhere"), 1, &["elsewhere", "no study to resume"]);
    fails(study(folder, "--only dnn"), 2, &["dnn", "cnn"]);
    fails(study(folder, "--quick --full"), 2, &["--full"]);
    for (setting, name) in [("--epochs 0", "epochs"), ("--trials 0", "trials"), ("--seeds 0", "seeds")] {
        fails(study(folder, &format!("{setting} --out none")), 2, &[name, "at least 1"]);
    }
    fails(study(folder, "--data nowhere --out none"), 1, &["nowhere"]);
    fails(study(folder, "--weights-dir nowhere --out none"), 2, &["weights-dir", "nowhere"]);
    fs::write(folder.join("file"), "").unwrap();
    fails(study(folder, "--only fnn --limit 28 --out file"), 1, &["file"]);
    fails(study(folder, "--only fnn --limit 28 --out file/s"), 1, &["file/s"]);
    assert!(!folder.join("none").exists() && !folder.join("elsewhere").exists());

    // What is left of a study that was killed while it wrote its settings.
    fs::create_dir(folder.join("killed")).unwrap();
    fs::write(folder.join("killed/.study.toml.vitrine-tmp.7"), "scale").unwrap();
    succeeds(study(folder, "--only explore --limit 28 --out killed"));

    // A run that was made with other settings is not taken for one of the study.
    let config = folder.join("s/cnn/cnn1/config.toml");
    let other = fs::read_to_string(&config).unwrap().replace("epochs = 1", "epochs = 2");
    fs::write(&config, other).unwrap();
    fails(study(folder, "--resume --only cnn --out s"), 1, &["cnn1", "other settings"]);
    fs::write(folder.join("s/study.toml"), "scale = \"huge\"\n").unwrap();
    fails(study(folder, "--resume --out s"), 1, &["study.toml", "huge"]);
}

#[test]
fn a_search_counts_the_runs_of_its_best_network_alone() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    succeeds(study(folder, "--only search --trials 1 --limit 28 --epochs 1 --seeds 2 --out s"));
    let seeds = || -> Vec<String> {
        let report = fs::read_to_string(folder.join("s/report.md")).unwrap();
        let (_, table) = report.split_once("### joint density: the best network, trained anew").unwrap();
        let rows = table.lines().skip_while(|line| !line.starts_with("| ---")).skip(1);
        rows.take_while(|line| line.starts_with('|')).map(|row| row[2..3].to_owned()).collect()
    };
    assert_eq!(seeds(), ["0", "1"]);

    // Such runs are left behind by a best network that was overtaken when the search got further trials.
    let best = folder.join("s/search/joint/best-0");
    for (run, file, from, to) in [
        ("best-0-2", "network.json", "\"search\"", "\"another\""),
        ("best-0-3", "config.toml", "epochs = 1", "epochs = 2"),
    ] {
        let other = best.with_file_name(run);
        fs::create_dir(&other).unwrap();
        for file in ["config.toml", "network.json", "result.json"] {
            fs::copy(best.join(file), other.join(file)).unwrap();
        }
        let text = fs::read_to_string(other.join(file)).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(other.join(file), text.replace(from, to)).unwrap();
    }
    succeeds(study(folder, "--resume --only explore --out s"));
    assert_eq!(seeds(), ["0", "1"]);
}

#[test]
fn a_plan_says_what_would_be_done_and_does_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let output = succeeds(study(folder, "--plan --only fnn,finetune --limit 28 --epochs 1 --out s --json"));
    let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
    let runs = plan["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 5 + 9);
    for run in runs {
        assert!(run["seconds"].as_f64().unwrap() > 0.0, "{run}");
        // More than the parameters alone.
        assert!(run["bytes"].as_u64().unwrap() > 4 * 2_000_000, "{run}");
    }
    let sum: f64 = runs.iter().map(|run| run["seconds"].as_f64().unwrap()).sum();
    assert!((plan["seconds"].as_f64().unwrap() - sum).abs() < 1e-6 * sum);
    assert!(!folder.join("s").exists());
    // The whole protocol needs weights, and says which are missing.
    let full = succeeds(study(folder, "--plan --full --only finetune --limit 28 --weights-dir . --out s"));
    assert!(text(&full.stdout).contains("no weights"), "{}", text(&full.stdout));
}

/// A study of the convolutional networks that keeps a checkpoint after every step.
const SMALL: &str = "--only cnn --limit 70 --epochs 1 --out s --checkpoint-minutes 0";
const RESUME: &str = "--resume --only cnn --out s --checkpoint-minutes 0";

#[test]
fn a_study_that_is_killed_at_random_moments_ends_with_the_same_bits() {
    const KILLS: usize = 50;
    let once = tempfile::tempdir().unwrap();
    let start = Instant::now();
    succeeds(study(once.path(), SMALL));
    let time = start.elapsed().min(Duration::from_millis(2500));
    let expected = weights(&once.path().join("s"));
    assert_eq!(expected.len(), 2 * 3);
    let mut stream = Stream::new(7, Purpose::Subset, 0, 0);
    let (mut kills, mut finished) = (0, 0);
    while kills < KILLS {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let command = || {
            let begun = folder.join("s/study.toml").exists();
            study(folder, if begun { RESUME } else { SMALL })
        };
        end_despite_kills(command, time, &mut stream, &mut kills, KILLS);
        assert_eq!(weights(&folder.join("s")), expected, "after {kills} kills");
        finished += 1;
    }
    println!("{kills} kills, {finished} studies");
}

#[cfg(unix)]
#[test]
fn an_interrupted_study_exits_with_130_and_goes_on() {
    let once = tempfile::tempdir().unwrap();
    succeeds(study(once.path(), SMALL));
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut child = study(folder, SMALL).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    while !folder.join("s/cnn/cnn1/config.toml").exists() {
        assert!(Instant::now() < deadline, "two minutes were not enough");
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let said = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
    assert!(said.contains("fer study --resume --out s continues"), "{said}");
    // As far as it has got, there is a report.
    assert!(folder.join("s/report.html").exists());
    succeeds(study(folder, &RESUME.replace("--checkpoint", "--threads 3 --checkpoint")));
    assert_eq!(weights(&folder.join("s")), weights(&once.path().join("s")));
}
