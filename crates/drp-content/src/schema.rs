//! Values against JSON Schema: of params, and of the properties of custom object types.
//!
//! Schemas are written by users and providers, so they are bounded: their text has a limit, a reference never leaves
//! the document, a check visits so many places of the schema and no more, and patterns are matched in linear time.

mod budget;
mod formats;

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

use drp_core::{Param, Raw, limits};
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::Value;

/// Compiled schemas that are kept.
const CACHED_MAX: usize = 1024;
/// Bytes of schema text whose compiled form is kept.
const CACHED_BYTES_MAX: usize = 8 << 20;
/// Problems that one check reports.
const PROBLEMS_MAX: usize = 20;
/// What a pattern may compile to.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// The schemas in use, compiled once for each text.
#[derive(Debug, Default)]
pub struct Schemas {
    cache: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    compiled: HashMap<String, Arc<Validator>>,
    bytes: usize,
}

impl Schemas {
    /// Checks that this is a schema.
    ///
    /// # Errors
    /// Why it is none, as a text for its author.
    pub fn compile(&self, schema: &Raw) -> Result<(), String> {
        self.validator(schema).map(drop)
    }

    fn validator(&self, schema: &Raw) -> Result<Arc<Validator>, String> {
        let text = schema.get();
        if let Some(found) = self.with(|cache| cache.compiled.get(text).cloned()) {
            return Ok(found);
        }
        let validator = Arc::new(compile(text)?);
        self.with(|cache| cache.insert(text, &validator));
        Ok(validator)
    }

    /// Checks a value against a schema. A `null` schema takes any value.
    ///
    /// # Errors
    /// What is wrong, each with its place: `(root): Invalid type. Expected: string, given: array`. A schema that does
    /// not compile is wrong too. The value itself is in no text, because it may be secret.
    pub fn check(&self, schema: &Raw, value: &Raw) -> Result<(), Vec<String>> {
        if schema.is_null() {
            return Ok(());
        }
        let validator = self.validator(schema).map_err(|problem| vec![problem])?;
        problems_of(&validator, value)
    }

    /// Checks the declaration of a param: its schema compiles and takes its own default. Says what is wrong.
    #[must_use]
    pub fn check_declaration(&self, param: &Param) -> Vec<String> {
        if param.schema.is_null() {
            return Vec::new();
        }
        let validator = match self.validator(&param.schema) {
            Ok(validator) => validator,
            Err(problem) => return vec![problem],
        };
        let Some(default) = param.default_value() else { return Vec::new() };
        let named = |problem| format!("Error in default value: {problem}");
        problems_of(&validator, &default).err().into_iter().flatten().map(named).collect()
    }

    fn with<T>(&self, work: impl FnOnce(&mut Cache) -> T) -> T {
        work(&mut self.cache.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Cache {
    /// Keeps a validator; when there are too many, all others are forgotten, since they are cheap to make again.
    fn insert(&mut self, text: &str, validator: &Arc<Validator>) {
        if self.compiled.len() >= CACHED_MAX || self.bytes + text.len() > CACHED_BYTES_MAX {
            *self = Self::default();
        }
        if self.compiled.insert(text.to_owned(), Arc::clone(validator)).is_none() {
            self.bytes += text.len();
        }
    }
}

/// All problems of a value, at most [`PROBLEMS_MAX`].
fn problems_of(validator: &Validator, value: &Raw) -> Result<(), Vec<String>> {
    let mut value: Value = value.parse().map_err(|error| vec![format!("(root): {error}")])?;
    round(&mut value);
    match budget::spend(budget::STEPS_MAX, || validator.is_valid(&value)) {
        Some(true) => return Ok(()),
        Some(false) => {}
        None => return Err(vec!["(root): takes too many steps to check".to_owned()]),
    }
    let find = || validator.iter_errors(&value).take(PROBLEMS_MAX).map(|error| text_of(&error)).collect();
    let found: Option<Vec<_>> = budget::spend(budget::EXPLAIN_STEPS_MAX, find);
    Err(found.unwrap_or_else(|| vec!["(root): does not satisfy the schema, in a place deep inside".to_owned()]))
}

/// Makes `5.0` an integer, which draft 4 alone would not take for one.
fn round(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(float) = number.as_f64()
                && number.is_f64()
                && float.fract() == 0.0
                && let Ok(integer) = format!("{float}").parse::<i64>()
            {
                *number = integer.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(round),
        Value::Object(members) => members.values_mut().for_each(round),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// Draft 4, as the server has it, unless the schema names another draft. One that is no draft 4 schema and names none
/// is read as draft 7: content written for later servers says `"exclusiveMinimum": 0`.
fn compile(text: &str) -> Result<Validator, String> {
    if text.len() > limits::SCHEMA_BYTES_MAX {
        return Err(format!("schema of {} bytes is over the limit of {}", text.len(), limits::SCHEMA_BYTES_MAX));
    }
    let mut schema: Value = serde_json::from_str(text).map_err(|error| format!("schema is not JSON: {error}"))?;
    formats::drop_those_that_are_no_text(&mut schema);
    if !matches!(schema, Value::Object(_) | Value::Bool(_)) {
        return Err(
            "schema does not compile: (root): Invalid type. Expected: object, given: ".to_owned() + given(&schema)
        );
    }
    let build = |draft| {
        let mut schema = schema.clone();
        let ref_is_alone = matches!(draft, Draft::Draft4 | Draft::Draft6 | Draft::Draft7);
        budget::meter(&mut schema, ref_is_alone).map_err(|keyword| format!("has a reference inside of `{keyword}`"))?;
        let options = budget::metered(jsonschema::options()).with_draft(draft).offline();
        let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES_MAX);
        options.with_pattern_options(patterns).build(&schema).map_err(|error| text_of(&error))
    };
    let named = schema.get("$schema").and_then(Value::as_str).and_then(draft_of);
    let built = match named {
        Some(draft) => build(draft),
        None => build(Draft::Draft4).or_else(|error| build(Draft::Draft7).map_err(|_| error)),
    };
    built.map_err(|problem| format!("schema does not compile: {problem}"))
}

fn draft_of(uri: &str) -> Option<Draft> {
    let drafts = [
        ("draft-04", Draft::Draft4),
        ("draft-06", Draft::Draft6),
        ("draft-07", Draft::Draft7),
        ("2019-09", Draft::Draft201909),
        ("2020-12", Draft::Draft202012),
    ];
    drafts.iter().find(|(name, _)| uri.contains(name)).map(|(_, draft)| *draft)
}

/// `PLACE: PROBLEM`, the place with dots (`a.0.b`, or `(root)`). Clients match on the texts about types and missing
/// properties (`models.md` §9, §10.1).
fn text_of(error: &ValidationError<'_>) -> String {
    let place = error.instance_path().as_str().trim_start_matches('/').replace('/', ".");
    let place = place.replace("~1", "/").replace("~0", "~");
    let place = if place.is_empty() { "(root)" } else { &place };
    let problem = match error.kind() {
        Kind::Type { kind } => {
            format!("Invalid type. Expected: {}, given: {}", expected(kind), given(error.instance()))
        }
        Kind::Required { property } => format!("{} is required", unquoted(property)),
        Kind::AdditionalProperties { unexpected } => format!("does not take the property {}", unexpected.join(", ")),
        Kind::Enum { options } => format!("must be one of {options}"),
        Kind::Constant { expected_value } => format!("must be {expected_value}"),
        Kind::Pattern { pattern } => format!("does not match the pattern {pattern}"),
        Kind::Format { format } => format!("is not a valid {format}"),
        Kind::Minimum { limit } => format!("must be at least {limit}"),
        Kind::Maximum { limit } => format!("must be at most {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("must be more than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("must be less than {limit}"),
        Kind::MultipleOf { multiple_of } => format!("must be a multiple of {multiple_of}"),
        Kind::MinLength { limit } => format!("must have at least {limit} characters"),
        Kind::MaxLength { limit } => format!("must have at most {limit} characters"),
        Kind::MinItems { limit } => format!("must have at least {limit} items"),
        Kind::MaxItems { limit } => format!("must have at most {limit} items"),
        Kind::MinProperties { limit } => format!("must have at least {limit} properties"),
        Kind::MaxProperties { limit } => format!("must have at most {limit} properties"),
        Kind::UniqueItems => "must not have equal items".to_owned(),
        Kind::Referencing(reason) => format!("has a reference that does not resolve: {reason}"),
        // The keyword says enough, and the library's own text would quote the value.
        _ => format!("does not satisfy `{}`", error.kind().keyword()),
    };
    format!("{place}: {problem}")
}

fn expected(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => one.to_string(),
        TypeKind::Multiple(several) => {
            let mut list = String::new();
            for one in several.iter() {
                let comma = if list.is_empty() { "" } else { "," };
                let _ = write!(list, "{comma}{one}");
            }
            format!("[{list}]")
        }
    }
}

fn given(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.as_f64().is_some_and(|number| number.fract() == 0.0) => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn unquoted(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn check(schema: &str, value: &str) -> Vec<String> {
        let raw = |text: &str| serde_json::from_str(text).unwrap();
        Schemas::default().check(&raw(schema), &raw(value)).err().unwrap_or_default()
    }

    #[test]
    fn texts_are_those_that_clients_match_on() {
        let expect = |schema, value, expected: &[&str]| assert_eq!(check(schema, value), expected, "{schema} {value}");
        expect("null", "[]", &[]);
        expect(r#"{"type":"string"}"#, "[1]", &["(root): Invalid type. Expected: string, given: array"]);
        expect(r#"{"type":"integer"}"#, r#""x""#, &["(root): Invalid type. Expected: integer, given: string"]);
        expect(r#"{"type":"integer"}"#, "5.0", &[]);
        expect(r#"{"type":"string"}"#, "5.0", &["(root): Invalid type. Expected: string, given: integer"]);
        expect(
            r#"{"type":["string","null"]}"#,
            "1.5",
            &["(root): Invalid type. Expected: [null,string], given: number"],
        );
        expect(r#"{"required":["a"]}"#, "{}", &["(root): a is required"]);
        expect(
            r#"{"properties":{"a/b":{"items":{"type":"boolean"}}}}"#,
            r#"{"a/b":[true,"x"]}"#,
            &["a/b.1: Invalid type. Expected: boolean, given: string"],
        );
        expect(r#"{"enum":["a"]}"#, r#""secret""#, &[r#"(root): must be one of ["a"]"#]);
        expect(r#"{"exclusiveMinimum":0}"#, "0", &["(root): must be more than 0"]);
        expect(r#"{"not":{"type":"string"}}"#, r#""secret""#, &["(root): does not satisfy `not`"]);
    }

    /// `#40`, `#41`.
    #[test]
    fn a_reference_never_leaves_the_document() {
        for target in ["http://127.0.0.1:1/x", "file:///etc/passwd", "other.json"] {
            let problems = check(&format!(r#"{{"$ref":"{target}"}}"#), "1");
            assert!(problems[0].contains("does not compile"), "{problems:?}");
        }
    }

    #[test]
    fn a_reference_that_cannot_be_counted_is_refused() {
        let hidden = r##"{"enum":[{"anyOf":[{"$ref":"#/enum/0"},{"$ref":"#/enum/0"}]}],"$ref":"#/enum/0"}"##;
        assert!(check(hidden, "1")[0].contains("a reference inside of `enum`"));
        assert_eq!(check(r##"{"definitions":{"enum":{"type":"null"}},"$ref":"#/definitions/enum"}"##, "null").len(), 0);
    }

    /// `#40`, `#41`.
    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let doubled =
            r##"{"anyOf":[{"properties":{"a":{"$ref":"#"}},"required":["b"]},{"properties":{"a":{"$ref":"#"}}}]}"##;
        let deep = r#"{"a":"#.repeat(100) + "1" + &"}".repeat(100);
        for schema in [
            r##"{"$ref":"#"}"##,
            r##"{"allOf":[{"$ref":"#"}]}"##,
            r##"{"not":{"$ref":"#"}}"##,
            r##"{"definitions":{"a":{"$ref":"#/definitions/b"},"b":{"$ref":"#/definitions/a"}},"$ref":"#/definitions/a"}"##,
            r##"{"oneOf":[{"$ref":"#"},{"$ref":"#"}]}"##,
            doubled,
        ] {
            check(schema, "1");
            check(schema, &deep);
        }
    }

    #[test]
    fn a_schema_that_branches_again_and_again_ends() {
        let mut definitions = String::from(r#""d40":{"type":"string"}"#);
        for n in (0..40).rev() {
            let next = format!(r##"{{"$ref":"#/definitions/d{}"}}"##, n + 1);
            let _ = write!(definitions, r#","d{n}":{{"anyOf":[{next},{next}]}}"#);
        }
        let schema = format!(r##"{{"definitions":{{{definitions}}},"$ref":"#/definitions/d0"}}"##);
        assert_eq!(check(&schema, "1").len(), 1);
    }

    #[test]
    fn declarations_are_checked_with_their_default() {
        let problems = |schema: &str| {
            let schema = serde_json::from_str(schema).unwrap();
            Schemas::default().check_declaration(&Param { schema, ..Param::default() })
        };
        assert!(problems("null").is_empty());
        assert!(problems(r#"{"type":"integer","default":1}"#).is_empty());
        assert_eq!(
            problems(r#"{"type":"integer","default":"x"}"#),
            ["Error in default value: (root): Invalid type. Expected: integer, given: string"]
        );
        assert!(problems(r#"{"type":"no such type"}"#)[0].contains("does not compile"));
        assert!(problems("5")[0].contains("does not compile"));
    }

    #[test]
    fn the_cache_is_bounded() {
        let schemas = Schemas::default();
        for n in 0..CACHED_MAX + 5 {
            schemas.compile(&Raw::from(serde_json::json!({ "minimum": n }))).unwrap();
        }
        assert!(schemas.with(|cache| cache.compiled.len()) <= CACHED_MAX);
        assert!(check(&format!(r#"{{"title":{:?}}}"#, "x".repeat(limits::SCHEMA_BYTES_MAX)), "1")[0].contains("limit"));
    }
}
