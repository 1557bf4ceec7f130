//! Giving up early on what does not look good: `cargo run --release -p tpe --example pruning`.

use tpe::pruner::{SuccessiveHalving, SuccessiveHalvingOptions};
use tpe::space::{Space, float};
use tpe::{State, Study};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let space = Space::new([float("rate", 1e-4, 1.0).log()])?;
    let pruner = SuccessiveHalving::new(SuccessiveHalvingOptions::default())?;
    let study = Study::builder(space).pruner(pruner).open()?;
    study.optimize(60, |trial| {
        // A learning curve: quick at a high rate, but then it ends higher.
        let rate = trial.float("rate");
        let mut loss = 1.0;
        for epoch in 1..=27 {
            loss = 0.5 * rate + (-rate * 10.0 * epoch as f64).exp();
            trial.report(epoch, loss)?;
        }
        Ok(loss)
    })?;
    let trials = study.trials()?;
    let epochs: usize = trials.iter().map(|trial| trial.intermediate.len()).sum();
    let pruned = trials.iter().filter(|trial| trial.state == State::Pruned).count();
    println!(
        "{pruned} of {} trials were given up; {epochs} epochs instead of {}",
        trials.len(),
        27 * trials.len()
    );
    if let Some(best) = study.best()? {
        println!("best: rate {}, loss {:.4}", best.params["rate"].value(), best.value().unwrap_or(f64::NAN));
    }
    Ok(())
}
