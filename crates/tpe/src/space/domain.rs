//! What a parameter can be.

use super::{SpaceError, decimal};
use crate::distribution::Distribution;
use crate::value::Value;

/// How far a normal parameter may lie from its mean, in deviations: stored studies need bounds.
pub const NORMAL_REACH: f64 = 4.0;

/// Whole numbers up to this one are exact as real ones.
pub(super) const MANY: u64 = 1 << 53;

/// What a parameter can be, and the scale on which values are near each other.
#[derive(Debug, Clone, PartialEq)]
pub enum Domain {
    /// Real numbers from `low` to `high`.
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
    /// Whole numbers from `low` to `high`.
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
    /// Choices without an order.
    Categorical {
        /// The choices.
        choices: Vec<Value>,
    },
    /// Choices in order.
    Ordinal {
        /// The choices.
        choices: Vec<Value>,
    },
    /// Real numbers near `mu`; their logarithms, if `log`.
    Normal {
        /// The mean, of the logarithm if `log`.
        mu: f64,
        /// The standard deviation, of the logarithm if `log`.
        sigma: f64,
        /// Whether the scale is logarithmic.
        log: bool,
        /// Only multiples of `step`, where given.
        step: Option<f64>,
    },
}

impl Domain {
    /// The choices, of a categorical or ordinal parameter.
    pub fn choices(&self) -> Option<&[Value]> {
        match self {
            Self::Categorical { choices } | Self::Ordinal { choices } => Some(choices),
            _ => None,
        }
    }

    /// How many values there are; `None` for a continuum or more than 2⁵³.
    pub fn cardinality(&self) -> Option<usize> {
        let steps = |(low, high): (f64, f64), step: f64| {
            let last = ((high - low) / step).round();
            (last < MANY as f64).then(|| last as usize + 1)
        };
        match *self {
            Self::Float { step, .. } | Self::Normal { step, .. } => steps(self.bounds(), step?),
            Self::Int { low, high, step, .. } => {
                let last = last_multiple(low, high, step);
                let count = (i128::from(last) - i128::from(low)) / i128::from(step.max(1)) + 1;
                (count <= i128::from(MANY)).then_some(count)?.try_into().ok()
            }
            Self::Categorical { ref choices } | Self::Ordinal { ref choices } => Some(choices.len()),
        }
    }

    /// The internal representations of all values, in order; none of a continuum.
    pub fn values(&self) -> impl Iterator<Item = f64> {
        let (low, high) = self.bounds();
        let step = match *self {
            Self::Float { step, .. } | Self::Normal { step, .. } => step.unwrap_or(0.0),
            Self::Int { step, .. } => step as f64,
            Self::Categorical { .. } | Self::Ordinal { .. } => 1.0,
        };
        (0..self.cardinality().unwrap_or(0)).map(move |i| (low + i as f64 * step).min(high))
    }

    /// The least and the greatest internal representation. With a step the greatest is the last of its multiples that
    /// does not exceed the upper bound.
    pub fn bounds(&self) -> (f64, f64) {
        match *self {
            Self::Float { low, high, step: Some(step), .. } => (low, decimal::last_multiple(low, high, step)),
            Self::Float { low, high, .. } => (low, high),
            Self::Int { low, high, step, .. } => (low as f64, last_multiple(low, high, step) as f64),
            Self::Categorical { ref choices } | Self::Ordinal { ref choices } => {
                (0.0, choices.len() as f64 - 1.0)
            }
            Self::Normal { mu, sigma, log, step } => {
                let (low, high) = (mu - NORMAL_REACH * sigma, mu + NORMAL_REACH * sigma);
                let (low, high) = if log { (libm::exp(low), libm::exp(high)) } else { (low, high) };
                match step {
                    Some(step) => ((low / step).ceil() * step, (high / step).floor() * step),
                    None => (low, high),
                }
            }
        }
    }

    /// What is stored beside each value.
    pub fn distribution(&self) -> Distribution {
        let (low, high) = self.bounds();
        match *self {
            Self::Float { log, step, .. } => Distribution::Float { low, high, log, step },
            Self::Int { low, high, log, step } => {
                let high = last_multiple(low, high, step);
                Distribution::Int { low: low.into(), high: high.into(), log, step: step.into() }
            }
            Self::Categorical { ref choices } | Self::Ordinal { ref choices } => {
                Distribution::Categorical { choices: choices.clone() }
            }
            Self::Normal { log, step, .. } => {
                Distribution::Float { low, high, log: log && step.is_none(), step }
            }
        }
    }

    /// Makes the scale logarithmic, where there is a scale.
    pub(super) fn set_log(&mut self) -> bool {
        match self {
            Self::Float { log, .. } | Self::Int { log, .. } | Self::Normal { log, .. } => *log = true,
            Self::Categorical { .. } | Self::Ordinal { .. } => return false,
        }
        true
    }

    /// Restricts to multiples of a step, where that makes sense.
    pub(super) fn set_step(&mut self, value: &Value) -> bool {
        match self {
            Self::Float { step, .. } | Self::Normal { step, .. } => *step = value.as_f64(),
            Self::Int { step, .. } => match value.as_i64() {
                Some(whole) => *step = whole,
                None => return false,
            },
            Self::Categorical { .. } | Self::Ordinal { .. } => return false,
        }
        value.as_f64().is_some()
    }

    pub(super) fn check(&self, name: &str) -> Result<(), SpaceError> {
        let name = || name.to_owned();
        match *self {
            Self::Float { low, high, log, step } => {
                check_bounds(&name, low, high, log)?;
                match step {
                    Some(_) if log => Err(SpaceError::LogAndStep { name: name() }),
                    Some(step) if !(step > 0.0 && step <= high - low) => {
                        Err(SpaceError::Step { name: name(), step, range: high - low })
                    }
                    _ => Ok(()),
                }
            }
            Self::Int { low, high, log, step } => {
                if low < high && low as f64 == high as f64 {
                    return Err(SpaceError::Indistinct { name: name(), low, high });
                }
                check_bounds(&name, low as f64, high as f64, log)?;
                let range = i128::from(high) - i128::from(low);
                if log && step != 1 {
                    Err(SpaceError::LogAndStep { name: name() })
                } else if step < 1 || i128::from(step) > range {
                    Err(SpaceError::Step { name: name(), step: step as f64, range: range as f64 })
                } else {
                    Ok(())
                }
            }
            Self::Categorical { ref choices } | Self::Ordinal { ref choices } => {
                if choices.is_empty() {
                    return Err(SpaceError::NoChoices { name: name() });
                }
                match (1..choices.len()).find(|&i| choices[..i].iter().any(|other| other.same(&choices[i]))) {
                    Some(i) => {
                        Err(SpaceError::DuplicateChoice { name: name(), choice: choices[i].to_string() })
                    }
                    None => Ok(()),
                }
            }
            Self::Normal { mu, sigma, log, step } => {
                if !(mu.is_finite() && sigma.is_finite() && sigma > 0.0) {
                    return Err(SpaceError::Deviation { name: name(), mu, sigma });
                }
                let (low, high) = self.bounds();
                match step {
                    Some(step) if !(step > 0.0 && low < high) => {
                        Err(SpaceError::Step { name: name(), step, range: 2.0 * NORMAL_REACH * sigma })
                    }
                    // A logarithm so far below 0 that its number is 0.
                    _ => check_bounds(&name, low, high, log && step.is_none()),
                }
            }
        }
    }
}

/// The last of `low`, `low + step`, ... that does not exceed `high`.
fn last_multiple(low: i64, high: i64, step: i64) -> i64 {
    let (range, step) = (i128::from(high) - i128::from(low), i128::from(step.max(1)));
    // Between the two bounds, so no overflow.
    (i128::from(high) - range.max(0) % step) as i64
}

fn check_bounds(name: &impl Fn() -> String, low: f64, high: f64, log: bool) -> Result<(), SpaceError> {
    if !(low.is_finite() && high.is_finite() && low < high && (high - low).is_finite()) {
        Err(SpaceError::Bounds { name: name(), low, high })
    } else if log && low <= 0.0 {
        Err(SpaceError::LogOfNonPositive { name: name(), low })
    } else {
        Ok(())
    }
}
