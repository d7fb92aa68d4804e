//! What a scalar means: YAML 1.1 as Go servers resolve it, which is neither all of YAML 1.1 nor YAML 1.2.

use base64::{Engine, alphabet, engine};
use serde_json::{Number, Value};

/// Why a scalar has no value.
#[derive(Debug, PartialEq)]
pub(super) enum ScalarError {
    /// It is infinite or no number, which JSON cannot say.
    NotFinite,
    /// It has a tag that its text does not fit.
    Misfit(&'static str),
}

/// The tags that say what a scalar is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// Nobody says: the text decides.
    Open,
    Text,
    Boolean,
    Integer,
    Float,
    Null,
    Binary,
}

/// Base64 as Go takes it: padded, and whatever the bits behind the last byte are.
const BASE64: engine::GeneralPurpose = engine::GeneralPurpose::new(
    &alphabet::STANDARD,
    engine::GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// The value of a scalar's text.
pub(super) fn resolve(text: &str, tag: Tag) -> Result<Value, ScalarError> {
    match tag {
        Tag::Open => untagged(text),
        Tag::Text => Ok(Value::from(text)),
        Tag::Boolean => untagged(text).ok().filter(Value::is_boolean).ok_or(ScalarError::Misfit("a boolean")),
        Tag::Null => untagged(text).ok().filter(Value::is_null).ok_or(ScalarError::Misfit("null")),
        Tag::Integer => integer(text).map(Value::Number).ok_or(ScalarError::Misfit("an integer")),
        Tag::Float => {
            let value = untagged(text)?;
            if value.is_number() { Ok(value) } else { Err(ScalarError::Misfit("a number")) }
        }
        Tag::Binary => {
            let text = text.replace(['\r', '\n'], "");
            let bytes = BASE64.decode(text).ok();
            let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            text.map(Value::String).ok_or(ScalarError::Misfit("the Base64 of a text"))
        }
    }
}

fn untagged(text: &str) -> Result<Value, ScalarError> {
    let value = match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Value::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf"
        | "-.INF" => return Err(ScalarError::NotFinite),
        _ => integer(text).or_else(|| float(text)).map_or_else(|| Value::from(text), Value::Number),
    };
    Ok(value)
}

/// `012` and `0o12` are octal, `_` is nothing, and what does not fit into 64 bits is a float.
fn integer(text: &str) -> Option<Number> {
    if !text.starts_with(['+', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) {
        return None;
    }
    let plain = text.replace('_', "");
    let (sign, digits) = match plain.split_at_checked(1)? {
        (sign @ ("+" | "-"), digits) => (sign, digits),
        _ => ("", plain.as_str()),
    };
    let (radix, digits) = match (digits.get(..1)?, digits.get(1..2)) {
        ("0", Some("x" | "X")) => (16, digits.get(2..)?),
        ("0", Some("o" | "O")) => (8, digits.get(2..)?),
        ("0", Some("b" | "B")) => (2, digits.get(2..)?),
        ("0", Some(_)) => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    if !digits.starts_with(|first: char| first.is_ascii_hexdigit()) {
        return None;
    }
    let number = i128::from_str_radix(digits, radix).ok()?;
    let number = if sign == "-" { -number } else { number };
    match i64::try_from(number) {
        Ok(number) => Some(number.into()),
        Err(_) if sign.is_empty() => u64::try_from(number).ok().map(Number::from),
        Err(_) => None,
    }
}

/// An exponent needs its sign, unless the text begins with the point: `1e3` is text, and so is `1.`.
fn float(text: &str) -> Option<Number> {
    let plain = if text.starts_with('.') { text.to_owned() } else { text.replace('_', "") };
    let unsigned = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or(("", mantissa));
    if !(whole.is_empty() || is_digits(whole))
        || !text.starts_with(['+', '-', '.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
    {
        return None;
    }
    let exponent_fits = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']);
        is_digits(digits.unwrap_or(exponent)) && (digits.is_some() || text.starts_with('.'))
    });
    // A fraction may be missing only where the text begins with the point, and then there is no number at all.
    if !is_digits(fraction) || !exponent_fits {
        return None;
    }
    plain.parse().ok().and_then(Number::from_f64)
}
