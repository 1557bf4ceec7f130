//! Where a run is written, and `--resume`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use clap::ArgMatches;
use fer::resume::{finished, other_instruction_set};
use fer::run::RunFolder;
use fer::settings::TrainSettings;
use fer::training::{Training, TrainingResult};
use nn_core::kernels::Isa;
use nn_core::train::Checkpoints;

use super::note;

/// The flags that say where a run is written and how it survives.
#[derive(clap::Args)]
pub struct RunArgs {
    /// Folder to create for the run [default: runs/MODEL, runs/MODEL-2, ...]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,

    /// Continue the run in the folder --run, with its own settings, where its last checkpoint was made
    #[arg(long, requires = "run")]
    resume: bool,

    /// Minutes between checkpoints; there is one at the end of each epoch besides
    #[arg(long, value_name = "N", default_value = "5", value_parser = minutes)]
    checkpoint_minutes: Duration,

    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// A time from a number of minutes.
pub fn minutes(text: &str) -> Result<Duration, String> {
    let minutes: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    Duration::try_from_secs_f64(60.0 * minutes).map_err(|_| "expected a number of at least 0".to_owned())
}

/// The flags that may stand beside `--resume`: the result does not depend on them.
const BESIDE_RESUME: [&str; 12] = [
    "run",
    "out",
    "resume",
    "checkpoint_minutes",
    "json",
    "threads",
    "cache",
    "no_cache",
    // What a study may be asked for in stages.
    "only",
    "plan",
    "seeds",
    "weights_dir",
];

/// A setting given as a flag beside `--resume`. Settings from the environment are for new runs, and passed over.
pub fn setting_beside_resume(command: &clap::Command, matches: &ArgMatches) -> Option<String> {
    let (name, matches) = matches.subcommand()?;
    let command = command.find_subcommand(name)?;
    if matches.subcommand().is_some() {
        return setting_beside_resume(command, matches);
    }
    // A search has a --resume of its own.
    if command.get_arguments().all(|argument| argument.get_id() != "checkpoint_minutes") {
        return None;
    }
    if !matches.try_get_one("resume").ok().flatten().copied().unwrap_or(false) {
        return None;
    }
    let given = |argument: &&clap::Arg| {
        let id = argument.get_id().as_str();
        let source = matches.value_source(id);
        !BESIDE_RESUME.contains(&id) && source == Some(clap::parser::ValueSource::CommandLine)
    };
    command.get_arguments().find(given).map(ToString::to_string)
}

impl RunArgs {
    /// The result of the run that is to be resumed, if it is finished.
    pub fn finished(&self) -> anyhow::Result<Option<TrainingResult>> {
        let Some(run) = self.run.as_deref().filter(|_| self.resume) else { return Ok(None) };
        let result = finished(run)?;
        if result.is_some() {
            note(&format!("the run in {} is finished", run.display()));
        }
        Ok(result)
    }

    /// The folder of the run that is to be resumed and its settings; otherwise `given`, and no folder yet.
    pub fn settings(
        &self,
        given: impl FnOnce() -> anyhow::Result<TrainSettings>,
        threads: Option<usize>,
        finetunes: bool,
    ) -> anyhow::Result<(Option<RunFolder>, TrainSettings)> {
        let Some(run) = self.run.as_deref().filter(|_| self.resume) else { return Ok((None, given()?)) };
        let folder = RunFolder::resume(run)?;
        let mut settings = folder.settings()?;
        if settings.finetune.is_some() != finetunes {
            let command = if finetunes { "train" } else { "finetune" };
            bail!("the run in {} was made by fer {command}: resume it with that", run.display());
        }
        settings.threads = threads.or(settings.threads);
        // The run has a copy of the network's file, which may be elsewhere or another by now.
        let network = folder.file("network.json");
        if settings.model.as_ref().is_some_and(|model| model.ends_with(".json")) && network.is_file() {
            settings.model = network.to_str().map(Into::into).or(settings.model);
        }
        Ok((Some(folder), settings))
    }

    /// The folder of a new run, unless there is one that is resumed.
    pub fn folder(&self, resumed: Option<RunFolder>, name: &str) -> anyhow::Result<RunFolder> {
        match resumed {
            Some(folder) => Ok(folder),
            None => Ok(RunFolder::create(self.run.as_deref(), name)?),
        }
    }

    /// Says where the run is, and lets a training keep checkpoints in its folder, and continue from the last.
    pub fn keep_checkpoints(&self, training: &mut Training, folder: &RunFolder) -> anyhow::Result<()> {
        note(&format!("run folder: {}", folder.path().display()));
        let continues = keep_checkpoints(training, folder, self.checkpoint_minutes)?;
        if self.resume && !continues {
            note("there is no checkpoint yet: beginning anew");
        }
        Ok(())
    }
}

/// Lets a training keep checkpoints in its folder, and continue from the last; returns whether there is one. A run that was
/// begun with an instruction set of other results is refused where this processor has that one, too.
pub fn keep_checkpoints(
    training: &mut Training,
    folder: &RunFolder,
    every: Duration,
) -> anyhow::Result<bool> {
    if let Some(then) = other_instruction_set(folder.path())? {
        let (run, now) = (folder.path().display(), Isa::current());
        if then.is_available() {
            bail!(
                "the run in {run} was begun with the instruction set {then}, whose results differ in their last bits from \
                 those of {now}: continue it with NN_ISA={then}"
            );
        }
        note(&format!(
            "warning: the run in {run} was begun with the instruction set {then}, which this processor does not have: from \
             here on its results are those of {now}"
        ));
    }
    let found = Checkpoints::open(&folder.checkpoints(), every)?;
    for problem in &found.damaged {
        note(&format!("warning: {problem}; going back to the checkpoint before"));
    }
    let continues = found.state.is_some();
    training.keep_checkpoints(found);
    Ok(continues)
}
