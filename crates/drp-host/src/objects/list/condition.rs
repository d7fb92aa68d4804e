//! Conditions of a filter, and how values compare.

use std::cmp::Ordering;
use std::net::IpAddr;

use drp_core::Error;
use regex::{Regex, RegexBuilder};
use serde_json::Value;

use super::{lookup::Lookup, refused};

/// Bytes of a regular expression as it came.
const REGEX_BYTES_MAX: usize = 4 << 10;
/// Bytes of a regular expression as it is compiled, and of what a search remembers.
const REGEX_MEMORY_MAX: usize = 1 << 20;

/// What must hold for the value of an index.
#[derive(Debug)]
pub(super) enum Condition {
    Eq(Operand),
    Ne(Operand),
    Lt(Operand),
    Lte(Operand),
    Gt(Operand),
    Gte(Operand),
    Between(Operand, Operand),
    Except(Operand, Operand),
    In(Vec<Operand>),
    Nin(Vec<Operand>),
    Re(Regex),
}

/// A value to compare, of an object or of a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operand {
    Text(String),
    Bool(bool),
    Int(i64),
    /// Nanoseconds since 1970.
    Time(i128),
    Address(Option<IpAddr>),
    /// A range of addresses: it equals each address within.
    Addresses(IpAddr, IpAddr),
    /// The items of a list: it equals each of them.
    Items(Vec<String>),
    Json(Value),
}

impl Condition {
    /// Reads `value` or `Op(value)`.
    pub(super) fn read(name: &str, index: &Lookup, text: &str) -> Result<Self, Error> {
        let Some((op, arguments)) = operation(text) else { return index.operand(name, text).map(Self::Eq) };
        let one = || index.operand(name, arguments);
        let list = || arguments.split(',').map(|item| index.operand(name, item.trim())).collect::<Result<Vec<_>, _>>();
        let pair = || {
            let (low, high) = arguments
                .split_once(',')
                .ok_or_else(|| refused(format!("Invalid Filter: {name} op {op} requires 2 parameters")))?;
            Ok::<_, Error>((index.operand(name, low.trim())?, index.operand(name, high.trim())?))
        };
        Ok(match op {
            "Eq" => Self::Eq(one()?),
            "Ne" => Self::Ne(one()?),
            "Lt" => Self::Lt(one()?),
            "Lte" => Self::Lte(one()?),
            "Gt" => Self::Gt(one()?),
            "Gte" => Self::Gte(one()?),
            "In" => Self::In(list()?),
            "Nin" => Self::Nin(list()?),
            "Re" => Self::Re(regex(name, index, arguments)?),
            "Between" => pair().map(|(low, high)| Self::Between(low, high))?,
            "Except" => pair().map(|(low, high)| Self::Except(low, high))?,
            _ => return Err(refused(format!("Invalid Filter {name}: unknown op {op}"))),
        })
    }

    pub(super) fn holds(&self, value: Option<&Operand>) -> bool {
        let order = |to: &Operand| value.and_then(|value| value.order(to));
        let equals = |to: &Operand| value.is_some_and(|value| value.equals(to));
        let between = |low: &Operand, high: &Operand| {
            order(low).is_some_and(Ordering::is_ge) && order(high).is_some_and(Ordering::is_le)
        };
        match self {
            Self::Eq(to) => equals(to),
            Self::Ne(to) => !equals(to),
            Self::Lt(to) => order(to).is_some_and(Ordering::is_lt),
            Self::Lte(to) => order(to).is_some_and(Ordering::is_le),
            Self::Gt(to) => order(to).is_some_and(Ordering::is_gt),
            Self::Gte(to) => order(to).is_some_and(Ordering::is_ge),
            Self::Between(low, high) => between(low, high),
            Self::Except(low, high) => !between(low, high),
            Self::In(list) => list.iter().any(equals),
            Self::Nin(list) => !list.iter().any(equals),
            Self::Re(regex) => match value {
                Some(Operand::Text(text) | Operand::Json(Value::String(text))) => regex.is_match(text),
                _ => false,
            },
        }
    }
}

impl Operand {
    fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Items(items), Self::Items(wanted)) => wanted.iter().all(|item| items.contains(item)),
            (Self::Addresses(low, high), Self::Address(Some(wanted))) => low <= wanted && wanted <= high,
            (Self::Json(a), Self::Json(b)) if a.is_number() => a.as_f64() == b.as_f64(),
            // A text such as `5` may have been meant as a number or as itself.
            (Self::Json(Value::String(a)), Self::Json(b)) if !b.is_string() => {
                serde_json::to_string(b).is_ok_and(|b| b == *a)
            }
            _ => self == other,
        }
    }

    fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Time(a), Self::Time(b)) => Some(a.cmp(b)),
            (Self::Address(a), Self::Address(b)) => Some(a.cmp(b)),
            (Self::Json(Value::String(a)), Self::Json(Value::String(b))) => Some(a.cmp(b)),
            (Self::Json(a), Self::Json(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
            _ => None,
        }
    }
}

/// Objects without a value come first; values that cannot be compared are equal, so that the order by key stays.
pub(crate) struct SortKey(pub(super) Option<Operand>);

impl SortKey {
    /// Numbers before texts before all else.
    fn rank(&self) -> u8 {
        match &self.0 {
            None => 0,
            Some(Operand::Json(value)) if value.is_number() => 1,
            Some(Operand::Json(value)) if !value.is_string() => 3,
            Some(_) => 2,
        }
    }
}

impl Ord for SortKey {
    fn cmp(&self, other: &Self) -> Ordering {
        let within = || match (&self.0, &other.0) {
            (Some(a), Some(b)) => a.order(b).unwrap_or(Ordering::Equal),
            _ => Ordering::Equal,
        };
        self.rank().cmp(&other.rank()).then_with(within)
    }
}

impl PartialOrd for SortKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for SortKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for SortKey {}

/// `Op(arguments)`: a capitalised word and parentheses to the end.
fn operation(text: &str) -> Option<(&str, &str)> {
    let (op, rest) = text.split_once('(')?;
    let is_word = op.starts_with(|c: char| c.is_ascii_uppercase()) && op.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_word.then_some((op, rest.strip_suffix(')')?))
}

fn regex(name: &str, index: &Lookup, pattern: &str) -> Result<Regex, Error> {
    if !index.takes_regex() {
        return Err(refused(format!("Invalid Filter {name}: op Re requires an index of strings")));
    }
    if pattern.len() > REGEX_BYTES_MAX {
        return Err(refused(format!("Invalid Filter {name}: the regex has more than {REGEX_BYTES_MAX} bytes")));
    }
    let mut builder = RegexBuilder::new(pattern);
    builder.size_limit(REGEX_MEMORY_MAX).dfa_size_limit(REGEX_MEMORY_MAX);
    builder
        .build()
        .map_err(|error| refused(format!("Invalid Filter {name}: bad regex `{pattern}`: {}", reason(&error))))
}

/// The last line says what is wrong; those before draw an arrow.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let line = text.lines().last().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}
