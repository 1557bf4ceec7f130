use nn_kernels::{Real, elementwise};
use serde::{Deserialize, Serialize};

use super::dense::yes;
use crate::context::{Context, Mode};
use crate::error::LayerError;
use crate::layer::{Cache, Gradients, Layer, LayerInfo, Param};
use crate::model::{LayerOutline, ParamOutline};
use crate::number::{expectation, usable};
use crate::tensor::{Elements, Tensor, tensor};

/// Configuration of batch normalisation (Ioffe & Szegedy, 2015) over the last axis:
/// `y = gamma·(x - mean) / sqrt(variance + epsilon) + beta`.
///
/// In training, `mean` and `variance` (of the population) are the batch's, and running averages of both are kept:
/// `moving = momentum·moving + (1 - momentum)·batch`. Prediction uses the running averages, and so does a frozen
/// layer, also in training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchNormalization {
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default = "last_axis")]
    axis: isize,
    #[serde(default = "default_momentum")]
    momentum: f64,
    #[serde(default = "default_epsilon")]
    epsilon: f64,
    #[serde(default = "yes")]
    center: bool,
    #[serde(default = "yes")]
    scale: bool,
}

fn last_axis() -> isize {
    -1
}

fn default_momentum() -> f64 {
    0.99
}

fn default_epsilon() -> f64 {
    1e-3
}

impl Default for BatchNormalization {
    fn default() -> Self {
        let (momentum, epsilon) = (default_momentum(), default_epsilon());
        Self { name: None, axis: last_axis(), momentum, epsilon, center: true, scale: true }
    }
}

impl BatchNormalization {
    /// A normalisation of each channel with its own factor and offset.
    pub fn new() -> Self {
        Self::default()
    }

    /// Weight of the past in the running averages; 0.99 if not set.
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self
    }

    /// Added to the variance; 0.001 if not set.
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }

    /// Whether there is an offset `beta`; true if not set.
    pub fn center(mut self, center: bool) -> Self {
        self.center = center;
        self
    }

    /// Whether there is a factor `gamma`; true if not set.
    pub fn scale(mut self, scale: bool) -> Self {
        self.scale = scale;
        self
    }

    pub(super) fn outline(&self, info: LayerInfo) -> Result<LayerOutline, LayerError> {
        let Some(&channels) = info.input_shape.last().filter(|&&channels| channels > 0) else {
            return Err(LayerError::InputRank { expected: "(None, .., channels)", got: info.input_shape });
        };
        // Keras counts the batch as axis 0.
        if self.axis != -1 && self.axis.unsigned_abs() != info.input_shape.len() {
            return Err(LayerError::argument("axis", self.axis, "-1, the last one"));
        }
        if !(0.0..=1.0).contains(&self.momentum) {
            return Err(LayerError::argument("momentum", self.momentum, "at least 0 and at most 1"));
        }
        let param = |name, trainable| ParamOutline { name, shape: vec![channels], trainable };
        let gamma = self.scale.then(|| param(GAMMA, true));
        let beta = self.center.then(|| param("beta", true));
        let statistics = [param("moving_mean", false), param(MOVING_VARIANCE, false)];
        Ok(LayerOutline::new(info, gamma.into_iter().chain(beta).chain(statistics).collect()))
    }

    pub(super) fn build<R: Real>(
        &self,
        info: LayerInfo,
        _seed: u64,
    ) -> Result<Box<dyn Layer<R>>, LayerError> {
        if !usable::<R>(self.epsilon, |epsilon| epsilon > 0.0) {
            let expected = expectation::<R>(self.epsilon, "a finite number above 0");
            return Err(LayerError::argument("epsilon", self.epsilon, &expected));
        }
        let LayerOutline { info, params, .. } = self.outline(info)?;
        let start = |ParamOutline { name, shape, trainable }| {
            let first = if [GAMMA, MOVING_VARIANCE].contains(&name) { R::one() } else { R::zero() };
            let value = tensor(&shape, vec![first; shape[0]]);
            if trainable { Param::new(name, value) } else { Param::statistic(name, value) }
        };
        let (config, params) = (self.clone(), params.into_iter().map(start).collect());
        Ok(Box::new(BatchNormalizationLayer { info, config, params, frozen: false }))
    }
}

/// # Shapes
/// With `rows` the product of all axes but the last: `x`, `y`: `[rows, channels]`, all parameters: `[channels]`.
#[derive(Debug)]
struct BatchNormalizationLayer<R: Real> {
    info: LayerInfo,
    config: BatchNormalization,
    /// `gamma` and `beta`, as far as they exist, `moving_mean`, `moving_variance`.
    params: Vec<Param<R>>,
    frozen: bool,
}

impl<R: Real> BatchNormalizationLayer<R> {
    fn gamma(&self) -> Option<usize> {
        self.config.scale.then_some(0)
    }

    fn beta(&self) -> Option<usize> {
        self.config.center.then_some(usize::from(self.config.scale))
    }

    fn moving(&self) -> [&Tensor<R>; 2] {
        let statistics = self.params.len() - 2;
        [&self.params[statistics].value, &self.params[statistics + 1].value]
    }

    fn channels(&self) -> usize {
        self.moving()[0].len()
    }

    /// `1 / sqrt(variance + epsilon)`
    fn reciprocal_std(&self, variance: &Tensor<R>, ctx: &mut Context<R>) -> Tensor<R> {
        let mut r = ctx.buffer(variance.shape());
        let epsilon = R::of(self.config.epsilon);
        for (r, &variance) in r.elements_mut().iter_mut().zip(variance.elements()) {
            *r = R::one() / (variance + epsilon).sqrt();
        }
        r
    }

    /// `gamma / sqrt(variance + epsilon)`
    fn factor(&self, variance: &Tensor<R>, ctx: &mut Context<R>) -> Tensor<R> {
        let mut factor = self.reciprocal_std(variance, ctx);
        if let Some(gamma) = self.gamma() {
            let gamma = self.params[gamma].value.elements();
            factor.elements_mut().iter_mut().zip(gamma).for_each(|(factor, &gamma)| *factor *= gamma);
        }
        factor
    }

    /// `y = (x - mean)·factor + beta`
    fn normalize(&self, x: &Tensor<R>, [mean, variance]: [&Tensor<R>; 2], ctx: &mut Context<R>) -> Tensor<R> {
        let factor = self.factor(variance, ctx);
        let beta = match self.beta() {
            Some(beta) => self.params[beta].value.clone(),
            None => ctx.zeros(mean.shape()),
        };
        let mut y = ctx.buffer(x.shape());
        let (x, mean) = (x.elements(), mean.elements());
        elementwise::normalize(x, mean, factor.elements(), beta.elements(), y.elements_mut());
        ctx.recycle(factor);
        ctx.recycle(beta);
        y
    }

    /// Mean and variance of each channel, in two passes: a variance from `x²` alone would be a difference of two large
    /// numbers where the mean is large.
    fn moments(&self, x: &Tensor<R>, ctx: &mut Context<R>) -> [Tensor<R>; 2] {
        let rows = self.rows(x);
        let [mut mean, mut variance] = [0; 2].map(|_| ctx.zeros(&[self.channels()]));
        elementwise::grad_bias(x.elements(), mean.elements_mut());
        mean.elements_mut().iter_mut().for_each(|sum| *sum /= rows);
        elementwise::add_squared_deviations(x.elements(), mean.elements(), variance.elements_mut());
        variance.elements_mut().iter_mut().for_each(|sum| *sum /= rows);
        [mean, variance]
    }

    /// Rows of a batch; 1 for an empty one, whose sums are zero.
    fn rows(&self, x: &Tensor<R>) -> R {
        R::of((x.len() / self.channels()).max(1) as f64)
    }
}

const GAMMA: &str = "gamma";
const MOVING_VARIANCE: &str = "moving_variance";

const MEAN: &str = "mean";
const VARIANCE: &str = "variance";

impl<R: Real> Layer<R> for BatchNormalizationLayer<R> {
    fn info(&self) -> &LayerInfo {
        &self.info
    }

    fn params(&self) -> Vec<&Param<R>> {
        self.params.iter().collect()
    }

    fn params_mut(&mut self) -> Vec<&mut Param<R>> {
        self.params.iter_mut().collect()
    }

    fn set_trainable(&mut self, trainable: bool) {
        self.frozen = !trainable;
        for param in &mut self.params {
            param.trainable = trainable && !param.statistic;
        }
    }

    /// In training each sample depends on the others, unless the layer is frozen.
    fn sliceable(&self) -> bool {
        self.frozen
    }

    fn infer(&self, x: &Tensor<R>, ctx: &mut Context<R>) -> Tensor<R> {
        self.normalize(x, self.moving(), ctx)
    }

    fn forward(&self, x: &Tensor<R>, ctx: &mut Context<R>) -> (Tensor<R>, Cache<R>) {
        let cache = Cache::new().with("x", x.clone());
        if self.frozen || ctx.mode() == Mode::Inference {
            return (self.infer(x, ctx), cache);
        }
        let [mean, variance] = self.moments(x, ctx);
        let y = self.normalize(x, [&mean, &variance], ctx);
        (y, cache.with(MEAN, mean).with(VARIANCE, variance))
    }

    /// With `r = 1 / sqrt(variance + epsilon)` and sums over the rows:
    ///
    /// ```text
    /// dbeta  += sum of dy
    /// dgamma += r · sum of dy·(x - mean)
    /// dx      = gamma·r·(dy - (sum of dy) / rows - (x - mean)·r²·(sum of dy·(x - mean)) / rows)
    /// ```
    ///
    /// The last two terms come from the mean and the variance, which depend on every `x`. Running averages do not, and
    /// `dx = gamma·r·dy`.
    fn backward(
        &self,
        mut dy: Tensor<R>,
        cache: &Cache<R>,
        gradients: &mut Gradients<R>,
        ctx: &mut Context<R>,
    ) -> Option<Tensor<R>> {
        let x = cache.tensor("x");
        let of_batch = cache.has(MEAN);
        let [mean, variance] =
            if of_batch { [cache.tensor(MEAN), cache.tensor(VARIANCE)] } else { self.moving() };
        let r = self.reciprocal_std(variance, ctx);
        let mut sums = ctx.zeros(&[2, self.channels()]);
        let learns = [self.gamma(), self.beta()].into_iter().flatten().any(|i| gradients.param(i).is_some());
        if learns || of_batch {
            let (x, mean) = (x.elements(), mean.elements());
            elementwise::add_normalize_sums(x, dy.elements(), mean, sums.elements_mut());
        }
        let (sum_dy, sum_product) = sums.elements_mut().split_at_mut(self.channels());
        if let Some(dbeta) = self.beta().and_then(|beta| gradients.param(beta)) {
            dbeta.iter_mut().zip(&*sum_dy).for_each(|(dbeta, &sum)| *dbeta += sum);
        }
        if let Some(dgamma) = self.gamma().and_then(|gamma| gradients.param(gamma)) {
            for ((dgamma, &sum), &r) in dgamma.iter_mut().zip(&*sum_product).zip(r.elements()) {
                *dgamma += r * sum;
            }
        }
        let factor = self.factor(variance, ctx);
        if gradients.input && of_batch {
            let rows = self.rows(x);
            // In the place of the sums: the mean of dy, and the slope of dx along x.
            sum_dy.iter_mut().for_each(|sum| *sum /= rows);
            for (sum, &r) in sum_product.iter_mut().zip(r.elements()) {
                *sum *= r * r / rows;
            }
            let channels = [mean.elements(), factor.elements(), sum_dy, sum_product];
            elementwise::normalize_grad_input(x.elements(), channels, dy.elements_mut());
        } else if gradients.input {
            elementwise::scale_rows(factor.elements(), dy.elements_mut());
        }
        [r, sums, factor].into_iter().for_each(|part| ctx.recycle(part));
        if gradients.input {
            return Some(dy);
        }
        ctx.recycle(dy);
        None
    }

    fn absorb(&mut self, cache: &Cache<R>) {
        if !cache.has(MEAN) {
            return;
        }
        let (old, new) = (R::of(self.config.momentum), R::of(1.0 - self.config.momentum));
        let statistics = self.params.len() - 2;
        for (param, batch) in self.params[statistics..].iter_mut().zip([MEAN, VARIANCE]) {
            let batch = cache.tensor(batch).elements();
            for (moving, &batch) in param.value.elements_mut().iter_mut().zip(batch) {
                *moving = *moving * old + batch * new;
            }
        }
    }
}
