//! Judges samplers: how far the best point is from the least value after 15, 30 and 60 trials, and how long a
//! suggestion takes.
//!
//! `cargo run --release -p tpe --example judge -- [--seeds 100] [--json]`

mod functions;
mod tables;

use std::num::NonZero;
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use functions::Function;
use tpe::Value;
use tpe::history::{History, Observation, Outcome};
use tpe::sampler::{Ask, Hyperopt, Joint, Optuna5, Random, Sampler};
use tpe::study::Study;

/// After how many trials the best point is looked at.
const CHECKPOINTS: [usize; 3] = [15, 30, 60];

/// With how many trials suggestions are timed.
const SIZES: [u64; 2] = [100, 1000];

/// A name and how to make the sampler.
type Contestant = (&'static str, fn() -> Box<dyn Sampler>);

const CONTESTANTS: [Contestant; 5] = [
    ("ours", || Box::new(Joint::default())),
    ("hyperopt", || Box::new(Hyperopt::default())),
    ("optuna5", || Box::new(Optuna5::default())),
    ("optuna5_univariate", || Box::new(Optuna5 { multivariate: false, ..Optuna5::default() })),
    ("random", || Box::new(Random)),
];

/// First quartile, median and third quartile of the regrets at each checkpoint.
type Regrets = [[f64; 3]; CHECKPOINTS.len()];

fn main() -> ExitCode {
    let (mut seeds, mut json) = (100, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--json" => json = true,
            "--seeds" => match arguments.next().and_then(|n| n.parse().ok()).filter(|&n| n > 0) {
                Some(n) => seeds = n,
                None => return usage("--seeds needs a number above 0"),
            },
            other => return usage(&format!("unknown argument {other:?}")),
        }
    }
    match judge(seeds, json) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage(error: &str) -> ExitCode {
    eprintln!("error: {error}\nusage: judge [--seeds N] [--json]");
    ExitCode::from(2)
}

fn judge(seeds: u64, json: bool) -> Result<(), Box<dyn std::error::Error>> {
    let functions = functions::all()?;
    let mut regrets = Vec::new();
    for function in &functions {
        for (name, sampler) in CONTESTANTS {
            eprintln!("{}: {name}", function.name);
            regrets.push((function.name, name, over_seeds(function, sampler, seeds)));
        }
    }
    let timed = functions
        .iter()
        .find(|function| function.name == "hartmann6")
        .ok_or("no function in six dimensions")?;
    let mut times = Vec::new();
    for (name, sampler) in CONTESTANTS {
        eprintln!("time: {name}");
        times.push((name, SIZES.map(|trials| milliseconds(timed, &*sampler(), trials))));
    }
    if json {
        tables::print_json(&regrets, &times)
    } else {
        tables::print_text(&regrets, &times)
    }
    Ok(())
}

/// Quartiles over the seeds, which the processors share.
fn over_seeds(function: &Function, sampler: fn() -> Box<dyn Sampler>, seeds: u64) -> Regrets {
    let workers = thread::available_parallelism().map_or(1, NonZero::get) as u64;
    let mut runs: Vec<_> = thread::scope(|scope| {
        let share = |first: u64| {
            move || {
                (first..seeds)
                    .step_by(workers as usize)
                    .map(|seed| run(function, sampler(), seed))
                    .collect::<Vec<_>>()
            }
        };
        let handles: Vec<_> = (0..workers).map(|first| scope.spawn(share(first))).collect();
        handles.into_iter().flat_map(|handle| handle.join().expect("a run does not panic")).collect()
    });
    std::array::from_fn(|checkpoint| {
        runs.sort_by(|a, b| a[checkpoint].total_cmp(&b[checkpoint]));
        [0.25, 0.5, 0.75].map(|share| {
            // Linear between the neighbouring runs.
            let place = share * (runs.len() - 1) as f64;
            let (low, high) =
                (runs[place.floor() as usize][checkpoint], runs[place.ceil() as usize][checkpoint]);
            low + (high - low) * place.fract()
        })
    })
}

/// The regret of one study at each checkpoint.
fn run(function: &Function, sampler: Box<dyn Sampler>, seed: u64) -> [f64; CHECKPOINTS.len()] {
    let study = Study::builder(function.space.clone()).sampler(sampler).seed(seed);
    let study = study.open().expect("memory does not fail");
    let mut best = Vec::new();
    study
        .run()
        .trials(CHECKPOINTS[CHECKPOINTS.len() - 1] as u64)
        .start(|trial| Ok((function.evaluate)(&|name| trial.get(name).expect("a parameter of the branch"))))
        .expect("memory does not fail");
    for trial in study.trials().expect("memory does not fail") {
        let regret = trial.value().expect("every trial has a value") - function.least;
        best.push(best.last().map_or(regret, |&least: &f64| least.min(regret)));
    }
    // A small space may be exhausted before.
    CHECKPOINTS.map(|trials| best[trials.min(best.len()) - 1])
}

/// The median time of a suggestion after `trials` random trials.
fn milliseconds(function: &Function, sampler: &dyn Sampler, trials: u64) -> f64 {
    let fixed = vec![f64::NAN; function.space.len()];
    let mut history = History::new();
    for number in 0..trials {
        let ask =
            Ask { space: &function.space, history: &history, number, seed: 0, fixed: &fixed, noisy: false };
        let point = Random.suggest(&ask).expect("random search is never at an end").point;
        let value = |name: &str| Value::Float(point[function.space.index(name).expect("a parameter")]);
        let loss = (function.evaluate)(&value);
        history.record(Observation { number, outcome: Outcome::Complete { loss }, violation: 0.0, point });
    }
    let mut times: Vec<_> = (trials..trials + 201)
        .map(|number| {
            let ask = Ask {
                space: &function.space,
                history: &history,
                number,
                seed: 0,
                fixed: &fixed,
                noisy: false,
            };
            let begin = Instant::now();
            std::hint::black_box(sampler.suggest(&ask).expect("a continuum is never exhausted"));
            begin.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
