//! Runs the checks of a provider.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    panic::AssertUnwindSafe,
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use drp_core::{contract, limits};
use futures_util::{FutureExt, StreamExt, stream};
use serde_json::Value;

use super::{
    action,
    case::Case,
    config,
    content::Content,
    define, events, gone, http, listen, parent, paths, publish, serve, stop,
    subject::{Call, Echo, Subject},
    unpack,
};
use crate::{
    code::Code,
    mask::Mask,
    report::{Checked, Finding, Outcome, Report},
    stage::Certificate,
    verdict::{Fault, Verdict},
};

/// Checks that are made beside each other: most of them wait.
const BESIDE: usize = 4;

/// What to judge, and with what.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Suite {
    /// The executable.
    pub provider: PathBuf,
    /// Params of the plugin.
    pub params: BTreeMap<String, Value>,
    /// Params of the plugin that nobody may see.
    pub secrets: BTreeMap<String, String>,
    /// Actions that may be called.
    pub actions: Vec<Call>,
    /// Actions that give back what they are given.
    pub echoes: Vec<Echo>,
    /// The checks to make; all if empty.
    pub only: BTreeSet<Code>,
    /// How long anything may take that should come at once: `READY!`, an answer, an end.
    pub patience: Duration,
}

/// There is nothing to judge, or no way to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SuiteError {
    /// The provider cannot be run.
    #[error("cannot run `{path}`", path = path.display())]
    Provider {
        /// The executable.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The suite lacks what it needs.
    #[error("cannot prepare the checks")]
    Prepare(#[source] io::Error),
}

/// A check of a rule.
pub(super) struct Check {
    pub(super) code: Code,
    pub(super) needs: Needs,
    pub(super) run: for<'a> fn(&'a Case) -> Pin<Box<dyn Future<Output = Verdict> + Send + 'a>>,
}

/// What a provider must have shown before a check makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Needs {
    /// Nothing.
    Nothing,
    /// That it prints a definition.
    Definition,
    /// That it comes to `READY!` and accepts.
    Ready,
    /// That it takes a good configuration.
    Configured,
}

/// Makes the row of a check.
macro_rules! check {
    ($code:ident, $needs:ident, $run:ident) => {
        $crate::provider::suite::Check {
            code: $crate::code::Code::$code,
            needs: $crate::provider::suite::Needs::$needs,
            run: |case| Box::pin($run(case)),
        }
    };
}
pub(super) use check;

const CHECKS: [&[Check]; 12] = [
    define::CHECKS,
    unpack::CHECKS,
    listen::CHECKS,
    config::CHECKS,
    serve::CHECKS,
    action::CHECKS,
    publish::CHECKS,
    events::CHECKS,
    gone::CHECKS,
    stop::CHECKS,
    http::CHECKS,
    paths::CHECKS,
];

/// Checks that last: they begin first.
const LASTING: [Code; 4] = [Code::EventsStall, Code::ParentDeath, Code::EventsReconnect, Code::GoneApi];

impl Suite {
    /// All checks, with nothing given.
    pub fn new(provider: impl Into<PathBuf>) -> Self {
        Self {
            provider: provider.into(),
            params: BTreeMap::new(),
            secrets: BTreeMap::new(),
            actions: Vec::new(),
            echoes: Vec::new(),
            only: BTreeSet::new(),
            patience: limits::READY_TIME,
        }
    }

    /// Makes the checks, and tells each one as soon as it is done.
    ///
    /// All that it makes is removed, and all processes that it starts are ended, also if it is dropped in the middle.
    ///
    /// # Errors
    /// If the provider cannot be run at all, or the suite cannot be.
    pub async fn run(&self, on_done: impl Fn(&Checked) + Send) -> Result<Report, SuiteError> {
        let subject = self.learn().await?;
        let stand = Stand::of(&subject).await;
        let mut wanted: Vec<&Check> =
            CHECKS.iter().copied().flatten().chain([&parent::CHECK]).filter(|check| self.wants(check.code)).collect();
        wanted.sort_by_key(|check| !LASTING.contains(&check.code));
        // Boxed, or nobody could prove that the whole may move between threads.
        let made: Vec<_> = wanted.into_iter().map(|check| judge(check, &subject, &stand).boxed()).collect();
        let mut made = stream::iter(made).buffer_unordered(BESIDE);
        let mut checks = Vec::new();
        while let Some(checked) = made.next().await {
            on_done(&checked);
            checks.push(checked);
        }
        drop(made);
        checks.sort_by_key(|checked| checked.code);
        let name = match (subject.definition["Name"].as_str(), subject.definition["Version"].as_str()) {
            (Some(name), Some(version)) => format!("{name} {version}"),
            _ => self.provider.display().to_string(),
        };
        Ok(Report { subject: subject.mask.apply(&name), is_usable: stand.is_usable(), checks })
    }

    fn wants(&self, code: Code) -> bool {
        self.only.is_empty() || self.only.contains(&code)
    }

    /// Asks the provider who it is.
    async fn learn(&self) -> Result<Arc<Subject>, SuiteError> {
        let unusable = |source| SuiteError::Provider { path: self.provider.clone(), source };
        let executable = std::path::absolute(&self.provider).map_err(unusable)?;
        std::fs::metadata(&executable).map_err(unusable)?;
        let mut params = self.params.clone();
        params.extend(self.secrets.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))));
        let planted = format!("planted-{}", uuid::Uuid::new_v4().simple());
        let mut subject = Subject {
            executable,
            params,
            calls: self.actions.clone(),
            echoes: self.echoes.clone(),
            patience: self.patience,
            certificate: Certificate::make().map_err(SuiteError::Prepare)?,
            mask: Mask::new(self.secrets.values().cloned()),
            planted,
            definition: Value::Null,
            content: Content::default(),
            declared: BTreeMap::new(),
        };
        if let Some(definition) =
            define::definition(&Arc::new(subject.clone_bare())).await.map_err(SuiteError::Prepare)?
        {
            subject.content = Content::read(definition["Content"].as_str().unwrap_or_default()).unwrap_or_default();
            subject.declared = subject.content.params();
            subject.definition = definition;
        }
        // What the content calls secret is so too, however it was given.
        let secure =
            subject.params.iter().filter(|(name, _)| subject.declared.get(*name).is_some_and(|param| param.is_secure));
        let secure = secure.filter_map(|(_, value)| value.as_str().map(str::to_owned));
        subject.mask = Mask::new(self.secrets.values().cloned().chain(secure));
        Ok(Arc::new(subject))
    }
}

/// How far the provider comes, and why no further.
struct Stand {
    has_definition: bool,
    ready: Result<(), String>,
    configured: Result<(), String>,
}

impl Stand {
    async fn of(subject: &Arc<Subject>) -> Self {
        let has_definition = subject.definition.is_object();
        let text = |fault| match fault {
            Fault::Failed(text) | Fault::Skipped(text) => subject.mask.apply(&text),
        };
        let Ok(case) = Case::new(Arc::clone(subject)) else {
            return Self { has_definition, ready: Ok(()), configured: Ok(()) };
        };
        let tried = async {
            let mut instance = case.listen().await?;
            tokio::net::UnixStream::connect(&instance.socket)
                .await
                .map_err(|error| Fault::Failed(format!("its socket does not accept: {error}")))?;
            instance.is_alive()?;
            Ok::<_, Fault>(instance)
        };
        match tried.await {
            Err(fault) => {
                let text = text(fault);
                Self { has_definition, ready: Err(text.clone()), configured: Err(text) }
            }
            Ok(instance) => {
                let configured = instance.configure_well().await.map(drop).map_err(text);
                Self { has_definition, ready: Ok(()), configured }
            }
        }
    }

    /// Why there is no sense in a check.
    fn lacks(&self, needs: Needs) -> Option<String> {
        let ready = || self.ready.as_ref().err().map(|text| format!("it does not come to READY!: {text}"));
        match needs {
            Needs::Nothing => None,
            Needs::Definition => (!self.has_definition).then(|| "it prints no definition".to_owned()),
            Needs::Ready => ready(),
            Needs::Configured => ready().or_else(|| {
                let text = self.configured.as_ref().err()?;
                Some(format!("it is not configured: {text}"))
            }),
        }
    }

    fn is_usable(&self) -> bool {
        self.has_definition && self.configured.is_ok()
    }
}

async fn judge(check: &Check, subject: &Arc<Subject>, stand: &Stand) -> Checked {
    let start = Instant::now();
    let checked = |outcome| Checked { code: check.code, outcome, seconds: start.elapsed().as_secs_f64() };
    if let Some(reason) = stand.lacks(check.needs) {
        return checked(Outcome::Skipped(subject.mask.apply(&reason)));
    }
    let case = match Case::new(Arc::clone(subject)) {
        Ok(case) => case,
        Err(error) => {
            let problem = format!("the suite cannot make a directory: {error}");
            return checked(Outcome::Failed(Finding { problem, exchange: Vec::new() }));
        }
    };
    // A mistake of one check must not take the others along.
    let verdict = AssertUnwindSafe((check.run)(&case)).catch_unwind().await;
    let verdict = verdict.unwrap_or_else(|_| crate::verdict::failed("the suite broke: this is its own mistake"));
    checked(match verdict {
        Ok(()) => Outcome::Passed,
        Err(Fault::Skipped(reason)) => Outcome::Skipped(subject.mask.apply(&reason)),
        Err(Fault::Failed(problem)) => {
            let problem = subject.mask.apply(&problem);
            Outcome::Failed(Finding { problem, exchange: case.transcript.lines() })
        }
    })
}

impl Subject {
    /// One of which nothing is known yet.
    fn clone_bare(&self) -> Self {
        Self {
            executable: self.executable.clone(),
            params: self.params.clone(),
            calls: Vec::new(),
            echoes: Vec::new(),
            patience: self.patience,
            certificate: self.certificate.clone(),
            mask: self.mask.clone(),
            planted: self.planted.clone(),
            definition: Value::Null,
            content: Content::default(),
            declared: BTreeMap::new(),
        }
    }
}

/// The command that prints a definition.
pub(super) const DEFINE: &str = "define";
/// The token that says that there is no server.
pub(super) const CATALOG: &str = contract::CATALOG_TOKEN;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_check() {
        let mut codes: Vec<Code> =
            CHECKS.iter().copied().flatten().chain([&parent::CHECK]).map(|check| check.code).collect();
        codes.sort_unstable();
        let wanted: Vec<Code> = Code::ALL.iter().copied().filter(|code| !code.is_of_hosts()).collect();
        assert_eq!(codes, wanted);
    }
}
