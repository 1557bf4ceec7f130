//! Files and folders that hold something else than faces, or nothing whole: each is told what it is.

mod refusals;
mod rows;

use std::fs;
use std::io::Write;
use std::path::Path;

use fer::data::csv::{self, Options};
use flate2::Compression;
use flate2::write::GzEncoder;
use refusals::{line_refused, message, pixels_refused, refused};
use rows::{pixels, row, single_file};

#[test]
fn other_encodings_and_nul() {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    refused("UTF-16 with a mark", utf16("\u{FEFF}emotion,pixels"), &["UTF-16", "save it as UTF-8"]);
    refused("UTF-16 without", utf16("emotion,pixels,Usage\n"), &["UTF-16", "save it as UTF-8"]);

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
