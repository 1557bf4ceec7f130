//! A parameter from its table.

use std::collections::BTreeMap;

use super::tree::Tree;
use crate::space::{Declaration, Domain, SpaceError, categorical, nearest, normal, ordinal};
use crate::value::Value;

/// What `type` may be.
const TYPES: [&str; 5] = ["float", "int", "bool", "choice", "normal"];

/// All keys.
const KEYS: [&str; 9] = ["type", "choices", "ordered", "low", "high", "log", "step", "mu", "sigma"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Float,
    Int,
    Bool,
    Choice,
    Normal,
}

impl Kind {
    /// With an article.
    fn name(self) -> &'static str {
        match self {
            Self::Float => "a real number",
            Self::Int => "a whole number",
            Self::Bool => "a truth value",
            Self::Choice => "a choice",
            Self::Normal => "a normal number",
        }
    }

    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Float | Self::Int => &["low", "high", "log", "step", "type", "when"],
            Self::Bool => &["type", "when"],
            Self::Choice => &["choices", "ordered", "type", "when"],
            Self::Normal => &["mu", "sigma", "log", "step", "type", "when"],
        }
    }
}

/// The table of one parameter.
struct Table {
    name: String,
    entries: Vec<(String, Tree)>,
}

/// The parameter `name`.
pub(super) fn declaration(name: String, tree: Tree) -> Result<Declaration, SpaceError> {
    let Tree::Table(entries) = tree else { return Err(SpaceError::NoTable { name, found: tree.describe() }) };
    let table = Table { name, entries };
    table.check_twice()?;
    let kind = table.kind()?;
    table.check_keys(kind)?;
    let mut declaration = table.declare(kind)?;
    if let Some(condition) = table.get("when") {
        let (parent, choices) = table.condition(condition)?;
        declaration = declaration.when_any(&parent, choices);
    }
    Ok(declaration)
}

impl Table {
    fn get(&self, key: &str) -> Option<&Tree> {
        self.entries.iter().find(|(other, _)| other == key).map(|(_, tree)| tree)
    }

    fn check_twice(&self) -> Result<(), SpaceError> {
        for (place, (key, _)) in self.entries.iter().enumerate() {
            if self.entries[..place].iter().any(|(other, _)| other == key) {
                return Err(SpaceError::DuplicateKey { name: self.name.clone(), key: key.clone() });
            }
        }
        Ok(())
    }

    fn kind(&self) -> Result<Kind, SpaceError> {
        if let Some(tree) = self.get("type") {
            let Tree::Value(Value::Str(found)) = tree else { return Err(self.wrong("type", tree, "a text")) };
            return Ok(match found.as_str() {
                "float" => Kind::Float,
                "int" => Kind::Int,
                "bool" => Kind::Bool,
                "choice" => Kind::Choice,
                "normal" => Kind::Normal,
                _ => {
                    return Err(SpaceError::UnknownType {
                        name: self.name.clone(),
                        found: found.clone(),
                        known: TYPES.join(", "),
                        nearest: nearest(TYPES, found),
                    });
                }
            });
        }
        let has = |key| self.get(key).is_some();
        let is_real = |key| matches!(self.get(key), Some(Tree::Value(Value::Float(_))));
        if has("choices") {
            Ok(Kind::Choice)
        } else if has("mu") || has("sigma") {
            Ok(Kind::Normal)
        } else if has("low") || has("high") {
            Ok(if ["low", "high", "step"].into_iter().any(is_real) { Kind::Float } else { Kind::Int })
        } else {
            let unknown = self.entries.iter().find(|(key, _)| key != "when" && !KEYS.contains(&key.as_str()));
            let nearest = unknown.and_then(|(key, _)| nearest(KEYS, key));
            Err(SpaceError::NoKind { name: self.name.clone(), nearest })
        }
    }

    fn check_keys(&self, kind: Kind) -> Result<(), SpaceError> {
        match self.entries.iter().find(|(key, _)| !kind.keys().contains(&key.as_str())) {
            None => Ok(()),
            Some((key, _)) => Err(SpaceError::UnknownKey {
                name: self.name.clone(),
                key: key.clone(),
                kind: kind.name(),
                nearest: nearest(kind.keys().iter().copied(), key),
            }),
        }
    }

    fn declare(&self, kind: Kind) -> Result<Declaration, SpaceError> {
        let name = self.name.as_str();
        match kind {
            Kind::Bool => Ok(crate::space::boolean(name)),
            Kind::Choice => {
                let tree = self.required("choices", kind)?;
                let Tree::List(items) = tree else { return Err(self.wrong("choices", tree, "a list")) };
                let choices = self.choices("choices", items)?;
                Ok(if self.truth("ordered")? { ordinal(name, choices) } else { categorical(name, choices) })
            }
            Kind::Float => {
                let (low, high) = (
                    self.real(self.required("low", kind)?, "low")?,
                    self.real(self.required("high", kind)?, "high")?,
                );
                let (log, step) = (self.truth("log")?, self.step()?);
                Ok(Declaration::new(name, Domain::Float { low, high, log, step }))
            }
            Kind::Int => {
                let whole = |key: &'static str, tree: &Tree| match tree {
                    Tree::Value(value @ Value::Int(_)) => {
                        value.as_i64().ok_or_else(|| self.wrong(key, tree, "from -2^63 to 2^63 - 1"))
                    }
                    _ => Err(self.wrong(key, tree, "a whole number")),
                };
                let low = whole("low", self.required("low", kind)?)?;
                let high = whole("high", self.required("high", kind)?)?;
                let step = self.get("step").map_or(Ok(1), |tree| whole("step", tree))?;
                Ok(Declaration::new(name, Domain::Int { low, high, log: self.truth("log")?, step }))
            }
            Kind::Normal => {
                let mu = self.real(self.required("mu", kind)?, "mu")?;
                let sigma = self.real(self.required("sigma", kind)?, "sigma")?;
                let declaration = normal(name, mu, sigma);
                let declaration = if self.truth("log")? { declaration.log() } else { declaration };
                Ok(match self.step()? {
                    Some(step) => declaration.step(step),
                    None => declaration,
                })
            }
        }
    }

    fn required(&self, key: &'static str, kind: Kind) -> Result<&Tree, SpaceError> {
        self.get(key).ok_or_else(|| SpaceError::MissingKey {
            name: self.name.clone(),
            key,
            kind: kind.name(),
        })
    }

    fn real(&self, tree: &Tree, key: &str) -> Result<f64, SpaceError> {
        match tree {
            Tree::Value(value) => value.as_f64(),
            _ => None,
        }
        .ok_or_else(|| self.wrong(key, tree, "a number"))
    }

    fn step(&self) -> Result<Option<f64>, SpaceError> {
        self.get("step").map(|tree| self.real(tree, "step")).transpose()
    }

    fn truth(&self, key: &str) -> Result<bool, SpaceError> {
        match self.get(key) {
            None => Ok(false),
            Some(Tree::Value(Value::Bool(value))) => Ok(*value),
            Some(tree) => Err(self.wrong(key, tree, "true or false")),
        }
    }

    fn choices(&self, key: &str, items: &[Tree]) -> Result<Vec<Value>, SpaceError> {
        items.iter().map(|item| self.choice(key, item)).collect()
    }

    fn choice(&self, key: &str, item: &Tree) -> Result<Value, SpaceError> {
        match item {
            Tree::Value(value) => Ok(value.clone()),
            Tree::List(items) => Ok(Value::List(self.choices(key, items)?)),
            // TOML has no word for nothing.
            Tree::Table(entries) if entries.is_empty() => Ok(Value::None),
            Tree::Table(entries) => {
                let mut values = BTreeMap::new();
                for (name, tree) in entries {
                    if values.insert(name.clone(), self.choice(key, tree)?).is_some() {
                        return Err(SpaceError::DuplicateKey { name: self.name.clone(), key: name.clone() });
                    }
                }
                Ok(Value::Map(values))
            }
        }
    }

    /// The parent and its choices.
    fn condition(&self, tree: &Tree) -> Result<(String, Vec<Value>), SpaceError> {
        match tree {
            Tree::Table(entries) => match entries.as_slice() {
                [(parent, Tree::List(items))] => Ok((parent.clone(), self.choices("when", items)?)),
                [(parent, item)] => Ok((parent.clone(), self.choices("when", std::slice::from_ref(item))?)),
                [(first, _), (second, _), ..] => Err(SpaceError::TwoConditions {
                    name: self.name.clone(),
                    first: first.clone(),
                    second: second.clone(),
                }),
                [] => Err(self.wrong("when", tree, "a parent with choices of it: { parent = choice }")),
            },
            _ => Err(self.wrong("when", tree, "a parent with choices of it: { parent = choice }")),
        }
    }

    fn wrong(&self, key: &str, tree: &Tree, expected: &'static str) -> SpaceError {
        SpaceError::WrongType {
            name: self.name.clone(),
            key: key.to_owned(),
            expected,
            found: tree.describe(),
        }
    }
}
