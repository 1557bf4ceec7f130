//! Four optimisers walk down the same narrow valley.
//!
//! `f(a, b) = (a² + 40·b²) / 2` is forty times steeper across (`b`) than along (`a`), as losses often are.
//! Plain gradient descent cannot win here: a step that suits the gentle slope overshoots the steep one, so `b`
//! zigzags while `a` creeps. Momentum averages the zigzag away and gathers speed along the valley; Nesterov
//! looks ahead and swings less; Adam divides each gradient by its usual size, so both axes look alike to it.
//! Change the learning rates: which optimiser is the first to be thrown out of the valley?

use std::error::Error;
use std::iter;

use nn_core::layer::Param;
use nn_core::optim::{Adam, Optimizer, OptimizerConfig, Sgd};
use nn_core::tensor;

const STEPS: usize = 200;
const SHOWN: [usize; 10] = [0, 1, 2, 3, 5, 10, 20, 50, 100, 200];

fn f([a, b]: [f64; 2]) -> f64 {
    (a * a + 40.0 * b * b) / 2.0
}

fn gradient([a, b]: [f64; 2]) -> [f64; 2] {
    [a, 40.0 * b]
}

/// All points on the way from (10, 1), the first one included.
fn walk(config: OptimizerConfig) -> Result<Vec<[f64; 2]>, Box<dyn Error>> {
    let mut optimizer = Optimizer::<f64>::new(config)?;
    let mut param = Param::new("point", tensor(&[2], vec![10.0, 1.0]));
    let mut path = vec![[10.0, 1.0]];
    for step in 0..STEPS {
        let slope = ndarray::arr1(&gradient(path[step])).into_dyn();
        optimizer.step(iter::once((&mut param, Some(&slope))));
        path.push([param.value[[0]], param.value[[1]]]);
    }
    Ok(path)
}

/// Compares the four paths.
pub fn main() -> Result<(), Box<dyn Error>> {
    let optimizers: [(&str, OptimizerConfig); 4] = [
        ("SGD", Sgd::new(0.045).into()),
        ("momentum 0.8", Sgd::new(0.02).momentum(0.8).into()),
        ("Nesterov 0.8", Sgd::new(0.02).momentum(0.8).nesterov(true).into()),
        ("Adam", Adam::new(0.5).into()),
    ];
    let mut paths = Vec::new();
    for (_, config) in optimizers {
        paths.push(walk(config)?);
    }

    let titles = optimizers.map(|(name, config)| format!("{name}, lr {}", config.learning_rate()));
    println!("    {}", titles.map(|title| format!("{title:>25}")).concat());
    println!("step{}", format!("{:>15}{:>10}", "a", "b").repeat(optimizers.len()));
    for step in SHOWN {
        let points = paths.iter().map(|path| path[step]);
        println!(
            "{step:>4}{}",
            points.map(|[a, b]| format!("{:>15}{:>10}", number(a), number(b))).collect::<String>()
        );
    }

    println!("\nValue of f at the end, and the first step after which it stays below 0.001");
    for ((name, _), path) in optimizers.iter().zip(&paths) {
        let arrived = path.iter().rposition(|&point| f(point) >= 1e-3).map_or(0, |last| last + 1);
        let when = if arrived > STEPS { "not yet".into() } else { format!("step {arrived}") };
        println!("{name:<13} f = {:<10.2e} {when}", f(path[STEPS]));
    }
    assert!(paths.iter().all(|path| f(path[STEPS]) < 1e-3), "not everyone reached the bottom");
    Ok(())
}

/// Four decimals, or the order of magnitude of what has left the valley.
fn number(value: f64) -> String {
    if value.abs() < 100.0 { format!("{value:.4}") } else { format!("{value:.0e}") }
}
