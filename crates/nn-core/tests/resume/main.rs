//! Training that is continued from a state is the training that was never left, bit for bit.

mod files;

use std::fs;
use std::path::Path;

use nn_core::error::TrainError;
use nn_core::layers::{ActivationFn, BatchNormalization, Dense, Dropout};
use nn_core::loss::Loss;
use nn_core::model::{Network, Sequential};
use nn_core::optim::{Adam, OptimizerConfig, Sgd};
use nn_core::rng::{Purpose, Stream};
use nn_core::train::{
    Action, ArrayDataset, Callback, CallbackState, CsvLog, EarlyStopping, EpochEnd, FitOptions, History,
    ModelCheckpoint, Monitor, StepEnd, Targets, Trainer, TrainingState,
};
use nn_core::{Tensor, tensor};

type State = TrainingState<f32>;

/// Dropout, batch normalisation and a few dense layers.
fn network(seed: u64) -> Network<f32> {
    Sequential::new("net", &[6])
        .add(Dense::new(8).activation(ActivationFn::Relu))
        .add(BatchNormalization::new())
        .add(Dropout::new(0.3))
        .add(Dense::new(3).activation(ActivationFn::Softmax))
        .build(seed)
        .unwrap()
}

fn data(samples: usize) -> ArrayDataset<f32> {
    let mut stream = Stream::new(5, Purpose::Synthesise, 0, 0);
    let x = (0..6 * samples).map(|_| stream.uniform(-1.0, 1.0) as f32).collect();
    ArrayDataset::new(tensor(&[samples, 6], x), Targets::Classes((0..samples).map(|i| i % 3).collect()))
        .unwrap()
}

/// Asks for the state after every step and epoch, and keeps it.
#[derive(Default)]
struct Every(Vec<State>);

impl Callback<f32> for Every {
    fn on_step_end(&mut self, _: StepEnd) -> Result<Action, TrainError> {
        Ok(Action::Save)
    }

    fn on_epoch_end(&mut self, _: EpochEnd<f32>) -> Result<Action, TrainError> {
        Ok(Action::Save)
    }

    fn on_state(&mut self, state: &State) -> Result<(), TrainError> {
        self.0.push(state.clone());
        Ok(())
    }
}

/// Asks for the same thing at one step, counted from 0 over all epochs.
struct At(usize, Action);

impl Callback<f32> for At {
    fn on_step_end(&mut self, end: StepEnd) -> Result<Action, TrainError> {
        Ok(if end.epoch * end.steps + end.step == self.0 { self.1 } else { Action::Continue })
    }
}

fn options(epochs: usize) -> FitOptions {
    let class_weight = Some(vec![1.0, 0.5, 2.0]);
    FitOptions { epochs, batch_size: 4, seed: 11, class_weight, ..FitOptions::default() }
}

/// What is left of training: everything that must not depend on where it was interrupted.
#[derive(Debug, PartialEq)]
struct Left {
    weights: Vec<Tensor<f32>>,
    history: Vec<(usize, f64, f64, Option<f64>)>,
    best_file: Vec<u8>,
    best_epochs: [Option<usize>; 2],
    log: Vec<String>,
    /// The last state: also the optimiser's, and the callbacks'.
    slots: String,
}

/// Trains in `folder`, from `state` if there is one; 18 samples in batches of 4 are 5 steps.
fn train(
    folder: &Path,
    state: Option<State>,
    optimizer: impl Into<OptimizerConfig>,
    epochs: usize,
    asks: &mut dyn Callback<f32>,
) -> (Left, Vec<State>) {
    let mut network = network(if state.is_some() { 99 } else { 3 });
    let mut stopping = EarlyStopping::new(Monitor::ValLoss, 1).min_delta(0.05).restore_best_weights(true);
    let mut best = ModelCheckpoint::new(folder.join("best.safetensors"), Monitor::ValAccuracy);
    let mut log = CsvLog::create(&folder.join("metrics.csv")).unwrap();
    let mut every = Every::default();
    let mut trainer = Trainer::new(&mut network, Loss::categorical_crossentropy(), optimizer).unwrap();
    let history: History = trainer
        .fit_from(
            state,
            &data(18),
            Some(&data(9)),
            &options(epochs),
            &mut [&mut log, &mut best, &mut stopping, &mut every, asks],
        )
        .unwrap();
    let optimizer = trainer.optimizer();
    let slots = format!("{:?}", (optimizer.slots(), optimizer.iterations()));
    let text = fs::read_to_string(folder.join("metrics.csv")).unwrap();
    // All columns but the time.
    let log = text.lines().map(|line| line.rsplit_once(',').unwrap().0.to_owned()).collect();
    let result = Left {
        weights: network.weights(),
        history: history.iter().map(|log| (log.epoch, log.loss, log.accuracy, log.val_loss)).collect(),
        best_file: fs::read(folder.join("best.safetensors")).unwrap_or_default(),
        best_epochs: [stopping.best_epoch(), best.best_epoch()],
        log,
        slots,
    };
    (result, every.0)
}

fn never() -> At {
    At(usize::MAX, Action::Continue)
}

fn some_state() -> State {
    let folder = tempfile::tempdir().unwrap();
    train(folder.path(), None, Adam::new(0.05), 2, &mut never()).1.remove(7)
}

/// Continues from each state of a run, with other initial weights and in the folder that the run has left.
fn continues_from_everywhere(optimizer: impl Into<OptimizerConfig>, epochs: usize) {
    let optimizer = optimizer.into();
    let folder = tempfile::tempdir().unwrap();
    let (expected, states) = train(folder.path(), None, optimizer, epochs, &mut never());
    let ran = expected.history.len();
    assert!(states.len() == 6 * ran && ran > 1, "5 steps and the end of each epoch: {}", states.len());
    for state in states {
        let place = (state.epoch(), state.step());
        let path = folder.path().join("state.safetensors");
        state.save(&path).unwrap();
        let loaded = State::load(&path).unwrap();
        assert_eq!(loaded, state, "{place:?}");
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let loaded = loaded.clone();
            let (got, _) =
                pool.install(|| train(folder.path(), Some(loaded), optimizer, epochs, &mut never()));
            assert_eq!(got, expected, "from {place:?} with {threads} threads");
        }
    }
}

#[test]
fn training_continues_bit_for_bit_after_every_step_with_adam() {
    continues_from_everywhere(Adam::new(0.05), 2);
}

#[test]
fn training_continues_bit_for_bit_after_every_step_with_momentum() {
    continues_from_everywhere(Sgd::new(0.1).momentum(0.9), 2);
}

#[test]
fn training_that_early_stopping_ends_ends_at_the_same_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let (expected, states) = train(folder.path(), None, Adam::new(0.05), 40, &mut never());
    assert!((2..40).contains(&expected.history.len()), "it should stop early");
    assert!(states.last().unwrap().is_finished());
    for state in states {
        let (got, _) = train(folder.path(), Some(state), Adam::new(0.05), 40, &mut never());
        assert_eq!(got, expected);
    }
}

#[test]
fn a_pause_leaves_at_once_with_a_state_and_a_stop_is_final() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (whole, _) = train(folder, None, Adam::new(0.05), 2, &mut never());
    for step in 0..10 {
        let (part, states) = train(folder, None, Adam::new(0.05), 2, &mut At(step, Action::Pause));
        let state = states.last().unwrap().clone();
        assert_eq!((state.epoch(), state.step()), (step / 5, step % 5 + 1));
        assert!(!state.is_finished() && part.history.len() == step / 5);
        let (rest, _) = train(folder, Some(state), Adam::new(0.05), 2, &mut never());
        assert_eq!(rest, whole, "paused after step {step}");
    }
    let (stopped, states) = train(folder, None, Adam::new(0.05), 2, &mut At(6, Action::Stop));
    let state = states.last().unwrap().clone();
    assert!(state.is_finished() && stopped.history.len() == 1);
    assert_eq!(train(folder, Some(state), Adam::new(0.05), 2, &mut never()).0, stopped);
    // At an epoch's last step, the epoch gets its log.
    let (stopped, states) = train(folder, None, Adam::new(0.05), 2, &mut At(4, Action::Stop));
    assert_eq!((stopped.history.len(), states.last().unwrap().epoch()), (1, 1));
}

#[test]
fn a_changed_learning_rate_and_more_epochs_carry_on() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut state = Vec::new();
    for epochs in [1, 2] {
        let mut network = network(3);
        let mut trainer =
            Trainer::new(&mut network, Loss::categorical_crossentropy(), Adam::new(0.05)).unwrap();
        trainer.optimizer().set_learning_rate(0.01);
        let mut every = Every::default();
        trainer.fit(&data(18), None, &options(epochs), &mut [&mut every]).unwrap();
        state.push((every.0.pop().unwrap(), network.weights()));
    }
    let (once, (_, expected)) = (state.remove(0).0, state.remove(0));
    let path = folder.join("state.safetensors");
    once.save(&path).unwrap();
    let mut network = network(4);
    let mut trainer = Trainer::new(&mut network, Loss::categorical_crossentropy(), Adam::new(0.05)).unwrap();
    let state = State::load(&path).unwrap();
    let history =
        trainer.fit_from(Some(state), &data(18), None, &options(2), &mut [&mut Every::default()]).unwrap();
    assert_eq!(history.iter().map(|log| log.learning_rate).collect::<Vec<_>>(), [0.01; 2]);
    assert_eq!(network.weights(), expected);
}

#[test]
fn a_state_of_other_training_is_refused_and_changes_nothing() {
    let state = some_state();
    let refused = |network: Network<f32>,
                   optimizer: OptimizerConfig,
                   samples,
                   options: FitOptions,
                   callbacks: usize| {
        let mut network = network;
        let before = network.weights();
        let folder = tempfile::tempdir().unwrap();
        let mut best = ModelCheckpoint::new(folder.path().join("best.safetensors"), Monitor::Loss);
        let mut stopping = EarlyStopping::new(Monitor::Loss, 3);
        let mut list: Vec<&mut dyn Callback<f32>> = vec![&mut stopping, &mut best];
        list.truncate(callbacks);
        let mut trainer = Trainer::new(&mut network, Loss::categorical_crossentropy(), optimizer).unwrap();
        let result = trainer.fit_from(Some(state.clone()), &data(samples), None, &options, &mut list);
        let error = result.unwrap_err();
        assert!(matches!(error, TrainError::Resume(_)), "{error}");
        assert_eq!(network.weights(), before);
        error.to_string()
    };
    let adam = || Adam::new(0.05).into();
    let narrow =
        Sequential::new("net", &[6]).add(Dense::new(3).activation(ActivationFn::Softmax)).build(1).unwrap();
    let text = refused(narrow, adam(), 18, options(2), 2);
    assert!(text.contains("parameter") && text.contains("[6, 8]"), "{text}");
    let text = refused(network(3), Sgd::new(0.1).into(), 18, options(2), 2);
    assert!(text.contains("optimiser"), "{text}");
    let text = refused(network(3), adam(), 17, options(2), 2);
    assert!(text.contains("18") && text.contains("17"), "{text}");
    let text = refused(network(3), adam(), 18, FitOptions { seed: 12, ..options(2) }, 2);
    assert!(text.contains("seed: 12"), "{text}");
    let text = refused(network(3), adam(), 18, options(2), 0);
    assert!(text.contains("\"model checkpoint\" is missing"), "{text}");
    let text = refused(network(3), adam(), 18, options(2), 2);
    assert!(text.contains("\"early stopping\" was \"model checkpoint\""), "{text}");
}

#[test]
fn a_callback_state_of_another_kind_is_an_error() {
    let state = CallbackState::<f32>::new("mine", &"text", Vec::new());
    assert_eq!(state.values::<String>().unwrap(), "text");
    assert!(state.values::<u32>().unwrap_err().to_string().contains("\"mine\""));
    let folder = tempfile::tempdir().unwrap();
    let (_, states) = train(folder.path(), None, Adam::new(0.05), 1, &mut never());
    fs::remove_file(folder.path().join("best.safetensors")).unwrap();
    let mut best = ModelCheckpoint::new(folder.path().join("best.safetensors"), Monitor::ValAccuracy);
    let mut stopping = EarlyStopping::new(Monitor::ValLoss, 1);
    let mut network = network(3);
    let mut trainer = Trainer::new(&mut network, Loss::categorical_crossentropy(), Adam::new(0.05)).unwrap();
    let state = states.last().unwrap().clone();
    let result = trainer.fit_from(
        Some(state),
        &data(18),
        Some(&data(9)),
        &options(2),
        &mut [&mut best, &mut stopping],
    );
    let error = result.unwrap_err().to_string();
    assert!(error.contains("best.safetensors") && error.contains("missing"), "{error}");
}
