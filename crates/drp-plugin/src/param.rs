//! Param values into an author's struct, with every problem at once.

use std::cell::RefCell;

use drp_core::{Params, Raw, limits};
use schemars::JsonSchema;
use serde::{
    Deserialize,
    de::{self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor, value::StrDeserializer},
    forward_to_deserialize_any,
};

use crate::{
    bounds,
    redact::{SecretsInUse, redact},
    schema::{DeclaredParam, is_flattened},
};

/// For a handler or configuration that takes no params.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
pub struct NoParams {}

/// A struct's worth of param values, and the secrets among them.
#[derive(Debug)]
pub(crate) struct Decoded<T> {
    pub(crate) values: T,
    pub(crate) secrets: SecretsInUse,
}

/// Reads the declared params; others are ignored.
///
/// # Errors
/// One text for each param that is missing or has a value that does not fit. A secret's value is in none of them.
pub(crate) fn decode<T: DeserializeOwned>(
    params: &Params,
    declared: &[DeclaredParam],
) -> Result<Decoded<T>, Vec<String>> {
    // A `null` is how a server says that a param has no value, unless the handler wants whatever there is.
    let given = |param: &&DeclaredParam| {
        params.get(&param.name).is_some_and(|value| !value.is_null() || (param.required && param.takes_anything()))
    };
    let mut values: Vec<(&DeclaredParam, Raw)> =
        declared.iter().filter(given).map(|param| (param, params[&param.name].clone())).collect();
    let secrets = SecretsInUse::of(values.iter().filter(|(param, _)| param.secure).map(|(_, value)| value));

    if values.iter().all(|(param, value)| broken_bounds(param, value).is_empty())
        && let Ok(decoded) = read(&values)
    {
        return Ok(Decoded { values: decoded, secrets });
    }
    let missing = declared.iter().filter(|param| param.required && !given(param));
    let mut problems: Vec<String> = missing.map(|param| problem(param, "required, but not set")).collect();
    let flattened = is_flattened::<T>();
    for (param, value) in &mut values {
        let judged = if flattened {
            judge::<T>(param, value).and_then(|()| judge_kind(param, value))
        } else {
            judge::<T>(param, value)
        };
        match judged {
            // The reason quotes the value.
            Err(reason) => problems.push(problem(param, if param.secure { MISFIT } else { &reason })),
            Ok(()) => problems.extend(broken_bounds(param, value)),
        }
    }
    if !problems.is_empty() {
        // A secret may also stand where it does not belong, and reasons quote what they are about.
        return Err(problems.iter().map(|problem| redact(problem).into_owned()).collect());
    }
    match read(&values) {
        Ok(decoded) => Ok(Decoded { values: decoded, secrets }),
        // What all of them together have against each other may quote any of them.
        Err(failure) => Err(vec![format!("Params: {}", shortened(&redact(&failure.reason)))]),
    }
}

/// Whether one value can be read. One that can be with its whole numbers written as integers is changed into that.
fn judge<T: DeserializeOwned>(param: &DeclaredParam, value: &mut Raw) -> Result<(), String> {
    let Err(reason) = read_one::<T>(param, value) else { return Ok(()) };
    let whole = whole_numbers(value);
    read_one::<T>(param, &whole).map_err(|_| {
        // Of alternatives serde says no more than that it was none of them.
        let vague = reason.contains("did not match any variant");
        let kind =
            if vague { value.parse().ok().and_then(|value| bounds::misfit(&param.schema, &value)) } else { None };
        kind.unwrap_or(reason)
    })?;
    *value = whole;
    Ok(())
}

/// The same by the schema, where serde reads a value out of a buffer and so does not tell whose it was.
fn judge_kind(param: &DeclaredParam, value: &mut Raw) -> Result<(), String> {
    let Ok(parsed) = value.parse() else { return Ok(()) };
    match bounds::misfit(&param.schema, &parsed) {
        Some(reason) => Err(reason),
        None => {
            *value = whole_numbers(value);
            Ok(())
        }
    }
}

/// What is said of a secret's value instead of what it is.
const MISFIT: &str = "the value does not fit its schema";

/// What the param's schema has against a value, beyond its type.
fn broken_bounds(param: &DeclaredParam, value: &Raw) -> Vec<String> {
    if !param.bounded {
        return Vec::new();
    }
    let Ok(value) = value.parse() else { return Vec::new() };
    let reasons = bounds::broken(&param.schema, &value);
    if param.secure && !reasons.is_empty() {
        return vec![problem(param, MISFIT)];
    }
    reasons.iter().map(|reason| problem(param, reason)).collect()
}

fn problem(param: &DeclaredParam, reason: &str) -> String {
    format!("Params/{}: {reason}", param.name)
}

fn read<T: DeserializeOwned>(values: &[(&DeclaredParam, Raw)]) -> Result<T, Failure> {
    let entries = Entries { values, failed: RefCell::default() };
    let result = T::deserialize(&entries);
    result.map_err(|error| match entries.failed.take() {
        Some(reason) => Failure { reason, in_value: true },
        None => Failure { reason: error.to_string(), in_value: false },
    })
}

struct Failure {
    reason: String,
    in_value: bool,
}

/// Reads a struct of which only one param is given: other params that are missing then do not count.
fn read_one<T: DeserializeOwned>(param: &DeclaredParam, value: &Raw) -> Result<(), String> {
    match read::<T>(&[(param, value.clone())]) {
        Err(Failure { reason, in_value: true }) => Err(reason),
        _ => Ok(()),
    }
}

/// A map of param names to values, as serde reads it.
struct Entries<'a> {
    values: &'a [(&'a DeclaredParam, Raw)],
    /// Why a value could not be read.
    failed: RefCell<Option<String>>,
}

impl<'de> Deserializer<'de> for &'de Entries<'de> {
    type Error = de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_map(EntryAccess { entries: self, next: 0 })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct EntryAccess<'a> {
    entries: &'a Entries<'a>,
    next: usize,
}

impl<'de> MapAccess<'de> for EntryAccess<'de> {
    type Error = de::value::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Self::Error> {
        let Some((param, _)) = self.entries.values.get(self.next) else { return Ok(None) };
        seed.deserialize(StrDeserializer::new(&param.name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Self::Error> {
        let (_, value) = self.entries.values.get(self.next).ok_or_else(|| de::Error::custom("no more params"))?;
        self.next += 1;
        let mut track = serde_path_to_error::Track::new();
        let mut reader = serde_json::Deserializer::from_str(value.get());
        let value = seed.deserialize(serde_path_to_error::Deserializer::new(&mut reader, &mut track));
        value.map_err(|error| {
            let reason = describe(&error, &track.path());
            self.entries.failed.replace(Some(reason.clone()));
            de::Error::custom(reason)
        })
    }
}

/// serde's reason without its position in a text that nobody sees, and with the path below the param.
fn describe(error: &serde_json::Error, path: &serde_path_to_error::Path) -> String {
    let text = error.to_string();
    let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
    let reason = shortened(&in_plain_words(reason));
    match path.to_string().as_str() {
        "." => reason,
        path => format!("{path}: {reason}"),
    }
}

/// Without the middle of a long text: it quotes a value in front of what was expected.
fn shortened(reason: &str) -> String {
    const BYTES_MAX: usize = 2 * limits::ERROR_EXCERPT_BYTES_MAX;
    if reason.len() <= BYTES_MAX {
        return reason.to_owned();
    }
    let head = reason.floor_char_boundary(BYTES_MAX / 2);
    let tail = reason.ceil_char_boundary(reason.len() - BYTES_MAX / 2);
    format!("{}...{}", &reason[..head], &reason[tail..])
}

/// serde names Rust's types, which mean nothing to an operator.
fn in_plain_words(reason: &str) -> String {
    const WORDS: [(&str, &str); 14] = [
        ("u8", "an integer from 0 to 255"),
        ("u16", "an integer from 0 to 65535"),
        ("u32", "an integer from 0 to 4294967295"),
        ("u64", "an integer, 0 or more"),
        ("usize", "an integer, 0 or more"),
        ("i8", "an integer from -128 to 127"),
        ("i16", "an integer from -32768 to 32767"),
        ("i32", "an integer from -2147483648 to 2147483647"),
        ("i64", "an integer"),
        ("isize", "an integer"),
        ("f64", "a number"),
        ("f32", "a number"),
        ("a map", "an object"),
        ("a sequence", "a list"),
    ];
    let Some((came, expected)) = reason.rsplit_once("expected ") else { return reason.to_owned() };
    let plain = WORDS.iter().find(|(rust, _)| *rust == expected).map(|(_, plain)| *plain);
    // A type of the author's.
    let plain = plain.or_else(|| expected.starts_with("struct ").then_some("an object")).unwrap_or(expected);
    let came = match came.split_once(": floating point ") {
        Some((fault @ ("invalid type" | "invalid value"), rest)) => format!("{fault}: number {rest}"),
        _ => came.to_owned(),
    };
    format!("{came}expected {plain}")
}

/// Go peers send integers as floats (`5.0`): the value with every such number written as an integer.
fn whole_numbers(value: &Raw) -> Raw {
    fn visit(value: &mut serde_json::Value) {
        const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
        match value {
            serde_json::Value::Number(number) => {
                let whole = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() <= EXACT_MAX);
                if let Some(float) = whole.filter(|_| number.is_f64()) {
                    #[allow(clippy::cast_possible_truncation, reason = "a whole number within 53 bits")]
                    let integer = float as i64;
                    *number = integer.into();
                }
            }
            serde_json::Value::Array(items) => items.iter_mut().for_each(visit),
            serde_json::Value::Object(members) => members.values_mut().for_each(visit),
            _ => {}
        }
    }
    let Ok(mut parsed) = value.parse::<serde_json::Value>() else { return value.clone() };
    visit(&mut parsed);
    Raw::from(parsed)
}

#[cfg(test)]
mod tests;
