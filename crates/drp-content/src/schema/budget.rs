//! A bound on the steps of one check.
//!
//! Some small schemas refer to themselves or branch so often that a check of any value would take years. The validator
//! knows no limit of its own, so every reference, without which a check is no longer than the schema, gets a keyword
//! before it that counts, and the one reference too many ends the check.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};

use jsonschema::{Keyword, ValidationError, ValidationOptions};
use serde_json::{Map, Value, json};

/// References that one check may follow to say yes or no: about a second.
pub(super) const STEPS_MAX: u32 = 2_000_000;
/// The same to say what is wrong, which costs far more for each.
pub(super) const EXPLAIN_STEPS_MAX: u32 = 20_000;

/// The keyword that counts. Its name is nothing that an author could mean.
const METER: &str = "\u{1}follow";
/// Keywords that refer to another place.
const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];

/// Keywords that hold a map from names to schemas; the names are no keywords.
pub(super) const SCHEMA_MAPS: [&str; 7] = [
    "$defs",
    "definitions",
    "dependencies",
    "dependentSchemas",
    "patternProperties",
    "properties",
    "dependentRequired",
];
/// Keywords that hold values to compare with, which must stay as they are.
pub(super) const DATA: [&str; 2] = ["const", "enum"];

thread_local! {
    static STEPS_LEFT: Cell<u32> = const { Cell::new(0) };
}

/// The unwinding payload of a check that ran out of steps.
struct Spent;

struct Meter;

impl Keyword<'_> for Meter {
    fn validate(&self, instance: &Value) -> Result<(), ValidationError<'static>> {
        self.is_valid(instance);
        Ok(())
    }

    fn is_valid(&self, _instance: &Value) -> bool {
        match STEPS_LEFT.get().checked_sub(1) {
            Some(left) => STEPS_LEFT.set(left),
            // No result ends a validator early, since some keywords go on whatever they get. Unwinding does; this
            // form of it is no panic and prints nothing.
            None => panic::resume_unwind(Box::new(Spent)),
        }
        true
    }
}

/// Teaches a validator the counting keyword.
pub(super) fn metered<R>(options: ValidationOptions<'_, R>) -> ValidationOptions<'_, R> {
    options.with_keyword(METER, |_, _, _| Ok(Box::new(Meter)))
}

/// Puts the counting keyword before every reference of a schema. `ref_is_alone` says that the schema's draft ignores
/// what stands beside a reference.
///
/// # Errors
/// The name of a keyword whose values hold a reference: they cannot be counted without changing what they mean.
pub(super) fn meter(schema: &mut Value, ref_is_alone: bool) -> Result<(), &'static str> {
    match schema {
        Value::Array(items) => items.iter_mut().try_for_each(|item| meter(item, ref_is_alone)),
        Value::Object(keywords) => {
            for (keyword, value) in keywords.iter_mut() {
                if let Some(data) = DATA.into_iter().find(|data| data == keyword) {
                    if refers(value) {
                        return Err(data);
                    }
                } else if let (true, Value::Object(named)) = (SCHEMA_MAPS.contains(&keyword.as_str()), &mut *value) {
                    named.values_mut().try_for_each(|value| meter(value, ref_is_alone))?;
                } else {
                    meter(value, ref_is_alone)?;
                }
            }
            meter_references(keywords, ref_is_alone);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Turns `{"$ref": x}` into `{"allOf": [{count}, {"$ref": x}]}`.
fn meter_references(keywords: &mut Map<String, Value>, ref_is_alone: bool) {
    if ref_is_alone && keywords.contains_key(REFERENCES[0]) {
        // Definitions may be referred to from elsewhere; all else has no effect.
        keywords.retain(|keyword, _| keyword == REFERENCES[0] || SCHEMA_MAPS[..2].contains(&keyword.as_str()));
    }
    for reference in REFERENCES {
        let Some(target) = keywords.get(reference).filter(|target| target.is_string()).cloned() else { continue };
        keywords.remove(reference);
        let all = keywords.entry("allOf").or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(all) = all {
            all.extend([json!({ METER: true }), json!({ reference: target })]);
        }
    }
}

/// Runs one check of at most so many steps; `None` if it needed more.
pub(super) fn spend<T>(steps_max: u32, check: impl FnOnce() -> T) -> Option<T> {
    STEPS_LEFT.set(steps_max);
    // A check has no state that outlives it, so nothing is left half done.
    match panic::catch_unwind(AssertUnwindSafe(check)) {
        Ok(result) => Some(result),
        Err(payload) if payload.is::<Spent>() => None,
        Err(payload) => panic::resume_unwind(payload),
    }
}

fn refers(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(refers),
        Value::Object(members) => {
            members.keys().any(|key| REFERENCES.contains(&key.as_str())) || members.values().any(refers)
        }
        _ => false,
    }
}
