//! A bundle as one file (`models.md` §19.2).

use std::{fmt, path::Path, str::FromStr};

use drp_core::{Form, limits};
use thiserror::Error;

use crate::{
    Bundle,
    yaml::{self, YamlError},
};

/// How a bundle or an object is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// YAML, which is how authors have it.
    Yaml,
    /// JSON.
    Json,
}

/// A text that is no content bundle.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadBundleError {
    /// The text is larger than [`limits::BODY_BYTES_MAX`].
    #[error("content of {0} bytes is over the limit of {max}", max = limits::BODY_BYTES_MAX)]
    TooLarge(usize),
    /// The text is not YAML.
    #[error("cannot read content as YAML")]
    Yaml(#[source] Box<YamlError>),
    /// The YAML does not have the shape of a bundle.
    #[error("content is not a bundle of `meta` and `sections`")]
    Shape(#[source] serde_json::Error),
}

impl Format {
    /// The format that the extension of a file says: `yaml`, `yml` or `json`. A name may have nothing before it.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let (_, extension) = path.file_name()?.to_str()?.rsplit_once('.')?;
        extension.parse().ok()
    }

    /// The extension of its files, without the point.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Json => "json",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Yaml => "YAML",
            Self::Json => "JSON",
        })
    }
}

/// No name of a [`Format`].
#[derive(Debug, Error)]
#[error("`{0}` is no format of content: `yaml`, `yml` or `json` is")]
pub struct ParseFormatError(String);

impl FromStr for Format {
    type Err = ParseFormatError;

    fn from_str(text: &str) -> Result<Self, ParseFormatError> {
        match text {
            "yaml" | "yml" => Ok(Self::Yaml),
            "json" => Ok(Self::Json),
            other => Err(ParseFormatError(other.to_owned())),
        }
    }
}

impl Bundle {
    /// Reads a bundle from YAML or JSON. Empty text is the empty bundle.
    ///
    /// # Errors
    /// See [`ReadBundleError`].
    pub fn from_yaml(text: &str) -> Result<Self, ReadBundleError> {
        if text.len() > limits::BODY_BYTES_MAX {
            return Err(ReadBundleError::TooLarge(text.len()));
        }
        // JSON first: it is what drpx providers carry, it is exact, and it is far faster.
        if text.trim_start().starts_with('{')
            && let Ok(bundle) = drp_core::json::parse(text.as_bytes())
        {
            return Ok(bundle);
        }
        let document = yaml::read_yaml(text).map_err(|error| ReadBundleError::Yaml(Box::new(error)))?;
        let mut value = document.into_value();
        if let Some(meta) = value.get_mut("meta") {
            yaml::soften(Form::Map(&Form::Text), meta);
        }
        let bundle: Option<Self> = serde_json::from_value(yaml::regular(value)).map_err(ReadBundleError::Shape)?;
        Ok(bundle.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn yaml_is_read_as_go_reads_it() {
        let text = "meta:\n  Name: x\n  Version: 1.20\nsections:\n  params:\n    a/b:\n      Name: a/b\n      Secure: yes\n      Schema: {type: integer, default: 0755}\n";
        let bundle = Bundle::from_yaml(text).unwrap();
        let param = &bundle.sections["params"]["a/b"];
        assert_eq!(param.get::<bool>("Secure"), Some(true));
        assert_eq!(param.get::<Value>("Schema").unwrap()["default"], 493);
        assert_eq!(bundle.meta.text("Version"), "1.2");
    }

    #[test]
    fn empty_text_is_the_empty_bundle_and_garbage_is_refused() {
        assert_eq!(Bundle::from_yaml(" \n").unwrap(), Bundle::default());
        assert!(matches!(Bundle::from_yaml("a: [").unwrap_err(), ReadBundleError::Yaml(_)));
        assert!(matches!(Bundle::from_yaml("[1]").unwrap_err(), ReadBundleError::Shape(_)));
        assert!(Bundle::from_yaml("a: &a [*a, *a]").is_err());
    }
}
