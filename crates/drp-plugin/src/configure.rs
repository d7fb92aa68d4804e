//! Configurations, one after the other.

use std::{future::Future, marker::PhantomData, sync::Arc};

use drp_core::Params;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{
    Context, Error, Result,
    context::Call,
    event::Selected,
    handler::BoxFuture,
    param::{Decoded, decode},
    redact::{SecretsFound, SecretsInUse},
    schema::{DeclaredParam, params_of},
};

/// What a good configuration leaves behind: handlers run on this until the next one.
pub(crate) struct Configured<S> {
    pub(crate) state: Arc<S>,
    pub(crate) plugin: Arc<str>,
    /// What each rule for events selects.
    pub(crate) selected: Selected,
    /// Held for as long as some call may still use the secrets.
    pub(crate) _secrets: (SecretsInUse, Arc<SecretsFound>),
}

/// A configuration whose params have been read: the author's function, ready to run, and the secrets it was given.
pub(crate) struct PreparedConfiguration<S> {
    pub(crate) run: BoxFuture<Result<Arc<S>>>,
    pub(crate) secrets: SecretsInUse,
}

/// A `configure` whose types are erased.
pub(crate) trait Configure<S>: Send + Sync {
    /// The params, or what is wrong with them.
    fn declared(&self) -> Result<&[DeclaredParam], &str>;

    /// Reads the params.
    ///
    /// # Errors
    /// All problems of the params, as a 400.
    fn prepare(&self, call: Call, params: &Params) -> Result<PreparedConfiguration<S>>;
}

pub(crate) struct TypedConfigure<F, C> {
    configure: Arc<F>,
    declared: Result<Vec<DeclaredParam>, String>,
    types: PhantomData<fn(C)>,
}

impl<F, C: JsonSchema + DeserializeOwned> TypedConfigure<F, C> {
    pub(crate) fn new(configure: F) -> Self {
        Self { configure: Arc::new(configure), declared: params_of::<C>(), types: PhantomData }
    }
}

impl<S, F, C, Fut> Configure<S> for TypedConfigure<F, C>
where
    S: Send + Sync + 'static,
    F: Fn(Context<()>, C) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<S>> + Send + 'static,
    C: JsonSchema + DeserializeOwned + Send + 'static,
{
    fn declared(&self) -> Result<&[DeclaredParam], &str> {
        self.declared.as_deref().map_err(String::as_str)
    }

    fn prepare(&self, call: Call, params: &Params) -> Result<PreparedConfiguration<S>> {
        let decoded = decode::<C>(params, self.declared.as_deref().unwrap_or_default());
        let Decoded { values, secrets } = decoded.map_err(Error::problems)?;
        let configure = Arc::clone(&self.configure);
        let run = Box::pin(async move {
            let state = configure(Context::of_call(Arc::new(()), call), values).await?;
            Ok(Arc::new(state))
        });
        Ok(PreparedConfiguration { run, secrets })
    }
}
