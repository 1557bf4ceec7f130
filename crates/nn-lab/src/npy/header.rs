//! The header of a `.npy` file: a Python dictionary with the type of the elements, their order and the shape.

use std::io::{self, Read};

/// What the header says.
#[derive(Debug, PartialEq)]
pub(super) struct Header {
    /// The type as NumPy writes it, such as `<f4`; `None` if it is a list of fields.
    pub descr: Option<String>,
    /// Whether the first axis runs fastest.
    pub fortran: bool,
    /// Elements along each axis.
    pub shape: Vec<u64>,
    /// Bytes before the first element.
    pub length: u64,
}

pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// How a zip archive begins.
pub(super) const ARCHIVE: &[u8] = b"PK\x03\x04";

/// NumPy itself reads no longer ones unless it is told to trust the file.
const LONGEST: usize = 1 << 20;

impl Header {
    /// Reads magic number, version and dictionary.
    pub(super) fn read(file: &mut impl Read) -> Result<Self, String> {
        let mut prefix = [0; 8];
        let got = read_up_to(file, &mut prefix)?;
        if prefix[..got].starts_with(ARCHIVE) {
            return Err("an .npz archive of arrays: save one array alone with numpy.save".into());
        }
        if !prefix[..got].starts_with(MAGIC) {
            return Err("not a .npy file".into());
        }
        let [.., major, _] = prefix;
        if got < prefix.len() || !(1..=3).contains(&major) {
            return Err("not a readable .npy file: its version is not 1, 2 or 3".into());
        }
        let mut length = [0; 4];
        let width = if major == 1 { 2 } else { 4 };
        if read_up_to(file, &mut length[..width])? < width {
            return Err("not a readable .npy file: it ends within its header".into());
        }
        let length = u32::from_le_bytes(length) as usize;
        if length > LONGEST {
            return Err(format!("a .npy file whose header claims {length} bytes, the most is {LONGEST}"));
        }
        let mut text = vec![0; length];
        if read_up_to(file, &mut text)? < length {
            return Err("not a readable .npy file: its header is longer than the file".into());
        }
        let header = Self::parse(&String::from_utf8_lossy(&text));
        let header = header.ok_or(
            "not a readable .npy file: its header is no dictionary with descr, fortran_order and shape",
        )?;
        Ok(Self { length: (prefix.len() + width + length) as u64, ..header })
    }

    /// Reads the dictionary; `None` if it is none, or a key is missing, unknown or there twice.
    fn parse(text: &str) -> Option<Self> {
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        let mut rest = text.trim().strip_prefix('{')?;
        loop {
            rest = rest.trim_start();
            if let Some(end) = rest.strip_prefix('}') {
                let header = Self { descr: descr?, fortran: fortran?, shape: shape?, length: 0 };
                return end.is_empty().then_some(header);
            }
            let (key, after) = quoted(rest)?;
            let value = after.trim_start().strip_prefix(':')?.trim_start();
            let after = match key {
                "descr" if descr.is_none() => {
                    let (kind, after) = kind(value)?;
                    descr = Some(kind);
                    after
                }
                "fortran_order" if fortran.is_none() => {
                    let (word, after) = value.split_at(value.find([',', '}'])?);
                    fortran = Some(match word.trim() {
                        "True" => true,
                        "False" => false,
                        _ => return None,
                    });
                    after
                }
                "shape" if shape.is_none() => {
                    let (axes, after) = tuple(value)?;
                    shape = Some(axes);
                    after
                }
                _ => return None,
            };
            let after = after.trim_start();
            rest = after.strip_prefix(',').or_else(|| after.starts_with('}').then_some(after))?;
        }
    }
}

/// Fills `bytes` as far as the file goes; the number of bytes that were read.
fn read_up_to(file: &mut impl Read, bytes: &mut [u8]) -> Result<usize, String> {
    let mut got = 0;
    while got < bytes.len() {
        match file.read(&mut bytes[got..]) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(got)
}

/// A text in single or double quotes, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    text[1..].split_once(quote)
}

/// The type of the elements, `None` for a list of fields or a tuple, and what follows it.
fn kind(text: &str) -> Option<(Option<String>, &str)> {
    if !text.starts_with(['[', '(']) {
        return quoted(text).map(|(kind, after)| (Some(kind.into()), after));
    }
    let mut depth = 0usize;
    for (i, c) in text.char_indices() {
        match c {
            '[' | '(' => depth += 1,
            ']' | ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((None, &text[i + 1..]));
        }
    }
    None
}

/// A tuple or list of whole numbers, and what follows it. Python 2 puts an `L` behind large ones.
fn tuple(text: &str) -> Option<(Vec<u64>, &str)> {
    let end = match text.chars().next()? {
        '(' => ')',
        '[' => ']',
        _ => return None,
    };
    let (inside, after) = text[1..].split_once(end)?;
    let inside = inside.trim();
    let inside = inside.strip_suffix(',').unwrap_or(inside);
    if inside.is_empty() {
        return Some((Vec::new(), after));
    }
    let axes: Option<_> =
        inside.split(',').map(|axis| axis.trim().trim_end_matches('L').parse().ok()).collect();
    Some((axes?, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(descr: Option<&str>, fortran: bool, shape: &[u64]) -> Option<Header> {
        Some(Header { descr: descr.map(Into::into), fortran, shape: shape.into(), length: 0 })
    }

    #[test]
    fn dictionaries_as_numpy_writes_them() {
        let cases = [
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }   \n",
                header(Some("<f4"), false, &[3, 4]),
            ),
            ("{'shape':(7,),'fortran_order':True,'descr':\"|u1\"}", header(Some("|u1"), true, &[7])),
            ("{'descr': '<i8', 'fortran_order': False, 'shape': ()}", header(Some("<i8"), false, &[])),
            (
                "{'descr': '<i8', 'fortran_order': False, 'shape': (3L, 4L)}",
                header(Some("<i8"), false, &[3, 4]),
            ),
            (
                "{'descr': [('a', '<f4', (2,)), ('b', '<i8')], 'fortran_order': False, 'shape': (3,)}",
                header(None, false, &[3]),
            ),
            ("{'descr': ('<f4', (2, 2)), 'fortran_order': False, 'shape': (3,)}", header(None, false, &[3])),
        ];
        for (text, expected) in cases {
            assert_eq!(Header::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn other_texts_are_none() {
        let good = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4)}";
        assert!(Header::parse(good).is_some());
        for (old, new) in [
            ("(3, 4)", "(3, -4)"),
            ("(3, 4)", "(3, 4"),
            ("(3, 4)", "(3, 99999999999999999999999)"),
            ("(3, 4)", "12"),
            ("False", "Maybe"),
            ("'<f4'", "<f4"),
            ("'<f4'", "[[[[[[[["),
            ("'<f4'", "]"),
            ("}", "} and more"),
            ("}", ""),
            ("'descr'", "'other'"),
            ("'shape'", "'descr'"),
            ("{", ""),
        ] {
            let text = good.replacen(old, new, 1);
            assert_eq!(Header::parse(&text), None, "{text}");
        }
        assert_eq!(Header::parse(""), None);
    }
}
