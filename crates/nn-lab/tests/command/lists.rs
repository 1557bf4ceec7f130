//! Lists of problems, as `nn-lab bench conv --batch` reads them.

use std::fs;

use crate::{fails, short, stdout};

#[track_caller]
fn bench(list: &str, more: &[&str]) -> std::process::Output {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shapes");
    fs::write(&path, list).unwrap();
    short(&[&["bench", "conv", "--batch", path.to_str().unwrap()], more].concat())
}

#[test]
fn a_bad_line_costs_that_line() {
    let list = "# every kind\nic1ih8oc1kh3n\"one\"\n\nih8oc1kh3\ng1ic3oc4_iw5ow5kw3pw1_n\"two:1d\"\n\
                ic8oc8_id5od5kd3pd1_n\"three:3d\"\nic1ih8oc1kh3kh3\nic1id1ih6iw4oc2od1oh2ow5kd1kh1kw1sh3sw1pw1\n";
    let output = bench(list, &[]);
    let expected = [
        "shapes, line 4",
        "ic is missing",
        "line 6",
        "id5 makes it a convolution of three",
        "line 7",
        "kh is given twice",
    ];
    fails(&output, 1, &expected);
    let text = stdout(&output);
    assert!(
        text.contains("| one ") && text.contains("| two:1d ") && text.contains("verified 3 cases"),
        "{text}"
    );
    assert!(!text.contains("three:3d"), "{text}");
}

#[test]
fn options_are_understood_or_remarked_upon() {
    let list = "--reset\n--cfg=f32 --dir=BWD_W --mb=1\nic1ih8oc1kh3n\"a\"\n--skip-impl=ref --mb=0\nmb3ic1ih8oc1kh3\n";
    let output = bench(list, &[]);
    fails(&output, 0, &["line 4: the option \"--skip-impl=ref\" changes nothing here"]);
    let text = stdout(&output);
    assert_eq!(text.matches("| bwd_w ").count(), 2, "{text}");
    assert!(text.contains("mb3_ic1ih8"), "{text}");
    // The command line has the last word.
    let output = bench(list, &["--dir", "fwd,bwd_d"]);
    fails(&output, 0, &[]);
    let text = stdout(&output);
    assert_eq!((text.matches("| fwd ").count(), text.matches("| bwd_d ").count()), (2, 2), "{text}");
}

#[test]
fn a_list_without_a_problem_fails() {
    fails(
        &bench("ic16oc16_ih10kh5_kh5ph2sh1\n", &[]),
        1,
        &["kh is given twice", "nothing is left to measure"],
    );
    fails(&bench("# nothing\n", &[]), 2, &["nothing to measure"]);
    fails(&bench(&"x\n".repeat(100), &[]), 1, &["skipped: and 50 more lines"]);
}
