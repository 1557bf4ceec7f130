//! What is searched: a tree of parameters, some of which exist only for certain choices of others.

mod decimal;
mod domain;
mod error;
mod text;

#[cfg(test)]
mod tests;

pub use domain::{Domain, NORMAL_REACH};
pub use error::SpaceError;

use crate::trial::Param;
use crate::value::Value;

/// A parameter as it is declared: a name, what it can be, and when it exists.
///
/// Made by [`float`], [`int`], [`categorical`], [`ordinal`], [`boolean`] and [`normal`], and refined by methods:
///
/// ```
/// use tpe::space::{Space, categorical, float, int};
///
/// let space = Space::new([
///     categorical("optimizer", ["adam", "sgd"]),
///     float("rate", 1e-5, 1e-1).log(),
///     float("momentum", 0.0, 0.99).when("optimizer", "sgd"),
///     int("units", 32, 512).step(32),
/// ])?;
/// # Ok::<(), tpe::space::SpaceError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Declaration {
    pub(crate) name: String,
    pub(crate) domain: Domain,
    /// The parent's name and the choices of it for which this parameter exists.
    pub(crate) condition: Option<(String, Vec<Value>)>,
    /// What is wrong with a refinement, to be reported when the space is built.
    pub(crate) misused: Option<Misuse>,
}

/// A refinement that makes no sense.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Misuse {
    /// One that the domain does not have.
    Refinement(&'static str),
    /// A condition beside that on the parent `first`.
    SecondCondition { first: String },
}

impl Declaration {
    fn new(name: &str, domain: Domain) -> Self {
        Self { name: name.to_owned(), domain, condition: None, misused: None }
    }

    /// On a logarithmic scale. For [`normal`]: the logarithm is normal.
    pub fn log(mut self) -> Self {
        if !self.domain.set_log() {
            self.misused = Some(Misuse::Refinement("log"));
        }
        self
    }

    /// Only multiples of `step`: from the lower bound, for [`normal`] from 0.
    pub fn step(mut self, step: impl Into<Value>) -> Self {
        if !self.domain.set_step(&step.into()) {
            self.misused = Some(Misuse::Refinement("step"));
        }
        self
    }

    /// Exists only when `parent` is `choice`.
    pub fn when(self, parent: &str, choice: impl Into<Value>) -> Self {
        self.when_any(parent, [choice])
    }

    /// Exists only when `parent` is one of `choices`.
    pub fn when_any<V: Into<Value>>(mut self, parent: &str, choices: impl IntoIterator<Item = V>) -> Self {
        let condition = (parent.to_owned(), choices.into_iter().map(Into::into).collect());
        if let Some((first, _)) = self.condition.replace(condition) {
            self.misused = Some(Misuse::SecondCondition { first });
        }
        self
    }
}

/// A real number from `low` to `high`.
pub fn float(name: &str, low: f64, high: f64) -> Declaration {
    Declaration::new(name, Domain::Float { low, high, log: false, step: None })
}

/// A whole number from `low` to `high`, both included.
pub fn int(name: &str, low: i64, high: i64) -> Declaration {
    Declaration::new(name, Domain::Int { low, high, log: false, step: 1 })
}

/// One of `choices`, which have no order.
pub fn categorical<V: Into<Value>>(name: &str, choices: impl IntoIterator<Item = V>) -> Declaration {
    Declaration::new(name, Domain::Categorical { choices: choices.into_iter().map(Into::into).collect() })
}

/// One of `choices`, which are in order: neighbours are alike.
pub fn ordinal<V: Into<Value>>(name: &str, choices: impl IntoIterator<Item = V>) -> Declaration {
    Declaration::new(name, Domain::Ordinal { choices: choices.into_iter().map(Into::into).collect() })
}

/// Yes or no.
pub fn boolean(name: &str) -> Declaration {
    categorical(name, [false, true])
}

/// A real number that is expected near `mu`, give or take `sigma`; at most four `sigma` away.
pub fn normal(name: &str, mu: f64, sigma: f64) -> Declaration {
    Declaration::new(name, Domain::Normal { mu, sigma, log: false, step: None })
}

/// A parameter of a [`Space`].
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    name: String,
    domain: Domain,
    /// The parent's index and which of its choices (by index) this parameter exists for.
    condition: Option<(usize, Vec<bool>)>,
}

impl Node {
    /// The parameter's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it can be.
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// The index of the parameter that it depends on.
    pub fn parent(&self) -> Option<usize> {
        self.condition.as_ref().map(|&(parent, _)| parent)
    }
}

/// A tree of parameters, parents before children.
#[derive(Debug, Clone, PartialEq)]
pub struct Space {
    nodes: Vec<Node>,
}

/// A point of a space: the internal representation of each parameter, NaN where it does not exist.
///
/// Internal representations are those of [`Distribution`](crate::Distribution): numbers as themselves, choices as
/// indices.
pub type Point = Vec<f64>;

impl Space {
    /// Builds and checks the tree.
    ///
    /// # Errors
    /// The first declaration that makes no sense, and why: bounds that are not in order, a logarithm of what is not
    /// positive, no choices or equal ones, a step that is not positive, a name twice, a parent that is unknown,
    /// declared later, has no choices or not this one.
    pub fn new(declarations: impl IntoIterator<Item = Declaration>) -> Result<Self, SpaceError> {
        let mut nodes: Vec<Node> = Vec::new();
        for declaration in declarations {
            let Declaration { name, domain, condition, misused } = declaration;
            if nodes.iter().any(|node| node.name == name) {
                return Err(SpaceError::Duplicate { name });
            }
            match (misused, &condition) {
                (Some(Misuse::SecondCondition { first }), Some((second, _))) => {
                    return Err(SpaceError::TwoConditions { name, first, second: second.clone() });
                }
                (Some(Misuse::Refinement(refinement)), _) => {
                    return Err(SpaceError::Misused { name, refinement });
                }
                _ => {}
            }
            domain.check(&name)?;
            let condition = match condition {
                Some((parent, choices)) => Some(resolve(&nodes, &name, parent, &choices)?),
                None => None,
            };
            nodes.push(Node { name, domain, condition });
        }
        if nodes.is_empty() { Err(SpaceError::Empty) } else { Ok(Self { nodes }) }
    }

    /// The parameters, parents before children.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// How many parameters there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Never: a space has parameters.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The index of a parameter.
    pub fn index(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name)
    }

    /// The parameter with the most similar name.
    pub(crate) fn nearest(&self, name: &str) -> Option<String> {
        nearest(self.nodes.iter().map(Node::name), name)
    }

    /// Whether parameter `index` exists at `point`, of which the parameters before it are known.
    pub fn active(&self, index: usize, point: &[f64]) -> bool {
        match &self.nodes[index].condition {
            None => true,
            Some((parent, choices)) => {
                let choice = point[*parent];
                // As an index NaN is 0, and so is what is negative.
                choice >= 0.0 && choices.get(choice as usize).copied().unwrap_or(false)
            }
        }
    }

    /// A point whose parameters are chosen one after the other, parents first, by `choose(index)`.
    pub fn walk(&self, mut choose: impl FnMut(usize) -> f64) -> Point {
        let mut point = vec![f64::NAN; self.len()];
        for index in 0..self.len() {
            if self.active(index, &point) {
                point[index] = choose(index);
            }
        }
        point
    }

    /// The parameters that exist at `point`, as they are stored.
    pub fn params(&self, point: &[f64]) -> Vec<(String, Param)> {
        let nodes = self.nodes.iter().zip(point).filter(|(_, internal)| !internal.is_nan());
        nodes
            .map(|(node, &internal)| {
                (node.name.clone(), Param { internal, distribution: node.domain.distribution() })
            })
            .collect()
    }

    /// If every parameter is discrete, the number of different points; `None` for infinitely many or more than 2⁵³.
    pub fn cardinality(&self) -> Option<u64> {
        // From the leaves up: each choice of a parameter multiplies the counts of its children that exist for it.
        let mut below: Vec<Vec<u64>> =
            self.nodes.iter().map(|node| vec![1; node.domain.choices().map_or(0, <[_]>::len)]).collect();
        let mut total: u64 = 1;
        for (index, node) in self.nodes.iter().enumerate().rev() {
            let count = match node.domain.choices() {
                Some(_) => below[index].iter().try_fold(0u64, |sum, &n| sum.checked_add(n))?,
                None => node.domain.cardinality()? as u64,
            };
            match &node.condition {
                None => total = total.checked_mul(count)?,
                Some((parent, choices)) => {
                    for (cell, _) in below[*parent].iter_mut().zip(choices).filter(|(_, exists)| **exists) {
                        *cell = cell.checked_mul(count)?;
                    }
                }
            }
        }
        (total <= domain::MANY).then_some(total)
    }
}

/// The one of `words` that is most like `word`.
fn nearest<'a>(words: impl IntoIterator<Item = &'a str>, word: &str) -> Option<String> {
    let likeness = |other: &str| strsim::jaro_winkler(other, word);
    words.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b))).map(str::to_owned)
}

/// The index of `parent` and a mask of its choices.
fn resolve(
    nodes: &[Node],
    name: &str,
    parent: String,
    choices: &[Value],
) -> Result<(usize, Vec<bool>), SpaceError> {
    let Some(index) = nodes.iter().position(|node| node.name == parent) else {
        let nearest = nearest(nodes.iter().map(Node::name), &parent);
        return Err(SpaceError::UnknownParent { name: name.to_owned(), parent, nearest });
    };
    let Some(options) = nodes[index].domain.choices() else {
        return Err(SpaceError::ParentWithoutChoices { name: name.to_owned(), parent });
    };
    if choices.is_empty() {
        return Err(SpaceError::Never { name: name.to_owned(), parent });
    }
    let mut mask = vec![false; options.len()];
    for choice in choices {
        match options.iter().position(|option| option.same(choice)) {
            Some(position) => mask[position] = true,
            None => {
                let options = options.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                return Err(SpaceError::UnknownChoice {
                    name: name.to_owned(),
                    parent,
                    choice: choice.to_string(),
                    options,
                });
            }
        }
    }
    Ok((index, mask))
}
