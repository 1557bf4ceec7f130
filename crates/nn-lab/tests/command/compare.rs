//! `nn-lab bench compare`.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::{fails, lab, stdout};

/// A step report with these samples of a step.
fn step_report(path: &Path, model: &str, samples: &[f64]) {
    let report = json!({
        "model": model, "params": 1, "batch": 256, "threads": 2, "isa": "avx2", "step_ms": samples[0],
        "step_ms_min": samples[0], "infer_ms": 1.0, "gflops": 1.0, "peak_gflops": 1.0, "peak_rss_mb": null,
        "peak": {"before": 1.0, "after": 1.0}, "step_samples_ms": samples,
        "infer_samples_ms": [1.0, 1.1, 1.2, 1.3, 1.4, 1.5],
    });
    fs::write(path, report.to_string()).unwrap();
}

#[test]
fn compare_fails_on_a_significant_regression_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    step_report(&path("before"), "cnn1", &[10.0, 10.1, 10.2, 10.3, 10.4, 10.5, 10.6]);
    step_report(&path("slower"), "cnn1", &[11.0, 11.1, 11.2, 11.3, 11.4, 11.5, 11.6]);
    step_report(&path("spread"), "cnn1", &[9.0, 9.5, 12.0, 12.5, 13.0, 9.2, 12.0]);
    step_report(&path("other"), "fnn1", &[10.0; 7]);
    let compare = |a: &str, b: &str, extra: &[&str]| {
        let (a, b) = (path(a), path(b));
        lab(&[&["bench", "compare", a.to_str().unwrap(), b.to_str().unwrap()], extra].concat())
    };
    let slower = compare("before", "slower", &[]);
    fails(&slower, 1, &[]);
    let text = stdout(&slower);
    assert!(
        text.contains("+9.7 %") && text.contains("worse") && text.contains("regressions of more than 5 %: 1")
    );
    assert!(text.contains("| cnn1 infer batch 256 avx2 2 threads"));
    fails(&compare("before", "slower", &["--fail-over", "10%"]), 0, &[]);
    fails(&compare("before", "slower", &["--fail-over", "9"]), 1, &[]);
    fails(&compare("slower", "before", &["--fail-over", "0"]), 0, &[]);
    let spread = compare("before", "spread", &[]);
    fails(&spread, 0, &[]);
    let text = stdout(&spread);
    assert!(text.contains("+16.5 %") && text.contains("| undecided |"), "{text}");
    assert!(text.contains("undecided: 2; the samples vary too much"), "{text}");
    let other = compare("before", "other", &[]);
    fails(&other, 0, &[]);
    assert!(stdout(&other).contains("before: cnn1 step") && stdout(&other).contains("other: fnn1 step"));
    fails(&compare("before", "none", &[]), 1, &["none: No such file"]);
    fails(&compare("before", "before", &["--fail-over=-1"]), 2, &["--fail-over"]);
    fs::write(path("text"), "no report").unwrap();
    fails(&compare("text", "before", &[]), 1, &["text: is not JSON: an unknown word (line 1, column"]);
    for (name, content, reason) in [
        ("other", "{\"kind\": \"other\"}", "is not a report that nn-lab bench"),
        ("list", "[[[[", "is not a report that nn-lab bench"),
        ("escape", "{\"kind\": \"\\u001b[31m\"}", "is not a report that nn-lab bench"),
    ] {
        fs::write(path(name), content).unwrap();
        fails(&compare(name, "before", &[]), 1, &[name, reason]);
    }
    step_report(&path("negative"), "cnn1", &[-1.0; 7]);
    fails(&compare("negative", "before", &[]), 1, &["negative: cnn1 step", "has a sample of -1e0 ms"]);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/dev/zero", path("zero")).unwrap();
        fails(&compare("before", "zero", &[]), 1, &["zero: is a device, expected a regular file"]);
    }
}

/// Names come from files, which anybody may have written.
#[test]
fn names_do_not_act_on_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report");
    step_report(&path, "a\u{1b}[31m\u{7}\u{202e}b", &[1.0; 7]);
    let path = path.to_str().unwrap();
    let compared = lab(&["bench", "compare", path, path]);
    let text = stdout(&compared);
    assert!(compared.status.success() && text.contains("a\\u001b[31m\\u0007\\u202eb"), "{text}");
    fails(&lab(&["bench", "conv", "\u{1b}[2J"]), 2, &["expected a key, got '\\u{1b}'"]);
}

#[test]
fn real_reports_compare_with_themselves() {
    let folder = tempfile::tempdir().unwrap();
    for (name, arguments) in [
        ("conv", vec!["bench", "conv", "ic1ih8oc1kh3n\"a\"", "--dir", "all"]),
        ("gemm", vec!["bench", "gemm", "8,8,8"]),
        ("step", vec!["bench", "step", "fnn1", "--batch", "1"]),
    ] {
        let path = folder.path().join(name);
        let path = path.to_str().unwrap();
        let output = lab(&[&arguments[..], &["--json", path, "--max-ms", "1", "--min-reps", "6"]].concat());
        assert!(output.status.success(), "{output:?}");
        let compared = lab(&["bench", "compare", path, path]);
        assert!(compared.status.success(), "{compared:?}");
        // Nothing has changed, but few samples of little work cannot always show it.
        let rows = stdout(&compared)
            .lines()
            .filter(|line| line.ends_with(" same |") || line.ends_with(" undecided |"));
        assert_eq!(rows.count(), if name == "step" { 2 } else { 3 }, "{}", stdout(&compared));
    }
}
