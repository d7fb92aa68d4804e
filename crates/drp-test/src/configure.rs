//! The plugin and its params.

use std::{fmt, panic::Location};

use drp_client::ClientError;
use drp_core::{
    Event, Model, Params, Plugin, Raw,
    patch::{Operation, Patch, pointer},
};
use serde::Serialize;

use crate::{TestHost, actions::params_of};

/// Why the plugin is not in service, in the texts that an operator reads in its `PluginErrors`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigureError {
    /// What is wrong, one text a problem.
    pub messages: Vec<String>,
}

impl fmt::Display for ConfigureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the plugin is not configured: {}", self.messages.join("; "))
    }
}

impl std::error::Error for ConfigureError {}

impl TestHost {
    /// Makes the plugin with these params, a map or a struct; a later call gives it these in place of those it has. The
    /// host starts the plugin anew for that, as every host does, and this waits until it is in service.
    ///
    /// # Errors
    /// The host or the provider refuses the params.
    ///
    /// # Panics
    /// Neither good nor bad comes of it within the [patience](Self::with_patience).
    #[track_caller]
    pub fn configure(&self, params: impl Serialize) -> impl Future<Output = Result<(), ConfigureError>> {
        let caller = Location::caller();
        let params = params_of(&params, caller);
        async move {
            let start = self.events.end();
            if let Err(error) = self.write_plugin(params).await {
                let wire = error.wire().unwrap_or_else(|| panic!("{caller}: {}", error.chain()));
                return Err(ConfigureError { messages: wire.messages.to_vec() });
            }
            let outcome = |event: &Event| outcome_of(event, self.plugin_name());
            self.events.find(self.patience, start, outcome).await.unwrap_or_else(|| {
                panic!("{caller}: the plugin is neither configured nor refused within {:?}", self.patience)
            })
        }
    }

    /// The plugin as the server has it now.
    #[track_caller]
    pub fn plugin(&self) -> impl Future<Output = Plugin> {
        self.get(self.plugin_name())
    }

    /// Each write is another one than the last, so that the host does something about it.
    async fn write_plugin(&self, params: Params) -> Result<Plugin, ClientError> {
        let (plugins, name) = (self.client().objects::<Plugin>(), self.plugin_name());
        let description = format!("Configuration {}", self.events.end());
        match plugins.get(name).await {
            Ok(_) => {
                let set = |key, value: serde_json::Value| Operation::add(pointer([key]), Raw::from(value));
                let params = Operation::add(pointer(["Params"]), Raw::new(&params).unwrap_or_default());
                // Without what was wrong before: what is wrong now is a change then.
                let patch =
                    vec![params, set("Description", description.into()), set("PluginErrors", Vec::<()>::new().into())];
                plugins.patch(name, &Patch(patch)).await
            }
            Err(error) if error.is_not_found() => {
                let (name, provider) = (name.to_owned(), self.provider().name.clone());
                plugins.create(&Plugin { name, provider, description, params, ..Plugin::default() }).await
            }
            Err(error) => Err(error),
        }
    }
}

/// What an event says about the plugin's configuration, if it says something.
fn outcome_of(event: &Event, plugin: &str) -> Option<Result<(), ConfigureError>> {
    if event.type_ != Plugin::PREFIX || event.key != plugin {
        return None;
    }
    if event.action == "configed" {
        return Some(Ok(()));
    }
    let object: Plugin = event.object.parse().ok()?;
    let messages = object.plugin_errors.to_vec();
    (!messages.is_empty()).then_some(Err(ConfigureError { messages }))
}
