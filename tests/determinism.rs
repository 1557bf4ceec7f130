//! Rung 6 of the ladder: the same seed gives the same bits, run after run and for any number of threads.

use nn_core::checkpoint::save_weights;
use nn_core::layers::{ActivationFn, Conv2D, Dense, Dropout, Flatten, MaxPooling2D, Padding};
use nn_core::loss::Loss;
use nn_core::model::{Network, Sequential};
use nn_core::optim::Adam;
use nn_core::regularizer::Regularizer;
use nn_core::rng::{Purpose, Stream};
use nn_core::train::{ArrayDataset, FitOptions, History, Targets, Trainer};
use nn_core::{Tensor, tensor};

/// Large enough that every kernel divides its work into several chunks.
fn network() -> Sequential {
    Sequential::new("mixed", &[24, 24, 1])
        .add(Conv2D::new(16, 3).activation(ActivationFn::Relu))
        .add(Conv2D::new(24, 3).padding(Padding::Same).strides(2).activation(ActivationFn::ELU))
        .add(MaxPooling2D::new(2))
        .add(Dropout::new(0.3))
        .add(Flatten::new())
        .add(
            Dense::new(300).activation(ActivationFn::Tanh).kernel_regularizer(Regularizer::l1_l2(1e-5, 1e-4)),
        )
        .add(Dense::new(7).activation(ActivationFn::Softmax))
}

fn images(count: usize) -> Tensor<f32> {
    let mut pixels = vec![0.0; count * 24 * 24];
    Stream::new(11, Purpose::Synthesise, 0, 0).fill_normal(&mut pixels, 0.3);
    tensor(&[count, 24, 24, 1], pixels)
}

fn data() -> ArrayDataset<f32> {
    const SAMPLES: usize = 150;
    let labels = (0..SAMPLES).map(|i| i * i % 7).collect();
    ArrayDataset::new(images(SAMPLES), Targets::Classes(labels)).unwrap()
}

fn train(seed: u64) -> (Network<f32>, History) {
    let mut network = network().build(seed).unwrap();
    let mut trainer = Trainer::new(&mut network, Loss::categorical_crossentropy(), Adam::default()).unwrap();
    let options = FitOptions { epochs: 2, batch_size: 64, seed, ..FitOptions::default() };
    let history = trainer.fit(&data(), Some(&data()), &options, &mut []).unwrap();
    (network, history)
}

fn bits(tensors: &[Tensor<f32>]) -> Vec<u32> {
    tensors.iter().flat_map(|tensor| tensor.iter().map(|value| value.to_bits())).collect()
}

fn with_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

#[test]
fn training_gives_the_same_bits_for_any_number_of_threads() {
    let run = |threads| {
        with_threads(threads, || {
            let (network, history) = train(5);
            let losses: Vec<_> = history.iter().map(|log| (log.loss.to_bits(), log.val_loss)).collect();
            (bits(&network.weights()), losses)
        })
    };
    let reference = run(1);
    for threads in [1, 2, 3, 7] {
        assert!(run(threads) == reference, "{threads} threads differ from one");
    }
}

#[test]
fn another_seed_gives_another_network() {
    assert_ne!(bits(&train(5).0.weights()), bits(&train(6).0.weights()));
}

/// Weights after two epochs in the order that `seed` gives; nothing else depends on the seed.
fn weights_after(seed: u64, epochs: usize, shuffle: bool) -> Vec<u32> {
    let config = Sequential::new("plain", &[24, 24, 1])
        .add(Flatten::new())
        .add(Dense::new(7).activation(ActivationFn::Softmax));
    let mut network = config.build(1).unwrap();
    let mut trainer = Trainer::new(&mut network, Loss::categorical_crossentropy(), Adam::default()).unwrap();
    let options = FitOptions { epochs, batch_size: 64, seed, shuffle, ..FitOptions::default() };
    trainer.fit(&data(), None, &options, &mut []).unwrap();
    bits(&network.weights())
}

#[test]
fn the_order_of_the_samples_depends_on_the_seed_and_only_if_shuffled() {
    assert_ne!(weights_after(5, 1, true), weights_after(6, 1, true));
    assert_ne!(weights_after(5, 1, true), weights_after(5, 1, false));
    assert_eq!(weights_after(5, 1, false), weights_after(6, 1, false));
}

#[test]
fn each_epoch_has_an_order_of_its_own() {
    struct Orders(std::sync::Mutex<Vec<Vec<usize>>>);
    impl nn_core::train::Dataset<f32> for Orders {
        fn len(&self) -> usize {
            50
        }
        fn sample_shape(&self) -> nn_core::Shape {
            nn_core::Shape::new([1])
        }
        fn check_targets(&self, _output: &nn_core::Shape) -> Result<(), String> {
            Ok(())
        }
        fn batch(&self, _epoch: u64, indices: &[usize], x: &mut [f32]) -> Targets<f32> {
            self.0.lock().unwrap().push(indices.to_vec());
            x.fill(0.5);
            Targets::Classes(vec![0; indices.len()])
        }
    }
    let config = Sequential::new("one", &[1]).add(Dense::new(2).activation(ActivationFn::Softmax));
    let mut network = config.build::<f32>(1).unwrap();
    let mut trainer = Trainer::new(&mut network, Loss::categorical_crossentropy(), Adam::default()).unwrap();
    let data = Orders(Vec::new().into());
    let options = FitOptions { epochs: 2, batch_size: 20, ..FitOptions::default() };
    trainer.fit(&data, None, &options, &mut []).unwrap();
    let batches = data.0.into_inner().unwrap();
    assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [20, 20, 10, 20, 20, 10]);
    let (first, second) = (batches[..3].concat(), batches[3..].concat());
    assert_ne!(first, second);
    for mut order in [first, second] {
        order.sort_unstable();
        assert_eq!(order, (0..50).collect::<Vec<_>>(), "each sample once");
    }
}

#[test]
fn prediction_gives_the_same_bits_for_any_number_of_threads() {
    let network = network().build::<f32>(1).unwrap();
    let x = images(300);
    let reference = bits(&[with_threads(1, || network.predict(&x))]);
    for threads in [2, 3, 7] {
        assert!(
            bits(&[with_threads(threads, || network.predict(&x))]) == reference,
            "{threads} threads differ"
        );
    }
}

#[test]
fn equal_weights_give_equal_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| {
        let path = folder.path().join(name);
        save_weights(&train(5).0, &path).unwrap();
        std::fs::read(path).unwrap()
    };
    assert_eq!(file("one.safetensors"), file("two.safetensors"));
}

#[test]
fn training_goes_on_after_a_fit_as_if_it_had_not_been_interrupted_by_evaluation() {
    let with_validation = bits(&train(5).0.weights());
    let mut network = network().build(5).unwrap();
    let mut trainer = Trainer::new(&mut network, Loss::categorical_crossentropy(), Adam::default()).unwrap();
    let options = FitOptions { epochs: 2, batch_size: 64, seed: 5, ..FitOptions::default() };
    trainer.fit(&data(), None, &options, &mut []).unwrap();
    assert_eq!(bits(&network.weights()), with_validation);
}
