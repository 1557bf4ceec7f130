//! The types of elements, by the names that NumPy gives them.

use nn_core::half;

/// How the elements of a file become `f32`.
pub(super) struct Element {
    /// Bytes of one.
    pub size: usize,
    /// The first byte is the most significant.
    big: bool,
    decode: Decode,
}

/// One element, if it lies within the range of `f32`; the flag is that of [`Element::big`].
type Decode = fn(&[u8], bool) -> Option<f32>;

impl Element {
    /// The type of that name, such as `<f4`.
    pub(super) fn named(descr: &str) -> Result<Self, String> {
        let mut kind = descr.chars();
        let order = kind.next().filter(|c| matches!(c, '<' | '>' | '|' | '='));
        let kind = if order.is_some() { kind.as_str() } else { descr };
        let big = order == Some('>') || order == Some('=') && cfg!(target_endian = "big");
        let (size, decode): (usize, Decode) = match kind {
            "b1" => (1, |b, _| Some(f32::from(b[0] != 0))),
            "i1" => (1, |b, _| Some(f32::from(b[0] as i8))),
            "u1" => (1, |b, _| Some(f32::from(b[0]))),
            "i2" => (2, |b, big| Some(f32::from(i16::from_le_bytes(little(b, big))))),
            "u2" => (2, |b, big| Some(f32::from(u16::from_le_bytes(little(b, big))))),
            "i4" => (4, |b, big| Some(i32::from_le_bytes(little(b, big)) as f32)),
            "u4" => (4, |b, big| Some(u32::from_le_bytes(little(b, big)) as f32)),
            "i8" => (8, |b, big| Some(i64::from_le_bytes(little(b, big)) as f32)),
            "u8" => (8, |b, big| Some(u64::from_le_bytes(little(b, big)) as f32)),
            "f2" => (2, |b, big| Some(half(u16::from_le_bytes(little(b, big))))),
            "f4" => (4, |b, big| Some(f32::from_le_bytes(little(b, big)))),
            "f8" => (8, |b, big| narrow(f64::from_le_bytes(little(b, big)))),
            _ => return Err(refusal(kind)),
        };
        Ok(Self { size, big, decode })
    }

    /// The elements in `bytes`, one after the other; `None` for a number beyond the range of `f32`.
    pub(super) fn decode<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = Option<f32>> + 'a {
        bytes.chunks_exact(self.size).map(|bytes| (self.decode)(bytes, self.big))
    }
}

/// The nearest `f32`, but no infinity for a number.
fn narrow(wide: f64) -> Option<f32> {
    let value = wide as f32;
    (value.is_finite() || !wide.is_finite()).then_some(value)
}

/// The bytes of one element, the least significant first.
fn little<const N: usize>(bytes: &[u8], big: bool) -> [u8; N] {
    let mut bytes: [u8; N] = bytes.try_into().expect("as many bytes as the element has");
    if big {
        bytes.reverse();
    }
    bytes
}

/// Why elements of that type are not taken, and what to do.
fn refusal(kind: &str) -> String {
    let what = match kind.chars().next() {
        Some('c') => "complex numbers: save their real part, or their absolute values",
        Some('S' | 'a' | 'U') => "texts, expected numbers",
        Some('O') => "Python objects (arrays of different lengths become such): save one array of numbers",
        Some('M' | 'm') => "dates or times, expected numbers",
        // What NumPy makes of the types that it does not know.
        Some('V') if kind == "V2" => {
            "elements of 2 bytes without a type, as bfloat16 is saved: save array.astype('float32')"
        }
        Some('V') => "elements without a type: save array.astype('float32')",
        Some('f') => "floats of more than 64 bits: save array.astype('float32')",
        _ => {
            let kind: String = kind.chars().take(20).collect();
            return format!("holds elements of an unknown type {kind:?}, expected numbers");
        }
    };
    format!("holds {what}")
}
