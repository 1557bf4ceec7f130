use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Writes a file so that it either has all of `bytes` or is what it was before: into a temporary file in the
/// same folder, flushed to disk, then renamed.
///
/// # Errors
/// If the system refuses; the temporary file is removed.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name =
        path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a file name"))?;
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(format!("{MARK}{}", std::process::id()));
    let temporary = path.with_file_name(temporary);
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let done = written.and_then(|()| fs::rename(&temporary, path));
    if done.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&temporary);
    }
    done?;
    sync_parent(path)
}

/// In the names of temporary files, between the name of the file to be and the process id.
const MARK: &str = ".tmp.";

/// Whether a file of this name is what a process left that was killed within [`write_atomically`].
pub fn is_temporary(name: &OsStr) -> bool {
    let process = |name: &str| name.strip_prefix('.')?.rsplit_once(MARK)?.1.parse::<u32>().ok();
    name.to_str().and_then(process).is_some()
}

/// Removes what killed processes have left in a folder, to which nobody may be writing now.
///
/// # Errors
/// If the system refuses.
pub fn remove_temporary_files(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if is_temporary(&entry.file_name()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Makes the appearance of `path` in its folder durable, where folders can be opened.
pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}
