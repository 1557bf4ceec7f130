//! Whatever is wrong with a data file is an error that says where, what was found and what was expected.

mod refusals;
mod rows;

use std::fs;

use fer::data::csv::{self, Options};
use nn_core::rng::{Purpose, Stream};
use refusals::{line_refused, message, pixels_refused, refused};
use rows::{pixels, row, single_file};

/// 2,304 pixels of which the 1,204th is `pixel`.
fn with_pixel(pixel: &str) -> String {
    let mut pixels = vec!["7"; 2304];
    pixels[1203] = pixel;
    pixels.join(" ")
}

#[test]
fn empty_files_and_headers() {
    refused("empty", "", &["is empty", "emotion,pixels"]);
    refused("blank lines only", "\n\r\n  \n", &["is empty"]);
    refused("header only", "emotion,pixels,Usage\n", &["no row for the train split", "Training"]);
    let data_first = format!("{}{}", row(0, "Training"), row(1, "PublicTest"));
    refused("header missing", data_first, &["line 1", "no column \"emotion\"", "found \"0\", \"0 1 2"]);
    refused(
        "other names",
        "label,image,Usage\n",
        &["line 1", "no column \"emotion\"", "\"label\", \"image\", \"Usage\""],
    );
    refused("no pixels", "emotion,Usage\n", &["line 1", "no column \"pixels\""]);
    refused("twice", "emotion,pixels,Pixels,Usage\n", &["line 1", "two columns \"pixels\""]);
    refused(
        "no Usage",
        format!("emotion,pixels\n0,{}\n", pixels(0)),
        &["line 1", "Usage", "Q1_Train_Data.csv"],
    );
}

#[test]
fn wrong_number_of_pixels() {
    let many = |n: usize| vec!["9"; n].join(" ");
    pixels_refused("2303", &many(2303), &["\"pixels\"", "found 2303 pixels", "expected 2304 (48x48)"]);
    pixels_refused("2305", &many(2305), &["found 2305 pixels"]);
    pixels_refused("none", "", &["found 0 pixels"]);
    pixels_refused("blank", "   ", &["found 0 pixels"]);
    pixels_refused("commas", &many(2304).replace(' ', ","), &["found 2306 columns", "expected 3"]);
}

#[test]
fn wrong_pixels() {
    for bad in [
        "256",
        "256.0",
        "-1",
        "-1.0",
        "12.5",
        "0.47",
        "1.5e-1",
        "1.2e99",
        "1e2",
        "nan",
        "99999999999999999999",
        "٣",
        "+7",
        "0x1",
        "1_0",
        "0007",
        "7;",
    ] {
        let found = format!("pixel 1204 of 2304 is \"{bad}\"");
        pixels_refused(bad, &with_pixel(bad), &["\"pixels\"", &found, "from 0 to 255"]);
    }
    let long = "5".repeat(5_000);
    pixels_refused("long", &with_pixel(&long), &["pixel 1204 of 2304 is \"555555555555555555555555...\""]);
}

#[test]
fn wrong_emotions() {
    for bad in ["7", "-1", "-0.0", "3.5", "7.0", "", "joy", "33", "+3"] {
        let found = format!("\"emotion\": found \"{bad}\"");
        line_refused(bad, format!("{bad},{},Training", pixels(0)), &[&found, "0 (Angry)", "6 (Neutral)"]);
    }
    line_refused(
        "CK+",
        format!("7,{},Training", pixels(0)),
        &["found \"7\"", "contempt in CK+", "leave such rows"],
    );
    line_refused(
        "happy",
        format!("happy,{},Training", pixels(0)),
        &["found \"happy\"", "the number 3 for Happy"],
    );
}

#[test]
fn wrong_usages() {
    let cases = [
        ("Test", "PrivateTest"),
        ("Trainning", "Training"),
        ("publictset", "PublicTest"),
        ("validation", "PublicTest"),
    ];
    for (bad, nearest) in cases {
        let hint = format!("(did you mean {nearest}?)");
        let found = format!("\"Usage\": found \"{bad}\"");
        line_refused(bad, format!("0,{},{bad}", pixels(0)), &[&found, &hint]);
    }
    line_refused(
        "empty",
        format!("0,{},", pixels(0)),
        &["found \"\"", "Training, PublicTest or PrivateTest"],
    );
    let mut latin = format!("0,{},Train", pixels(0)).into_bytes();
    latin.push(0xFF);
    line_refused("latin-1", latin, &["\"Usage\"", "Train\u{FFFD}", "did you mean Training?"]);
    let escape = format!("0,{},\u{1b}[31mred", pixels(0));
    line_refused("escape code", escape, &["\\u{1b}[31mred"]);
}

#[test]
fn splits_without_rows() {
    let content = format!("emotion,pixels,Usage\n{}{}", row(0, "Training"), row(1, "PublicTest"));
    refused("no test", content, &["no row for the test split", "PrivateTest"]);
}

#[test]
fn wrong_numbers_of_columns() {
    line_refused("two", format!("0,{}", pixels(0)), &["found 2 columns", "expected 3"]);
    line_refused("four", format!("0,{},Training,x", pixels(0)), &["found 4 columns"]);
    line_refused("very many", ",".repeat(60_000), &["found 60001 columns"]);
    refused("header of many", ",".repeat(10_000_000), &["line 1", "longer than 65536 bytes"]);
}

#[test]
fn quotes() {
    line_refused("unclosed", format!("0,\"{},Training", pixels(0)), &["column 2", "quote is not closed"]);
    line_refused(
        "text after",
        format!("\"0\"x,{},Training", pixels(0)),
        &["column 1", "found \"x,0 1", "after the closing quote"],
    );
    line_refused("doubled", format!("\"0\"\"\",{},Training", pixels(0)), &["\"emotion\"", "expected 0"]);
}

#[test]
fn long_lines_keep_memory_flat() {
    let endless = "1 ".repeat(40_000_000);
    refused(
        "no line break",
        format!("emotion,pixels,Usage\n0,{endless}"),
        &["line 2", "longer than 65536 bytes"],
    );
    line_refused("after good rows", "x".repeat(65_537), &["longer than 65536 bytes"]);
}

#[test]
fn a_usage_column_may_not_contradict_the_name_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    for name in csv::SPLIT_FILES {
        fs::write(folder.path().join(name), single_file()).unwrap();
    }
    let message = message(folder.path());
    for fragment in ["Q1_Train_Data.csv, line 4", "\"Usage\"", "belongs to the val split", "says train"] {
        assert!(message.contains(fragment), "{message}");
    }
}

#[test]
fn line_numbers_count_every_line_and_the_first_error_wins() {
    let good = row(0, "Training");
    let mut content = String::from("emotion,pixels,Usage\r\n\n");
    content.push_str(&good.repeat(1_000));
    content.push_str("\r\n");
    content.push_str("9,bad,Training\n");
    content.push_str(&good.repeat(300));
    content.push_str("8,worse,Training\n");
    content.push_str(&"x".repeat(70_000));
    refused("line 1004", &content, &[", line 1004: ", "found \"9\""]);
}

#[test]
fn more_rows_than_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("faces.csv");
    fs::write(&path, single_file()).unwrap();
    let options = Options { max_rows: 2, ..Options::default() };
    let message = csv::load(&path, &options).unwrap_err().to_string();
    assert!(message.contains("line 4: more than 2 rows"), "{message}");
}

#[test]
fn damaged_files_never_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("faces.csv");
    let whole = single_file().into_bytes();
    let bytes = b"\0\"\",,\n\r \xFF90.-Tt";
    for case in 0..400 {
        let mut random = Stream::new(case, Purpose::Subset, 0, 0);
        let mut damaged = whole.clone();
        for _ in 0..1 + random.below(4) {
            // Half of the damage goes to the header and the start of the first row.
            let reach = if random.unit() < 0.5 { 60 } else { damaged.len() };
            let at = random.below(reach);
            damaged[at] = bytes[random.below(bytes.len())];
        }
        if random.unit() < 0.3 {
            damaged.truncate(random.below(damaged.len()));
        }
        fs::write(&path, &damaged).unwrap();
        if let Err(error) = csv::load(&path, &Options::default()) {
            assert!(error.to_string().contains("faces.csv"));
        }
    }
}
