//! The tables of a run folder. Every line is checked, so that what is read can be shown and counted.

use std::path::Path;

use csv::{DeserializeErrorKind, ErrorKind};
use serde::de::DeserializeOwned;

use super::{Counts, Epoch, Prediction, damaged, read, share};
use crate::run::RunError;

/// More classes than this are no table that anybody could look at.
const MOST_CLASSES: usize = 100;

/// More epochs, or images of a class, than this are no count of ours.
const MOST_COUNTED: u64 = 1 << 40;

/// The lines of a CSV file with a header, whose first column is `first`; none if there is no file.
pub(crate) fn read_csv<T: DeserializeOwned>(path: &Path, first: &str) -> Result<Vec<T>, RunError> {
    let Some(text) = read(path)? else { return Ok(Vec::new()) };
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let wrong = |error: csv::Error| damaged(path, told(&error));
    // Without a line below it no column would be missed.
    if reader.headers().map_err(wrong)?.get(0).is_some_and(|found| found != first) {
        return Err(damaged(path, format!("line 1: its first column is not {first:?}")));
    }
    reader.into_deserialize().collect::<Result<_, _>>().map_err(wrong)
}

/// What is wrong with a CSV file, in words.
fn told(error: &csv::Error) -> String {
    let line = error.position().map(|position| position.line());
    let problem = match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("there are {len} fields, and {expected_len} in the header")
        }
        ErrorKind::Deserialize { err, .. } => match (err.field(), err.kind()) {
            (Some(field), DeserializeErrorKind::ParseInt(_)) => {
                format!("field {} is no whole number", field + 1)
            }
            (Some(field), DeserializeErrorKind::ParseFloat(_)) => format!("field {} is no number", field + 1),
            _ => "a column is missing, or has another kind of content".into(),
        },
        _ => "is no line of a CSV file".into(),
    };
    line.map_or(problem.clone(), |line| format!("line {line}: {problem}"))
}

/// The content of `metrics.csv`. A loss or a time that is no number is `None`.
pub(super) fn epochs(path: &Path) -> Result<Vec<Epoch>, RunError> {
    let mut epochs: Vec<Epoch> = read_csv(path, "epoch")?;
    let mut next = 0;
    for (i, epoch) in epochs.iter_mut().enumerate() {
        let wrong = |problem: String| damaged(path, format!("line {}: {problem}", i + 2));
        if epoch.epoch < next || epoch.epoch as u64 > MOST_COUNTED {
            return Err(wrong(format!("epoch {} is out of order", epoch.epoch)));
        }
        next = epoch.epoch + 1;
        for (name, accuracy) in [("accuracy", &mut epoch.accuracy), ("val_accuracy", &mut epoch.val_accuracy)]
        {
            *accuracy = share(name, *accuracy).map_err(wrong)?;
        }
        for loss in [&mut epoch.loss, &mut epoch.val_loss] {
            *loss = loss.filter(|loss| loss.is_finite());
        }
        epoch.seconds = super::time(epoch.seconds);
    }
    Ok(epochs)
}

/// The content of `confusion.csv`.
pub(super) fn counts(path: &Path) -> Result<Option<Counts>, RunError> {
    let Some(text) = read(path)? else { return Ok(None) };
    let wrong = |error: csv::Error| damaged(path, told(&error));
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let classes: Vec<String> = reader.headers().map_err(wrong)?.iter().skip(1).map(String::from).collect();
    if classes.is_empty() || classes.len() > MOST_CLASSES {
        let problem = format!("{} classes, expected 1 to {MOST_CLASSES}", classes.len());
        return Err(damaged(path, problem));
    }
    let rows: Vec<(String, Vec<u64>)> = reader.deserialize().collect::<Result<_, _>>().map_err(wrong)?;
    if rows.len() != classes.len() {
        return Err(damaged(path, format!("{} classes, but {} lines of counts", classes.len(), rows.len())));
    }
    if let Some(i) = rows.iter().position(|(_, counts)| counts.iter().any(|&count| count > MOST_COUNTED)) {
        return Err(damaged(path, format!("line {}: counts more images than there can be", i + 2)));
    }
    Ok(Some(Counts { classes, counts: rows.into_iter().map(|(_, counts)| counts).collect() }))
}

/// The content of `predictions.csv`, none if there is no file.
pub(super) fn predictions(path: &Path) -> Result<Vec<Prediction>, RunError> {
    let rows: Vec<Vec<f64>> = read_csv(path, "index")?;
    let whole = |value: f64, below: usize| {
        (value >= 0.0 && value.fract() == 0.0 && value < below as f64).then_some(value as usize)
    };
    let prediction = |row: &Vec<f64>| {
        let [index, label, predicted, probabilities @ ..] = &row[..] else { return None };
        let predicted = whole(*predicted, probabilities.len())?;
        Some(Prediction {
            index: whole(*index, usize::MAX)?,
            label: whole(*label, probabilities.len())?,
            predicted,
            probability: Some(probabilities[predicted]).filter(|p| (0.0..=1.0).contains(p))?,
        })
    };
    let read = |(i, row)| {
        let problem = || format!("line {}: no index, two classes and probabilities", i + 2);
        prediction(row).ok_or_else(|| damaged(path, problem()))
    };
    rows.iter().enumerate().map(read).collect()
}
