//! Training runs as parts of a larger work: a study, or the end of a search.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::bail;
use fer::data::Dataset;
use fer::resume::Standing;
use fer::run::{RunFolder, is_free};
use fer::settings::ResolvedSettings;
use fer::training::{Outcome, Training, TrainingResult};

use super::finetune::Features;
use super::note;
use super::progress::Follow;
use super::resume::keep_checkpoints;

/// Refuses a folder with something in it for a new work, which is called `what`. What is left of one that was killed in its
/// first moment does not count.
pub fn refuse_taken(out: &Path, what: &str) -> anyhow::Result<()> {
    if !is_free(out)? {
        bail!(
            "{} exists already and is not empty: give --resume to continue the {what} in it, or another --out",
            out.display()
        );
    }
    Ok(())
}

/// How the runs of a larger work are made.
pub struct Worker {
    /// Set when the work is to be left.
    pub interrupted: Arc<AtomicBool>,
    /// Time between checkpoints.
    pub every: Duration,
    /// What frozen layers compute.
    pub features: Features,
}

impl Worker {
    /// Makes the run with these settings in the folder `path`: begins it, goes on with it, or finds it finished. `None`
    /// if it was left before its end.
    pub fn make(
        &self,
        path: &Path,
        settings: &ResolvedSettings,
        data: &Dataset,
    ) -> anyhow::Result<Option<TrainingResult>> {
        let folder = match Standing::of(path, settings, data)? {
            Standing::Finished(result) => return Ok(Some(result)),
            Standing::Other(what) => bail!("{} holds a run with other {what}", path.display()),
            Standing::Free => RunFolder::create(Some(path), "")?,
            Standing::Begun => RunFolder::resume(path)?,
        };
        let mut training = Training::prepare(settings, data)?;
        keep_checkpoints(&mut training, &folder, self.every)?;
        if settings.finetune.is_some() {
            self.features.prepare(&mut training)?;
        }
        Ok(match training.run(&folder, &mut Follow::new(Arc::clone(&self.interrupted)))? {
            Outcome::Finished(result) => Some(result),
            Outcome::Interrupted => {
                note(&format!("left {}", path.display()));
                None
            }
        })
    }
}
