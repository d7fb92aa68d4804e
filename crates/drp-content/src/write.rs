//! Writing a bundle as one file (`models.md` §19.2).

use thiserror::Error;

use crate::{
    Bundle, Format,
    yaml::{self, WriteYamlError},
};

/// A bundle that cannot be written.
#[derive(Debug, Error)]
#[error("cannot write content as {format}")]
pub struct WriteBundleError {
    format: Format,
    #[source]
    source: WriteError,
}

#[derive(Debug, Error)]
#[error(transparent)]
enum WriteError {
    Yaml(#[from] WriteYamlError),
    Json(#[from] serde_json::Error),
}

impl Bundle {
    /// Writes the bundle as one file, keys in order.
    ///
    /// # Errors
    /// The bundle holds what the format cannot say.
    pub fn to_text(&self, format: Format) -> Result<String, WriteBundleError> {
        let text = match format {
            // By way of a value, in which keys have an order.
            Format::Yaml => {
                serde_json::to_value(self).map_err(WriteError::from).and_then(|value| Ok(yaml::write_yaml(&value)?))
            }
            Format::Json => {
                let text = serde_json::to_value(self).and_then(|value| serde_json::to_string_pretty(&value));
                text.map(|text| text + "\n").map_err(WriteError::from)
            }
        };
        text.map_err(|source| WriteBundleError { format, source })
    }
}
