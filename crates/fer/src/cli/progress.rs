//! Showing a training run: a bar on a terminal, one plain line per epoch elsewhere.

#[cfg(unix)]
use std::fs;
use std::io::{IsTerminal, stderr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nn_core::error::TrainError;
use nn_core::train::{Action, Callback, CallbackState, EpochEnd, EpochLog, StepEnd, TrainingState};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::{register, register_conditional_shutdown};

use super::{Loss, note};

/// A flag that the first Ctrl-C sets, so that the work can be ended in good order; the second one ends the process at once.
/// SIGTERM, and SIGHUP unless the program was started to outlive its terminal, are like Ctrl-C.
pub fn interrupted_by_signals() -> anyhow::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let mut signals = vec![SIGINT, SIGTERM];
    #[cfg(unix)]
    if !outlives_terminal() {
        signals.push(signal_hook::consts::SIGHUP);
    }
    for signal in signals {
        // In this order: what sets the flag must not be the same signal's reason to end.
        register_conditional_shutdown(signal, 130, Arc::clone(&flag))
            .and_then(|_| register(signal, Arc::clone(&flag)))
            .context("cannot catch signals")?;
    }
    let seen = Arc::clone(&flag);
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(50));
            }
            note("interrupted: finishing this step (press Ctrl-C again to stop at once)");
        })
        .context("cannot watch for signals")?;
    Ok(flag)
}

/// Whether the program was started to go on when its terminal is closed, as `nohup` does: SIGHUP, the first of the
/// signals, is ignored. Where the system does not tell, it was not.
#[cfg(unix)]
fn outlives_terminal() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 != 0)
}

/// Without a terminal, a sign of life is due when nothing was said for this long.
const HEARTBEAT: Duration = Duration::from_secs(60);

/// Follows a training run on stderr, in Keras's look.
pub struct Follow {
    interrupted: Arc<AtomicBool>,
    /// The name of a part of a larger work, which gets no line for each epoch.
    part: Option<String>,
    bar: Option<ProgressBar>,
    epochs: usize,
    epoch_start: Instant,
    last_line: Instant,
    best: f64,
}

impl Follow {
    /// Follows a run and leaves it, to be continued later, when `interrupted` is set.
    pub fn new(interrupted: Arc<AtomicBool>) -> Self {
        let now = Instant::now();
        let bar = stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{pos:>5}/{len} {bar:20.green} {eta} {msg}")
                .expect("the template is valid")
                .progress_chars("━━─");
            // Ten redraws a second: the eye needs no more, and the terminal is not flooded.
            ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10)).with_style(style)
        });
        let best = f64::NEG_INFINITY;
        Self { interrupted, part: None, bar, epochs: 0, epoch_start: now, last_line: now, best }
    }

    /// As [`Follow::new`], for a part of a larger work: it is named, and there are no lines for epochs.
    pub fn part(interrupted: Arc<AtomicBool>, name: String) -> Self {
        Self { part: Some(name), ..Self::new(interrupted) }
    }

    /// What comes before a position.
    fn prefix(&self) -> String {
        self.part.as_ref().map(|part| format!("{part}, ")).unwrap_or_default()
    }

    fn action(&self) -> Action {
        if self.interrupted.load(Ordering::SeqCst) { Action::Pause } else { Action::Continue }
    }

    fn line(&mut self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| note(text)),
            None => note(text),
        }
        self.last_line = Instant::now();
    }
}

impl Callback<f32> for Follow {
    fn on_train_begin(&mut self, epochs: usize, steps_per_epoch: usize) -> Result<(), TrainError> {
        self.epochs = epochs;
        self.epoch_start = Instant::now();
        if let Some(bar) = &self.bar {
            bar.set_length(steps_per_epoch as u64);
        }
        Ok(())
    }

    fn on_resume(
        &mut self,
        state: &TrainingState<f32>,
        _own: Option<&CallbackState<f32>>,
    ) -> Result<(), TrainError> {
        let before = state.history().iter().filter_map(|log| log.val_accuracy);
        self.best = before.fold(self.best, f64::max);
        if let Some(bar) = &self.bar {
            bar.set_position(state.step() as u64);
            bar.reset_eta();
        }
        let (epoch, step) = (state.epoch() + 1, state.step());
        let prefix = self.prefix();
        self.line(&format!("{prefix}resuming in epoch {epoch} after {step} steps"));
        Ok(())
    }

    fn on_step_end(&mut self, end: StepEnd) -> Result<Action, TrainError> {
        let StepEnd { epoch, step, steps, loss, accuracy } = end;
        let loss = Loss(loss);
        let done = step + 1;
        let prefix = self.prefix();
        if let Some(bar) = &self.bar {
            if step == 0 {
                bar.reset_eta();
            }
            bar.set_position(done as u64);
            bar.set_message(format!(
                "{prefix}epoch {}/{} - accuracy: {accuracy:.4} - loss: {loss}",
                epoch + 1,
                self.epochs
            ));
        } else if self.last_line.elapsed() > HEARTBEAT {
            let epochs = self.epochs;
            self.line(&format!(
                "{prefix}{}/{epochs} {done}/{steps} - accuracy: {accuracy:.4} - loss: {loss}",
                epoch + 1
            ));
        }
        Ok(self.action())
    }

    fn on_epoch_end(&mut self, end: EpochEnd<f32>) -> Result<Action, TrainError> {
        let EpochLog { epoch, loss, accuracy, val_loss, val_accuracy, learning_rate, .. } = *end.log;
        let (seconds, loss) = (self.epoch_start.elapsed().as_secs_f64(), Loss(loss));
        let mut text =
            format!("{}/{} - {seconds:.1}s - accuracy: {accuracy:.4} - loss: {loss}", epoch + 1, self.epochs);
        if let (Some(val_accuracy), Some(val_loss)) = (val_accuracy, val_loss) {
            text += &format!(" - val_accuracy: {val_accuracy:.4} - val_loss: {}", Loss(val_loss));
            if val_accuracy > self.best {
                self.best = val_accuracy;
                text += " *best";
            }
        }
        text += &format!(" - lr: {learning_rate:.1e}");
        if self.part.is_none() {
            self.line(&text);
        }
        self.epoch_start = Instant::now();
        Ok(self.action())
    }

    fn on_train_end(&mut self, _network: &mut nn_core::model::Network<f32>) -> Result<(), TrainError> {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        Ok(())
    }
}
