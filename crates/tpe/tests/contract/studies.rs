//! Studies and their attributes.

use serde_json::json;
use tpe::storage::{AttrKind, Known, NewTrial, Storage, StorageError, StudyId};
use tpe::{Direction, State, TrialId};

use super::{Case, Trait, create, float, running, study};

pub const CASES: &[Case] = &[
    ("studies_come_back", studies_come_back),
    ("names_are_unique", names_are_unique),
    ("attributes_of_studies", attributes_of_studies),
    ("a_deleted_study_is_gone", a_deleted_study_is_gone),
    ("unknown_identities", unknown_identities),
];

fn studies_come_back(storage: &dyn Storage, _: &[Trait]) {
    assert!(storage.studies().unwrap().is_empty());
    let names = ["première étude", "зимой 'quoted' \"twice\" %s $1 ?1", "", "🦀\t\n\\"];
    let directions = [Direction::Maximize, Direction::Minimize, Direction::Maximize];
    let ids: Vec<_> = names.iter().map(|name| storage.create_study(name, &directions).unwrap()).collect();
    let studies = storage.studies().unwrap();
    assert_eq!(studies.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), names);
    assert_eq!(studies.iter().map(|s| s.id).collect::<Vec<_>>(), ids);
    assert!(studies.iter().all(|s| s.directions == directions && s.user_attrs.is_empty()));
    assert_eq!(storage.study(names[1]).unwrap().unwrap().id, ids[1]);
    assert_eq!(storage.study("no such").unwrap(), None);
}

fn names_are_unique(storage: &dyn Storage, _: &[Trait]) {
    let id = study(storage);
    match storage.create_study("a study", &[Direction::Maximize]) {
        Err(StorageError::StudyExists(name)) => assert_eq!(name, "a study"),
        other => panic!("{other:?}"),
    }
    let studies = storage.studies().unwrap();
    assert_eq!((studies.len(), studies[0].id), (1, id));
    assert_eq!(studies[0].directions, [Direction::Minimize]);
    storage.create_study("A study", &[Direction::Minimize]).unwrap();
}

fn attributes_of_studies(storage: &dyn Storage, _: &[Trait]) {
    let (id, other) = (study(storage), storage.create_study("other", &[Direction::Minimize]).unwrap());
    let long = "ä".repeat(100_000);
    let value = json!({"list": [1, 2.5, null, true, "\u{0000}zero"], "word": "naïve", "big": i64::MIN, "u": u64::MAX});
    storage.set_study_attr(id, AttrKind::User, "key", &json!(1)).unwrap();
    storage.set_study_attr(id, AttrKind::User, "key", &value).unwrap();
    storage.set_study_attr(id, AttrKind::User, "long", &json!(long)).unwrap();
    storage.set_study_attr(id, AttrKind::System, "key", &json!("of the system")).unwrap();
    let studies = storage.studies().unwrap();
    assert_eq!(studies[0].user_attrs, [("key".into(), value), ("long".into(), json!(long))].into());
    assert_eq!(studies[0].system_attrs, [("key".into(), json!("of the system"))].into());
    assert!(studies[1].id == other && studies[1].user_attrs.is_empty() && studies[1].system_attrs.is_empty());
}

fn a_deleted_study_is_gone(storage: &dyn Storage, _: &[Trait]) {
    let kept = storage.create_study("kept", &[Direction::Minimize]).unwrap();
    let gone = study(storage);
    let mut full = NewTrial::new(State::Complete);
    full.values = vec![1.0];
    full.params = vec![float("x", 0.5)];
    full.intermediate = vec![(1, 2.0)];
    full.user_attrs.insert("u".into(), json!(1));
    full.system_attrs.insert("s".into(), json!(2));
    let kept_trial = create(storage, kept, &full);
    let gone_trial = create(storage, gone, &full);
    let before = storage.trial(kept_trial).unwrap();
    storage.set_study_attr(gone, AttrKind::User, "u", &json!(1)).unwrap();
    storage.set_study_attr(gone, AttrKind::System, "s", &json!(1)).unwrap();
    storage.delete_study(gone).unwrap();
    assert_eq!(storage.studies().unwrap().iter().map(|s| s.id).collect::<Vec<_>>(), [kept]);
    assert!(matches!(storage.trial(gone_trial), Err(StorageError::NoTrial(id)) if id == gone_trial));
    assert!(matches!(storage.delete_study(gone), Err(StorageError::NoStudy(_))));
    assert_eq!(storage.trials(kept, &Known::default()).unwrap(), [before]);
    let again = study(storage);
    assert!(storage.trials(again, &Known::default()).unwrap().is_empty());
    let id = running(storage, again);
    let fresh = storage.trial(id).unwrap();
    assert!(fresh.number == 0 && fresh.params.is_empty() && fresh.values.is_empty());
    assert!(fresh.intermediate.is_empty() && fresh.user_attrs.is_empty() && fresh.system_attrs.is_empty());
    let again = &storage.studies().unwrap()[1];
    assert!(again.user_attrs.is_empty() && again.system_attrs.is_empty());
}

fn unknown_identities(storage: &dyn Storage, _: &[Trait]) {
    let known = study(storage);
    running(storage, known);
    let new = NewTrial::new(State::Running);
    for id in [known.0 + 1, i64::MAX, i64::MIN, -1] {
        let id = StudyId(id);
        let no = |error: Option<StorageError>| {
            assert!(matches!(error, Some(StorageError::NoStudy(which)) if which == id), "{id:?}: {error:?}");
        };
        no(storage.delete_study(id).err());
        no(storage.set_study_attr(id, AttrKind::User, "k", &json!(1)).err());
        no(storage.create_trial(id, &new, Default::default()).err());
        no(storage.trials(id, &Known::default()).err());
    }
    for id in [known.0 + 10, i64::MAX, i64::MIN, -1] {
        let id = TrialId(id);
        let no = |error: Option<StorageError>| {
            assert!(matches!(error, Some(StorageError::NoTrial(which)) if which == id), "{id:?}: {error:?}");
        };
        no(storage.claim(id, &Default::default()).err());
        no(storage.set_params(id, &[float("x", 0.0)]).err());
        no(storage.report(id, 1, 1.0).err());
        no(storage.set_trial_attr(id, AttrKind::System, "k", &json!(1)).err());
        no(storage.finish(id, State::Complete, &[1.0]).err());
        no(storage.repeat(id, &new).err());
        no(storage.trial(id).err());
    }
    assert_eq!(storage.trials(known, &Known::default()).unwrap().len(), 1);
}
