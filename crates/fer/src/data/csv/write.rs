//! Writes faces in the same formats.

use std::fmt::Write as _;
use std::io::{self, Write};

use crate::data::{Faces, Split};

/// Writes `emotion,pixels` and a row per face.
///
/// # Errors
/// Those of `out`.
pub fn write_rows(mut out: impl Write, faces: &Faces) -> io::Result<()> {
    writeln!(out, "emotion,pixels")?;
    rows(&mut out, faces, "")
}

/// Writes `emotion,pixels,Usage` and the rows of several splits.
///
/// # Errors
/// Those of `out`.
pub fn write_rows_with_usage(mut out: impl Write, splits: &[(Split, &Faces)]) -> io::Result<()> {
    writeln!(out, "emotion,pixels,Usage")?;
    for &(split, faces) in splits {
        rows(&mut out, faces, [",Training", ",PublicTest", ",PrivateTest"][split as usize])?;
    }
    Ok(())
}

fn rows(out: &mut impl Write, faces: &Faces, ending: &str) -> io::Result<()> {
    let mut row = String::new();
    for (image, label) in faces.iter() {
        row.clear();
        let mut separator = ',';
        let _ = write!(row, "{label}");
        for pixel in image {
            let _ = write!(row, "{separator}{pixel}");
            separator = ' ';
        }
        writeln!(out, "{row}{ending}")?;
    }
    Ok(())
}
