//! Reading what lies on disk again while the host runs: the certificate and the directory of content.

use std::{fmt, path::PathBuf, sync::Arc};

use drp_core::{Level, chain};
use tokio::task;

use crate::{
    auth::Principal,
    contents::{self, disk::Outcome},
    host::Host,
    log::Log,
    shared::Shared,
    tls::{CertificateInfo, TlsError},
};

/// Logs of what is read.
const TLS: &str = "tls";
const CONTENTS: &str = "contents";

/// What came of a reload.
#[derive(Debug)]
#[non_exhaustive]
pub struct Reloaded {
    /// What became of the certificate.
    pub certificate: CertificateReload,
    /// What became of each bundle of the directory of content, by path.
    pub content: Vec<ContentReload>,
    /// Why the directory of content could not be read, if it could not; then all of it is as before.
    pub content_error: Option<String>,
}

/// What became of the certificate.
#[derive(Debug)]
#[non_exhaustive]
pub enum CertificateReload {
    /// The file has the certificate that was shown before.
    Unchanged,
    /// New connections are shown another one.
    Replaced(CertificateInfo),
    /// The files cannot be used. The certificate of before stays in force.
    Refused(TlsError),
}

/// What became of one bundle of content.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContentReload {
    /// The bundle's file or directory.
    pub path: PathBuf,
    /// The bundle's name; empty where it cannot be read.
    pub name: String,
    /// What became of it.
    pub change: ContentChange,
}

/// What became of a bundle of content.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContentChange {
    /// It is in force as before.
    Unchanged,
    /// It was not there before.
    Added,
    /// It is in force in place of what it was before.
    Replaced,
    /// Its file is gone, and its objects with it.
    Removed,
    /// It cannot be used, for this reason. What was in force of it before stays.
    Refused(String),
}

impl Reloaded {
    /// Whether something was refused.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        let is_bad = |content: &ContentReload| matches!(content.change, ContentChange::Refused(_));
        matches!(self.certificate, CertificateReload::Refused(_))
            || self.content_error.is_some()
            || self.content.iter().any(is_bad)
    }
}

impl fmt::Display for ContentReload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.change {
            ContentChange::Unchanged => write!(f, "Content {} of {path} is unchanged", self.name),
            ContentChange::Added => write!(f, "Content {} of {path} is loaded", self.name),
            ContentChange::Replaced => write!(f, "Content {} of {path} is replaced", self.name),
            ContentChange::Removed => write!(f, "Content {} is removed: {path} is gone", self.name),
            ContentChange::Refused(reason) => write!(f, "Content of {path} is refused: {reason}"),
        }
    }
}

impl Host {
    /// Reads the certificate and the directory of content again and brings them into force. Connections stay, and so
    /// does the content of providers and uploads. What cannot be used is refused, and what was before stays in force.
    ///
    /// The log says the same as the report.
    pub async fn reload(&self) -> Reloaded {
        let shared = self.shared();
        let identity = Arc::clone(&shared.identity);
        let reloaded = task::spawn_blocking(move || identity.reload().map(|is_new| is_new.then(|| identity.info())));
        let certificate = match reloaded.await {
            Ok(Ok(None)) => CertificateReload::Unchanged,
            Ok(Ok(Some(info))) => CertificateReload::Replaced(info),
            Ok(Err(error)) => CertificateReload::Refused(error),
            // It panicked: nothing says that it changed anything.
            Err(_) => CertificateReload::Unchanged,
        };
        tell_certificate(shared, &certificate);
        let (content, content_error) = match shared.disk.load().await {
            Ok(outcomes) => (announce(shared, outcomes), None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        if let Some(error) = &content_error {
            shared.log.write(Level::Error, CONTENTS, format!("Cannot read the directory of content: {error}"));
        }
        let reloaded = Reloaded { certificate, content, content_error };
        shared.metrics.count_reload(reloaded.is_refused());
        reloaded
    }
}

fn tell_certificate(shared: &Shared, reload: &CertificateReload) {
    match reload {
        CertificateReload::Unchanged => shared.log.write(Level::Info, TLS, "The certificate is unchanged"),
        CertificateReload::Replaced(info) => {
            let text = format!("The certificate is replaced: SHA-256 {}, valid until {}", info.sha256, info.not_after);
            shared.log.write(Level::Info, TLS, text);
        }
        CertificateReload::Refused(error) => {
            let text = format!("The certificate is refused, and the one of before stays in force: {}", chain(error));
            shared.log.write(Level::Error, TLS, text);
        }
    }
    for warning in shared.identity.warnings() {
        shared.log.write(Level::Warn, TLS, warning);
    }
}

/// Tells everybody of content that changed, and the plugins first of all: they may have come or gone with it.
fn announce(shared: &Shared, outcomes: Vec<Outcome>) -> Vec<ContentReload> {
    let is_change = |outcome: &Outcome| action(&outcome.reload.change).is_some();
    if outcomes.iter().any(is_change) {
        shared.plugins.look_again();
    }
    let tell = |Outcome { reload, summary }| {
        if let (Some(action), Some(summary)) = (action(&reload.change), summary) {
            contents::publish(&shared.bus, &Principal::system(), action, &reload.name, &summary);
        }
        tell_content(&shared.log, &reload);
        reload
    };
    outcomes.into_iter().map(tell).collect()
}

/// Puts into the log what became of a bundle.
pub(crate) fn tell_content(log: &Log, reload: &ContentReload) {
    let is_bad = matches!(reload.change, ContentChange::Refused(_));
    log.write(if is_bad { Level::Error } else { Level::Info }, CONTENTS, reload.to_string());
}

/// The action of the event of a change.
fn action(change: &ContentChange) -> Option<&'static str> {
    match change {
        ContentChange::Added => Some("create"),
        ContentChange::Replaced => Some("update"),
        ContentChange::Removed => Some("delete"),
        ContentChange::Unchanged | ContentChange::Refused(_) => None,
    }
}
