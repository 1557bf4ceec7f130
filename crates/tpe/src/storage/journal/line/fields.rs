//! The fields of a line.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value as Json;

use crate::json;
use crate::objection::shortened;
use crate::trial::Attrs;

/// A line as an object. Errors name the field that is missing or of the wrong type.
pub(super) struct Fields<'a>(pub(super) &'a Json);

impl<'a> Fields<'a> {
    fn get<T>(&self, name: &str, convert: impl FnOnce(&'a Json) -> Option<T>) -> Result<T, String> {
        let value = self.0.get(name).ok_or_else(|| format!("{name:?} is missing"))?;
        convert(value)
            .ok_or_else(|| format!("{name:?} is of the wrong type: {}", shortened(&json::write(value))))
    }

    /// A field that may be missing or null.
    pub(super) fn optional<T>(
        &self,
        name: &str,
        get: impl FnOnce(&Self, &str) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        if self.0.get(name).is_none_or(Json::is_null) { Ok(None) } else { get(self, name).map(Some) }
    }

    pub(super) fn whole(&self, name: &str) -> Result<i64, String> {
        self.get(name, Json::as_i64)
    }

    pub(super) fn number(&self, name: &str) -> Result<f64, String> {
        self.get(name, json::as_f64)
    }

    pub(super) fn text(&self, name: &str) -> Result<&'a str, String> {
        self.get(name, Json::as_str)
    }

    pub(super) fn list(&self, name: &str) -> Result<&'a [Json], String> {
        self.get(name, |list| list.as_array().map(Vec::as_slice))
    }

    /// Numbers, if there are any.
    pub(super) fn numbers(&self, name: &str) -> Result<Option<Vec<f64>>, String> {
        let read = |list: &Json| list.as_array()?.iter().map(json::as_f64).collect();
        self.optional(name, |line, name| line.get(name, read))
    }

    /// An object; an empty one where it is missing.
    pub(super) fn object(&self, name: &str) -> Result<Attrs, String> {
        let read = |object: &Json| Some(object.as_object()?.clone().into_iter().collect());
        Ok(self.optional(name, |line, name| line.get(name, read))?.unwrap_or_default())
    }

    /// The only field of an object.
    pub(super) fn single(&self, name: &str) -> Result<(String, Json), String> {
        let mut fields = self.object(name)?.into_iter();
        fields.next().filter(|_| fields.next().is_none()).ok_or_else(|| format!("{name:?} is not one field"))
    }

    /// A point in time, if there is one. Without an offset, as early versions of Optuna have it, it counts as UTC.
    pub(super) fn time(&self, name: &str) -> Result<Option<Timestamp>, String> {
        let read = |time: &Json| {
            let text = time.as_str()?;
            let naive = || TimeZone::UTC.to_timestamp(text.parse().ok()?).ok();
            text.parse().ok().or_else(naive)
        };
        self.optional(name, |line, name| line.get(name, read))
    }
}

/// Optuna's text of a point in time.
pub(super) fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}
