//! What all typed models have in common.

use serde::{Serialize, de::DeserializeOwned};

/// A typed object of the server: it lives under `/api/v3/<PREFIX>/<key>`.
pub trait Model: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// The object type, as it stands in URLs, events and `AvailableAction.Model`.
    const PREFIX: &'static str;

    /// The key of this object in its type.
    fn key(&self) -> String;
}
