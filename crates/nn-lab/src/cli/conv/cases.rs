//! What is to be measured.

use nn_kernels::conv::Direction;
use nn_lab::conv::{Caching, Case};
use nn_lab::memory;
use nn_lab::problem::list::{Item, List};
use nn_lab::problem::of_model;

use super::Conv;
use crate::cli::{Usage, model, note};

/// Images of a network's convolutions, unless `--mb` says otherwise.
const MODEL_BATCH: usize = 256;

/// What the command line asks for.
pub struct Asked {
    /// What can be measured of it.
    pub cases: Vec<Case>,
    /// Whether that is all.
    pub complete: bool,
}

impl Conv {
    /// The cases, each small enough for this machine; notes what is left out, and why.
    pub(super) fn asked(&self, caching: Caching) -> anyhow::Result<Asked> {
        let (items, mut complete) = self.items()?;
        let mut cases = Vec::new();
        for Item { problem, directions } in items {
            let label = problem.label();
            let problem = match self.mb {
                Some(batch) => problem.with_batch(batch).map_err(|error| error.to_string()),
                None => Ok(problem),
            };
            let fitting = problem.and_then(|problem| {
                memory::check(caching.bytes(&problem)).map_err(|error| error.to_string())?;
                Ok(problem)
            });
            let problem = match fitting {
                Ok(problem) => problem,
                Err(reason) => {
                    note(&format!("left out: {label}: {reason}"));
                    complete = false;
                    continue;
                }
            };
            let asked: Vec<Direction> = self.dir.iter().flat_map(|many| many.iter().copied()).collect();
            let said = if asked.is_empty() { directions } else { asked };
            let directions = if said.is_empty() { vec![Direction::Output] } else { said };
            for direction in directions {
                for &algorithm in self.algo.iter().flat_map(|many| many.iter()) {
                    cases.push(Case { problem: problem.clone(), direction, algorithm });
                }
            }
        }
        if cases.is_empty() {
            anyhow::bail!("nothing is left to measure");
        }
        Ok(Asked { cases, complete })
    }

    /// The problems, and whether every line of every list is among them.
    fn items(&self) -> anyhow::Result<(Vec<Item>, bool)> {
        let unsaid = |problem| Item { problem, directions: Vec::new() };
        let mut items: Vec<Item> = self.problems.iter().cloned().map(unsaid).collect();
        let mut list = List::default();
        for path in &self.batch {
            list.add(path)?;
        }
        for (notes, what) in [(&list.remarks, "options"), (&list.skipped, "lines")] {
            let prefix = if what == "lines" { "skipped: " } else { "" };
            notes.texts.iter().for_each(|text| note(&format!("{prefix}{text}")));
            let more = notes.count - notes.texts.len();
            if more > 0 {
                note(&format!("{prefix}and {more} more {what}"));
            }
        }
        items.append(&mut list.items);
        for name in &self.model {
            let model = model(name, None)?;
            items.extend(of_model(&model.name, &model.network, MODEL_BATCH)?.into_iter().map(unsaid));
        }
        if items.is_empty() && list.skipped.count == 0 {
            let message =
                "nothing to measure: give problems, --batch FILE, or --model NAME with convolutions";
            return Err(Usage(message.into()).into());
        }
        Ok((items, list.skipped.count == 0))
    }
}
