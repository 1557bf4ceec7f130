//! Numbers that single precision loses are refused by name, and outputs that are not finite are not measured.

use nn_core::layers::{ActivationFn, BatchNormalization, Dense, LayerConfig, ReLU, Rescaling};
use nn_core::loss::Loss;
use nn_core::model::{Network, Sequential};
use nn_core::optim::{Adam, OptimizerConfig, Sgd};
use nn_core::regularizer::Regularizer;
use nn_core::train::{ArrayDataset, FitOptions, Targets, Trainer, evaluate};
use nn_core::{Shape, tensor};

#[test]
fn hyper_parameters_that_vanish_or_overflow_are_refused_by_name() {
    let adam = Adam::default();
    let cases: [(OptimizerConfig, &str); 8] = [
        (Sgd::new(1e-46).into(), "learning_rate = 1e-46: expected a finite number above 0 (in f32"),
        (Sgd::new(1e-40).into(), "learning_rate = 1e-40"),
        (Sgd::new(1e39).into(), "learning_rate = 1e39"),
        (Adam::new(1e-300).into(), "learning_rate = 1e-300"),
        (
            Sgd::new(0.1).momentum(1.0 - 1e-9).into(),
            "momentum = 0.999999999: expected at least 0 and below 1",
        ),
        (Sgd::new(0.1).momentum(1e-50).into(), "momentum = 1e-50"),
        (Adam { epsilon: 1e-60, ..adam }.into(), "epsilon = 1e-60"),
        (Adam { epsilon: 1e300, ..adam }.into(), "epsilon = 1e300"),
    ];
    let config = Sequential::new("small", &[2]).add(Dense::new(2));
    for (optimizer, words) in cases {
        let mut network = config.build::<f32>(0).unwrap();
        let error = Trainer::new(&mut network, Loss::MeanSquaredError, optimizer).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        if !error.contains("999") {
            let mut network = config.build::<f64>(0).unwrap();
            assert!(Trainer::new(&mut network, Loss::MeanSquaredError, optimizer).is_ok(), "{error}");
        }
    }
}

#[test]
fn arguments_of_layers_are_refused_likewise() {
    let cases: [(LayerConfig, &str); 7] = [
        (Dense::new(2).kernel_regularizer(Regularizer::l2(1e-46)).into(), "l2 = 1e-46"),
        (Dense::new(2).kernel_regularizer(Regularizer::l2(3e38)).into(), "l2 = 3e38"),
        (Dense::new(2).activation(ActivationFn::Elu { alpha: 1e-46 }).into(), "alpha = 1e-46"),
        (
            Dense::new(2).bias_initializer(nn_core::init::Initializer::Constant(1e39)).into(),
            "constant = 1e39",
        ),
        (BatchNormalization::new().epsilon(1e-46).into(), "epsilon = 1e-46"),
        (Rescaling::new(1e39).into(), "scale = 1e39"),
        (ReLU::new().negative_slope(1e39).into(), "slope = 1e39"),
    ];
    for (layer, words) in cases {
        let message = layer.build::<f32>(&Shape::new([2]), 0).unwrap_err().to_string();
        assert!(message.contains(words) && message.contains("in f32"), "{message}");
        assert!(layer.build::<f64>(&Shape::new([2]), 0).is_ok(), "{message}");
    }
}

/// Finite weights, whose products are not.
fn huge() -> (Network<f32>, ArrayDataset<f32>) {
    let config = Sequential::new("huge", &[2])
        .add(Dense::new(2).name("first"))
        .add(Dense::new(2).name("second").activation(ActivationFn::Softmax));
    let mut network = config.build(0).unwrap();
    network.params_mut().for_each(|param| param.value.fill(1e30));
    let data = ArrayDataset::new(tensor(&[3, 2], vec![1.0; 6]), Targets::Classes(vec![0, 1, 0])).unwrap();
    (network, data)
}

#[test]
fn outputs_that_are_not_finite_are_told_by_their_layer() {
    let (network, data) = huge();
    let measured = evaluate(&network, &Loss::categorical_crossentropy(), &data, 2).unwrap_err();
    let predicted = network.predict_dataset(&data).unwrap_err();
    let expected = "the outputs of network \"huge\" are not finite: NaN or an infinity is first seen in the output of \
                    layer \"second\" (Dense)";
    assert_eq!(measured.to_string(), expected);
    assert_eq!(predicted.to_string(), expected);
}

#[test]
fn validation_that_is_not_finite_ends_training_by_name() {
    let (_, data) = huge();
    let config = Sequential::new("small", &[2]).add(Dense::new(2).activation(ActivationFn::Softmax));
    let mut network = config.build(0).unwrap();
    let wild = ArrayDataset::new(tensor(&[1, 2], vec![f32::MAX; 2]), Targets::Classes(vec![0])).unwrap();
    network.params_mut().for_each(|param| param.value.fill(2.0));
    let mut trainer = Trainer::new(&mut network, Loss::categorical_crossentropy(), Sgd::new(0.1)).unwrap();
    let error = trainer.fit(&data, Some(&wild), &FitOptions::default(), &mut []).unwrap_err().to_string();
    assert!(error.contains("epoch 1, step 0") && error.contains("layer \"dense\""), "{error}");
}
