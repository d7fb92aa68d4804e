//! Whose certificates to believe, as a param.

use std::{borrow::Cow, fmt, path::Path, str::FromStr};

use drp_client::TlsPolicy;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const SYSTEM: &str = "system";
const ANYONE: &str = "danger-accept-invalid";

/// Whose certificates to believe, as a param that an operator sets: a [`TlsPolicy`] in one text.
///
/// | text | believes |
/// |---|---|
/// | `system`, the default | the certificate authorities of the system |
/// | `/path/of/ca.pem` | those in this file, or the server's own certificate in it |
/// | `sha256:BA:78:16:…` | the one certificate with this fingerprint |
/// | `danger-accept-invalid` | anyone, which is logged as a warning |
///
/// ```
/// use drp_plugin::{TlsPolicy, TlsTrust};
/// let trust: TlsTrust = "/etc/ssl/bmc.pem".parse()?;
/// assert!(matches!(trust.into(), TlsPolicy::CaFile(_)));
/// # Ok::<(), drp_plugin::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct TlsTrust(TlsPolicy);

/// Why a text says nobody to believe.
#[derive(Debug, thiserror::Error)]
#[error("expected `{SYSTEM}`, the path of a PEM file, `sha256:` and the fingerprint of a certificate, or `{ANYONE}`")]
pub struct ParseTlsTrustError(());

impl Default for TlsTrust {
    fn default() -> Self {
        Self(TlsPolicy::SystemRoots)
    }
}

impl FromStr for TlsTrust {
    type Err = ParseTlsTrustError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let policy = match text.trim() {
            SYSTEM => TlsPolicy::SystemRoots,
            ANYONE => TlsPolicy::DangerAcceptInvalid,
            path if Path::new(path).is_absolute() => TlsPolicy::CaFile(path.into()),
            other => TlsPolicy::Pinned(other.parse().map_err(|_| ParseTlsTrustError(()))?),
        };
        Ok(Self(policy))
    }
}

impl From<TlsTrust> for TlsPolicy {
    fn from(trust: TlsTrust) -> Self {
        trust.0
    }
}

impl fmt::Display for TlsTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            TlsPolicy::CaFile(path) => write!(f, "{}", path.display()),
            TlsPolicy::Pinned(fingerprint) => write!(f, "sha256:{fingerprint}"),
            TlsPolicy::DangerAcceptInvalid => f.write_str(ANYONE),
            // There are no others in here.
            _ => f.write_str(SYSTEM),
        }
    }
}

impl Serialize for TlsTrust {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TlsTrust {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for TlsTrust {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "TlsTrust".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "Whose certificate is believed: `system`, the path of a PEM file, `sha256:` and a fingerprint, or `danger-accept-invalid`",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_operator_writes_is_read_and_written_again() {
        let digits = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let pin = format!("sha256:{digits}");
        for text in ["system", "/etc/ca.pem", "danger-accept-invalid", &pin] {
            let trust: TlsTrust = serde_json::from_value(text.into()).unwrap();
            assert_eq!(serde_json::to_value(&trust).unwrap(), text);
        }
        assert_eq!(digits.to_uppercase().parse::<TlsTrust>().unwrap().to_string(), pin);
        assert_eq!(TlsTrust::default().to_string(), "system");
        for text in ["", "none", "ca.pem", "sha256:ba78", "true"] {
            let error = serde_json::from_value::<TlsTrust>(text.into()).unwrap_err().to_string();
            assert!(error.starts_with("expected `system`, the path"), "{text}: {error}");
        }
    }
}
