//! What came of a run.

use serde::Serialize;

use crate::code::Code;

/// What a suite says of a provider or a host.
#[derive(Debug)]
#[non_exhaustive]
pub struct Report {
    /// What was judged: name and version, or the path of what says neither.
    pub subject: String,
    /// Whether there was something to judge: a definition and a configured plugin.
    pub is_usable: bool,
    /// What came of each check, in the order of the codes.
    pub checks: Vec<Checked>,
}

/// What came of one check.
#[derive(Debug)]
#[non_exhaustive]
pub struct Checked {
    /// The rule.
    pub code: Code,
    /// What came of it.
    pub outcome: Outcome,
    /// How long it took.
    pub seconds: f64,
}

/// What may come of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The rule holds.
    Passed,
    /// The rule does not hold.
    Failed(Finding),
    /// It does not apply, or cannot be judged, for this reason.
    Skipped(String),
}

/// How a rule is broken. No secret is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// What was expected and what came instead.
    pub problem: String,
    /// The exchange that shows it, a line each.
    pub exchange: Vec<String>,
}

impl Report {
    /// What came of one check.
    pub fn outcome(&self, code: Code) -> Option<&Outcome> {
        self.checks.iter().find(|checked| checked.code == code).map(|checked| &checked.outcome)
    }

    /// The rules that do not hold.
    pub fn failed(&self) -> impl Iterator<Item = Code> {
        self.checks.iter().filter(|checked| checked.outcome.is_failure()).map(|checked| checked.code)
    }

    /// How many checks passed, failed and were skipped.
    pub fn counts(&self) -> Counts {
        let count = |is: fn(&Outcome) -> bool| self.checks.iter().filter(|checked| is(&checked.outcome)).count();
        Counts {
            passed: count(|outcome| *outcome == Outcome::Passed),
            failed: count(Outcome::is_failure),
            skipped: count(|outcome| matches!(outcome, Outcome::Skipped(_))),
        }
    }
}

/// How many checks ended how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Counts {
    /// The rule holds.
    pub passed: usize,
    /// It does not.
    pub failed: usize,
    /// It was not judged.
    pub skipped: usize,
}

impl Outcome {
    /// Whether the rule is broken.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(_))
    }

    /// Its name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::Skipped(_) => "skipped",
        }
    }
}
