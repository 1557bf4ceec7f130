use std::path::Path;

use serde_json::Value;

use super::written::{self, Object, Readable, shown};
use crate::keras::KerasError;
use crate::quoted::{quoted, shortened};

/// The arguments of a layer, taken one by one; what is left at the end is unknown and refused.
pub(super) struct Arguments<'a> {
    path: &'a Path,
    layer: String,
    left: Object,
}

/// A number for both axes, written once, or two: height and width.
struct Size([usize; 2]);

written::readable!(
    Size,
    "a whole number, or one for each of height and width",
    |value| match value.as_u64() {
        Some(_) => usize::read(value).map(|side| Self([side, side])),
        None => <[usize; 2]>::read(value).map(Self),
    }
);

impl<'a> Arguments<'a> {
    pub(super) fn new(path: &'a Path, layer: &str, config: Object) -> Self {
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
    pub(super) fn refused(&self, name: &str, value: impl Into<Value>, expected: &str) -> KerasError {
        self.error(format!("{name} = {}: expected {expected}", shown(&value.into())))
    }

    /// An argument that may be absent or null.
    pub(super) fn optional<T: Readable>(&mut self, name: &str) -> Result<Option<T>, KerasError> {
        let taken = written::take(&mut self.left, name);
        taken.map_err(|problem| self.error(problem))
    }

    /// An argument that has to be there.
    pub(super) fn required<T: Readable>(&mut self, name: &str) -> Result<T, KerasError> {
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
        let Some(Size(size)) = self.optional(name)? else { return Ok(None) };
        if size.contains(&0) {
            return Err(self.refused(name, size.as_slice(), "at least 1"));
        }
        Ok(Some(size))
    }

    /// A finite number.
    pub(super) fn number(&mut self, name: &str, default: f64) -> Result<f64, KerasError> {
        Ok(self.optional(name)?.unwrap_or(default))
    }

    /// The number of an axis, the batch being 0, or -1 for the last one; the last one if it is not told. Keras writes it
    /// as a number or as a list of one.
    pub(super) fn axis(&mut self) -> Result<i64, KerasError> {
        let Some(written) = self.optional::<Value>("axis")? else { return Ok(-1) };
        let axis = match &written {
            Value::Array(list) if list.len() == 1 => list[0].as_i64(),
            one => one.as_i64(),
        };
        axis.ok_or_else(|| self.refused("axis", written, "the number of one axis"))
    }

    /// Refuses any value of an argument but the one that is supported; absent or null counts as that one.
    pub(super) fn only(&mut self, name: &str, supported: impl Into<Value>) -> Result<(), KerasError> {
        let supported = supported.into();
        match self.optional::<Value>(name)? {
            Some(value) if !equal(&value, &supported) => {
                let expected = format!("{}; nothing else is supported", shown(&supported));
                Err(self.refused(name, value, &expected))
            }
            _ => Ok(()),
        }
    }

    /// Refuses an argument that is there and not null.
    pub(super) fn absent(&mut self, name: &str) -> Result<(), KerasError> {
        match self.optional::<Value>(name)? {
            Some(value) => Err(self.refused(name, value, "null; nothing else is supported")),
            None => Ok(()),
        }
    }

    /// Leaves out what does not change what the layer computes.
    pub(super) fn ignore(&mut self, names: &[&str]) {
        for name in names {
            self.left.remove(*name);
        }
    }

    /// Refuses types of numbers that change more than the rounding.
    fn check_type(&mut self) -> Result<(), KerasError> {
        const TYPES: [&str; 6] =
            ["float32", "float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16"];
        const POLICIES: [&str; 3] = ["DTypePolicy", "FloatDTypePolicy", "Policy"];
        let name = match self.optional::<Value>("dtype")? {
            None => return Ok(()),
            Some(Value::String(name)) => name,
            Some(policy) => {
                let class = policy.get("class_name").and_then(Value::as_str).unwrap_or_default();
                match policy.pointer("/config/name").and_then(Value::as_str) {
                    Some(name) if POLICIES.contains(&class) => name.to_owned(),
                    _ => {
                        return Err(self.refused(
                            "dtype",
                            policy,
                            "the name of a type, or a DTypePolicy with one",
                        ));
                    }
                }
            }
        };
        // Images may come as bytes.
        if TYPES.contains(&name.as_str()) || matches!(name.as_str(), "uint8" | "int32" | "int64") {
            return Ok(());
        }
        Err(self.refused("dtype", name, &format!("one of {}", TYPES.join(", "))))
    }

    /// Gives the layer's name if all arguments were taken.
    pub(super) fn finish(mut self) -> Result<String, KerasError> {
        self.check_type()?;
        self.ignore(&["name", "trainable", "batch_input_shape", "batch_shape", "activity_regularizer"]);
        let training = ["_initializer", "_regularizer", "_constraint"];
        self.left.retain(|name, _| !training.iter().any(|end| name.ends_with(end)));
        match self.left.iter().next() {
            None => Ok(self.layer),
            Some((name, value)) => {
                let (name, value) = (shortened(name, 80), shown(value));
                Err(self.error(format!("the argument {name} = {value} is not supported")))
            }
        }
    }

    /// The name of a function, as a text or as an object of class `function`.
    pub(super) fn function(&mut self, name: &str) -> Result<Option<String>, KerasError> {
        match self.optional::<Value>(name)? {
            None => Ok(None),
            Some(Value::String(function)) => Ok(Some(function)),
            Some(object) => match (object.get("class_name"), object.get("config")) {
                (Some(class), Some(Value::String(function))) if class == "function" => {
                    Ok(Some(function.clone()))
                }
                (Some(Value::String(class)), _) => {
                    let class = quoted(class);
                    Err(self.error(format!(
                        "{name} is a layer of class {class}, expected the name of a function"
                    )))
                }
                _ => Err(self.refused(name, object, "the name of a function")),
            },
        }
    }
}

/// Numbers are equal whichever way they are written: 0 and 0.0.
fn equal(a: &Value, b: &Value) -> bool {
    a == b || matches!((a.as_f64(), b.as_f64()), (Some(a), Some(b)) if a == b)
}
