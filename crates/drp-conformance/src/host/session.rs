//! What all checks of a run share: the server, who asks, and what was made there.

use std::{
    collections::BTreeSet,
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::OnceCell;

use super::{
    hosting::Provider,
    link::{Ask, Auth, Server},
    suite::HostSuite,
};
use crate::mask::Mask;

/// Longest time that removing one thing may take: a plugin is stopped by it, and its provider too.
const REMOVE_TIME: Duration = Duration::from_secs(90);

pub(super) struct Session {
    pub(super) server: Arc<Server>,
    pub(super) user: String,
    pub(super) auth: Auth,
    pub(super) mask: Mask,
    pub(super) patience: Duration,
    /// The executable to upload.
    pub(super) provider: Option<PathBuf>,
    /// The provider that most checks share, once it is there, or why it is not.
    pub(super) shared: OnceCell<Result<Provider, String>>,
    prefix: String,
    names: AtomicUsize,
    made: Mutex<Vec<String>>,
    left: Mutex<BTreeSet<String>>,
}

impl Session {
    pub(super) fn new(suite: &HostSuite) -> io::Result<Self> {
        let random: String = uuid::Uuid::new_v4().simple().to_string().chars().take(8).collect();
        Ok(Self {
            server: Arc::new(Server::new(&suite.url, &suite.trust)?),
            user: suite.user.clone(),
            auth: Auth::Basic(suite.user.clone(), suite.password.clone()),
            mask: Mask::new([suite.password.clone()]),
            patience: suite.patience,
            provider: suite.provider.clone(),
            shared: OnceCell::new(),
            prefix: format!("{}{random}", crate::puppet::NAME_PREFIX),
            names: AtomicUsize::new(0),
            made: Mutex::default(),
            left: Mutex::default(),
        })
    }

    /// A name that nobody has.
    pub(super) fn name(&self) -> String {
        format!("{}-{}", self.prefix, self.names.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn will_make(&self, path: String) {
        self.made().push(path);
    }

    /// Removes all of these that are there, the last first. Who is in use then is tried again once the users are gone.
    pub(super) async fn remove(&self, paths: Vec<String>) {
        let mut in_use = Vec::new();
        for path in paths.into_iter().rev() {
            if self.delete(&path).await.is_err() {
                in_use.push(path);
            }
        }
        for path in in_use {
            if let Err(why) = self.delete(&path).await {
                let left = format!("{path} ({why})");
                self.left.lock().unwrap_or_else(PoisonError::into_inner).insert(left);
            }
        }
    }

    async fn delete(&self, path: &str) -> Result<(), String> {
        let answer = self.server.call(self.ask("DELETE", path), REMOVE_TIME).await?;
        if answer.is_good() || answer.status == 404 {
            self.made().retain(|made| made != path);
            return Ok(());
        }
        Err(answer.shown())
    }

    /// Removes all that is still there.
    pub(super) async fn remove_all(&self) {
        self.server.settle().await;
        let made: Vec<String> = self.made().clone();
        self.left.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.remove(made).await;
    }

    /// What could not be removed, and why.
    pub(super) fn left(&self) -> Vec<String> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|left| self.mask.apply(left)).collect()
    }

    fn made(&self) -> MutexGuard<'_, Vec<String>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request of the administrator.
    pub(super) fn ask(&self, method: &'static str, path: impl Into<String>) -> Ask {
        let auth = self.auth.clone();
        Ask { method, path: path.into(), auth, content_type: None, headers: Vec::new(), body: Bytes::new() }
    }

    /// What the server says it is, or why there is nothing to judge.
    pub(super) async fn info(&self) -> Result<Value, String> {
        let answer = self.server.call(self.ask("GET", "info"), self.patience).await?;
        if answer.status != 200 {
            return Err(format!("GET /info is answered with {}", answer.shown()));
        }
        serde_json::from_slice(&answer.body).map_err(|error| format!("/info is no JSON: {error}"))
    }
}
