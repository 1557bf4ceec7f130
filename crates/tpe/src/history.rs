//! The trials of a study as a sampler sees them: points and losses.

use crate::space::{Point, Space};
use crate::trial::{Direction, State, Trial};

/// What came of a trial. Losses are such that smaller is better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// Evaluated.
    Complete {
        /// The result.
        loss: f64,
    },
    /// Given up.
    Pruned {
        /// The last step that was reported, with its value; NaN counts as `+∞`.
        last: Option<(i64, f64)>,
    },
    /// Being evaluated.
    Pending,
    /// Went wrong.
    Failed,
}

/// A trial as a sampler sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Its number, repetitions not counted ([`turn`](crate::study::Evaluation::turn)).
    pub number: u64,
    /// What came of it.
    pub outcome: Outcome,
    /// By how much it breaks its constraints: the sum of the positive ones, 0 if none is.
    pub violation: f64,
    /// Where it is. NaN also where a stored value does not belong to the present space.
    pub point: Point,
}

impl Observation {
    /// What `trial` is in `space`; nothing for one that waits, or has no parameters of the space yet.
    pub fn new(space: &Space, direction: Direction, trial: &Trial) -> Option<Self> {
        let outcome = match trial.state {
            State::Waiting => return None,
            State::Running => Outcome::Pending,
            State::Fail => Outcome::Failed,
            State::Complete => match trial.value() {
                Some(value) if !value.is_nan() => Outcome::Complete { loss: direction.loss(value) },
                _ => Outcome::Failed,
            },
            State::Pruned => {
                let number = |value: f64| if value.is_nan() { f64::INFINITY } else { direction.loss(value) };
                Outcome::Pruned { last: trial.last_report().map(|(step, value)| (step, number(value))) }
            }
        };
        let point = space.walk(|index| {
            let node = &space.nodes()[index];
            let param = trial.params.get(node.name());
            let present = node.domain().distribution();
            // Zeros lose their sign: not every storage keeps it, and points follow from the history.
            param.and_then(|param| present.internal(&param.value())).map_or(f64::NAN, |x| x + 0.0)
        });
        let known = point.iter().any(|value| !value.is_nan());
        known.then_some(Self { number: trial.number, outcome, violation: trial.violation(), point })
    }
}

/// All trials of a study as a sampler sees them, by number.
///
/// Beside them it keeps, for each parameter, the order of its values, which samplers would have to sort anew for every
/// suggestion.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    observations: Vec<Observation>,
    /// For each parameter the places of the observations that have it, by its value and then by number.
    orders: Vec<Vec<u32>>,
}

impl History {
    /// A history of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an observation, or puts it in the place of the earlier one with its number.
    pub fn record(&mut self, observation: Observation) {
        match self.observations.binary_search_by_key(&observation.number, |known| known.number) {
            Ok(place) => {
                let moved = !same(&self.observations[place].point, &observation.point);
                self.observations[place] = observation;
                if moved {
                    self.orders = orders(&self.observations);
                }
            }
            Err(place) => {
                self.observations.insert(place, observation);
                self.rank(place);
            }
        }
    }

    /// The observations, by number.
    pub fn observations(&self) -> &[Observation] {
        &self.observations
    }

    /// The places in [`observations`](Self::observations) of those that have parameter `index`, by its value.
    pub fn order(&self, index: usize) -> &[u32] {
        self.orders.get(index).map_or(&[], Vec::as_slice)
    }

    /// Brings the new observation at `place` into the orders.
    fn rank(&mut self, place: usize) {
        let point = &self.observations[place].point;
        self.orders.resize(point.len(), Vec::new());
        for (index, order) in self.orders.iter_mut().enumerate() {
            if place + 1 < self.observations.len() {
                order.iter_mut().filter(|other| **other as usize >= place).for_each(|other| *other += 1);
            }
            if !point[index].is_nan() {
                let key = |other: u32| (&self.observations[other as usize].point[index], other as usize);
                let before = order.partition_point(|&other| {
                    let (value, other) = key(other);
                    value.total_cmp(&point[index]).then(other.cmp(&place)).is_lt()
                });
                order.insert(before, place as u32);
            }
        }
    }
}

impl IntoIterator for History {
    type Item = Observation;
    type IntoIter = std::vec::IntoIter<Observation>;

    fn into_iter(self) -> Self::IntoIter {
        self.observations.into_iter()
    }
}

impl FromIterator<Observation> for History {
    /// Of several observations with one number the last one counts.
    fn from_iter<I: IntoIterator<Item = Observation>>(observations: I) -> Self {
        let mut observations: Vec<_> = observations.into_iter().collect();
        observations.reverse();
        observations.sort_by_key(|observation| observation.number);
        observations.dedup_by_key(|observation| observation.number);
        Self { orders: orders(&observations), observations }
    }
}

/// The orders of all parameters.
fn orders(observations: &[Observation]) -> Vec<Vec<u32>> {
    let parameters = observations.first().map_or(0, |observation| observation.point.len());
    let order = |index: usize| {
        let value = |place: u32| observations[place as usize].point[index];
        let mut order: Vec<u32> =
            (0..observations.len() as u32).filter(|&place| !value(place).is_nan()).collect();
        order.sort_by(|&a, &b| value(a).total_cmp(&value(b)));
        order
    };
    (0..parameters).map(order).collect()
}

/// Whether two points are the same, parameters that do not exist included.
fn same(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observation(number: u64, point: &[f64]) -> Observation {
        Observation { number, outcome: Outcome::Pending, violation: 0.0, point: point.to_vec() }
    }

    #[test]
    fn orders_follow_every_change() {
        let mut history = History::new();
        let nan = f64::NAN;
        let points = [
            (3, [0.5, nan]),
            (0, [0.7, 1.0]),
            (9, [0.1, 2.0]),
            (4, [0.5, 0.0]),
            (3, [0.9, 3.0]),
            (1, [-0.2, nan]),
        ];
        for (step, (number, point)) in points.iter().enumerate() {
            history.record(observation(*number, point));
            let at_once: History =
                points[..=step].iter().map(|(number, point)| observation(*number, point)).collect();
            let numbers =
                |history: &History| -> Vec<u64> { history.observations().iter().map(|o| o.number).collect() };
            assert_eq!(numbers(&history), numbers(&at_once));
            assert_eq!(history.orders, at_once.orders, "after step {step}");
        }
        assert_eq!(history.order(0), [1, 4, 3, 0, 2]);
        assert_eq!(history.order(1), [3, 0, 4, 2]);
    }
}
