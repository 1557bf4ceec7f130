//! How long a suggestion takes, with finished trials in six dimensions.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use tpe::Study;
use tpe::history::{History, Observation, Outcome};
use tpe::sampler::{Ask, Joint, Random, Sampler};
use tpe::space::{Space, float};

fn space() -> Space {
    Space::new((0..6).map(|i| float(&format!("x{i}"), 0.0, 1.0))).expect("a valid space")
}

/// The sampler alone.
fn suggest(c: &mut Criterion) {
    let mut group = c.benchmark_group("suggest");
    let space = space();
    let fixed = [f64::NAN; 6];
    for trials in [100, 1000] {
        let mut history = History::new();
        for number in 0..trials {
            let ask = Ask { space: &space, history: &history, number, seed: 0, fixed: &fixed, noisy: false };
            let point = Random.suggest(&ask).expect("random search is never at an end").point;
            let loss = point.iter().map(|x| (x - 0.3).powi(2)).sum();
            history.record(Observation {
                number,
                outcome: Outcome::Complete { loss },
                violation: 0.0,
                point,
            });
        }
        let mut number = trials;
        group.bench_function(BenchmarkId::from_parameter(trials), |b| {
            b.iter(|| {
                number += 1;
                let ask =
                    Ask { space: &space, history: &history, number, seed: 0, fixed: &fixed, noisy: false };
                Joint::default().suggest(&ask)
            })
        });
    }
    group.finish();
}

/// A whole trial of a study in memory: asked, evaluated, told. The study begins with 100 trials and grows.
fn trial(c: &mut Criterion) {
    let study = Study::builder(space()).open().expect("memory does not fail");
    let objective =
        |trial: &tpe::study::Evaluation<'_>| Ok((0..6).map(|i| trial.float(&format!("x{i}"))).sum());
    study.optimize(100, objective).expect("memory does not fail");
    c.bench_function("trial", |b| b.iter(|| study.optimize(1, objective)));
}

criterion_group!(benches, suggest, trial);
criterion_main!(benches);
