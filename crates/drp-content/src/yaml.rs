//! Reading YAML as a Go server reads it: YAML 1.1 booleans and octals, merges, and the last of two equal keys.
//!
//! This is the only file that knows the YAML library and its options.

use drp_core::limits;
use serde_json::Value;
use serde_saphyr::options::DuplicateKeyPolicy;
use thiserror::Error;

use crate::Bundle;

/// A text that is no content bundle.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadBundleError {
    /// The text is larger than [`limits::BODY_BYTES_MAX`].
    #[error("content of {0} bytes is over the limit of {max}", max = limits::BODY_BYTES_MAX)]
    TooLarge(usize),
    /// The text is not YAML.
    #[error("cannot read content as YAML")]
    Yaml(#[source] Box<serde_saphyr::Error>),
    /// The YAML does not have the shape of a bundle.
    #[error("content is not a bundle of `meta` and `sections`")]
    Shape(#[source] serde_json::Error),
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
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        // JSON first: it is what drpx providers carry, it is exact, and it is far faster.
        if text.trim_start().starts_with('{')
            && let Ok(bundle) = drp_core::json::parse(text.as_bytes())
        {
            return Ok(bundle);
        }
        let value = read(text).map_err(ReadBundleError::Yaml)?;
        serde_json::from_value(value).map_err(ReadBundleError::Shape)
    }
}

/// Any YAML as JSON.
pub(crate) fn read(text: &str) -> Result<Value, Box<serde_saphyr::Error>> {
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        legacy_octal_numbers: true,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(Box::new)
}

#[cfg(test)]
mod tests {
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
