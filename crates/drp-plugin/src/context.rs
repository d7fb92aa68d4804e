//! What a handler is given besides its target and params.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use drp_client::{Client, Objects, Query};
use drp_core::{Event, Model, ObjectType, Raw, RawModel, Stored, Uuid};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::OwnedMutexGuard;
use tokio_util::sync::CancellationToken;
use tracing::Span;

use crate::{
    Error, JobLog, Result,
    action::{Call as ActionCall, ObjectText, TargetLocks},
    host::Host,
    param::{self, Decoded},
    redact::SecretsFound,
    schema,
};

/// The surroundings of one call of a handler: the state of the plugin, the server, and when to end.
///
/// Cheap to clone. In a test of a handler, [`Context::new`] makes one.
pub struct Context<S> {
    state: Arc<S>,
    call: Call,
}

/// The part of a context that does not depend on the author's state.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) plugin: Arc<str>,
    pub(crate) client: Client,
    pub(crate) log: Span,
    pub(crate) cancelled: CancellationToken,
    pub(crate) deadline: Option<Instant>,
    /// The host that runs this process; `None` where there is none.
    pub(crate) host: Option<Host>,
    pub(crate) job: Arc<CallJob>,
    pub(crate) secrets: Arc<SecretsFound>,
    pub(crate) locks: Arc<TargetLocks>,
    /// The object that this call has to itself already: its type and key.
    pub(crate) alone_with: Arc<OnceLock<(String, String)>>,
}

/// The job that an action belongs to: the one that it was called for, else the one that its machine runs now.
#[derive(Default)]
pub(crate) struct CallJob {
    named: Option<Uuid>,
    object: ObjectText,
    log: OnceLock<JobLog>,
}

impl CallJob {
    pub(crate) fn of(call: &mut ActionCall) -> Self {
        let named = call.action.extra.get("Job").and_then(|job| job.parse::<Uuid>().ok());
        Self { named: named.filter(|job| job.0.is_some()), object: call.take_object(), log: OnceLock::new() }
    }

    /// Looked for when somebody asks: that means reading the object once more, and most actions have no use for it.
    fn key(&self) -> Option<Uuid> {
        let running = || self.object.parse()?.get::<Uuid>("CurrentJob");
        self.named.or_else(running).filter(|job| job.0.is_some())
    }

    /// Appends what is in the log, if anybody has used it.
    pub(crate) async fn close(&self, limit: Duration) {
        if let Some(log) = self.log.get() {
            log.close(limit).await;
        }
    }
}

impl<S> Context<S> {
    /// A context of one's own, as in a test: a plugin's name, its state, and the server to talk to.
    pub fn new(plugin: &str, state: S, client: Client) -> Self {
        let call = Call {
            plugin: plugin.into(),
            client,
            log: Span::current(),
            cancelled: CancellationToken::new(),
            deadline: None,
            host: None,
            job: Arc::default(),
            secrets: Arc::default(),
            locks: Arc::default(),
            alone_with: Arc::default(),
        };
        Self { state: Arc::new(state), call }
    }

    pub(crate) fn of_call(state: Arc<S>, call: Call) -> Self {
        Self { state, call }
    }

    /// What the last good `configure` returned when this call began.
    #[must_use]
    pub fn state(&self) -> &S {
        &self.state
    }

    /// Name of the plugin: the instance of the provider that this process is.
    #[must_use]
    pub fn plugin_name(&self) -> &str {
        &self.call.plugin
    }

    /// The server, with the rights that the plugin has.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.call.client
    }

    /// The objects of a type that a provider has added with [`object_type`](crate::Provider::object_type), this one or
    /// another, typed.
    ///
    /// ```no_run
    /// use drp_plugin::{Context, Filter, ObjectType, Query, Result, Stored};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Clone, Serialize, Deserialize)]
    /// #[serde(rename_all = "PascalCase")]
    /// struct Unit {
    ///     outlets: u8,
    ///     row: String,
    /// }
    ///
    /// impl ObjectType for Unit {
    ///     const NAME: &'static str = "pdu-units";
    /// }
    ///
    /// # async fn example(context: Context<()>) -> Result<()> {
    /// let units = context.collection::<Unit>();
    /// units.create(&Stored::new("u1", Unit { outlets: 8, row: "a".to_owned() })).await?;
    /// let in_row_a = units.list(&Query::new().filter("Row", Filter::eq("a"))).await?;
    /// // Read, changed, and written if nobody else has changed it meanwhile; else all of it again.
    /// units.update("u1", |unit| unit.outlets += 8).await?;
    /// units.delete("u1").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn collection<T: ObjectType>(&self) -> Objects<Stored<T>> {
        self.call.client.objects()
    }

    /// The log of this call: lines made inside of it belong together in the server's log.
    ///
    /// A handler is inside of it already. Take it along to a task of your own:
    /// `tokio::spawn(work.instrument(context.log().clone()))`.
    #[must_use]
    pub fn log(&self) -> &Span {
        &self.call.log
    }

    /// The params of an object, as its profiles and the profile `global` give them too, with secrets opened: for an
    /// event's machine, say, as an action gets them without asking. Say [`Provider::reads`](crate::Provider::reads) for
    /// `P` as well, so that the params are declared.
    ///
    /// One request, and only for the params that `P` names. Values of [`Secure`](crate::Secure) fields are cut out of
    /// log lines and errors until this call ends.
    ///
    /// # Errors
    /// The object is gone (404), or the server does not answer; 400 with every param that is missing or does not fit.
    pub async fn params_of<P, M>(&self, object: &M) -> Result<P>
    where
        P: DeserializeOwned + JsonSchema,
        M: Model,
    {
        let declared = schema::params_of::<P>().map_err(|mistake| Error::new(500, format!("the params {mistake}")))?;
        let key = object.key();
        let params = self.call.client.objects::<M>().params(&key).aggregate().decode();
        let params = params.only(declared.iter().map(|param| &param.name)).all().await?;
        let decoded = param::decode::<P>(&params, &declared);
        let Decoded { values, secrets } = decoded.map_err(|problems| {
            Error::problems(problems.iter().map(|p| format!("{}/{key}: {p}", M::PREFIX)).collect())
        })?;
        self.call.secrets.hold(secrets);
        Ok(values)
    }

    /// Waits until nobody else has this object to itself: no action that runs
    /// [one at a time](crate::Action::one_at_a_time), and no other call that asked for it here, be it for an action or
    /// for an event. First come, first served. The object is free again when what is returned is dropped.
    ///
    /// An action that runs one at a time has its target already. Two calls that each hold an object and ask for that of
    /// the other wait for ever, or for as long as their time limits let them: take one at a time.
    pub async fn alone_with<M: Model>(&self, object: &M) -> Alone {
        let key = object.key();
        match self.call.alone_with.get() {
            Some((prefix, held)) if prefix == M::PREFIX && *held == key => Alone(None),
            _ => Alone(Some(self.call.locks.lock(M::PREFIX, &key).await)),
        }
    }

    /// The log of the job that this action belongs to: the one it was called for, else the one that its machine runs.
    /// Where there is none, its lines go to the plugin's log only.
    #[must_use]
    pub fn job_log(&self) -> JobLog {
        let job = &self.call.job;
        let log = || job.key().map_or_else(JobLog::of_no_job, |key| JobLog::of(&key, &self.call.client));
        job.log.get_or_init(log).clone()
    }

    /// Tells the operator how far the action has come: a line in the job's log and in the plugin's.
    pub fn progress(&self, text: impl AsRef<str>) {
        self.job_log().line(text);
    }

    /// Publishes an event, over the host's socket where there is one.
    ///
    /// # Errors
    /// The object is no JSON, or the server does not take the event.
    pub async fn publish<T: Serialize + ?Sized>(&self, type_: &str, action: &str, key: &str, object: &T) -> Result<()> {
        let event = Event::new(type_, action, key, Raw::new(object)?);
        match &self.call.host {
            Some(host) => host.publish(&event).await,
            None => Ok(self.call.client.post_event(&event).await?),
        }
    }

    /// All objects of a type, as the host has them; cheaper than over the API, and good for any type.
    ///
    /// # Errors
    /// There is no such type, or the host does not answer.
    pub async fn list_objects(&self, prefix: &str) -> Result<Vec<RawModel>> {
        match &self.call.host {
            Some(host) => host.objects(prefix).await,
            None => Ok(self.call.client.raw_objects(prefix).list(&Query::new()).await?),
        }
    }

    /// Asks the host to stop this plugin, and not to start it again until somebody changes it. With an error from
    /// [`Error::remove_provider`] the host removes the provider as well, with all its plugins.
    ///
    /// # Errors
    /// There is no host, or it does not answer.
    pub async fn leave(&self, reason: Error) -> Result<()> {
        let host = self.call.host.as_ref();
        let host = host.ok_or_else(|| Error::new(409, "nobody runs this plugin whom it could leave"))?;
        host.leaving(&reason.in_configure().into_wire(&self.call.plugin)).await
    }

    /// Turns when the call should end: the plugin is stopping, or the deadline has passed.
    ///
    /// The handler's future is dropped then at its next await; this is for tasks and threads that it has started.
    #[must_use]
    pub fn cancelled(&self) -> &CancellationToken {
        &self.call.cancelled
    }

    /// When the call will be cancelled; `None` if it may take as long as it likes.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.call.deadline
    }
}

/// An object that one call has to itself for as long as this lives; made by [`Context::alone_with`].
#[derive(Debug)]
#[must_use = "the object is free again when this is dropped"]
pub struct Alone(#[expect(dead_code, reason = "it is held, and not looked at")] Option<OwnedMutexGuard<()>>);

impl<S> Clone for Context<S> {
    fn clone(&self) -> Self {
        Self { state: Arc::clone(&self.state), call: self.call.clone() }
    }
}

impl<S> fmt::Debug for Context<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The state may hold secrets, so it is not shown.
        f.debug_struct("Context")
            .field("plugin", &self.call.plugin)
            .field("deadline", &self.call.deadline)
            .finish_non_exhaustive()
    }
}
