//! Every decision of Optuna's pruners in the studies of `golden/make_pruners.py`, and what they note on the trials.

use serde_json::Value as Json;
use tpe::pruner::{
    Hyperband, HyperbandOptions, Median, Patient, Percentile, PercentileOptions, Pruner, PrunerError, Race,
    SuccessiveHalving, SuccessiveHalvingOptions, Threshold, ThresholdOptions, Wilcoxon, WilcoxonOptions,
};
use tpe::{Direction, State, Trial, TrialId};

fn number(json: &Json) -> f64 {
    json.as_f64().unwrap_or_else(|| json.as_str().unwrap().parse().unwrap())
}

/// The pruner that the script made with these arguments; those that are not given have our defaults.
fn pruner(spec: &Json) -> Box<dyn Pruner> {
    let args = &spec[1];
    let whole = |key: &str, default: u64| args.get(key).map_or(default, |value| value.as_u64().unwrap());
    let count = |key: &str, default: usize| whole(key, default as u64) as usize;
    let real = |key: &str| args.get(key).and_then(Json::as_f64);
    let checks = || {
        let default = PercentileOptions::default();
        PercentileOptions {
            n_startup_trials: count("n_startup_trials", default.n_startup_trials),
            n_warmup_steps: whole("n_warmup_steps", default.n_warmup_steps),
            interval_steps: whole("interval_steps", default.interval_steps),
            n_min_trials: count("n_min_trials", default.n_min_trials),
        }
    };
    match spec[0].as_str().unwrap() {
        "median" => Box::new(Median::new(checks()).unwrap()),
        "percentile" => Box::new(Percentile::new(real("percentile").unwrap(), checks()).unwrap()),
        "halving" => {
            let default = SuccessiveHalvingOptions::default();
            let options = SuccessiveHalvingOptions {
                min_resource: args.get("min_resource").map_or(default.min_resource, Json::as_u64),
                reduction_factor: whole("reduction_factor", default.reduction_factor),
                min_early_stopping_rate: whole("min_early_stopping_rate", default.min_early_stopping_rate),
                bootstrap_count: count("bootstrap_count", default.bootstrap_count),
            };
            Box::new(SuccessiveHalving::new(options).unwrap())
        }
        "hyperband" => {
            let default = HyperbandOptions::default();
            let options = HyperbandOptions {
                min_resource: whole("min_resource", default.min_resource),
                max_resource: args.get("max_resource").map_or(default.max_resource, Json::as_u64),
                reduction_factor: whole("reduction_factor", default.reduction_factor),
                bootstrap_count: count("bootstrap_count", default.bootstrap_count),
            };
            Box::new(Hyperband::new(options).unwrap())
        }
        "wilcoxon" => {
            let default = WilcoxonOptions::default();
            let options = WilcoxonOptions {
                p_threshold: real("p_threshold").unwrap_or(default.p_threshold),
                n_startup_steps: count("n_startup_steps", default.n_startup_steps),
            };
            Box::new(Wilcoxon::new(options).unwrap())
        }
        "threshold" => {
            let default = ThresholdOptions::default();
            let options = ThresholdOptions {
                lower: real("lower"),
                upper: real("upper"),
                n_warmup_steps: whole("n_warmup_steps", default.n_warmup_steps),
                interval_steps: whole("interval_steps", default.interval_steps),
            };
            Box::new(Threshold::new(options).unwrap())
        }
        "patient" => {
            let wrapped = (!args["wrapped"].is_null()).then(|| pruner(&args["wrapped"]));
            Box::new(Patient::new(wrapped, count("patience", 0), real("min_delta").unwrap()).unwrap())
        }
        other => panic!("no pruner {other:?}"),
    }
}

fn begun(number: usize, study: &Json) -> Trial {
    let violations = study["violations"].as_array().unwrap().iter();
    let own = violations.filter(|pair| pair[0].as_u64() == Some(number as u64));
    Trial {
        id: TrialId(number as i64),
        number: number as u64,
        state: State::Running,
        values: Vec::new(),
        params: Default::default(),
        intermediate: Default::default(),
        user_attrs: Default::default(),
        system_attrs: own.map(|pair| ("constraints:c".to_owned(), pair[1].clone())).collect(),
        started: None,
        finished: None,
    }
}

/// The events again, with `rule` in charge; returns the answers in the letters of the script.
fn replay(study: &Json, direction: Direction, rule: &dyn Pruner) -> (String, Vec<Trial>) {
    let (mut trials, mut answers) = (Vec::new(), String::new());
    for event in study["events"].as_array().unwrap() {
        let index = event[0].as_u64().unwrap() as usize;
        while trials.len() <= index {
            trials.push(begun(trials.len(), study));
        }
        let (middle, value) = (event[1].as_i64().unwrap(), number(&event[2]));
        if event.as_array().unwrap().len() == 4 {
            trials[index].state = [State::Complete, State::Pruned, State::Fail][middle as usize - 1];
            if trials[index].state == State::Complete {
                trials[index].values = vec![value];
            }
            continue;
        }
        trials[index].intermediate.insert(middle, value);
        let name = study["name"].as_str().unwrap();
        let verdict = rule.judge(&Race { study: name, direction, trials: &trials, trial: &trials[index] });
        let last = trials[index].last_report().unwrap().1;
        let attrs = &mut trials[index].system_attrs;
        let first = attrs.keys().filter(|key| key.starts_with("completed_rung_")).count();
        for rung in first..first + verdict.notes.len() {
            let note = &verdict.notes[&format!("completed_rung_{rung}")];
            // Infinite numbers travel as marked texts; finite ones are what was reported last.
            assert!(note.as_f64().map_or(last.is_infinite(), |note| note == last), "{note} for {last}");
        }
        answers.push((b'a' + u8::from(verdict.prune) + 2 * verdict.notes.len() as u8) as char);
        attrs.extend(verdict.notes);
    }
    (answers, trials)
}

#[test]
fn every_decision_and_every_note_is_that_of_optuna() {
    let table: Json = serde_json::from_str(include_str!("golden/pruners.json")).unwrap();
    let mut letters = std::collections::BTreeMap::<(String, char), usize>::new();
    for study in table["studies"].as_array().unwrap() {
        let direction =
            if study["maximize"] == Json::Bool(true) { Direction::Maximize } else { Direction::Minimize };
        for answer in study["answers"].as_array().unwrap() {
            let (spec, expected) = (&answer[0], answer[1].as_str().unwrap());
            let rule = pruner(spec);
            let (found, trials) = replay(study, direction, rule.as_ref());
            let first = found.chars().zip(expected.chars()).position(|(a, b)| a != b);
            assert!(found == expected, "{} with {spec}: answer {first:?} differs", study["name"]);
            if let Some(brackets) = answer.get(2) {
                let name = study["name"].as_str().unwrap();
                let found: Vec<_> = trials.iter().map(|trial| rule.bracket(name, trial.number)).collect();
                assert_eq!(serde_json::to_value(found).unwrap(), *brackets, "{name} with {spec}");
            }
            for letter in found.chars() {
                *letters.entry((spec[0].as_str().unwrap().to_owned(), letter)).or_default() += 1;
            }
        }
    }
    // The studies are such that every rule both prunes and keeps, and the ladders are climbed.
    for name in ["median", "percentile", "halving", "hyperband", "wilcoxon", "threshold", "patient"] {
        let seen = |letter| letters.get(&(name.to_owned(), letter)).copied().unwrap_or(0);
        assert!(seen('a') > 100 && seen('b') > 100, "{name}: {letters:?}");
        assert!(
            !["halving", "hyperband"].contains(&name)
                || (seen('c') > 100 && seen('d') > 100 && seen('e') > 10)
        );
    }
}

#[test]
fn wrong_parameters_are_told_by_name() {
    let message = |error: PrunerError| error.to_string();
    let checks = PercentileOptions::default;
    for percentile in [-0.1, 100.1, f64::NAN] {
        let text = message(Percentile::new(percentile, checks()).unwrap_err());
        assert_eq!(text, format!("percentile: percentile is {percentile}, it must be from 0 to 100"));
    }
    let text = message(Median::new(PercentileOptions { interval_steps: 0, ..checks() }).unwrap_err());
    assert_eq!(text, "percentile: interval_steps is 0, it must be at least 1");
    let text = message(Median::new(PercentileOptions { n_min_trials: 0, ..checks() }).unwrap_err());
    assert_eq!(text, "percentile: n_min_trials is 0, it must be at least 1");

    let ladder = |options| message(SuccessiveHalving::new(options).unwrap_err());
    let default = SuccessiveHalvingOptions::default;
    let text = ladder(SuccessiveHalvingOptions { min_resource: Some(0), ..default() });
    assert_eq!(text, "successive halving: min_resource is 0, it must be at least 1");
    let text = ladder(SuccessiveHalvingOptions { reduction_factor: 1, ..default() });
    assert_eq!(text, "successive halving: reduction_factor is 1, it must be at least 2");
    let text = ladder(SuccessiveHalvingOptions { bootstrap_count: 2, ..default() });
    assert_eq!(text, "successive halving: bootstrap_count is 2, so min_resource must be given");

    let brackets = |options| message(Hyperband::new(options).unwrap_err());
    let default = HyperbandOptions::default;
    let text = brackets(HyperbandOptions { min_resource: 0, ..default() });
    assert_eq!(text, "hyperband: min_resource is 0, it must be at least 1");
    let text = brackets(HyperbandOptions { max_resource: Some(0), ..default() });
    assert_eq!(text, "hyperband: max_resource is 0, it must be at least 1");
    let text = brackets(HyperbandOptions { reduction_factor: 0, ..default() });
    assert_eq!(text, "hyperband: reduction_factor is 0, it must be at least 2");
    let text = brackets(HyperbandOptions { bootstrap_count: 1, ..default() });
    assert_eq!(text, "hyperband: bootstrap_count is 1, so max_resource must be given");

    for p_threshold in [-0.1, 1.1, f64::NAN] {
        let options = WilcoxonOptions { p_threshold, ..WilcoxonOptions::default() };
        let text = message(Wilcoxon::new(options).unwrap_err());
        assert_eq!(text, format!("wilcoxon: p_threshold is {p_threshold}, it must be from 0 to 1"));
    }
    for min_delta in [-0.1, f64::NAN] {
        let text = message(Patient::new(None, 1, min_delta).err().unwrap());
        assert_eq!(text, format!("patient: min_delta is {min_delta}, it must be at least 0"));
    }

    let bounds = |lower, upper| {
        let options = ThresholdOptions { lower, upper, ..ThresholdOptions::default() };
        message(Threshold::new(options).unwrap_err())
    };
    assert_eq!(bounds(None, None), "threshold: neither lower nor upper is given, one of them must be");
    assert_eq!(
        bounds(Some(2.0), Some(1.0)),
        "threshold: lower is 2 and upper is 1, the first must be at most the second"
    );
    assert!(bounds(Some(f64::NAN), None).starts_with("threshold: lower is NaN"));
    let options = ThresholdOptions { lower: Some(0.0), interval_steps: 0, ..ThresholdOptions::default() };
    let text = message(Threshold::new(options).unwrap_err());
    assert_eq!(text, "threshold: interval_steps is 0, it must be at least 1");
}

#[test]
fn steps_and_ladders_beyond_all_numbers_do_not_overflow() {
    let mut trial = begun(0, &serde_json::json!({ "violations": [] }));
    trial.intermediate = [(i64::MIN, 1.0), (i64::MAX, 1.0)].into();
    let race = Race {
        study: "s",
        direction: Direction::Minimize,
        trials: std::slice::from_ref(&trial),
        trial: &trial,
    };
    let checks =
        PercentileOptions { n_warmup_steps: u64::MAX, interval_steps: u64::MAX, ..Default::default() };
    assert!(!Median::new(checks).unwrap().judge(&race).prune);
    let bounds = ThresholdOptions { upper: Some(0.0), interval_steps: u64::MAX, ..Default::default() };
    assert!(Threshold::new(bounds).unwrap().judge(&race).prune);
    let ladder = SuccessiveHalvingOptions {
        min_resource: Some(u64::MAX),
        reduction_factor: u64::MAX,
        min_early_stopping_rate: u64::MAX,
        bootstrap_count: 0,
    };
    assert!(!SuccessiveHalving::new(ladder).unwrap().judge(&race).prune);
    let brackets =
        HyperbandOptions { max_resource: Some(u64::MAX), reduction_factor: 2, ..Default::default() };
    assert!(!Hyperband::new(brackets).unwrap().judge(&race).prune);
    assert!(!Patient::new(None, usize::MAX, 0.0).unwrap().judge(&race).prune);
}
