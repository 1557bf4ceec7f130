//! Studies over a storage in memory: what is asked, told, repeated and counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tpe::pruner::{Threshold, ThresholdOptions};
use tpe::sampler::{Hyperopt, Joint, Optuna5, Random, Sampler};
use tpe::space::{Space, SpaceError, categorical, float, int};
use tpe::storage::{Memory, Storage};
use tpe::study::{Ending, Evaluation, Interrupt, Study, StudyBuilder, StudyError, reasons};
use tpe::{Direction, State, Value};

fn space() -> Space {
    let declarations = [
        categorical("optimizer", ["adam", "sgd"]),
        float("rate", 1e-5, 1e-1).log(),
        float("momentum", 0.0, 0.99).when("optimizer", "sgd"),
        int("units", 8, 64).step(8),
    ];
    Space::new(declarations).unwrap()
}

/// Least at adam, a rate of 0.001, 32 units.
fn objective(trial: &Evaluation<'_>) -> Result<f64, Interrupt> {
    let momentum = trial.get("momentum").and_then(|momentum| momentum.as_f64());
    let rate = (trial.float("rate").log10() + 3.0).powi(2);
    Ok(rate + (trial.int("units") - 32).abs() as f64 / 8.0 + momentum.map_or(0.0, |momentum| 1.0 + momentum))
}

fn on(storage: &Arc<Memory>) -> StudyBuilder {
    Study::builder(space()).shared_storage(storage.clone())
}

/// Everything of the trials that does not depend on the time of day.
fn facts(study: &Study) -> Vec<String> {
    let trials = study.trials().unwrap();
    trials
        .iter()
        .map(|t| format!("{} {:?} {:?} {:?} {:?}", t.number, t.state, t.values, t.params, reasons(t)))
        .collect()
}

#[test]
fn fifteen_trials_are_seven_and_eight() {
    let whole = Study::builder(space()).seed(5).open().unwrap();
    whole.optimize(15, objective).unwrap();
    let storage = Arc::new(Memory::new());
    on(&storage).seed(5).open().unwrap().optimize(7, objective).unwrap();
    let resumed = on(&storage).seed(5).open().unwrap();
    resumed.optimize(8, objective).unwrap();
    assert_eq!(facts(&whole), facts(&resumed));
    assert!(facts(&whole).len() == 15 && !reasons(&whole.trials().unwrap()[14]).is_empty());

    let other = Study::builder(space()).seed(6).open().unwrap();
    other.optimize(15, objective).unwrap();
    assert_ne!(facts(&whole), facts(&other), "another seed");
}

#[test]
fn the_next_point_does_not_depend_on_the_order_in_which_trials_end() {
    let next = |order: [usize; 8]| {
        let study = Study::builder(space()).open().unwrap();
        let asked: Vec<_> = (0..8).map(|_| study.ask().unwrap().unwrap()).collect();
        for trial in order {
            let ending = Ending::Complete(objective(&asked[trial]).unwrap_or_default());
            assert!(study.tell(&asked[trial], ending).unwrap());
        }
        study.ask().unwrap().unwrap().values()
    };
    assert_eq!(next([0, 1, 2, 3, 4, 5, 6, 7]), next([5, 0, 7, 3, 1, 6, 2, 4]));
}

#[test]
fn searching_finds_the_best_and_knows_it() {
    let study = Study::builder(space()).open().unwrap();
    study.optimize(80, objective).unwrap();
    let best = study.best().unwrap().unwrap();
    assert!(best.value().unwrap() < 0.2, "{:?}", best.value());
    assert_eq!(best.param("optimizer"), Some(Value::from("adam")));
    assert_eq!(best.param("momentum"), None);
    let least =
        study.trials().unwrap().iter().filter_map(|trial| trial.value()).fold(f64::INFINITY, f64::min);
    assert_eq!(best.value(), Some(least));

    let mirrored = Study::builder(space()).maximize().open().unwrap();
    mirrored.optimize(80, |trial| objective(trial).map(|value| -value)).unwrap();
    assert_eq!(mirrored.best().unwrap().unwrap().params, best.params, "the greatest of the negative");
}

#[test]
fn workers_together_keep_to_the_budget_and_never_begin_alike() {
    let storage = Arc::new(Memory::new());
    let calls = AtomicUsize::new(0);
    let seen = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let study = on(&storage).budget(50).open().unwrap();
                let count = |trial: &Evaluation<'_>| {
                    calls.fetch_add(1, Ordering::Relaxed);
                    objective(trial)
                };
                study
                    .run()
                    .workers(2)
                    .on_trial(|_| _ = seen.fetch_add(1, Ordering::Relaxed))
                    .start(count)
                    .unwrap();
            });
        }
    });
    assert_eq!((calls.into_inner(), seen.into_inner()), (50, 50));
    let trials = on(&storage).open().unwrap().trials().unwrap();
    assert!(trials.iter().map(|trial| trial.number).eq(0..50));
    assert!(trials.iter().all(|trial| trial.state == State::Complete));
    let rates: std::collections::HashSet<_> =
        trials.iter().map(|trial| trial.params["rate"].internal.to_bits()).collect();
    assert_eq!(rates.len(), 50);
}

#[test]
fn enqueued_points_come_first_and_are_completed() {
    let study = Study::builder(space()).open().unwrap();
    study.enqueue([("optimizer", Value::from("sgd")), ("units", Value::from(24))]).unwrap();
    study.optimize(3, objective).unwrap();
    let first = &study.trials().unwrap()[0];
    assert_eq!((first.param("optimizer"), first.param("units")), (Some("sgd".into()), Some(24.into())));
    assert_eq!(first.params.len(), 4, "rate and momentum were sampled");
    assert_eq!(study.trials().unwrap().len(), 3);

    let unknown = study.enqueue([("unit", 24)]).unwrap_err();
    assert_eq!(unknown.to_string(), "there is no parameter \"unit\"; did you mean \"units\"?");
    assert!(matches!(study.enqueue([("units", 65)]), Err(StudyError::Space(SpaceError::Value { .. }))));
    assert!(matches!(study.enqueue([("units", 24.0)]), Err(StudyError::Space(SpaceError::Value { .. }))));
}

#[test]
fn failures_prunings_and_infinities_are_what_they_are() {
    let threshold = Threshold::new(ThresholdOptions { upper: Some(1.0), ..Default::default() }).unwrap();
    let study = Study::builder(space()).pruner(threshold).open().unwrap();
    let run = |trial: &Evaluation<'_>| match trial.number() {
        0 => Ok(f64::NAN),
        1 => Err("no memory".into()),
        2 => Ok(f64::INFINITY),
        3 => {
            trial.report(0, 0.5)?;
            trial.report(1, 7.0)?;
            unreachable!("7 is beyond the threshold")
        }
        _ => objective(trial),
    };
    study.optimize(12, run).unwrap();
    let trials = study.trials().unwrap();
    let states: Vec<_> = trials[..4].iter().map(|trial| (trial.state, trial.value())).collect();
    assert_eq!(
        states,
        [
            (State::Fail, None),
            (State::Fail, None),
            (State::Complete, Some(f64::INFINITY)),
            (State::Pruned, Some(7.0))
        ]
    );
    assert_eq!(trials[1].user_attrs["failure"], "no memory");
    assert!(trials[4..].iter().all(|trial| trial.state == State::Complete));
}

#[test]
fn constraints_come_before_values() {
    let study = Study::builder(space()).open().unwrap();
    study
        .optimize(60, |trial| {
            trial.constrain("at least 48 units", (48 - trial.int("units")) as f64)?;
            objective(trial)
        })
        .unwrap();
    let best = study.best().unwrap().unwrap();
    assert!(best.param("units").unwrap().as_i64().unwrap() >= 48);
}

/// A study whose workers count as dead at once.
fn hasty(storage: &Arc<Memory>) -> Study {
    on(storage).lease(Duration::from_millis(20)).open().unwrap()
}

#[test]
fn the_trial_of_a_dead_worker_is_repeated_once() {
    let storage = Arc::new(Memory::new());
    let dead = hasty(&storage);
    let lost = dead.ask().unwrap().unwrap();
    let study = hasty(&storage);
    assert_eq!(study.ask().unwrap().unwrap().number(), 1, "the first worker still lives");
    std::thread::sleep(Duration::from_millis(60));

    let repetition = study.ask().unwrap().unwrap();
    assert_eq!(repetition.values(), lost.values());
    let trials = study.trials().unwrap();
    assert_eq!(trials[0].state, State::Fail);
    assert_eq!(trials[repetition.number() as usize].system_attrs["failed_trial"], 0);
    // This one dies too: enough.
    std::thread::sleep(Duration::from_millis(60));
    study.ask().unwrap();
    let trials = study.trials().unwrap();
    let alike: Vec<_> = trials.iter().filter(|trial| trial.params == trials[0].params).collect();
    assert_eq!(alike.iter().map(|trial| trial.number).collect::<Vec<_>>(), [0, repetition.number()]);
    assert!(alike.iter().all(|trial| trial.state == State::Fail));
}

#[test]
fn repetitions_are_not_counted_by_the_budget() {
    let storage = Arc::new(Memory::new());
    drop(hasty(&storage).ask().unwrap());
    std::thread::sleep(Duration::from_millis(60));
    let study = on(&storage).lease(Duration::from_secs(60)).budget(5).open().unwrap();
    study.run().start(objective).unwrap();
    let trials = study.trials().unwrap();
    assert_eq!(trials.len(), 6);
    assert_eq!(trials.iter().filter(|trial| trial.state == State::Complete).count(), 5);
}

#[test]
fn a_worker_that_has_to_stop_gives_its_trial_back() {
    let storage = Arc::new(Memory::new());
    let study = on(&storage).budget(2).repetitions(0).open().unwrap();
    let stop = AtomicBool::new(false);
    let interrupted = |_: &Evaluation<'_>| {
        stop.store(true, Ordering::Relaxed);
        Err(Interrupt::Abandoned)
    };
    study.run().stop(&stop).start(interrupted).unwrap();
    let states = |study: &Study| study.trials().unwrap().iter().map(|trial| trial.state).collect::<Vec<_>>();
    assert_eq!(states(&study), [State::Fail, State::Waiting]);
    study.run().start(objective).unwrap();
    assert_eq!(states(&study), [State::Fail, State::Complete, State::Complete]);
    let trials = study.trials().unwrap();
    assert_eq!((&trials[0].params, &trials[1].system_attrs["failed_trial"]), (&trials[1].params, &0.into()));
}

#[test]
fn the_trials_of_a_worker_that_is_known_to_be_dead_are_given_back_at_once() {
    let storage = Arc::new(Memory::new());
    let worker = |name| on(&storage).lease(Duration::from_secs(3600)).worker(name).open().unwrap();
    let (dead, alive) = (worker("dead"), worker("alive"));
    let (lost, kept) = (dead.ask().unwrap().unwrap(), alive.ask().unwrap().unwrap());
    for _ in 0..3 {
        worker("third").abandon("dead").unwrap();
        let study = worker("dead");
        let repetition = study.ask().unwrap().unwrap();
        assert_eq!((repetition.values(), repetition.turn()), (lost.values(), 0), "however often");
    }
    worker("third").abandon("third").unwrap();
    assert!(alive.tell(&kept, Ending::Complete(1.0)).unwrap());
    assert_eq!(alive.trials().unwrap().len(), 2 + 3);
}

#[test]
fn a_search_with_repeated_trials_ends_like_one_in_one_go() {
    let samplers: [fn() -> Box<dyn Sampler>; 4] = [
        || Joint::default().into(),
        || Hyperopt::default().into(),
        || Optuna5::default().into(),
        || Random.into(),
    ];
    for sampler in samplers {
        let open = |storage: &Arc<Memory>| on(storage).sampler(sampler()).seed(5).budget(25).open().unwrap();
        let whole = open(&Arc::new(Memory::new()));
        whole.run().start(objective).unwrap();

        let storage = Arc::new(Memory::new());
        // The first trial is left twice; each time another worker goes on.
        for left in [0, 0, 3, 9, 23] {
            let study = open(&storage);
            while let Some(trial) = study.ask().unwrap() {
                let leaves = trial.turn() == left;
                let ending =
                    if leaves { Ending::Abandoned } else { Ending::Complete(objective(&trial).unwrap()) };
                study.tell(&trial, ending).unwrap();
                if leaves {
                    break;
                }
            }
        }
        let parts = open(&storage);
        parts.run().start(objective).unwrap();
        let results = |study: &Study| -> Vec<String> {
            let trials = study.trials().unwrap();
            let complete = trials.iter().filter(|trial| trial.state == State::Complete);
            complete.map(|t| format!("{:?} {:?} {:?}", t.values, t.params, reasons(t))).collect()
        };
        assert_eq!((whole.trials().unwrap().len(), parts.trials().unwrap().len()), (25, 30));
        assert_eq!(results(&whole), results(&parts));
    }
}

#[test]
fn a_late_result_counts_if_the_repetition_has_not_ended() {
    let storage = Arc::new(Memory::new());
    let (early, late) = (hasty(&storage), hasty(&storage));
    let slow = late.ask().unwrap().unwrap();
    std::thread::sleep(Duration::from_millis(60));
    let repetition = early.ask().unwrap().unwrap();
    assert!(late.tell(&slow, Ending::Complete(1.25)).unwrap());
    let stored = &early.trials().unwrap()[repetition.number() as usize];
    assert_eq!((stored.state, stored.value()), (State::Complete, Some(1.25)));
    assert!(!early.tell(&repetition, Ending::Complete(9.0)).unwrap(), "it has ended already");
    assert!(!late.tell(&slow, Ending::Complete(2.0)).unwrap());
    assert_eq!(early.trials().unwrap()[repetition.number() as usize].value(), Some(1.25));
}

#[test]
fn running_trials_keep_their_leases() {
    let storage = Arc::new(Memory::new());
    let (one, two) = (hasty(&storage), hasty(&storage));
    let result = std::thread::scope(|scope| {
        let slow = scope.spawn(|| {
            one.optimize(1, |trial| {
                std::thread::sleep(Duration::from_millis(150));
                objective(trial)
            })
        });
        std::thread::sleep(Duration::from_millis(100));
        let asked = two.ask().unwrap().unwrap().number();
        slow.join().unwrap().unwrap();
        asked
    });
    assert_eq!(result, 1, "not a repetition of trial 0");
    assert_eq!(two.trials().unwrap()[0].state, State::Complete);
}

#[test]
fn a_panic_fails_the_trial_and_goes_on() {
    let storage = Arc::new(Memory::new());
    let study = on(&storage).open().unwrap();
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        study.optimize(1, |trial| Ok(trial.float("momentun")))
    }));
    let message = panic.unwrap_err();
    assert_eq!(message.downcast_ref::<String>().unwrap(), "trial 0 has no parameter \"momentun\"");
    assert_eq!(on(&storage).open().unwrap().trials().unwrap()[0].state, State::Fail);
}

#[test]
fn runs_end_when_they_are_told_to() {
    let study = Study::builder(space()).open().unwrap();
    study.run().time(Duration::ZERO).start(objective).unwrap();
    assert!(study.trials().unwrap().is_empty());
    let stop = AtomicBool::new(false);
    let halt = |trial: &Evaluation<'_>| {
        stop.store(trial.number() == 4, Ordering::Relaxed);
        objective(trial)
    };
    study.run().stop(&stop).start(halt).unwrap();
    assert_eq!(study.trials().unwrap().len(), 5);
    let small = Space::new([categorical("c", [1, 2, 3])]).unwrap();
    let study = Study::builder(small).open().unwrap();
    study.run().start(|trial| Ok(trial.float("c"))).unwrap();
    assert_eq!(study.trials().unwrap().len(), 3, "every point once");
}

#[test]
fn a_study_keeps_its_goal() {
    let storage = Arc::new(Memory::new());
    on(&storage).open().unwrap();
    let error = on(&storage).maximize().open().err().unwrap();
    assert_eq!(error.to_string(), "study \"study\" exists with the goal to minimize, not to maximize");
    storage.create_study("two", &[Direction::Minimize, Direction::Minimize]).unwrap();
    assert!(matches!(on(&storage).name("two").open(), Err(StudyError::Direction { .. })));
}
