//! A plugin for a provider, and waiting until it is configured.

use std::{collections::HashMap, time::Duration};

use drp_client::{Client, ClientError, EventStream, StreamItem};
use drp_core::{
    Model, Params, Plugin, Raw, chain,
    patch::{Operation, Patch, pointer},
};

use crate::exit::Failure;

/// How often the plugin is asked what is wrong with it, while no event says that it is configured.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The plugins of the server, followed from before the first provider is loaded: one that starts by itself may be
/// configured before anybody asks for it.
pub(crate) struct Plugins<'a> {
    client: &'a Client,
    events: EventStream,
    /// Each plugin as it was last configured.
    configured: HashMap<String, Plugin>,
}

impl<'a> Plugins<'a> {
    /// Follows the plugins from now on.
    pub(crate) async fn follow(client: &'a Client) -> Result<Self, Failure> {
        let selector = "plugins.configed.*".parse().map_err(|error| Failure::new(chain(&error)))?;
        let events = client.events(vec![selector]).await.map_err(|error| Failure::new(error.chain()))?;
        Ok(Self { client, events, configured: HashMap::new() })
    }

    /// Makes the plugin of the provider's name, or sets the params of the one that started by itself, and waits for
    /// it, for `limit` at most.
    pub(crate) async fn configure(&mut self, name: &str, params: &Params, limit: Duration) -> Result<(), Failure> {
        let wanted = self.write(name, params).await.map_err(|error| failed(name, &error))?;
        match tokio::time::timeout(limit, self.wait_until_configured(name, &wanted)).await {
            Ok(configured) => configured,
            Err(_) => Err(Failure::not_loaded(format!("plugin `{name}` was not configured within {limit:?}"))),
        }
    }

    /// Takes away what was wrong with a plugin, if it is there: what is wrong from now on is new.
    pub(crate) async fn forget_errors(&self, name: &str) -> Result<(), Failure> {
        let none = Operation::add(pointer(["PluginErrors"]), Raw::from(serde_json::json!([])));
        match self.client.objects::<Plugin>().patch(name, &Patch(vec![none])).await {
            Err(error) if !error.is_not_found() => Err(failed(name, &error)),
            _ => Ok(()),
        }
    }

    async fn write(&self, name: &str, params: &Params) -> Result<Plugin, ClientError> {
        match self.client.objects::<Plugin>().get(name).await {
            Ok(plugin) if params.is_empty() => Ok(plugin),
            // All at once, because each change starts the plugin anew; and without what was wrong before.
            Ok(_) => {
                let set = |(name, value): (&String, &Raw)| Operation::add(pointer(["Params", name]), value.clone());
                let mut patch: Vec<_> = params.iter().map(set).collect();
                patch.push(Operation::add(pointer(["PluginErrors"]), Raw::from(serde_json::json!([]))));
                self.client.objects().patch(name, &Patch(patch)).await
            }
            Err(error) if error.is_not_found() => {
                let plugin = Plugin {
                    name: name.to_owned(),
                    provider: name.to_owned(),
                    params: params.clone(),
                    ..Plugin::default()
                };
                self.client.objects().create(&plugin).await
            }
            Err(error) => Err(error),
        }
    }

    /// An event says with what the plugin was configured, which may be what it was before; the object says what is
    /// wrong with it.
    async fn wait_until_configured(&mut self, name: &str, wanted: &Plugin) -> Result<(), Failure> {
        let mut seen_before = Vec::new();
        loop {
            if self.configured.get(name).is_some_and(|plugin| plugin.params == wanted.params) {
                return Ok(());
            }
            match tokio::time::timeout(LOOK_AGAIN, self.events.next()).await {
                Ok(Some(StreamItem::Event(event))) => {
                    if let Ok(plugin) = event.object.parse::<Plugin>() {
                        self.configured.insert(event.key, plugin);
                    }
                    continue;
                }
                Ok(Some(_)) => continue,
                Ok(None) => return Err(Failure::new("the events of the server have ended")),
                Err(_) => {}
            }
            let plugin = self.client.objects::<Plugin>().get(name).await.map_err(|error| failed(name, &error))?;
            let errors = plugin.plugin_errors.to_vec();
            // What is seen once may be of an attempt before this one.
            if !errors.is_empty() && errors == seen_before {
                let text = format!("{} `{name}` is not configured:\n  {}", Plugin::PREFIX, errors.join("\n  "));
                return Err(Failure::not_loaded(text));
            }
            seen_before = errors;
        }
    }
}

fn failed(name: &str, error: &ClientError) -> Failure {
    Failure::not_loaded(format!("plugin `{name}`: {}", error.chain()))
}
