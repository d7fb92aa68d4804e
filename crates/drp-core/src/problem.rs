//! What is wrong with an object (`models.md` §3).

use std::fmt;

use crate::{Params, names, patch::pointer};

/// One thing that is wrong with an object.
///
/// It is displayed as the server's text, which clients match on. A server puts the object's key and `: ` in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where: a JSON pointer into the object, such as `/Profiles/1`.
    pub path: String,
    /// What: ``Invalid Profile `x/y` ``.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Collects problems.
#[derive(Debug, Default)]
pub(crate) struct Problems(pub(crate) Vec<Problem>);

impl Problems {
    pub(crate) fn add(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.0.push(Problem { path: path.into(), text: text.into() });
    }

    /// Adds a problem if `value` breaks its rule.
    pub(crate) fn require(&mut self, rule: fn(&str) -> bool, what: &str, path: impl Into<String>, value: &str) {
        if !rule(value) {
            self.add(path, names::complaint(what, value));
        }
    }

    /// The same for a text that may be missing.
    pub(crate) fn require_if_given(&mut self, rule: fn(&str) -> bool, what: &str, path: &str, value: &str) {
        if !value.is_empty() {
            self.require(rule, what, path, value);
        }
    }

    /// The same for each text of a list.
    pub(crate) fn require_all(&mut self, rule: fn(&str) -> bool, what: &str, path: &str, values: &[String]) {
        for (i, value) in values.iter().enumerate() {
            self.require(rule, what, format!("{path}/{i}"), value);
        }
    }

    /// The same for the names of param values.
    pub(crate) fn require_param_names(&mut self, params: &Params) {
        for name in params.keys() {
            self.require(names::is_param_name, "Invalid Param Name", pointer(["Params", name]), name);
        }
    }
}
