//! What it takes to continue a run in another process, besides the state of training.

use std::path::Path;
use std::time::Instant;

use nn_core::error::TrainError;
use nn_core::kernels::Isa;
use nn_core::model::Network;
use nn_core::train::{Callback, CallbackState, TrainingState};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::data::Dataset;
use crate::record::{Circumstances, read, read_json};
use crate::run::{RESULT, RunError};
use crate::settings::{ResolvedSettings, TrainSettings, parse};
use crate::training::TrainingResult;

/// The result of a run, if it is finished.
///
/// # Errors
/// If there is one that cannot be read.
pub fn finished(run: &Path) -> Result<Option<TrainingResult>, RunError> {
    read_json(&run.join(RESULT))
}

/// The instruction set with which a run was begun, if its results are others in their last bits than those of the one in
/// force: what is computed from here on would not be what the run in one go computes.
///
/// # Errors
/// If `env.json` cannot be read.
pub fn other_instruction_set(run: &Path) -> Result<Option<Isa>, RunError> {
    let environment: Option<Circumstances> = read_json(&run.join("env.json"))?;
    let then = environment.and_then(|environment| environment.instruction_set.parse::<Isa>().ok());
    Ok(then.filter(|then| then.arithmetic() != Isa::current().arithmetic()))
}

/// How a folder stands to a run that is to be made in it.
#[derive(Debug)]
pub enum Standing {
    /// No run was begun there.
    Free,
    /// The run was begun there and is not finished.
    Begun,
    /// The run is finished.
    Finished(TrainingResult),
    /// There is a run with another setting, network or data: this one.
    Other(&'static str),
}

impl Standing {
    /// How the folder `run` stands to a run with these settings on these data.
    ///
    /// # Errors
    /// If there is a run that cannot be read.
    pub fn of(run: &Path, settings: &ResolvedSettings, data: &Dataset) -> Result<Self, RunError> {
        let config = run.join("config.toml");
        if !config.exists() {
            return Ok(Self::Free);
        }
        let asked = settings.to_toml(settings.batch(data.train.len())?)?;
        let asked: TrainSettings = parse(&asked, &config)?;
        let found = TrainSettings::read(&config)?;
        if found.what_matters() != asked.what_matters() {
            return Ok(Self::Other("settings"));
        }
        if read(&run.join("network.json"))?.is_some_and(|json| json != settings.network.to_json() + "\n") {
            return Ok(Self::Other("network"));
        }
        let environment: Option<Circumstances> = read_json(&run.join("env.json"))?;
        if environment.is_some_and(|environment| environment.data_sha256 != data.fingerprint()) {
            return Ok(Self::Other("data"));
        }
        Ok(finished(run)?.map_or(Self::Begun, Self::Finished))
    }
}

/// Holds the parts of a run together: adds up their time, and sees to it that they have the same data and began
/// with the same weights.
#[derive(Debug)]
pub(crate) struct Parts {
    start: Instant,
    this: Remembered,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Remembered {
    /// Before `start`.
    seconds: f64,
    data_sha256: String,
    weights_sha256: String,
}

impl Parts {
    /// A part that begins now, after `seconds` of preparation, with these data and weights.
    pub(crate) fn begin(data: &Dataset, network: &Network<f32>, seconds: f64) -> Self {
        let mut hash = Sha256::new();
        for (_, param) in network.params() {
            let bytes: Vec<u8> = param.value.iter().flat_map(|value| value.to_le_bytes()).collect();
            hash.update(&bytes);
        }
        let weights_sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let this = Remembered { seconds, data_sha256: data.fingerprint(), weights_sha256 };
        Self { start: Instant::now(), this }
    }

    /// Wall time of all parts so far.
    pub(crate) fn seconds(&self) -> f64 {
        self.this.seconds + self.start.elapsed().as_secs_f64()
    }
}

impl Callback<f32> for Parts {
    fn state(&self) -> Option<CallbackState<f32>> {
        let now = Remembered { seconds: self.seconds(), ..self.this.clone() };
        Some(CallbackState::new("run", &now, Vec::new()))
    }

    fn on_resume(
        &mut self,
        _state: &TrainingState<f32>,
        own: Option<&CallbackState<f32>>,
    ) -> Result<(), TrainError> {
        let Some(own) = own else { return Ok(()) };
        let before: Remembered = own.values()?;
        if before.data_sha256 != self.this.data_sha256 {
            return Err(TrainError::Resume("the images are not those of the run any more".into()));
        }
        if before.weights_sha256 != self.this.weights_sha256 {
            return Err(TrainError::Resume(
                "the run began with other weights than these settings give now".into(),
            ));
        }
        self.this.seconds += before.seconds;
        Ok(())
    }
}
