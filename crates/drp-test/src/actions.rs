//! Calling actions, as the server's clients do.

use std::{fmt, panic::Location};

use drp_client::{ClientError, Objects};
use drp_core::{Model, Params, Raw};
use serde::{Serialize, de::DeserializeOwned};

use crate::TestHost;

/// What an action answered instead of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionError {
    /// The HTTP status.
    pub code: u16,
    /// What is wrong, one text a problem.
    pub messages: Vec<String>,
}

impl fmt::Display for ActionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.messages.join("; "))
    }
}

impl std::error::Error for ActionError {}

impl TestHost {
    /// Runs an action on an object and gives its result.
    ///
    /// # Errors
    /// What the action, or the host in its place, has answered.
    ///
    /// # Panics
    /// There was no answer, or the result is no `R`.
    #[track_caller]
    pub fn act<R: DeserializeOwned>(
        &self,
        command: &str,
        target: &impl Model,
        params: impl Serialize,
    ) -> impl Future<Output = Result<R, ActionError>> {
        let caller = Location::caller();
        let params = params_of(&params, caller);
        let (objects, key) = (self.objects_like(target), target.key());
        async move { result_of(command, objects.run_action(&key, command, &params).await, caller) }
    }

    /// Runs a system action and gives its result.
    ///
    /// # Errors
    /// What the action, or the host in its place, has answered.
    ///
    /// # Panics
    /// There was no answer, or the result is no `R`.
    #[track_caller]
    pub fn act_on_system<R: DeserializeOwned>(
        &self,
        command: &str,
        params: impl Serialize,
    ) -> impl Future<Output = Result<R, ActionError>> {
        let caller = Location::caller();
        let params = params_of(&params, caller);
        async move { result_of(command, self.client().run_system_action(command, &params).await, caller) }
    }

    fn objects_like<M: Model>(&self, _: &M) -> Objects<M> {
        self.client().objects()
    }
}

/// Params by their names, from a map or struct of them.
pub(crate) fn params_of(params: &impl Serialize, caller: &Location<'_>) -> Params {
    let params = serde_json::to_value(params).and_then(serde_json::from_value);
    params.unwrap_or_else(|error| panic!("{caller}: the params are no JSON object: {error}"))
}

fn result_of<R: DeserializeOwned>(
    command: &str,
    answer: Result<Raw, ClientError>,
    caller: &Location<'_>,
) -> Result<R, ActionError> {
    match answer {
        Ok(result) => Ok(result
            .parse()
            .unwrap_or_else(|error| panic!("{caller}: the result of `{command}` is {}: {error}", result.get()))),
        Err(error) => match (error.status(), error.wire()) {
            (Some(code), Some(wire)) => Err(ActionError { code, messages: wire.messages.to_vec() }),
            _ => panic!("{caller}: there was no answer to `{command}`: {}", error.chain()),
        },
    }
}
