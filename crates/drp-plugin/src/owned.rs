//! Which machines a plugin is for, and what it needs of the server.

use drp_core::{Machine, Model};

use crate::{Context, Error, Result};

/// The param that says which plugin powers and boots a machine.
const MACHINE_PLUGIN: &str = "machine-plugin";

impl<S> Context<S> {
    /// Whether a machine belongs to this plugin: its param `machine-plugin`, as its profiles and the global one give
    /// it, is the plugin's name.
    ///
    /// # Errors
    /// The param cannot be read. A machine that is gone belongs to nobody, which is no error.
    pub async fn owns(&self, machine: &Machine) -> Result<bool> {
        // On the machine itself it wins over all others, and costs no request.
        if let Some(plugin) = machine.params.get(MACHINE_PLUGIN).and_then(drp_core::Raw::as_string) {
            return Ok(plugin == self.plugin_name());
        }
        let params = self.client().objects::<Machine>().params(&machine.key()).aggregate();
        match params.get::<String>(MACHINE_PLUGIN).await {
            Ok(plugin) => Ok(plugin.is_some_and(|plugin| plugin == self.plugin_name())),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(Error::from(error).context(format!("cannot read `{MACHINE_PLUGIN}`"))),
        }
    }

    /// Makes sure that the server has these features, and else says which are missing and what to do.
    ///
    /// # Errors
    /// The server lacks one, or does not tell.
    pub async fn require_features(&self, features: &[&str]) -> Result<()> {
        let info = self.client().info().await;
        let info = info.map_err(|error| Error::from(error).context("cannot ask the server"))?;
        let missing: Vec<&str> =
            features.iter().copied().filter(|name| !info.features.iter().any(|known| known == name)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let version = &info.version;
        Err(Error::new(
            412,
            format!("the server ({version}) lacks {}; this plugin needs a newer server", missing.join(", ")),
        ))
    }
}
