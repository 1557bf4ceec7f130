//! What a parameter can be, as it is stored beside each of its values: Optuna's three distributions.

use serde_json::{Value as Json, json};

use crate::json;
use crate::objection::{Objection, shortened};
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
        low: i128,
        /// The greatest value.
        high: i128,
        /// Whether the scale is logarithmic.
        log: bool,
        /// Only `low + i·step`.
        step: i128,
    },
    /// One of several values without an order.
    Categorical {
        /// The values.
        choices: Vec<Value>,
    },
}

/// Why a text is not read as a distribution.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{} {}: {why}", shortened(.text), if *.healthy { "cannot be held here" } else { "is not a distribution" })]
pub struct DistributionError {
    /// The text.
    pub text: String,
    /// The reason.
    pub why: String,
    /// Whether it is a distribution all the same: one of a kind or of a size that this crate does not have.
    pub healthy: bool,
}

impl From<DistributionError> for Objection {
    fn from(error: DistributionError) -> Self {
        Self { why: error.to_string(), healthy: error.healthy }
    }
}

impl Distribution {
    /// The internal representation of `value`, if it is of the right type and belongs to the set.
    pub fn internal(&self, value: &Value) -> Option<f64> {
        let number = match self {
            Self::Float { .. } => value.as_f64()?,
            Self::Int { .. } => value.as_whole()? as f64,
            Self::Categorical { choices } => choices.iter().position(|choice| choice.same(value))? as f64,
        };
        self.contains(number).then_some(number)
    }

    /// The value behind an internal representation; the nearest one if it is not exact.
    pub fn external(&self, internal: f64) -> Value {
        match self {
            Self::Float { .. } => Value::Float(internal),
            // Beyond 2⁵³ an end may have been rounded outwards.
            Self::Int { low, high, .. } => {
                let whole = internal.round_ties_even() as i128;
                let whole = if internal == *high as f64 { whole.min(*high) } else { whole };
                Value::Int(if internal == *low as f64 { whole.max(*low) } else { whole })
            }
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
                let [step, low, high] = [step, low, high].map(|number| json::whole(*number));
                ("IntDistribution", json!({ "log": log, "step": step, "low": low, "high": high }))
            }
            Self::Categorical { choices } => {
                let choices: Vec<_> = choices.iter().map(Value::to_json).collect();
                ("CategoricalDistribution", json!({ "choices": choices }))
            }
        };
        json::write(&json!({ "name": name, "attributes": attributes }))
    }

    /// Reads Optuna's text: its present form, its classes before release 3, and the short form `{"type": "float", ...}`
    /// without class names.
    ///
    /// # Errors
    /// The text, and what is missing or of the wrong type in it, or what this crate cannot hold.
    pub fn from_json(text: &str) -> Result<Self, DistributionError> {
        let error = |Objection { why, healthy }| DistributionError { text: text.to_owned(), why, healthy };
        json::parse(text).and_then(|object| read(&object)).map_err(error)
    }
}

fn read(object: &Json) -> Result<Distribution, Objection> {
    let (kind, fields) = match (object["name"].as_str(), object["type"].as_str()) {
        (Some(name), _) => (name, Fields(&object["attributes"])),
        (None, Some(kind)) => (kind, Fields(object)),
        (None, None) => return Err("it has no name".to_owned().into()),
    };
    match kind {
        "FloatDistribution" | "float" => fields.float(fields.truth("log")?, "step"),
        "UniformDistribution" => fields.float(false, "step"),
        "LogUniformDistribution" => fields.float(true, "step"),
        "DiscreteUniformDistribution" => fields.float(false, "q"),
        "IntDistribution" | "int" => fields.int(fields.truth("log")?),
        "IntUniformDistribution" => fields.int(false),
        "IntLogUniformDistribution" => fields.int(true),
        "CategoricalDistribution" | "categorical" => {
            let choices = fields.0["choices"].as_array().ok_or_else(|| fields.missing("choices"))?;
            Ok(Distribution::Categorical {
                choices: choices.iter().map(Value::from_json).collect::<Result<_, _>>()?,
            })
        }
        other => Err(Objection::beyond(format!("its kind, {:?}, is unknown", shortened(other)))),
    }
}

/// The attributes of a distribution.
struct Fields<'a>(&'a Json);

impl Fields<'_> {
    fn missing(&self, key: &str) -> Objection {
        format!("attribute {key:?} is missing or of the wrong type").into()
    }

    fn float(&self, log: bool, step: &str) -> Result<Distribution, Objection> {
        let real = |key: &str| json::as_f64(&self.0[key]).ok_or_else(|| self.missing(key));
        let stepped = !self.0[step].is_null();
        let step = stepped.then(|| real(step)).transpose()?;
        Ok(Distribution::Float { low: real("low")?, high: real("high")?, log, step })
    }

    fn int(&self, log: bool) -> Result<Distribution, Objection> {
        let whole = |key: &str| match Value::from_json(&self.0[key])? {
            Value::Int(number) => Ok(number),
            _ => Err(self.missing(key)),
        };
        let step = if self.0["step"].is_null() { 1 } else { whole("step")? };
        Ok(Distribution::Int { low: whole("low")?, high: whole("high")?, log, step })
    }

    /// False where it is missing.
    fn truth(&self, key: &str) -> Result<bool, Objection> {
        match &self.0[key] {
            Json::Null => Ok(false),
            value => value.as_bool().ok_or_else(|| self.missing(key)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn float(low: f64, high: f64, log: bool, step: Option<f64>) -> Distribution {
        Distribution::Float { low, high, log, step }
    }

    fn int(low: i128, high: i128, log: bool, step: i128) -> Distribution {
        Distribution::Int { low, high, log, step }
    }

    #[test]
    fn every_form_that_optuna_reads() {
        let class = |name: &str, fields: &str| format!(r#"{{"name": "{name}", "attributes": {{{fields}}}}}"#);
        let cases = [
            (class("UniformDistribution", r#""low": 0, "high": 1.5"#), float(0.0, 1.5, false, None)),
            (class("LogUniformDistribution", r#""low": 1e-05, "high": 0.1"#), float(1e-5, 0.1, true, None)),
            (
                class("DiscreteUniformDistribution", r#""low": 0.0, "high": 1.0, "q": 0.25"#),
                float(0.0, 1.0, false, Some(0.25)),
            ),
            (class("IntUniformDistribution", r#""low": 1, "high": 9, "step": 2"#), int(1, 9, false, 2)),
            (class("IntUniformDistribution", r#""low": 1, "high": 9"#), int(1, 9, false, 1)),
            (class("IntLogUniformDistribution", r#""low": 1, "high": 64, "step": 1"#), int(1, 64, true, 1)),
            (class("FloatDistribution", r#""low": 0.0, "high": 1.0"#), float(0.0, 1.0, false, None)),
            (
                class(
                    "IntDistribution",
                    r#""log": false, "step": 1, "low": -0, "high": 18446744073709551615"#,
                ),
                int(0, u64::MAX.into(), false, 1),
            ),
            (r#"{"type": "float", "low": 1, "high": 2, "log": true}"#.into(), float(1.0, 2.0, true, None)),
            (r#"{"type": "int", "low": 1, "high": 7, "step": 3}"#.into(), int(1, 7, false, 3)),
            (
                r#"{"type": "categorical", "choices": [[1, [NaN]], {"b": null}, 18446744073709551616]}"#
                    .into(),
                Distribution::Categorical {
                    choices: vec![
                        Value::List(vec![1.into(), vec![f64::NAN].into()]),
                        Value::Map([("b".to_owned(), Value::None)].into()),
                        Value::Int(1 << 64),
                    ],
                },
            ),
        ];
        for (text, expected) in cases {
            let found = Distribution::from_json(&text).unwrap();
            let again = Distribution::from_json(&found.to_json()).unwrap();
            for found in [found, again] {
                assert!(found == expected || found.compatible(&expected), "{text}: {found:?}");
            }
        }
    }

    #[test]
    fn what_is_damaged_and_what_is_only_beyond_us() {
        let huge = "9".repeat(400);
        for (text, words, healthy) in [
            ("{}".to_owned(), "no name", false),
            (r#"{"name": "FloatDistribution", "attributes": {"low": "a"}}"#.into(), r#""low""#, false),
            (
                r#"{"name": "IntDistribution", "attributes": {"low": 0.5, "high": 1}}"#.into(),
                r#""low""#,
                false,
            ),
            (r#"{"name": "NormalDistribution", "attributes": {}}"#.into(), r#""NormalDistribution""#, true),
            (format!(r#"{{"type": "int", "low": 0, "high": {huge}}}"#), "128 bits", true),
            (format!(r#"{{"type": "categorical", "choices": [{huge}]}}"#), "128 bits", true),
        ] {
            let error = Distribution::from_json(&text).unwrap_err();
            assert!(error.to_string().contains(words) && error.to_string().len() < 300, "{error}");
            assert_eq!(error.healthy, healthy, "{error}");
        }
    }

    #[test]
    fn whole_numbers_beyond_real_ones_stay_within_their_bounds() {
        let wide = int(0, i64::MAX.into(), false, 1);
        assert_eq!(wide.internal(&i64::MAX.into()), Some(2f64.powi(63)));
        assert_eq!(wide.external(2f64.powi(63)), i64::MAX.into());
        assert_eq!(wide.external(9.488460128634374e15), Value::Int(9488460128634374));
        assert_eq!(
            int(0, u64::MAX.into(), false, 1).external(9.488460128634374e18),
            Value::Int(9488460128634374144)
        );
        assert_eq!(int(0, (1 << 53) + 1, false, 1).external(2f64.powi(53)), Value::Int(1 << 53));
    }
}
