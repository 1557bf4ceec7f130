//! What `nn-lab` reads: arrays, problems, reports.

use nn_lab::compare;
use nn_lab::npy;
use nn_lab::problem::Problem;
use nn_lab::problem::list::List;

use super::common::{Outcome, file, message};

/// An array's file.
pub fn npy(bytes: &[u8]) -> Outcome {
    let array = npy::read(&file("x.npy", bytes)).map_err(message)?;
    Ok(format!("{:?} {:?}", array.shape(), array.iter().map(|x| x.to_bits()).collect::<Vec<_>>()))
}

/// Problems of convolution: each of the first lines, and the whole as a list, which may name itself.
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
    let mut list = List::default();
    // Lists within it are looked for in its folder, and only there.
    let text = text.replace("--batch=/", "--batch=").replace("..", "");
    list.add(&file("list", text.as_bytes())).map_err(message)?;
    let notes = list.remarks.texts.iter().chain(&list.skipped.texts);
    notes.for_each(|note| drop(message(note)));
    Ok(format!("{told}{:?}", list.items))
}

/// A report of a benchmark, compared with itself.
pub fn comparison(bytes: &[u8]) -> Outcome {
    let Ok(text) = std::str::from_utf8(bytes) else { return Err("not text".into()) };
    let measurements = compare::read(text).map_err(|error| message(format!("{error:#}")))?;
    let told = format!("{measurements:?}");
    compare::Comparison::between(&measurements, &measurements, 5.0);
    Ok(told)
}
