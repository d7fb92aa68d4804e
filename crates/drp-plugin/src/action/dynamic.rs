//! Handlers of commands that are known only at run time.

use std::{future::Future, sync::Arc};

use bytes::Bytes;
use drp_core::{Action, ActionOn, AvailableAction, Params, Raw, RawModel, json};

use super::{Call, Handler, Prepared, typed::written};
use crate::{Context, Error, Result, handler::BoxFuture, redact::SecretsInUse, schema::DeclaredParam};

/// A call of an action as it came, with nothing checked but that it is one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ActionCall {
    /// The command.
    pub command: String,
    /// Type of the object, where the server tells; empty for a system action.
    pub model: String,
    /// The object; empty for a system action of some servers.
    pub target: RawModel,
    /// The caller's params and those that the server has resolved.
    pub params: Params,
}

impl ActionCall {
    /// # Errors
    /// The object is none.
    pub(crate) fn read(mut call: Call) -> Result<Self> {
        let target = call.take_target();
        let Action { model, command, command_set, params, .. } = call.action;
        let target = match target {
            Some(target) => Ok(target),
            None if model.is_null() => Ok(RawModel::default()),
            None => model.parse(),
        };
        let target = target.map_err(|error| Error::bad_request(format!("Model: expected an object: {error}")))?;
        Ok(Self { command, model: command_set, target, params })
    }

    /// What an object is known by: a machine's `Uuid`, a custom object's `Id`, else its `Name`.
    pub(crate) fn key(&self) -> String {
        let keys = ["Uuid", "Id", "ID", "Name"].iter().map(|field| self.target.text(field));
        keys.into_iter().find(|key| !key.is_empty()).unwrap_or_default()
    }
}

/// A handler that takes calls as they come.
pub(super) struct Dynamic<F> {
    available: AvailableAction,
    handler: Arc<F>,
}

impl<F> Dynamic<F> {
    pub(super) fn new(available: AvailableAction, handler: F) -> Self {
        Self { available, handler: Arc::new(handler) }
    }
}

impl<S, F, Fut> Handler<S> for Dynamic<F>
where
    S: Send + Sync + 'static,
    F: Fn(Context<S>, ActionCall) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Raw>> + Send + 'static,
{
    fn model(&self) -> &str {
        &self.available.model
    }

    fn declared(&self) -> Result<&[DeclaredParam], &str> {
        Ok(&[])
    }

    fn param_names(&self) -> (Vec<String>, Vec<String>) {
        (self.available.required_params.to_vec(), self.available.optional_params.to_vec())
    }

    fn read(&self, request: &str) -> Option<Call> {
        let call: ActionOn<RawModel> = json::parse_str(request).ok()?;
        Call::read_whole(call, request)
    }

    fn prepare(&self, context: Context<S>, call: Call) -> Result<Prepared> {
        let call = ActionCall::read(call)?;
        let given = |name: &&String| call.params.get(*name).is_some_and(|value| !value.is_null());
        let missing: Vec<&String> = self.available.required_params.iter().filter(|name| !given(name)).collect();
        if !missing.is_empty() {
            let problem = |name| format!("Params/{name}: required, but not set");
            return Err(Error::problems(missing.into_iter().map(problem).collect()));
        }
        let (handler, target) = (Arc::clone(&self.handler), call.key());
        let run: BoxFuture<Result<Bytes>> = Box::pin(async move { written(&handler(context, call).await?) });
        Ok(Prepared { run, secrets: SecretsInUse::default(), target })
    }
}
