//! Event selectors (`models.md` §7.1).

use std::{fmt, str::FromStr};

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
    fn fewer_than_three_parts_are_refused() {
        for text in ["", "a", "a.b", "register"] {
            assert!(text.parse::<Selector>().is_err(), "{text}");
        }
    }
}
