//! A provider without a host: configured and used by whoever has made it.

use std::{fmt, sync::Arc};

use drp_client::Client;
use drp_core::{self as wire, Params, Raw};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    Provider, Result,
    log::{Republish, open_scope},
    serve::Service,
};

/// A configured provider outside of `listen`: for a subcommand of one's own, for a test that calls an action, or for
/// a provider that only handles events and runs anywhere, against a server far away.
///
/// ```
/// use drp_plugin::{Client, Context, NoParams, Provider, Raw, Result, System};
///
/// async fn ping(_context: Context<()>, _system: System, _params: NoParams) -> Result<&'static str> {
///     Ok("pong")
/// }
///
/// # async fn example(client: Client) -> Result<()> {
/// let provider = Provider::new("pinger", "v1.0.0").action("ping", ping);
/// let alone = provider.standalone(client, &Default::default()).await?;
/// assert_eq!(alone.act("", "ping", &(), &Default::default()).await?, Raw::from("pong"));
/// alone.stop().await;
/// # Ok(())
/// # }
/// ```
pub struct Standalone<S> {
    service: Arc<Service<S>>,
}

impl<S: Send + Sync + 'static> Provider<S> {
    /// Configures the provider with these params, as a host would, and begins to handle events if it does. Nobody
    /// logs for it: set up `tracing` as in any program.
    ///
    /// # Errors
    /// The provider is put together wrong, the params do not fit, `configure` fails, or the events cannot be had.
    pub async fn standalone(self, client: Client, params: &Params) -> Result<Standalone<S>> {
        self.definition()?;
        let service = Arc::new(Service::with_client(Arc::new(self), None, client));
        let alone = Standalone { service };
        alone.configure(params).await?;
        Ok(alone)
    }
}

impl<S: Send + Sync + 'static> Standalone<S> {
    /// Configures it again. After an error the old state goes on serving.
    ///
    /// # Errors
    /// The params do not fit, or `configure` fails.
    pub async fn configure(&self, params: &Params) -> Result<()> {
        Arc::clone(&self.service).take_config(params.clone(), open_scope(Republish::Yes, None)).await
    }

    /// What the last good `configure` returned.
    ///
    /// # Errors
    /// It is not configured.
    pub fn state(&self) -> Result<Arc<S>> {
        Ok(Arc::clone(&self.service.configured()?.state))
    }

    /// Carries an action out: on an object of a type, or on the system where the type is empty.
    ///
    /// # Errors
    /// As a host would get them: 404 for an unknown command, 400 for what does not fit, or the action's own.
    pub async fn act<T: Serialize + ?Sized>(
        &self,
        model: &str,
        command: &str,
        target: &T,
        params: &Params,
    ) -> Result<Raw> {
        let call = wire::Action {
            model: Raw::new(target)?,
            plugin: self.service.provider.name.clone(),
            command: command.to_owned(),
            command_set: if model.is_empty() { wire::contract::SYSTEM.to_owned() } else { model.to_owned() },
            params: params.clone(),
            ..wire::Action::default()
        };
        let result = Arc::clone(&self.service).take_action(call.into(), open_scope(Republish::Yes, None)).await?;
        Ok(serde_json::from_slice(&result)?)
    }

    /// Handles events until SIGTERM or SIGINT comes, and then stops.
    ///
    /// # Errors
    /// The signals cannot be had.
    pub async fn run_until_signal(self) -> Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        self.stop().await;
        Ok(())
    }

    /// Stops it as a host would: calls in flight get their time, and the stop hook runs.
    pub async fn stop(self) {
        crate::listen::stop(&self.service, self.service.provider.drain_time).await;
    }
}

impl<S> fmt::Debug for Standalone<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standalone").field("provider", &self.service.provider.name).finish_non_exhaustive()
    }
}
