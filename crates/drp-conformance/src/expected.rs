//! What is known to fail: a list that must be as true as what it excuses.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{
    code::Code,
    report::{Outcome, Report},
};

/// Checks that are known to fail, each with the reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    reasons: BTreeMap<Code, String>,
}

/// A file of expected failures cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExpectedError {
    /// It is no TOML of this form.
    #[error("cannot read the expected failures: `[expected-failures]` with `code = \"reason\"` lines is expected")]
    Form(#[source] Box<toml::de::Error>),
    /// A check is named that does not exist.
    #[error("cannot read the expected failures")]
    Code(#[source] crate::code::UnknownCodeError),
    /// A failure is expected for no reason.
    #[error("cannot read the expected failures: `{0}` has no reason")]
    NoReason(Code),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    #[serde(default)]
    expected_failures: BTreeMap<String, String>,
}

impl Expected {
    /// Reads a TOML document with a table `expected-failures`, whose keys are codes and whose values are reasons.
    ///
    /// # Errors
    /// If it is of another form, names a check that does not exist, or gives no reason.
    pub fn from_toml(text: &str) -> Result<Self, ExpectedError> {
        let file: File = toml::from_str(text).map_err(|error| ExpectedError::Form(Box::new(error)))?;
        let read = |(name, reason): (String, String)| {
            let code = name.parse().map_err(ExpectedError::Code)?;
            if reason.trim().is_empty() { Err(ExpectedError::NoReason(code)) } else { Ok((code, reason)) }
        };
        Ok(Self { reasons: file.expected_failures.into_iter().map(read).collect::<Result<_, _>>()? })
    }

    /// Why a check is expected to fail, if it is.
    pub fn reason(&self, code: Code) -> Option<&str> {
        self.reasons.get(&code).map(String::as_str)
    }

    /// Whether an outcome is not as the list says: a failure that is not in it, or a success that is.
    pub fn is_surprised_by(&self, code: Code, outcome: &Outcome) -> bool {
        match outcome {
            Outcome::Passed => self.reason(code).is_some(),
            Outcome::Failed(_) => self.reason(code).is_none(),
            Outcome::Skipped(_) => false,
        }
    }

    /// The checks that did not end as the list says.
    pub fn surprises<'a>(&'a self, report: &'a Report) -> impl Iterator<Item = Code> + 'a {
        let checks = report.checks.iter();
        checks.filter(|checked| self.is_surprised_by(checked.code, &checked.outcome)).map(|checked| checked.code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Finding;

    #[test]
    fn a_failure_that_is_not_listed_and_a_success_that_is_are_surprises() {
        let expected = Expected::from_toml("[expected-failures]\nstop-exit = \"issue 7\"\n").unwrap();
        let failed = Outcome::Failed(Finding { problem: "no".to_owned(), exchange: Vec::new() });
        let check = |code, outcome: &Outcome, surprised| {
            assert_eq!(expected.is_surprised_by(code, outcome), surprised, "{code} {outcome:?}");
        };
        check(Code::StopExit, &failed, false);
        check(Code::StopExit, &Outcome::Passed, true);
        check(Code::StopExit, &Outcome::Skipped("no".to_owned()), false);
        check(Code::StopEnds, &failed, true);
        check(Code::StopEnds, &Outcome::Passed, false);
    }

    #[test]
    fn a_list_of_unknown_codes_without_reasons_or_of_another_form_is_refused() {
        let check = |text: &str, said: &str| {
            let error = drp_core::chain(&Expected::from_toml(text).unwrap_err());
            assert!(error.contains(said), "{error}");
        };
        check("[expected-failures]\nstop-extit = \"\"", "no check `stop-extit`");
        check("[expected-failures]\nstop-exit = \" \"", "`stop-exit` has no reason");
        check("[expected]\n", "[expected-failures]");
        check("nonsense", "[expected-failures]");
        assert_eq!(Expected::from_toml("").unwrap(), Expected::default());
    }
}
