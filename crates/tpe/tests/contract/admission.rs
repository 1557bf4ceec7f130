//! Which trials a study takes.

use serde_json::json;
use tpe::State;
use tpe::storage::{Admission, Admitted, FAILED_TRIAL, Known, NewTrial, Storage};

use super::{Case, Trait, create, running, study};

pub const CASES: &[Case] = &[
    ("numbers_count_from_zero_in_each_study", numbers_count_from_zero_in_each_study),
    ("admission_by_number", admission_by_number),
    ("admission_by_budget", admission_by_budget),
    ("repetitions_do_not_count", repetitions_do_not_count),
    ("threads_share_the_budget", threads_share_the_budget),
];

fn numbers_count_from_zero_in_each_study(storage: &dyn Storage, _: &[Trait]) {
    let studies = [study(storage), storage.create_study("b", &[]).unwrap()];
    for number in 0..3 {
        for study in studies {
            let id = running(storage, study);
            assert_eq!(storage.trial(id).unwrap().number, number);
        }
    }
}

fn admission_by_number(storage: &dyn Storage, _: &[Trait]) {
    let study = study(storage);
    let new = NewTrial::new(State::Running);
    let ask =
        |number| storage.create_trial(study, &new, Admission { number: Some(number), budget: None }).unwrap();
    assert_eq!(ask(1), Admitted::NumberTaken);
    assert!(matches!(ask(0), Admitted::Created { number: 0, .. }));
    assert_eq!(ask(0), Admitted::NumberTaken);
    assert!(matches!(ask(1), Admitted::Created { number: 1, .. }));
    assert_eq!(ask(u64::MAX), Admitted::NumberTaken);
    assert_eq!(storage.trials(study, &Known::default()).unwrap().len(), 2);
}

fn admission_by_budget(storage: &dyn Storage, _: &[Trait]) {
    let study = study(storage);
    let ask = |state, budget| {
        let admission = Admission { number: None, budget: Some(budget) };
        storage.create_trial(study, &NewTrial::new(state), admission).unwrap()
    };
    assert_eq!(ask(State::Running, 0), Admitted::BudgetSpent);
    assert!(matches!(ask(State::Fail, 2), Admitted::Created { number: 0, .. }));
    assert!(matches!(ask(State::Waiting, 2), Admitted::Created { number: 1, .. }));
    assert_eq!(ask(State::Running, 2), Admitted::BudgetSpent);
    assert_eq!(ask(State::Running, 1), Admitted::BudgetSpent);
    assert!(matches!(ask(State::Running, u64::MAX), Admitted::Created { number: 2, .. }));
    let both = Admission { number: Some(3), budget: Some(3) };
    let new = NewTrial::new(State::Running);
    assert_eq!(storage.create_trial(study, &new, both).unwrap(), Admitted::BudgetSpent);
    let both = Admission { number: Some(2), budget: Some(3) };
    assert_eq!(storage.create_trial(study, &new, both).unwrap(), Admitted::NumberTaken);
}

fn repetitions_do_not_count(storage: &dyn Storage, _: &[Trait]) {
    let study = study(storage);
    let mut again = NewTrial::new(State::Waiting);
    again.system_attrs.insert(FAILED_TRIAL.into(), json!(0));
    let first = running(storage, study);
    storage.repeat(first, &again).unwrap();
    create(storage, study, &again);
    let mut noted = NewTrial::new(State::Running);
    noted.user_attrs.insert(FAILED_TRIAL.into(), json!(0));
    noted.system_attrs.insert("failed".into(), json!(0));
    let ask = |budget| {
        storage.create_trial(study, &noted, Admission { number: None, budget: Some(budget) }).unwrap()
    };
    assert_eq!(ask(1), Admitted::BudgetSpent);
    assert!(matches!(ask(2), Admitted::Created { number: 3, .. }));
    assert_eq!(ask(2), Admitted::BudgetSpent);
    assert!(matches!(ask(3), Admitted::Created { number: 4, .. }));
    assert_eq!(ask(3), Admitted::BudgetSpent);
}

fn threads_share_the_budget(storage: &dyn Storage, _: &[Trait]) {
    let study = study(storage);
    let waiting: Vec<_> = (0..10).map(|_| create(storage, study, &NewTrial::new(State::Waiting))).collect();
    let admission = Admission { number: None, budget: Some(50) };
    let claimed: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let new = NewTrial::new(State::Running);
                    while storage.create_trial(study, &new, admission).unwrap() != Admitted::BudgetSpent {}
                    waiting.iter().filter(|id| storage.claim(**id, &Default::default()).unwrap()).count()
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert_eq!(claimed, waiting.len());
    let trials = storage.trials(study, &Known::default()).unwrap();
    assert!(trials.iter().map(|trial| trial.number).eq(0..50));
}
