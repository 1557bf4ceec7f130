//! Time and memory of a run, from a few steps that are timed.

use std::time::{Duration, Instant};

use nn_core::error::TrainError;
use nn_core::model::Network;
use nn_core::optim::{Adam, OptimizerConfig};
use nn_core::train::{Action, ArrayDataset, Callback, Dataset, FitOptions, StepEnd, Trainer};
use nn_zoo::SearchConfig;
use serde::Serialize;

use super::{PlannedRun, PlannedSearch};
use crate::data::{Faces, PIXELS, Split, synthetic};
use crate::samples::{Samples, targets};
use crate::search::Choice;
use crate::training::{LOSS, TrainingError, frozen_layers};
use crate::transform::Transform;

/// What a run will take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Estimate {
    /// Seconds.
    pub seconds: f64,
    /// Bytes of memory.
    pub bytes: u64,
}

/// Times steps of networks on drawn faces, each network once.
pub struct Estimator {
    /// Training, validation and test images.
    images: [usize; 3],
    faces: Faces,
    known: Vec<(String, Estimate)>,
}

/// Steps that are timed, after one that is not.
const STEPS: usize = 2;
/// Images of the largest step.
const LARGEST: usize = 256;

impl Estimator {
    /// Estimates for data with so many training, validation and test images.
    pub fn new(images: [usize; 3]) -> Self {
        Self { images, faces: synthetic::faces(Split::Train, (1 + STEPS) * LARGEST, 0), known: Vec::new() }
    }

    /// Time and memory of a run on this machine, with as many threads as compute now.
    ///
    /// # Errors
    /// If its settings are wrong, or weights cannot be read.
    pub fn run(&mut self, run: &PlannedRun) -> Result<Estimate, TrainingError> {
        let settings = run.settings.clone().resolve()?;
        let batch = settings.batch(self.images[0])?;
        let input = settings.finetune.as_ref().map(|_| run.settings.finetune.clone());
        let key = format!("{} {batch} {} {input:?}", settings.network.name(), settings.epochs);
        if let Some((_, known)) = self.known.iter().find(|(known, _)| *known == key) {
            return Ok(*known);
        }
        let mut network = settings.network.build::<f32>(settings.seed)?;
        if let Some(finetune) = &settings.finetune {
            finetune.apply(&mut network);
        }
        let estimate =
            self.network(network, settings.optimizer, batch, settings.epochs, &settings.transform)?;
        self.known.push((key, estimate));
        Ok(estimate)
    }

    /// Time and memory of a search, with `seeds` trainings of its best network: its trials are as long as the mean over the kernel sizes.
    ///
    /// # Errors
    /// If the faces are no input of the network, which does not happen.
    pub fn search(
        &mut self,
        search: &PlannedSearch,
        seeds: u64,
        batch: usize,
    ) -> Result<Estimate, TrainingError> {
        let trainings = search.trials + seeds;
        let key = format!("search {batch} {trainings} {}", search.epochs);
        if let Some((_, known)) = self.known.iter().find(|(known, _)| *known == key) {
            return Ok(*known);
        }
        let sizes = Choice::KERNEL_SIZES;
        let mut all = Estimate::default();
        for size in sizes {
            let chosen = SearchConfig { conv_kernel_size: size, ..SearchConfig::default() };
            let network = nn_zoo::search(&chosen).build::<f32>(0)?;
            let adam = Adam::default().into();
            let trial = self.network(network, adam, batch, search.epochs, &Transform::default())?;
            all.seconds += trial.seconds * trainings as f64 / sizes.len() as f64;
            all.bytes = all.bytes.max(trial.bytes);
        }
        self.known.push((key, all));
        Ok(all)
    }

    fn network(
        &self,
        network: Network<f32>,
        optimizer: OptimizerConfig,
        batch: usize,
        epochs: usize,
        transform: &Transform,
    ) -> Result<Estimate, TrainingError> {
        let batch_timed = batch.min(LARGEST);
        let some = |count| self.faces.select(&(0..count).collect::<Vec<_>>());
        let (few, faces) = (some(batch_timed), some((1 + STEPS) * batch_timed));
        let all: usize = self.images.iter().sum();
        let (mut once, frozen_bytes) = (0.0, size_of::<f32>() * network.count_params());
        let plain = Transform { augmentation: None, ..transform.clone() };
        // What frozen layers compute is computed once, unless the faces vary.
        let frozen = frozen_layers(&network).filter(|_| transform.augmentation.is_none());
        let (trained, step, kept_bytes) = match frozen {
            Some(frozen) => {
                let (base, mut head) = network.split_at(frozen)?;
                let start = Instant::now();
                let x = base.predict_dataset(&Samples::new(&few, base.input_shape(), &plain))?;
                once = start.elapsed().as_secs_f64() / few.len() as f64 * all as f64;
                let features = ArrayDataset::new(x, targets(&few))?;
                let step = time_steps(&mut head, optimizer, &features, few.len().div_ceil(1 + STEPS))?;
                let width = base.output_shape().elements();
                (head, step, frozen_bytes + size_of::<f32>() * all * width)
            }
            None => {
                let mut network = network;
                let shape = network.input_shape().clone();
                let samples = Samples::new(&faces, &shape, &plain);
                let step = time_steps(&mut network, optimizer, &samples, batch_timed)?;
                (network, step, 0)
            }
        };
        let per_image = step.0.as_secs_f64() / step.1 as f64;
        // Evaluating the validation images takes about a third of a step for each.
        let epoch = per_image * (self.images[0] as f64 + self.images[1] as f64 / 3.0);
        Ok(Estimate {
            seconds: once + epoch * epochs as f64 + per_image * all as f64 / 3.0,
            bytes: memory(&trained, batch) + (kept_bytes + all * PIXELS) as u64,
        })
    }
}

/// The fastest of a few steps, and how many images it had.
fn time_steps(
    network: &mut Network<f32>,
    optimizer: OptimizerConfig,
    data: &dyn Dataset<f32>,
    batch: usize,
) -> Result<(Duration, usize), TrainingError> {
    let mut clock = Clock { last: Instant::now(), fastest: Duration::MAX };
    let options = FitOptions { epochs: 1, batch_size: batch, ..FitOptions::default() };
    Trainer::new(network, LOSS, optimizer)?.fit(data, None, &options, &mut [&mut clock])?;
    Ok((clock.fastest, batch))
}

struct Clock {
    last: Instant,
    fastest: Duration,
}

impl Callback<f32> for Clock {
    fn on_step_end(&mut self, end: StepEnd) -> Result<Action, TrainError> {
        let took = std::mem::replace(&mut self.last, Instant::now()).elapsed();
        // The first step fills the memory that the others use.
        if end.step > 0 {
            self.fastest = self.fastest.min(took);
        }
        Ok(Action::Continue)
    }
}

/// Parameters with gradients, two moments and the best ones so far, and the activations of a batch.
fn memory(network: &Network<f32>, batch: usize) -> u64 {
    let activations: usize = network.layers().iter().map(|layer| layer.info().output_shape.elements()).sum();
    (size_of::<f32>() * (5 * network.count_params() + batch * activations)) as u64
}
