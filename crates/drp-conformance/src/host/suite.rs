//! Runs the checks of a host.

use std::{
    collections::BTreeSet,
    fmt, io,
    panic::AssertUnwindSafe,
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use drp_core::limits;
use futures_util::{FutureExt, StreamExt, stream};

use super::{
    actions, api, auth, case::Case, events, hosting, lists, objects, params, plugins, session::Session, trust::Trust,
    wire,
};
use crate::{
    code::Code,
    report::{Checked, Finding, Outcome, Report},
    verdict::{Fault, Verdict},
};

/// Checks that are made beside each other: most of them wait.
const BESIDE: usize = 4;

/// Which server to judge, and as whom.
#[derive(Clone)]
#[non_exhaustive]
pub struct HostSuite {
    /// Its URL, such as `https://10.0.0.5:8092`.
    pub url: String,
    /// An administrator.
    pub user: String,
    /// The administrator's password.
    pub password: String,
    /// Which certificates of the server are believed.
    pub trust: Trust,
    /// The executable that is uploaded for the checks of hosting: one that is a
    /// [puppet](crate::puppet) where its name says so. Without one these checks are skipped.
    pub provider: Option<PathBuf>,
    /// The checks to make; all if empty.
    pub only: BTreeSet<Code>,
    /// How long anything may take that should come soon.
    pub patience: Duration,
}

impl fmt::Debug for HostSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostSuite").field("url", &self.url).field("user", &self.user).finish_non_exhaustive()
    }
}

/// There is no server to judge, or no way to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The URL or the certificates make no sense.
    #[error("cannot prepare the checks")]
    Prepare(#[source] io::Error),
}

/// A check of a rule.
pub(super) struct Check {
    pub(super) code: Code,
    pub(super) run: for<'a> fn(&'a Case) -> Pin<Box<dyn Future<Output = Verdict> + Send + 'a>>,
}

/// Makes the row of a check.
macro_rules! check {
    ($code:ident, $run:ident) => {
        $crate::host::suite::Check { code: $crate::code::Code::$code, run: |case| Box::pin($run(case)) }
    };
}
pub(super) use check;

const CHECKS: [&[Check]; 9] = [
    auth::CHECKS,
    api::CHECKS,
    objects::CHECKS,
    params::CHECKS,
    lists::CHECKS,
    events::CHECKS,
    hosting::CHECKS,
    plugins::CHECKS,
    actions::CHECKS,
];

impl HostSuite {
    /// All checks, as this user, of a server that the system believes.
    pub fn new(url: impl Into<String>, user: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            user: user.into(),
            password: password.into(),
            trust: Trust::default(),
            provider: None,
            only: BTreeSet::new(),
            patience: limits::READY_TIME,
        }
    }

    /// Prepares a run. Nothing is sent yet.
    ///
    /// # Errors
    /// If the URL or the certificates make no sense.
    pub fn start(&self) -> Result<HostRun, HostError> {
        let session = Session::new(self).map_err(HostError::Prepare)?;
        Ok(HostRun { session: Arc::new(session), url: self.url.clone(), only: self.only.clone() })
    }
}

/// A run of the checks of a host. Whoever drops [`run`](Self::run) in the middle still calls
/// [`clean_up`](Self::clean_up).
pub struct HostRun {
    session: Arc<Session>,
    url: String,
    only: BTreeSet<Code>,
}

impl fmt::Debug for HostRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostRun").field("url", &self.url).finish_non_exhaustive()
    }
}

impl HostRun {
    /// Makes the checks, and tells each one as soon as it is done.
    pub async fn run(&self, on_done: impl Fn(&Checked) + Send + Sync) -> Report {
        let info = self.session.info().await;
        let unusable = info.as_ref().err().map(|error| format!("the server cannot be asked who it is: {error}"));
        let version = info.ok().and_then(|info| info["version"].as_str().map(str::to_owned));
        let wanted = || all().filter(|check| self.only.is_empty() || self.only.contains(&check.code));
        // The wire is tried alone: what it costs the server must not look like slowness elsewhere.
        let mut checks = self.judge_all(wanted().collect(), unusable.as_deref(), BESIDE, &on_done).await;
        let alone = wire::CHECKS.iter().filter(|check| self.only.is_empty() || self.only.contains(&check.code));
        checks.extend(self.judge_all(alone.collect(), unusable.as_deref(), 1, &on_done).await);
        checks.sort_by_key(|checked| checked.code);
        let subject = version.map_or_else(|| self.url.clone(), |version| format!("{} {version}", self.url));
        Report { subject: self.session.mask.apply(&subject), is_usable: unusable.is_none(), checks }
    }

    async fn judge_all(
        &self,
        wanted: Vec<&'static Check>,
        unusable: Option<&str>,
        beside: usize,
        on_done: impl Fn(&Checked) + Send + Sync,
    ) -> Vec<Checked> {
        // Boxed, or nobody could prove that the whole may move between threads.
        let made: Vec<_> = wanted.into_iter().map(|check| judge(check, &self.session, unusable).boxed()).collect();
        let mut made = stream::iter(made).buffer_unordered(beside);
        let mut checks = Vec::new();
        while let Some(checked) = made.next().await {
            on_done(&checked);
            checks.push(checked);
        }
        checks
    }

    /// Removes all that is still there of what the checks made. Returns what could not be removed.
    pub async fn clean_up(&self) -> Vec<String> {
        self.session.remove_all().await;
        self.session.left()
    }
}

fn all() -> impl Iterator<Item = &'static Check> {
    CHECKS.iter().copied().flatten()
}

async fn judge(check: &'static Check, session: &Arc<Session>, unusable: Option<&str>) -> Checked {
    let start = Instant::now();
    let checked = |outcome| Checked { code: check.code, outcome, seconds: start.elapsed().as_secs_f64() };
    if let Some(reason) = unusable {
        return checked(Outcome::Skipped(session.mask.apply(reason)));
    }
    let case = Case::new(Arc::clone(session));
    // A mistake of one check must not take the others along.
    let verdict = AssertUnwindSafe((check.run)(&case)).catch_unwind().await;
    let verdict = verdict.unwrap_or_else(|_| crate::verdict::failed("the suite broke: this is its own mistake"));
    let exchange = case.transcript.lines();
    case.clean_up().await;
    checked(match verdict {
        Ok(()) => Outcome::Passed,
        Err(Fault::Skipped(reason)) => Outcome::Skipped(session.mask.apply(&reason)),
        Err(Fault::Failed(problem)) => Outcome::Failed(Finding { problem: session.mask.apply(&problem), exchange }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_hosts_has_one_check() {
        let mut codes: Vec<Code> = all().chain(wire::CHECKS).map(|check| check.code).collect();
        codes.sort_unstable();
        let wanted: Vec<Code> = Code::ALL.iter().copied().filter(|code| code.is_of_hosts()).collect();
        assert_eq!(codes, wanted);
    }
}
