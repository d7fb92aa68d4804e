//! Values that must not be seen.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};

/// Marks the schema of a secure value until the param is declared; it never reaches the wire.
pub(crate) const SECURE_MARK: &str = "x-drp-secure";

/// A secret: a param of this type is sealed by the server and its value cut out of log lines and errors.
///
/// It has no `Display` and no `Serialize`, and its `Debug` says nothing. [`expose`](Self::expose) is the only way in.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secure<T>(T);

impl<T> Secure<T> {
    /// Wraps a secret, such as one made in a test.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The secret itself. Keep it out of messages, arguments of child processes and files.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secure<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secure(..)")
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Secure<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

impl<T: JsonSchema> JsonSchema for Secure<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Secure_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        // By way of the generator, which knows where a recursive type has to end.
        let mut schema = generator.subschema_for::<T>();
        schema.insert(SECURE_MARK.to_owned(), true.into());
        schema
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_says_nothing() {
        assert_eq!(format!("{:?}", Secure::new("hunter2")), "Secure(..)");
    }
}
