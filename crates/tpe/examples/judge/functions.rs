//! The functions that samplers are judged on, each with its space and its least value.

use std::f64::consts::PI;

use tpe::Value;
use tpe::space::{Declaration, Space, SpaceError, categorical, float, int};

/// A named value of a point.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Value;

/// Something to minimise.
pub struct Function {
    pub name: &'static str,
    pub space: Space,
    pub evaluate: fn(Lookup<'_>) -> f64,
    /// The least value.
    pub least: f64,
}

/// All functions.
pub fn all() -> Result<Vec<Function>, SpaceError> {
    let cube =
        |low, high, n: usize| (0..n).map(move |i| float(&format!("x{i}"), low, high)).collect::<Vec<_>>();
    let function = |name, declarations: Vec<Declaration>, evaluate, least| {
        Ok(Function { name, space: Space::new(declarations)?, evaluate, least })
    };
    Ok(vec![
        function("branin", vec![float("x1", -5.0, 10.0), float("x2", 0.0, 15.0)], branin, 0.397887)?,
        function("hartmann6", cube(0.0, 1.0, 6), hartmann6, -3.32237)?,
        function(
            "mixed_cond",
            vec![
                categorical("opt", ["adam", "sgd", "rms"]),
                categorical("model", ["a", "b", "c"]),
                float("a_x", 0.0, 1.0).when("model", "a"),
                float("a_lr", 1e-5, 1.0).log().when("model", "a"),
                int("b_depth", 1, 12).when("model", "b"),
                categorical("b_act", ["relu", "elu", "tanh", "sig"]).when("model", "b"),
                int("c_units", 8, 512).log().when("model", "c"),
                float("c_drop", 0.0, 0.5).step(0.05).when("model", "c"),
            ],
            mixed_cond,
            0.05,
        )?,
        function(
            "seed_cnn",
            vec![
                categorical("conv_kernel_size", [1, 3, 5]),
                float("dropout_prob", 0.1, 0.35),
                categorical("optimizer", ["Adam", "sgd"]),
                categorical("activation", ["relu", "sigmoid", "elu"]),
            ],
            seed_cnn,
            0.20,
        )?,
        function("ackley5", cube(-32.768, 32.768, 5), ackley, 0.0)?,
        function("rosenbrock5", cube(-5.0, 10.0, 5), rosenbrock, 0.0)?,
    ])
}

fn number(point: Lookup<'_>, name: &str) -> f64 {
    point(name).as_f64().expect("a number")
}

fn coordinates(point: Lookup<'_>, n: usize) -> Vec<f64> {
    (0..n).map(|i| number(point, &format!("x{i}"))).collect()
}

/// What a choice costs.
fn cost(point: Lookup<'_>, name: &str, costs: &[(&str, f64)]) -> f64 {
    let value = point(name);
    costs.iter().find(|(choice, _)| value.as_str() == Some(choice)).expect("a choice of the space").1
}

fn branin(point: Lookup<'_>) -> f64 {
    let (x, y) = (number(point, "x1"), number(point, "x2"));
    (y - 5.1 / (4.0 * PI * PI) * x * x + 5.0 / PI * x - 6.0).powi(2)
        + 10.0 * (1.0 - 1.0 / (8.0 * PI)) * x.cos()
        + 10.0
}

fn hartmann6(point: Lookup<'_>) -> f64 {
    const ALPHA: [f64; 4] = [1.0, 1.2, 3.0, 3.2];
    const A: [[f64; 6]; 4] = [
        [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
        [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
        [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
        [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
    ];
    const P: [[f64; 6]; 4] = [
        [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
        [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
        [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
        [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
    ];
    let x = coordinates(point, 6);
    let term = |i: usize| -> f64 { (0..6).map(|j| A[i][j] * (x[j] - P[i][j]).powi(2)).sum() };
    -(0..4).map(|i| ALPHA[i] * (-term(i)).exp()).sum::<f64>()
}

/// Three branches of different kinds and a shared choice.
fn mixed_cond(point: Lookup<'_>) -> f64 {
    let base = cost(point, "opt", &[("adam", 0.0), ("sgd", 0.10), ("rms", 0.04)]);
    base + match point("model").as_str() {
        Some("a") => {
            0.12 + (number(point, "a_x") - 0.3).powi(2) + 0.03 * (number(point, "a_lr").log10() + 3.0).powi(2)
        }
        Some("b") => {
            let activation =
                cost(point, "b_act", &[("relu", 0.06), ("elu", 0.0), ("tanh", 0.15), ("sig", 0.3)]);
            0.05 + 0.01 * (number(point, "b_depth") - 7.0).powi(2) + activation
        }
        _ => {
            let units = number(point, "c_units").log2() - 7.0;
            0.08 + 0.05 * units * units + 2.0 * (number(point, "c_drop") - 0.2).powi(2)
        }
    }
}

/// A stand-in for a small search over a convolutional network.
fn seed_cnn(point: Lookup<'_>) -> f64 {
    let kernel = match point("conv_kernel_size").as_i64() {
        Some(1) => 0.18,
        Some(3) => 0.02,
        _ => 0.0,
    };
    let optimizer = cost(point, "optimizer", &[("Adam", 0.0), ("sgd", 0.12)]);
    let activation = cost(point, "activation", &[("relu", 0.0), ("sigmoid", 0.25), ("elu", 0.03)]);
    let together = if optimizer > 0.0 && activation == 0.03 { -0.05 } else { 0.0 };
    0.20 + kernel + optimizer + activation + together + 4.0 * (number(point, "dropout_prob") - 0.22).powi(2)
}

fn ackley(point: Lookup<'_>) -> f64 {
    let x = coordinates(point, 5);
    let mean = |f: &dyn Fn(f64) -> f64| x.iter().map(|&x| f(x)).sum::<f64>() / 5.0;
    let (squares, waves) = (mean(&|x| x * x), mean(&|x| (2.0 * PI * x).cos()));
    20.0 - 20.0 * (-0.2 * squares.sqrt()).exp() + 1f64.exp() - waves.exp()
}

fn rosenbrock(point: Lookup<'_>) -> f64 {
    let x = coordinates(point, 5);
    x.windows(2).map(|w| 100.0 * (w[1] - w[0] * w[0]).powi(2) + (1.0 - w[0]).powi(2)).sum()
}
