//! Writes that did not come to their end, and lines that are no operations.

use std::fs;

use tpe::State;
use tpe::storage::{Journal, Known, NewTrial, Storage, StorageError, StudyId};

use super::{create, float, lines, place, running, with_study};

const ALL: Known = Known { unfinished: Vec::new(), last: None };
const STUDY: StudyId = StudyId(0);

#[test]
fn the_rest_of_a_torn_line_is_not_read_and_goes_with_the_next_write() {
    let (_folder, path) = place();
    let (journal, study) = with_study(&path);
    create(&journal, study, &running(0.5));
    let whole = fs::read(&path).unwrap();
    create(&journal, study, &running(0.75));
    let longer = fs::read(&path).unwrap();
    for cut in [1, 2, 20, longer.len() - whole.len() - 1] {
        let torn = &longer[..whole.len() + cut];
        fs::write(&path, torn).unwrap();
        let journal = Journal::open(&path).unwrap();
        assert_eq!(journal.trials(study, &ALL).unwrap().len(), 1);
        assert_eq!(fs::read(&path).unwrap(), torn, "reading changes nothing");
        create(&journal, study, &running(0.25));
        assert!(fs::read(&path).unwrap().starts_with(&whole));
        let trials = Journal::open(&path).unwrap().trials(study, &ALL).unwrap();
        assert_eq!(trials.iter().map(|trial| trial.params["x"].internal).collect::<Vec<_>>(), [0.5, 0.25]);
    }
}

#[test]
fn a_first_line_may_be_torn_too() {
    let (_folder, path) = place();
    with_study(&path);
    let whole = fs::read(&path).unwrap();
    for cut in [0, 1, 5, 12, whole.len() - 1] {
        fs::write(&path, &whole[..cut]).unwrap();
        let (journal, study) = with_study(&path);
        assert_eq!(study, STUDY);
        assert_eq!(journal.studies().unwrap().len(), 1);
        assert_eq!(lines(&path).len(), 1);
    }
}

#[test]
fn a_line_that_is_no_operation_has_a_number_and_stays() {
    let (_folder, path) = place();
    let (journal, study) = with_study(&path);
    let trial = create(&journal, study, &running(0.5));
    journal.finish(trial, State::Complete, &[1.0]).unwrap();
    let good = lines(&path);
    let bad = [
        "\n",
        "{\n",
        "\0\0\0\n",
        "{\"op_code\":11}\n",
        "{\"op_code\":\"4\"}\n",
        "[4]\n",
        "4\n",
        "{\"op_code\":4,\"study_id\":0,\"state\":9,\"datetime_start\":null}\n",
        "{\"op_code\":4,\"study_id\":0,\"datetime_start\":\"noon\"}\n",
        "{\"op_code\":4,\"study_id\":0,\"params\":{\"x\":1},\"distributions\":{}}\n",
        "{\"op_code\":5,\"trial_id\":0,\"param_name\":\"y\",\"param_value_internal\":1,\"distribution\":\"{}\"}\n",
        "{\"op_code\":8,\"trial_id\":0,\"user_attr\":{}}\n",
        "{\"op_code\":0,\"study_name\":\"other\",\"directions\":[0]}\n",
        "{\"op_code\":7,\"trial_id\":0,\"step\":1.5,\"intermediate_value\":1}\n",
    ];
    for bad in bad {
        for at in [1, 2, 3] {
            let mut lines = good.clone();
            lines.insert(at, bad.to_owned());
            let text = lines.concat();
            fs::write(&path, &text).unwrap();
            let opened = Journal::open(&path).map(|_| ());
            let used = journal.create_study("other", &[]).map(|_| ());
            for error in [opened.unwrap_err(), used.unwrap_err()] {
                let StorageError::Damaged { place, what, .. } = &error else { panic!("{bad:?}: {error}") };
                assert_eq!(
                    (place.as_str(), what),
                    (path.to_str().unwrap(), &format!("line {}", at + 1)),
                    "{bad}"
                );
            }
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }
    fs::write(&path, good.concat()).unwrap();
    assert_eq!(journal.trial(trial).unwrap().values, [1.0], "it can be used again when it is repaired");
}

#[test]
fn what_has_no_effect_in_optuna_has_none_here() {
    let (_folder, path) = place();
    let (journal, study) = with_study(&path);
    let trial = create(&journal, study, &running(0.5));
    journal.finish(trial, State::Complete, &[1.0]).unwrap();
    let before = format!("{:?}", journal.trials(study, &ALL).unwrap());
    let idle = [
        r#"{"op_code":10,"worker_id":"r","trial_ids":[0]}"#,
        r#"{"op_code":0,"worker_id":"o","study_name":"study","directions":[2]}"#,
        r#"{"op_code":1,"worker_id":"o","study_id":7}"#,
        r#"{"op_code":2,"worker_id":"o","study_id":7,"user_attr":{"a":1}}"#,
        r#"{"op_code":4,"worker_id":"o","study_id":7,"datetime_start":null}"#,
        r#"{"op_code":6,"worker_id":"o","trial_id":0,"state":3,"values":[9.0],"datetime_complete":null}"#,
        r#"{"op_code":7,"worker_id":"o","trial_id":0,"step":1,"intermediate_value":NaN}"#,
        r#"{"op_code":8,"worker_id":"o","trial_id":0,"user_attr":{"a":1}}"#,
        r#"{"op_code":9,"worker_id":"o","trial_id":8,"system_attr":{"a":1}}"#,
    ];
    fs::write(&path, lines(&path).concat() + &idle.join("\r\n") + "\n").unwrap();
    assert_eq!(format!("{:?}", journal.trials(study, &ALL).unwrap()), before);
    assert_eq!(journal.studies().unwrap().len(), 1);
    assert_eq!(create(&journal, study, &running(0.5)).0, 1, "none of them took an identity");
}

#[test]
fn a_repetition_torn_apart_is_completed_by_the_next_attempt() {
    let (_folder, path) = place();
    let (journal, study) = with_study(&path);
    let trial = create(&journal, study, &running(0.5));
    assert!(journal.repeat(trial, &NewTrial::new(State::Waiting)).unwrap());
    let mut torn = lines(&path);
    assert_eq!(torn.len(), 4);
    torn.pop();
    fs::write(&path, torn.concat()).unwrap();
    let journal = Journal::open(&path).unwrap();
    assert_eq!(journal.trial(trial).unwrap().state, State::Running);
    assert!(journal.repeat(trial, &NewTrial::new(State::Waiting)).unwrap());
    let states: Vec<_> = journal.trials(study, &ALL).unwrap().iter().map(|trial| trial.state).collect();
    assert_eq!(states, [State::Fail, State::Waiting]);
}

#[test]
fn a_claim_torn_apart_leaves_the_trial_waiting() {
    let (_folder, path) = place();
    let (journal, study) = with_study(&path);
    let trial = create(&journal, study, &NewTrial::new(State::Waiting));
    let attrs = [("a".to_owned(), 1.into()), ("b".to_owned(), 2.into())].into();
    assert!(journal.claim(trial, &attrs).unwrap());
    let whole = lines(&path);
    for kept in 2..5 {
        fs::write(&path, whole[..kept].concat()).unwrap();
        assert!(Journal::open(&path).unwrap().claim(trial, &attrs).unwrap());
    }
}

#[test]
fn lines_that_are_taken_back_are_forgotten() {
    let (_folder, path) = place();
    let (journal, study) = with_study(&path);
    let kept = fs::read(&path).unwrap();
    let trial = create(&journal, study, &running(0.5));
    fs::write(&path, &kept).unwrap();
    assert!(matches!(journal.trial(trial), Err(StorageError::NoTrial(_))));
    create(&journal, study, &running(0.5));
    journal.set_params(trial, &[("y".into(), float(1.0))]).unwrap();
    assert_eq!(journal.trials(study, &ALL).unwrap().len(), 1);
}
