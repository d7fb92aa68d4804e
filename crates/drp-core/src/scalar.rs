//! Scalars whose wire form differs from their Rust form.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An optional value whose absence is the empty string on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Blank<T>(pub Option<T>);

/// A UUID; the nil one is `""` on the wire.
pub type Uuid = Blank<uuid::Uuid>;

impl Uuid {
    /// A fresh random UUID.
    #[must_use]
    pub fn random() -> Self {
        Self(Some(uuid::Uuid::new_v4()))
    }
}

#[cfg(feature = "schema")]
impl<T> schemars::JsonSchema for Blank<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Blank".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        // No `format`: the empty text is of none.
        schemars::json_schema!({"type": "string"})
    }
}

impl<T> Default for Blank<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> From<T> for Blank<T> {
    fn from(value: T) -> Self {
        Self(Some(value))
    }
}

impl<T: fmt::Display> fmt::Display for Blank<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => Ok(()),
        }
    }
}

impl<T: FromStr> FromStr for Blank<T> {
    type Err = T::Err;
    fn from_str(text: &str) -> Result<Self, T::Err> {
        if text.is_empty() { Ok(Self(None)) } else { text.parse().map(|value| Self(Some(value))) }
    }
}

impl<T: fmt::Display> Serialize for Blank<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Blank<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A point in time as the wire spells it: RFC 3339 with up to nine fraction digits and any zone offset.
///
/// The text is kept, so a time leaves as it came. "Never" is `0001-01-01T00:00:00Z`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(String);

impl Time {
    /// The current time in UTC.
    #[must_use]
    pub fn now() -> Self {
        Self(jiff::Timestamp::now().to_string())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The point in time.
    ///
    /// # Errors
    /// The text that came is no RFC 3339 time.
    pub fn timestamp(&self) -> Result<jiff::Timestamp, jiff::Error> {
        self.0.parse()
    }
}

impl Default for Time {
    fn default() -> Self {
        Self("0001-01-01T00:00:00Z".to_owned())
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_is_the_empty_string() {
        assert_eq!(serde_json::to_string(&Uuid::default()).unwrap(), r#""""#);
        let uuid: Uuid = serde_json::from_str(r#""87a74f0e-d168-4687-99e8-8fd3a7ed551b""#).unwrap();
        assert_eq!(uuid.to_string(), "87a74f0e-d168-4687-99e8-8fd3a7ed551b");
        assert!(serde_json::from_str::<Uuid>(r#""x""#).is_err());
    }

    #[test]
    fn times_keep_their_text_and_can_be_read() {
        for text in ["2026-11-22T07:38:35.908345474Z", "0001-01-01T00:00:00Z", "2024-01-01T00:00:00-05:00"] {
            let time: Time = serde_json::from_str(&format!("{text:?}")).unwrap();
            assert_eq!(time.as_str(), text);
            assert!(time.timestamp().is_ok(), "{text}");
        }
        assert!(Time::now().timestamp().is_ok());
    }
}
