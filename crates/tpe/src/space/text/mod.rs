//! Spaces as TOML and as JSON.
//!
//! One table for each parameter, under its name:
//!
//! ```toml
//! [optimizer]
//! choices = ["adam", "sgd"]   # any of: true, 3, 0.5, "text", {} for nothing (in JSON: null)
//!
//! [depth]
//! choices = [18, 34, 50]
//! ordered = true              # neighbours are alike
//!
//! [rate]
//! low = 1e-5                  # real, because one of the numbers is
//! high = 1e-1
//! log = true
//!
//! [units]
//! low = 32                    # whole, because all numbers are; otherwise: type = "float"
//! high = 512
//! step = 32
//!
//! [gain]
//! mu = 0.0                    # normal; with log = true its logarithm is
//! sigma = 1.0
//!
//! [warmup]
//! type = "bool"
//!
//! [momentum]
//! low = 0.0
//! high = 0.99
//! when = { optimizer = "sgd" }   # or = ["sgd", "rms"]
//! ```
//!
//! The order of the tables is the order of the parameters, except that a parent that comes later is taken before its
//! first child. What a key can have elsewhere is told by `type`, one of `float`, `int`, `bool`, `choice` and `normal`,
//! which is needed only where nothing else tells it.

mod read;
mod tree;
mod write;

use std::collections::HashMap;

use super::{Declaration, Space, SpaceError, nearest};
use tree::{Format, Tree};

impl Space {
    /// Reads a space from TOML, in the format of [`Self::to_toml`]; the order in which parents and children stand does not matter.
    ///
    /// # Errors
    /// The first thing that makes no sense, with the parameter, the key and what was expected; see [`SpaceError`].
    pub fn from_toml(text: &str) -> Result<Self, SpaceError> {
        build(Tree::parse(text, Format::Toml)?)
    }

    /// Reads a space from JSON: an object with the keys and tables of [TOML](Self::to_toml). `NaN` and `Infinity` may
    /// stand bare, as Python writes them.
    ///
    /// # Errors
    /// As [`Self::from_toml`].
    pub fn from_json(text: &str) -> Result<Self, SpaceError> {
        build(Tree::parse(text, Format::Json)?)
    }

    /// The space as TOML; [`Self::from_toml`] reads the same space again.
    ///
    /// Each parameter is a table under its name:
    ///
    /// - `low`, `high`, and where wanted `log = true` or `step`: a number, whole if all of these are (unless
    ///   `type = "float"`);
    /// - `choices`, a list, and where they are in order `ordered = true`; `{}` in it is nothing, which JSON calls `null`;
    /// - `mu`, `sigma`, and where wanted `log = true` or `step`: a normal number;
    /// - `type = "bool"`: yes or no.
    ///
    /// Any of them may have `when = { parent = choice }` or `when = { parent = [choice, ...] }`.
    ///
    /// ```
    /// use tpe::Space;
    ///
    /// let space = Space::from_toml(
    ///     r#"
    ///     [optimizer]
    ///     choices = ["adam", "sgd"]
    ///     [momentum]
    ///     low = 0.0
    ///     high = 0.99
    ///     when = { optimizer = "sgd" }
    ///     "#,
    /// )?;
    /// assert_eq!(Space::from_toml(&space.to_toml())?, space);
    /// # Ok::<(), tpe::space::SpaceError>(())
    /// ```
    pub fn to_toml(&self) -> String {
        write::tree(self).document(Format::Toml)
    }

    /// The space as JSON; [`Self::from_json`] reads the same space again.
    pub fn to_json(&self) -> String {
        write::tree(self).document(Format::Json)
    }
}

fn build(tree: Tree) -> Result<Space, SpaceError> {
    let Tree::Table(entries) = tree else {
        let why = format!("it is {}, it must be an object with a table for each parameter", tree.describe());
        return Err(SpaceError::Text { format: Format::Json.name(), why });
    };
    let declarations = entries.into_iter().map(|(name, entry)| read::declaration(name, entry));
    Space::new(parents_first(declarations.collect::<Result<_, _>>()?)?)
}

/// Each declaration as early as it was, but after its parent.
fn parents_first(declarations: Vec<Declaration>) -> Result<Vec<Declaration>, SpaceError> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (place, declaration) in declarations.iter().enumerate() {
        if places.insert(&declaration.name, place).is_some() {
            return Err(SpaceError::Duplicate { name: declaration.name.clone() });
        }
    }
    let mut order = Vec::with_capacity(declarations.len());
    let mut placed = vec![false; declarations.len()];
    for start in 0..declarations.len() {
        let mut chain = Vec::new();
        let mut next = Some(start);
        while let Some(place) = next.filter(|&place| !placed[place]) {
            chain.push(place);
            if chain.len() > declarations.len() {
                return Err(cycle(&declarations, &chain));
            }
            let Declaration { name, condition, .. } = &declarations[place];
            next = match condition {
                None => None,
                Some((parent, _)) => {
                    Some(*places.get(parent.as_str()).ok_or_else(|| SpaceError::UnknownParent {
                        name: name.clone(),
                        parent: parent.clone(),
                        nearest: nearest(places.keys().copied().filter(|other| other != name), parent),
                    })?)
                }
            };
        }
        for place in chain.into_iter().rev() {
            placed[place] = true;
            order.push(place);
        }
    }
    let mut declarations: Vec<_> = declarations.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|place| declarations[place].take()).collect())
}

/// The cycle in which a chain from child to parent ends that is longer than there are parameters.
fn cycle(declarations: &[Declaration], chain: &[usize]) -> SpaceError {
    let last = chain.len() - 1;
    let first = chain[..last].iter().rposition(|place| *place == chain[last]).unwrap_or(0);
    SpaceError::Cycle {
        names: chain[first..].iter().map(|&place| declarations[place].name.clone()).collect(),
    }
}
