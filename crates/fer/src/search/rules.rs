//! Samplers and pruners by name.

use serde::Serialize;
use tpe::pruner::{
    Hyperband, HyperbandOptions, Median, Nop, Percentile, PercentileOptions, Pruner, SuccessiveHalving,
    SuccessiveHalvingOptions,
};
use tpe::sampler::{Hyperopt, Joint, Optuna5, Random, Sampler};

/// How points are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum SamplerName {
    /// One density over all parameters; the first 6 points are spread over the space
    Joint,
    /// hyperopt's, as in the original study; its first 20 points are random
    Hyperopt,
    /// Optuna 5's, multivariate; its first 10 points are random
    Optuna,
    /// No model at all
    Random,
}

impl SamplerName {
    /// The sampler.
    pub fn build(self) -> Box<dyn Sampler> {
        match self {
            Self::Joint => Joint::default().into(),
            Self::Hyperopt => Hyperopt::default().into(),
            Self::Optuna => Optuna5::default().into(),
            Self::Random => Random.into(),
        }
    }

    /// How many of so many trials are drawn before the sampler weighs what it has seen.
    pub fn unweighed(self, trials: u64) -> u64 {
        let startup = match self {
            Self::Joint => Joint::default().startup,
            Self::Hyperopt => Hyperopt::default().startup as u64,
            Self::Optuna => Optuna5::default().startup as u64,
            Self::Random => trials,
        };
        startup.min(trials)
    }

    /// What a search of so many trials amounts to.
    pub fn describe(self, trials: u64) -> String {
        let first = self.unweighed(u64::MAX);
        let (its, how) = match self {
            Self::Joint => ("the", "spread over the space"),
            _ => ("its", "drawn at random"),
        };
        match (self, trials.saturating_sub(first)) {
            (Self::Random, _) => format!("sampler random: all {trials} trials are drawn at random"),
            (_, 0) => format!(
                "sampler {}: {its} first {first} trials are {how}, so none of these {trials} trials is a Bayesian step",
                self.name()
            ),
            (_, weighed) => format!(
                "sampler {}: {its} first {first} trials are {how}, {weighed} follow from what came before",
                self.name()
            ),
        }
    }

    /// Its name on the command line.
    fn name(self) -> &'static str {
        match self {
            Self::Joint => "joint",
            Self::Hyperopt => "hyperopt",
            Self::Optuna => "optuna",
            Self::Random => "random",
        }
    }
}

/// How trials are given up before their last epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum PrunerName {
    /// Never, as in the study
    None,
    /// Worse than the median of the completed trials at the same epoch, from the sixth trial on
    Median,
    /// Not among the best quarter of the completed trials at the same epoch, from the sixth trial on
    Percentile,
    /// Successive halving: a quarter goes on after epochs 1, 4, 16, ..
    Halving,
    /// Successive halving with several first rungs at once
    Hyperband,
}

impl PrunerName {
    /// The rule for trials of so many epochs.
    pub fn build(self, epochs: usize) -> Box<dyn Pruner> {
        const VALID: &str = "these options are in range";
        match self {
            Self::None => Nop.into(),
            Self::Median => Median::new(PercentileOptions::default()).expect(VALID).into(),
            Self::Percentile => Percentile::new(25.0, PercentileOptions::default()).expect(VALID).into(),
            Self::Halving => SuccessiveHalving::new(SuccessiveHalvingOptions {
                min_resource: Some(1),
                ..SuccessiveHalvingOptions::default()
            })
            .expect(VALID)
            .into(),
            Self::Hyperband => Hyperband::new(HyperbandOptions {
                max_resource: Some(epochs.max(1) as u64),
                ..HyperbandOptions::default()
            })
            .expect(VALID)
            .into(),
        }
    }
}
