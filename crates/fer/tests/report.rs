//! `fer report` and `fer runs` from end to end, through the binary, on runs of a tiny network.

mod page;
mod program;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value;

use page::{as_xml, cells, in_a_browser, parse, without_pictures};
use program::fer;

/// A network that trains in a moment, under a name of which results, but no curves and parameters, are published.
const NETWORK: &str = r#"{"name": "search", "input_shape": [48, 48, 1], "layers": [
    {"class_name": "Conv2D", "config": {"filters": 4, "kernel_size": 5, "strides": 3, "activation": "relu"}},
    {"class_name": "Flatten", "config": {}},
    {"class_name": "Dense", "config": {"units": 7, "activation": "softmax"}}]}"#;

#[track_caller]
fn succeeds(folder: &Path, arguments: &[&str]) -> String {
    let output = fer(folder, arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn fails(folder: &Path, arguments: &[&str], fragments: &[&str]) {
    let output = fer(folder, arguments).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
    for fragment in fragments {
        assert!(stderr.contains(fragment), "{arguments:?}: {fragment:?} is not in: {stderr}");
    }
}

/// Three runs, trained once: `first` and `second` differ in their seed, `cnn1` has the name of a published network.
fn trained() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("tiny.json"), NETWORK).unwrap();
        fs::write(folder.path().join("other.json"), NETWORK.replace("search", "cnn1")).unwrap();
        let few = ["--epochs", "2", "--batch", "32", "--limit", "210"];
        for (network, seed, run) in
            [("tiny.json", "7", "first"), ("tiny.json", "8", "second"), ("other.json", "7", "cnn1")]
        {
            let run = format!("runs/{run}");
            succeeds(folder.path(), &[&["train", network, "--seed", seed, "--run", &run][..], &few].concat());
        }
        folder
    });
    folder.path()
}

/// A folder of its own with copies of the runs.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for run in ["first", "second", "cnn1"] {
        let (from, to) = (trained().join("runs").join(run), folder.path().join("runs").join(run));
        fs::create_dir_all(&to).unwrap();
        let files = fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path());
        // A report has no use for the folder of checkpoints.
        for path in files.filter(|path| path.is_file()) {
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
    folder
}

/// Lets a run seem to be made on FER-2013: as many images, as many test images of each class.
fn as_if_on_fer_2013(run: &Path) {
    let path = run.join("env.json");
    let mut environment: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    environment["images"] = serde_json::json!([28709, 3589, 3589]);
    fs::write(&path, environment.to_string()).unwrap();
    let path = run.join("confusion.csv");
    if let Ok(text) = fs::read_to_string(&path) {
        let mut lines: Vec<String> = text.lines().map(String::from).collect();
        for (line, images) in lines[1..].iter_mut().zip([491, 55, 528, 879, 594, 416, 626]) {
            let class = line.split(',').next().unwrap();
            *line = format!("{class},{images},0,0,0,0,0,0");
        }
        fs::write(&path, lines.join("\n") + "\n").unwrap();
    }
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn a_report_shows_every_part_of_its_runs_in_one_file() {
    let folder = folder();
    let folder = folder.path();
    as_if_on_fer_2013(&folder.join("runs/first"));
    edit(&folder.join("runs/first/result.json"), "\"epochs\": 2", "\"epochs\": 10");
    // As many images are not yet FER-2013.
    edit(&folder.join("runs/second/env.json"), "210", "28709");

    let printed = succeeds(folder, &["report", "runs/first", "runs/second", "runs/cnn1"]);
    assert_eq!(printed, "report.html\nreport.md\n");
    let html = fs::read_to_string(folder.join("report.html")).unwrap();
    let markdown = fs::read_to_string(folder.join("report.md")).unwrap();

    // Well-formed, whole in itself, and without what is no number.
    let xml = as_xml(&html);
    let document = parse(&xml);
    for text in [&without_pictures(&html), &markdown] {
        assert!(!text.contains("NaN") && !text.contains("Infinity"), "a number is none");
        let outside = text.replace("http://www.w3.org/2000/svg", "");
        assert!(
            !outside.contains("http:") && !outside.contains("https:"),
            "the report refers to the network"
        );
    }
    assert!(!html.contains("<script") && !html.contains("@import") && !html.contains("url("), "{html}");
    let headings: Vec<_> =
        document.descendants().filter(|node| node.has_tag_name("h2")).filter_map(|h| h.text()).collect();
    let expected =
        ["Results", "Curves", "Confusion matrices", "Results by class", "Worst errors", "Environment"];
    assert_eq!(headings, expected);
    let ids: Vec<_> = document.descendants().filter_map(|node| node.attribute("id")).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");

    // Everything beside it exists and is linked.
    let linked: BTreeSet<_> = document
        .descendants()
        .filter_map(|node| node.attribute("href"))
        .filter(|h| h.contains("-data/"))
        .collect();
    assert_eq!(linked.len(), 3 * 2 + 3, "two plots and a confusion matrix for each run: {linked:?}");
    for file in &linked {
        assert!(folder.join(file).is_file(), "{file}");
    }

    // The same cells in both forms.
    let cells = cells(&document);
    assert!(cells.len() > 3 + 3 * 7 + 3 * 8, "{cells:?}");
    let plain = markdown.replace('\\', "");
    for row in &cells {
        let line = format!("| {} |", row.join(" | "));
        assert!(plain.contains(&line), "{line} is not in the Markdown");
    }

    // The numbers are those of the runs: accuracies, differences where they mean something.
    let result = |run: &str| -> Value {
        serde_json::from_str(&fs::read_to_string(folder.join("runs").join(run).join("result.json")).unwrap())
            .unwrap()
    };
    let percent = |share: &Value| format!("{:.2} %", share.as_f64().unwrap() * 100.0);
    let row = |run: &str| cells.iter().find(|row| row[0] == run).unwrap();
    let (first, second, cnn1) = (row("first"), row("second"), row("cnn1"));
    let test = result("first")["test_acc"].as_f64().unwrap();
    assert!(
        first.contains(&"59.40 %".into()) && first.contains(&percent(&result("first")["test_acc"])),
        "{first:?}"
    );
    let difference = format!("\u{2212}{:.2}", (0.5940 - test) * 100.0);
    assert!(test < 0.59 && first.contains(&difference), "{first:?} lacks {difference}");
    for other in [second, cnn1] {
        assert!(!other.iter().any(|cell| cell.starts_with(['+', '\u{2212}'])), "{other:?}");
    }
    assert!(!markdown.contains("58.12 %") && markdown.matches("59.40 %").count() == 1, "{markdown}");
    for words in [
        "on FER-2013, so none stands beside second; cnn1.",
        "Each difference is that of one seed. Over seeds, the standard deviation of the test accuracy is",
    ] {
        assert!(html.contains(words), "{words} is not in the report");
    }

    // Two runs of `search` differ in their seed alone.
    let (a, b) = (test, result("second")["test_acc"].as_f64().unwrap());
    let seeds = cells.iter().find(|row| row.len() == 8 && row[0] == "search" && row[2] == "2").unwrap();
    assert_eq!(seeds[5], format!("{:.2} %", (a + b) * 50.0), "{seeds:?}");
    assert_eq!(seeds[6], format!("{:.2} %", (a - b).abs() * 100.0 / 2f64.sqrt()), "{seeds:?}");

    // Curves: the run's own epochs, and no published ones beside a network that is no cnn1.
    let loss = fs::read_to_string(folder.join("report-data/cnn1-loss.csv")).unwrap();
    let mut lines = loss.lines();
    assert_eq!(lines.next(), Some("epoch,training,validation"));
    let metrics = fs::read_to_string(folder.join("runs/cnn1/metrics.csv")).unwrap();
    let metrics: Vec<Vec<&str>> = metrics.lines().skip(1).map(|line| line.split(',').collect()).collect();
    for (epoch, (metrics, line)) in (1..).zip(metrics.iter().zip(lines.by_ref())) {
        assert_eq!(*line, format!("{epoch},{},{}", metrics[2], metrics[5]));
        assert!(
            html.contains(&format!("<title>validation, epoch {epoch}: {}</title>", metrics[5])),
            "{metrics:?}"
        );
    }
    assert_eq!(lines.count(), 0);
    assert_eq!(
        fs::read_to_string(folder.join("report-data/first-confusion-of-the-test-images.csv")).unwrap(),
        fs::read_to_string(folder.join("runs/first/confusion.csv")).unwrap()
    );

    // The worst errors: pictures of 48x48 pixels, the most confident first, and they are errors of the run.
    let predictions = fs::read_to_string(folder.join("runs/first/predictions.csv")).unwrap();
    let mut errors: Vec<f64> = Vec::new();
    for line in predictions.lines().skip(1) {
        let fields: Vec<f64> = line.split(',').map(|field| field.parse().unwrap()).collect();
        if fields[1] != fields[2] {
            errors.push(fields[3 + fields[2] as usize]);
        }
    }
    errors.sort_by(|a, b| b.total_cmp(a));
    let figure = document
        .descendants()
        .find(|node| node.attribute("id").is_some_and(|id| id.starts_with("first-most-confident")))
        .unwrap();
    let pictures: Vec<_> = figure.descendants().filter(|node| node.has_tag_name("img")).collect();
    assert_eq!(pictures.len(), errors.len().min(10));
    for (picture, error) in pictures.iter().zip(&errors) {
        let words = picture.attribute("alt").unwrap();
        assert!(words.ends_with(&format!("{:.2} %", error * 100.0)), "{words} {error}");
        assert!(picture.attribute("src").unwrap().starts_with("data:image/png;base64,iVBOR"));
    }
    let png = image::open(folder.join("report-data/first-most-confident-errors-on-the-test-images-01.png"))
        .unwrap();
    assert_eq!((png.width(), png.height()), (48, 48));

    // Environment: what is common once, what differs by run.
    for fact in ["data SHA-256", "commit", "synthetic faces", "--seed 8"] {
        assert!(html.contains(fact), "{fact}");
    }
    in_a_browser(&folder.join("report.html"));
}

#[test]
fn reports_are_replaced_only_when_told_to() {
    let folder = folder();
    let folder = folder.path();
    succeeds(folder, &["report", "runs", "-o", "r.html", "--errors", "0"]);
    fails(folder, &["report", "runs/first", "-o", "r.html"], &["r.html exists; give --force"]);
    for name in ["notes.txt", "notes.csv", "holiday.png"] {
        fs::write(folder.join("r-data").join(name), "mine").unwrap();
    }
    succeeds(folder, &["report", "runs/first", "-o", "r.html", "--errors", "0", "--force"]);
    let files: BTreeSet<_> =
        fs::read_dir(folder.join("r-data")).unwrap().map(|f| f.unwrap().file_name()).collect();
    let expected = [
        "first-accuracy.csv",
        "first-confusion-of-the-test-images.csv",
        "first-loss.csv",
        "holiday.png",
        "notes.csv",
        "notes.txt",
        "report-files.txt",
    ];
    assert_eq!(files, expected.map(Into::into).into(), "files of the first report are gone, others stay");
    // What a list names elsewhere, and what only looks like a report's folder, is not touched.
    fs::write(folder.join("mine.csv"), "mine").unwrap();
    fs::write(folder.join("r-data/report-files.txt"), "../mine.csv\nnotes.txt\nholiday.png/\n").unwrap();
    fs::create_dir(folder.join("s-data")).unwrap();
    fs::write(folder.join("s-data/mine.csv"), "mine").unwrap();
    for html in ["r.html", "s.html"] {
        succeeds(folder, &["report", "runs/first", "-o", html, "--errors", "0", "--force"]);
    }
    for path in ["mine.csv", "r-data/notes.txt", "r-data/holiday.png", "s-data/mine.csv"] {
        assert_eq!(fs::read(folder.join(path)).unwrap(), b"mine", "{path}");
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(folder.join("s-data"), folder.join("t-data")).unwrap();
        fails(folder, &["report", "runs/first", "-o", "t.html", "--force"], &["t-data: is a link"]);
    }
    fails(folder, &["report", "runs", "-o", "r.pdf"], &["r.pdf", ".html"]);
    fs::write(folder.join("taken"), "").unwrap();
    fails(folder, &["report", "runs", "-o", "taken/r.html"], &["taken"]);
    succeeds(folder, &["report", "runs", "-o", "new/r.html", "--errors", "0"]);
    assert!(folder.join("new/r-data").is_dir());
}

#[test]
fn runs_are_listed_shown_and_compared() {
    let folder = folder();
    let folder = folder.path();
    fs::remove_file(folder.join("runs/second/result.json")).unwrap();
    let list: Value = serde_json::from_str(&succeeds(folder, &["runs", "list", "--json"])).unwrap();
    let rows: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (r["run"].as_str().unwrap(), r["state"].as_str().unwrap()))
        .collect();
    assert_eq!(rows, [("runs/cnn1", "finished"), ("runs/first", "finished"), ("runs/second", "unfinished")]);
    assert!(list[2]["val_acc"].is_f64() && list[2]["test_acc"].is_null() && list[0]["test_acc"].is_f64());
    let table = succeeds(folder, &["runs", "list"]);
    let line = table.lines().find(|line| line.contains("second")).unwrap();
    assert!(line.contains("unfinished") && line.contains("2 of 2") && line.contains('\u{2013}'), "{table}");

    let shown = succeeds(folder, &["runs", "show", "runs/first"]);
    for part in [
        "search, finished, 2 epochs",
        "test accuracy",
        "limit",
        "210",
        "best validation accuracy",
        "--seed 7",
    ] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    let shown: Value =
        serde_json::from_str(&succeeds(folder, &["runs", "show", "runs/first", "--json"])).unwrap();
    assert_eq!((&shown["settings"]["seed"], shown["epochs"].as_array().unwrap().len()), (&7.into(), 2));

    let compared: Value =
        serde_json::from_str(&succeeds(folder, &["runs", "compare", "runs/first", "runs/cnn1", "--json"]))
            .unwrap();
    let differing = serde_json::json!({ "model": ["tiny.json", "other.json"] });
    assert_eq!(compared["settings"], differing, "the other settings are the same");
    assert_eq!(compared["results"].as_array().unwrap().len(), 2);
    let compared = succeeds(folder, &["runs", "compare", "runs/first", "runs/second"]);
    assert!(
        compared.contains("seed") && !compared.contains("| batch") && compared.contains("test accuracy"),
        "{compared}"
    );

    // An unfinished run is reported as such; it has no errors, no matrix, and is not measured against what was published.
    as_if_on_fer_2013(&folder.join("runs/second"));
    succeeds(folder, &["report", "runs", "--errors", "0"]);
    let markdown = fs::read_to_string(folder.join("report.md")).unwrap();
    assert!(markdown.contains("values of the last epoch: second"), "{markdown}");
    let row = markdown.lines().find(|line| line.starts_with("| second | search")).unwrap();
    assert!(row.contains("59.26 %") && !row.contains('+') && !row.contains('\u{2212}'), "{row}");
    fs::create_dir(folder.join("empty")).unwrap();
    assert_eq!(succeeds(folder, &["runs", "list", "empty", "--json"]).trim(), "[]");
}

#[test]
fn what_is_no_run_or_damaged_is_named() {
    let folder = folder();
    let folder = folder.path();
    fs::create_dir(folder.join("empty")).unwrap();
    fails(folder, &["runs", "list", "nowhere"], &["nowhere"]);
    fails(folder, &["runs", "show", "empty"], &["empty", "not a run folder"]);
    fails(folder, &["runs", "compare", "runs/first", "empty"], &["empty", "not a run folder"]);
    fails(folder, &["report", "empty"], &["empty", "not a run folder"]);
    fails(folder, &["report", "nowhere"], &["nowhere"]);
    // A run that is damaged is told; damage.rs tries every way.
    fs::write(folder.join("runs/first/metrics.csv"), "epoch,accuracy,loss\n0,x,1\n").unwrap();
    fails(folder, &["runs", "show", "runs/first"], &["metrics.csv: line 2", "field 2 is no number"]);
    fails(folder, &["report", "runs/first"], &["metrics.csv: line 2", "nothing to report"]);
    fails(folder, &["runs", "compare", "runs/first", "runs/first"], &["metrics.csv", "none of these runs"]);
    assert!(
        !folder.join("report.html").exists() && !folder.join("report-data").exists(),
        "a part of a report"
    );
}

#[test]
fn a_loss_that_is_no_number_is_a_gap() {
    let folder = folder();
    let folder = folder.path();
    let metrics = "epoch,accuracy,loss,learning_rate,val_accuracy,val_loss,seconds\n\
                   0,0.25,NaN,0.001,0.5,,1.0\n1,0.5,inf,0.001,0.25,1.5,1.0\n";
    fs::write(folder.join("runs/first/metrics.csv"), metrics).unwrap();
    edit(&folder.join("runs/first/result.json"), "\"test_acc\": 0.", "\"test_acc\": null, \"_\": 0.");
    succeeds(folder, &["report", "runs/first", "runs/second", "--errors", "0"]);
    let html = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(
        !html.contains("NaN")
            && !html.contains(">inf")
            && html.contains("<td class=\"number\">\u{2013}</td>"),
        "{html}"
    );
    let loss = fs::read_to_string(folder.join("report-data/first-loss.csv")).unwrap();
    assert_eq!(loss, "epoch,training,validation\n2,,1.5\n");
}
