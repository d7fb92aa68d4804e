//! Values as Go decodes them: a field for text takes numbers and booleans too, with loss, and whole floats are
//! integers.

use drp_core::Form;
use serde_json::Value;

/// Turns numbers and booleans into text where a value of this form has text: `Version: 1.20` is `1.2`, `Name: yes` is
/// `true`.
pub(crate) fn soften(form: Form, value: &mut Value) {
    match (form, value) {
        (Form::Text, value @ (Value::Bool(_) | Value::Number(_))) => *value = Value::String(text(value)),
        (Form::List(item), Value::Array(values)) => values.iter_mut().for_each(|value| soften(*item, value)),
        (Form::Map(item), Value::Object(values)) => values.values_mut().for_each(|value| soften(*item, value)),
        (Form::Record(groups), Value::Object(values)) => {
            for (key, value) in values {
                let mut fields = groups.iter().copied().flatten();
                if let Some(field) = fields.find(|field| field.name.eq_ignore_ascii_case(key)) {
                    soften(field.form, value);
                }
            }
        }
        _ => {}
    }
}

/// A number or boolean as text.
pub(crate) fn text(value: &Value) -> String {
    match value.as_f64() {
        Some(float) if value.is_f64() => float_text(float),
        _ => value.to_string(),
    }
}

/// The value with its whole floats as integers: so Go writes them, and so readers of integers want them.
pub(crate) fn regular(value: Value) -> Value {
    /// Up to here every whole number is one float and no other.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) if number.is_f64() => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() <= EXACT_MAX =>
            {
                #[allow(clippy::cast_possible_truncation, reason = "it is whole and in range")]
                Value::from(float as i64)
            }
            _ => Value::Number(number),
        },
        Value::Array(values) => values.into_iter().map(regular).collect(),
        Value::Object(values) => Value::Object(values.into_iter().map(|(key, value)| (key, regular(value))).collect()),
        other => other,
    }
}

/// A float as Go puts it into a text: 32 bits of it.
#[allow(clippy::cast_possible_truncation, reason = "Go does it too")]
fn float_text(float: f64) -> String {
    /// With less or more the number is written with an exponent.
    const PLAIN_EXPONENTS: std::ops::Range<i32> = -4..6;
    let short = float as f32;
    if short.is_infinite() {
        return if short > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{short:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let Ok(exponent) = exponent.parse::<i32>() else { return scientific };
    if PLAIN_EXPONENTS.contains(&exponent) {
        return short.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_become_texts_as_in_go() {
        let check = |float: f64, expected: &str| assert_eq!(float_text(float), expected);
        check(1.2, "1.2");
        check(1.5e6, "1.5e+06");
        check(1_234_567.5, "1.2345675e+06");
        check(16_777_217.5, "1.6777218e+07");
        check(0.0001, "0.0001");
        check(0.00001, "1e-05");
        check(999_999.5, "999999.5");
        check(1e39, "+Inf");
        check(1.234_567_89, "1.2345679");
        check(-0.5, "-0.5");
        check(0.0, "0");
    }
}
