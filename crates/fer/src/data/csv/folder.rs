//! Which files of a folder hold the data, and what is there instead if none does.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::{DataError, quoted};
use super::{SINGLE_FILES, SPLIT_FILES};

/// Where the rows are.
pub enum Layout {
    /// A file for each split.
    PerSplit([PathBuf; 3]),
    /// One file, with a `Usage` column.
    Single(PathBuf),
}

/// Which files to read.
///
/// # Errors
/// If there is nothing at `path`, or a folder without the files that are expected.
pub fn find(path: &Path) -> Result<Layout, DataError> {
    let found = fs::metadata(path).map_err(|source| DataError::Read { path: path.to_owned(), source })?;
    if !found.is_dir() {
        return Ok(Layout::Single(path.to_owned()));
    }
    let plain_or_gz = |name: &str| {
        let candidates = [path.join(name), path.join(format!("{name}.gz"))];
        // A link that leads nowhere counts as present, so that opening it tells why it cannot be read.
        candidates.into_iter().find(|path| fs::symlink_metadata(path).is_ok())
    };
    match SPLIT_FILES.map(plain_or_gz) {
        [Some(train), Some(val), Some(test)] => Ok(Layout::PerSplit([train, val, test])),
        [None, None, None] => {
            let single = SINGLE_FILES.into_iter().find_map(plain_or_gz);
            single
                .map(Layout::Single)
                .ok_or_else(|| DataError::NoFiles { folder: path.to_owned(), found: instead(path) })
        }
        some => {
            let missing = some.iter().zip(SPLIT_FILES).find(|(found, _)| found.is_none());
            let file = missing.map_or(SPLIT_FILES[0], |(_, file)| file);
            Err(DataError::MissingFile { folder: path.to_owned(), file })
        }
    }
}

/// Entries of a folder that are looked at; a folder of images may have tens of thousands.
const LOOKED_AT: usize = 1000;

/// What is in the folder, and what to do about it.
fn instead(folder: &Path) -> String {
    let all = entries(folder);
    let files: Vec<&str> = all.iter().filter(|(_, folder)| !folder).map(|(name, _)| name.as_str()).collect();
    let ending = |name: &str, endings: &[&str]| {
        let name = name.to_ascii_lowercase();
        endings.iter().any(|ending| name.ends_with(ending))
    };
    let of = |endings: &[&str]| -> Vec<&str> {
        files.iter().copied().filter(|name| ending(name, endings)).collect()
    };
    let named = |name: &&&str| name.to_ascii_lowercase().starts_with("fer2013");
    let archives =
        of(&[".tar", ".tgz", ".tar.gz", ".zip", ".7z", ".rar", ".tar.bz2", ".tar.xz", ".xz", ".bz2", ".zst"]);
    let tables = of(&[".csv", ".csv.gz", ".tsv", ".txt"]);
    if let Some(classes) = image_folders(folder, &all) {
        return format!(
            "found folders of images ({classes}), which are not read: write them into a CSV file first, as data/README.md shows"
        );
    }
    if !of(&IMAGES).is_empty() {
        return "found images, which say nothing of their emotions: write them into a CSV file first, as \
                data/README.md shows"
            .into();
    }
    match (tables.as_slice(), archives.first(), files.iter().find(named)) {
        (&[table], ..) => {
            format!("found {}: if this is the data, give it by itself, with --data", quoted(table.as_bytes()))
        }
        (tables @ [_, _, ..], ..) => format!(
            "found {}: rename the files of the three splits to these names, or give one file with a column Usage by itself",
            some(tables)
        ),
        (_, Some(archive), _) => format!("found {}: unpack it first", quoted(archive.as_bytes())),
        (.., Some(file)) => {
            format!("found {}: if this is the data, give it by itself, with --data", quoted(file.as_bytes()))
        }
        _ if all.is_empty() => "the folder is empty".into(),
        _ => format!("found {}", some(&all.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>())),
    }
}

const IMAGES: [&str; 8] = [".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff"];

/// Names of a folder's entries and whether they are folders, in order.
fn entries(folder: &Path) -> Vec<(String, bool)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().take(LOOKED_AT);
    let mut entries: Vec<_> = entries
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path().is_dir()))
        .filter(|(name, _)| !name.starts_with('.'))
        .collect();
    entries.sort();
    entries
}

/// The folders with images below, two deep: `angry, happy` or `train/angry, train/happy`.
fn image_folders(folder: &Path, all: &[(String, bool)]) -> Option<String> {
    /// Folders that are looked into.
    const MOST: usize = 20;
    let folders = |of: &[(String, bool)]| -> Vec<String> {
        of.iter().filter(|(_, folder)| *folder).map(|(name, _)| name.clone()).take(MOST).collect()
    };
    let has_images = |below: &[(String, bool)]| {
        let image = |name: &str| IMAGES.iter().any(|ending| name.to_ascii_lowercase().ends_with(ending));
        below.iter().any(|(name, folder)| !folder && image(name))
    };
    let mut found = Vec::new();
    for name in folders(all) {
        let below = entries(&folder.join(&name));
        if has_images(&below) {
            found.push(name);
            continue;
        }
        for inner in folders(&below) {
            if has_images(&entries(&folder.join(&name).join(&inner))) {
                found.push(format!("{name}/{inner}"));
            }
        }
    }
    let found: Vec<&str> = found.iter().map(String::as_str).collect();
    (!found.is_empty()).then(|| some(&found))
}

/// The first names, and how many there are.
fn some(names: &[&str]) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<_> = names.iter().take(SHOWN).map(|name| quoted(name.as_bytes())).collect();
    let more = if names.len() > SHOWN { format!(" and {} more", names.len() - SHOWN) } else { String::new() };
    shown.join(", ") + &more
}
