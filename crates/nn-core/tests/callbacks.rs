//! What follows a training run: early stopping, checkpoints, logs, progress.

use nn_core::checkpoint::load_weights;
use nn_core::error::TrainError;
use nn_core::layers::{ActivationFn, Dense};
use nn_core::loss::Loss;
use nn_core::model::{Network, Sequential};
use nn_core::optim::Sgd;
use nn_core::train::{
    Action, ArrayDataset, Callback, CsvLog, EarlyStopping, EpochEnd, EpochLog, FitOptions, History,
    ModelCheckpoint, Monitor, Progress, StepEnd, Targets, Trainer,
};
use nn_core::{Tensor, tensor};

fn network() -> Network<f32> {
    Sequential::new("net", &[2]).add(Dense::new(2).activation(ActivationFn::Softmax)).build(1).unwrap()
}

fn data() -> ArrayDataset<f32> {
    let x = tensor(&[4, 2], vec![0.0, 1.0, 1.0, 0.0, 0.2, 0.9, 0.8, 0.1]);
    ArrayDataset::new(x, Targets::Classes(vec![0, 1, 0, 1])).unwrap()
}

/// Replaces what an epoch measured, to steer the callbacks behind it, and keeps the weights of each epoch.
struct Script {
    weights: Vec<Vec<Tensor<f32>>>,
}

impl Callback<f32> for Script {
    fn on_epoch_end(&mut self, end: EpochEnd<f32>) -> Result<Action, TrainError> {
        self.weights.push(end.network.weights());
        Ok(Action::Continue)
    }
}

/// Hands its inner callback a validation loss from a list.
struct WithValLoss<'a, C>(&'a mut C, &'a [f64]);

impl<C: Callback<f32>> Callback<f32> for WithValLoss<'_, C> {
    fn on_epoch_end(&mut self, end: EpochEnd<f32>) -> Result<Action, TrainError> {
        let log = EpochLog { val_loss: Some(self.1[end.log.epoch]), ..end.log.clone() };
        self.0.on_epoch_end(EpochEnd { log: &log, network: end.network })
    }

    fn on_train_end(&mut self, network: &mut Network<f32>) -> Result<(), TrainError> {
        self.0.on_train_end(network)
    }
}

fn fit(network: &mut Network<f32>, epochs: usize, callbacks: &mut [&mut dyn Callback<f32>]) -> History {
    let mut trainer = Trainer::new(network, Loss::categorical_crossentropy(), Sgd::new(0.5)).unwrap();
    let options = FitOptions { epochs, batch_size: 2, ..FitOptions::default() };
    trainer.fit(&data(), None, &options, callbacks).unwrap()
}

#[test]
fn early_stopping_waits_as_long_as_its_patience() {
    let losses = [5.0, 4.0, 4.5, 3.0, 3.5, 3.0, 3.2, 1.0];
    let mut stopping = EarlyStopping::new(Monitor::ValLoss, 3);
    // The third epoch in a row that is not below 3.0 is the seventh; equal is no improvement.
    let history = fit(&mut network(), 8, &mut [&mut WithValLoss(&mut stopping, &losses)]);
    assert_eq!((history.len(), stopping.best_epoch()), (7, Some(3)));
    let mut picky = EarlyStopping::new(Monitor::ValLoss, 3).min_delta(2.0);
    let history = fit(&mut network(), 8, &mut [&mut WithValLoss(&mut picky, &losses)]);
    assert_eq!((history.len(), picky.best_epoch()), (4, Some(0)));
}

#[test]
fn early_stopping_gives_back_the_best_weights_on_request() {
    let losses = [5.0, 1.0, 2.0, 2.0, 2.0];
    for restore in [false, true] {
        let mut network = network();
        let mut script = Script { weights: Vec::new() };
        let mut stopping = EarlyStopping::new(Monitor::ValLoss, 2).restore_best_weights(restore);
        fit(&mut network, 5, &mut [&mut script, &mut WithValLoss(&mut stopping, &losses)]);
        assert_eq!(script.weights.len(), 4);
        let expected = if restore { 1 } else { 3 };
        assert_eq!(network.weights(), script.weights[expected], "restore {restore}");
        assert_ne!(script.weights[1], script.weights[3], "training goes on changing the weights");
    }
}

#[test]
fn a_checkpoint_keeps_the_best_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("best.safetensors");
    let mut script = Script { weights: Vec::new() };
    let mut checkpoint = ModelCheckpoint::new(&path, Monitor::ValLoss);
    fit(&mut network(), 4, &mut [&mut script, &mut WithValLoss(&mut checkpoint, &[3.0, 1.0, 2.0, 1.0])]);
    assert_eq!(checkpoint.best_epoch(), Some(1));
    let mut loaded = network();
    load_weights(&mut loaded, &path).unwrap();
    assert_eq!(loaded.weights(), script.weights[1]);
}

#[test]
fn watching_validation_without_validation_data_is_an_error() {
    let mut network = network();
    let mut trainer = Trainer::new(&mut network, Loss::categorical_crossentropy(), Sgd::new(0.5)).unwrap();
    let mut stopping = EarlyStopping::new(Monitor::ValAccuracy, 1);
    let error = trainer.fit(&data(), None, &FitOptions::default(), &mut [&mut stopping]).unwrap_err();
    assert!(error.to_string().contains("without validation data"), "{error}");
}

#[test]
fn the_csv_log_has_a_line_per_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.csv");
    let mut log = CsvLog::create(&path).unwrap();
    let history = fit(&mut network(), 2, &mut [&mut log]);
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "epoch,accuracy,loss,learning_rate,val_accuracy,val_loss,seconds");
    assert!(
        lines.len() == 3
            && lines[2].starts_with(&format!("1,{},{},0.5,,,", history[1].accuracy, history[1].loss))
    );
    let nowhere = folder.path().join("no/metrics.csv");
    assert!(CsvLog::create(&nowhere).unwrap_err().to_string().contains("metrics.csv"));
}

#[test]
fn progress_sees_every_step_and_may_end_the_training() {
    let (mut steps, mut epochs) = (Vec::new(), 0);
    let mut progress = Progress {
        step: |end: StepEnd| {
            steps.push((end.epoch, end.step, end.steps));
            if end.epoch == 1 { Action::Stop } else { Action::Continue }
        },
        epoch: |_: &EpochLog| {
            epochs += 1;
            Action::Continue
        },
    };
    let history = fit(&mut network(), 5, &mut [&mut progress]);
    assert_eq!(steps, [(0, 0, 2), (0, 1, 2), (1, 0, 2)]);
    assert_eq!((history.len(), epochs), (1, 1), "an unfinished epoch has no log");
}

#[test]
fn class_weights_weigh_the_loss_of_each_sample() {
    let loss_with = |class_weight| {
        let mut network = network();
        let mut trainer =
            Trainer::new(&mut network, Loss::categorical_crossentropy(), Sgd::new(1e-9)).unwrap();
        let options = FitOptions { batch_size: 4, class_weight, ..FitOptions::default() };
        trainer.fit(&data(), None, &options, &mut []).unwrap()[0].loss
    };
    let (plain, first, second) =
        (loss_with(None), loss_with(Some(vec![1.0, 0.0])), loss_with(Some(vec![0.0, 1.0])));
    assert!((plain - first - second).abs() < 1e-7 && first > 0.0 && second > 0.0);
    assert!((loss_with(Some(vec![3.0, 3.0])) - 3.0 * plain).abs() < 1e-6);
}
