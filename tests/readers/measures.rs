//! What `nn-lab` reads: arrays, problems, reports.
#![allow(dead_code)] // Each fuzz target uses a part.

use nn_lab::compare;
use nn_lab::npy;
use nn_lab::problem::Problem;

use super::common::{Outcome, file, message};

/// An array's file.
pub fn npy(bytes: &[u8]) -> Outcome {
    let array = npy::read(&file("x.npy", bytes)).map_err(message)?;
    Ok(format!("{:?} {:?}", array.shape(), array.iter().map(|x| x.to_bits()).collect::<Vec<_>>()))
}

/// Problems of convolution, one on a line.
pub fn problems(bytes: &[u8]) -> Outcome {
    let Ok(text) = std::str::from_utf8(bytes) else { return Err("not text".into()) };
    let mut told = String::new();
    for line in text.lines().take(20) {
        match line.parse::<Problem>() {
            Ok(problem) => {
                let written = problem.to_string();
                let again: Problem = written.parse().unwrap_or_else(|error| panic!("{written}: {error}"));
                assert_eq!(again, problem, "{written}");
                let (lengths, flops) = (problem.lengths(), problem.flops());
                assert!(lengths.iter().all(|&length| length > 0), "{written}: {lengths:?}");
                told += &format!("{written} {flops}\n");
            }
            Err(error) => told += &message(error),
        }
    }
    Ok(told)
}

/// A report of a benchmark, compared with itself.
pub fn comparison(bytes: &[u8]) -> Outcome {
    let Ok(text) = std::str::from_utf8(bytes) else { return Err("not text".into()) };
    let measurements = compare::read(text).map_err(|error| message(format!("{error:#}")))?;
    let told = format!("{measurements:?}");
    compare::Comparison::between(&measurements, &measurements, 5.0);
    Ok(told)
}
