//! How a check ends.

/// Why a check does not pass.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The rule is broken, in this way.
    Failed(String),
    /// The rule cannot be judged, for this reason.
    Skipped(String),
}

/// What a check returns.
pub(crate) type Verdict<T = ()> = Result<T, Fault>;

/// The rule is broken.
pub(crate) fn failed<T>(problem: impl Into<String>) -> Verdict<T> {
    Err(Fault::Failed(problem.into()))
}

/// The rule cannot be judged.
pub(crate) fn skipped<T>(reason: impl Into<String>) -> Verdict<T> {
    Err(Fault::Skipped(reason.into()))
}

/// Fails where the suite itself cannot do what it wants to: that is no success of whom it judges.
pub(crate) fn cannot(what: &'static str) -> impl FnOnce(std::io::Error) -> Fault {
    move |error| Fault::Failed(format!("the suite cannot {what}: {error}"))
}

/// Fails with a text unless something holds.
macro_rules! ensure {
    ($holds:expr, $($text:tt)+) => {
        if !$holds {
            return $crate::verdict::failed(format!($($text)+));
        }
    };
}
pub(crate) use ensure;
