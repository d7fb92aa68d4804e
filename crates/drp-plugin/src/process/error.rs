//! Why a program gave no good result.

use std::{io, process::ExitStatus, time::Duration};

use thiserror::Error;

/// Why a program gave no good result. As the error of a handler, a time limit is a 504 and all else a 500.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CommandError {
    /// There is no such program.
    #[error("there is no program `{program}`; install it, or check PATH")]
    NotFound {
        /// The program.
        program: String,
    },
    /// An argument holds the value of a secret.
    #[error(
        "`{program}` is not started: an argument holds a secret, which every user of this machine could read; give it in \
         the environment, in a file or on the standard input"
    )]
    SecretArgument {
        /// The program.
        program: String,
    },
    /// The directory to run it in is none.
    #[error("cannot start `{program}`: there is no directory `{directory}` to run it in")]
    NoDirectory {
        /// The program.
        program: String,
        /// The directory.
        directory: String,
    },
    /// It cannot be started.
    #[error("cannot start `{program}`")]
    Start {
        /// The program.
        program: String,
        /// The reason.
        source: io::Error,
    },
    /// Its end cannot be waited for.
    #[error("cannot wait for `{program}`")]
    Wait {
        /// The program.
        program: String,
        /// The reason.
        source: io::Error,
    },
    /// It did not end in time and was killed.
    #[error("`{program}` did not end within {limit:?} and was killed")]
    TimedOut {
        /// The program.
        program: String,
        /// The time it had.
        limit: Duration,
    },
    /// It ended badly.
    #[error("`{program}` failed with {status}: {}", if stderr.is_empty() { "it said nothing" } else { stderr })]
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// The end of its standard error.
        stderr: String,
    },
}
