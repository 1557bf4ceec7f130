//! Values of parameters as their users see them.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value as Json;

use crate::json;
use crate::objection::{Objection, shortened};

/// A value of a parameter: what Optuna's categorical choices may be, and what its other parameters are.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing, Python's `None`.
    None,
    /// A truth value.
    Bool(bool),
    /// A whole number. Python's have any length; those of more than 128 bits are refused where a study is read.
    Int(i128),
    /// A real number.
    Float(f64),
    /// A text.
    Str(String),
    /// A list; also Python's tuples, which are lists once they are stored.
    List(Vec<Value>),
    /// Values by name, Python's dictionaries.
    Map(BTreeMap<String, Value>),
}

impl Value {
    /// The number in it, whole or real.
    pub fn as_f64(&self) -> Option<f64> {
        match *self {
            Self::Int(value) => Some(value as f64),
            Self::Float(value) => Some(value),
            _ => None,
        }
    }

    /// The whole number in it, if it has 64 bits.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_whole()?.try_into().ok()
    }

    /// The whole number in it.
    pub fn as_whole(&self) -> Option<i128> {
        match *self {
            Self::Int(value) => Some(value),
            _ => None,
        }
    }

    /// The truth value in it.
    pub fn as_bool(&self) -> Option<bool> {
        match *self {
            Self::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The text in it.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(value) => Some(value),
            _ => None,
        }
    }

    /// The values in it, of a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(values) => Some(values),
            _ => None,
        }
    }

    /// Whether both are the same choice: like `==`, but NaN is itself.
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Float(a), Self::Float(b)) => a == b || (a.is_nan() && b.is_nan()),
            (Self::List(a), Self::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b)),
            (Self::Map(a), Self::Map(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|((k, a), (l, b))| k == l && a.same(b))
            }
            _ => self == other,
        }
    }

    /// The JSON of this value.
    pub(crate) fn to_json(&self) -> Json {
        match self {
            Self::None => Json::Null,
            Self::Bool(value) => (*value).into(),
            Self::Int(value) => json::whole(*value),
            Self::Float(value) => json::number(*value),
            Self::Str(value) => value.as_str().into(),
            Self::List(values) => values.iter().map(Self::to_json).collect(),
            Self::Map(values) => values.iter().map(|(key, value)| (key.clone(), value.to_json())).collect(),
        }
    }

    /// The value of a piece of JSON.
    pub(crate) fn from_json(json: &Json) -> Result<Self, Objection> {
        let whole = json::as_whole(json).map_err(|digits| {
            Objection::beyond(format!("the whole number {} has more than 128 bits", shortened(digits)))
        })?;
        Ok(match json {
            Json::Null => Self::None,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(_) | Json::String(_) => match (whole, json::as_f64(json), json) {
                (Some(whole), ..) => Self::Int(whole),
                (_, Some(number), _) => Self::Float(number),
                (.., text) => Self::Str(text.as_str().unwrap_or_default().to_owned()),
            },
            Json::Array(values) => Self::List(values.iter().map(Self::from_json).collect::<Result<_, _>>()?),
            Json::Object(values) => {
                let values = values.iter().map(|(key, value)| Ok((key.clone(), Self::from_json(value)?)));
                Self::Map(values.collect::<Result<_, Objection>>()?)
            }
        })
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Str(value) => value.fmt(f),
            Self::List(values) => {
                let values: Vec<_> = values.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", values.join(", "))
            }
            Self::Map(values) => {
                let values: Vec<_> = values.iter().map(|(key, value)| format!("{key}: {value}")).collect();
                write!(f, "{{{}}}", values.join(", "))
            }
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => match (i64::try_from(*value), u64::try_from(*value)) {
                (Ok(value), _) => serializer.serialize_i64(value),
                (_, Ok(value)) => serializer.serialize_u64(value),
                _ => serializer.serialize_i128(*value),
            },
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Str(value) => serializer.serialize_str(value),
            Self::List(values) => serializer.collect_seq(values),
            Self::Map(values) => serializer.collect_map(values),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Json::deserialize(deserializer)?;
        Self::from_json(&json).map_err(|objection| serde::de::Error::custom(objection.why))
    }
}

macro_rules! from {
    ($($source:ty => $variant:ident),* $(,)?) => {
        $(impl From<$source> for Value {
            fn from(value: $source) -> Self {
                Self::$variant(value.into())
            }
        })*
    };
}

from! {
    bool => Bool, i32 => Int, u32 => Int, i64 => Int, u64 => Int, f32 => Float, f64 => Float, &str => Str, String => Str,
}

impl<V: Into<Value>> From<Vec<V>> for Value {
    fn from(values: Vec<V>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}
