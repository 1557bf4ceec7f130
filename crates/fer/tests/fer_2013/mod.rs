//! Where the real FER-2013 is, for the tests that need it.

use std::io::Write;
use std::path::PathBuf;

/// The path in `FER_DATA`. Without it, says that `test` is skipped, past the test runner's capture so that it
/// shows for a passing test as well.
pub fn path_for(test: &str) -> Option<PathBuf> {
    let path = std::env::var_os("FER_DATA").map(PathBuf::from);
    if path.is_none() {
        let mut stderr = std::io::stderr();
        let _ = writeln!(stderr, "skipped: {test} (set FER_DATA to a folder with the FER-2013 CSV files)");
    }
    path
}
