//! One line of a data file: its header, its fields, its pixels.

use super::error::{LineError, quoted};
use super::lines::Line;
use crate::data::{EMOTIONS, PIXELS, Split};

/// Where the columns are; their order is free, and other columns are ignored.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    emotion: usize,
    pixels: usize,
    usage: Option<usize>,
    count: usize,
}

impl Columns {
    /// Finds the columns by name: upper or lower case, spaces around the names do not matter.
    ///
    /// # Errors
    /// If `emotion` or `pixels` is missing, or a name stands there twice.
    pub fn find(header: &Line) -> Result<Columns, LineError> {
        Self::find_in(header).map_err(|problem| nul_first(header, problem))
    }

    fn find_in(header: &Line) -> Result<Columns, LineError> {
        let fields = fields(&header.text)?;
        let position = |column: &'static str| {
            let is_it = |field: &&[u8]| field.trim_ascii().eq_ignore_ascii_case(column.as_bytes());
            match fields.iter().filter(|field| is_it(field)).count() {
                0 | 1 => Ok(fields.iter().position(is_it)),
                _ => Err(LineError::RepeatedColumn { column }),
            }
        };
        let needed = |column| {
            let found = || fields.iter().take(4).map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
            position(column)?.ok_or_else(|| LineError::MissingColumn { column, found: found() })
        };
        Ok(Columns {
            emotion: needed("emotion")?,
            pixels: needed("pixels")?,
            usage: position("Usage")?,
            count: fields.len(),
        })
    }

    /// Whether there is a `Usage` column.
    pub fn has_usage(&self) -> bool {
        self.usage.is_some()
    }
}

/// Parses a row: writes its 2,304 pixels to `image`, returns its label and, where `columns` has a
/// `Usage`, its split.
///
/// # Errors
/// If the number of fields or a value is wrong.
pub fn parse(line: &Line, columns: &Columns, image: &mut [u8]) -> Result<(u8, Option<Split>), LineError> {
    parse_fields(line, columns, image).map_err(|problem| nul_first(line, problem))
}

fn parse_fields(line: &Line, columns: &Columns, image: &mut [u8]) -> Result<(u8, Option<Split>), LineError> {
    let fields = fields(&line.text)?;
    if fields.len() != columns.count {
        // A line that is cut inside its pixels also lacks the columns that follow.
        return Err(LineError::FieldCount { found: fields.len(), expected: columns.count, cut: line.cut });
    }
    let label = emotion(fields[columns.emotion])?;
    let split = columns.usage.map(|column| usage(fields[column])).transpose()?;
    pixels(fields[columns.pixels], line.cut, image)?;
    Ok((label, split))
}

/// Names the cause rather than its effect: a NUL byte tells that the file is no text.
fn nul_first(line: &Line, problem: LineError) -> LineError {
    if line.text.contains(&0) { LineError::Nul } else { problem }
}

/// The fields of a line, without the quotes around them.
fn fields(line: &[u8]) -> Result<Vec<&[u8]>, LineError> {
    let mut fields = Vec::with_capacity(4);
    let mut rest = line.strip_suffix(b"\r").unwrap_or(line);
    loop {
        let column = fields.len() + 1;
        let end = match rest.strip_prefix(b"\"") {
            Some(inner) => {
                let length = closing_quote(inner).ok_or(LineError::OpenQuote { column })?;
                fields.push(&inner[..length]);
                rest = inner[length + 1..].trim_ascii_start();
                if !rest.is_empty() && rest[0] != b',' {
                    return Err(LineError::AfterQuote { column, value: quoted(rest) });
                }
                0
            }
            None => {
                let end = rest.iter().position(|&byte| byte == b',').unwrap_or(rest.len());
                fields.push(&rest[..end]);
                end
            }
        };
        match rest.get(end + 1..) {
            Some(next) => rest = next,
            None => return Ok(fields),
        }
    }
}

/// The position of the quote that ends a quoted field; a doubled quote stands for itself.
fn closing_quote(inner: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += inner[at..].iter().position(|&byte| byte == b'"')?;
        if inner.get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

fn emotion(field: &[u8]) -> Result<u8, LineError> {
    let text = field.trim_ascii();
    match text {
        [digit @ b'0'..=b'6'] => Ok(digit - b'0'),
        _ => {
            let named = EMOTIONS.iter().position(|name| name.as_bytes().eq_ignore_ascii_case(text));
            let expected = match named {
                Some(label) => format!("the number {label} for {}", EMOTIONS[label]),
                None => {
                    "0 (Angry), 1 (Disgust), 2 (Fear), 3 (Happy), 4 (Sad), 5 (Surprise) or 6 (Neutral)".into()
                }
            };
            Err(LineError::Value { column: "emotion", value: quoted(field), expected })
        }
    }
}

fn usage(field: &[u8]) -> Result<Split, LineError> {
    const WORDS: [(&str, Split); 3] =
        [("Training", Split::Train), ("PublicTest", Split::Val), ("PrivateTest", Split::Test)];
    // Other people's words for the three, so that the nearest word is the one that is meant.
    const ALIASES: [(&str, usize); 5] =
        [("train", 0), ("val", 1), ("validation", 1), ("public", 1), ("test", 2)];
    let text = field.trim_ascii();
    if let Some(&(_, split)) = WORDS.iter().find(|(word, _)| word.as_bytes().eq_ignore_ascii_case(text)) {
        return Ok(split);
    }
    let mut expected = String::from("Training, PublicTest or PrivateTest");
    let typed = String::from_utf8_lossy(&text[..text.len().min(32)]).to_lowercase();
    let words = WORDS.iter().enumerate().map(|(i, &(word, _))| (word, i));
    let nearest =
        words.chain(ALIASES).min_by_key(|(word, _)| strsim::levenshtein(&word.to_lowercase(), &typed));
    if let Some((_, word)) = nearest.filter(|_| !typed.is_empty()) {
        expected.push_str(&format!(" (did you mean {}?)", WORDS[word].0));
    }
    Err(LineError::Value { column: "Usage", value: quoted(field), expected })
}

/// Reads 2,304 numbers from 0 to 255, separated by spaces.
fn pixels(text: &[u8], cut: bool, image: &mut [u8]) -> Result<(), LineError> {
    let mut count = 0;
    let mut at = 0;
    loop {
        while at < text.len() && is_space(text[at]) {
            at += 1;
        }
        if at == text.len() {
            break;
        }
        // At most three digits: no value can overflow.
        let start = at;
        let mut value = 0;
        while at < text.len() && at - start < 3 && text[at].is_ascii_digit() {
            value = 10 * value + u32::from(text[at] - b'0');
            at += 1;
        }
        let ended = at == text.len() || is_space(text[at]);
        match u8::try_from(value) {
            Ok(pixel) if ended && at > start => {
                if let Some(slot) = image.get_mut(count) {
                    *slot = pixel;
                }
            }
            _ => return Err(bad_pixel(&text[start..], count)),
        }
        count += 1;
    }
    if count == PIXELS { Ok(()) } else { Err(LineError::PixelCount { found: count, cut }) }
}

fn bad_pixel(rest: &[u8], before: usize) -> LineError {
    let end = rest.iter().position(|&byte| is_space(byte)).unwrap_or(rest.len());
    LineError::Pixel { position: before + 1, value: quoted(&rest[..end]) }
}

fn is_space(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}
