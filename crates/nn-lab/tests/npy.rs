//! Arrays in NumPy's files, as NumPy writes them and as nobody should.

use std::fs;
use std::path::Path;

use nn_core::tensor;
use nn_lab::npy;

/// A file in the form of NumPy: version, header, elements.
fn file(version: u8, header: &str, elements: &[u8]) -> Vec<u8> {
    let length = (header.len() as u32).to_le_bytes();
    let length = if version == 1 { &length[..2] } else { &length };
    [b"\x93NUMPY", &[version, 0][..], length, header.as_bytes(), elements].concat()
}

fn header(kind: &str, shape: &str) -> String {
    format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n")
}

fn array(kind: &str, shape: &str, elements: &[u8]) -> Vec<u8> {
    file(1, &header(kind, shape), elements)
}

/// Little-endian bytes of numbers.
macro_rules! bytes {
    ($kind:ty: $($number:expr),*) => { [$(<$kind>::to_le_bytes($number)),*].concat() };
}

#[test]
fn arrays_of_numbers_are_read_whatever_their_type() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    let cases: [(&str, Vec<u8>, [f32; 2]); 13] = [
        ("|b1", vec![0, 1], [0.0, 1.0]),
        ("|i1", vec![7, 0xfd], [7.0, -3.0]),
        ("|u1", vec![7, 255], [7.0, 255.0]),
        ("<i2", bytes!(i16: 7, -300), [7.0, -300.0]),
        ("<u2", bytes!(u16: 7, 65535), [7.0, 65535.0]),
        ("<i4", bytes!(i32: 7, -3), [7.0, -3.0]),
        ("<u4", bytes!(u32: 7, 1 << 31), [7.0, 2147483648.0]),
        ("<i8", bytes!(i64: 7, -3), [7.0, -3.0]),
        ("<u8", bytes!(u64: 7, 1 << 63), [7.0, 9.223372e18]),
        ("<f2", bytes!(u16: 0x3e00, 0xc000), [1.5, -2.0]),
        ("<f4", bytes!(f32: 1.5, -2.0), [1.5, -2.0]),
        ("<f8", bytes!(f64: 1.5, f64::NEG_INFINITY), [1.5, f32::NEG_INFINITY]),
        ("=f4", bytes!(f32: 1.5, -2.0), [1.5, -2.0]),
    ];
    for (kind, little, expected) in cases {
        let expected = tensor(&[1, 2], expected.to_vec());
        for version in [1, 2, 3] {
            fs::write(&path, file(version, &header(kind, "(1, 2)"), &little)).unwrap();
            assert_eq!(npy::read(&path).unwrap(), expected, "{kind}");
        }
        let size = little.len() / 2;
        let big: Vec<u8> =
            little.chunks_exact(size).flat_map(|number| number.iter().rev().copied()).collect();
        if kind.starts_with('<') {
            fs::write(&path, array(&kind.replace('<', ">"), "(1, 2)", &big)).unwrap();
            assert_eq!(npy::read(&path).unwrap(), expected, "{kind} with the most significant byte first");
        }
    }
}

#[test]
fn columns_become_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    let header = header("|u1", "(2, 3)").replace("False", "True");
    fs::write(&path, file(1, &header, &[1, 4, 2, 5, 3, 6])).unwrap();
    let rows = npy::read(&path).unwrap();
    assert_eq!(rows, tensor(&[2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
    assert!(rows.is_standard_layout());
}

#[test]
fn what_is_written_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    for shape in [&[][..], &[3], &[2, 3], &[2, 1, 3, 4, 5], &[0, 3]] {
        let x = tensor(shape, (0..shape.iter().product()).map(|i| i as f32 - 7.5).collect());
        fs::write(&path, npy::encode(&x)).unwrap();
        assert_eq!(npy::read(&path).unwrap(), x, "{shape:?}");
        assert_eq!((fs::metadata(&path).unwrap().len() - 4 * x.len() as u64) % 64, 0);
    }
}

#[test]
fn everything_else_is_told_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    let many_axes = format!("({})", "1, ".repeat(5000));
    let bad: Vec<(Vec<u8>, &str)> = vec![
        (array("<f4", "(2, 2)", &[0; 12]), "ends after 12 of the 16 bytes that an array of 2 x 2 needs"),
        (array("<f4", "(1, 2)", &[0; 12]), "has 4 bytes behind its array of 1 x 2"),
        (array("<f4", "(0, 18446744073709551615)", &[0; 8]), "shape 0 x 18446744073709551615 is too large"),
        (array("<f4", "(0, 4294967296, 4294967296)", &[]), "is too large"),
        (array("<f4", "(4294967296, 4294967296)", &[0; 12]), "is too large: the most is 8 GiB"),
        (array("|u1", "(2147483649,)", &[0; 12]), "is too large: the most is 8 GiB"),
        (file(2, &header("<f4", &many_axes), &[0; 4]), "an array of 5000 axes, the most is 64"),
        (array("<f8", "(1,)", &bytes!(f64: 1e300)), "too large for 32-bit floats"),
        (array("<c8", "(1,)", &[0; 8]), "holds complex numbers: save their real part"),
        (array("<U3", "(1,)", &[0; 12]), "holds texts, expected numbers"),
        (array("|S3", "(1,)", &[0; 3]), "holds texts, expected numbers"),
        (array("|O", "(1,)", &[0; 3]), "holds Python objects"),
        (array("<M8[ns]", "(1,)", &[0; 8]), "holds dates or times"),
        (array("<V2", "(1,)", &[0; 2]), "as bfloat16 is saved"),
        (array("<f16", "(1,)", &[0; 16]), "floats of more than 64 bits"),
        (array("x\u{1b}[31m", "(1,)", &[0; 16]), "unknown type \"x\\u{1b}[31m\""),
        (
            file(1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", &[0; 4]),
            "holds records or arrays of arrays",
        ),
        (file(1, "no header\n", &[0; 8]), "its header is no dictionary"),
        (file(1, &"[".repeat(60000), &[0; 8]), "its header is no dictionary"),
        ([b"\x93NUMPY\x02\x00", &u32::MAX.to_le_bytes()[..], b"{}"].concat(), "claims 4294967295 bytes"),
        ([b"\x93NUMPY\x01\x00", &[200, 0][..], b"{}"].concat(), "longer than the file"),
        (b"\x93NUMPY\x01\x00\x01".to_vec(), "ends within its header"),
        (b"\x93NUMPY\x09\x00".to_vec(), "its version is not 1, 2 or 3"),
        (b"\x93NUMPY".to_vec(), "its version is not"),
        (b"PK\x03\x04 and so on".to_vec(), "an .npz archive of arrays: save one array alone"),
        (Vec::new(), "not a .npy file"),
    ];
    for (bytes, fragment) in bad {
        fs::write(&path, bytes).unwrap();
        let error = npy::read(&path).unwrap_err().to_string();
        assert!(error.contains("x.npy: ") && error.contains(fragment), "{error:?} lacks {fragment:?}");
        assert!(error.len() < 300 && !error.chars().any(char::is_control), "{error}");
    }
}

/// Neither what lies behind the array nor what a false header claims is read.
#[test]
fn garbage_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    fs::write(&path, array("<f4", "(1, 2)", &[0; 8])).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_len(6 << 30).unwrap();
    let start = std::time::Instant::now();
    assert!(npy::read(&path).unwrap_err().to_string().contains("bytes behind its array"));
    fs::write(&path, array("<f4", "(1, 2000000000)", &[0; 8])).unwrap();
    assert!(npy::read(&path).unwrap_err().to_string().contains("ends after 8 of the 8000000000 bytes"));
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
    assert!(npy::read(Path::new("/nowhere.npy")).unwrap_err().to_string().contains("No such file"));
}
