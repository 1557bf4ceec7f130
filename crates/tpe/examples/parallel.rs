//! Workers on many machines, which share a PostgreSQL database:
//! `cargo run --release -p tpe --example parallel -- postgresql://user:password@host/database`, as often and wherever
//! one likes. Together they evaluate 200 trials; the trial of a worker that dies is repeated by another one.

use std::time::Duration;

use tpe::Study;
use tpe::space::{Space, float, int};
use tpe::storage::Postgres;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("usage: parallel postgresql://user:password@host/database")?;
    let space = Space::new([float("x", 1e-3, 1e3).log(), int("n", 1, 16)])?;
    let study = Study::builder(space)
        .name("parallel")
        .storage(Postgres::connect(&url)?)
        .budget(200)
        .lease(Duration::from_secs(60))
        .open()?;
    let worker = std::process::id();
    study
        .run()
        .workers(2)
        .on_trial(|trial| println!("worker {worker}: trial {:3}  {:?}", trial.number, trial.value()))
        .start(|trial| {
            trial.note("worker", &worker.into())?;
            // What takes long in earnest.
            std::thread::sleep(Duration::from_millis(100));
            Ok(trial.float("x").ln().powi(2) + (trial.int("n") - 7).pow(2) as f64)
        })?;
    if let Some(best) = study.best()? {
        println!("best of {} trials: trial {}, {:?}", study.trials()?.len(), best.number, best.value());
    }
    Ok(())
}
