//! The networks learn: on the embedded faces always, on the real FER-2013 where it is at hand.

mod fer_2013;

use fer::data::{Faces, csv, synthetic};
use fer::samples::Samples;
use fer::transform::Transform;
use nn_core::layers::{ActivationFn, Dense};
use nn_core::loss::Loss;
use nn_core::model::Sequential;
use nn_core::optim::Adam;
use nn_core::train::{EVALUATION_BATCH, FitOptions, Trainer, evaluate};

/// Accuracy on `test` after training on `train`.
fn accuracy(config: &Sequential, train: &Faces, test: &Faces, epochs: usize, batch_size: usize) -> f64 {
    let mut network = config.build::<f32>(1).unwrap();
    let shape = network.input_shape().clone();
    let loss = Loss::categorical_crossentropy();
    let mut trainer = Trainer::new(&mut network, loss, Adam::default()).unwrap();
    let options = FitOptions { epochs, batch_size, seed: 1, ..FitOptions::default() };
    let transform = Transform::default();
    trainer.fit(&Samples::new(train, &shape, &transform), None, &options, &mut []).unwrap();
    evaluate(&network, &loss, &Samples::new(test, &shape, &transform), EVALUATION_BATCH).unwrap().accuracy
}

#[test]
fn the_embedded_faces_need_a_convolutional_network_and_it_learns_them() {
    let faces = synthetic::dataset(synthetic::Sizes::default(), synthetic::DEFAULT_SEED);
    let softmax = Sequential::new("softmax", &[48 * 48]).add(Dense::new(7).activation(ActivationFn::Softmax));
    let linear = accuracy(&softmax, &faces.train, &faces.test, 40, 64);
    let cnn1 = accuracy(&nn_zoo::cnn::cnn1(), &faces.train, &faces.test, 8, 64);
    assert!(cnn1 >= 0.85, "cnn1 reaches {cnn1:.3} on the embedded faces");
    assert!(linear <= cnn1 - 0.15, "a linear softmax reaches {linear:.3}, cnn1 {cnn1:.3}");
}

#[test]
fn the_first_epochs_on_fer_2013_go_as_published() {
    let Some(path) = fer_2013::path_for("the_first_epochs_on_fer_2013_go_as_published") else { return };
    let faces = csv::load(&path, &csv::Options::default()).unwrap();
    // The study's training accuracies in these epochs are 39.7 % (fnn1, second) and 36.4 % (cnn1, first).
    let fnn1 = accuracy(&nn_zoo::fnn::fnn1(), &faces.train, &faces.val, 2, 256);
    assert!(fnn1 > 0.36, "fnn1 reaches {fnn1:.3} after two epochs");
    let cnn1 = accuracy(&nn_zoo::cnn::cnn1(), &faces.train, &faces.val, 1, 256);
    assert!(cnn1 > 0.38, "cnn1 reaches {cnn1:.3} after one epoch");
}
