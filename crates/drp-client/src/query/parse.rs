//! Queries in the words of drpcli: `Name Re ^web sort Name limit 10`, or `Name=web1 limit=10`.

use super::{Filter, Query};

/// Why words are no query. The texts for filters are those of drpcli.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseQueryError {
    /// `sort`, `limit`, `offset`, `slim` or `params` stands last.
    #[error("Invalid Filter: {0} requires exactly one parameter")]
    NoParameter(String),
    /// An index stands last.
    #[error("Invalid Filter: {0} requires an op and at least 1 parameter")]
    NoOperator(String),
    /// An operator of one value stands last.
    #[error("Invalid Filter: {name} op {op} requires 1 parameter")]
    NoValue {
        /// The index.
        name: String,
        /// The operator.
        op: String,
    },
    /// `Between` or `Except` has not both of its values.
    #[error("Invalid Filter: {name} op {op} requires 1 or 2 parameters")]
    NoRange {
        /// The index.
        name: String,
        /// The operator.
        op: String,
    },
    /// There is no such operator.
    #[error("Invalid Filter {name}: unknown op {op}")]
    UnknownOperator {
        /// The index.
        name: String,
        /// What stands in its place.
        op: String,
    },
    /// One of the words after the first `NAME=VALUE` has no `=`.
    #[error("Filter argument requires an '=' separator: {0}")]
    NoSeparator(String),
    /// A limit or offset is no number.
    #[error("{name} has to be a number from 0, not `{value}`")]
    NoNumber {
        /// `limit` or `offset`.
        name: String,
        /// What stands in its place.
        value: String,
    },
}

impl Query {
    /// Reads what `drpcli X list` takes as its arguments: words, or `NAME=VALUE` each. Operators are read in any
    /// letter case.
    ///
    /// # Errors
    /// The words are no query.
    pub fn parse<T: AsRef<str>>(words: impl IntoIterator<Item = T>) -> Result<Self, ParseQueryError> {
        let words: Vec<T> = words.into_iter().collect();
        let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        if words.first().is_some_and(|first| first.contains('=')) {
            return parse_pairs(&words);
        }
        let mut query = Self::new();
        let mut rest = words.into_iter();
        while let Some(name) = rest.next() {
            query = match name {
                "reverse" => query.reverse(),
                "decode" => query.decode(),
                "sort" | "limit" | "offset" | "slim" | "params" => {
                    let value = rest.next().ok_or_else(|| ParseQueryError::NoParameter(name.to_owned()))?;
                    query.with_option(name, value)?
                }
                _ => {
                    let filter = parse_filter(name, &mut rest)?;
                    query.filter(name, filter)
                }
            };
        }
        Ok(query)
    }

    fn with_option(self, name: &str, value: &str) -> Result<Self, ParseQueryError> {
        let number =
            || value.parse().map_err(|_| ParseQueryError::NoNumber { name: name.to_owned(), value: value.to_owned() });
        Ok(match name {
            "sort" => self.sort(value),
            "slim" => self.slim(value),
            "params" => self.params([value]),
            "limit" => self.limit(number()?),
            _ => self.offset(number()?),
        })
    }
}

fn parse_pairs(words: &[&str]) -> Result<Query, ParseQueryError> {
    words.iter().try_fold(Query::new(), |query, word| {
        let (name, value) = word.split_once('=').ok_or_else(|| ParseQueryError::NoSeparator((*word).to_owned()))?;
        Ok(match name {
            "reverse" if value == "true" => query.reverse(),
            "decode" if value == "true" => query.decode(),
            "sort" | "limit" | "offset" | "slim" | "params" => query.with_option(name, value)?,
            _ => query.filter(name, Filter::Bare(value.to_owned())),
        })
    })
}

fn parse_filter<'a>(name: &str, rest: &mut impl Iterator<Item = &'a str>) -> Result<Filter, ParseQueryError> {
    let no_operator = || ParseQueryError::NoOperator(name.to_owned());
    let word = rest.next().ok_or_else(no_operator)?;
    let op = capitalised(word);
    let (owned_name, owned_op) = (name.to_owned(), op.clone());
    let items = |text: &str| text.split(',').map(str::to_owned).collect();
    Ok(match op.as_str() {
        "Between" | "Except" => {
            let no_range = || ParseQueryError::NoRange { name: owned_name.clone(), op: owned_op.clone() };
            let first = rest.next().ok_or_else(no_range)?;
            let (low, high) = match first.split_once(',') {
                Some(both) => both,
                None => (first, rest.next().ok_or_else(no_range)?),
            };
            if op == "Between" { Filter::between(low, high) } else { Filter::except(low, high) }
        }
        "Eq" | "Ne" | "Lt" | "Lte" | "Gt" | "Gte" | "In" | "Nin" | "Re" => {
            let value = rest.next().ok_or(ParseQueryError::NoValue { name: owned_name, op: owned_op })?.to_owned();
            match op.as_str() {
                "Eq" => Filter::Eq(value),
                "Ne" => Filter::Ne(value),
                "Lt" => Filter::Lt(value),
                "Lte" => Filter::Lte(value),
                "Gt" => Filter::Gt(value),
                "Gte" => Filter::Gte(value),
                "In" => Filter::In(items(&value)),
                "Nin" => Filter::Nin(items(&value)),
                _ => Filter::Re(value),
            }
        }
        _ => return Err(ParseQueryError::UnknownOperator { name: owned_name, op }),
    })
}

/// `bETWEEN` as `Between`.
fn capitalised(word: &str) -> String {
    let lower = word.to_lowercase();
    let mut letters = lower.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
