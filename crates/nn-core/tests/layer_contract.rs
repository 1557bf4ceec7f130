//! The gradient checker tries every promise of a layer: a layer that keeps them all passes, and for each promise one that
//! breaks it alone is caught, by the name of the method.

use std::sync::{Mutex, OnceLock};

use nn_core::gradcheck::{Options, Report, check_layer, check_network};
use nn_core::kernels::Pointwise;
use nn_core::layer::{Cache, Gradients, Layer, LayerInfo, Param, Pass};
use nn_core::loss::Loss;
use nn_core::model::Network;
use nn_core::rng::Purpose;
use nn_core::train::Targets;
use nn_core::{Context, Mode, Shape, Tensor, tensor};

/// Features of a sample.
const SIZE: usize = 4;

/// `y = tanh(m·s·x + b)`, with a random factor `m` of 1 or 2 in training. It is sliceable, prepares `s`, and leaves its
/// tanh to a layer behind it; with one of the faults it is not as it says.
#[derive(Debug)]
struct Noisy {
    info: LayerInfo,
    /// `s`, `b` and a running mean of the inputs, which only some faults touch.
    params: Vec<Param<f64>>,
    fault: Option<Fault>,
    last: Mutex<Vec<f64>>,
    passes: Mutex<f64>,
    made: OnceLock<Tensor<f64>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    AbsorbsOfAllPasses,
    AbsorbsThoughSliceable,
    AbsorbsIntoParameters,
    ActivationIsAnother,
    ActivationStaysInTheCache,
    BufferTakenForZeros,
    CountsSamplesFromItsSlice,
    DrawsFromItsSlice,
    FrozenMixesSamples,
    InferMixesSamples,
    MixesSamples,
    NeedsDxWanted,
    NeedsParamsWanted,
    NoisyInInference,
    ParamsInAnotherOrder,
    PreparesAnother,
    PreparesOnce,
    PredictionFollowsPasses,
    RemembersTheLastPass,
    SelectsNothing,
    StaysTrained,
}

impl Fault {
    /// Each with what the report says of it.
    const ALL: [(Self, &str); 21] = [
        (Self::AbsorbsOfAllPasses, "absorb: depends on other passes"),
        (Self::AbsorbsThoughSliceable, "sliceable: absorb changes \"mean\""),
        (Self::AbsorbsIntoParameters, "absorb: changes \"s\""),
        (Self::ActivationIsAnother, "defer_activation: "),
        (Self::ActivationStaysInTheCache, "defer_activation: "),
        (Self::BufferTakenForZeros, "Context::buffer: "),
        (Self::CountsSamplesFromItsSlice, "sliceable: in slices of 1 of 3"),
        (Self::DrawsFromItsSlice, "sliceable: in slices of 1 of 3"),
        (Self::FrozenMixesSamples, "frozen, sliceable: in slices of 1 of 3"),
        (Self::InferMixesSamples, "what infer gives"),
        (Self::MixesSamples, "sliceable: in slices of 1 of 3"),
        (Self::NeedsDxWanted, "backward: where dx is not wanted"),
        (Self::NeedsParamsWanted, "backward: where no parameter is trained"),
        (Self::NoisyInInference, "Mode::Inference"),
        (Self::ParamsInAnotherOrder, "params_mut: "),
        (Self::PreparesAnother, "prepare: with what it made"),
        (Self::PreparesOnce, "prepare: is stale"),
        (Self::PredictionFollowsPasses, "infer: differs after passes"),
        (Self::RemembersTheLastPass, "two passes share state"),
        (Self::SelectsNothing, "selects: element 0"),
        (Self::StaysTrained, "set_trainable: "),
    ];
}

impl Noisy {
    fn new(name: &str, fault: Option<Fault>) -> Self {
        let shape = Shape::new([SIZE]);
        let info = LayerInfo {
            name: name.into(),
            class_name: "Noisy",
            input_shape: shape.clone(),
            output_shape: shape,
            macs: SIZE as u64,
        };
        let params = vec![
            Param::new("s", tensor(&[SIZE], vec![0.5, -0.8, 0.3, 0.9])),
            Param::new("b", tensor(&[SIZE], vec![0.1, 0.0, -0.2, 0.3])),
            Param::statistic("mean", tensor(&[SIZE], vec![0.0; SIZE])),
        ];
        let (last, passes) = (Mutex::default(), Mutex::default());
        Self { info, params, fault, last, passes, made: OnceLock::new() }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// `s`, from what was prepared: its elements in reverse.
    fn s(&self, ctx: &Context<f64>) -> Vec<f64> {
        match ctx.prepared(&self.info.name) {
            Some(prepared) => prepared.to_vec_of().into_iter().rev().collect(),
            None => self.params[0].value.to_vec_of(),
        }
    }

    /// `tanh(m·s·x + b)` and `m`.
    fn compute(&self, x: &Tensor<f64>, noisy: bool, ctx: &mut Context<f64>) -> (Tensor<f64>, Tensor<f64>) {
        let (s, b) = (self.s(ctx), self.params[1].value.to_vec_of());
        let first = if self.has(Fault::DrawsFromItsSlice) { 0 } else { ctx.first_sample() };
        let mut stream = ctx.stream(Purpose::Dropout, &self.info.name);
        stream.skip_to((first * SIZE) as u64);
        let mut draw = || if noisy && stream.word().is_multiple_of(2) { 2.0 } else { 1.0 };
        let m: Vec<f64> = x.iter().map(|_| draw()).collect();
        let xs = x.to_vec_of();
        let y = (0..xs.len()).map(|i| (m[i] * s[i % SIZE] * xs[i] + b[i % SIZE]).tanh());
        (tensor(x.shape(), y.collect()), tensor(x.shape(), m))
    }
}

/// The elements of a tensor.
trait ToVec {
    fn to_vec_of(&self) -> Vec<f64>;
}

impl ToVec for Tensor<f64> {
    fn to_vec_of(&self) -> Vec<f64> {
        self.iter().copied().collect()
    }
}

/// Adds a little of the first sample to all of them.
fn mix(y: &mut Tensor<f64>) {
    let first = y.to_vec_of();
    y.iter_mut().enumerate().for_each(|(i, y)| *y += 0.1 * first[i % SIZE]);
}

impl Layer<f64> for Noisy {
    fn info(&self) -> &LayerInfo {
        &self.info
    }

    fn params(&self) -> Vec<&Param<f64>> {
        self.params.iter().collect()
    }

    fn params_mut(&mut self) -> Vec<&mut Param<f64>> {
        let mut params: Vec<_> = self.params.iter_mut().collect();
        if self.fault == Some(Fault::ParamsInAnotherOrder) {
            params.reverse();
        }
        params
    }

    fn set_trainable(&mut self, trainable: bool) {
        let stays = self.has(Fault::StaysTrained);
        for param in &mut self.params {
            param.trainable = (trainable || stays) && !param.statistic;
        }
    }

    fn sliceable(&self) -> bool {
        !self.has(Fault::AbsorbsOfAllPasses) && !self.has(Fault::AbsorbsIntoParameters)
    }

    fn selects(&self) -> bool {
        self.has(Fault::SelectsNothing)
    }

    fn defer_activation(&self, cache: &mut Cache<f64>) -> Option<Pointwise> {
        if !self.has(Fault::ActivationStaysInTheCache) {
            cache.take("y")?;
        }
        Some(if self.has(Fault::ActivationIsAnother) { Pointwise::Sigmoid } else { Pointwise::Tanh })
    }

    fn prepare(&self, _pass: Pass, _ctx: &mut Context<f64>) -> Option<Tensor<f64>> {
        let mut reversed = self.params[0].value.to_vec_of();
        reversed.reverse();
        if self.has(Fault::PreparesAnother) {
            reversed[0] += 0.01;
        }
        let made = tensor(&[SIZE], reversed);
        Some(if self.has(Fault::PreparesOnce) { self.made.get_or_init(|| made).clone() } else { made })
    }

    fn infer(&self, x: &Tensor<f64>, ctx: &mut Context<f64>) -> Tensor<f64> {
        let mut y = self.compute(x, false, ctx).0;
        if self.has(Fault::InferMixesSamples) {
            mix(&mut y);
        }
        if self.has(Fault::PredictionFollowsPasses) {
            y += *self.passes.lock().unwrap();
        }
        y
    }

    fn forward(&self, x: &Tensor<f64>, ctx: &mut Context<f64>) -> (Tensor<f64>, Cache<f64>) {
        let inference = ctx.mode() == Mode::Inference && !self.has(Fault::NoisyInInference);
        let (mut y, m) = if inference {
            (self.infer(x, ctx), tensor(x.shape(), vec![1.0; x.len()]))
        } else {
            self.compute(x, true, ctx)
        };
        *self.last.lock().unwrap() = x.to_vec_of();
        *self.passes.lock().unwrap() += x[[0, 0]] + 1.0;
        let frozen = !self.params[0].trainable;
        if self.has(Fault::MixesSamples) || self.has(Fault::FrozenMixesSamples) && frozen {
            mix(&mut y);
        }
        if self.has(Fault::CountsSamplesFromItsSlice) {
            y.iter_mut().enumerate().for_each(|(i, y)| *y += (i / SIZE) as f64);
        }
        if self.has(Fault::BufferTakenForZeros) {
            y += &ctx.buffer(x.shape());
        }
        (y.clone(), Cache::new().with("x", x.clone()).with("m", m).with("y", y))
    }

    fn backward(
        &self,
        mut dy: Tensor<f64>,
        cache: &Cache<f64>,
        gradients: &mut Gradients<f64>,
        ctx: &mut Context<f64>,
    ) -> Option<Tensor<f64>> {
        if cache.has("y") {
            dy.zip_mut_with(cache.tensor("y"), |dy, y| *dy *= 1.0 - y * y);
        }
        let s = self.s(ctx);
        let (m, dz) = (cache.tensor("m").to_vec_of(), dy.to_vec_of());
        let x = if self.has(Fault::RemembersTheLastPass) {
            let last = self.last.lock().unwrap();
            (0..dz.len()).map(|i| last.get(i).copied().unwrap_or(0.0)).collect()
        } else {
            cache.tensor("x").to_vec_of()
        };
        let wrong = self.has(Fault::NeedsDxWanted) && !gradients.input;
        if let Some(ds) = gradients.param(0).filter(|_| !wrong) {
            (0..dz.len()).for_each(|i| ds[i % SIZE] += dz[i] * m[i] * x[i]);
        }
        if let Some(db) = gradients.param(1) {
            (0..dz.len()).for_each(|i| db[i % SIZE] += dz[i]);
        } else if self.has(Fault::NeedsParamsWanted) {
            return Some(dy);
        }
        let dx = (0..dz.len()).map(|i| dz[i] * m[i] * s[i % SIZE]).collect();
        Some(tensor(dy.shape(), dx))
    }

    fn absorb(&mut self, cache: &Cache<f64>) {
        let passes = std::mem::take(&mut *self.passes.lock().unwrap());
        match self.fault {
            Some(Fault::AbsorbsOfAllPasses) => self.params[2].value += passes,
            Some(Fault::AbsorbsThoughSliceable) => self.params[2].value += cache.tensor("x").sum(),
            Some(Fault::AbsorbsIntoParameters) => self.params[0].value += 1.0,
            _ => {}
        }
    }
}

#[track_caller]
fn says(report: &Report, fault: Fault, words: &str) {
    assert!(!report.passed(), "{fault:?} passed");
    assert!(report.violations.iter().any(|violation| violation.contains(words)), "{fault:?}: {report}");
}

#[test]
fn a_layer_that_keeps_its_promises_passes() {
    for batch in 1..5 {
        let mut layer = Noisy::new("noisy", None);
        let before: Vec<_> = layer.params.iter().map(|param| param.value.clone()).collect();
        let report = check_layer(&mut layer, batch, &Options::default());
        assert!(report.passed(), "{report}");
        assert!(
            layer.params.iter().map(|param| &param.value).eq(&before),
            "the parameters were not put back"
        );
    }
}

#[test]
fn each_broken_promise_is_caught_by_name() {
    for (fault, words) in Fault::ALL {
        let report = check_layer(&mut Noisy::new("noisy", Some(fault)), 3, &Options::default());
        says(&report, fault, words);
        assert!(report.to_string().contains(words), "{fault:?}: {report}");
    }
}

fn checked(layers: [Noisy; 2]) -> Report {
    let layers = layers.map(|layer| Box::new(layer) as Box<dyn Layer<f64>>);
    let mut network = Network::from_layers("two", layers.into(), false);
    let x = (0..3 * SIZE).map(|i| (i as f64 * 0.7).sin()).collect();
    let rows = (0..3 * SIZE).map(|i| (i as f64 * 0.4).cos()).collect();
    let targets = Targets::Values { width: SIZE, rows };
    check_network(
        &mut network,
        &Loss::MeanSquaredError,
        &tensor(&[3, SIZE], x),
        &targets,
        &Options::default(),
    )
}

#[test]
fn each_broken_promise_is_caught_in_a_network() {
    let sound = checked([Noisy::new("a", None), Noisy::new("b", None)]);
    assert!(sound.passed(), "{sound}");
    for (fault, words) in Fault::ALL {
        let report = checked([Noisy::new("a", None), Noisy::new("b", Some(fault))]);
        says(&report, fault, words);
        assert!(report.violations.iter().any(|violation| violation.starts_with("b (Noisy), ")), "{report}");
    }
}

/// What no layer shows by itself: the step of training is compared with the plain pass.
#[test]
fn a_step_of_training_is_compared_with_the_plain_pass() {
    let namesakes = checked([Noisy::new("same", None), {
        let mut other = Noisy::new("same", None);
        other.params[0].value *= 0.5;
        other
    }]);
    assert!(!namesakes.passed());
    assert!(namesakes.violations[0].starts_with("a step of training, in slices of 1 of 3"), "{namesakes}");
    for fault in [Fault::MixesSamples, Fault::DrawsFromItsSlice, Fault::PreparesAnother] {
        let report = checked([Noisy::new("a", Some(fault)), Noisy::new("b", None)]);
        says(&report, fault, "a step of training");
    }
}

/// Gives NaN or an infinity in one element of one result.
#[derive(Debug)]
struct Broken {
    layer: Noisy,
    value: f64,
    place: &'static str,
}

impl Broken {
    fn spoil(&self, place: &str, tensor: &mut Tensor<f64>) {
        if place == self.place {
            tensor[[1, 2]] = self.value;
        }
    }
}

impl Layer<f64> for Broken {
    fn info(&self) -> &LayerInfo {
        self.layer.info()
    }

    fn params(&self) -> Vec<&Param<f64>> {
        self.layer.params()
    }

    fn params_mut(&mut self) -> Vec<&mut Param<f64>> {
        self.layer.params_mut()
    }

    fn infer(&self, x: &Tensor<f64>, ctx: &mut Context<f64>) -> Tensor<f64> {
        self.layer.infer(x, ctx)
    }

    fn forward(&self, x: &Tensor<f64>, ctx: &mut Context<f64>) -> (Tensor<f64>, Cache<f64>) {
        let (mut y, cache) = self.layer.forward(x, ctx);
        self.spoil("y", &mut y);
        (y, cache)
    }

    fn backward(
        &self,
        dy: Tensor<f64>,
        cache: &Cache<f64>,
        gradients: &mut Gradients<f64>,
        ctx: &mut Context<f64>,
    ) -> Option<Tensor<f64>> {
        let mut dx = self.layer.backward(dy, cache, gradients, ctx)?;
        self.spoil("dx", &mut dx);
        if let Some(ds) = gradients.param(0).filter(|_| self.place == "ds") {
            ds[2] = self.value;
        }
        Some(dx)
    }
}

#[test]
fn what_is_not_finite_shows_in_the_error_and_by_its_place() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for (place, tensor, index) in [("dx", 0, vec![1, 2]), ("ds", 1, vec![2]), ("y", 0, vec![0, 0])] {
            let mut layer = Broken { layer: Noisy::new("noisy", None), value, place };
            let report = check_layer(&mut layer, 3, &Options::default());
            assert!(!report.passed() && !report.worst_error().is_finite(), "{value} in {place}: {report}");
            let found = &report.tensors[tensor];
            assert!(found.error.is_nan() && found.worst[0].index == index, "{value} in {place}: {report}");
            assert!(report.to_string().contains(&format!("at {index:?}: backward ")), "{report}");
        }
    }
}
