//! What a parameter can be, as it is stored beside each of its values: Optuna's three distributions.

use serde_json::{Value as Json, json};

use crate::json;
use crate::value::Value;

/// A set of values with a scale. Its text form is Optuna's.
///
/// A value is stored as a number, its *internal* representation: a number as itself, a choice as its index.
#[derive(Debug, Clone, PartialEq)]
pub enum Distribution {
    /// Real numbers from `low` to `high`, both included.
    Float {
        /// The least value.
        low: f64,
        /// The greatest value.
        high: f64,
        /// Whether the scale is logarithmic.
        log: bool,
        /// Only `low + i·step`, where given.
        step: Option<f64>,
    },
    /// Whole numbers from `low` to `high`, both included.
    Int {
        /// The least value.
        low: i64,
        /// The greatest value.
        high: i64,
        /// Whether the scale is logarithmic.
        log: bool,
        /// Only `low + i·step`.
        step: i64,
    },
    /// One of several values without an order.
    Categorical {
        /// The values.
        choices: Vec<Value>,
    },
}

/// Why a text is no distribution.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{text:?} is not a distribution: {why}")]
pub struct DistributionError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub why: String,
}

impl Distribution {
    /// The internal representation of `value`, if it is of the right type and belongs to the set.
    pub fn internal(&self, value: &Value) -> Option<f64> {
        let number = match self {
            Self::Float { .. } => value.as_f64()?,
            Self::Int { .. } => value.as_i64()? as f64,
            Self::Categorical { choices } => choices.iter().position(|choice| choice.same(value))? as f64,
        };
        self.contains(number).then_some(number)
    }

    /// The value behind an internal representation; the nearest one if it is not exact.
    pub fn external(&self, internal: f64) -> Value {
        match self {
            Self::Float { .. } => Value::Float(internal),
            Self::Int { .. } => Value::Int(internal.round_ties_even() as i64),
            Self::Categorical { choices } => choices.get(internal as usize).cloned().unwrap_or(Value::None),
        }
    }

    /// Whether an internal representation lies in the set (steps are not checked).
    pub fn contains(&self, internal: f64) -> bool {
        match self {
            Self::Float { low, high, .. } => (*low..=*high).contains(&internal),
            Self::Int { low, high, .. } => (*low as f64..=*high as f64).contains(&internal),
            Self::Categorical { choices } => internal >= 0.0 && (internal as usize) < choices.len(),
        }
    }

    /// Whether a parameter may have `self` in one trial and `other` in another: same kind, same scale, same choices.
    pub fn compatible(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Float { log: a, .. }, Self::Float { log: b, .. }) => a == b,
            (Self::Int { log: a, .. }, Self::Int { log: b, .. }) => a == b,
            (Self::Categorical { choices: a }, Self::Categorical { choices: b }) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b))
            }
            _ => false,
        }
    }

    /// Optuna's text.
    pub fn to_json(&self) -> String {
        let (name, attributes) = match self {
            Self::Float { low, high, log, step } => {
                ("FloatDistribution", json!({ "step": step, "low": low, "high": high, "log": log }))
            }
            Self::Int { low, high, log, step } => {
                ("IntDistribution", json!({ "log": log, "step": step, "low": low, "high": high }))
            }
            Self::Categorical { choices } => {
                let choices: Vec<_> = choices.iter().map(Value::to_json).collect();
                ("CategoricalDistribution", json!({ "choices": choices }))
            }
        };
        json::write(&json!({ "name": name, "attributes": attributes }))
    }

    /// Reads Optuna's text.
    ///
    /// # Errors
    /// The text, and what is missing or of the wrong type in it.
    pub fn from_json(text: &str) -> Result<Self, DistributionError> {
        let error = |why: String| DistributionError { text: text.to_owned(), why };
        let object = json::parse(text).map_err(|e| error(e.to_string()))?;
        let attributes = &object["attributes"];
        let missing = |key: &str| error(format!("attribute {key:?} is missing or of the wrong type"));
        let real = |key: &str| json::as_f64(&attributes[key]).ok_or_else(|| missing(key));
        let whole = |key: &str| attributes[key].as_i64().ok_or_else(|| missing(key));
        let truth = |key: &str| attributes[key].as_bool().ok_or_else(|| missing(key));
        match object["name"].as_str() {
            Some("FloatDistribution") => Ok(Self::Float {
                low: real("low")?,
                high: real("high")?,
                log: truth("log")?,
                step: if attributes["step"].is_null() { None } else { Some(real("step")?) },
            }),
            Some("IntDistribution") => Ok(Self::Int {
                low: whole("low")?,
                high: whole("high")?,
                log: truth("log")?,
                step: whole("step")?,
            }),
            Some("CategoricalDistribution") => {
                let choices = attributes["choices"].as_array().ok_or_else(|| missing("choices"))?;
                let choices = choices.iter().map(|c| Value::from_json(c).ok_or_else(|| missing("choices")));
                Ok(Self::Categorical { choices: choices.collect::<Result<_, _>>()? })
            }
            Some(name) => Err(error(format!("unknown name {name:?}"))),
            None => Err(error("it has no name".into())),
        }
    }
}

impl Value {
    /// The JSON of this value.
    pub(crate) fn to_json(&self) -> Json {
        match self {
            Self::None => Json::Null,
            Self::Bool(value) => (*value).into(),
            Self::Int(value) => (*value).into(),
            Self::Float(value) => json::number(*value),
            Self::Str(value) => value.as_str().into(),
        }
    }

    /// The value of a piece of JSON, if it is neither a list nor an object.
    pub(crate) fn from_json(json: &Json) -> Option<Self> {
        match json {
            Json::Null => Some(Self::None),
            Json::Bool(value) => Some(Self::Bool(*value)),
            Json::Number(number) => {
                number.as_i64().map(Self::Int).or_else(|| number.as_f64().map(Self::Float))
            }
            Json::String(text) => {
                Some(json::as_f64(json).map(Self::Float).unwrap_or_else(|| Self::Str(text.clone())))
            }
            _ => None,
        }
    }
}
