//! JSON as Keras writes it: parsed within bounds, and its objects with the class that each names.

use serde_json::{Map, Value};

use super::LONGEST;
use crate::JsonError;
use crate::quoted::{list, quoted, shortened};

/// More values than the longest permitted text of a model has; each costs some dozen bytes of memory.
const MOST_VALUES: usize = 1 << 20;
/// Objects and lists within each other; models have a dozen.
const DEEPEST: usize = 100;

/// The members of an object.
pub(super) type Object = Map<String, Value>;

/// Parses a text whose length, values and depth are bounded.
pub(in crate::keras) fn parse(json: &str) -> Result<Value, String> {
    if json.len() > LONGEST {
        return Err(format!("a configuration of {} bytes; the limit is {LONGEST}", json.len()));
    }
    measure(json.as_bytes())?;
    serde_json::from_str(json).map_err(|error| format!("it {}", JsonError::from(error)))
}

/// Counts values and depth before any is made. A value ends in a comma or opens a list or an object, but for one.
fn measure(json: &[u8]) -> Result<(), String> {
    let (mut depth, mut values, mut in_text, mut escaped) = (0usize, 1usize, false, false);
    for &byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'[' | b'{' => (depth, values) = (depth + 1, values + 1),
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => {}
        }
        if depth > DEEPEST {
            return Err(format!("its JSON is nested more than {DEEPEST} deep"));
        }
        if values > MOST_VALUES {
            return Err(format!("its JSON has more than {MOST_VALUES} values"));
        }
    }
    Ok(())
}

/// A value in a message: as JSON if it is short, an object by its class.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Object(object) => match object.get("class_name").and_then(Value::as_str) {
            Some(class) => format!("an object of class {}", quoted(class)),
            None => "an object".into(),
        },
        Value::String(text) => quoted(text),
        Value::Array(elements) => {
            let element = |value: &Value| match value {
                Value::Array(inner) if inner.iter().any(Value::is_array) => "a list".to_owned(),
                value => shown(value),
            };
            list(elements.iter().map(element))
        }
        number => shortened(&number.to_string(), 80),
    }
}

/// A type that a member of an object may be read as.
pub(super) trait Readable: Sized {
    /// What the value has to be, for messages.
    const EXPECTED: &'static str;

    /// The value, if it is of this type.
    fn read(value: Value) -> Option<Self>;
}

macro_rules! readable {
    ($type:ty, $expected:literal, $read:expr) => {
        impl Readable for $type {
            const EXPECTED: &'static str = $expected;

            fn read(value: Value) -> Option<Self> {
                let read: fn(Value) -> Option<Self> = $read;
                read(value)
            }
        }
    };
}
pub(super) use readable;

readable!(usize, "a whole number that is not negative", |value| usize::try_from(value.as_u64()?).ok());
readable!(f64, "a number", |value| value.as_f64());
readable!(bool, "true or false", |value| value.as_bool());
readable!(Value, "a value", Some);
readable!(String, "a text", |value| match value {
    Value::String(text) => Some(text),
    _ => None,
});
readable!(Vec<Value>, "a list", |value| match value {
    Value::Array(list) => Some(list),
    _ => None,
});
readable!(Object, "an object", |value| match value {
    Value::Object(object) => Some(object),
    _ => None,
});
readable!([usize; 2], "two whole numbers that are not negative", |value| {
    let Value::Array(list) = value else { return None };
    let sides: Vec<usize> = list.into_iter().map(usize::read).collect::<Option<_>>()?;
    sides.try_into().ok()
});
readable!(Vec<Option<usize>>, "a list of whole numbers and null", |value| {
    let Value::Array(list) = value else { return None };
    list.into_iter()
        .map(|value| if value.is_null() { Some(None) } else { usize::read(value).map(Some) })
        .collect()
});

/// Takes a member that may be absent or null.
pub(super) fn take<T: Readable>(object: &mut Object, name: &str) -> Result<Option<T>, String> {
    match object.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let found = shown(&value);
            let read = T::read(value).map(Some);
            read.ok_or_else(|| format!("{name} = {found}: expected {}", T::EXPECTED))
        }
    }
}

/// Takes a member that has to be there.
pub(super) fn require<T: Readable>(object: &mut Object, name: &str) -> Result<T, String> {
    take(object, name)?.ok_or_else(|| format!("{name} is missing"))
}

/// Refuses members that are left over, but for those that change nothing.
pub(super) fn refuse_others(object: &Object, without_effect: &[&str]) -> Result<(), String> {
    match object.iter().find(|(name, _)| !without_effect.contains(&name.as_str())) {
        None => Ok(()),
        Some((name, value)) => Err(format!("{} = {} is not supported", shortened(name, 80), shown(value))),
    }
}

/// The class of a layer or a model and its configuration, apart from the other members of its object.
pub(super) struct Written {
    pub class: String,
    pub config: Value,
    /// What stands beside them: the name and the connections of a layer.
    pub beside: Object,
}

impl Written {
    /// Takes an object apart, without checking whose class it names.
    pub fn read(value: Value) -> Result<Self, String> {
        let found = shown(&value);
        let mut beside =
            Object::read(value).ok_or_else(|| format!("{found}: expected an object with a class_name"))?;
        let class = require(&mut beside, "class_name")?;
        let config = require(&mut beside, "config")?;
        Ok(Self { class, config, beside })
    }

    /// Refuses a class that is not Keras's own, and what stands beside the configuration but for what Keras writes there:
    /// what follows from the rest, and `expected`.
    pub fn check_class(&self, expected: &[&str]) -> Result<(), String> {
        /// How the object was built and compiled is repeated by what else is read; identities are for objects that
        /// several layers share, none of which has a state.
        const WITHOUT_EFFECT: [&str; 6] =
            ["module", "registered_name", "build_config", "compile_config", "shared_object_id", "backend"];
        foreign(&self.class, &self.beside, is_of_layers)?;
        refuse_others(&self.beside, &[&WITHOUT_EFFECT, expected].concat())
            .map_err(|problem| format!("beside its config, {problem}"))
    }
}

/// Refuses objects of classes that are not Keras's own, at any depth.
pub(super) fn refuse_foreign(value: &Value) -> Result<(), String> {
    match value {
        Value::Array(list) => list.iter().try_for_each(refuse_foreign),
        Value::Object(object) => {
            if let Some(class) = object.get("class_name").and_then(Value::as_str) {
                foreign(class, object, |module, _| is_of_keras(module))?;
            }
            object.values().try_for_each(refuse_foreign)
        }
        _ => Ok(()),
    }
}

/// Refuses an object whose class is not Keras's own, although it may have the name of one.
///
/// Keras writes where a class comes from: `module`, null for a script, and `registered_name`, `PACKAGE>NAME` for a
/// registered class or function. Before 2.12 there was only the class, `PACKAGE>NAME` for a registered one.
fn foreign(class: &str, object: &Object, is_own: fn(&str, &str) -> bool) -> Result<(), String> {
    let registered = object.get("registered_name").filter(|name| !name.is_null());
    let whose = match (registered, object.get("module")) {
        (Some(Value::String(name)), _) if name != class && object.get("config") != registered => quoted(name),
        (Some(other), _) if !other.is_string() => shown(other),
        (_, Some(Value::String(module))) if is_own(module, class) => return Ok(()),
        (_, Some(Value::String(module))) => quoted(&format!("{module}.{class}")),
        (_, Some(Value::Null)) => "one of the script that saved the model".into(),
        (_, Some(other)) => shown(other),
        (_, None) if class.contains('>') => quoted(class),
        (_, None) => return Ok(()),
    };
    // A function has its name in the place of a configuration.
    let class =
        if class == "function" { "a function".into() } else { format!("the class {}", quoted(class)) };
    Err(format!("{class} is not Keras's own but {whose}; what it computes is not in the file"))
}

/// Whether Keras has classes and functions in a module of that name.
fn is_of_keras(module: &str) -> bool {
    matches!(module.split('.').next(), Some("keras" | "tf_keras" | "builtins"))
}

/// Whether Keras has layers and models in a module of that name, or the operation that does what the layer of that
/// name does: `x + y` is written as `Add` of `keras.src.ops.numpy`.
fn is_of_layers(module: &str, class: &str) -> bool {
    let mut parts = module.split('.').filter(|&part| part != "src");
    match (parts.next(), parts.next()) {
        (Some("keras" | "tf_keras"), None | Some("layers" | "models" | "engine")) => true,
        (Some("keras"), Some("ops")) => matches!(class, "Add" | "Softmax"),
        _ => false,
    }
}
