//! Files: read within bounds, written whole, named safely. The one place for all three.
//!
//! Reading: [`read`], [`read_start`] and [`read_text`] take a limit in bytes and accept regular files only, so that a
//! pipe cannot hang a program and a device cannot fill its memory; the limit is kept while reading, whatever the system says of the length.
//! [`open`] is for what is not read into memory as it lies on disk.
//!
//! Writing: [`write_atomically`] is for files of our own folders; [`write_output`] and [`write_output_with`] are
//! for a path that a user names.
//!
//! Names: [`check_file_name`] says whether a name from a file may become part of a path.

mod name;
mod read;
mod write;

pub use name::{NameError, check_file_name};
pub use read::{ReadError, kind, open, read, read_start, read_text};
pub(crate) use write::sync_parent;
pub use write::{
    OutputError, check_output, is_temporary, remove_temporary_files, write_atomically, write_output,
    write_output_with,
};
