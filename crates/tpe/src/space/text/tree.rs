//! What TOML and JSON have in common: values, lists, and tables whose keys are in order.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;

use crate::json;
use crate::space::SpaceError;
use crate::value::Value;

/// A language of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Toml,
    Json,
}

impl Format {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Toml => "TOML",
            Self::Json => "JSON",
        }
    }
}

/// A document or a piece of one.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    Value(Value),
    List(Vec<Tree>),
    /// Keys may be there twice.
    Table(Vec<(String, Tree)>),
}

impl Tree {
    pub(super) fn parse(text: &str, format: Format) -> Result<Self, SpaceError> {
        let parsed = match format {
            Format::Toml => toml::from_str(text).map_err(|error| error.to_string()),
            Format::Json => {
                serde_json::from_str(&json::quote(text)).map_err(|error| json::objection(&error).why)
            }
        };
        parsed.map_err(|why| SpaceError::Text { format: format.name(), why: why.trim_end().to_owned() })
    }

    /// What this is, for messages.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Value(Value::None) => "nothing".into(),
            Self::Value(Value::Str(text)) => format!("the text {text:?}"),
            Self::Value(value) => value.to_string(),
            Self::List(_) => "a list".into(),
            Self::Table(_) => "a table".into(),
        }
    }

    /// A table of tables as a document: in TOML one section for each, in JSON one line.
    pub(super) fn document(&self, format: Format) -> String {
        let Self::Table(entries) = self else { return self.inline(format) };
        let entries = entries.iter().map(|(name, entry)| match (format, entry) {
            (Format::Toml, Self::Table(keys)) => {
                let lines =
                    keys.iter().map(|(key, tree)| format!("{} = {}\n", word(key), tree.inline(format)));
                format!("[{}]\n{}", word(name), lines.collect::<String>())
            }
            _ => format!("  {}: {}", quoted(name), entry.inline(format)),
        });
        let entries: Vec<String> = entries.collect();
        match format {
            Format::Toml => entries.join("\n"),
            Format::Json => format!("{{\n{}\n}}\n", entries.join(",\n")),
        }
    }

    /// This on one line.
    fn inline(&self, format: Format) -> String {
        let joined = |pieces: Vec<String>| pieces.join(", ");
        match (self, format) {
            (Self::Value(Value::None), Format::Toml) => "{}".into(),
            (Self::Value(Value::None), Format::Json) => "null".into(),
            (Self::Value(Value::Str(text)), _) => quoted(text),
            (Self::Value(Value::Float(number)), Format::Toml) if number.is_nan() => "nan".into(),
            (Self::Value(Value::Float(number)), Format::Json) if !number.is_finite() => {
                json::write(&json::number(*number))
            }
            (Self::Value(value), _) => value.to_string(),
            (Self::List(items), _) => {
                format!("[{}]", joined(items.iter().map(|item| item.inline(format)).collect()))
            }
            (Self::Table(entries), Format::Toml) => {
                let entries =
                    entries.iter().map(|(key, tree)| format!("{} = {}", word(key), tree.inline(format)));
                format!("{{ {} }}", joined(entries.collect()))
            }
            (Self::Table(entries), Format::Json) => {
                let entries =
                    entries.iter().map(|(key, tree)| format!("{}: {}", quoted(key), tree.inline(format)));
                format!("{{{}}}", joined(entries.collect()))
            }
        }
    }
}

/// A key of TOML, in quotes where it needs them.
fn word(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(bare) { key.to_owned() } else { quoted(key) }
}

/// A text with the escapes of JSON, which TOML understands too; it objects only to a bare U+007F.
fn quoted(text: &str) -> String {
    Json::from(text).to_string().replace('\u{7f}', "\\u007F")
}

impl From<Value> for Tree {
    fn from(value: Value) -> Self {
        match value {
            Value::List(values) => Self::List(values.into_iter().map(Self::from).collect()),
            Value::Map(values) if !values.is_empty() => {
                Self::Table(values.into_iter().map(|(key, value)| (key, value.into())).collect())
            }
            value => Self::Value(value),
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Builder)
    }
}

struct Builder;

impl<'de> Visitor<'de> for Builder {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, a list or a table")
    }

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Value(Value::None))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Value(Value::Bool(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Value(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Value(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Value(Value::Float(value)))
    }

    /// A text, or one of the numbers that JSON lacks.
    fn visit_str<E: Error>(self, text: &str) -> Result<Tree, E> {
        Value::from_json(&Json::from(text)).map(Tree::Value).map_err(|objection| E::custom(objection.why))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut table = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            table.push(entry);
        }
        Ok(Tree::Table(table))
    }
}
