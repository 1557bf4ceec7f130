//! Rung 4 of the ladder: every layer, every parameter and whole networks against differences in `f64`, and the
//! proof that a wrong backward pass is caught.

use nn_core::gradcheck::{Options, check_layer, check_layer_at, check_network};
use nn_core::layer::{Cache, Gradients, Layer, LayerInfo, Param};
use nn_core::layers::{
    Activation, ActivationFn, AveragePooling2D, BatchNormalization, Conv2D, Dense, DepthwiseConv2D, Dropout,
    Flatten, GlobalAveragePooling2D, LayerConfig, MaxPooling2D, Padding, ReLU, Rescaling, Residual,
    ZeroPadding2D,
};
use nn_core::loss::Loss;
use nn_core::model::Sequential;
use nn_core::regularizer::Regularizer;
use nn_core::train::Targets;
use nn_core::{Context, Shape, Tensor, tensor};

const ACTIVATIONS: [ActivationFn; 8] = [
    ActivationFn::Linear,
    ActivationFn::Relu,
    ActivationFn::Relu6,
    ActivationFn::LEAKY_RELU,
    ActivationFn::Elu { alpha: 0.7 },
    ActivationFn::Sigmoid,
    ActivationFn::Tanh,
    ActivationFn::Softmax,
];

#[track_caller]
fn passes(config: impl Into<LayerConfig>, input: &[usize]) {
    // In a network, the parts of a block have names.
    let config = Sequential::new("one", input).add(config).layers()[0].clone();
    let mut layer = config.build::<f64>(&Shape::new(input), 3).unwrap();
    let report = check_layer(layer.as_mut(), 2, &Options::default());
    assert!(report.passed(), "{config:?}\n{report}");
}

#[test]
fn dense_with_every_activation() {
    for activation in ACTIVATIONS {
        passes(Dense::new(4).activation(activation), &[5]);
        passes(Dense::new(3).activation(activation).use_bias(false), &[2, 4]);
    }
}

#[test]
fn conv2d_with_every_activation() {
    for activation in ACTIVATIONS {
        passes(Conv2D::new(3, 2).activation(activation), &[4, 3, 2]);
    }
}

#[test]
fn conv2d_in_every_geometry() {
    let conv = |filters| Conv2D::new(filters, 3);
    passes(conv(2).padding(Padding::Same), &[5, 4, 3]);
    passes(conv(2).padding(Padding::Same).strides(2), &[6, 6, 2]);
    passes(conv(2).padding(Padding::Same).strides(2), &[5, 7, 2]);
    passes(conv(2).strides((2, 1)), &[7, 5, 2]);
    passes(conv(2).dilation_rate(2), &[6, 7, 2]);
    passes(conv(2).dilation_rate((1, 2)).padding(Padding::Same), &[4, 5, 2]);
    passes(conv(4).groups(2), &[4, 4, 6]);
    passes(conv(6).groups(3).strides(2).padding(Padding::Same), &[5, 5, 3]);
    passes(Conv2D::new(3, 1), &[3, 4, 5]);
    passes(Conv2D::new(2, 5).padding(Padding::Same), &[3, 3, 1]);
    passes(Conv2D::new(2, (1, 3)).use_bias(false), &[2, 5, 2]);
    passes(conv(2).padding(Padding::Same), &[1, 1, 2]);
}

#[test]
fn depthwise_conv2d_in_every_geometry() {
    let depthwise = DepthwiseConv2D::new(3);
    passes(depthwise.clone(), &[4, 5, 3]);
    passes(depthwise.clone().padding(Padding::Same).strides(2), &[6, 5, 2]);
    passes(depthwise.clone().strides(2).activation(ActivationFn::Relu6), &[5, 6, 2]);
    passes(depthwise.clone().dilation_rate(2).use_bias(false), &[6, 7, 2]);
    passes(depthwise.clone().depth_multiplier(3).padding(Padding::Same), &[4, 3, 2]);
    passes(depthwise.padding(Padding::Same).activation(ActivationFn::Tanh), &[4, 4, 1]);
}

/// In training, where mean and variance depend on the input, and frozen, where they do not; away from the initial values,
/// at which a forgotten factor is 1.
#[test]
fn batch_normalization() {
    let norm = BatchNormalization::new();
    let variants = [
        norm.clone(),
        norm.clone().epsilon(0.1).momentum(0.5),
        norm.clone().center(false),
        norm.clone().scale(false),
        norm.center(false).scale(false),
    ];
    for config in variants {
        for frozen in [false, true] {
            for input in [&[3, 2, 4][..], &[5]] {
                let mut layer =
                    LayerConfig::from(config.clone()).build::<f64>(&Shape::new(input), 0).unwrap();
                for (i, param) in layer.params_mut().into_iter().enumerate() {
                    param
                        .value
                        .iter_mut()
                        .enumerate()
                        .for_each(|(c, value)| *value = 0.5 + 0.3 * (i + c) as f64);
                }
                layer.set_trainable(!frozen);
                let report = check_layer(layer.as_mut(), 4, &Options::default());
                assert!(report.passed(), "{config:?}, frozen: {frozen}\n{report}");
            }
        }
    }
}

#[test]
fn padding_and_rectifiers() {
    passes(ZeroPadding2D::new(1), &[2, 3, 2]);
    passes(ZeroPadding2D::new(((0, 2), (3, 1))), &[3, 2, 2]);
    passes(Rescaling::new(-1.5).offset(0.25), &[2, 3, 2]);
    passes(ReLU::new(), &[4, 3]);
    passes(ReLU::new().max_value(6.0), &[4, 3]);
    passes(ReLU::new().negative_slope(0.3), &[4, 3]);
}

#[test]
fn residual_blocks() {
    let conv = |filters, stride| Conv2D::new(filters, 3).padding(Padding::Same).strides(stride);
    let norm = || LayerConfig::from(BatchNormalization::new());
    let relu = || LayerConfig::from(ReLU::new());
    passes(Residual::new([conv(2, 1).into(), norm(), relu(), conv(2, 1).into(), norm()]), &[4, 3, 2]);
    passes(Residual::new([conv(3, 2).into(), norm()]).shortcut([conv(3, 2).into(), norm()]), &[4, 5, 2]);
    passes(Residual::new([relu(), MaxPooling2D::new(2).into()]).shortcut([conv(2, 2).into()]), &[4, 4, 2]);
    let inner = Residual::new([DepthwiseConv2D::new(3).padding(Padding::Same).into(), norm()]);
    passes(Residual::new([inner.into(), relu()]), &[3, 3, 2]);
}

#[test]
fn pooling_in_every_geometry() {
    for (window, stride) in [((2, 2), (2, 2)), ((3, 3), (2, 2)), ((2, 3), (1, 2)), ((3, 2), (3, 3))] {
        for padding in [Padding::Valid, Padding::Same] {
            passes(MaxPooling2D::new(window).strides(stride).padding(padding), &[5, 6, 2]);
            passes(AveragePooling2D::new(window).strides(stride).padding(padding), &[5, 6, 2]);
        }
    }
    passes(GlobalAveragePooling2D::new(), &[3, 4, 2]);
}

#[test]
fn the_other_layers() {
    for activation in ACTIVATIONS {
        passes(Activation::new(activation), &[3, 4]);
    }
    passes(Flatten::new(), &[2, 3, 2]);
    passes(Dropout::new(0.4), &[20]);
    passes(Dropout::new(0.0), &[5]);
}

/// A network with everything that the study's networks have.
fn small_network() -> Sequential {
    Sequential::new("small", &[12, 12, 1])
        .add(Conv2D::new(3, 3).activation(ActivationFn::Relu))
        .add(Conv2D::new(4, 3).activation(ActivationFn::ELU).kernel_regularizer(Regularizer::l2(0.02)))
        .add(MaxPooling2D::new(2))
        .add(Dropout::new(0.25))
        .add(Conv2D::new(4, 3).padding(Padding::Same).strides(2).kernel_regularizer(Regularizer::l1(0.01)))
        .add(Flatten::new())
        .add(Dense::new(6).activation(ActivationFn::Tanh).bias_regularizer(Regularizer::l1_l2(0.01, 0.03)))
        .add(Dense::new(7).activation(ActivationFn::Softmax))
}

fn batch() -> (Tensor<f64>, Targets<f64>) {
    let pixel = |i: usize| ((i * 7919 + i * i * 31) % 997) as f64 / 997.0 - 0.5;
    (tensor(&[3, 12, 12, 1], (0..3 * 144).map(pixel).collect()), Targets::Classes(vec![0, 3, 6]))
}

#[test]
fn a_whole_network_under_every_loss() {
    let (x, targets) = batch();
    for loss in [
        Loss::categorical_crossentropy(),
        Loss::sparse_categorical_crossentropy(),
        Loss::CategoricalCrossentropy { label_smoothing: 0.1, from_logits: false },
        Loss::MeanSquaredError,
    ] {
        let mut network = small_network().build::<f64>(5).unwrap();
        // Biases off zero, where the L1 penalty has its kink.
        for param in network.params_mut().filter(|param| param.name == "bias") {
            param.value.fill(0.1);
        }
        let options = Options { epsilon: 1e-6, tolerance: 1e-6, ..Options::default() };
        let report = check_network(&mut network, &loss, &x, &targets, &options);
        assert!(report.passed(), "{loss:?}\n{report}");
    }
}

/// A dense layer written outside the engine, `y = x·W + b`, with a fault of choice in its backward pass.
#[derive(Debug)]
struct Planted {
    info: LayerInfo,
    params: Vec<Param<f64>>,
    fault: Option<Fault>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    InputHalved,
    KernelTransposed,
    OneElementOff,
    BiasForgotten,
    Overwrites,
    NoInputGradient,
    Unrepeatable,
}

impl Planted {
    const SIZE: usize = 4;

    fn new(fault: Option<Fault>) -> Self {
        let shape = Shape::new([Self::SIZE]);
        let info = LayerInfo {
            name: "planted".into(),
            class_name: "Planted",
            input_shape: shape.clone(),
            output_shape: shape,
            macs: 16,
        };
        let kernel = (0..16).map(|i| (i as f64 * 0.37).sin()).collect();
        let params = vec![
            Param::new("kernel", tensor(&[4, 4], kernel)),
            Param::new("bias", tensor(&[4], vec![0.1, -0.2, 0.3, -0.4])),
        ];
        Self { info, params, fault }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }
}

impl Layer<f64> for Planted {
    fn info(&self) -> &LayerInfo {
        &self.info
    }

    fn params(&self) -> Vec<&Param<f64>> {
        self.params.iter().collect()
    }

    fn params_mut(&mut self) -> Vec<&mut Param<f64>> {
        self.params.iter_mut().collect()
    }

    fn infer(&self, x: &Tensor<f64>, ctx: &mut Context<f64>) -> Tensor<f64> {
        self.forward(x, ctx).0
    }

    fn forward(&self, x: &Tensor<f64>, _ctx: &mut Context<f64>) -> (Tensor<f64>, Cache<f64>) {
        let (w, b) = (&self.params[0].value, &self.params[1].value);
        let mut y = x.to_owned();
        for n in 0..x.shape()[0] {
            for o in 0..Self::SIZE {
                y[[n, o]] = b[[o]] + (0..Self::SIZE).map(|i| x[[n, i]] * w[[i, o]]).sum::<f64>();
            }
        }
        if self.has(Fault::Unrepeatable) {
            use std::sync::atomic::{AtomicU64, Ordering};
            static CALLS: AtomicU64 = AtomicU64::new(0);
            y[[0, 0]] += 1e-3 * CALLS.fetch_add(1, Ordering::SeqCst) as f64;
        }
        (y.into_shared(), Cache::new().with("x", x.clone()))
    }

    fn backward(
        &self,
        dy: Tensor<f64>,
        cache: &Cache<f64>,
        gradients: &mut Gradients<f64>,
        _ctx: &mut Context<f64>,
    ) -> Option<Tensor<f64>> {
        let (x, w) = (cache.tensor("x"), &self.params[0].value);
        if self.has(Fault::Overwrites) {
            gradients.params[0].iter_mut().for_each(|grad| grad.fill(0.0));
        }
        let mut dx = x.to_owned();
        dx.fill(0.0);
        for n in 0..x.shape()[0] {
            for o in 0..Self::SIZE {
                for i in 0..Self::SIZE {
                    dx[[n, i]] +=
                        dy[[n, o]] * w[[i, o]] * if self.has(Fault::InputHalved) { 0.5 } else { 1.0 };
                    let place = if self.has(Fault::KernelTransposed) { o * 4 + i } else { i * 4 + o };
                    if let Some(dw) = gradients.param(0) {
                        dw[place] += x[[n, i]] * dy[[n, o]];
                    }
                }
                if let Some(db) = gradients.param(1).filter(|_| !self.has(Fault::BiasForgotten)) {
                    db[o] += dy[[n, o]];
                }
            }
        }
        if let Some(dw) = gradients.param(0).filter(|_| self.has(Fault::OneElementOff)) {
            dw[7] *= 1.00001;
        }
        (!self.has(Fault::NoInputGradient)).then(|| dx.into_shared())
    }
}

#[test]
fn a_layer_written_elsewhere_can_be_checked() {
    let report = check_layer(&mut Planted::new(None), 3, &Options::default());
    assert!(report.passed(), "{report}");
    assert_eq!(report.tensors.iter().map(|t| t.checked).collect::<Vec<_>>(), [12, 16, 4]);
}

#[test]
fn a_wrong_backward_is_caught_and_named() {
    let cases = [
        (Fault::InputHalved, "input"),
        (Fault::KernelTransposed, "kernel"),
        (Fault::OneElementOff, "kernel"),
        (Fault::BiasForgotten, "bias"),
        (Fault::NoInputGradient, "input"),
    ];
    for (fault, culprit) in cases {
        let report = check_layer(&mut Planted::new(Some(fault)), 3, &Options::default());
        assert!(!report.passed(), "{fault:?} passed");
        for tensor in &report.tensors {
            let fails = tensor.error.is_nan() || tensor.error > report.tolerance;
            assert_eq!(fails, tensor.name == culprit, "{fault:?}: {report}");
        }
    }
    let one = check_layer(&mut Planted::new(Some(Fault::OneElementOff)), 3, &Options::default());
    assert_eq!(one.tensors[1].worst[0].index, [1, 3], "{one}");
}

#[test]
fn a_breach_of_the_contract_is_caught() {
    for (fault, words) in [
        (Fault::Overwrites, "not added"),
        (Fault::NoInputGradient, "no gradient of the input"),
        (Fault::Unrepeatable, "same result twice"),
    ] {
        let report = check_layer(&mut Planted::new(Some(fault)), 3, &Options::default());
        assert!(!report.passed() && report.to_string().contains(words), "{fault:?}: {report}");
    }
}

#[test]
fn a_wrong_backward_in_a_network_is_caught() {
    let check = |fault| {
        let layers: Vec<Box<dyn Layer<f64>>> =
            vec![Box::new(Planted::new(None)), Box::new(Planted::new(fault))];
        let mut network = nn_core::model::Network::from_layers("planted", layers, true);
        let x = tensor(&[2, 4], vec![0.3, -0.2, 0.8, 0.1, -0.5, 0.9, 0.4, -0.7]);
        let loss = Loss::categorical_crossentropy();
        check_network(&mut network, &loss, &x, &Targets::Classes(vec![0, 2]), &Options::default())
    };
    assert!(check(None).passed(), "{}", check(None));
    for fault in [Fault::InputHalved, Fault::KernelTransposed, Fault::OneElementOff, Fault::BiasForgotten] {
        assert!(!check(Some(fault)).passed(), "{fault:?} passed");
    }
}

#[test]
fn kinks_are_drawn_again_and_not_excused() {
    let mut layer =
        LayerConfig::from(Activation::new(ActivationFn::Relu)).build::<f64>(&Shape::new([3]), 0).unwrap();
    // The first point sits on the kink in its second element; the others do not.
    let point = |attempt: u64| tensor(&[1, 3], vec![1.0, if attempt == 0 { 0.0 } else { 0.7 }, -1.0]);
    let report = check_layer_at(layer.as_mut(), &Options::default(), point);
    assert!(report.passed() && report.tensors[0].kinks == 1, "{report}");
    // Where every point is a kink the check does not pass.
    let stuck =
        check_layer_at(layer.as_mut(), &Options::default(), |_| tensor(&[1, 3], vec![1.0, 0.0, -1.0]));
    assert!(!stuck.passed() && stuck.tensors[0].unresolved == 1, "{stuck}");
}

#[test]
fn a_sample_of_the_elements_is_checked_on_request() {
    let mut layer = LayerConfig::from(Dense::new(30)).build::<f64>(&Shape::new([40]), 0).unwrap();
    let options = Options { sample: Some(25), ..Options::default() };
    let report = check_layer(layer.as_mut(), 2, &options);
    assert!(report.passed(), "{report}");
    assert_eq!(report.tensors.iter().map(|t| t.checked).collect::<Vec<_>>(), [25, 25, 25]);
}
