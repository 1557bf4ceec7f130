//! Whatever is wrong with a data file is an error that says where, what was found and what was expected.

mod rows;

use std::fs;
use std::io::Write;
use std::path::Path;

use fer::data::csv::{self, Options};
use flate2::Compression;
use flate2::write::GzEncoder;
use nn_core::rng::{Purpose, Stream};
use rows::{pixels, row, single_file};

/// The message of the error with which loading `path` fails.
fn message(path: &Path) -> String {
    match csv::load(path, &Options::default()) {
        Ok(_) => panic!("{} was accepted", path.display()),
        Err(error) => match std::error::Error::source(&error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}

/// Checks that a file with `content` is refused and that the message has all `fragments`.
fn refused(name: &str, content: impl AsRef<[u8]>, fragments: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("faces.csv");
    fs::write(&path, content).unwrap();
    let message = message(&path);
    for fragment in fragments.iter().chain(&["faces.csv"]) {
        assert!(message.contains(fragment), "{name}: {message:?} lacks {fragment:?}");
    }
    assert!(message.len() < 600 && !message.contains('\n'), "{name}: {message:?}");
}

/// Checks that a good file whose fourth line is replaced by `line` is refused, naming line 4.
fn line_refused(name: &str, line: impl AsRef<[u8]>, fragments: &[&str]) {
    let mut content =
        format!("emotion,pixels,Usage\n{}{}", row(0, "Training"), row(1, "PublicTest")).into_bytes();
    content.extend_from_slice(line.as_ref());
    content.extend_from_slice(b"\n");
    content.extend_from_slice(row(2, "PrivateTest").as_bytes());
    let fragments: Vec<_> = fragments.iter().copied().chain([", line 4: "]).collect();
    refused(name, content, &fragments);
}

/// Line 4 with these pixels.
fn pixels_refused(name: &str, pixels: &str, fragments: &[&str]) {
    line_refused(name, format!("3,{pixels},Training"), fragments);
}

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
fn other_encodings_and_nul() {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    refused("UTF-16 with a mark", utf16("\u{FEFF}emotion,pixels"), &["UTF-16", "save it as UTF-8"]);
    refused("UTF-16 without", utf16("emotion,pixels,Usage\n"), &["UTF-16", "save it as UTF-8"]);
    pixels_refused("in a pixel", &with_pixel("1\0"), &["NUL byte", "expected text"]);
    line_refused("in an emotion", format!("\0,{},Training", pixels(0)), &["NUL byte"]);
    line_refused("a line of them", vec![0; 3_000], &["NUL byte"]);
}

#[test]
fn truncated_files() {
    let whole = single_file();
    let in_pixels = whole.rfind(" 10 ").unwrap();
    refused("in the pixels", &whole[..in_pixels], &["line 5", "found 2 columns", "ends inside this line"]);
    let q1 = format!("emotion,Usage,pixels\n0,Training,{}\n1,PublicTest,1 2 3", pixels(0));
    refused("in the last column", q1, &["line 3", "found 3 pixels", "ends inside this line"]);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(whole.as_bytes()).unwrap();
    let gz = encoder.finish().unwrap();
    refused("gzip", &gz[..gz.len() - 30], &["line ", "gzip data ends early", "download"]);
    refused("gzip header", &gz[..5], &["line 1", "gzip data ends early"]);
    let mut damaged = gz.clone();
    let checksum = damaged.len() - 8;
    damaged[checksum] ^= 1;
    refused("damaged gzip", damaged, &["line 6", "gzip data is damaged"]);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&gz).unwrap();
    refused("gzip twice", encoder.finish().unwrap(), &["gzip file inside a gzip file", "unpack"]);
}

/// The header of a tar archive, with its sum of octal digits, and a file in it.
fn tar(magic: &[u8]) -> Vec<u8> {
    let mut header = vec![0; 512];
    header[..11].copy_from_slice(b"fer2013.csv");
    header[124..135].copy_from_slice(b"00000000100");
    header[257..257 + magic.len()].copy_from_slice(magic);
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    [header, single_file().into_bytes()].concat()
}

fn gz(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn archives_and_tables_of_other_programs() {
    for magic in [&b"ustar\x0000"[..], b"ustar  \0", b""] {
        refused("tar", tar(magic), &["is a tar archive", "unpack it first", "CSV file in it"]);
        refused("tar.gz", gz(&tar(magic)), &["is a tar archive", "unpack it first"]);
    }
    let zip_with = |name: &str| [b"PK\x03\x04\x14\0\0\0\x08\0", name.as_bytes()].concat();
    refused("xlsx", zip_with("[Content_Types].xml"), &["Excel workbook", "export it as CSV"]);
    refused("npz", zip_with("images.npy"), &["NumPy arrays", "export it as CSV"]);
    for (magic, found) in [
        (&b"7z\xBC\xAF\x27\x1C"[..], "7z archive"),
        (b"\xFD7zXZ\0", "xz file"),
        (b"\x28\xB5\x2F\xFD", "zstd file"),
        (b"BZh91AY", "bzip2 file"),
        (b"PAR1\x15\x04", "Parquet"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"\x93NUMPY\x01\0", "NumPy array"),
        (b"\xD0\xCF\x11\xE0", "Excel"),
        (b"SQLite format 3\0", "SQLite"),
        (b"  [{\"emotion\": 0}]", "JSON"),
    ] {
        refused(found, magic, &[found, "not a CSV file"]);
        refused(found, gz(magic), &[found]);
    }
}

/// Texts that are no table of faces are told by what they are.
#[test]
fn texts_of_other_kinds() {
    let votes = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n\
                 Training,fer0000000.png,4,0,0,1,3,2,0,0,0,0\n";
    refused("FERPlus", votes, &["line 1", "votes of FERPlus", "fer2013.csv"]);
    let savetxt: String = (0..48).map(|row| pixels(row)[..150].to_owned() + "\n").collect();
    refused("savetxt", savetxt, &["line 1", "numbers", "header line", "emotion, pixels"]);
    refused(
        "savetxt of floats",
        "7.000000000000000000e+00 1.210000000000000000e+02\n",
        &["numbers", "header"],
    );
    let columns: String = (0..2304).map(|pixel| format!(",pixel{pixel}")).collect();
    refused(
        "a column for each",
        format!("emotion{columns},Usage\n"),
        &["2306 columns", "one column \"pixels\""],
    );
    let summarised = "[ 70  80  82 ... 106 109  82]";
    line_refused(
        "NumPy's dots",
        format!("0,{summarised},Training"),
        &["after 3 pixels", "NumPy has left out"],
    );
    line_refused(
        "several lines",
        format!("0,\"[{}\n 1 2]\",Training", pixels(0)),
        &["all of an image on one line"],
    );
    pixels_refused("another size", &vec!["9"; 96 * 96].join(" "), &["found 9216 pixels (96x96)"]);
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

/// A few megabytes of gzip may hold gigabytes of nothing.
#[test]
fn blank_lines_have_an_end() {
    let many = b"\n".repeat(3 << 20);
    refused("only blank lines", gz(&many), &["line ", "more than 1 MiB of blank lines"]);
    let start = format!("emotion,pixels,Usage\n{}", row(0, "Training"));
    refused("behind a row", gz(&[start.as_bytes(), &many].concat()), &["more than 1 MiB of blank lines"]);
    let spaces = [b" ".repeat(60_000), vec![b'\n']].concat().repeat(20);
    refused("lines of spaces", gz(&spaces), &["blank lines"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("faces.csv");
    fs::write(&path, single_file()).unwrap();
    let options = Options { max_bytes: 20_000, ..Options::default() };
    let message = csv::load(&path, &options).unwrap_err().to_string();
    assert!(message.contains("line 4: the file is longer than"), "{message}");
}

#[test]
fn folders_of_other_things_are_told_by_what_is_in_them() {
    let told = |files: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        message(folder.path())
    };
    for (files, fragments) in [
        (
            &["train/angry/1.png", "train/happy/2.JPG", "test/angry/3.png"][..],
            &["folders of images", "\"train/angry\"", "data/README.md"][..],
        ),
        (&["angry/1.png", "happy/2.jpeg"], &["folders of images (\"angry\", \"happy\")"]),
        (&["1.png"], &["images, which say nothing"]),
        (&["FER2013.CSV"], &["found \"FER2013.CSV\"", "give it by itself, with --data"]),
        (&["fer2013"], &["found \"fer2013\"", "give it by itself"]),
        (&["train.csv", "val.csv", "test.csv"], &["\"test.csv\", \"train.csv\", \"val.csv\"", "rename"]),
        (&["fer2013.tar.gz"], &["found \"fer2013.tar.gz\": unpack it first"]),
        (&["notes.md"], &["found \"notes.md\""]),
        (&[], &["the folder is empty"]),
    ] {
        let message = told(files);
        for fragment in fragments.iter().chain(&["holds no FER-2013 data; expected Q1_Train_Data.csv"]) {
            assert!(message.contains(fragment), "{files:?}: {message:?} lacks {fragment:?}");
        }
    }
}

#[test]
fn files_of_other_kinds() {
    refused("zip", b"PK\x03\x04\x14\0\0\0", &["zip archive", "unpack it first"]);
    refused("web page", "\n<!DOCTYPE html><html>404</html>", &["web page", "download"]);
    refused(
        "LFS",
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n",
        &["Git LFS pointer", "git lfs pull"],
    );
    refused("JSON", "{\"message\": \"Not Found\"}", &["JSON"]);
    refused("PNG", b"\x89PNG\r\n\x1a\n", &["PNG image"]);
}

#[test]
fn folders() {
    let folder = tempfile::tempdir().unwrap();
    assert!(message(folder.path()).contains("holds no FER-2013 data; expected Q1_Train_Data.csv"));
    fs::write(folder.path().join("Q1_Train_Data.csv"), format!("emotion,pixels\n0,{}\n", pixels(0))).unwrap();
    assert!(message(folder.path()).contains("Q1_Validation_Data.csv is missing"));
    fs::write(folder.path().join("Q1_Validation_Data.csv"), "emotion,pixels\n").unwrap();
    fs::write(folder.path().join("Q1_Test_Data.csv"), "emotion,pixels\n").unwrap();
    let empty = message(folder.path());
    assert!(empty.contains("Q1_Validation_Data.csv: has no row for the val split"), "{empty}");
    let missing = message(&folder.path().join("nothing.csv"));
    assert!(missing.contains("nothing.csv: cannot be read") && missing.contains("No such file"), "{missing}");
}

#[cfg(unix)]
#[test]
fn things_that_are_no_files() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    for device in ["/dev/zero", "/dev/null", "/dev/random"] {
        assert!(message(Path::new(device)).contains("a pipe, a device or a socket; expected a regular file"));
    }
    let fifo = folder.path().join("fifo.csv");
    if std::process::Command::new("mkfifo").arg(&fifo).status().is_ok_and(|status| status.success()) {
        assert!(message(&fifo).contains("fifo.csv: is a pipe"));
    }
    let ring = folder.path().join("ring.csv");
    symlink(&ring, &ring).unwrap();
    assert!(message(&ring).contains("ring.csv: cannot be read"));
    let nested = folder.path().join("set");
    fs::create_dir_all(nested.join("Q1_Train_Data.csv")).unwrap();
    for name in ["Q1_Validation_Data.csv", "Q1_Test_Data.csv"] {
        symlink("nowhere", nested.join(name)).unwrap();
    }
    assert!(message(&nested).contains("Q1_Train_Data.csv: is a folder"));
    let locked = folder.path().join("locked.csv");
    fs::write(&locked, single_file()).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    // The superuser may read everything.
    if fs::File::open(&locked).is_err() {
        assert!(message(&locked).contains("locked.csv: cannot be read: Permission denied"));
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
