//! What a search found: for tables, for files, and as JSON.

use std::collections::HashSet;

use serde::Serialize;
use tpe::storage::FAILED_TRIAL;
use tpe::{State, Trial};

use super::space::Choice;
use super::{Plan, PrunerName, SamplerName};
use crate::data::Dataset;
use crate::published::{self, PublishedTrial};

/// The attribute of a trial with the seed of its network.
pub(super) const SEED: &str = "seed";

/// The attribute with the reason why a trial failed, as `tpe` keeps it.
const FAILURE: &str = "failure";

/// The attribute with the numbers of the trials that a trial repeats, Optuna's.
const HISTORY: &str = "retry_history";

/// Completed trials without which nothing is said of the importance of parameters. It is judged by the best tenth of the
/// trials, so there has to be one.
pub const LEAST_TRIALS: usize = 10;

/// Whether these values of completed trials tell which parameters matter: there are [`LEAST_TRIALS`], and not all the same.
pub fn are_enough(values: &[f64]) -> bool {
    values.len() >= LEAST_TRIALS && values.iter().any(|value| value != &values[0])
}

/// How a trial stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Trained to its last epoch.
    Complete,
    /// Given up by the pruner.
    Pruned,
    /// Its training went wrong.
    Failed,
    /// Interrupted; another trial takes its place.
    Repeated,
    /// Being trained.
    Running,
    /// To be trained.
    Waiting,
}

impl Status {
    /// In one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Pruned => "pruned",
            Self::Failed => "failed",
            Self::Repeated => "repeated",
            Self::Running => "running",
            Self::Waiting => "waiting",
        }
    }
}

/// A trial.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Its number in the study, from 0.
    pub trial: u64,
    /// How it stands.
    pub status: Status,
    /// Its point.
    #[serde(flatten)]
    pub choice: Option<Choice>,
    /// Validation accuracy after its last epoch.
    pub val_acc: Option<f64>,
    /// Epochs that it was trained for.
    pub epochs: i64,
    /// Wall time.
    pub seconds: Option<f64>,
    /// Seed of its network.
    pub seed: Option<u64>,
    /// The first of the trials that it repeats.
    pub repeats: Option<u64>,
    /// Why it failed.
    pub failure: Option<String>,
}

impl Row {
    /// A trial as it is stored. A failed one is a repeated one if its number is among `repeated`.
    pub(super) fn of(trial: &Trial, repeated: &HashSet<u64>) -> Self {
        let seconds =
            trial.started.zip(trial.finished).map(|(from, to)| to.duration_since(from).as_secs_f64());
        Self {
            trial: trial.number,
            status: match trial.state {
                State::Complete => Status::Complete,
                State::Pruned => Status::Pruned,
                State::Fail if repeated.contains(&trial.number) => Status::Repeated,
                State::Fail => Status::Failed,
                State::Running => Status::Running,
                State::Waiting => Status::Waiting,
            },
            choice: Choice::new(|name| trial.param(name)),
            val_acc: trial.value().filter(|_| trial.state.is_finished()),
            epochs: trial.last_report().map_or(0, |(epoch, _)| epoch),
            // A clock that was set back in between tells nothing.
            seconds: seconds
                .filter(|seconds| *seconds >= 0.0)
                .map(|seconds| (seconds * 1000.0).round() / 1000.0),
            seed: trial.user_attrs.get(SEED).and_then(|seed| seed.as_u64()),
            repeats: trial.system_attrs.get(FAILED_TRIAL).and_then(|number| number.as_u64()),
            failure: trial.user_attrs.get(FAILURE).and_then(|reason| reason.as_str()).map(str::to_owned),
        }
    }

    /// The point's values as text, in the order of the space's table.
    pub fn point(&self) -> [String; 4] {
        self.choice.as_ref().map(Choice::texts).unwrap_or_default()
    }
}

/// How much a parameter matters for reaching good values.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Importance {
    /// The parameter.
    pub parameter: String,
    /// Its share.
    pub importance: f64,
}

/// What a search found.
#[derive(Debug, Clone, Serialize)]
pub struct SearchResult {
    /// The study's name.
    pub study: String,
    /// How points were chosen.
    pub sampler: SamplerName,
    /// How many trials came before the sampler weighed what it had seen.
    pub unweighed_trials: u64,
    /// How trials were given up.
    pub pruner: PrunerName,
    /// The search's seed.
    pub seed: u64,
    /// Epochs of a trial.
    pub epochs: usize,
    /// Images per step.
    pub batch: usize,
    /// Time that all trials took together.
    pub seconds: f64,
    /// The trials by number.
    pub trials: Vec<Row>,
    /// The trial with the best validation accuracy.
    pub best: Option<Row>,
    /// The parameters, the most important one first (PED-ANOVA); none if there are not [enough](are_enough) trials.
    pub importances: Vec<Importance>,
    /// The trials that the original study published, if there are as many here, of as many epochs on FER-2013.
    pub published: Option<&'static [PublishedTrial]>,
}

impl SearchResult {
    pub(super) fn new(
        plan: &Plan,
        data: &Dataset,
        trials: &[Trial],
        best: Option<&Trial>,
        importances: Vec<(String, f64)>,
    ) -> Self {
        let repeated = repeated(trials);
        let rows: Vec<_> = trials.iter().map(|trial| Row::of(trial, &repeated)).collect();
        Self {
            study: plan.name.clone(),
            sampler: plan.sampler,
            unweighed_trials: plan.sampler.unweighed(plan.trials),
            pruner: plan.pruner,
            seed: plan.base.seed,
            epochs: plan.base.epochs,
            batch: plan.batch,
            seconds: rows.iter().filter_map(|row| row.seconds).sum(),
            best: best.map(|best| Row::of(best, &repeated)),
            trials: rows,
            importances: importances
                .into_iter()
                .map(|(parameter, importance)| Importance { parameter, importance })
                .collect(),
            published: published_trials(plan.trials, plan.base.epochs, published::is_fer2013(data)),
        }
    }

    /// The content of `trials.csv`.
    pub fn trials_csv(&self) -> String {
        let mut csv = String::from(
            "trial,status,activation_fn,conv_kernel_size,dropout_prob,optimizer,val_acc,epochs,seconds,seed,repeats\n",
        );
        fn text(value: Option<impl ToString>) -> String {
            value.map(|value| value.to_string()).unwrap_or_default()
        }
        for row in &self.trials {
            let point = row.point().join(",");
            csv +=
                &format!("{},{},{point},{},{}", row.trial, row.status.name(), text(row.val_acc), row.epochs);
            csv += &format!(",{},{},{}\n", text(row.seconds), text(row.seed), text(row.repeats));
        }
        csv
    }

    /// The content of `importances.csv`.
    pub fn importances_csv(&self) -> String {
        let lines = self
            .importances
            .iter()
            .map(|Importance { parameter, importance }| format!("{parameter},{importance}\n"));
        std::iter::once("parameter,importance\n".to_owned()).chain(lines).collect()
    }
}

/// The trials that the study published, if a search of this many trials of this many epochs can be compared with them.
fn published_trials(trials: u64, epochs: usize, on_fer2013: bool) -> Option<&'static [PublishedTrial]> {
    let (known, result) = (published::trials(), published::result("search")?);
    (on_fer2013 && trials == known.len() as u64 && epochs == result.epochs).then_some(known)
}

/// The numbers of failed trials that others repeat.
fn repeated(trials: &[Trial]) -> HashSet<u64> {
    let history = |trial: &Trial| trial.system_attrs.get(HISTORY).and_then(|list| list.as_array().cloned());
    trials.iter().filter_map(history).flatten().filter_map(|number| number.as_u64()).collect()
}

#[cfg(test)]
mod tests {
    use super::{are_enough, published_trials};

    #[test]
    fn published_trials_are_compared_with_as_many_of_as_many_epochs_on_the_same_data() {
        assert_eq!(published_trials(15, 10, true).map(<[_]>::len), Some(15));
        for (trials, epochs, on_fer2013) in [(14, 10, true), (15, 9, true), (15, 10, false)] {
            assert_eq!(published_trials(trials, epochs, on_fer2013), None, "{trials} {epochs} {on_fer2013}");
        }
    }

    #[test]
    fn ten_values_that_differ_are_enough() {
        let values: Vec<f64> = (0..10).map(f64::from).collect();
        assert!(
            are_enough(&values) && !are_enough(&values[1..]) && !are_enough(&[0.5; 10]) && !are_enough(&[])
        );
    }
}
