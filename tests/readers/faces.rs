//! What `fer` reads: tables of faces, images, settings, runs, the places of studies.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

use fer::augment::Fitted;
use fer::data::{csv as tables, image_file};
use fer::discreet::{discreet, without_passwords};
use fer::record::Record;
use fer::run::RunFolder;
use fer::search::Place;
use fer::settings::{AugmentSettings, TrainSettings};
use fer::study::{Measures, Searched, StudySettings};

use super::common::{Outcome, file, is_small, message, path};

/// Bounds that keep an input from taking long.
const TABLE: tables::Options = tables::Options { max_line: 16 << 10, max_rows: 100, max_bytes: 1 << 20 };

/// Images of more pixels are left out: decoding them takes long, and must.
const MOST_PIXELS: u64 = 1 << 16;

/// A table of faces.
pub fn csv(bytes: &[u8]) -> Outcome {
    let data = tables::load(&file("faces.csv", bytes), &TABLE).map_err(message)?;
    data.warnings.iter().for_each(|warning| drop(message(warning)));
    Ok(data.fingerprint())
}

/// An image.
pub fn image(bytes: &[u8]) -> Outcome {
    if declared_pixels(bytes) > MOST_PIXELS {
        return Err("large".into());
    }
    let pixels = image_file::read(&file("face", bytes)).map_err(message)?;
    assert_eq!(pixels.len(), fer::data::PIXELS);
    Ok(format!("{pixels:?}"))
}

/// The greatest size that a PNG's header or a JPEG's frame gives.
fn declared_pixels(bytes: &[u8]) -> u64 {
    let number = |at: usize, length: usize| {
        let field = bytes.get(at..at + length).unwrap_or_default();
        field.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
    };
    if bytes.starts_with(b"\x89PNG") {
        return number(16, 4).saturating_mul(number(20, 4));
    }
    let frames =
        (0..bytes.len()).filter(|&i| bytes[i] == 0xff && matches!(bytes.get(i + 1), Some(0xc0..=0xc3)));
    frames.map(|i| number(i + 5, 2) * number(i + 7, 2)).max().unwrap_or(0)
}

/// Settings of a training, and of an augmentation.
pub fn settings(bytes: &[u8]) -> Outcome {
    let path = file("settings.toml", bytes);
    let generator = AugmentSettings { generator_file: Some(path.clone()), ..AugmentSettings::default() };
    let generator = generator.resolve().map_err(message);
    let resolve = || {
        let settings = TrainSettings::read(&path)?;
        // A path to a network is a reader of its own.
        let settings =
            TrainSettings { model: settings.model.filter(|model| !model.ends_with(".json")), ..settings };
        settings.resolve()?.to_toml(7)
    };
    let settings = resolve().map_err(message);
    match (generator, settings) {
        (Err(one), Err(other)) => Err(format!("{one} {other}")),
        (generator, settings) => Ok(format!("{generator:?} {settings:?}")),
    }
}

/// Statistics of training faces.
pub fn statistics(bytes: &[u8]) -> Outcome {
    let fitted = Fitted::load(&file("statistics.safetensors", bytes)).map_err(message)?;
    Ok(format!("{fitted:?}"))
}

/// The files of a run that are read back, with what a run leaves in them.
const RUN: [(&str, &str); 8] = [
    (
        "network.json",
        r#"{"name": "m", "input_shape": [4], "layers": [
            {"class_name": "Dense", "config": {"units": 7, "use_bias": false}}]}"#,
    ),
    (
        "result.json",
        r#"{"model": "m", "params": 28, "epochs": 1, "seconds": 1.5, "train_acc": 0.5, "val_acc": 0.5, "test_acc": 0.5,
            "train_loss": 1.5, "val_loss": 1.5, "test_loss": 1.5}"#,
    ),
    ("config.toml", "model = \"m.json\"\nepochs = 1\n[augment]\nvariant = \"4\"\n"),
    ("metrics.csv", "epoch,accuracy,loss,val_accuracy,val_loss,lr,seconds\n0,0.5,1.5,0.5,1.5,0.001,0.5\n"),
    ("env.json", r#"{"version": "0.1.0", "command": ["fer"], "images": [2, 2, 2], "data_sha256": "00"}"#),
    ("confusion.csv", "true,A,B\nA,1,0\nB,1,0\n"),
    ("predictions.csv", "index,label,predicted,A,B\n0,0,0,0.75,0.25\n"),
    ("transform.json", r#"{"scaling": "centred"}"#),
];

/// A run's folder, one file of which is replaced: the first byte says which.
pub fn run(bytes: &[u8]) -> Outcome {
    let (place, content) = bytes.split_first().ok_or("nothing")?;
    let folder = whole_run();
    let (name, good) = RUN[usize::from(*place) % RUN.len()];
    fs::write(folder.join(name), content).expect("a small file can be written");
    let read = || {
        let record = Record::read(&folder)?;
        let mut told = format!("{:?} {:?}", record, record.predictions()?);
        if name != "network.json" || std::str::from_utf8(content).is_ok_and(is_small) {
            told += &format!("{:?} {:?}", record.cost()?, fer::resume::finished(&folder)?.is_some());
            let network = nn_core::model::Sequential::from_json(RUN[0].1).unwrap().build(0).unwrap();
            RunFolder::open(&folder)?.pipeline(&network, false)?;
        }
        Ok::<_, fer::run::RunError>(told)
    };
    let outcome = read().map_err(message);
    fs::write(folder.join(name), good).expect("a small file can be written");
    outcome
}

/// The folder of a run of which every file is whole.
fn whole_run() -> PathBuf {
    let folder = path("run");
    if !folder.exists() {
        fs::create_dir(&folder).expect("a folder can be made");
        for (name, content) in RUN {
            fs::write(folder.join(name), content).expect("a small file can be written");
        }
    }
    folder
}

/// A file of a study's or a search's folder: the first byte says which.
pub fn study(bytes: &[u8]) -> Outcome {
    let (which, content) = bytes.split_first().ok_or("nothing")?;
    let name = ["study.toml", "measures.csv", "trials.csv", "importances.csv"][usize::from(*which) % 4];
    let path = file(name, content);
    let folder = path.parent().expect("it lies in a folder");
    let told = match name {
        "study.toml" => StudySettings::read(&path).map(|study| format!("{study:?}")).map_err(message),
        "measures.csv" => Measures::read(folder).map(|measures| format!("{measures:?}")).map_err(message),
        _ => Searched::read(folder).map_err(message).map(|(search, _)| {
            let judged = (search.judged(), search.turns().len());
            format!("{:?} {:?} {judged:?}", search.trials, search.importances)
        }),
    };
    fs::remove_file(path).expect("the file is there");
    told
}

/// Where a study is kept; and addresses with the text around a password, which is never told.
pub fn place(bytes: &[u8]) -> Outcome {
    /// Longer than what a text is likely to have in it.
    const PASSWORD: &str = "s3cr3t-9f27";
    let Ok(text) = std::str::from_utf8(bytes) else { return Err("not text".into()) };
    let told = |text: &str| match Place::parse(OsStr::new(text)) {
        Ok(place) => Ok(message(place)),
        Err(error) => Err(message(error)),
    };
    let (before, after) = text.split_once('\n').unwrap_or((text, ""));
    for address in [
        format!("postgresql{before}user:{PASSWORD}{after}@host/study.db"),
        format!("postgresql://user:{before}{PASSWORD}{after}@host/study"),
        format!("mysql://user:{before}{PASSWORD}{after}"),
        format!("host=h {before} password={PASSWORD}{after}"),
    ] {
        let (Ok(shown) | Err(shown)) = told(&address);
        let argument = format!("--study={address}");
        for shown in
            [shown, discreet(&address), discreet(&argument), without_passwords(&argument, [argument.clone()])]
        {
            assert!(!shown.contains(PASSWORD), "{shown}");
        }
    }
    told(text)
}
