//! The importances that Optuna computes for the studies of `golden/make_importance.py`.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use tpe::{Direction, Distribution, Param, State, Trial, TrialId, importance};

fn trial(number: usize, row: &[Json], distributions: &[Distribution]) -> Trial {
    let state = [State::Complete, State::Pruned, State::Fail][row[0].as_u64().unwrap() as usize];
    let value = row[1].as_f64().unwrap_or(f64::INFINITY);
    let param = |row: &Json| {
        let distribution = distributions[row[1].as_u64().unwrap() as usize].clone();
        (row[0].as_str().unwrap().to_owned(), Param { internal: row[2].as_f64().unwrap(), distribution })
    };
    Trial {
        id: TrialId(number as i64),
        number: number as u64,
        state,
        values: if state == State::Fail { Vec::new() } else { vec![value] },
        params: row[2..].iter().map(param).collect(),
        intermediate: BTreeMap::new(),
        user_attrs: Default::default(),
        system_attrs: Default::default(),
        started: None,
        finished: None,
    }
}

fn trials(study: &Json) -> Vec<Trial> {
    let texts = study["distributions"].as_array().unwrap().iter();
    let distributions: Vec<_> =
        texts.map(|text| Distribution::from_json(text.as_str().unwrap()).unwrap()).collect();
    let rows = study["trials"].as_array().unwrap().iter().enumerate();
    rows.map(|(number, row)| trial(number, row.as_array().unwrap(), &distributions)).collect()
}

#[test]
fn importances_are_those_of_optuna() {
    let studies: Vec<Json> = serde_json::from_str(include_str!("golden/importance.json")).unwrap();
    let mut compared = 0;
    for (index, study) in studies.iter().enumerate() {
        let direction =
            if study["maximize"] == Json::Bool(true) { Direction::Maximize } else { Direction::Minimize };
        let found = importance(direction, &trials(study));
        let expected = study["importance"].as_object().unwrap();
        assert_eq!(found.len(), expected.len(), "study {index}");
        assert!(found.is_sorted_by(|(_, a), (_, b)| a >= b), "study {index}: {found:?}");
        for (name, share) in &found {
            let expected = expected[name].as_f64().unwrap();
            // Differences of logarithms of normal masses lose about five of their sixteen digits in the far tails.
            assert!((share - expected).abs() <= 1e-9, "study {index}, {name}: {share} and {expected}");
            compared += 1;
        }
        let sum: f64 = found.iter().map(|(_, share)| share).sum();
        // A handful of additions round.
        assert!(found.is_empty() || (sum - 1.0).abs() < 1e-12, "study {index}: {sum}");
    }
    assert!(compared > 150, "{compared}");
}
