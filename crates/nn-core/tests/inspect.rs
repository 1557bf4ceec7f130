//! A trace shows what a training step computes, and changes nothing.

use nn_core::inspect::{first_non_finite, trace};
use nn_core::layers::{ActivationFn, Conv2D, Dense, Flatten, MaxPooling2D};
use nn_core::loss::Loss;
use nn_core::model::{Network, Sequential};
use nn_core::optim::Sgd;
use nn_core::train::{Targets, Trainer};
use nn_core::{Tensor, tensor};

fn network() -> Network<f32> {
    Sequential::new("net", &[6, 6, 1])
        .add(Conv2D::new(2, 3).activation(ActivationFn::Relu))
        .add(MaxPooling2D::new(2))
        .add(Flatten::new())
        .add(Dense::new(3).activation(ActivationFn::Softmax))
        .build(4)
        .unwrap()
}

fn images() -> Tensor<f32> {
    tensor(&[2, 6, 6, 1], (0..72).map(|i| (i as f32 * 0.7).sin()).collect())
}

#[test]
fn every_activation_and_gradient_is_there_named_and_shaped() {
    let (mut network, x, targets) = (network(), images(), Targets::Classes(vec![0, 2]));
    let before = network.weights();
    let seen = trace(&network, &Loss::categorical_crossentropy(), &x, &targets, 0);
    let shapes: Vec<_> = seen.layers.iter().map(|l| (l.name.as_str(), l.output.shape().to_vec())).collect();
    let expected = [
        ("conv2d", vec![2, 4, 4, 2]),
        ("max_pooling2d", vec![2, 2, 2, 2]),
        ("flatten", vec![2, 8]),
        ("dense", vec![2, 3]),
    ];
    assert_eq!(shapes, expected);
    for layer in &seen.layers {
        assert_eq!(layer.grad_output.shape(), layer.output.shape(), "{}", layer.name);
    }
    assert_eq!(seen.grad_input.shape(), x.shape());
    assert_eq!(seen.layer("conv2d").unwrap().cache.tensor("x"), &x);
    assert!(seen.layer("none").is_none());
    assert_eq!(network.weights(), before);

    // The gradient of the logits is (p - t) / n, and flattening only renames the elements.
    for (sample, class) in [(0, 0), (1, 2)] {
        for c in 0..3 {
            let expected = (seen.prediction[[sample, c]] - f32::from(u8::from(c == class))) / 2.0;
            let got = seen.layer("dense").unwrap().grad_output[[sample, c]];
            assert!((got - expected).abs() < 1e-7, "{got} instead of {expected}");
        }
    }
    let flat: Vec<f32> = seen.layer("flatten").unwrap().grad_output.iter().copied().collect();
    let pooled: Vec<f32> = seen.layer("max_pooling2d").unwrap().grad_output.iter().copied().collect();
    assert_eq!(flat, pooled);
    assert!(flat.iter().any(|&gradient| gradient != 0.0));

    // The same numbers as prediction and a training step give.
    assert_eq!(seen.prediction, network.predict(&x));
    let rows: Vec<f32> = seen.prediction.rows().into_iter().map(|row| row.sum()).collect();
    assert!(rows.iter().all(|sum| (sum - 1.0).abs() < 1e-6), "{rows:?}");
    let mut trainer = Trainer::new(&mut network, Loss::categorical_crossentropy(), Sgd::default()).unwrap();
    let result = trainer.compute_gradients(&x, &targets, None);
    assert_eq!(seen.loss, result.loss);
    let of_step: Vec<_> = trainer.gradients().iter().flatten().flatten().map(|g| g.to_shared()).collect();
    let of_trace: Vec<_> = seen.layers.iter().flat_map(|l| l.params.iter().map(|p| p.2.clone())).collect();
    assert_eq!(of_step, of_trace);
}

#[test]
fn the_first_place_that_is_not_finite_is_named() {
    let mut network = network();
    assert_eq!(first_non_finite(&network, Some(&images())), "the loss");
    let huge = tensor(&[1, 6, 6, 1], vec![f32::MAX; 36]);
    network.params_mut().for_each(|param| param.value.fill(1.0));
    assert_eq!(first_non_finite(&network, Some(&huge)), "the output of layer \"conv2d\" (Conv2D)");
    let nan = tensor(&[1, 6, 6, 1], vec![f32::NAN; 36]);
    assert_eq!(first_non_finite(&network, Some(&nan)), "the input");
    network.params_mut().last().unwrap().value[[0]] = f32::INFINITY;
    assert_eq!(first_non_finite(&network, Some(&huge)), "parameter \"dense/bias\"");
}

#[test]
fn the_summary_is_keras_s_table_with_exact_counts() {
    let expected = "\
Model: \"net\"   input (None, 6, 6, 1)
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━┳━━━━━━━━━┳━━━━━━┳━━━━━━━━━━━━┓
┃ Layer (type)                 ┃ Output Shape    ┃ Param # ┃ MACs ┃ Activation ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━╇━━━━━━━━━╇━━━━━━╇━━━━━━━━━━━━┩
│ conv2d (Conv2D)              │ (None, 4, 4, 2) │      20 │  288 │      128 B │
├──────────────────────────────┼─────────────────┼─────────┼──────┼────────────┤
│ max_pooling2d (MaxPooling2D) │ (None, 2, 2, 2) │       0 │    0 │       32 B │
├──────────────────────────────┼─────────────────┼─────────┼──────┼────────────┤
│ flatten (Flatten)            │ (None, 8)       │       0 │    0 │       32 B │
├──────────────────────────────┼─────────────────┼─────────┼──────┼────────────┤
│ dense (Dense)                │ (None, 3)       │      27 │   24 │       12 B │
└──────────────────────────────┴─────────────────┴─────────┴──────┴────────────┘
 Total params: 47 (188 B)
 Trainable params: 47 (188 B)
 Non-trainable params: 0 (0 B)
 Forward pass: 312 MACs per image (products with padding counted)
 Activations: 204 B per image
";
    assert_eq!(network().summary(), expected);
}
