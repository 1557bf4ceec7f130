//! The shortest search: `cargo run --release -p tpe --example minimal`.

use tpe::Study;
use tpe::space::{Space, float};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let space = Space::new([float("x", -10.0, 10.0), float("y", -10.0, 10.0)])?;
    let study = Study::builder(space).open()?;
    study.optimize(100, |trial| Ok((trial.float("x") - 2.0).powi(2) + (trial.float("y") + 5.0).powi(2)))?;
    if let Some(best) = study.best()? {
        println!("trial {} of 100 is the best:", best.number);
        for (name, param) in &best.params {
            println!("  {name} = {}", param.value());
        }
        println!("  value {:.6}", best.value().unwrap_or(f64::NAN));
    }
    Ok(())
}
