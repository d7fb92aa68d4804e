//! Param values into an author's struct, with every problem at once.

use std::cell::RefCell;

use drp_core::{Params, Raw};
use schemars::JsonSchema;
use serde::{
    Deserialize,
    de::{self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor, value::StrDeserializer},
    forward_to_deserialize_any,
};

use crate::{
    bounds,
    redact::{SecretsInUse, redact},
    schema::DeclaredParam,
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
    for (param, value) in &mut values {
        if let Err(reason) = read_one::<T>(param, value) {
            let whole = whole_numbers(value);
            if read_one::<T>(param, &whole).is_ok() {
                *value = whole;
            } else {
                // The reason quotes the value.
                problems.push(problem(param, if param.secure { MISFIT } else { &reason }));
                continue;
            }
        }
        problems.extend(broken_bounds(param, value));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    match read(&values) {
        Ok(decoded) => Ok(Decoded { values: decoded, secrets }),
        // What all of them together have against each other may quote any of them.
        Err(failure) => Err(vec![format!("Params: {}", redact(&failure.reason))]),
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

struct Failure {
    reason: String,
    in_value: bool,
}

fn read<T: DeserializeOwned>(values: &[(&DeclaredParam, Raw)]) -> Result<T, Failure> {
    let entries = Entries { values, failed: RefCell::default() };
    let result = T::deserialize(&entries);
    result.map_err(|error| match entries.failed.take() {
        Some(reason) => Failure { reason, in_value: true },
        None => Failure { reason: error.to_string(), in_value: false },
    })
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

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
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
    let reason = in_plain_words(reason);
    match path.to_string().as_str() {
        "." => reason,
        path => format!("{path}: {reason}"),
    }
}

/// serde names Rust's types, which mean nothing to an operator.
fn in_plain_words(reason: &str) -> String {
    let words = [
        ("expected u8", "expected an integer from 0 to 255"),
        ("expected u16", "expected an integer from 0 to 65535"),
        ("expected u32", "expected an integer, 0 or more"),
        ("expected u64", "expected an integer, 0 or more"),
        ("expected usize", "expected an integer, 0 or more"),
        ("expected i8", "expected an integer"),
        ("expected i16", "expected an integer"),
        ("expected i32", "expected an integer"),
        ("expected i64", "expected an integer"),
        ("expected f64", "expected a number"),
        ("expected f32", "expected a number"),
    ];
    let found = words.iter().find_map(|(rust, plain)| Some(format!("{}{plain}", reason.strip_suffix(rust)?)));
    found.unwrap_or_else(|| reason.to_owned()).replace("floating point", "number")
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
mod tests {
    use super::*;
    use crate::{Secure, schema::params_of};

    #[derive(Debug, Deserialize, JsonSchema)]
    struct Sample {
        #[serde(rename = "s/count")]
        count: i64,
        #[serde(rename = "s/name")]
        name: String,
        #[serde(rename = "s/list", default)]
        list: Vec<u8>,
        #[serde(rename = "s/secret")]
        secret: Option<Secure<String>>,
    }

    fn decode_sample(text: &str) -> Result<Decoded<Sample>, Vec<String>> {
        decode(&serde_json::from_str(text).unwrap(), &params_of::<Sample>().unwrap())
    }

    #[test]
    fn values_are_read_and_others_ignored() {
        let decoded =
            decode_sample(r#"{"s/count":5.0,"s/name":"x","s/list":[1,2.0],"other":{},"s/secret":null}"#).unwrap();
        let Sample { count, name, list, secret } = decoded.values;
        assert_eq!((count, name.as_str(), list, secret), (5, "x", vec![1, 2], None));
    }

    #[test]
    fn bounds_of_the_schema_hold_and_a_secret_out_of_them_is_not_quoted() {
        #[derive(Deserialize, JsonSchema)]
        #[allow(dead_code, reason = "only its bounds matter")]
        struct Bounded {
            #[serde(rename = "b/limit")]
            #[schemars(range(min = 1, max = 100))]
            limit: Option<u8>,
            #[serde(rename = "b/pin")]
            #[schemars(length(min = 6))]
            pin: Option<Secure<String>>,
        }
        let check = |text: &str, expected: &[&str]| {
            let params = serde_json::from_str(text).unwrap();
            let problems = decode::<Bounded>(&params, &params_of::<Bounded>().unwrap()).err().unwrap_or_default();
            assert_eq!(problems, expected, "{text}");
        };
        check(r#"{"b/limit":100,"b/pin":"123456"}"#, &[]);
        let pin = "Params/b/pin: the value does not fit its schema";
        check(r#"{"b/limit":101,"b/pin":"12345"}"#, &["Params/b/limit: expected 100 or less, got 101", pin]);
        let limit = "Params/b/limit: invalid type: string \"x\", expected an integer from 0 to 255";
        check(r#"{"b/limit":"x","b/pin":"12345"}"#, &[limit, pin]);
        check(r#"{"b/limit":5.0}"#, &[]);
    }

    #[test]
    fn integers_beyond_a_float_stay_exact() {
        let decoded = decode_sample(r#"{"s/count":9007199254740993,"s/name":"x"}"#).unwrap();
        assert_eq!(decoded.values.count, 9_007_199_254_740_993);
    }

    #[test]
    fn all_problems_are_named_at_once() {
        let problems = decode_sample(r#"{"s/count":5.5,"s/list":[1,300]}"#).unwrap_err();
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert_eq!(problems[0], "Params/s/name: required, but not set");
        assert!(
            problems[1].starts_with("Params/s/count: invalid type: number `5.5`, expected an integer"),
            "{problems:?}"
        );
        assert!(problems[2].starts_with("Params/s/list: [1]: invalid value: integer `300`"), "{problems:?}");
    }

    #[test]
    fn a_secret_of_the_wrong_type_is_not_quoted() {
        let problems = decode_sample(r#"{"s/count":1,"s/name":"x","s/secret":["hunter22"]}"#).unwrap_err();
        assert_eq!(problems, ["Params/s/secret: the value does not fit its schema"]);
        let problems = decode_sample(r#"{"s/count":1,"s/name":"x","s/secret":87654321}"#).unwrap_err();
        assert!(!problems[0].contains("87654321"));
    }

    #[test]
    fn params_that_contradict_each_other_quote_no_secret() {
        #[derive(Deserialize, JsonSchema)]
        #[serde(try_from = "Sample")]
        #[schemars(with = "Sample")]
        struct Checked;
        impl TryFrom<Sample> for Checked {
            type Error = String;
            fn try_from(sample: Sample) -> Result<Self, String> {
                Err(format!("{} does not go with {:?}", sample.name, sample.secret.map(|s| s.expose().clone())))
            }
        }
        let params = serde_json::from_str(r#"{"s/count":1,"s/name":"x","s/secret":"hunter-88"}"#).unwrap();
        let problems = decode::<Checked>(&params, &params_of::<Checked>().unwrap()).err().unwrap();
        assert_eq!(problems, [r#"Params: x does not go with Some("[secret]")"#]);
    }

    #[test]
    fn secrets_are_in_use_while_the_values_are() {
        let decoded = decode_sample(r#"{"s/count":1,"s/name":"x","s/secret":"opensesame"}"#).unwrap();
        assert_eq!(redact("say opensesame"), "say [secret]");
        assert_eq!(decoded.values.secret.as_ref().unwrap().expose(), "opensesame");
        drop(decoded.secrets);
        assert_eq!(redact("say opensesame"), "say opensesame");
    }
}
