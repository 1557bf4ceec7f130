//! What a report says holds: each claim stands in it under its condition and is absent otherwise. The runs are those of
//! the study on FER-2013, as docs/results keeps them.

use std::fs;
use std::path::{Path, PathBuf};

use fer::data::{Dataset, Faces, PIXELS, Source};
use fer::published::CLASSES;
use fer::study::{Plan, StudySettings, report};
use serde_json::Value;

/// A copy of the study's folder.
struct Study {
    folder: tempfile::TempDir,
}

impl Study {
    /// The study with nothing but these of its parts, which takes less time.
    fn of(parts: &[&str]) -> Self {
        let study = Self { folder: tempfile::tempdir().unwrap() };
        for file in parts.iter().chain(&["measures.csv", "study.toml"]) {
            let to = study.path(file);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            copy(&committed().join(file), &to);
        }
        study
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    fn edit(&self, file: &str, change: impl FnOnce(String) -> String) {
        let text = fs::read_to_string(self.path(file)).unwrap();
        fs::write(self.path(file), change(text)).unwrap();
    }

    /// The same with another value in a file of JSON.
    fn set(&self, file: &str, key: &str, value: impl Into<Value>) {
        self.edit(file, |json| {
            let mut object: Value = serde_json::from_str(&json).unwrap();
            object[key] = value.into();
            object.to_string()
        });
    }

    fn report_on(&self, data: &Dataset) -> String {
        let settings = StudySettings::read(&self.path("study.toml")).unwrap();
        let plan = Plan::new(StudySettings { weights_dir: None, ..settings }).unwrap();
        report(self.folder.path(), &plan, data).unwrap().to_markdown("report-data").replace('\\', "")
    }

    /// Its report, on as many images as FER-2013 has.
    fn report(&self) -> String {
        self.report_on(&images(1))
    }
}

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/results/study")
}

fn copy(from: &Path, to: &Path) {
    if from.is_file() {
        fs::copy(from, to).unwrap();
        return;
    }
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        copy(&entry.path(), &to.join(entry.file_name()));
    }
}

/// Blank images in place of FER-2013, one for every `share` of each class.
fn images(share: usize) -> Dataset {
    let [train, val, test] = CLASSES.map(|classes| {
        let mut faces = Faces::default();
        for (label, count) in classes.into_iter().enumerate() {
            (0..count.div_ceil(share)).for_each(|_| faces.push(&[label as u8; PIXELS], label as u8));
        }
        faces
    });
    Dataset { train, val, test, source: Source::Csv { paths: Vec::new() }, warnings: Vec::new() }
}

#[track_caller]
fn says(report: &str, words: &[&str]) {
    for words in words {
        assert!(report.contains(words), "{words:?} is not in {report}");
    }
}

#[track_caller]
fn does_not_say(report: &str, words: &[&str]) {
    for words in words {
        assert!(!report.contains(words), "{words:?} is in {report}");
    }
}

/// All but the augmented runs, for which the whole of the faces would have to be whitened.
#[test]
fn the_report_in_docs_is_the_one_that_its_folder_makes() {
    let committed = fs::read_to_string(committed().join("report.md")).unwrap().replace('\\', "");
    let ours = Study::of(&["fnn", "cnn", "search", "finetune"]).report();
    let claims = ["Published and ours", "What the original got wrong", "(e)", "(f)", "Over seeds"];
    let sections = ours.split("\n## ").filter(|part| claims.iter().any(|title| part.starts_with(title)));
    let mut lines = 0;
    for line in sections.flat_map(str::lines).filter(|line| !line.contains("far into over-fitting")) {
        assert!(committed.contains(line), "{line:?} is not in the committed report");
        lines += 1;
    }
    assert!(lines > 120, "{lines} lines of the committed report");
}

const SEARCH: &str = "Bayesian search without a Bayesian step";
const IMPORTANCE: &str = "Importance of the parameters";

#[test]
fn a_search_is_praised_only_for_what_it_found_itself() {
    let study = Study::of(&["search"]);
    let whole = study.report();
    says(
        &whole,
        &[
            SEARCH,
            "| our density over all parameters; mean of 3 seeds | 60.06 % | +5.29 | \u{b1} 0.80 (3 and 3 seeds) |",
            "6 trials are spread over the space, 9 follow from what came before",
            "joint density (15 trials)",
            "hyperopt, as it ran (15 trials)",
        ],
    );

    // The best trial is one of those that follow from nothing.
    study.edit("search/joint/trials.csv", |csv| csv.replace("0.34772917247144053", "0.9"));
    let lucky = study.report();
    does_not_say(&lucky, &[SEARCH, "our density"]);
    says(&lucky, &[IMPORTANCE]);

    // Both searches are made of such trials.
    for search in ["joint", "hyperopt"] {
        copy(&committed().join("search").join(search), &study.path("search").join(search));
        study.edit(&format!("search/{search}/trials.csv"), |csv| {
            csv.lines().take(4).map(|line| format!("{line}\n")).collect()
        });
    }
    let short = study.report();
    does_not_say(&short, &[SEARCH, "our density", IMPORTANCE]);
    assert_eq!(short.matches("so none of these 3 trials is a Bayesian step").count(), 2, "{short}");
}

#[test]
fn importances_need_ten_trials_that_differ() {
    let study = Study::of(&["search"]);
    let keep = |lines: usize| {
        for search in ["joint", "hyperopt"] {
            copy(&committed().join("search").join(search), &study.path("search").join(search));
            study.edit(&format!("search/{search}/trials.csv"), |csv| {
                csv.lines().take(1 + lines).map(|line| format!("{line}\n")).collect()
            });
        }
        study.report()
    };
    says(&keep(10), &[IMPORTANCE, "joint density (10 trials)"]);
    does_not_say(&keep(9), &[IMPORTANCE]);
    // As many trials, all with the same value, say nothing either.
    for search in ["joint", "hyperopt"] {
        copy(&committed().join("search").join(search), &study.path("search").join(search));
        study.edit(&format!("search/{search}/trials.csv"), |csv| {
            let lines = csv.lines().enumerate().map(|(i, line)| {
                let mut fields: Vec<&str> = line.split(',').collect();
                if i > 0 && fields[1] == "complete" {
                    fields[6] = "0.25";
                }
                fields.join(",") + "\n"
            });
            lines.collect()
        });
    }
    does_not_say(&study.report(), &[IMPORTANCE]);
}

#[test]
fn differences_carry_their_spread_or_say_that_there_is_one_seed() {
    let study = Study::of(&["search", "cnn"]);
    says(
        &study.report(),
        &[
            "Each difference is that of one seed. Over seeds, the standard deviation of the test accuracy is",
            "points for cnn1 (3 seeds)",
        ],
    );
    for run in
        ["search/joint/best-2", "search/joint/best-3", "search/hyperopt/best-2", "search/hyperopt/best-3"]
    {
        fs::remove_dir_all(study.path(run)).unwrap();
    }
    for run in ["cnn/cnn1-seed2", "cnn/cnn1-seed3"] {
        fs::remove_dir_all(study.path(run)).unwrap();
    }
    let single = study.report();
    says(
        &single,
        &[
            "| our density over all parameters | 61.08 % | +7.38 | one seed |",
            "How far seeds lie apart was not measured",
        ],
    );
    does_not_say(&single, &["mean of", "standard deviation of the test accuracy"]);
}

#[test]
fn nothing_published_stands_beside_other_data_networks_or_epochs() {
    let study = Study::of(&["cnn", "search"]);
    let beside = ["58.12 %", "59.40 %", "published training", "Published and ours", "published trials"];
    says(&study.report(), &beside);
    says(&study.report(), &["| cnn1 | cnn1 | 15 | 99.48 % | 98.87 % | 57.37 % | 56.09 % | \u{2212}1.28 |"]);

    // Other epochs: no difference, and it is said.
    study.set("cnn/cnn1/result.json", "epochs", 14);
    let shorter = study.report();
    says(&shorter, &["| cnn1 | cnn1 | 14 | 99.48 % | 98.87 % | 57.37 % | 56.09 % | \u{2013} |"]);
    says(&shorter, &["other epochs than the published runs, so without differences: cnn1."]);
    study.set("cnn/cnn1/result.json", "epochs", 15);

    // Another network of the same name.
    study.edit("cnn/cnn1/network.json", |json| json.replace("512", "511"));
    study.set("cnn/cnn1/result.json", "params", 2_723_303 - 5_184 - 1 - 7);
    let other = study.report();
    says(&other, &["on FER-2013, so none stands beside cnn1."]);
    does_not_say(&other, &["57.37 % | 56.09 %"]);

    // Other data, though there may be as many images.
    let study = Study::of(&["cnn", "search"]);
    for run in ["cnn1", "cnn1-seed2", "cnn1-seed3", "cnn2", "cnn3"].map(|run| format!("cnn/{run}")) {
        study.set(&format!("{run}/env.json"), "data_sha256", "0123");
        study.edit(&format!("{run}/confusion.csv"), |csv| csv.replacen("\nAngry,", "\nAngry,1", 1));
    }
    for search in ["joint", "hyperopt"] {
        for seed in 1..=3 {
            let run = format!("search/{search}/best-{seed}");
            study.set(&format!("{run}/env.json"), "images", serde_json::json!([2800, 350, 350]));
        }
    }
    let elsewhere = study.report_on(&images(10));
    does_not_say(&elsewhere, &beside);
    does_not_say(&elsewhere, &["published:", "Each difference", "the original study, on"]);
    says(
        &elsewhere,
        &[
            "which are not all of FER-2013",
            "## Results",
            "| cnn1 | cnn1 | 15 | 98.87 % | 56.09 % | 57.93 % |",
        ],
    );
}

/// Kaggle's edition has the images in another order, and so another checksum.
#[test]
fn another_edition_of_fer_2013_is_fer_2013() {
    let study = Study::of(&["cnn"]);
    study.set("cnn/cnn1/env.json", "data_sha256", "0123");
    says(&study.report(), &["| cnn1 | cnn1 | 15 | 99.48 % | 98.87 % | 57.37 % | 56.09 % | \u{2212}1.28 |"]);
}

#[test]
fn a_mistake_without_effect_is_none_in_the_table() {
    let study = Study::of(&["finetune/ft2-unfrozen", "finetune/ft2-unfrozen-96"]);
    let mistake = "faces of 48x48 for a network made for larger ones";
    says(&study.report(), &[&format!("| {mistake} |"), "| +7.30 | one seed |"]);
    let same = fs::read_to_string(study.path("finetune/ft2-unfrozen/result.json")).unwrap();
    fs::write(study.path("finetune/ft2-unfrozen-96/result.json"), same).unwrap();
    let without = study.report();
    says(&without, &[&format!("Without any difference on these test images: {mistake}.")]);
    does_not_say(&without, &[&format!("| {mistake} |"), "| 0.00 |"]);

    // Of an unfinished run nothing was measured on the test images.
    fs::remove_file(study.path("finetune/ft2-unfrozen/result.json")).unwrap();
    does_not_say(&study.report(), &[mistake]);

    // Random weights in place of pre-trained ones say nothing of these.
    let study = Study::of(&["finetune/ft2-unfrozen", "finetune/ft2-unfrozen-96"]);
    study.edit("finetune/ft2-unfrozen/config.toml", |toml| {
        toml.replace("weights = \"weights\"", "weights = \"random\"")
    });
    does_not_say(&study.report(), &[mistake]);
}

#[test]
fn over_fitting_is_told_of_runs_that_over_fit() {
    let study = Study::of(&["fnn", "cnn/cnn3"]);
    let whole = study.report();
    let told =
        |report: &str| report.lines().find(|line| line.contains("far into over-fitting")).map(String::from);
    let line = told(&whole).unwrap();
    assert!(line.contains("fnn1") && !line.contains("cnn3") && !line.contains("fnn5"), "{line}");
    // The best epoch of fnn2 is its last, so there is no other to differ from.
    says(&whole, &["| fnn2 | 20 | 46.89 % | 46.09 % | 20 | 46.89 % | 46.09 % | \u{2013} |"]);

    // Losses that go on falling.
    let runs = ["fnn1", "fnn2", "fnn3", "fnn3-seed2", "fnn3-seed3", "fnn4", "fnn5"];
    for run in runs {
        study.edit(&format!("fnn/{run}/metrics.csv"), |csv| {
            let mut lines: Vec<String> = csv.lines().map(String::from).collect();
            for (i, line) in lines.iter_mut().enumerate().skip(1) {
                let mut fields: Vec<String> = line.split(',').map(String::from).collect();
                fields[5] = format!("{}", 2.0 - 0.01 * i as f64);
                *line = fields.join(",");
            }
            lines.join("\n") + "\n"
        });
    }
    assert_eq!(told(&study.report()), None);
}

#[test]
fn the_best_of_one_is_not_called_the_best() {
    let study = Study::of(&["cnn"]);
    says(&study.report(), &["Best on validation: cnn1 with"]);
    for run in ["cnn2", "cnn3"] {
        fs::remove_dir_all(study.path("cnn").join(run)).unwrap();
    }
    does_not_say(&study.report(), &["Best on validation: "]);
}

#[test]
fn a_damaged_part_of_a_study_is_listed_and_the_rest_reported() {
    let study = Study::of(&["cnn", "search"]);
    fs::write(study.path("cnn/cnn2/metrics.csv"), "epoch,loss\n1\n").unwrap();
    fs::write(study.path("search/hyperopt/trials.csv"), "trial\nx\n").unwrap();
    fs::write(study.path("search/joint/best-2/result.json"), "{").unwrap();
    fs::write(study.path("measures.csv"), "run,measure\na,b,c\n").unwrap();
    let report = study.report();
    let damaged = report.split_once("### Damaged").unwrap().1.split_once("## ").unwrap().0;
    let rows: Vec<&str> =
        damaged.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| run")).skip(1).collect();
    assert_eq!(rows.len(), 4, "{rows:?}");
    for file in [
        "cnn2/metrics.csv: line 2",
        "hyperopt/trials.csv: line 2",
        "best-2/result.json: ",
        "measures.csv: line 2",
    ] {
        assert!(rows.iter().any(|row| row.contains(file)), "{file} is not in {rows:?}");
    }
    says(&report, &["| cnn1 | cnn1 | 15 |", "joint/best-3", "joint density: trials"]);
    does_not_say(&report, &["cnn2: loss", "hyperopt, as it ran: trials"]);
}
