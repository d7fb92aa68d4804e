//! Log lines (`models.md` §8).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{List, Raw, Time, wire::wire_object};

/// How much a log line matters. `Audit` stands above all and is never filtered out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Level {
    Trace,
    Debug,
    #[default]
    Info,
    Warn,
    Error,
    Fatal,
    Panic,
    Audit,
}

impl Level {
    const ALL: [(Self, &'static str); 8] = [
        (Self::Trace, "trace"),
        (Self::Debug, "debug"),
        (Self::Info, "info"),
        (Self::Warn, "warn"),
        (Self::Error, "error"),
        (Self::Fatal, "fatal"),
        (Self::Panic, "panic"),
        (Self::Audit, "audit"),
    ];

    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(level, _)| *level == self).map_or("unknown", |(_, name)| name)
    }
}

/// A text that names no level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseLevelError(String);

impl fmt::Display for ParseLevelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Invalid level: {}", self.0)
    }
}

impl std::error::Error for ParseLevelError {}

impl FromStr for Level {
    type Err = ParseLevelError;
    fn from_str(text: &str) -> Result<Self, ParseLevelError> {
        let name = text.trim();
        let name = if name.eq_ignore_ascii_case("err") { "error" } else { name };
        let found = Self::ALL.iter().find(|(_, known)| known.eq_ignore_ascii_case(name));
        found.map(|(level, _)| *level).ok_or_else(|| ParseLevelError(text.to_owned()))
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Level {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Level {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

wire_object! {
    /// One line of a log, as a plugin posts it to `log` and as `GET /logs` lists it.
    pub struct Line {
        /// Groups related lines, such as those of one request.
        "Group" group: i64,
        /// Number of the line in its process; a server puts its own in.
        "Seq" seq: i64,
        /// When it was made; a server puts its own in.
        "Time" time: Time,
        /// Name of the log.
        "Service" service: String,
        /// User or subsystem on whose behalf it was made.
        "Principal" principal: String,
        /// How much it matters.
        "Level" level: Level,
        /// Source file.
        "File" file: String,
        /// Line in the source file.
        "Line" line: i64,
        /// The text.
        "Message" message: String,
        /// Further values.
        "Data" data: List<Raw>,
        /// The receiver must not make an event of this line. This is what ends feedback between logs and events.
        "IgnorePublish" ignore_publish: bool,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_lower_case_names_and_read_leniently() {
        assert_eq!(" ERR ".parse(), Ok(Level::Error));
        assert_eq!("Audit".parse(), Ok(Level::Audit));
        assert_eq!("x".parse::<Level>().unwrap_err().to_string(), "Invalid level: x");
        assert_eq!(serde_json::to_string(&Level::Warn).unwrap(), r#""warn""#);
        assert!(serde_json::from_str::<Level>("2").is_err());
        assert!(Level::Audit > Level::Panic);
    }
}
