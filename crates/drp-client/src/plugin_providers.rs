//! Executables of plugin providers.

use drp_core::PluginProvider;

use crate::{Client, ClientError, Download, Query, Request, Upload, Uploaded, files};

/// The plugin providers of a server. Made by [`Client::plugin_providers`].
///
/// What they have in common with other objects is in [`Client::objects`] of [`PluginProvider`], but for `delete`.
#[derive(Clone, Debug)]
pub struct PluginProviders {
    client: Client,
    replaces_writable: bool,
}

impl Client {
    /// The plugin providers of the server.
    #[must_use]
    pub fn plugin_providers(&self) -> PluginProviders {
        PluginProviders { client: self.clone(), replaces_writable: false }
    }
}

impl PluginProviders {
    /// Uploads replace writable objects that are in the way of the provider's content.
    #[must_use]
    pub fn replace_writable(self) -> Self {
        Self { replaces_writable: true, ..self }
    }

    /// All of them.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn list(&self) -> Result<Vec<PluginProvider>, ClientError> {
        self.client.objects().list(&Query::new()).await
    }

    /// One of them.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn get(&self, name: &str) -> Result<PluginProvider, ClientError> {
        self.client.objects().get(name).await
    }

    /// Brings an executable. The answer comes when the server has loaded what it defines; its plugins start later.
    ///
    /// # Errors
    /// As [`Client::upload`]; the server has got something else.
    pub async fn upload(&self, name: &str, upload: Upload) -> Result<Uploaded, ClientError> {
        let request = Request::upload_provider(name)?;
        let request = if self.replaces_writable { request.query("replaceWritable", "true") } else { request };
        files::send(&self.client, request, upload).await
    }

    /// Begins to receive an executable.
    ///
    /// # Errors
    /// As [`Client::download`].
    pub async fn download(&self, name: &str) -> Result<Download, ClientError> {
        self.client.download(Request::provider_binary(name)?).await
    }

    /// Removes a provider and its content.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn delete(&self, name: &str) -> Result<(), ClientError> {
        self.client.send_only(Request::delete("plugin_providers", name)?).await
    }
}
