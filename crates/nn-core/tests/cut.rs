//! Parts of networks as networks: the same weights, the same results, the same gradients.

use nn_core::error::CutError;
use nn_core::inspect::input_gradient;
use nn_core::layers::{
    ActivationFn, BatchNormalization, Conv2D, Dense, Dropout, GlobalAveragePooling2D, LayerConfig, Padding,
    Rescaling, Residual,
};
use nn_core::model::{Network, Sequential};
use nn_core::rng::{Purpose, Stream};
use nn_core::{Real, Tensor, tensor};

/// With everything whose training differs from prediction, and weights away from their initial values.
fn network<R: Real>() -> Network<R> {
    let conv = |name: &str| LayerConfig::from(Conv2D::new(4, 3).padding(Padding::Same).name(name));
    let norm = |name: &str| LayerConfig::from(BatchNormalization::new().name(name));
    let main = [conv("main_conv"), norm("main_bn")];
    let shortcut = [LayerConfig::from(Conv2D::new(4, 1).name("short_conv"))];
    let mut network = Sequential::new("net", &[6, 6, 2])
        .add(Rescaling::new(2.0).offset(-0.5))
        .add(conv("conv"))
        .add(norm("bn"))
        .add(Residual::new(main).shortcut(shortcut).name("add"))
        .add(Dropout::new(0.5).name("drop"))
        .add(GlobalAveragePooling2D::new().name("pool"))
        .add(Dense::new(3).activation(ActivationFn::Softmax).name("classes"))
        .build(1)
        .unwrap();
    for (i, param) in network.params_mut().enumerate() {
        for (j, value) in param.value.iter_mut().enumerate() {
            *value = *value * R::of(0.8) + R::of(0.3 + 0.01 * ((i * 7 + j) % 11) as f64);
        }
    }
    network
}

fn images<R: Real>(count: usize) -> Tensor<R> {
    let shape = [count, 6, 6, 2];
    let mut pixels = vec![R::zero(); shape.iter().product()];
    Stream::new(3, Purpose::Synthesise, 0, 0).fill_normal(&mut pixels, 1.0);
    tensor(&shape, pixels)
}

#[test]
fn a_network_can_end_at_any_of_its_layers() {
    let (network, x) = (network::<f32>(), images(5));
    let whole = network.predict(&x);
    let mut seen = x.clone();
    for layer in network.layers() {
        seen = layer.infer(&seen, &mut nn_core::Context::new(0));
        let cut = network.until(&layer.info().name).unwrap();
        let expected = if layer.info().name == "classes" { &whole } else { &seen };
        assert_eq!(cut.predict(&x), expected, "{}", layer.info().name);
    }
    // Inside the block: the branches are added up to its output.
    let [main, short] = ["main_bn", "short_conv"].map(|name| network.until(name).unwrap().predict(&x));
    assert_eq!(main + short, network.until("add").unwrap().predict(&x));
    let error = network.until("main_con").unwrap_err();
    assert!(matches!(error, CutError::Layer(_)) && error.to_string().contains("main_conv"), "{error}");
}

#[test]
fn two_parts_compute_what_the_whole_computes() {
    let (mut network, x) = (network::<f32>(), images(40));
    network.set_trainable_where(|_, name| name != "main_bn" && name != "conv");
    for at in 1..network.layers().len() {
        let (first, second) = network.split_at(at).unwrap();
        assert_eq!(second.predict(&first.predict(&x)), network.predict(&x), "behind layer {at}");
        assert!(!first.has_softmax() && second.has_softmax());
        let of_parts: Vec<_> =
            first.params().chain(second.params()).map(|(name, p)| (name, p.trainable)).collect();
        assert_eq!(of_parts, network.params().map(|(name, p)| (name, p.trainable)).collect::<Vec<_>>());
    }
    assert!(network.split_at(0).is_err() && network.split_at(7).is_err(), "a part without layers");
}

#[test]
fn copied_weights_are_those_of_equal_names() {
    let (mut network, x) = (network::<f32>(), images(3));
    let (_, mut head) = network.split_at(5).unwrap();
    head.params_mut().for_each(|param| param.value.fill(0.25));
    let before = network.until("pool").unwrap().predict(&x);
    network.copy_weights(&head);
    assert_eq!(network.until("pool").unwrap().predict(&x), before);
    let of_classes: Vec<f32> =
        network.layers()[6].params().iter().flat_map(|p| p.value.iter().copied()).collect();
    assert!(of_classes.iter().all(|&value| value == 0.25));
}

/// The gradient of one output is that of the function that predicts; differences of `predict` tell.
#[test]
fn input_gradients_are_those_of_the_prediction() {
    const STEP: f64 = 1e-5;
    let (network, x) = (network::<f64>(), images(3));
    for (cut, outputs) in [("classes", 3), ("pool", 4), ("main_bn", 5)] {
        let network = network.until(cut).unwrap();
        for k in 0..outputs {
            let dx = input_gradient(&network, &x, k);
            assert_eq!(dx.shape(), x.shape());
            for place in (0..x.len()).step_by(7) {
                let output = |change: f64| {
                    let mut x = x.clone();
                    x.as_slice_mut().unwrap()[place] += change;
                    let y = network.predict(&x);
                    y.outer_iter().map(|sample| sample.iter().copied().nth(k).unwrap()).sum::<f64>()
                };
                let difference = (output(STEP) - output(-STEP)) / (2.0 * STEP);
                let analytic = dx.as_slice().unwrap()[place];
                let off = (difference - analytic).abs();
                assert!(off <= 1e-8 * (1.0 + analytic.abs()), "{cut} {k} {place}: {analytic} {difference}");
            }
            assert!(dx.iter().any(|&dx| dx != 0.0));
        }
    }
}

/// More samples than are differentiated at a time.
#[test]
fn input_gradients_of_samples_are_independent() {
    let (network, x) = (network::<f32>(), images(37));
    let all = input_gradient(&network, &x, 1);
    for i in [0, 15, 16, 36] {
        let one = x.slice_axis(ndarray::Axis(0), (i..i + 1).into()).to_owned().into_shared();
        let alone = input_gradient(&network, &one, 1);
        assert_eq!(alone.index_axis(ndarray::Axis(0), 0), all.index_axis(ndarray::Axis(0), i), "sample {i}");
    }
}

#[test]
fn copied_weights_are_told_and_so_are_those_left() {
    let config = |units: usize, last: &str| {
        Sequential::new("net", &[3])
            .add(Dense::new(4).name("same"))
            .add(Dense::new(units).name("wider"))
            .add(Dense::new(2).name(last))
            .build::<f32>(units as u64)
            .unwrap()
    };
    let (mut network, other) = (config(5, "own"), config(6, "theirs"));
    let done = network.copy_weights(&other);
    assert_eq!(done.copied, ["same/kernel", "same/bias"]);
    assert_eq!(done.missing, ["own/kernel", "own/bias"]);
    assert_eq!(done.unused, ["theirs/kernel", "theirs/bias"]);
    assert_eq!(done.other_shapes[0], ("wider/kernel".into(), vec![4, 5], vec![4, 6]));
    assert!(!done.is_complete() && config(5, "a").copy_weights(&config(5, "a")).is_complete());
    let expected = "2 parameters copied; 2 missing there: own/kernel, own/bias; 2 of another shape: wider/kernel [4, 5] \
                    (there [4, 6]), wider/bias [5] (there [6]); 2 not used: theirs/kernel, theirs/bias";
    assert_eq!(done.to_string(), expected);
    assert_eq!(network.weights()[0], other.weights()[0]);
}
