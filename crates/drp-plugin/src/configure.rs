//! Configurations, one after the other.

use std::{future::Future, marker::PhantomData, sync::Arc};

use drp_core::Params;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{
    Context, Error, Result,
    context::Call,
    handler::BoxFuture,
    param::{Decoded, decode},
    redact::SecretsInUse,
    schema::{DeclaredParam, params_of},
};

/// What a good configuration leaves behind: handlers run on this until the next one.
pub(crate) struct Configured<S> {
    pub(crate) state: Arc<S>,
    pub(crate) plugin: Arc<str>,
    /// Held for as long as some call may still use the secrets.
    pub(crate) _secrets: SecretsInUse,
}

/// A `configure` whose types are erased.
pub(crate) trait Configure<S>: Send + Sync {
    /// `None` where the configuration is no struct.
    fn declared(&self) -> Option<&[DeclaredParam]>;

    /// Reads the params and makes the state.
    fn configure(&self, call: Call, params: &Params) -> BoxFuture<Result<Configured<S>>>;
}

pub(crate) struct TypedConfigure<F, C> {
    configure: F,
    declared: Option<Vec<DeclaredParam>>,
    types: PhantomData<fn(C)>,
}

impl<F, C: JsonSchema + DeserializeOwned> TypedConfigure<F, C> {
    pub(crate) fn new(configure: F) -> Self {
        Self { configure, declared: params_of::<C>(), types: PhantomData }
    }
}

impl<S, F, C, Fut> Configure<S> for TypedConfigure<F, C>
where
    S: Send + Sync + 'static,
    F: Fn(Context<()>, C) -> Fut + Send + Sync,
    Fut: Future<Output = Result<S>> + Send + 'static,
    C: JsonSchema + DeserializeOwned + Send + 'static,
{
    fn declared(&self) -> Option<&[DeclaredParam]> {
        self.declared.as_deref()
    }

    fn configure(&self, call: Call, params: &Params) -> BoxFuture<Result<Configured<S>>> {
        let plugin = Arc::clone(&call.plugin);
        match decode::<C>(params, self.declared.as_deref().unwrap_or_default()) {
            Err(problems) => Box::pin(async { Err(Error::problems(problems)) }),
            Ok(Decoded { values, secrets }) => {
                let state = (self.configure)(Context::of_call(Arc::new(()), call), values);
                Box::pin(async move { Ok(Configured { state: Arc::new(state.await?), plugin, _secrets: secrets }) })
            }
        }
    }
}
