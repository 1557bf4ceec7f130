//! `nn-lab` as its users meet it: output, exit codes, messages, files.

mod compare;
mod lists;
mod outputs;

use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};

/// Budgets that make a measurement short and useless.
const SHORT: [&str; 4] = ["--max-ms", "1", "--min-reps", "2"];

fn lab(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nn-lab"));
    command.args(arguments).env_remove("NN_ISA").output().unwrap()
}

fn short(arguments: &[&str]) -> Output {
    lab(&[arguments, &SHORT].concat())
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn json_of(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// Checks the exit code, and that stderr has all fragments.
fn fails(output: &Output, code: i32, fragments: &[&str]) {
    let stderr = std::str::from_utf8(&output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    for fragment in fragments {
        assert!(stderr.contains(fragment), "{stderr:?} lacks {fragment:?}");
    }
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[test]
fn peak_tells_of_every_instruction_set_and_level() {
    let report = json_of(&lab(&["peak", "--json"]));
    let isas: Vec<_> = report["arithmetic"].as_array().unwrap().iter().map(|row| &row["isa"]).collect();
    assert!(isas.contains(&&json!("portable")));
    for row in report["arithmetic"].as_array().unwrap() {
        assert!(row["gflops"].as_f64().unwrap() > 0.0);
    }
    let levels: Vec<_> = report["bandwidth"].as_array().unwrap().iter().map(|row| &row["level"]).collect();
    assert_eq!(levels[..4], ["L1", "L2", "L3", "DRAM"]);
}

#[test]
fn a_step_is_reported_under_fixed_names() {
    let report =
        json_of(&short(&["bench", "step", "search3", "--batch", "2", "--threads", "2", "--json", "-"]));
    for key in ["step_ms", "step_ms_min", "infer_ms", "gflops", "peak_gflops"] {
        assert!(report[key].as_f64().unwrap() > 0.0, "{key}");
    }
    if cfg!(target_os = "linux") {
        assert!(report["peak_rss_mb"].as_f64().unwrap() > 10.0);
    }
    assert_eq!(
        (&report["model"], &report["batch"], &report["threads"]),
        (&json!("search3"), &json!(2), &json!(2))
    );
    let params = nn_zoo::search(&nn_zoo::SearchConfig { conv_kernel_size: 3, ..Default::default() });
    assert_eq!(report["params"], params.build::<f32>(0).unwrap().count_params());
    assert_eq!(report["step_samples_ms"].as_array().unwrap().len(), 2);
}

#[test]
fn a_network_can_be_described_to_others() {
    let config = json_of(&lab(&["config", "search5"]));
    assert_eq!(config["layers"][0]["class_name"], "Conv2D");
    assert_eq!(config["layers"][0]["config"]["kernel_size"], json!([5, 5]));
    assert_eq!(config["layers"][3]["config"]["rate"], 0.25);
}

#[test]
fn a_split_adds_up() {
    let report = json_of(&short(&["bench", "step", "cnn1", "--batch", "2", "--layers", "--json", "-"]));
    let split = &report["layers"];
    let rows = split["rows"].as_array().unwrap();
    let layers: f64 = rows.iter().filter_map(|row| row["in_model_ms"].as_f64()).sum();
    let other: f64 = split["other"].as_array().unwrap().iter().map(|part| part[1].as_f64().unwrap()).sum();
    let total = split["total_ms"].as_f64().unwrap();
    assert!((layers + other - total).abs() < 1e-3 * total, "{layers} + {other} is not {total}");
    let rest = split["rest_ms"].as_f64().unwrap();
    assert!((total + rest - report["step_ms"].as_f64().unwrap()).abs() < 1e-9 * total);
    // Forward, backward, and the two halves of the backward pass; the first layer needs no dx.
    let passes = |layer: &str| {
        let of = rows.iter().filter(|row| row["layer"] == layer).map(|row| row["pass"].as_str().unwrap());
        of.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(passes("conv2d"), "forward backward");
    assert_eq!(passes("conv2d_1"), "forward backward backward_weight backward_input");
    assert_eq!(passes("max_pooling2d"), "forward backward");
    let flops = |i: usize| rows[i]["flops"].as_u64().unwrap();
    assert_eq!((flops(0), flops(1)), (2 * 2 * 46 * 46 * 32 * 9, 2 * 2 * 46 * 46 * 32 * 9));
    assert_eq!((flops(2), flops(3)), (2 * 2 * 44 * 44 * 32 * 32 * 9, 2 * 2 * 2 * 44 * 44 * 32 * 32 * 9));
}

#[test]
fn every_algorithm_is_measured_or_skipped_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("shapes");
    fs::write(&list, "# two problems\nmb2_ic3ih9oc4kh3ph1n\"same\"\n\n  ic2ih7oc3kh3sh2  # strided\n")
        .unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (json, csv, svg) = (path("r.json"), path("r.csv"), path("r.svg"));
    let output = short(&[
        "bench",
        "conv",
        "--batch",
        list.to_str().unwrap(),
        "--dir",
        "all",
        "--algo",
        "all",
        "--mb",
        "3",
        "--json",
        &json,
        "--csv",
        &csv,
        "--roofline",
        &svg,
    ]);
    assert!(output.status.success(), "{output:?}");
    assert!(stdout(&output).contains("| same ") && stdout(&output).contains("mb3_ic2ih7_oc3oh3_kh3sh2ph0"));
    let report: Value = serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap();
    let entries = report["entries"].as_array().unwrap();
    // All but the reference, which is there by name alone.
    assert_eq!(entries.len(), 2 * 3 * (nn_kernels::conv::Algorithm::ALL.len() - 1));
    assert!(entries.iter().all(|entry| entry["algorithm"] != "reference"));
    for entry in entries {
        match entry["status"].as_str().unwrap() {
            "timed" => assert!(entry["gflops"].as_f64().unwrap() > 0.0 && entry["verified"]["checked"] == 3),
            "skipped" => assert!(entry["reason"].as_str().unwrap().contains("does not support")),
            other => panic!("{other}: {entry}"),
        }
    }
    let timed = entries.iter().filter(|entry| entry["status"] == "timed").count();
    let lines = fs::read_to_string(csv).unwrap();
    assert_eq!(lines.lines().count(), 1 + entries.len());
    assert_eq!(lines.matches(",timed,").count(), timed);
    assert_eq!(fs::read_to_string(svg).unwrap().matches("<circle").count(), timed);
}

#[test]
fn the_convolutions_of_a_network_are_measured() {
    let output = short(&["bench", "conv", "--model", "search5", "--mb", "1", "--json", "-"]);
    let report = json_of(&output);
    let problems: Vec<_> =
        report["entries"].as_array().unwrap().iter().map(|e| e["problem"].as_str().unwrap()).collect();
    assert_eq!(
        problems,
        [
            "mb1_ic1ih48_oc32oh44_kh5ph0_n\"search5:conv2d\"",
            "mb1_ic32ih44_oc32oh40_kh5ph0_n\"search5:conv2d_1\"",
            "mb1_ic32ih20_oc64oh16_kh5ph0_n\"search5:conv2d_2\"",
            "mb1_ic64ih16_oc128oh12_kh5ph0_n\"search5:conv2d_3\"",
        ]
    );
    // Same padding and strides, and other numbers of images than 1.
    let report = json_of(&short(&["bench", "conv", "--model", "cnn3", "--mb", "2", "--json", "-"]));
    assert_eq!(report["entries"][3]["problem"], "mb2_ic128ih11_oc128oh6_kh3sh2ph1_n\"cnn3:conv2d_3\"");
}

#[test]
fn cold_and_warm_runs_say_what_they_are() {
    let problem = "mb1_ic1ih8oc1kh3";
    let copies = |flags: &[&str]| {
        let arguments = [&["bench", "conv", problem, "--json", "-"], flags].concat();
        let report = json_of(&short(&arguments));
        (report["caching"].clone(), report["entries"][0]["copies"].as_u64().unwrap())
    };
    assert_eq!(copies(&[]), (json!("warm"), 1));
    let (caching, copies) = copies(&["--cold"]);
    assert!(caching == "cold" && copies > 1000, "{caching} {copies}");
}

#[test]
fn products_are_measured_beside_two_libraries() {
    let report = json_of(&short(&["bench", "gemm", "65,33,40", "8,7,3", "--trans", "tn", "--json", "-"]));
    let entries = report["entries"].as_array().unwrap();
    let engines: Vec<_> = entries.iter().map(|entry| entry["engine"].as_str().unwrap()).collect();
    assert_eq!(engines, ["vitrine", "matrixmultiply", "gemm", "vitrine", "matrixmultiply", "gemm"]);
    for entry in entries {
        assert_eq!((&entry["status"], &entry["trans"]), (&json!("timed"), &json!("tn")), "{entry}");
    }
}

#[test]
fn wrong_usage_exits_with_2() {
    fails(&lab(&[]), 2, &["Usage: nn-lab"]);
    fails(&lab(&["bench", "step", "cnn9"]), 2, &["unknown model \"cnn9\""]);
    fails(&lab(&["bench", "conv", "--model", "cnn9"]), 2, &["unknown model \"cnn9\""]);
    fails(&lab(&["config", "cnn9"]), 2, &["unknown model \"cnn9\""]);
    fails(&lab(&["bench", "conv"]), 2, &["nothing to measure"]);
    fails(&lab(&["bench", "conv", "--model", "fnn1"]), 2, &["nothing to measure"]);
    fails(&lab(&["bench", "conv", "ic1ih8oc1kh3zz1"]), 2, &["unknown key \"zz\""]);
    fails(&lab(&["bench", "conv", "mb0_ic1ih8oc1kh3"]), 2, &["mb must be at least 1"]);
    fails(&lab(&["bench", "conv", "ic1ih8oc1kh3", "--algo", "magic"]), 2, &["magic", "im2col"]);
    fails(&lab(&["bench", "conv", "ic1ih8oc1kh3", "--dir", "up"]), 2, &["bwd_w"]);
    fails(&lab(&["bench", "conv", "ic1ih8oc1kh3", "--json", "-", "--csv", "-"]), 2, &["stdout"]);
    fails(&lab(&["bench", "gemm", "1,2"]), 2, &["M,N,K"]);
    fails(&lab(&["bench", "step", "fnn1", "--threads", "0"]), 2, &["--threads"]);
    fails(&lab(&["bench", "step", "fnn1", "--isa", "mmx"]), 2, &["mmx"]);
    let missing = if cfg!(target_arch = "x86_64") { "neon" } else { "avx2" };
    fails(&lab(&["bench", "step", "fnn1", "--isa", missing]), 2, &[missing]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_nn-lab"));
    fails(&command.arg("peak").env("NN_ISA", missing).output().unwrap(), 2, &[missing]);
    fails(&command.env("NN_ISA", "mmx").output().unwrap(), 2, &["mmx"]);
}

#[test]
#[cfg(target_os = "linux")]
fn help_that_nobody_can_read_is_a_failure() {
    for arguments in [&["--help"][..], &["--version"], &["bench", "conv", "--help"]] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_nn-lab"));
        fails(&command.args(arguments).stdout(full).output().unwrap(), 1, &["cannot write to stdout"]);
    }
    let help = lab(&["--help"]);
    assert!(help.status.success() && stdout(&help).contains("Usage: nn-lab"));
}

/// Nothing is taken before it is known to be there.
#[test]
fn what_is_too_large_for_the_machine_is_refused_before() {
    let refusals = ["left out", "of memory; the limit is", "nothing is left to measure"];
    fails(&short(&["bench", "conv", "mb4294967295_ic64ih64oc64kh3"]), 1, &refusals);
    fails(&short(&["bench", "conv", "ic1ih8oc1kh3", "--mb", "4294967296"]), 1, &refusals);
    fails(
        &short(&["bench", "conv", "ic1ih8oc1kh3", "--mb", "18446744073709551615"]),
        1,
        &["left out", "too many elements"],
    );
    fails(&short(&["bench", "conv", "mb1_ic100ih1000000000iw1oc1kh1000000000kw1"]), 1, &refusals);
    // One that fits is measured beside one that does not.
    let mixed = short(&["bench", "conv", "mb1_ic1ih8oc1kh3", "mb4294967295_ic64ih64oc64kh3"]);
    fails(&mixed, 1, &refusals[..2]);
    assert!(stdout(&mixed).contains("verified 1 cases"), "{mixed:?}");
}

#[test]
fn winograd_above_the_peak_explains_itself() {
    let report = short(&["bench", "conv", "mb2_ic64ih18oc64kh3", "--algo", "winograd4", "--threads", "1"]);
    assert!(report.status.success(), "{report:?}");
    let text = stdout(&report);
    let row = text.lines().find(|line| line.contains("winograd4")).unwrap();
    let share: f64 = row.split('|').nth(8).unwrap().trim().trim_end_matches(" %").parse().unwrap();
    assert_eq!(share > 100.0, text.contains("Winograd's algorithm needs fewer multiplications"), "{text}");
}

#[test]
fn bad_input_exits_with_1_and_names_the_place() {
    fails(&lab(&["bench", "conv", "--batch", "/nowhere"]), 1, &["/nowhere: No such file"]);
    fails(&lab(&["bench", "conv", "--batch", "/dev/zero"]), 1, &["/dev/zero: is a device"]);
    let nowhere = short(&["bench", "conv", "ic1ih8oc1kh3", "--json", "/nowhere/x.json"]);
    fails(&nowhere, 1, &["cannot write /nowhere/x.json"]);
    assert!(!String::from_utf8_lossy(&nowhere.stderr).contains("fwd"), "measured before it was refused");
}
