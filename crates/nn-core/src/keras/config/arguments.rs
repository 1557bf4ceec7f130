use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::keras::KerasError;

/// The arguments of a layer, taken one by one; what is left at the end is unknown and refused.
pub(super) struct Arguments<'a> {
    path: &'a Path,
    layer: String,
    left: Map<String, Value>,
}

impl<'a> Arguments<'a> {
    pub(super) fn new(path: &'a Path, layer: &str, config: Map<String, Value>) -> Self {
        Self { path, layer: layer.into(), left: config }
    }

    /// The layer's name.
    pub(super) fn layer(&self) -> &str {
        &self.layer
    }

    pub(super) fn error(&self, problem: impl ToString) -> KerasError {
        KerasError::layer(self.path, &self.layer, problem)
    }

    /// An argument out of range or not supported.
    pub(super) fn refused(&self, name: &str, value: impl std::fmt::Debug, expected: &str) -> KerasError {
        self.error(format!("{name} = {value:?}: expected {expected}"))
    }

    /// An argument that may be absent or null.
    pub(super) fn optional<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, KerasError> {
        match self.left.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                let parsed = T::deserialize(&value);
                parsed.map(Some).map_err(|e| self.error(format!("{name} = {value}: {e}")))
            }
        }
    }

    /// An argument that has to be there.
    pub(super) fn required<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, KerasError> {
        self.optional(name)?.ok_or_else(|| self.error(format!("the argument {name} is missing")))
    }

    /// A positive whole number.
    pub(super) fn count(&mut self, name: &str) -> Result<usize, KerasError> {
        match self.required(name)? {
            0 => Err(self.refused(name, 0, "at least 1")),
            count => Ok(count),
        }
    }

    /// A number for both axes, written once, or two: height and width. Positive.
    pub(super) fn size(&mut self, name: &str) -> Result<Option<[usize; 2]>, KerasError> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Size {
            Square(usize),
            Sides([usize; 2]),
        }
        let size = match self.optional(name)? {
            None => return Ok(None),
            Some(Size::Square(side)) => [side, side],
            Some(Size::Sides(sides)) => sides,
        };
        if size.contains(&0) {
            return Err(self.refused(name, size, "at least 1"));
        }
        Ok(Some(size))
    }

    /// A finite number.
    pub(super) fn number(&mut self, name: &str, default: f64) -> Result<f64, KerasError> {
        let number = self.optional(name)?.unwrap_or(default);
        if number.is_finite() { Ok(number) } else { Err(self.refused(name, number, "a finite number")) }
    }

    /// Refuses any value of an argument but the one that is supported; absent or null counts as that one.
    pub(super) fn only<T>(&mut self, name: &str, supported: T) -> Result<(), KerasError>
    where
        T: DeserializeOwned + PartialEq + std::fmt::Debug,
    {
        match self.optional::<T>(name)? {
            Some(value) if value != supported => {
                Err(self.refused(name, value, &format!("{supported:?}; nothing else is supported")))
            }
            _ => Ok(()),
        }
    }

    /// Leaves out what does not change what the layer computes.
    pub(super) fn ignore(&mut self, names: &[&str]) {
        for name in names {
            self.left.remove(*name);
        }
    }

    /// Gives the layer's name if all arguments were taken.
    pub(super) fn finish(mut self) -> Result<String, KerasError> {
        self.ignore(&[
            "name",
            "trainable",
            "dtype",
            "batch_input_shape",
            "batch_shape",
            "activity_regularizer",
        ]);
        let training = ["_initializer", "_regularizer", "_constraint"];
        self.left.retain(|name, _| !training.iter().any(|end| name.ends_with(end)));
        match self.left.iter().next() {
            None => Ok(self.layer),
            Some((name, value)) => Err(self.error(format!("the argument {name} = {value} is not supported"))),
        }
    }
}
