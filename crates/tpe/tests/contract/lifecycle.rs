//! Trials from their creation to their end.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tpe::storage::{AttrKind, FAILED_TRIAL, Known, NewTrial, Storage, StorageError};
use tpe::{Distribution, Param, State, TrialId, Value};

use super::{Case, Trait, choice, create, float, running, study};

pub const CASES: &[Case] = &[
    ("a_trial_comes_back_whole", a_trial_comes_back_whole),
    ("times_of_trials", times_of_trials),
    ("claimed_once", claimed_once),
    ("finished_once", finished_once),
    ("finished_trials_do_not_change", finished_trials_do_not_change),
    ("waiting_trials_may_change", waiting_trials_may_change),
    ("repeated_atomically", repeated_atomically),
    ("parameters_must_agree", parameters_must_agree),
    ("known_trials_are_not_read_again", known_trials_are_not_read_again),
    ("many_rows", many_rows),
];

fn a_trial_comes_back_whole(storage: &dyn Storage, _: &[Trait]) {
    let study = study(storage);
    let whole =
        Distribution::Int { low: i64::MIN.into(), high: i64::MAX.into(), log: false, step: i64::MAX.into() };
    let log = Distribution::Float { low: 1e-300, high: 1e300, log: true, step: None };
    let stepped = Distribution::Float { low: 0.0, high: 1.0, log: false, step: Some(0.1) };
    let param = |internal, distribution| Param { internal, distribution };
    let mut new = NewTrial::new(State::Pruned);
    new.values = vec![1.5, -2.5];
    new.params = vec![
        float("größe ≤ 'π' \"q\"", 0.1),
        ("int".into(), param(i64::MIN as f64, whole)),
        ("log".into(), param(1e-5, log)),
        ("stepped".into(), param(0.30000000000000004, stepped)),
        choice("choice", 3.0, &[Value::None, true.into(), 7.into(), "ein 🦀".into(), 2.5.into()]),
    ];
    new.intermediate = vec![(0, 3.0), (-4, 2.0), (7, 1.0)];
    new.user_attrs.insert("κλειδί".into(), json!({"a": [1, "ü"]}));
    new.system_attrs.insert("fixed_params".into(), json!({"x": 1}));
    let id = create(storage, study, &new);
    let trial = storage.trial(id).unwrap();
    assert_eq!((trial.id, trial.number, trial.state), (id, 0, State::Pruned));
    assert_eq!(trial.values, new.values);
    assert_eq!(trial.params, new.params.into_iter().collect::<BTreeMap<_, _>>());
    assert_eq!(trial.intermediate, new.intermediate.into_iter().collect::<BTreeMap<_, _>>());
    assert_eq!((&trial.user_attrs, &trial.system_attrs), (&new.user_attrs, &new.system_attrs));
    assert_eq!(trial.param("choice"), Some("ein 🦀".into()));
    assert_eq!(storage.trials(study, &Known::default()).unwrap(), [trial]);
}

fn times_of_trials(storage: &dyn Storage, _: &[Trait]) {
    // Times are cut to microseconds.
    let before = Timestamp::now() - SignedDuration::from_micros(1);
    let study = study(storage);
    let ids = [State::Waiting, State::Running, State::Complete]
        .map(|state| create(storage, study, &NewTrial { values: vec![0.0], ..NewTrial::new(state) }));
    let [waiting, running, complete] = ids.map(|id| storage.trial(id).unwrap());
    assert_eq!((waiting.started, waiting.finished), (None, None));
    assert!(running.started.is_some() && running.finished.is_none());
    assert!(complete.started.is_some() && complete.finished.is_some());
    storage.claim(ids[0], &Default::default()).unwrap();
    storage.finish(ids[0], State::Complete, &[1.0]).unwrap();
    let claimed = storage.trial(ids[0]).unwrap();
    let times = [before, running.started.unwrap(), claimed.started.unwrap(), claimed.finished.unwrap()];
    assert!(times.is_sorted() && times[3] <= Timestamp::now(), "{times:?}");
    assert!(times[1..].iter().all(|time| time.as_nanosecond() % 1000 == 0));
}

fn claimed_once(storage: &dyn Storage, _: &[Trait]) {
    let study = study(storage);
    let mut new = NewTrial::new(State::Waiting);
    new.system_attrs.insert("fixed_params".into(), json!({"x": 0.5}));
    new.system_attrs.insert("other".into(), json!(1));
    let id = create(storage, study, &new);
    let attrs = [("lease".into(), json!("until")), ("other".into(), json!(2))].into();
    assert!(storage.claim(id, &attrs).unwrap());
    assert!(!storage.claim(id, &[("lease".into(), json!("of another"))].into()).unwrap());
    let trial = storage.trial(id).unwrap();
    assert_eq!(trial.state, State::Running);
    assert_eq!(trial.system_attrs["lease"], "until");
    assert_eq!(trial.system_attrs["other"], 2);
    assert_eq!(trial.system_attrs["fixed_params"]["x"], 0.5);
    storage.finish(id, State::Fail, &[]).unwrap();
    assert!(!storage.claim(id, &Default::default()).unwrap());
}

fn finished_once(storage: &dyn Storage, _: &[Trait]) {
    let study = study(storage);
    let id = running(storage, study);
    assert!(storage.finish(id, State::Complete, &[0.25]).unwrap());
    let trial = storage.trial(id).unwrap();
    assert!(!storage.finish(id, State::Fail, &[]).unwrap());
    assert!(!storage.finish(id, State::Complete, &[7.0]).unwrap());
    assert_eq!(storage.trial(id).unwrap(), trial);
    assert_eq!((trial.state, trial.values), (State::Complete, vec![0.25]));
    let waiting = create(storage, study, &NewTrial::new(State::Waiting));
    assert!(!storage.finish(waiting, State::Complete, &[1.0]).unwrap());
    let trial = storage.trial(waiting).unwrap();
    assert_eq!((trial.state, trial.values, trial.finished), (State::Waiting, vec![], None));
}

fn finished_trials_do_not_change(storage: &dyn Storage, _: &[Trait]) {
    let study = study(storage);
    for state in [State::Complete, State::Pruned, State::Fail] {
        let id = running(storage, study);
        storage.finish(id, state, &[]).unwrap();
        let before = storage.trial(id).unwrap();
        let refused = [
            storage.set_params(id, &[float("x", 0.0)]),
            storage.report(id, 1, 1.0),
            storage.set_trial_attr(id, AttrKind::User, "k", &json!(1)),
            storage.set_trial_attr(id, AttrKind::System, "k", &json!(1)),
        ];
        for result in refused {
            assert!(matches!(result, Err(StorageError::Finished(which)) if which == id), "{result:?}");
        }
        assert_eq!(storage.trial(id).unwrap(), before);
    }
}

fn waiting_trials_may_change(storage: &dyn Storage, _: &[Trait]) {
    let study = study(storage);
    for state in [State::Waiting, State::Running] {
        let id = create(storage, study, &NewTrial::new(state));
        storage.set_params(id, &[float("x", 0.5), float("y", -0.5)]).unwrap();
        storage.set_params(id, &[float("y", 1.5), float("z", 0.0)]).unwrap();
        storage.set_params(id, &[]).unwrap();
        storage.report(id, 3, 1.0).unwrap();
        storage.report(id, 3, 2.0).unwrap();
        storage.set_trial_attr(id, AttrKind::User, "k", &json!(1)).unwrap();
        storage.set_trial_attr(id, AttrKind::User, "k", &json!([2])).unwrap();
        storage.set_trial_attr(id, AttrKind::System, "k", &json!(3)).unwrap();
        let trial = storage.trial(id).unwrap();
        let expected = [float("x", 0.5), float("y", 1.5), float("z", 0.0)];
        assert_eq!(trial.params, BTreeMap::from(expected));
        assert_eq!(trial.intermediate, BTreeMap::from([(3, 2.0)]));
        assert_eq!(trial.user_attrs, [("k".to_owned(), json!([2]))].into());
        assert_eq!(trial.system_attrs, [("k".to_owned(), json!(3))].into());
        assert_eq!(trial.state, state);
    }
}

fn repeated_atomically(storage: &dyn Storage, _: &[Trait]) {
    let study = study(storage);
    let id = running(storage, study);
    let mut again = NewTrial::new(State::Waiting);
    again.params = vec![float("x", 0.5)];
    again.system_attrs.insert(FAILED_TRIAL.into(), json!(0));
    assert!(storage.repeat(id, &again).unwrap());
    assert!(!storage.repeat(id, &again).unwrap());
    assert!(!storage.finish(id, State::Complete, &[1.0]).unwrap());
    let trials = storage.trials(study, &Known::default()).unwrap();
    assert_eq!(trials.iter().map(|t| t.state).collect::<Vec<_>>(), [State::Fail, State::Waiting]);
    assert!(trials[0].finished.is_some() && trials[0].values.is_empty() && trials[1].started.is_none());
    assert_eq!((trials[1].number, &trials[1].system_attrs), (1, &again.system_attrs));
    assert!(!storage.repeat(trials[1].id, &again).unwrap());

    // If the repetition is refused, the trial goes on.
    let id = running(storage, study);
    again.params = vec![choice("x", 0.0, &[Value::None])];
    assert!(matches!(storage.repeat(id, &again), Err(StorageError::Incompatible { .. })));
    assert_eq!(storage.trial(id).unwrap().state, State::Running);
    assert_eq!(storage.trials(study, &Known::default()).unwrap().len(), 3);
}

fn parameters_must_agree(storage: &dyn Storage, _: &[Trait]) {
    let study = study(storage);
    let id = running(storage, study);
    storage.set_params(id, &[float("x", 0.5), choice("c", 0.0, &["a".into(), 1.into()])]).unwrap();
    let id = running(storage, study);
    let whole = Distribution::Int { low: 0, high: 1, log: false, step: 1 };
    let wrong = ("x".to_owned(), Param { internal: 0.0, distribution: whole });
    for params in [
        [float("y", 0.0), wrong],
        [float("y", 0.0), choice("c", 0.0, &["a".into(), 2.into()])],
        [float("y", 0.0), choice("c", 0.0, &["a".into()])],
    ] {
        match storage.set_params(id, &params) {
            Err(StorageError::Incompatible { name, old, new }) => {
                assert_eq!(name, params[1].0);
                assert!(old.contains("Distribution") && new == params[1].1.distribution.to_json());
            }
            other => panic!("{other:?}"),
        }
        let new = NewTrial { params: params.to_vec(), ..NewTrial::new(State::Running) };
        assert!(matches!(
            storage.create_trial(study, &new, Default::default()),
            Err(StorageError::Incompatible { .. })
        ));
    }
    assert!(storage.trial(id).unwrap().params.is_empty());
    assert_eq!(storage.trials(study, &Known::default()).unwrap().len(), 2);
    let wider = Distribution::Float { low: -9.0, high: 9.0, log: false, step: Some(0.5) };
    storage.set_params(id, &[("x".into(), Param { internal: 8.5, distribution: wider })]).unwrap();
    let other = storage.create_study("another study", &[]).unwrap();
    storage.set_params(running(storage, other), &[choice("x", 0.0, &[Value::None])]).unwrap();
}

fn known_trials_are_not_read_again(storage: &dyn Storage, _: &[Trait]) {
    let (a, b) = (study(storage), storage.create_study("b", &[]).unwrap());
    let ids: Vec<_> = (0..6).map(|i| running(storage, if i % 2 == 0 { a } else { b })).collect();
    storage.finish(ids[0], State::Complete, &[1.0]).unwrap();
    let read = |unfinished: &[TrialId], last: Option<TrialId>| -> Vec<_> {
        let known = Known { unfinished: unfinished.to_vec(), last };
        let trials = storage.trials(a, &known).unwrap();
        for trial in &trials {
            assert_eq!(*trial, storage.trial(trial.id).unwrap());
        }
        trials.iter().map(|trial| trial.id).collect()
    };
    assert_eq!(read(&[], None), [ids[0], ids[2], ids[4]]);
    assert_eq!(read(&[], Some(ids[0])), [ids[2], ids[4]]);
    assert_eq!(read(&[ids[2]], Some(ids[2])), [ids[2], ids[4]]);
    assert_eq!(read(&[ids[2], ids[0]], Some(ids[4])), [ids[0], ids[2]]);
    assert_eq!(read(&[ids[1], TrialId(i64::MAX)], Some(ids[4])), []);
    assert_eq!(read(&[ids[4]], Some(TrialId(i64::MAX))), [ids[4]]);
    assert_eq!(read(&[], Some(ids[5])), []);
}

fn many_rows(storage: &dyn Storage, _: &[Trait]) {
    let study = study(storage);
    let mut new = NewTrial::new(State::Complete);
    new.values = vec![0.5; 300];
    new.params = (0..700).map(|i| float(&format!("p{i}"), f64::from(i % 2))).collect();
    new.intermediate = (0..3000).map(|i| (i, i as f64)).collect();
    new.user_attrs = (0..513).map(|i| (format!("k{i}"), json!(i))).collect();
    let ids: Vec<_> = (0..2).map(|_| create(storage, study, &new)).collect();
    let trials = storage.trials(study, &Known::default()).unwrap();
    assert_eq!(trials.iter().map(|trial| trial.id).collect::<Vec<_>>(), ids);
    for trial in trials {
        assert_eq!(trial.values, new.values);
        assert_eq!(trial.params, new.params.iter().cloned().collect());
        assert_eq!(trial.intermediate, new.intermediate.iter().copied().collect());
        assert_eq!(trial.user_attrs, new.user_attrs);
    }
}
