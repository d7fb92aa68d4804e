//! Event selectors (`models.md` §7.1).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Event;

/// `type.action.key`: says which events somebody wants.
///
/// Each part is `*`, or a comma list of literals in which `\1` stands for a dot, `\2` for a comma and `\3` for a
/// star. Only the first two dots divide, so a key may hold dots. There are no partial wildcards.
///
/// ```
/// use drp_core::{Event, Raw, Selector};
/// let selector: Selector = "machines,jobs.update,save.*".parse().unwrap();
/// assert!(selector.matches(&Event::new("jobs", "save", "1", Raw::null())));
/// assert!(!selector.matches(&Event::new("jobs", "create", "1", Raw::null())));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Selector {
    text: String,
    parts: [Part; 3],
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Part {
    Any,
    OneOf(Vec<String>),
}

/// A text that is no selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectorError(String);

impl fmt::Display for SelectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no event selector: expected TYPE.ACTION.KEY", self.0)
    }
}

impl std::error::Error for SelectorError {}

impl Selector {
    /// A selector of these types, actions and keys, taken literally; where a list is empty, of all.
    ///
    /// ```
    /// use drp_core::Selector;
    /// assert_eq!(Selector::of(&["machines"], &["create", "delete"], &[]).as_str(), "machines.create,delete.*");
    /// assert_eq!(Selector::of(&[], &[], &["a.b"]).as_str(), r"*.*.a\1b");
    /// ```
    #[must_use]
    pub fn of(types: &[&str], actions: &[&str], keys: &[&str]) -> Self {
        let parts = [types, actions, keys].map(|items| match items {
            [] => "*".to_owned(),
            items => items.iter().map(|item| escaped(item)).collect::<Vec<_>>().join(","),
        });
        Self { text: parts.join("."), parts: parts.each_ref().map(|part| Part::parse(part)) }
    }

    /// Whether the event is one of those selected.
    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        self.matches_parts(&event.type_, &event.action, &event.key)
    }

    /// Like [`matches`](Self::matches), for an event that is not at hand as a whole.
    #[must_use]
    pub fn matches_parts(&self, type_: &str, action: &str, key: &str) -> bool {
        let [types, actions, keys] = &self.parts;
        types.contains(type_) && actions.contains(action) && keys.contains(key)
    }

    /// The text it was made from, as it is registered with a server.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn escaped(literal: &str) -> String {
    literal.replace('.', r"\1").replace(',', r"\2").replace('*', r"\3")
}

impl Part {
    fn parse(text: &str) -> Self {
        if text == "*" {
            return Self::Any;
        }
        let literal = |item: &str| item.replace(r"\1", ".").replace(r"\2", ",").replace(r"\3", "*").trim().to_owned();
        Self::OneOf(text.split(',').map(literal).collect())
    }

    fn contains(&self, value: &str) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(items) => items.iter().any(|item| item == value),
        }
    }
}

impl TryFrom<&str> for Selector {
    type Error = SelectorError;
    fn try_from(text: &str) -> Result<Self, SelectorError> {
        text.parse()
    }
}

impl FromStr for Selector {
    type Err = SelectorError;
    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let mut parts = text.splitn(3, '.').map(Part::parse);
        match (parts.next(), parts.next(), parts.next()) {
            (Some(types), Some(actions), Some(keys)) => {
                Ok(Self { text: text.to_owned(), parts: [types, actions, keys] })
            }
            _ => Err(SelectorError(text.to_owned())),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Selector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// So that selectors can be params: a text, of which the server cannot tell more.
#[cfg(feature = "schema")]
impl schemars::JsonSchema for Selector {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Selector".into()
    }

    fn json_schema(_generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_match_literally_or_by_star() {
        let check = |selector: &str, event: [&str; 3], expected: bool| {
            let selector: Selector = selector.parse().unwrap();
            let [type_, action, key] = event;
            assert_eq!(selector.matches_parts(type_, action, key), expected, "{selector} {event:?}");
        };
        check("*.*.*", ["a", "b", "c"], true);
        check("machines.create.*", ["machines", "create", "x.y.z"], true);
        check("machines.create.x.y", ["machines", "create", "x.y"], true);
        check("mach*.create.*", ["machines", "create", "x"], false);
        check("a,b . c.*", ["b", "c", ""], true);
        check(r"a\1b.c\2d.\3", ["a.b", "c,d", "*"], true);
        check(r"*,x.*.*", ["*", "y", "z"], true);
        check("a..", ["a", "", ""], true);
        check("Machines.create.*", ["machines", "create", "x"], false);
    }

    #[test]
    fn selectors_are_texts_in_json() {
        let text = r#"["machines.*.*"]"#;
        let selectors: Vec<Selector> = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&selectors).unwrap(), text);
        let error = serde_json::from_str::<Vec<Selector>>(r#"["machines"]"#).unwrap_err().to_string();
        assert!(error.starts_with("`machines` is no event selector"), "{error}");
    }

    #[test]
    fn fewer_than_three_parts_are_refused() {
        for text in ["", "a", "a.b", "register"] {
            assert!(text.parse::<Selector>().is_err(), "{text}");
        }
    }
}
