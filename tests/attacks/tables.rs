//! Data in CSV files.

use super::harness::{Attack, attack};

/// A line of `fer data`'s CSV: a label and 2304 grey levels.
fn line(label: &str, pixel: &str, usage: &str) -> String {
    format!("{label},{},{usage}\n", [pixel; 2304].join(" "))
}

/// Faces of all classes in all splits.
fn table() -> String {
    let mut text = String::from("emotion,pixels,Usage\n");
    for usage in ["Training", "PublicTest", "PrivateTest"] {
        (0..7).for_each(|label| text += &line(&label.to_string(), "100", usage));
    }
    text
}

fn stats(name: &'static str, content: impl Into<Vec<u8>>) -> Attack {
    attack(name, "fer data stats --data x.csv").file("x.csv", content)
}

/// A table with a line that must be refused by its number.
fn bad_line(name: &'static str, bad: &str) -> Attack {
    stats(name, table() + bad).ends(1, &["x.csv", "line 23"])
}

fn as_file(name: &'static str, setup: &str) -> Attack {
    attack(name, "fer data stats --data x.csv").setup(setup).ends(1, &["x.csv"])
}

pub fn rows() -> Vec<Attack> {
    let long = "9".repeat(400);
    // 64 MB of newlines, 64 times: the members of a gzip file follow each other.
    let blank_gz = "head -c 67108864 /dev/zero | tr '\\0' '\\n' | gzip -1 > x
                    for i in $(seq 64); do cat x; done > x.csv.gz";
    vec![
        stats("a good table", table()).ends(0, &["21"]),
        bad_line("a label beyond the classes", &line("7", "100", "Training")),
        bad_line("a negative label", &line("-1", "100", "Training")),
        bad_line("a label of 400 digits", &line(&long, "100", "Training")),
        bad_line("a grey level of 256", &line("0", "256", "Training")),
        bad_line("a grey level of -1", &line("0", "-1", "Training")),
        bad_line("a grey level of 400 digits", &line("0", &long, "Training")),
        bad_line("a grey level that is NaN", &line("0", "nan", "Training")),
        bad_line("a usage that nobody knows", &line("0", "1", "Validation!")),
        bad_line("a usage that commands the terminal", &line("0", "1", "\u{1b}[2J\u{7}")),
        bad_line("a usage that turns the text", &line("0", "1", "\u{202e}gniniarT")),
        bad_line("too few grey levels", "0,1 2 3,Training\n"),
        bad_line("too many grey levels", &format!("0,{},Training\n", ["1"; 2305].join(" "))),
        bad_line("an open quote", "0,\"1 2 3,Training\n"),
        bad_line("a line of one field", "0\n"),
        bad_line("a line of 10,000 fields", &format!("0{}\n", ",".repeat(10_000))),
        stats("a NUL in a table", table() + "0,\0,Training\n").ends(1, &["x.csv"]),
        stats("a table that is not text", [table().into_bytes(), vec![0xff; 100], b"\n".to_vec()].concat())
            .ends(1, &["x.csv"]),
        stats("an empty table", "").ends(1, &["x.csv"]),
        stats("a table of its header alone", "emotion,pixels,Usage\n").ends(1, &["x.csv"]),
        stats("a header of other names", "mood,bytes,when\n0,1,2\n").ends(1, &["x.csv", "emotion"]),
        stats("a header that commands the terminal", "emotion,pixels,\u{1b}]0;owned\u{7}\n")
            .ends(1, &["x.csv"]),
        stats("a line of 100 MB", "emotion,pixels,Usage\n0,")
            .setup("head -c 100000000 /dev/zero | tr '\\0' 1 >> x.csv")
            .ends(1, &["x.csv", "line 2"])
            .memory(200),
        stats("a cut table", &table()[..table().len() - 2000]).ends_in(&[1], &["x.csv"]),
        as_file("a table that is a pipe", "mkfifo x.csv").ends(1, &["x.csv"]),
        as_file("a table that is a device", "ln -s /dev/zero x.csv"),
        as_file("a table that is not there", ":"),
        as_file("a table of an empty folder", "mkdir x.csv"),
        as_file("a table that links to itself", "ln -s x.csv x.csv"),
        as_file("a table in the files of the system", "ln -s /proc/self/environ x.csv"),
        attack("a compressed table of newlines", "fer data stats --data x.csv.gz")
            .setup(blank_gz)
            .ends(1, &["x.csv.gz"])
            .within(60),
        attack("a compressed table of zeros", "fer data stats --data x.csv.gz")
            .setup("head -c 1000000000 /dev/zero | gzip -1 > x.csv.gz")
            .ends(1, &["x.csv.gz"]),
        attack("a compressed table cut in the middle", "fer data stats --data x.csv.gz")
            .file("x.csv", table())
            .setup("gzip x.csv; truncate -s 200 x.csv.gz")
            .ends(1, &["x.csv.gz"]),
        attack("text that is named as compressed", "fer data stats --data x.csv.gz")
            .file("x.csv.gz", table())
            .ends_in(&[0, 1], &[]),
        attack("a tar of a table", "fer data stats --data x.tar.gz")
            .file("x.csv", table())
            .setup("tar czf x.tar.gz x.csv")
            .ends(1, &["x.tar.gz", "tar"]),
        attack("a tar of a table, not compressed", "fer data stats --data x.tar")
            .file("x.csv", table())
            .setup("tar cf x.tar x.csv")
            .ends(1, &["x.tar", "a tar archive", "unpack it first"]),
        stats("numbers without a header", "7 8 9\n1 2 3\n")
            .ends(1, &["x.csv", "line 1", "numbers", "header"]),
        stats(
            "the votes of FERPlus",
            "Usage,Image name,neutral,happiness,contempt,NF\nTraining,a.png,4,0,0,0\n",
        )
        .ends(1, &["x.csv", "votes of FERPlus"]),
        stats("a table of old line ends", table().replace('\n', "\r")).ends(0, &["21"]),
        stats("a table with semicolons", table().replace(',', ";")).ends(0, &["21"]),
        attack("a usage that contradicts the name of its file", "fer data stats --data .")
            .file("Q1_Train_Data.csv", table())
            .setup("cp Q1_Train_Data.csv Q1_Validation_Data.csv; cp Q1_Train_Data.csv Q1_Test_Data.csv")
            .ends(1, &["Q1_Train_Data.csv, line 9", "val split", "says train"]),
        attack("folders of images", "fer data stats --data x")
            .setup("mkdir -p x/train/happy; : > x/train/happy/1.png")
            .ends(1, &["folders of images", "train/happy", "data/README.md"]),
        attack("a zip of a table", "fer data stats --data x.zip")
            .file("x.zip", b"PK\x03\x04\x14\0\0\0\0\0 and so on")
            .ends(1, &["x.zip", "zip"]),
        attack("a table without a face for training", "fer train tiny.json --epochs 1 --data x.csv")
            .file("x.csv", format!("emotion,pixels,Usage\n{}", line("0", "1", "PublicTest")))
            .ends(1, &["x.csv"])
            .after("test ! -e runs"),
        attack("settings with an unknown key", "fer train tiny.json --config x.toml")
            .file("x.toml", "epochz = 3\n")
            .ends_in(&[1, 2], &["x.toml", "epochz"]),
        attack("settings of another type", "fer train tiny.json --config x.toml")
            .file("x.toml", "epochs = \"many\"\n")
            .ends_in(&[1, 2], &["x.toml", "epochs"]),
        attack("settings with a number of 20 digits", "fer train tiny.json --config x.toml")
            .file("x.toml", "epochs = 99999999999999999999\n")
            .ends_in(&[1, 2], &["x.toml", "epochs: 99999999999999999999 is out of range"])
            .never(&["i128", "`"]),
        attack("settings of 100,000 brackets", "fer train tiny.json --config x.toml")
            .file("x.toml", format!("epochs = {}", "[".repeat(100_000)))
            .ends_in(&[1, 2], &["x.toml"]),
        attack("settings that are a pipe", "fer train tiny.json --config x.toml")
            .setup("mkfifo x.toml")
            .ends(1, &["x.toml"]),
        attack("settings that are a device", "fer augment preview --config x.toml -o x.png")
            .setup("ln -s /dev/zero x.toml")
            .ends(1, &["x.toml"]),
        attack("an augmentation of NaN", "fer augment preview --config x.toml -o x.png")
            .file("x.toml", "rotation_range = nan\n")
            .ends_in(&[1, 2], &["rotation_range"])
            .after("test ! -e x.png"),
        attack("an augmentation of 1e300 degrees", "fer augment preview --config x.toml -o x.png")
            .file("x.toml", "rotation_range = 1e300\n")
            .ends_in(&[0, 1, 2], &[]),
        attack("a zoom of 1e-300", "fer augment preview --config x.toml -o x.png")
            .file("x.toml", "zoom_range = [1e-300, 1e300]\n")
            .ends_in(&[0, 1, 2], &[]),
    ]
}
