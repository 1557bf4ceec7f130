use std::collections::HashMap;
use std::path::Path;

use super::{LayerConfig, LayerKind, ModelConfig};
use crate::keras::KerasError;

/// Layers and residual blocks, one after the other.
pub type Chain = Vec<Step>;

/// One step of a chain.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A layer.
    Layer(LayerConfig),
    /// `y = main(x) + shortcut(x)`
    Residual {
        /// The name of the layer `Add`.
        name: String,
        /// The way with more layers; never empty.
        main: Chain,
        /// The other one; empty for `y = main(x) + x`.
        shortcut: Chain,
    },
}

/// Residual blocks within residual blocks.
const DEEPEST: usize = 16;

impl ModelConfig {
    /// Orders the layers, without the input, into a chain with residual blocks.
    ///
    /// Where two layers take one layer's output, both ways have to end in the same `Add`. Of two ways the one with more
    /// layers is the main one, of equal ones the one that the `Add` lists second. `path` is for messages.
    ///
    /// # Errors
    /// If the layers are connected in any other way; the message names a layer where that shows.
    pub fn chain(&self, path: &Path) -> Result<Chain, KerasError> {
        let mut used_by: HashMap<&str, Vec<usize>> = HashMap::new();
        for (i, layer) in self.layers.iter().enumerate() {
            for input in &layer.inputs {
                used_by.entry(input).or_default().push(i);
            }
        }
        let starts: Vec<usize> =
            (0..self.layers.len()).filter(|&i| self.layers[i].inputs.is_empty()).collect();
        let &[start] = starts.as_slice() else {
            let problem = format!("{} layers have no input; one is supported", starts.len());
            return Err(KerasError::model(path, &self.name, problem));
        };
        let mut walk = Walk { model: self, path, used_by, ordered: 1 };
        let first = &self.layers[start];
        let mut chain = match first.kind {
            LayerKind::InputLayer { .. } => Chain::new(),
            _ => vec![Step::Layer(first.clone())],
        };
        match walk.follow(start, 0, &mut chain)? {
            End::Output if walk.ordered == self.layers.len() => Ok(chain),
            End::Output => {
                let problem = format!(
                    "only {} of {} layers lie between input and output",
                    walk.ordered,
                    self.layers.len()
                );
                Err(KerasError::model(path, &self.name, problem))
            }
            End::Add(add) => Err(walk.error(add, "adds what does not come from one layer")),
        }
    }
}

/// Where a way ends.
enum End {
    /// At the model's output.
    Output,
    /// Before an `Add`, given by its index.
    Add(usize),
}

struct Walk<'a> {
    model: &'a ModelConfig,
    path: &'a Path,
    /// Indices of the layers that take a layer's output.
    used_by: HashMap<&'a str, Vec<usize>>,
    /// How many layers are in the chain so far.
    ordered: usize,
}

impl Walk<'_> {
    fn error(&self, layer: usize, problem: impl ToString) -> KerasError {
        KerasError::layer(self.path, &self.model.layers[layer].name, problem)
    }

    /// Appends what comes after layer `at`, up to the output or an `Add` that joins this way with another.
    fn follow(&mut self, mut at: usize, depth: usize, chain: &mut Chain) -> Result<End, KerasError> {
        loop {
            let name = self.model.layers[at].name.as_str();
            let users = self.used_by.get(name).cloned().unwrap_or_default();
            if name == self.model.output {
                return match users.first() {
                    None => Ok(End::Output),
                    Some(&user) => Err(self.error(user, "takes the model's output, which has to be the end")),
                };
            }
            at = match users[..] {
                [] => return Err(self.error(at, "nothing takes its output, and it is not the model's")),
                [next] if self.is_add(next) => return Ok(End::Add(next)),
                [next] => {
                    chain.push(Step::Layer(self.model.layers[next].clone()));
                    next
                }
                [one, other] => self.residual(at, [one, other], depth, chain)?,
                _ => {
                    return Err(
                        self.error(at, format!("{} layers take its output; two is the most", users.len()))
                    );
                }
            };
            // Each layer is appended once, or the connections form a cycle.
            self.ordered += 1;
            if self.ordered > self.model.layers.len() {
                return Err(self.error(at, "the connections form a cycle"));
            }
        }
    }

    /// Appends the block that opens behind layer `from` with two ways; gives the `Add` that closes it.
    fn residual(
        &mut self,
        from: usize,
        users: [usize; 2],
        depth: usize,
        chain: &mut Chain,
    ) -> Result<usize, KerasError> {
        if depth == DEEPEST {
            return Err(self.error(from, format!("residual blocks are nested more than {DEEPEST} deep")));
        }
        let [(one, first_end), (other, second_end)] =
            [self.way(users[0], depth)?, self.way(users[1], depth)?];
        let (End::Add(add), End::Add(second)) = (first_end, second_end) else {
            return Err(self.error(from, "two layers take its output, but not both ways end in an Add"));
        };
        if add != second {
            let (one, other) = (&self.model.layers[add].name, &self.model.layers[second].name);
            return Err(self
                .error(from, format!("the ways behind it end in different layers, {one:?} and {other:?}")));
        }
        let name = self.model.layers[add].name.clone();
        let (one_length, other_length) = (length(&one), length(&other));
        // What the `Add` lists first is the way whose last layer it names first.
        let one_is_first = self.model.layers[add].inputs.first() == Some(&self.last_name(&one, from));
        let one_is_main = one_length > other_length || (one_length == other_length && !one_is_first);
        let (main, shortcut) = if one_is_main { (one, other) } else { (other, one) };
        if main.is_empty() {
            return Err(self.error(add, "adds a layer's output to itself"));
        }
        chain.push(Step::Residual { name, main, shortcut });
        Ok(add)
    }

    /// A way that begins with layer `first`.
    fn way(&mut self, first: usize, depth: usize) -> Result<(Chain, End), KerasError> {
        if self.is_add(first) {
            return Ok((Chain::new(), End::Add(first)));
        }
        self.ordered += 1;
        let mut chain = vec![Step::Layer(self.model.layers[first].clone())];
        let end = self.follow(first, depth + 1, &mut chain)?;
        Ok((chain, end))
    }

    fn is_add(&self, layer: usize) -> bool {
        self.model.layers[layer].kind == LayerKind::Add
    }

    /// The layer whose output a way behind layer `from` ends with.
    fn last_name(&self, way: &Chain, from: usize) -> String {
        match way.last() {
            Some(Step::Layer(layer)) => layer.name.clone(),
            Some(Step::Residual { name, .. }) => name.clone(),
            None => self.model.layers[from].name.clone(),
        }
    }
}

/// How many layers a chain has, those of its blocks included.
fn length(chain: &Chain) -> usize {
    let step = |step: &Step| match step {
        Step::Layer(_) => 1,
        Step::Residual { main, shortcut, .. } => 1 + length(main) + length(shortcut),
    };
    chain.iter().map(step).sum()
}
