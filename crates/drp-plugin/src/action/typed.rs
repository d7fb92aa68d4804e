//! Handlers whose target and params are types.

use std::{future::Future, marker::PhantomData, sync::Arc};

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

use super::{Call, Handler, Prepared};
use crate::{
    Context, Error, Result, Target,
    handler::BoxFuture,
    param::{Decoded, decode},
    redact::SecretsInUse,
    schema::{DeclaredParam, params_of},
};

/// An async handler.
pub(super) struct Typed<F, T, P> {
    handler: Arc<F>,
    types: Types<T, P>,
}

/// A handler that blocks its thread.
pub(super) struct Blocking<F, T, P> {
    handler: Arc<F>,
    types: Types<T, P>,
}

/// What target and params are.
struct Types<T, P> {
    declared: Result<Vec<DeclaredParam>, String>,
    types: PhantomData<fn(T, P)>,
}

/// A call's target and params.
struct Read<T, P> {
    target: T,
    params: P,
    secrets: SecretsInUse,
}

impl<T: Target, P: JsonSchema + DeserializeOwned> Types<T, P> {
    fn new() -> Self {
        Self { declared: params_of::<P>(), types: PhantomData }
    }

    fn read(&self, mut call: Call) -> Result<Read<T, P>> {
        let target = call.take_target().map_or_else(|| T::read(&call.action.model), Ok);
        let params = decode::<P>(&call.action.params, self.declared.as_deref().unwrap_or_default());
        match (target, params) {
            (Ok(target), Ok(Decoded { values: params, secrets })) => Ok(Read { target, params, secrets }),
            (target, params) => {
                let problems = target.err().into_iter().chain(params.err().into_iter().flatten());
                Err(Error::problems(problems.collect()))
            }
        }
    }
}

impl<F, T: Target, P: JsonSchema + DeserializeOwned> Typed<F, T, P> {
    pub(super) fn new(handler: F) -> Self {
        Self { handler: Arc::new(handler), types: Types::new() }
    }
}

impl<S, F, T, P, R, Fut> Handler<S> for Typed<F, T, P>
where
    S: Send + Sync + 'static,
    F: Fn(Context<S>, T, P) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R>> + Send + 'static,
    T: Target,
    P: JsonSchema + DeserializeOwned + Send + 'static,
    R: Serialize,
{
    fn model(&self) -> &str {
        T::MODEL
    }

    fn declared(&self) -> Result<&[DeclaredParam], &str> {
        self.types.declared.as_deref().map_err(String::as_str)
    }

    fn read(&self, request: &str) -> Option<Call> {
        Call::read_whole(T::read_in_request(request)?, request)
    }

    fn prepare(&self, context: Context<S>, call: Call) -> Result<Prepared> {
        let Read { target, params, secrets } = self.types.read(call)?;
        let (handler, key) = (Arc::clone(&self.handler), target.target_key());
        let run: BoxFuture<_> = Box::pin(async move { written(&handler(context, target, params).await?) });
        Ok(Prepared { run, secrets, target: key })
    }
}

impl<F, T: Target, P: JsonSchema + DeserializeOwned> Blocking<F, T, P> {
    pub(super) fn new(handler: F) -> Self {
        Self { handler: Arc::new(handler), types: Types::new() }
    }
}

impl<S, F, T, P, R> Handler<S> for Blocking<F, T, P>
where
    S: Send + Sync + 'static,
    F: Fn(Context<S>, T, P) -> Result<R> + Send + Sync + 'static,
    T: Target,
    P: JsonSchema + DeserializeOwned + Send + 'static,
    R: Serialize,
{
    fn model(&self) -> &str {
        T::MODEL
    }

    fn declared(&self) -> Result<&[DeclaredParam], &str> {
        self.types.declared.as_deref().map_err(String::as_str)
    }

    fn read(&self, request: &str) -> Option<Call> {
        Call::read_whole(T::read_in_request(request)?, request)
    }

    fn prepare(&self, context: Context<S>, call: Call) -> Result<Prepared> {
        let Read { target, params, secrets } = self.types.read(call)?;
        let (handler, key, log) = (Arc::clone(&self.handler), target.target_key(), context.log().clone());
        let run: BoxFuture<_> = Box::pin(async move {
            let work = move || log.in_scope(|| written(&handler(context, target, params)?));
            match tokio::task::spawn_blocking(work).await {
                Ok(result) => result,
                // The panic goes on where its caller contains it.
                Err(ended) => match ended.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => Err(Error::new(503, "cancelled: the plugin is stopping")),
                },
            }
        });
        Ok(Prepared { run, secrets, target: key })
    }
}

/// A result as JSON.
pub(super) fn written<R: Serialize>(result: &R) -> Result<Bytes> {
    let json = serde_json::to_vec(result);
    json.map(Bytes::from).map_err(|error| Error::from(error).context("cannot write the result as JSON"))
}
