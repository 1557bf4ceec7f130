//! Files that `nn-lab` writes where its user wants them.

use std::fs;
use std::path::Path;

use crate::{fails, lab, short, stdout};

const PROBLEM: [&str; 3] = ["bench", "conv", "mb1_ic1ih8oc1kh3"];

fn conv(more: &[&str]) -> std::process::Output {
    short(&[&PROBLEM, more].concat())
}

#[test]
fn existing_files_are_replaced_with_force_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine");
    let path = path.to_str().unwrap();
    fs::write(path, "precious").unwrap();
    for arguments in [
        &["bench", "conv", "mb1_ic1ih8oc1kh3", "--json", path][..],
        &["bench", "conv", "mb1_ic1ih8oc1kh3", "--csv", path],
        &["bench", "conv", "mb1_ic1ih8oc1kh3", "--roofline", path],
        &["bench", "gemm", "8,8,8", "--json", path],
        &["bench", "step", "fnn1", "--batch", "1", "--json", path],
    ] {
        let output = short(arguments);
        fails(&output, 1, &["mine exists; give --force to replace it"]);
        assert!(!String::from_utf8_lossy(&output.stderr).contains("fwd"), "measured before it was refused");
        assert_eq!(fs::read_to_string(path).unwrap(), "precious", "{arguments:?}");
        fails(&short(&[arguments, &["--force"]].concat()), 0, &[]);
        assert_ne!(fs::read_to_string(path).unwrap(), "precious", "{arguments:?}");
        fs::write(path, "precious").unwrap();
    }
    let twice = conv(&["--json", "a", "--csv", "a"]);
    fails(&twice, 2, &["only one result can go to a"]);
    fails(&conv(&["--json", folder.path().to_str().unwrap()]), 1, &["is a folder"]);
}

/// Devices are written to, not replaced; what they do not take is not lost.
#[test]
#[cfg(target_os = "linux")]
fn what_cannot_be_written_goes_to_stdout() {
    fails(&conv(&["--json", "/dev/null"]), 0, &[]);
    let full = conv(&["--json", "/dev/full"]);
    fails(&full, 1, &["cannot write /dev/full", "| mb1_ic1ih8"]);
    let report: serde_json::Value = serde_json::from_slice(&full.stdout).unwrap();
    assert_eq!(report["kind"], "conv");
    let both = conv(&["--json", "/dev/full", "--csv", "-"]);
    fails(&both, 1, &["cannot write /dev/full", "\"kind\": \"conv\""]);
    assert!(stdout(&both).starts_with("problem,label,"), "{both:?}");
    assert!(Path::new("/dev/null").metadata().is_ok_and(|null| !null.is_file()));
    fails(
        &lab(&["bench", "gemm", "8,8,8", "--json", "/dev/full", "--max-ms", "1"]),
        1,
        &["cannot write /dev/full"],
    );
}

#[test]
fn links_stay_links() {
    #[cfg(unix)]
    {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        fails(&conv(&["--csv", link.to_str().unwrap(), "--force"]), 0, &[]);
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert!(fs::read_to_string(&file).unwrap().starts_with("problem,label,"));
    }
}
