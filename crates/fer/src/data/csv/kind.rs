//! Files of other kinds, told by their first bytes.

/// Bytes at the beginning of a file that [`foreign`] looks at.
pub const LOOKED_AT: usize = 4096;

/// The UTF-8 byte order mark.
pub const BOM: &[u8] = b"\xEF\xBB\xBF";

/// How a gzip file begins.
pub const GZIP: &[u8] = b"\x1F\x8B";

const UNPACK: &str = "unpack it first";
const SAVE: &str = "save it as UTF-8";
const DOWNLOAD: &str = "download the data itself";
const EXPORT: &str = "export it as CSV with the columns emotion, pixels and Usage";

/// How files begin, what they are, and what to do about it.
const KINDS: [(&[u8], &str, &str); 28] = [
    (GZIP, "a gzip file inside a gzip file", UNPACK),
    (b"BZh", "a bzip2 file", UNPACK),
    (b"\xFD7zXZ", "an xz file", UNPACK),
    (b"\x28\xB5\x2F\xFD", "a zstd file", UNPACK),
    (b"7z\xBC\xAF", "a 7z archive", UNPACK),
    (b"Rar!", "a rar archive", UNPACK),
    (b"\x04\x22\x4D\x18", "an lz4 file", UNPACK),
    (b"\x1F\x9D", "a compress (.Z) file", UNPACK),
    (b"\xFF\xFE\0\0", "UTF-32 text", SAVE),
    (b"\xFF\xFE", "UTF-16 text", SAVE),
    (b"\xFE\xFF", "UTF-16 text", SAVE),
    (b"\x89PNG", "a PNG image", DOWNLOAD),
    (b"\xFF\xD8\xFF", "a JPEG image", DOWNLOAD),
    (b"GIF8", "a GIF image", DOWNLOAD),
    (b"RIFF", "a RIFF file (a WebP image, sound or film)", DOWNLOAD),
    (b"%PDF", "a PDF document", DOWNLOAD),
    (b"PAR1", "a Parquet file", EXPORT),
    (b"ARROW1", "an Arrow (Feather) file", EXPORT),
    (b"FEA1", "a Feather file", EXPORT),
    (b"ORC", "an ORC file", EXPORT),
    (b"Obj\x01", "an Avro file", EXPORT),
    (b"\xD0\xCF\x11\xE0", "an old Excel workbook (.xls)", EXPORT),
    (b"SQLite format 3\0", "an SQLite database", EXPORT),
    (b"\x89HDF", "an HDF5 file", EXPORT),
    (b"\x93NUMPY", "a NumPy array (.npy)", EXPORT),
    (b"MATLAB 5.0", "a MATLAB file", EXPORT),
    (b"@relation", "an ARFF file of Weka", EXPORT),
    (b"\x80\x04\x95", "a Python pickle", EXPORT),
];

/// What the first bytes of a file of another kind tell: what it is, and what to do about it.
pub fn foreign(start: &[u8]) -> Option<(&'static str, &'static str)> {
    if start.starts_with(b"version https://git-lfs") {
        return Some(("a Git LFS pointer", "fetch the data with `git lfs pull`"));
    }
    if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") {
        return Some(zip(start));
    }
    if is_tar(start) {
        return Some(("a tar archive", "unpack it first (`tar xf`) and give the CSV file in it"));
    }
    let text = start.strip_prefix(BOM).unwrap_or(start).trim_ascii_start();
    if text.starts_with(b"<") {
        return Some(("a web page (HTML or XML)", DOWNLOAD));
    }
    if text.starts_with(b"{") || text.starts_with(b"[") {
        return Some(("JSON", DOWNLOAD));
    }
    if let Some(&(_, found, advice)) = KINDS.iter().find(|(magic, ..)| start.starts_with(magic)) {
        return Some((found, advice));
    }
    let begins = start.len() >= 8 && start[0] != 0;
    let halves = start[..start.len().min(8)].chunks_exact(2);
    (begins && halves.clone().all(|pair| pair[1] == 0 && pair[0] != 0)).then_some(("UTF-16 text", SAVE))
}

/// What is in a zip archive, by the names near its beginning.
fn zip(start: &[u8]) -> (&'static str, &'static str) {
    let has = |name: &[u8]| start.windows(name.len()).any(|part| part == name);
    if has(b"[Content_Types].xml") || has(b"xl/") {
        ("an Excel workbook (.xlsx)", EXPORT)
    } else if has(b".npy") {
        ("an archive of NumPy arrays (.npz)", EXPORT)
    } else {
        ("a zip archive", UNPACK)
    }
}

/// Whether a header of a tar archive stands at the beginning: 512 bytes with the sum of all in octal digits.
fn is_tar(start: &[u8]) -> bool {
    const SUM: std::ops::Range<usize> = 148..156;
    let Some(header) = start.first_chunk::<512>() else { return false };
    let digits = std::str::from_utf8(&header[SUM]).unwrap_or_default();
    let digits = digits.trim_matches(['\0', ' ']);
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    let own: u32 = header[SUM].iter().map(|&byte| u32::from(byte)).sum();
    // The sum is taken with blanks in its own place.
    header[0] != 0 && u32::from_str_radix(digits, 8) == Ok(sum - own + 8 * u32::from(b' '))
}
