//! Parameters that exist only for certain choices of others, in a file that Optuna and its dashboard open:
//! `cargo run --release -p tpe --example conditional -- models.db`.

use tpe::Study;
use tpe::space::{Space, categorical, float, int};
use tpe::storage::Sqlite;
use tpe::study::{Evaluation, Interrupt, reasons};

/// Made up, so that the example runs in no time: the error of two kinds of model.
fn error(trial: &Evaluation<'_>) -> Result<f64, Interrupt> {
    match trial.str("model").as_str() {
        "forest" => Ok(0.10 + (trial.int("depth") - 9).abs() as f64 * 0.01),
        "network" => {
            let rate = (trial.float("rate").log10() + 3.0).powi(2);
            let momentum = trial.get("momentum").and_then(|momentum| momentum.as_f64());
            Ok(0.05 + 0.02 * rate + momentum.map_or(0.03, |momentum| (momentum - 0.9).abs() * 0.1))
        }
        other => Err(format!("unknown model {other}").into()),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("usage: conditional FILE.db")?;
    let space = Space::new([
        categorical("model", ["forest", "network"]),
        int("depth", 2, 20).when("model", "forest"),
        float("rate", 1e-5, 1e-1).log().when("model", "network"),
        categorical("optimizer", ["adam", "sgd"]).when("model", "network"),
        float("momentum", 0.0, 0.99).when("optimizer", "sgd"),
    ])?;
    let study = Study::builder(space).name("models").storage(Sqlite::open(&file)?).open()?;
    study
        .run()
        .trials(40)
        .on_trial(|trial| println!("trial {:3}  {:?}", trial.number, trial.value()))
        .start(error)?;

    let best = study.best()?.ok_or("no trial was completed")?;
    println!("\nbest: trial {}, error {:.4}", best.number, best.value().unwrap_or(f64::NAN));
    for (name, param) in &best.params {
        let why = reasons(&best).into_iter().find(|(other, _)| other == name);
        println!(
            "  {name} = {}{}",
            param.value(),
            why.map_or(String::new(), |(_, why)| format!("  (ln l/g = {why:+.2})"))
        );
    }
    println!("\nimportance");
    for (name, share) in study.importance()? {
        println!("  {name:10} {share:.2}");
    }
    println!("\nrun it again to continue, or open it: optuna-dashboard sqlite:///{file}");
    Ok(())
}
