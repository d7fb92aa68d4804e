//! Preferences: the settings of the server that clients can change, each a text under a fixed name.
//!
//! Those that nobody has set have a default. `baseTokenSecret` goes into the key that users' tokens are signed with, so
//! that another one ends them all; some say which jobs a purge leaves; what the other names stand for (boot, the levels of services that are not here) this
//! host keeps for its clients and does nothing about.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use drp_core::{Error, Event, Level, Raw};
use serde_json::json;
use tokio::sync::Mutex;

use crate::auth::{Auth, Principal, random_text};
use crate::bus::Bus;
use crate::duration;
use crate::objects::Objects;
use crate::store::{Batch, Change, CommitError, Note, Store, StoreError};

/// As errors name them.
const MODEL: &str = "prefs";
/// The store's section, which is that of the events too.
const SECTION: &str = "preferences";
/// The section of those whose values are in no event.
const SECRET_SECTION: &str = ".preferences";
const BASE_TOKEN_SECRET: &str = "baseTokenSecret";
const BASE_TOKEN_SECRET_BYTES: usize = 32;
const SECRET_BYTES_MAX: usize = 1024;

/// What a preference may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The name of a boot environment.
    BootEnv,
    /// The name of a stage.
    Stage,
    /// The name of a workflow, or nothing.
    Workflow,
    /// A number.
    Seconds,
    /// A number, or nothing.
    Count,
    /// A length of time, or nothing.
    Age,
    /// The name of a log level; clients of old send 0, 1 or 2.
    LogLevel,
    Secret,
}

/// The preferences there are, each with its default.
const KNOWN: [(&str, Kind, &str); 17] = [
    (BASE_TOKEN_SECRET, Kind::Secret, ""),
    ("completeJobsPurgedAfter", Kind::Age, ""),
    ("debugBootEnv", Kind::LogLevel, "warn"),
    ("debugDhcp", Kind::LogLevel, "warn"),
    ("debugFrontend", Kind::LogLevel, "warn"),
    ("debugPlugins", Kind::LogLevel, "warn"),
    ("debugRenderer", Kind::LogLevel, "warn"),
    ("defaultBootEnv", Kind::BootEnv, "local"),
    ("defaultStage", Kind::Stage, "none"),
    ("defaultWorkflow", Kind::Workflow, ""),
    ("failedJobsPurgedAfter", Kind::Age, ""),
    ("jobsToKeep", Kind::Count, ""),
    ("knownTokenTimeout", Kind::Seconds, "3600"),
    ("logLevel", Kind::LogLevel, "warn"),
    ("systemGrantorSecret", Kind::Secret, ""),
    ("unknownBootEnv", Kind::BootEnv, "ignore"),
    ("unknownTokenTimeout", Kind::Seconds, "600"),
];

/// The preferences of a host.
pub(crate) struct Prefs {
    store: Arc<dyn Store>,
    objects: Arc<Objects>,
    auth: Arc<Auth>,
    bus: Arc<Bus>,
    /// So that the key in use is that of the last secret stored.
    turn: Mutex<()>,
}

impl Prefs {
    /// The preferences in a store. Makes the secrets that are not there, and has tokens signed with them.
    ///
    /// # Errors
    /// The store cannot be read or does not take the secrets.
    pub(crate) async fn open(
        store: Arc<dyn Store>,
        objects: Arc<Objects>,
        auth: Arc<Auth>,
        bus: Arc<Bus>,
    ) -> Result<Self, Error> {
        let prefs = Self { store, objects, auth, bus, turn: Mutex::default() };
        let mut made = Batch::new(Note::by(&Principal::system().name));
        for (name, ..) in KNOWN.iter().filter(|(_, kind, _)| *kind == Kind::Secret) {
            if prefs.read(SECRET_SECTION, name)?.is_none() {
                // 24 random bytes are 32 characters.
                made.changes.push(Change::put(SECRET_SECTION, *name, random_text::<24>()));
            }
        }
        if !made.changes.is_empty() {
            prefs.store.commit(made).await.map_err(|error| unwritable(&error))?;
        }
        prefs.sign_with_secret()?;
        Ok(prefs)
    }

    /// All preferences by name, those that are secret only if they are wanted.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn all(&self, secrets: bool) -> Result<BTreeMap<&'static str, String>, Error> {
        let mut all = BTreeMap::new();
        for (name, kind, default) in KNOWN {
            if kind != Kind::Secret {
                all.insert(name, self.read(SECTION, name)?.unwrap_or_else(|| default.to_owned()));
            } else if secrets {
                all.insert(name, self.read(SECRET_SECTION, name)?.unwrap_or_default());
            }
        }
        Ok(all)
    }

    /// A preference that is no secret, if it is set.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn get(&self, name: &str) -> Result<Option<String>, Error> {
        Ok(self.read(SECTION, name)?.filter(|value| !value.is_empty()))
    }

    /// Changes preferences, all of them or none.
    ///
    /// # Errors
    /// 400 with everything that is wrong; the store does not take them.
    pub(crate) async fn set(&self, by: &Principal, wanted: &BTreeMap<String, String>) -> Result<(), Error> {
        let mut batch = Batch::new(Note::by(&by.name).action("save"));
        let (mut problems, mut secrets) = (Vec::new(), Vec::new());
        for (name, value) in wanted {
            match self.accept(name, value)? {
                Ok((Kind::Secret, value)) => {
                    batch.changes.push(Change::put(SECRET_SECTION, name, value));
                    secrets.push(name);
                }
                Ok((_, value)) => batch.changes.push(Change::put(SECTION, name, stored(name, &value))),
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            let error = Error { messages: problems.into(), ..Error::new(400, "POST", "") };
            return Err(error.about(MODEL, ""));
        }
        if batch.changes.is_empty() {
            return Ok(());
        }
        let _turn = self.turn.lock().await;
        self.store.commit(batch).await.map_err(|error| unwritable(&error))?;
        // Before the events: who hears of another secret asks at once what its token is worth now.
        self.sign_with_secret()?;
        // The events of all others are made from the store's watch.
        for name in secrets {
            let mut event =
                Event::new(SECTION, "save", name, Raw::from(json!({ "Name": name, "Val": "", "Meta": {} })));
            event.principal.clone_from(&by.name);
            self.bus.publish(event);
        }
        Ok(())
    }

    fn sign_with_secret(&self) -> Result<(), Error> {
        self.auth.sign_with(&self.read(SECRET_SECTION, BASE_TOKEN_SECRET)?.unwrap_or_default());
        Ok(())
    }

    /// What a value is stored as, or what is wrong with it.
    fn accept(&self, name: &str, value: &str) -> Result<Result<(Kind, String), String>, Error> {
        let Some((_, kind, default)) = KNOWN.iter().find(|(known, ..)| *known == name) else {
            return Ok(Err(format!("Unknown Preference {name}")));
        };
        let exists = |prefix: &str| Ok::<_, Error>(value == *default || self.objects.get(prefix, value)?.is_some());
        let problem = match kind {
            Kind::BootEnv => (!exists("bootenvs")?).then(|| format!("Bootenv {value} does not exist")),
            Kind::Stage => (!exists("stages")?).then(|| format!("Stage {value} does not exist")),
            Kind::Workflow => (!exists("workflows")?).then(|| format!("Workflow {value} does not exist")),
            // The wording is that of the reference server, which clients' tests know.
            Kind::Seconds => (value.parse::<i64>().is_err())
                .then(|| format!("strconv.Atoi: parsing {}: invalid syntax", Raw::from(value))),
            Kind::Count => (!value.is_empty() && value.parse::<u32>().is_err())
                .then(|| format!("strconv.Atoi: parsing {}: invalid syntax", Raw::from(value))),
            Kind::Age if value.is_empty() => None,
            Kind::Age => duration::seconds(value).err(),
            Kind::LogLevel => match level(value) {
                Some(level) => return Ok(Ok((*kind, level.as_str().to_owned()))),
                None => Some(format!("Invalid level: {value}")),
            },
            Kind::Secret if name == BASE_TOKEN_SECRET => (value.len() != BASE_TOKEN_SECRET_BYTES)
                .then(|| format!("Must be {BASE_TOKEN_SECRET_BYTES} bytes long")),
            Kind::Secret => (value.is_empty() || value.len() > SECRET_BYTES_MAX)
                .then(|| format!("Must be 1 to {SECRET_BYTES_MAX} bytes long")),
        };
        Ok(problem.map_or_else(|| Ok((*kind, value.to_owned())), |problem| Err(format!("{name}: {problem}"))))
    }

    fn read(&self, section: &str, name: &str) -> Result<Option<String>, Error> {
        let entry = self.store.get(section, name).map_err(|error| unreadable(&error))?;
        let Some(entry) = entry else { return Ok(None) };
        if section == SECRET_SECTION {
            return Ok(Some(String::from_utf8_lossy(&entry.value).into_owned()));
        }
        let stored: serde_json::Value = serde_json::from_slice(&entry.value)
            .map_err(|_| Error::new(500, "GET", "the stored preference is damaged").about(MODEL, name))?;
        Ok(stored.get("Val").and_then(serde_json::Value::as_str).map(str::to_owned))
    }
}

impl std::fmt::Debug for Prefs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prefs").finish_non_exhaustive()
    }
}

/// A preference as an object (`models.md` §17.7).
fn stored(name: &str, value: &str) -> Bytes {
    Bytes::from(json!({ "Name": name, "Val": value, "Meta": {} }).to_string())
}

fn level(text: &str) -> Option<Level> {
    match text {
        "0" => Some(Level::Warn),
        "1" => Some(Level::Info),
        "2" => Some(Level::Debug),
        name => name.parse().ok(),
    }
}

fn unreadable(error: &StoreError) -> Error {
    Error::new(500, "GET", error.to_string()).about(MODEL, "")
}

fn unwritable(error: &CommitError) -> Error {
    let code = if matches!(error, CommitError::ReadOnly { .. } | CommitError::Failed(_)) { 507 } else { 500 };
    Error::new(code, "POST", error.to_string()).about(MODEL, "")
}
