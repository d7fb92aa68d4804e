//! Actions: a command, the objects it is for, its params, and what carries it out.

mod call;
mod dynamic;
mod locks;
mod typed;

use std::{fmt, future::Future, time::Duration};

use bytes::Bytes;
use drp_core::{AvailableAction, Raw};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

pub use self::dynamic::ActionCall;
pub(crate) use self::{
    call::{Call, ObjectText},
    locks::TargetLocks,
};
use self::{
    dynamic::Dynamic,
    typed::{Blocking, Typed},
};
use crate::{Context, Result, Target, handler::BoxFuture, redact::SecretsInUse, schema::DeclaredParam};

/// An action, as [`Provider::add_action`](crate::Provider::add_action) takes it where there is more to say than
/// [`Provider::action`](crate::Provider::action) does.
///
/// ```
/// use std::time::Duration;
///
/// use drp_plugin::{Action, Context, Machine, NoParams, Provider, Result};
///
/// async fn power_cycle(_context: Context<()>, machine: Machine, _params: NoParams) -> Result<()> {
///     tracing::info!(machine = machine.name, "off and on again");
///     Ok(())
/// }
///
/// let cycle = Action::new("powercycle", power_cycle).time_limit(Duration::from_secs(60)).one_at_a_time();
/// let provider = Provider::new("pdu", "v1.0.0").add_action(cycle);
/// # assert!(provider.definition().is_ok());
/// ```
pub struct Action<S> {
    pub(crate) command: String,
    pub(crate) handler: Box<dyn Handler<S>>,
    pub(crate) time_limit: Option<Duration>,
    pub(crate) one_at_a_time: bool,
}

impl<S: Send + Sync + 'static> Action<S> {
    /// An action that an async function carries out: `async fn(Context<S>, target, params) -> Result<result>`; see
    /// [`Provider::action`](crate::Provider::action).
    #[must_use]
    pub fn new<T, P, R, F, Fut>(command: &str, handler: F) -> Self
    where
        T: Target,
        P: DeserializeOwned + JsonSchema + Send + 'static,
        R: Serialize + 'static,
        F: Fn(Context<S>, T, P) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R>> + Send + 'static,
    {
        Self::with(command, Typed::<F, T, P>::new(handler))
    }

    /// An action that a function carries out which blocks its thread: `fn(Context<S>, target, params) -> Result<R>`.
    ///
    /// It gets a thread of its own. A thread cannot be ended from outside: when the time is over, or the plugin stops,
    /// the caller gets its answer, and the function should look at [`Context::cancelled`] to end as well.
    #[must_use]
    pub fn blocking<T, P, R, F>(command: &str, handler: F) -> Self
    where
        T: Target,
        P: DeserializeOwned + JsonSchema + Send + 'static,
        R: Serialize + 'static,
        F: Fn(Context<S>, T, P) -> Result<R> + Send + Sync + 'static,
    {
        Self::with(command, Blocking::<F, T, P>::new(handler))
    }

    /// An action that is known only at run time: what it is declared as, and a function that takes the call as it
    /// comes, `async fn(Context<S>, ActionCall) -> Result<Raw>`.
    ///
    /// That the required params are there is checked before; their values are the function's to check. The params are
    /// declared elsewhere: in the content, or by [`Provider::param`](crate::Provider::param).
    #[must_use]
    pub fn dynamic<F, Fut>(available: AvailableAction, handler: F) -> Self
    where
        F: Fn(Context<S>, ActionCall) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Raw>> + Send + 'static,
    {
        Self::with(&available.command.clone(), Dynamic::new(available, handler))
    }

    fn with(command: &str, handler: impl Handler<S> + 'static) -> Self {
        Self { command: command.to_owned(), handler: Box::new(handler), time_limit: None, one_at_a_time: false }
    }

    /// How long one call may take; it is cancelled then and the caller gets a 504. It wins over
    /// [`Provider::action_time`](crate::Provider::action_time).
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Of this action and all others that say so, only one runs on an object at a time. Others wait, within their time
    /// limit, in the order of their arrival.
    #[must_use]
    pub fn one_at_a_time(mut self) -> Self {
        self.one_at_a_time = true;
        self
    }
}

impl<S> Action<S> {
    /// As `define` tells of it.
    pub(crate) fn available(&self) -> AvailableAction {
        let (required_params, optional_params) = self.handler.param_names();
        AvailableAction {
            model: self.handler.model().to_owned(),
            command: self.command.clone(),
            required_params: required_params.into(),
            optional_params: optional_params.into(),
            ..AvailableAction::default()
        }
    }
}

impl<S> fmt::Debug for Action<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Action")
            .field("command", &self.command)
            .field("model", &self.handler.model())
            .field("time_limit", &self.time_limit)
            .field("one_at_a_time", &self.one_at_a_time)
            .finish_non_exhaustive()
    }
}

/// A call that has been read: its handler, ready to run, and the secrets it was given.
pub(crate) struct Prepared {
    /// Gives the result as JSON.
    pub(crate) run: BoxFuture<Result<Bytes>>,
    pub(crate) secrets: SecretsInUse,
    /// Key of the object; empty for a system action.
    pub(crate) target: String,
}

/// What a provider needs to know of an action's handler whose types are erased.
pub(crate) trait Handler<S>: Send + Sync {
    /// `AvailableAction.Model`.
    fn model(&self) -> &str;

    /// The params that the handler's types declare, or what is wrong with them.
    fn declared(&self) -> Result<&[DeclaredParam], &str>;

    /// Names of the required and the optional params.
    fn param_names(&self) -> (Vec<String>, Vec<String>) {
        split(self.declared().unwrap_or_default())
    }

    /// Reads a request, its target in the same pass. `None` where anything is wrong, which others tell.
    fn read(&self, request: &str) -> Option<Call>;

    /// Reads target, if it is not read already, and params.
    ///
    /// # Errors
    /// All problems of both, as a 400.
    fn prepare(&self, context: Context<S>, call: Call) -> Result<Prepared>;
}

/// Required and optional names.
pub(crate) fn split(params: &[DeclaredParam]) -> (Vec<String>, Vec<String>) {
    let names =
        |required| params.iter().filter(move |param| param.required == required).map(|param| param.name.clone());
    (names(true).collect(), names(false).collect())
}
