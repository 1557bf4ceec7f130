use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::read::kind;

/// Writes a file so that it either has all of `bytes` or is what it was before: into a temporary file in the
/// same folder, flushed to disk, then renamed.
///
/// # Errors
/// If the system refuses; the temporary file is removed.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, |file| file.write_all(bytes), None)
}

fn replace(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    permissions: Option<Permissions>,
) -> io::Result<()> {
    let name =
        path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a file name"))?;
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(format!("{MARK}{}", std::process::id()));
    let temporary = path.with_file_name(temporary);
    // What another process of the same number left is not followed, should it be a link.
    let _ = fs::remove_file(&temporary);
    let written = File::create_new(&temporary).and_then(|mut file| {
        let mut buffer = BufWriter::new(&mut file);
        content(&mut buffer)?;
        buffer.flush()?;
        drop(buffer);
        permissions.map_or(Ok(()), |permissions| file.set_permissions(permissions))?;
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

/// Why an output cannot be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OutputError {
    /// Something is there already.
    #[error("{} exists; give --force to replace it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A folder or a socket.
    #[error("{}: is {found}, and no file can be written in its place", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// The system refuses.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Whether [`write_output`] would write to `path` as things stand; to be asked before the work whose result goes there.
///
/// # Errors
/// If there is a file that `force` does not allow to replace, a folder or a socket, or no folder to write in.
pub fn check_output(path: &Path, force: bool) -> Result<(), OutputError> {
    target(path, force).map(|_| ())
}

/// Writes a file where a user wants it, whole or not at all. An existing regular file is replaced only with `force`; a
/// link is followed, and stays. To devices and pipes the bytes are written as to any stream, for there is nothing to
/// replace.
///
/// # Errors
/// If there is a file and no `force`, a folder or a socket, or the system refuses.
pub fn write_output(path: &Path, force: bool, bytes: &[u8]) -> Result<(), OutputError> {
    write_output_with(path, force, |out| out.write_all(bytes))
}

/// [`write_output`] of what `content` writes, which need not be in memory as a whole.
///
/// # Errors
/// Those of [`write_output`].
pub fn write_output_with(
    path: &Path,
    force: bool,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), OutputError> {
    let io = |source| OutputError::Io { path: path.into(), source };
    match target(path, force)? {
        Target::Stream => {
            let stream = OpenOptions::new().write(true).open(path).map_err(io)?;
            let mut buffer = BufWriter::new(stream);
            content(&mut buffer).and_then(|()| buffer.flush()).map_err(io)
        }
        Target::File { place, permissions } => replace(&place, content, permissions).map_err(io),
    }
}

/// What an output is written to.
enum Target {
    /// A device or a pipe.
    Stream,
    /// A regular file, at the end of all links; with the permissions of the one that is replaced.
    File { place: PathBuf, permissions: Option<Permissions> },
}

fn target(path: &Path, force: bool) -> Result<Target, OutputError> {
    let io = |source| OutputError::Io { path: path.into(), source };
    let not_a_file = |found| OutputError::NotAFile { path: path.into(), found };
    match fs::metadata(path) {
        Ok(found) if is_stream(path, &found) => Ok(Target::Stream),
        Ok(found) if !found.is_file() => Err(not_a_file(kind(found.file_type()))),
        Ok(_) if !force => Err(OutputError::Exists { path: path.into() }),
        Ok(found) => {
            let place = fs::canonicalize(path).map_err(io)?;
            Ok(Target::File { place, permissions: Some(found.permissions()) })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if fs::symlink_metadata(path).is_ok() {
                return Err(not_a_file("a link to nothing"));
            }
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            match fs::metadata(folder.unwrap_or(Path::new("."))) {
                Ok(folder) if folder.is_dir() => Ok(Target::File { place: path.into(), permissions: None }),
                Ok(_) => Err(io(io::ErrorKind::NotADirectory.into())),
                Err(error) => Err(io(error)),
            }
        }
        Err(error) => Err(io(error)),
    }
}

/// Whether bytes that are written there go on to somebody else. What a process has open already (`/dev/stdout`) is
/// one of these also where it is a file.
fn is_stream(path: &Path, found: &fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let file = found.file_type();
        if file.is_char_device() || file.is_block_device() || file.is_fifo() {
            return true;
        }
    }
    found.is_file() && (path.starts_with("/dev") || path.starts_with("/proc"))
}

/// In the names of temporary files, between the name of the file to be and the process id.
const MARK: &str = ".vitrine-tmp.";

/// Whether a file of this name is what a process left that was killed within [`write_atomically`].
pub fn is_temporary(name: &OsStr) -> bool {
    let process = |name: &str| name.strip_prefix('.')?.rsplit_once(MARK)?.1.parse::<u32>().ok();
    name.to_str().and_then(process).is_some()
}

/// Removes the files that killed processes have left in a folder, to which nobody may be writing now.
///
/// # Errors
/// If the system refuses.
pub fn remove_temporary_files(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if is_temporary(&entry.file_name()) && entry.file_type()?.is_file() {
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
