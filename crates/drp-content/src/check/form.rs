//! Whether a value has the form that its type wants, as a server reads it.

use drp_core::{Field, Form, Time, Uuid};
use serde_json::{Map, Value};

use super::{
    finding::{Code, Said, say},
    near::nearest,
    spelling,
    subject::Language,
};
use crate::yaml::{
    self,
    marks::{Marks, Step},
};

/// Compares an object with the keys of its type.
pub(super) struct Fitting<'a> {
    pub(super) language: Language,
    pub(super) marks: &'a Marks,
    /// Where the object stands in its file.
    pub(super) base: &'a [Step],
    /// What was found, by the path in the object, and whether it is about the key there.
    pub(super) found: Vec<(Vec<Step>, Said, About)>,
}

/// What of a member a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    Key,
    Value,
}

impl Fitting<'_> {
    /// Brings an object into the form that a server reads. What does not fit is told and left out.
    pub(super) fn record(&mut self, keys: &[&[Field]], object: Map<String, Value>, path: &mut Vec<Step>) -> Value {
        let mut fitted = Map::new();
        for (name, value) in object {
            let field = keys.iter().copied().flatten().find(|field| field.name.eq_ignore_ascii_case(&name));
            path.push(Step::Key(name.clone()));
            match field {
                Some(field) => {
                    if let Some(value) = self.value(field.form, value, path) {
                        fitted.insert(field.name.to_owned(), value);
                    }
                }
                None => {
                    self.unknown(keys, &name, path);
                    fitted.insert(name, value);
                }
            }
            path.pop();
        }
        Value::Object(fitted)
    }

    fn unknown(&mut self, keys: &[&[Field]], name: &str, path: &[Step]) {
        let known = || keys.iter().copied().flatten().map(|field| field.name);
        let help = match nearest(name, known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "remove it, or put it into `Meta` or a param".to_owned(),
        };
        let said = say(Code::UnknownField, format!("`{name}` is no field here, and servers pass over it")).help(help);
        self.found.push((path.to_vec(), said, About::Key));
    }

    /// The value as a server reads it; `None` for `null` and for what does not fit.
    pub(super) fn value(&mut self, form: Form, value: Value, path: &mut Vec<Step>) -> Option<Value> {
        match (form, value) {
            (_, Value::Null) => None,
            (Form::Any, value) => {
                self.spelling(path);
                Some(value)
            }
            (Form::Text, value @ (Value::Number(_) | Value::Bool(_))) if self.language == Language::Yaml => {
                Some(self.text_of_scalar(&value, path))
            }
            (Form::Record(keys), Value::Object(object)) => Some(self.record(keys, object, path)),
            (Form::Map(inner), Value::Object(object)) => Some(self.map(*inner, object, path)),
            (Form::List(inner), Value::Array(list)) => Some(self.list(*inner, list, path)),
            (form, value) => match misfit(form, &value) {
                None => Some(value),
                Some(expected) => {
                    self.misfit(&value, expected, path);
                    None
                }
            },
        }
    }

    fn map(&mut self, form: Form, object: Map<String, Value>, path: &mut Vec<Step>) -> Value {
        let mut fitted = Map::new();
        for (key, value) in object {
            path.push(Step::Key(key.clone()));
            let value = if form == Form::Any {
                self.spelling(path);
                Some(value)
            } else {
                self.value(form, value, path)
            };
            path.pop();
            fitted.insert(key, value.unwrap_or_else(|| zero(form)));
        }
        Value::Object(fitted)
    }

    fn list(&mut self, form: Form, list: Vec<Value>, path: &mut Vec<Step>) -> Value {
        let mut fitted = Vec::new();
        for (at, value) in list.into_iter().enumerate() {
            path.push(Step::Item(at));
            fitted.push(self.value(form, value, path).unwrap_or_else(|| zero(form)));
            path.pop();
        }
        Value::Array(fitted)
    }

    /// Servers turn what YAML takes for a number or a boolean back into text, with loss.
    fn text_of_scalar(&mut self, value: &Value, path: &[Step]) -> Value {
        let text = yaml::text(value);
        if let Some(written) = self.written(path).filter(|written| *written != text) {
            let problem = format!("`{written}` is read as `{text}`");
            let said = say(Code::Scalar, problem).expected("a text").help(format!("put it in quotes: \"{written}\""));
            self.found.push((path.to_vec(), said, About::Value));
        }
        Value::String(text)
    }

    fn written(&self, path: &[Step]) -> Option<&str> {
        self.marks.node(&[self.base, path].concat())?.plain.as_deref()
    }

    fn spelling(&mut self, path: &[Step]) {
        if self.language != Language::Yaml {
            return;
        }
        let skip = self.base.len();
        let found = &mut self.found;
        self.marks.visit_plain(&[self.base, path].concat(), |at, plain| {
            if let Some((said, about)) = spelling::doubt(&plain) {
                found.push((at.get(skip..).unwrap_or_default().to_vec(), said, about));
            }
        });
    }

    fn misfit(&mut self, value: &Value, expected: &str, path: &[Step]) {
        let said = match value {
            // The value itself may be secret.
            Value::String(_) if expected != TEXT => say(Code::Type, format!("this text is not {expected}")),
            _ => say(Code::Type, format!("this is {}", kind_of(value))),
        };
        let hint = match (expected, value) {
            (BOOL, Value::String(text)) if matches!(text.as_str(), "true" | "false") => "take the quotes off",
            (INTEGER, Value::String(text)) if text.parse::<i64>().is_ok() => "take the quotes off",
            (TEXT, Value::Number(_) | Value::Bool(_)) => "put it in quotes",
            (LIST, _) => "write a list, even for one item",
            _ => "",
        };
        self.found.push((path.to_vec(), said.expected(expected).help(hint), About::Value));
    }
}

const TEXT: &str = "a text";
const BOOL: &str = "true or false";
const INTEGER: &str = "an integer";
const LIST: &str = "a list";

/// What null is in a list or map of such values.
fn zero(form: Form) -> Value {
    match form {
        Form::Text => Value::from(""),
        Form::Record(_) => Value::Object(Map::new()),
        _ => Value::Null,
    }
}

/// What was expected instead of this value; `None` if it fits.
fn misfit(form: Form, value: &Value) -> Option<&'static str> {
    let parses = |check: fn(Value) -> bool| value.is_string() && check(value.clone());
    let (expected, fits) = match form {
        Form::Text => (TEXT, value.is_string()),
        Form::Bool => (BOOL, value.is_boolean()),
        Form::Int => (INTEGER, value.as_f64().is_some_and(|number| number.fract() == 0.0)),
        Form::Uuid => ("a UUID", parses(|value| serde_json::from_value::<Uuid>(value).is_ok())),
        Form::Address => (
            "an IP address",
            parses(|value| {
                value.as_str().is_some_and(|text| text.is_empty() || text.parse::<std::net::IpAddr>().is_ok())
            }),
        ),
        Form::Time => {
            ("a time such as 2006-01-02T15:04:05Z", parses(|value| serde_json::from_value::<Time>(value).is_ok()))
        }
        Form::Bytes => ("bytes in Base64", value.is_string()),
        Form::List(_) => (LIST, false),
        Form::Map(_) | Form::Record(_) => ("a map", false),
        Form::Any => ("", true),
    };
    (!fits).then_some(expected)
}

/// What a value is, for people.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}
