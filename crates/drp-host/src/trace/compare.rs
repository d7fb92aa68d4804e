//! Whether what came is what was recorded, and what may differ.

use std::{collections::HashSet, fmt};

use drp_core::patch::pointer;
use serde_json::{Number, Value};
use uuid::Uuid;

use super::entry::{Content, Dir, Entry};

/// Bytes of a value that are shown.
const SHOWN_BYTES_MAX: usize = 300;
/// Stands in a pointer for every field and every item.
const ANY: &str = "*";

/// Something in which a replay is not what was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The number of the exchange in the recording; 0 where it has none.
    pub seq: u64,
    /// The exchange, such as `action increment`.
    pub exchange: String,
    /// Where in it: `status`, or `body` or `answer` and a JSON pointer.
    pub place: String,
    /// What was recorded.
    pub expected: String,
    /// What came.
    pub came: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seq, exchange, place, expected, came } = self;
        if *seq > 0 {
            write!(f, "#{seq} ")?;
        }
        write!(f, "{exchange}: {place}\n  expected: {expected}\n  came:     {came}")
    }
}

/// What is compared, and what is free.
#[derive(Debug, Default)]
pub(super) struct Rules {
    /// Pointers, step by step.
    ignored: Vec<Vec<String>>,
    /// Texts that the provider was told: of those, it has to give back the same.
    told: HashSet<String>,
}

impl Rules {
    /// The rules of a recording, and pointers to what is not compared.
    pub(super) fn new(entries: &[Entry], ignored: &[String]) -> Self {
        let steps = |text: &String| {
            text.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect::<Vec<_>>()
        };
        let mut told = HashSet::new();
        for entry in entries {
            let content = match entry.dir {
                Dir::ToPlugin | Dir::WsToPlugin => &entry.body,
                Dir::ToHost | Dir::ToApi => &entry.answer,
                _ => continue,
            };
            if let Some(Content::Json(value)) = content {
                collect(value, &mut told);
            }
        }
        Self { ignored: ignored.iter().map(steps).collect(), told }
    }

    /// The first places in which two values differ, each as pointer, expected and came.
    pub(super) fn differences(&self, expected: &Value, came: &Value) -> Vec<(String, String, String)> {
        let mut found = Vec::new();
        self.compare(expected, came, &mut Vec::new(), &mut found);
        found
    }

    fn compare(&self, expected: &Value, came: &Value, at: &mut Vec<String>, found: &mut Vec<(String, String, String)>) {
        if self.is_ignored(at) {
            return;
        }
        match (expected, came) {
            (Value::Object(expected), Value::Object(came)) => {
                let names: HashSet<&String> = expected.keys().chain(came.keys()).collect();
                let mut names: Vec<_> = names.into_iter().collect();
                names.sort();
                for name in names {
                    at.push(name.clone());
                    self.compare_parts(expected.get(name), came.get(name), at, found);
                    at.pop();
                }
            }
            (Value::Array(expected), Value::Array(came)) => {
                for place in 0..expected.len().max(came.len()) {
                    at.push(place.to_string());
                    self.compare_parts(expected.get(place), came.get(place), at, found);
                    at.pop();
                }
            }
            _ if self.are_alike(expected, came) => {}
            _ => found.push((pointer(at.iter().map(String::as_str)).to_string(), shown(expected), shown(came))),
        }
    }

    fn compare_parts(
        &self,
        expected: Option<&Value>,
        came: Option<&Value>,
        at: &mut Vec<String>,
        found: &mut Vec<(String, String, String)>,
    ) {
        match (expected, came) {
            (Some(expected), Some(came)) => self.compare(expected, came, at, found),
            (expected, came) if !self.is_ignored(at) => {
                let shown = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), shown);
                found.push((pointer(at.iter().map(String::as_str)).to_string(), shown(expected), shown(came)));
            }
            _ => {}
        }
    }

    fn is_ignored(&self, at: &[String]) -> bool {
        let matches = |ignored: &Vec<String>| {
            ignored.len() == at.len() && ignored.iter().zip(at).all(|(step, name)| step == ANY || step == name)
        };
        self.ignored.iter().any(matches)
    }

    fn are_alike(&self, expected: &Value, came: &Value) -> bool {
        match (expected, came) {
            (Value::String(expected), Value::String(came)) => {
                expected == came || (!self.told.contains(expected) && is_same_kind_of_free(expected, came))
            }
            (Value::Number(expected), Value::Number(came)) => are_same_number(expected, came),
            _ => expected == came,
        }
    }
}

/// Times and ids that the provider makes itself differ from run to run.
fn is_same_kind_of_free(expected: &str, came: &str) -> bool {
    let is_time = |text: &str| text.parse::<jiff::Timestamp>().is_ok();
    let is_id = |text: &str| text.len() == 36 && Uuid::parse_str(text).is_ok();
    (is_time(expected) && is_time(came)) || (is_id(expected) && is_id(came))
}

/// `1` and `1.0` are the same, and whole numbers are compared exactly.
fn are_same_number(a: &Number, b: &Number) -> bool {
    let is_whole = |number: &Number| number.is_i64() || number.is_u64();
    a == b || (!(is_whole(a) && is_whole(b)) && a.as_f64() == b.as_f64())
}

fn collect(value: &Value, texts: &mut HashSet<String>) {
    match value {
        Value::String(text) => {
            texts.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(fields) => fields.values().for_each(|field| collect(field, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.len() <= SHOWN_BYTES_MAX {
        return text;
    }
    format!("{}… ({} bytes)", &text[..text.floor_char_boundary(SHOWN_BYTES_MAX)], text.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_differs_is_named_and_what_is_free_is_not() {
        let rules = Rules {
            ignored: vec![vec!["took".to_owned()], vec!["items".to_owned(), ANY.to_owned(), "pid".to_owned()]],
            told: HashSet::from(["2026-11-22T07:38:35Z".to_owned()]),
        };
        let check = |expected: Value, came: Value, places: &[&str]| {
            let found = rules.differences(&expected, &came);
            assert_eq!(found.iter().map(|found| found.0.as_str()).collect::<Vec<_>>(), places, "{expected} {came}");
        };
        check(json!({"a": 1, "b": [1, 2]}), json!({"b": [1, 3], "a": 1.0}), &["/b/1"]);
        check(json!({"a/b": 1}), json!({"c": 1}), &["/a~1b", "/c"]);
        check(json!({"took": 1}), json!({}), &[]);
        check(json!({"items": [{"pid": 1}, {"pid": 2}]}), json!({"items": [{"pid": 3}, {}]}), &[]);
        check(json!("2026-11-22T07:38:36Z"), json!("2027-11-22T07:38:36.5Z"), &[]);
        check(json!("2026-11-22T07:38:35Z"), json!("2027-11-22T07:38:36.5Z"), &[""]);
        check(json!("936da01f-9abd-4d9d-80c7-02af85c822a8"), json!("a36da01f-9abd-4d9d-80c7-02af85c822a8"), &[]);
        check(json!(9_007_199_254_740_993_u64), json!(9_007_199_254_740_992_u64), &[""]);
        check(json!(null), json!(0), &[""]);
    }
}
