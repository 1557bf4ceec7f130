//! Each verb does in a journal what it does in memory, and is still done when the journal is opened again.

use std::fmt::Debug;

use jiff::Timestamp;
use serde_json::json;
use tpe::storage::{
    Admission, Admitted, AttrKind, FAILED_TRIAL, Journal, Known, Memory, NewTrial, Storage, StorageError,
    StudyId,
};
use tpe::{Attrs, Direction, Distribution, Param, State, Trial, TrialId, Value};

use super::{create, float, place, running, with_study};

/// Answers as text, in which NaN equals itself. Times differ between storages; whether there is one does not.
#[derive(Default)]
struct Answers(Vec<String>);

impl Answers {
    fn note(&mut self, answer: impl Debug) {
        self.0.push(format!("{answer:?}"));
    }

    fn trials(&mut self, trials: Vec<Trial>) {
        for mut trial in trials {
            let times = (trial.started.take().is_some(), trial.finished.take().is_some());
            self.note((trial, times));
        }
    }
}

fn use_every_verb(storage: &dyn Storage) -> Vec<String> {
    let mut answers = Answers::default();
    let gone = storage.create_study("gone", &[Direction::Minimize]).unwrap();
    let in_gone = create(storage, gone, &running(0.5));
    let study =
        storage.create_study("one \"Ü\" NaN \n\\", &[Direction::Minimize, Direction::Maximize]).unwrap();
    answers.note(storage.create_study("gone", &[Direction::Maximize]));
    for kind in [AttrKind::User, AttrKind::System] {
        storage.set_study_attr(study, kind, "key", &json!({ "a": [1, null, "Infinity"] })).unwrap();
        storage.set_study_attr(study, kind, "key", &json!(1.5e300)).unwrap();
    }
    let first = create(storage, study, &running(0.1 + 0.2));
    let waiting = NewTrial {
        user_attrs: Attrs::from([("why".into(), json!("a guess"))]),
        system_attrs: Attrs::from([("fixed_params".into(), json!({ "x": 0.25 }))]),
        ..NewTrial::new(State::Waiting)
    };
    let second = create(storage, study, &waiting);
    let choices = vec![Value::None, true.into(), 3.into(), 2.5.into(), "Adam".into()];
    let several = [
        ("c".to_owned(), Param { internal: 4.0, distribution: Distribution::Categorical { choices } }),
        (
            "n".to_owned(),
            Param { internal: 8.0, distribution: Distribution::Int { low: 1, high: 64, log: true, step: 1 } },
        ),
        (
            "q".to_owned(),
            Param {
                internal: 0.3,
                distribution: Distribution::Float { low: 0.0, high: 1.0, log: false, step: Some(0.1) },
            },
        ),
    ];
    answers.note(storage.set_params(first, &several));
    answers.note(storage.set_params(second, &[("c".into(), float(0.5))]));
    answers.note(storage.claim(first, &Attrs::new()));
    answers
        .note(storage.claim(second, &Attrs::from([("lease".into(), json!(9)), ("by".into(), json!("me"))])));
    answers.note(storage.claim(second, &Attrs::new()));
    for (step, value) in [(0, f64::NAN), (-3, f64::INFINITY), (7, f64::NEG_INFINITY), (8, 5e-324), (8, -0.0)]
    {
        answers.note(storage.report(first, step, value));
    }
    answers.note(storage.set_trial_attr(first, AttrKind::User, "é", &json!([{}])));
    answers.note(storage.set_trial_attr(first, AttrKind::System, "s", &json!("t")));
    answers.note(storage.finish(first, State::Complete, &[f64::INFINITY, f64::MAX]));
    answers.note(storage.finish(first, State::Fail, &[]));
    answers.note(storage.report(first, 1, 1.0));
    answers.note(storage.set_params(first, &several));
    answers.note(storage.set_trial_attr(first, AttrKind::User, "late", &json!(1)));
    let again = NewTrial {
        system_attrs: Attrs::from([(FAILED_TRIAL.into(), json!(1))]),
        ..NewTrial::new(State::Waiting)
    };
    answers.note(storage.repeat(second, &again));
    answers.note(storage.repeat(second, &again));
    for (number, budget) in [(Some(2), None), (Some(3), Some(2)), (Some(3), Some(3)), (None, Some(3))] {
        answers.note(storage.create_trial(study, &running(1.0), Admission { number, budget }));
    }
    for state in [State::Complete, State::Pruned, State::Fail] {
        let values = if state == State::Fail { vec![] } else { vec![f64::NEG_INFINITY] };
        let finished = NewTrial { values, intermediate: vec![(3, f64::NAN), (-1, 1e22)], ..running(0.0) };
        create(storage, study, &NewTrial { state, ..finished });
    }
    answers.note(storage.delete_study(gone));
    answers.note(storage.delete_study(gone));
    answers.note((storage.trial(in_gone), storage.trials(gone, &Known::default())));
    answers.note((
        storage.finish(in_gone, State::Fail, &[]),
        storage.trial(TrialId(-1)),
        storage.trial(TrialId(99)),
    ));
    answers.note(storage.set_study_attr(gone, AttrKind::User, "key", &json!(0)));
    answers.note(storage.create_study("gone", &[Direction::Maximize]));
    answers.note(storage.study("gone"));
    answers.note(storage.studies());
    answers.trials(storage.trials(study, &Known::default()).unwrap());
    let known = Known { unfinished: vec![second, TrialId(4)], last: Some(TrialId(5)) };
    answers.trials(storage.trials(study, &known).unwrap());
    answers.0
}

#[test]
fn every_verb_does_the_same_as_in_memory() {
    let (_folder, path) = place();
    let journal = Journal::open(&path).unwrap();
    let (here, there) = (use_every_verb(&journal), use_every_verb(&Memory::new()));
    for (here, there) in here.iter().zip(&there) {
        assert_eq!(here, there);
    }
    assert_eq!(here.len(), there.len());
}

#[test]
fn everything_is_there_when_it_is_opened_again() {
    let (_folder, path) = place();
    let journal = Journal::open(&path).unwrap();
    use_every_verb(&journal);
    let again = Journal::open(&path).unwrap();
    assert_eq!(journal.studies().unwrap(), again.studies().unwrap());
    for study in journal.studies().unwrap() {
        let trials = |of: &Journal| format!("{:?}", of.trials(study.id, &Known::default()).unwrap());
        assert_eq!(trials(&journal), trials(&again));
    }
}

#[test]
fn two_that_have_it_open_see_each_other() {
    let (_folder, path) = place();
    let (one, study) = with_study(&path);
    let two = Journal::open(&path).unwrap();
    let trial = create(&one, study, &running(0.5));
    assert_eq!(two.trial(trial).unwrap(), one.trial(trial).unwrap());
    assert!(two.finish(trial, State::Complete, &[1.0]).unwrap());
    assert!(!one.finish(trial, State::Complete, &[2.0]).unwrap());
    assert_eq!(one.trial(trial).unwrap().values, [1.0]);
    assert_eq!(create(&two, study, &running(0.5)), TrialId(1));
    assert_eq!(one.trials(study, &Known { unfinished: vec![], last: Some(trial) }).unwrap().len(), 1);
}

#[test]
fn identities_are_never_used_twice() {
    let (_folder, path) = place();
    let (journal, study) = with_study(&path);
    create(&journal, study, &running(0.5));
    journal.delete_study(study).unwrap();
    assert_eq!(journal.create_study("study", &[Direction::Minimize]).unwrap(), StudyId(1));
    assert_eq!(create(&journal, StudyId(1), &running(0.5)), TrialId(1));
    assert_eq!(journal.trial(TrialId(1)).unwrap().number, 0);
    journal.delete_study(StudyId(1)).unwrap();
    assert_eq!(journal.create_study("study", &[Direction::Minimize]).unwrap(), StudyId(2));
}

#[test]
fn times_are_exact_to_the_microsecond() {
    let (_folder, path) = place();
    let (journal, study) = with_study(&path);
    let now = || Timestamp::now().as_microsecond();
    let begin = now();
    let trial = create(&journal, study, &running(0.5));
    let middle = now();
    journal.finish(trial, State::Complete, &[1.0]).unwrap();
    let end = now();
    let trial = journal.trial(trial).unwrap();
    assert!((begin..=middle).contains(&trial.started.unwrap().as_microsecond()));
    assert!((middle..=end).contains(&trial.finished.unwrap().as_microsecond()));
}

/// What the verbs answer, on each storage that keeps tables.
#[test]
fn the_answers() {
    let (_folder, path) = place();
    for storage in [&Memory::new() as &dyn Storage, &Journal::open(&path).unwrap()] {
        let study = storage.create_study("study", &[Direction::Minimize]).unwrap();
        assert!(matches!(storage.create_study("study", &[]), Err(StorageError::StudyExists(_))));
        let first = create(storage, study, &running(0.5));
        let waiting = create(storage, study, &NewTrial::new(State::Waiting));

        let whole =
            Param { internal: 1.0, distribution: Distribution::Int { low: 0, high: 1, log: false, step: 1 } };
        let other_kind = [("new".into(), float(0.5)), ("x".into(), whole)];
        assert!(matches!(storage.set_params(waiting, &other_kind), Err(StorageError::Incompatible { .. })));
        assert!(storage.trial(waiting).unwrap().params.is_empty(), "all or none");
        let refused = storage.create_trial(
            study,
            &NewTrial { params: other_kind.into(), ..running(0.5) },
            Default::default(),
        );
        assert!(matches!(refused, Err(StorageError::Incompatible { .. })));

        assert!(!storage.finish(waiting, State::Complete, &[1.0]).unwrap());
        assert!(!storage.claim(first, &Attrs::new()).unwrap());
        let lease = Attrs::from([("lease".into(), json!(9))]);
        assert!(storage.trial(waiting).unwrap().started.is_none());
        assert!(storage.claim(waiting, &lease).unwrap());
        assert!(!storage.claim(waiting, &Attrs::new()).unwrap());
        let claimed = storage.trial(waiting).unwrap();
        assert_eq!((claimed.state, claimed.system_attrs), (State::Running, lease));
        assert!(claimed.started.is_some() && claimed.finished.is_none());

        storage.report(first, 3, 0.5).unwrap();
        assert!(storage.finish(first, State::Pruned, &[0.5]).unwrap());
        assert!(!storage.finish(first, State::Complete, &[0.25]).unwrap());
        let finished = storage.trial(first).unwrap();
        assert_eq!(
            (finished.state, finished.values.as_slice(), finished.last_report()),
            (State::Pruned, [0.5].as_slice(), Some((3, 0.5)))
        );
        assert!(finished.finished.is_some());
        let late = [
            storage.report(first, 4, 1.0),
            storage.set_params(first, &[("y".into(), float(0.5))]),
            storage.set_trial_attr(first, AttrKind::User, "late", &json!(1)),
        ];
        assert!(late.iter().all(|answer| matches!(answer, Err(StorageError::Finished(id)) if *id == first)));

        let repetition = NewTrial {
            system_attrs: Attrs::from([(FAILED_TRIAL.into(), json!(1))]),
            ..NewTrial::new(State::Waiting)
        };
        assert!(storage.repeat(waiting, &repetition).unwrap());
        assert!(!storage.repeat(waiting, &repetition).unwrap());
        assert_eq!(storage.trial(waiting).unwrap().state, State::Fail);
        let ask = |number, budget| {
            storage.create_trial(study, &running(1.0), Admission { number, budget }).unwrap()
        };
        assert_eq!(ask(Some(2), None), Admitted::NumberTaken);
        assert_eq!(ask(Some(3), Some(2)), Admitted::BudgetSpent);
        assert_eq!(ask(Some(3), Some(3)), Admitted::Created { id: TrialId(3), number: 3 });
        assert_eq!(ask(None, Some(3)), Admitted::BudgetSpent);

        let numbers = |known: &Known| -> Vec<_> {
            storage.trials(study, known).unwrap().iter().map(|trial| trial.number).collect()
        };
        assert_eq!(numbers(&Known::default()), [0, 1, 2, 3]);
        assert_eq!(numbers(&Known { unfinished: vec![waiting], last: Some(TrialId(2)) }), [1, 3]);
        storage.delete_study(study).unwrap();
        assert!(storage.studies().unwrap().is_empty());
        assert!(matches!(storage.delete_study(study), Err(StorageError::NoStudy(_))));
        assert!(matches!(storage.trials(study, &Known::default()), Err(StorageError::NoStudy(_))));
        assert!(matches!(storage.trial(first), Err(StorageError::NoTrial(_))));
        assert!(matches!(storage.report(TrialId(3), 0, 1.0), Err(StorageError::NoTrial(_))));
        assert!(matches!(storage.finish(TrialId(99), State::Fail, &[]), Err(StorageError::NoTrial(_))));
    }
}
