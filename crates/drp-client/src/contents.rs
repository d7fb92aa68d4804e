//! Content bundles of the server.

use drp_core::{ContentSummary, RawModel};
use serde::{Serialize, de::DeserializeOwned};

use crate::{BuildRequestError, Client, ClientError, Request};

/// The layers of content of a server. Made by [`Client::contents`].
///
/// A bundle is anything that is written as `{"meta": {"Name": …}, "sections": {…}}`, such as a `Bundle` of the crate
/// `drp-content`.
#[derive(Clone, Debug)]
pub struct Contents {
    client: Client,
    replaces_writable: bool,
}

const CONTENTS: &str = "contents";

impl Client {
    /// The layers of content of the server.
    #[must_use]
    pub fn contents(&self) -> Contents {
        Contents { client: self.clone(), replaces_writable: false }
    }
}

impl Contents {
    /// Bundles that are brought replace writable objects in their way.
    #[must_use]
    pub fn replace_writable(self) -> Self {
        Self { replaces_writable: true, ..self }
    }

    /// Summaries of all layers, from top to bottom.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn list(&self) -> Result<Vec<ContentSummary>, ClientError> {
        self.client.send(Request::list(CONTENTS)?).await
    }

    /// A layer with all its objects.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn get<T: DeserializeOwned>(&self, name: &str) -> Result<T, ClientError> {
        self.client.send(Request::get(CONTENTS, name)?).await
    }

    /// Brings a bundle that is not there yet, and gives its summary.
    ///
    /// # Errors
    /// As [`Client::send`]; [`ClientError::is_conflict`] where it is there.
    pub async fn create<T: Serialize + ?Sized>(&self, bundle: &T) -> Result<ContentSummary, ClientError> {
        self.client.send(self.with_options(Request::create(CONTENTS, bundle)?)).await
    }

    /// Brings a bundle in the place of the one of this name, and gives its summary.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn replace<T: Serialize + ?Sized>(&self, name: &str, bundle: &T) -> Result<ContentSummary, ClientError> {
        self.client.send(self.with_options(Request::put(CONTENTS, name, bundle)?)).await
    }

    /// Brings a bundle, whether or not there is one of its name, and gives its summary.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn upload<T: Serialize + ?Sized>(&self, bundle: &T) -> Result<ContentSummary, ClientError> {
        let bundle = RawModel::new(bundle).map_err(BuildRequestError::Body)?;
        let name = bundle.get::<RawModel>("meta").unwrap_or_default().text("Name");
        let is_there = self.list().await?.iter().any(|summary| summary.meta.name == name);
        if is_there { self.replace(&name, &bundle).await } else { self.create(&bundle).await }
    }

    /// Takes a bundle away, and its objects with it.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn delete(&self, name: &str) -> Result<(), ClientError> {
        self.client.send_only(Request::delete(CONTENTS, name)?).await
    }

    fn with_options(&self, request: Request) -> Request {
        if self.replaces_writable { request.query("replaceWritable", "true") } else { request }
    }
}
