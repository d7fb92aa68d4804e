//! A plugin for a provider, and waiting until it is configured.

use std::time::Duration;

use drp_client::{Client, ClientError, StreamItem};
use drp_core::{Model, Params, Plugin, limits};

use crate::exit::{Failure, chain};

/// Makes the plugin of the provider's name, or sets the params of the one that started by itself, and waits for it.
pub(crate) async fn configure(client: &Client, name: &str, params: &Params) -> Result<(), Failure> {
    let failed = |error: ClientError| Failure::not_loaded(format!("plugin `{name}`: {}", error.chain()));
    let selector = format!("plugins.*.{name}").parse().map_err(|error| Failure::not_loaded(chain(&error)))?;
    let mut events = client.events(vec![selector]).await.map_err(failed)?;
    match client.get::<Plugin>(name).await {
        Ok(_) => {
            let own = client.params::<Plugin>(name);
            for (param, value) in params {
                own.set(param, value).await.map_err(failed)?;
            }
        }
        Err(error) if error.is_not_found() => {
            let plugin = Plugin {
                name: name.to_owned(),
                provider: name.to_owned(),
                params: params.clone(),
                ..Plugin::default()
            };
            client.create(&plugin).await.map_err(failed)?;
        }
        Err(error) => return Err(failed(error)),
    }
    let limit = limits::READY_TIME + limits::CONFIG_TIME;
    let configured = wait_until_configured(client, name, &mut events);
    let result = tokio::time::timeout(limit, configured).await;
    events.close().await;
    match result {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(Failure::not_loaded(format!("plugin `{name}` was not configured within {limit:?}"))),
    }
}

/// An event says that something has happened; the plugin object says what.
async fn wait_until_configured(
    client: &Client,
    name: &str,
    events: &mut drp_client::EventStream,
) -> Result<(), Failure> {
    /// An AutoStart plugin may have been configured before anybody listened.
    const LOOK_AGAIN: Duration = Duration::from_millis(500);
    loop {
        let item = tokio::time::timeout(LOOK_AGAIN, events.next()).await;
        if let Ok(Some(StreamItem::Event(event))) = &item
            && event.action == "configed"
        {
            return Ok(());
        }
        let failed = |error: ClientError| Failure::not_loaded(format!("plugin `{name}`: {}", error.chain()));
        let plugin = client.get::<Plugin>(name).await.map_err(failed)?;
        // With data of an earlier run the plugin was there before its provider was loaded; that has passed.
        let stale = |error: &String| error.starts_with("Missing Plugin Provider: ");
        if !plugin.plugin_errors.iter().all(stale) {
            let text =
                format!("{} `{name}` is not configured:\n  {}", Plugin::PREFIX, plugin.plugin_errors.join("\n  "));
            return Err(Failure::not_loaded(text));
        }
    }
}
