//! FER-2013 is accepted in every form in which it is passed around.

mod fer_2013;
mod rows;

use std::fs;
use std::io::Write;
use std::path::Path;

use fer::data::csv::{self, Options};
use fer::data::synthetic::{self, Sizes};
use fer::data::{Dataset, Source, Split, Warning};
use flate2::Compression;
use flate2::write::GzEncoder;
use rows::{pixels, single_file};

fn load(path: &Path) -> Dataset {
    csv::load(path, &Options::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn gz(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// Checks that a file with `content` holds the same faces as [`single_file`].
fn accepted(name: &str, content: impl AsRef<[u8]>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("faces.csv");
    fs::write(&path, content).unwrap();
    let dataset = load(&path);
    assert_eq!(dataset.train.labels(), [0, 1], "{name}");
    assert_eq!(dataset.val.labels(), [2], "{name}");
    assert_eq!(dataset.test.labels(), [3], "{name}");
    let expected: Vec<u8> = (0..2304).map(|i| ((i + 1) % 256) as u8).collect();
    assert_eq!(dataset.train.image(1), expected, "{name}");
    assert_eq!(dataset.source, Source::Csv { paths: vec![path] }, "{name}");
}

#[test]
fn one_file_in_many_spellings() {
    let plain = single_file();
    accepted("plain", &plain);
    accepted("no line break at the end", plain.trim_end());
    accepted("blank lines at the end", format!("{plain}\n\r\n"));
    accepted("CRLF", plain.replace('\n', "\r\n"));
    accepted("byte order mark", format!("\u{FEFF}{plain}"));
    accepted("trailing and double spaces", plain.replace(",P", " ,P").replace(" 10 ", "  10\t"));
    accepted("spaces around the emotion", plain.replace("\n3,", "\n 3 ,"));
    accepted(
        "case",
        plain.replace("emotion,pixels,Usage", "Emotion,PIXELS,usage").replace("Training", "training"),
    );
    accepted("leading zeros", plain.replace(" 7 ", " 007 "));
    accepted("gzip by its content", gz(plain.as_bytes()));
    let mut members = gz(&plain.as_bytes()[..9_000]);
    members.extend(gz(&plain.as_bytes()[9_000..]));
    accepted("gzip in two members", members);
}

/// Another writing of the same thing is the same thing.
#[test]
fn other_writings_of_numbers_columns_and_lines() {
    let plain = single_file();
    let labels = |ending: &str| {
        (0..4).fold(plain.clone(), |text, label| {
            text.replace(&format!("\n{label},"), &format!("\n{label}{ending},"))
        })
    };
    accepted("labels of floats", labels(".0"));
    accepted("labels of numpy.savetxt", labels(".000000000000000000e+00"));
    accepted("pixels of floats", plain.replace(" 121 ", " 121.0 ").replace(" 7 ", " 7. "));
    accepted("pixels with exponents", plain.replace(" 121 ", " 1.21e+02 "));
    accepted("semicolons", plain.replace(',', ";"));
    accepted("tabs", plain.replace(',', "\t"));
    accepted("bars, quoted", plain.replace(',', "|").replace("Training", "\"Training\""));
    accepted("carriage returns alone", plain.replace('\n', "\r"));
    accepted("carriage returns doubled", plain.replace('\n', "\r\r\n"));
    let rows = |open: &str, between: &str, close: &str| {
        let row = |(label, usage)| {
            format!("{label},\"{open}{}{close}\",{usage}\n", pixels(label).replace(' ', between))
        };
        let rows = [(0, "Training"), (1, "Training"), (2, "PublicTest"), (3, "PrivateTest")].map(row);
        format!("emotion,pixels,Usage\n{}", rows.concat())
    };
    accepted("an array of NumPy", rows("[", " ", "]"));
    accepted("a padded array of NumPy", rows("[  ", "  ", " ]"));
    accepted("a list of Python", rows("[", ", ", "]"));
    accepted("commas in quotes", rows("", ",", ""));
    accepted("a list behind semicolons", plain.replace(',', ";").replace(' ', ", "));
}

#[test]
fn a_usage_column_may_agree_with_the_names_of_files() {
    let folder = tempfile::tempdir().unwrap();
    let words = ["Training", "PublicTest", "PrivateTest"];
    for (label, (name, word)) in csv::SPLIT_FILES.into_iter().zip(words).enumerate() {
        let content = format!("emotion,pixels,Usage\n{label},{},{word}\n", pixels(label));
        fs::write(folder.path().join(name), content).unwrap();
    }
    assert_eq!(load(folder.path()).test.labels(), [2]);
    // By itself a file is divided by its column, and its name is no more than odd.
    let path = folder.path().join("Q1_Test_Data.csv");
    fs::write(&path, single_file()).unwrap();
    let dataset = load(&path);
    assert_eq!((dataset.train.len(), dataset.test.len()), (2, 1));
    assert_eq!(dataset.warnings[0], Warning::NamedForSplit { file: "Q1_Test_Data.csv" });
}

#[test]
fn columns_in_any_order_quoted_or_with_others_between() {
    let rows = [(0, "Training"), (1, "Training"), (2, "PublicTest"), (3, "PrivateTest")];
    let table = |header: &str, line: &dyn Fn(usize, &str) -> String| {
        let lines: Vec<String> = rows.iter().map(|&(emotion, usage)| line(emotion, usage)).collect();
        format!("{header}\n{}\n", lines.join("\n"))
    };
    accepted("icml", table("emotion, Usage, pixels", &|e, u| format!("{e},{u},{}", pixels(e))));
    accepted(
        "pixels last, CRLF",
        table("emotion,Usage,pixels\r", &|e, u| format!("{e},{u},{}\r", pixels(e))),
    );
    accepted(
        "quoted",
        table("\"emotion\",\"pixels\",\"Usage\"", &|e, u| format!("\"{e}\",\"{}\",\"{u}\"", pixels(e))),
    );
    accepted(
        "quoted pixels, CRLF",
        table("emotion,pixels,Usage\r", &|e, u| format!("{e},\"{}\",{u}\r", pixels(e))),
    );
    let others = table("id,Usage,\"a \"\"note\"\", short\",emotion,pixels", &|e, u| {
        format!("1,{u},\"x, \"\"y\"\"\",{e},{}", pixels(e))
    });
    accepted("other columns", others);
}

#[test]
fn folders_with_three_files_or_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let rows = |labels: &[usize]| {
        let rows: Vec<String> = labels.iter().map(|label| format!("{label},{}\n", pixels(*label))).collect();
        format!("emotion,pixels\n{}", rows.concat())
    };
    fs::write(file("fer2013.csv.gz"), gz(single_file().as_bytes())).unwrap();
    assert_eq!(load(folder.path()).source, Source::Csv { paths: vec![file("fer2013.csv.gz")] });

    fs::write(file("Q1_Train_Data.csv"), rows(&[0, 1])).unwrap();
    fs::write(file("Q1_Validation_Data.csv.gz"), gz(rows(&[2]).as_bytes())).unwrap();
    fs::write(file("Q1_Test_Data.csv"), rows(&[3])).unwrap();
    let dataset = load(folder.path());
    let names = ["Q1_Train_Data.csv", "Q1_Validation_Data.csv.gz", "Q1_Test_Data.csv"];
    assert_eq!(dataset.source, Source::Csv { paths: names.map(file).to_vec() });

    // The same faces have the same fingerprint, however they are stored.
    let single = file("single.csv");
    fs::write(&single, single_file()).unwrap();
    assert_eq!(dataset.fingerprint(), load(&single).fingerprint());
    fs::write(&single, single_file().replace(" 10 11 ", " 11 10 ")).unwrap();
    assert_ne!(dataset.fingerprint(), load(&single).fingerprint());
}

#[test]
fn unusual_data_are_accepted_with_warnings() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("faces.csv");
    let blank = vec!["0"; 2304].join(" ");
    let row = |label: usize, pixels: &str, usage: &str| format!("{label},{pixels},{usage}\n");
    let shared = pixels(5);
    let content = [
        "emotion,pixels,Usage\n".to_owned(),
        row(0, &shared, "Training"),
        row(4, &blank, "Training"),
        row(0, &shared, "PublicTest"),
        row(6, &shared, "PrivateTest"),
        row(6, &shared, "PrivateTest"),
    ];
    fs::write(&path, content.concat()).unwrap();
    let warnings = load(&path).warnings;
    let expected = [
        Warning::RowCount { split: Split::Train, found: 2, expected: 28_709 },
        Warning::ClassAbsent { split: Split::Val, emotion: "Happy" },
        Warning::Blank { split: Split::Train, images: 1 },
        Warning::Duplicates { split: Split::Val, other: Split::Train, images: 1, conflicts: 0 },
        Warning::Duplicates { split: Split::Test, other: Split::Train, images: 2, conflicts: 2 },
        Warning::Duplicates { split: Split::Test, other: Split::Val, images: 2, conflicts: 2 },
    ];
    for warning in expected {
        assert!(warnings.contains(&warning), "{warning} is not among {warnings:?}");
    }
    let absent = warnings.iter().filter(|warning| matches!(warning, Warning::ClassAbsent { .. })).count();
    assert_eq!((absent, warnings.len()), (5 + 6 + 6, 3 + 17 + 1 + 3));
    let text = Warning::Blank { split: Split::Train, images: 1 }.to_string();
    assert_eq!(text, "1 train image is blank (a single tone)");
}

#[test]
fn written_faces_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let drawn = synthetic::dataset(Sizes { train: 300, val: 21, test: 14 }, 9);
    for (name, split) in csv::SPLIT_FILES.into_iter().zip(Split::ALL) {
        let mut file = Vec::new();
        csv::write_rows(&mut file, drawn.split(split)).unwrap();
        fs::write(folder.path().join(name), file).unwrap();
    }
    assert_eq!(load(folder.path()).fingerprint(), drawn.fingerprint());
    let single = folder.path().join("all.csv");
    let mut file = Vec::new();
    csv::write_rows_with_usage(&mut file, &Split::ALL.map(|split| (split, drawn.split(split)))).unwrap();
    fs::write(&single, file).unwrap();
    assert_eq!(load(&single).fingerprint(), drawn.fingerprint());
}

#[test]
fn the_sample_is_a_valid_dataset() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/sample.csv");
    assert!(fs::metadata(&path).unwrap().len() < 700_000);
    let sample = load(&path);
    let drawn = synthetic::dataset(Sizes { train: 42, val: 14, test: 14 }, synthetic::DEFAULT_SEED);
    assert_eq!(sample.fingerprint(), drawn.fingerprint(), "see data/README.md for the command that makes it");
}

#[test]
fn real_data() {
    let Some(path) = fer_2013::path_for("real_data") else { return };
    let dataset = load(&path);
    assert_eq!(dataset.train.counts(), [3995, 436, 4097, 7215, 4830, 3171, 4965]);
    assert_eq!(dataset.val.counts(), [467, 56, 496, 895, 653, 415, 607]);
    assert_eq!(dataset.test.counts(), [491, 55, 528, 879, 594, 416, 626]);
    assert_eq!(dataset.fingerprint(), "2b48fc480cb882cc4f38e2319edd3a81656d0ac19d18028cffa447e8f7b0cf14");
    assert!(!dataset.warnings.iter().any(|warning| matches!(warning, Warning::RowCount { .. })));
}
