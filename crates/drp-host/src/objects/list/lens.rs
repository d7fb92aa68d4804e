//! Reads of a stored object only what a list is chosen by: most of its text is skipped, not parsed.

use std::fmt;

use drp_core::{Raw, RawModel};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

/// The keys of an object that somebody wants.
pub(crate) struct Lens<'a>(Vec<&'a str>);

impl<'a> Lens<'a> {
    pub(crate) fn new(wanted: impl Iterator<Item = &'a str>) -> Self {
        Self(wanted.collect())
    }

    /// The wanted keys of an object that is JSON text. Where none is wanted, the text is not looked at.
    ///
    /// # Errors
    /// The text is no JSON object.
    pub(crate) fn look(&self, json: &[u8]) -> Result<RawModel, serde_json::Error> {
        if self.0.is_empty() {
            return Ok(RawModel::default());
        }
        let mut text = serde_json::Deserializer::from_slice(json);
        let object = text.deserialize_map(Wanted(&self.0))?;
        text.end()?;
        Ok(object)
    }
}

struct Wanted<'a>(&'a [&'a str]);

impl<'de> Visitor<'de> for Wanted<'_> {
    type Value = RawModel;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawModel, A::Error> {
        let mut object = RawModel::default();
        while let Some(key) = map.next_key_seed(Key(self.0))? {
            match key {
                Some(key) => drop(object.fields.insert(key.to_owned(), map.next_value::<Raw>()?)),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(object)
    }
}

/// A key, if it is one of the wanted.
struct Key<'a>(&'a [&'a str]);

impl<'de, 'a> DeserializeSeed<'de> for Key<'a> {
    type Value = Option<&'a str>;
    fn deserialize<D: Deserializer<'de>>(self, text: D) -> Result<Self::Value, D::Error> {
        text.deserialize_str(self)
    }
}

impl<'a> Visitor<'_> for Key<'a> {
    type Value = Option<&'a str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().copied().find(|wanted| *wanted == key))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_the_wanted_keys_are_read() {
        let check = |json: &str, wanted: &[&str], expected: &str| {
            let object = Lens::new(wanted.iter().copied()).look(json.as_bytes()).unwrap();
            assert_eq!(serde_json::to_string(&object).unwrap(), expected);
        };
        let machine = r#"{"Name":"m","Params":{"a":[1,{"Name":"x"}]},"Meta":{},"Um\u006c":1e999}"#;
        check(machine, &["Name"], r#"{"Name":"m"}"#);
        check(machine, &["Params", "Meta"], r#"{"Meta":{},"Params":{"a":[1,{"Name":"x"}]}}"#);
        check(machine, &["Uml"], r#"{"Uml":1e999}"#);
        check(machine, &["Absent"], "{}");
        check(machine, &[], "{}");
    }

    #[test]
    fn what_is_no_object_is_an_error() {
        for text in ["", "[]", "null", r#"{"a":1"#, "{} x", r#"{"a":}"#] {
            assert!(Lens::new(["a"].into_iter()).look(text.as_bytes()).is_err(), "{text}");
        }
    }
}
