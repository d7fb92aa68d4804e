//! How a command ends.

use std::{fmt, process::ExitCode};

use drp_core::chain;
use drp_host::StartError;

/// The exit codes that scripts can rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// What was asked for was done.
    Well = 0,
    /// What was asked for failed: an action, mostly.
    Failed = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// A provider did not load, or its plugin was not configured.
    NotLoaded = 3,
    /// Somebody pressed Ctrl-C.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command ended early, for people.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    text: String,
}

impl Failure {
    /// What was asked for failed.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, text: text.into() }
    }

    /// The command line makes no sense.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, text: text.into() }
    }

    /// A provider did not load, or its plugin was not configured.
    pub(crate) fn not_loaded(text: impl Into<String>) -> Self {
        Self { exit: Exit::NotLoaded, text: text.into() }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let text = chain(&error);
        match error {
            StartError::Store(error) => Self::new(format!("{text}\n{}", error.remedy())),
            _ => Self::new(text),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
