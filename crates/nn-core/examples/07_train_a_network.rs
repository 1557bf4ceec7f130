//! From data to a trained network: which way does the bar run?
//!
//! The usual course of things. Three sets of pictures, for training, for watching the training, and for the
//! final exam; a network; a loss and an optimiser; callbacks, one that reports and one that stops when the
//! validation loss no longer falls and puts the best weights back; at the end the exam, with a count of
//! what was taken for what.

mod bars;

use std::error::Error;

use bars::{CLASSES, SIZE};
use ndarray::Axis;
use nn_core::layers::{ActivationFn, Conv2D, Dense, Flatten, MaxPooling2D};
use nn_core::loss::Loss;
use nn_core::metrics::{Confusion, predicted_classes};
use nn_core::model::Sequential;
use nn_core::optim::Adam;
use nn_core::train::{
    Action, ArrayDataset, EarlyStopping, EpochLog, Evaluation, FitOptions, Monitor, Progress, StepEnd,
    Targets, Trainer, evaluate,
};

/// Generates the data, trains, and tests.
pub fn main() -> Result<(), Box<dyn Error>> {
    let dataset = |count, seed| {
        let (x, classes) = bars::pictures(count, seed);
        ArrayDataset::new(x, Targets::Classes(classes))
    };
    let (training, validation, exam) = (dataset(1000, 1)?, dataset(250, 2)?, dataset(500, 3)?);

    let (pictures, classes) = bars::pictures(20, 1);
    let first = (0..CLASSES.len()).filter_map(|class| classes.iter().position(|&c| c == class));
    println!("One picture of each class: {}", CLASSES.join(", "));
    println!("{}", bars::draw(pictures.select(Axis(0), &first.collect::<Vec<_>>()).view()));

    let mut network = Sequential::new("bars", &[SIZE, SIZE, 1])
        .add(Conv2D::new(6, 3).activation(ActivationFn::Relu))
        .add(MaxPooling2D::new(2))
        .add(Conv2D::new(12, 3).activation(ActivationFn::Relu))
        .add(Flatten::new())
        .add(Dense::new(CLASSES.len()).activation(ActivationFn::Softmax))
        .build::<f32>(7)?;
    println!("{}", network.summary());

    let mut progress = Progress {
        step: |_: StepEnd| Action::Continue,
        epoch: |log: &EpochLog| {
            let EpochLog { epoch, loss, accuracy, .. } = log;
            let (val_loss, val_accuracy) = log.val_loss.zip(log.val_accuracy).unwrap_or_default();
            println!("{epoch:>5}   {loss:>8.4} {accuracy:>9.3}   {val_loss:>8.4} {val_accuracy:>9.3}");
            Action::Continue
        },
    };
    let mut stopping = EarlyStopping::new(Monitor::ValLoss, 3).restore_best_weights(true);
    let loss = Loss::sparse_categorical_crossentropy();
    println!("        training             validation");
    println!("epoch       loss  accuracy       loss  accuracy");
    let options = FitOptions { epochs: 30, batch_size: 32, seed: 7, ..FitOptions::default() };
    let mut trainer = Trainer::new(&mut network, loss, Adam::new(5e-3))?;
    trainer.fit(&training, Some(&validation), &options, &mut [&mut progress, &mut stopping])?;
    println!("The weights are those of epoch {}.", stopping.best_epoch().ok_or("no epoch was finished")?);

    let Evaluation { loss, accuracy } = evaluate(&network, &loss, &exam, 250)?;
    println!("\nExam: loss {loss:.4}, accuracy {accuracy:.3}. Rows are the truth, columns the answer.");
    let (_, truths) = bars::pictures(500, 3);
    let mut confusion = Confusion::new(CLASSES.len());
    for (truth, answer) in truths.into_iter().zip(predicted_classes(&network.predict_dataset(&exam)?)) {
        confusion.add(truth, answer);
    }
    for (name, counts) in CLASSES.iter().zip(confusion.rows()) {
        println!("{name:>12} {}", counts.iter().map(|count| format!("{count:>6}")).collect::<String>());
    }
    assert!(accuracy > 0.95 && accuracy == confusion.accuracy());
    Ok(())
}
