use std::cell::Cell;
use std::collections::HashMap;

use hdf5_reader::messages::attribute::AttributeMessage;
use hdf5_reader::messages::datatype::Datatype;
use hdf5_reader::{Dataset, RawAttribute, StringPadding, StringSize, VarLenKind};

use super::Group;
use super::floats::kind;
use crate::keras::KerasError;

/// The attributes of a group or of a dataset in it, not decoded yet.
pub(super) struct Attributes<'g, 'a> {
    group: &'g Group<'a>,
    messages: HashMap<String, AttributeMessage>,
}

impl<'g, 'a> Attributes<'g, 'a> {
    pub(super) fn of(group: &'g Group<'a>) -> Result<Self, KerasError> {
        let raw = group.group.raw_attributes().map_err(|e| group.error("", e))?;
        Ok(Self::new(group, raw))
    }

    pub(super) fn of_dataset(group: &'g Group<'a>, dataset: &Dataset) -> Result<Self, KerasError> {
        let raw = dataset.raw_attributes().map_err(|e| group.error(dataset.name(), e))?;
        Ok(Self::new(group, raw))
    }

    fn new(group: &'g Group<'a>, raw: Vec<RawAttribute>) -> Self {
        let messages =
            raw.into_iter().map(|attribute| (attribute.name().to_owned(), attribute.into_parts().0));
        Self { group, messages: messages.collect() }
    }

    /// See [`Group::names`].
    pub(super) fn names(&self, name: &str) -> Result<Option<Vec<String>>, KerasError> {
        if let Some(names) = self.strings(name)? {
            return Ok(Some(names));
        }
        let mut names = Vec::new();
        for part in 0.. {
            match self.strings(&format!("{name}{part}"))? {
                Some(more) => names.extend(more),
                None if part == 0 => return Ok(None),
                None => break,
            }
        }
        Ok(Some(names))
    }

    /// The strings of one attribute, of fixed or variable length.
    pub(super) fn strings(&self, name: &str) -> Result<Option<Vec<String>>, KerasError> {
        let Some(message) = self.messages.get(name) else { return Ok(None) };
        let error = |problem: String| self.group.error(&format!("@{name}"), problem);
        let elements = message.dataspace.num_elements().map_err(|e| error(e.to_string()))?;
        if elements == 0 {
            // NumPy gives an empty list the type of a float.
            return Ok(Some(Vec::new()));
        }
        let (width, padding) = match &message.datatype {
            Datatype::String { size: StringSize::Fixed(width), padding, .. } => {
                (*width as usize, Some(*padding))
            }
            Datatype::String { size: StringSize::Variable, .. }
            | Datatype::VarLen { kind: VarLenKind::String, .. } => {
                (self.group.group.offset_size() as usize + 8, None)
            }
            other => return Err(error(format!("has {}, expected text", kind(other)))),
        };
        let needed = usize::try_from(elements).ok().and_then(|elements| elements.checked_mul(width));
        let Some(bytes) = needed.filter(|&n| n > 0).and_then(|n| message.raw_data.get(..n)) else {
            let held = message.raw_data.len();
            return Err(error(format!("declares {elements} texts of {width} bytes but holds {held} bytes")));
        };
        let texts = bytes.chunks_exact(width).map(|element| match padding {
            Some(padding) => utf8(trimmed(element, padding).to_vec()),
            None => self.variable(element),
        });
        texts.collect::<Result<_, _>>().map(Some).map_err(error)
    }

    /// A text of variable length, which lies in a heap. Many elements may refer to one text: their sum is
    /// capped at the length of the file.
    fn variable(&self, reference: &[u8]) -> Result<String, String> {
        let length = reference.first_chunk().map_or(0, |length| u32::from_le_bytes(*length) as usize);
        spend(&self.group.hdf5.legible, length).ok_or("the texts are longer than the file")?;
        let bytes = self.group.group.resolve_vlen_reference_bytes(reference, 1).map_err(|e| e.to_string())?;
        utf8(trimmed(&bytes, StringPadding::NullTerminate).to_vec())
    }
}

fn utf8(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|e| format!("not UTF-8: {e}"))
}

fn trimmed(bytes: &[u8], padding: StringPadding) -> &[u8] {
    let end = match padding {
        StringPadding::NullTerminate => bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len()),
        StringPadding::NullPad => bytes.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1),
        StringPadding::SpacePad => bytes.iter().rposition(|&b| b != b' ').map_or(0, |last| last + 1),
    };
    &bytes[..end]
}

/// Takes `amount` from a budget if that much is left.
pub(super) fn spend(budget: &Cell<usize>, amount: usize) -> Option<()> {
    budget.set(budget.get().checked_sub(amount)?);
    Some(())
}
