//! Training that is continued from a state is the training that was never left, bit for bit.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nn_core::checkpoint::write_atomically;
use nn_core::error::{StateError, TrainError};
use nn_core::layers::{ActivationFn, BatchNormalization, Dense, Dropout};
use nn_core::loss::Loss;
use nn_core::model::{Network, Sequential};
use nn_core::optim::{Adam, OptimizerConfig, Sgd};
use nn_core::rng::{Purpose, Stream};
use nn_core::train::{
    Action, ArrayDataset, Callback, CallbackState, Checkpoints, CsvLog, EarlyStopping, EpochEnd, FitOptions,
    History, ModelCheckpoint, Monitor, StepEnd, Targets, Trainer, TrainingState,
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

fn save(state: &State) -> (tempfile::TempDir, PathBuf, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.safetensors");
    state.save(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    (folder, path, bytes)
}

/// Continues from the state before it with a callback's log and weights that the first part had left.
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
fn every_flipped_bit_and_every_cut_is_noticed() {
    let (_folder, path, bytes) = save(&some_state());
    let check = |bytes: &[u8], what: &str| {
        fs::write(&path, bytes).unwrap();
        let error = State::load(&path).expect_err(what);
        assert!(matches!(error, StateError::Damaged { .. }), "{what}: {error}");
        assert!(error.to_string().contains("state.safetensors"), "{error}");
    };
    for byte in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[byte] ^= 1 << (byte % 8);
        check(&flipped, &format!("bit {} of byte {byte}", byte % 8));
    }
    for length in (0..bytes.len()).step_by(7).chain([bytes.len() - 1]) {
        check(&bytes[..length], &format!("cut to {length}"));
    }
    check(&[&bytes[..], b"x"].concat(), "a byte more");
    check(&[0; 4096], "zeros, as after a loss of power");
    check(&[0xff; 4096], "a header of impossible length");
    check(&[&1_000_000_000u64.to_le_bytes()[..], b"{}"].concat(), "a header of 1 GB");
    check(&[&2u64.to_le_bytes()[..], b"{}"].concat(), "an empty header");
    check(b"not a checkpoint", "text");
}

/// The file with `from` replaced by `to` in its header (of the same length), and the right checksum for that.
fn forged(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let find = |bytes: &[u8], what: &str| bytes.windows(what.len()).position(|w| w == what.as_bytes());
    let mut bytes = bytes.to_vec();
    let at = find(&bytes, from).unwrap_or_else(|| panic!("{from:?} is not in the file"));
    bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    let key = "\"training_state\":\"";
    let at = find(&bytes, key).unwrap() + key.len();
    bytes[at..at + 8].copy_from_slice(b"00000000");
    let crc = format!("{:08x}", crc32fast::hash(&bytes));
    bytes[at..at + 8].copy_from_slice(crc.as_bytes());
    bytes
}

#[test]
fn a_later_version_and_contradictions_are_refused_even_with_the_right_checksum() {
    let state = some_state();
    let (_folder, path, bytes) = save(&state);
    fs::write(&path, forged(&bytes, "version", "version")).unwrap();
    assert_eq!(State::load(&path).unwrap(), state, "the forger knows the checksum");
    let load = |from: &str, to: &str| {
        fs::write(&path, forged(&bytes, from, to)).unwrap();
        State::load(&path)
    };
    let error = load(r#"version\":1"#, r#"version\":7"#).unwrap_err();
    assert!(matches!(error, StateError::Newer { version: 7, known: 1, .. }), "{error}");
    for (from, to) in [
        (r#"version\":1"#, r#"version\":0"#),
        (r#"version\":1"#, r#"version\":x"#),
        (r#"iterations"#, r#"iterationz"#),
        (r#"\"tensors\":0"#, r#"\"tensors\":9"#),
        ("\"weights/dense/kernel\"", "\"weights/dense/kernem\""),
        ("\"optimizer/0/dense/bias\"", "\"optimizer/3/dense/bias\""),
        ("\"F32\"", "\"I32\""),
        ("\"shape\":[8]", "\"shape\":[9]"),
        (
            r#""optimizer/0/dense/kernel":{"dtype":"F32","shape":[6,8]"#,
            r#""optimizer/0/dense/kernel":{"dtype":"F32","shape":[8,6]"#,
        ),
    ] {
        let error = load(from, to).expect_err(to);
        assert!(matches!(error, StateError::Damaged { .. }), "{to}: {error}");
    }
    // These can be read, but not continued from.
    for (from, to) in [(r#"\"step\":2"#, r#"\"step\":9"#), (r#"\"epoch\":1"#, r#"\"epoch\":0"#)] {
        let state = load(from, to).unwrap();
        let mut network = network(3);
        let mut trainer =
            Trainer::new(&mut network, Loss::categorical_crossentropy(), Adam::new(0.05)).unwrap();
        let error = trainer.fit_from(Some(state), &data(18), None, &options(2), &mut []).unwrap_err();
        assert!(error.to_string().contains("contradicts"), "{to}: {error}");
    }
    assert!(TrainingState::<f64>::load(&path).unwrap_err().to_string().contains("F32"));
    assert!(matches!(State::load(path.parent().unwrap()), Err(StateError::Damaged { .. })));
    assert!(matches!(State::load(Path::new("nowhere/at/all")), Err(StateError::Io { .. })));
}

/// Trains in a folder with checkpoints, and returns the names of the files that are left.
fn checkpointed(folder: &Path, every: Duration) -> Vec<String> {
    let mut checkpoints = Checkpoints::create(folder, every).unwrap();
    let mut network = network(3);
    let mut trainer = Trainer::new(&mut network, Loss::categorical_crossentropy(), Adam::new(0.05)).unwrap();
    trainer.fit(&data(18), None, &options(3), &mut [&mut checkpoints, &mut At(12, Action::Pause)]).unwrap();
    files(folder)
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn the_last_two_checkpoints_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoints");
    let names = checkpointed(&path, Duration::MAX);
    assert_eq!(names, ["epoch-0002-step-000000.safetensors", "epoch-0002-step-000003.safetensors"]);
    assert!(matches!(Checkpoints::create(&path, Duration::MAX), Err(StateError::Taken(_))));
    let path = folder.path().join("more");
    let names = checkpointed(&path, Duration::ZERO);
    assert_eq!(names, ["epoch-0002-step-000002.safetensors", "epoch-0002-step-000003.safetensors"]);
}

#[test]
fn a_damaged_checkpoint_is_passed_over_and_gone_after_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoints");
    let names = checkpointed(&path, Duration::ZERO);
    let newest = path.join(&names[1]);
    let good = fs::read(&newest).unwrap();
    fs::write(&newest, &good[..good.len() / 2]).unwrap();
    // What a killed process leaves, and what belongs to somebody else.
    fs::write(path.join(".epoch-0002-step-000003.safetensors.tmp.123"), "x").unwrap();
    fs::write(path.join("notes.txt"), "mine").unwrap();
    let found = Checkpoints::open::<f32>(&path, Duration::MAX).unwrap();
    assert!(found.damaged.len() == 1 && found.damaged[0].to_string().contains(&names[1]));
    let state = found.state.unwrap();
    assert_eq!((state.epoch(), state.step()), (2, 2));
    let mut checkpoints = found.checkpoints;
    Callback::<f32>::on_state(&mut checkpoints, &state).unwrap();
    assert_eq!(
        files(&path),
        [names[0].as_str(), "notes.txt"],
        "a damaged file does not take a good one's place"
    );

    fs::write(path.join(&names[0]), "").unwrap();
    fs::create_dir(&newest).unwrap();
    let error = Checkpoints::open::<f32>(&path, Duration::MAX).unwrap_err().to_string();
    assert!(
        error.contains("no usable checkpoint") && names.iter().all(|name| error.contains(name)),
        "{error}"
    );

    fs::remove_dir(&newest).unwrap();
    fs::write(&newest, forged(&good, r#"version\":1"#, r#"version\":2"#)).unwrap();
    let error = Checkpoints::open::<f32>(&path, Duration::MAX).unwrap_err();
    assert!(matches!(error, StateError::Newer { .. }), "no going back behind a later version: {error}");

    let nothing = Checkpoints::open::<f32>(&folder.path().join("new"), Duration::MAX).unwrap();
    assert!(nothing.state.is_none() && nothing.damaged.is_empty());
}

#[cfg(unix)]
#[test]
fn a_checkpoint_that_cannot_be_written_ends_training_and_leaves_the_last_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoints");
    let names = checkpointed(&path, Duration::ZERO);
    let state = State::load(&path.join(&names[1])).unwrap();
    let moved = folder.path().join("moved");
    let mut checkpoints = Checkpoints::open::<f32>(&path, Duration::ZERO).unwrap().checkpoints;
    fs::rename(&path, &moved).unwrap();
    let mut network = network(3);
    let mut trainer = Trainer::new(&mut network, Loss::categorical_crossentropy(), Adam::new(0.05)).unwrap();
    let result = trainer.fit_from(Some(state), &data(18), None, &options(3), &mut [&mut checkpoints]);
    let error = result.unwrap_err().to_string();
    assert!(error.contains("checkpoints") && error.contains("No such file"), "{error}");
    assert_eq!(files(&moved), names);
    // A device that is always full, in the place of the file.
    if Path::new("/dev/full").exists() {
        assert!(write_atomically(Path::new("/dev/full/x"), b"x").is_err());
    }
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
