//! Typed handlers behind one shape.

use std::{future::Future, marker::PhantomData, pin::Pin, sync::Arc};

use bytes::Bytes;
use drp_core::{Action, Event};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Context, Error, Missed, Result, Target,
    param::{Decoded, decode},
    redact::SecretsInUse,
    schema::{DeclaredParam, params_of},
};

pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// An action whose request has been read: its handler, ready to run, and the secrets it was given.
pub(crate) struct Prepared {
    /// Gives the result as JSON.
    pub(crate) run: BoxFuture<Result<Bytes>>,
    pub(crate) secrets: SecretsInUse,
}

/// What a provider needs to know of an action handler whose types are erased.
pub(crate) trait ActionHandler<S>: Send + Sync {
    /// `AvailableAction.Model`.
    fn model(&self) -> &'static str;

    /// `None` where the params are no struct.
    fn declared(&self) -> Option<&[DeclaredParam]>;

    /// Reads target and params.
    ///
    /// # Errors
    /// All problems of both, as a 400.
    fn prepare(&self, context: Context<S>, action: &Action) -> Result<Prepared>;
}

pub(crate) struct TypedAction<F, T, P> {
    handler: Arc<F>,
    declared: Option<Vec<DeclaredParam>>,
    types: PhantomData<fn(T, P)>,
}

impl<F, T, P: JsonSchema + DeserializeOwned> TypedAction<F, T, P> {
    pub(crate) fn new(handler: F) -> Self {
        Self { handler: Arc::new(handler), declared: params_of::<P>(), types: PhantomData }
    }
}

impl<S, F, T, P, R, Fut> ActionHandler<S> for TypedAction<F, T, P>
where
    S: Send + Sync + 'static,
    F: Fn(Context<S>, T, P) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R>> + Send + 'static,
    T: Target,
    P: JsonSchema + DeserializeOwned + Send + 'static,
    R: Serialize,
{
    fn model(&self) -> &'static str {
        T::MODEL
    }

    fn declared(&self) -> Option<&[DeclaredParam]> {
        self.declared.as_deref()
    }

    fn prepare(&self, context: Context<S>, action: &Action) -> Result<Prepared> {
        let target = T::read(&action.model);
        let params = decode::<P>(&action.params, self.declared.as_deref().unwrap_or_default());
        match (target, params) {
            (Ok(target), Ok(Decoded { values, secrets })) => {
                let handler = Arc::clone(&self.handler);
                let run = Box::pin(async move {
                    let result = handler(context, target, values).await?;
                    let json = serde_json::to_vec(&result);
                    json.map(Bytes::from).map_err(|error| Error::from(error).context("cannot write the result as JSON"))
                });
                Ok(Prepared { run, secrets })
            }
            (target, params) => {
                let problems = target.err().into_iter().chain(params.err().into_iter().flatten());
                Err(Error::problems(problems.collect()))
            }
        }
    }
}

/// An event handler whose types are erased.
pub(crate) type EventHandler<S> = Box<dyn Fn(Context<S>, Event) -> BoxFuture<Result<()>> + Send + Sync>;

/// A `reconcile` whose types are erased.
pub(crate) type ReconcileHandler<S> = Box<dyn Fn(Context<S>, Missed) -> BoxFuture<Result<()>> + Send + Sync>;

/// A stop hook.
pub(crate) type StopHandler<S> = Box<dyn Fn(Context<S>) -> BoxFuture<Result<()>> + Send + Sync>;
