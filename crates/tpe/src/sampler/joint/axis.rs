//! One parameter's part of a mixture: a kernel for each trial, and the prior as the last one.

use std::collections::HashMap;
use std::f64::consts::PI;

use super::tail::tail;
use crate::normal;
use crate::rng::Stream;
use crate::space::Domain;

/// No kernel is narrower than this share of the prior's width.
const NARROWEST: f64 = 0.03;

/// The deviation of a lone kernel, as a share of its distance to the farther end. The first good trial is alone until
/// there are eleven; as wide as the line, it would say nothing about where to look next.
const LONE: f64 = 0.25;

/// How many trials the prior weighs in the kernels over choices, divided among these kernels. With one, as elsewhere, a
/// study that began with a bad partner of a good choice returns to that too seldom.
const CHOICE_PRIOR: f64 = 2.0;

/// Cells that are a smaller share of the line count as points of a continuum: their masses would be lost in rounding.
const FINEST: f64 = 1e-6;

/// The kernels of all trials for one parameter: `factor · e^(-½ exponent)`, where the factor is a kernel's own and the
/// exponent depends on the value.
pub(super) enum Axis {
    /// Choices.
    Choice(Choice),
    /// Numbers: normal kernels on the parameter's scale, cut at its bounds.
    Number(Number),
}

impl Axis {
    /// Kernels around `values`, the internal representations in each trial, NaN where the parameter does not exist.
    /// `order` has the places of those that do, by value.
    pub(super) fn fit(domain: &Domain, values: &[f64], order: &[usize]) -> Self {
        match domain {
            Domain::Categorical { choices } => Self::Choice(Choice::fit(choices.len(), values, order.len())),
            _ => Self::Number(Number::fit(Scale::new(domain), values, order)),
        }
    }

    /// The factor of each kernel.
    pub(super) fn factors(&self) -> &[f64] {
        match self {
            Self::Choice(axis) => &axis.factor,
            Self::Number(axis) => &axis.factor,
        }
    }

    /// Adds to each of `sums` the exponent of its kernel at `x`.
    pub(super) fn add_exponents(&self, x: f64, sums: &mut [f64]) {
        match self {
            Self::Choice(axis) => {
                for (sum, &observed) in sums.iter_mut().zip(&axis.observed) {
                    *sum += axis.exponent(observed, x);
                }
            }
            Self::Number(axis) => axis.add_exponents(x, sums),
        }
    }

    /// A value from kernel `component`, or nothing if that is the prior's or stands for the prior.
    pub(super) fn draw(&self, component: usize, random: &mut Stream) -> Option<f64> {
        match self {
            Self::Choice(axis) => axis.draw(component, random),
            Self::Number(axis) => axis.draw(component, random),
        }
    }
}

/// Kernels over choices: the observed one gets a full share, each one a bit of the prior.
pub(super) struct Choice {
    /// The choice of each trial; NaN stands for the prior.
    observed: Vec<f64>,
    options: usize,
    /// What each choice gets beside the full share: the prior divided among all kernels.
    crumb: f64,
    /// 1: the exponents say it all.
    factor: Vec<f64>,
    /// `-2 ln` of the probability of the observed choice, of another one, and of any one from the prior.
    hit: f64,
    miss: f64,
    prior: f64,
}

impl Choice {
    fn fit(options: usize, values: &[f64], present: usize) -> Self {
        let crumb = CHOICE_PRIOR / (present + 1) as f64;
        let whole = 1.0 + options as f64 * crumb;
        let mut observed = values.to_vec();
        observed.push(f64::NAN);
        Self {
            factor: vec![1.0; observed.len()],
            observed,
            options,
            crumb,
            hit: -2.0 * libm::log((1.0 + crumb) / whole),
            miss: -2.0 * libm::log(crumb / whole),
            prior: 2.0 * libm::log(options as f64),
        }
    }

    fn exponent(&self, observed: f64, x: f64) -> f64 {
        if observed.is_nan() {
            self.prior
        } else if observed == x {
            self.hit
        } else {
            self.miss
        }
    }

    fn draw(&self, component: usize, random: &mut Stream) -> Option<f64> {
        let observed = self.observed[component];
        if observed.is_nan() {
            return None;
        }
        // The whole is the observed choice's share and then the crumbs of all choices.
        let place = random.uniform() * (1.0 + self.options as f64 * self.crumb) - 1.0;
        Some(if place < 0.0 { observed } else { (place / self.crumb).floor().min(self.options as f64 - 1.0) })
    }
}

/// Where a numeric parameter's values lie: the real line, or its logarithm, and the cells of discrete values.
pub(super) struct Scale {
    log: bool,
    step: Option<f64>,
    /// Whether kernels give values the mass of their cells, not a density.
    cells: bool,
    /// The least and the greatest value.
    values: (f64, f64),
    /// The ends of the line, half a step beyond the values if these are discrete.
    ends: (f64, f64),
    /// Centre and width of the prior; a uniform one counts as a normal kernel as wide as the line.
    prior: (f64, f64),
}

impl Scale {
    fn new(domain: &Domain) -> Self {
        let (log, step) = match *domain {
            Domain::Float { log, step, .. } | Domain::Normal { log, step, .. } => (log, step),
            Domain::Int { log, step, .. } => (log, Some(step as f64)),
            Domain::Categorical { .. } | Domain::Ordinal { .. } => (false, Some(1.0)),
        };
        let values = domain.bounds();
        let mut scale = Self { log, step, cells: false, values, ends: values, prior: (0.0, 1.0) };
        scale.ends = (scale.cell(values.0).0, scale.cell(values.1).1);
        // The last cell is the narrowest one.
        let (from, to) = scale.cell(values.1);
        scale.cells = step.is_some() && to - from > FINEST * (scale.ends.1 - scale.ends.0);
        scale.prior = match *domain {
            Domain::Normal { mu, sigma, .. } => (mu, sigma),
            _ => (0.5 * (scale.ends.0 + scale.ends.1), scale.ends.1 - scale.ends.0),
        };
        scale
    }

    fn place(&self, value: f64) -> f64 {
        if self.log { libm::log(value) } else { value }
    }

    /// The part of the line that belongs to a value.
    fn cell(&self, value: f64) -> (f64, f64) {
        let half = 0.5 * self.step.unwrap_or(0.0);
        (self.place(value - half), self.place(value + half))
    }

    fn value(&self, place: f64) -> f64 {
        let value = if self.log { libm::exp(place) } else { place };
        let (low, high) = self.values;
        let value = self.step.map_or(value, |step| low + ((value - low) / step).round() * step);
        value.clamp(low, high)
    }
}

/// Normal kernels, cut at the ends of a scale. The last one is the prior's, and so are those of trials without the
/// parameter.
pub(super) struct Number {
    scale: Scale,
    centre: Vec<f64>,
    /// One over the deviation.
    narrowness: Vec<f64>,
    /// What makes a kernel a density: one over `√(2π) σ` and over its mass between the ends. For values with cells one
    /// over that mass alone.
    factor: Vec<f64>,
    absent: Vec<bool>,
}

impl Number {
    fn fit(scale: Scale, values: &[f64], order: &[usize]) -> Self {
        let (middle, width) = scale.prior;
        let mut absent: Vec<bool> = values.iter().map(|value| value.is_nan()).collect();
        absent.push(true);
        let places = values.iter().map(|&value| if value.is_nan() { middle } else { scale.place(value) });
        let centre: Vec<f64> = places.chain([middle]).collect();
        let mut deviation = vec![width; centre.len()];
        spread(&scale, &centre, order, &mut deviation);

        let root = libm::sqrt(2.0 * PI);
        let narrowness: Vec<f64> = deviation.iter().map(|deviation| 1.0 / deviation).collect();
        let mut factor = outside(&scale, &centre, &narrowness);
        for (factor, deviation) in factor.iter_mut().zip(&deviation) {
            let unit = if scale.cells { 1.0 } else { root * deviation };
            *factor = 1.0 / (unit * (1.0 - *factor));
        }
        Self { scale, centre, narrowness, factor, absent }
    }

    fn add_exponents(&self, x: f64, sums: &mut [f64]) {
        let kernels = self.centre.iter().zip(&self.narrowness);
        if !self.scale.cells {
            let place = self.scale.place(x);
            for (sum, (centre, narrowness)) in sums.iter_mut().zip(kernels) {
                let z = (place - centre) * narrowness;
                *sum += z * z;
            }
            return;
        }
        let (from, to) = self.scale.cell(x);
        // Trials share values, and often deviations.
        let mut known: HashMap<(u64, u64), f64> = HashMap::new();
        for (sum, (&centre, &narrowness)) in sums.iter_mut().zip(kernels) {
            *sum += *known.entry((centre.to_bits(), narrowness.to_bits())).or_insert_with(|| {
                -2.0 * normal::log_mass((from - centre) * narrowness, (to - centre) * narrowness)
            });
        }
    }

    fn draw(&self, component: usize, random: &mut Stream) -> Option<f64> {
        if self.absent[component] {
            return None;
        }
        let (low, high) = self.scale.ends;
        let place =
            normal::sample(self.centre[component], 1.0 / self.narrowness[component], low, high, random);
        Some(self.scale.value(place))
    }
}

/// The mass of each kernel beyond the ends of the scale.
fn outside(scale: &Scale, centre: &[f64], narrowness: &[f64]) -> Vec<f64> {
    let (low, high) = scale.ends;
    let tail = tail();
    let kernels = centre.iter().zip(narrowness);
    kernels
        .map(|(centre, narrowness)| tail((centre - low) * narrowness) + tail((high - centre) * narrowness))
        .collect()
}

/// The deviation of each kernel: the distance to the farther one of its two neighbours on the line, the outermost ones'
/// to their only neighbour, a lone one's [a share](LONE) of that to the farther end; within limits.
fn spread(scale: &Scale, centre: &[f64], order: &[usize], deviation: &mut [f64]) {
    let (_, width) = scale.prior;
    let narrowest = width * NARROWEST.max(1.0 / ((order.len() + 2) as f64).powi(2));
    // A value's neighbours stay in sight.
    let step = scale.step.filter(|_| !scale.log).unwrap_or(0.0);
    let narrowest = narrowest.max(step).min(width);
    for (rank, &index) in order.iter().enumerate() {
        let place = centre[index];
        let before = rank.checked_sub(1).map(|rank| place - centre[order[rank]]);
        let after = order.get(rank + 1).map(|&next| centre[next] - place);
        let gap = match (before, after) {
            (None, None) => LONE * (place - scale.ends.0).max(scale.ends.1 - place),
            (before, after) => before.unwrap_or(0.0).max(after.unwrap_or(0.0)),
        };
        deviation[index] = gap.clamp(narrowest, width);
    }
}
