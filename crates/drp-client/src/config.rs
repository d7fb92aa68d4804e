//! What a client must know before it can speak.

use std::{fmt, path::PathBuf, time::Duration};

use drp_core::{
    contract::{CA_FILE_ENV, ENDPOINT_ENV, TOKEN_ENV},
    limits,
};

use crate::{EventTimes, TlsPolicy};

/// Where the server is, who speaks to it, and within which limits.
///
/// ```
/// use drp_client::{Config, Credentials, TlsPolicy};
/// let mut config = Config::new("https://127.0.0.1:8092", Credentials::Token("t0ken".into()));
/// config.tls = TlsPolicy::CaFile("/etc/drp/ca.pem".into());
/// assert!(!format!("{config:?}").contains("t0ken"));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// `https://HOST:PORT`; plain `http` is accepted for loopback addresses only.
    pub endpoint: String,
    /// Who speaks.
    pub credentials: Credentials,
    /// Whose certificates to believe.
    pub tls: TlsPolicy,
    /// Time for one call with all its repetitions; [`limits::REQUEST_TIME`] unless set.
    pub request_time: Duration,
    /// Time to connect, TLS handshake included; [`limits::CONNECT_TIME`] unless set.
    pub connect_time: Duration,
    /// Bytes an answer may have; [`limits::BODY_BYTES_MAX`] unless set.
    pub body_bytes_max: usize,
    /// Times of event streams.
    pub event_times: EventTimes,
}

impl Config {
    /// A configuration with the usual limits that believes the system's root certificates.
    #[must_use]
    pub fn new(endpoint: impl Into<String>, credentials: Credentials) -> Self {
        Self {
            endpoint: endpoint.into(),
            credentials,
            tls: TlsPolicy::SystemRoots,
            request_time: limits::REQUEST_TIME,
            connect_time: limits::CONNECT_TIME,
            body_bytes_max: limits::BODY_BYTES_MAX,
            event_times: EventTimes::default(),
        }
    }

    /// The configuration that a host gives to a provider: `RS_ENDPOINT`, `RS_TOKEN` and perhaps `RS_CA_FILE`.
    ///
    /// With a CA file only its certificates are believed, else [`TlsPolicy::RootsOrPinFirst`] holds. Nothing else in
    /// this crate looks for settings in the environment.
    ///
    /// # Errors
    /// The endpoint or the token is not set.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_vars(|name| std::env::var(name).ok())
    }

    fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let var = |name| var(name).filter(|value| !value.trim().is_empty());
        let required = |name: &'static str| var(name).ok_or(ConfigError::MissingVariable(name));
        let mut config = Self::new(required(ENDPOINT_ENV)?, Credentials::Token(required(TOKEN_ENV)?.into()));
        config.tls = match var(CA_FILE_ENV) {
            Some(path) => TlsPolicy::CaFile(path.into()),
            None => TlsPolicy::RootsOrPinFirst,
        };
        Ok(config)
    }
}

/// A time that clocks can be set by: neither zero nor beyond what they count.
pub(crate) fn reasonable(time: Duration) -> Duration {
    time.clamp(Duration::from_millis(1), Duration::from_secs(365 * 24 * 3600))
}

/// Who speaks to the server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credentials {
    /// A token, sent as it is; it is never renewed.
    Token(Secret),
    /// A user and its password, sent with every request.
    UserPassword(String, Secret),
}

/// A text that is never shown.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes the text in.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

/// Why no client can be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A variable that every provider gets is not set.
    #[error("environment variable {0} is not set")]
    MissingVariable(&'static str),
    /// The endpoint is no usable URL. It is not repeated: it may hold a password.
    #[error("the server's endpoint must be https://HOST:PORT: {reason}")]
    Endpoint {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The credentials hold characters that no HTTP header can hold.
    #[error("the token, user or password holds characters that cannot be sent")]
    Credentials,
    /// The CA file cannot be read, or holds no certificate.
    #[error("cannot read the certificates of `{path}`")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// The reason.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The HTTP or TLS library does not start.
    #[error("cannot set up HTTPS")]
    Setup(#[source] Box<dyn std::error::Error + Send + Sync>),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(vars: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from_vars(|name| vars.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn a_missing_variable_is_named() {
        let check = |vars: &[(&str, &str)], name: &str| {
            assert_eq!(from(vars).unwrap_err().to_string(), format!("environment variable {name} is not set"));
        };
        check(&[], "RS_ENDPOINT");
        check(&[("RS_ENDPOINT", " "), ("RS_TOKEN", "t")], "RS_ENDPOINT");
        check(&[("RS_ENDPOINT", "https://h:1")], "RS_TOKEN");
    }

    #[test]
    fn a_provider_believes_its_ca_file_and_else_roots_or_the_first_certificate() {
        let both = [("RS_ENDPOINT", "https://h:1"), ("RS_TOKEN", "t")];
        assert!(matches!(from(&both).unwrap().tls, TlsPolicy::RootsOrPinFirst));
        let all = [both[0], both[1], ("RS_CA_FILE", "/ca.pem")];
        assert!(matches!(from(&all).unwrap().tls, TlsPolicy::CaFile(path) if path == std::path::Path::new("/ca.pem")));
    }

    #[test]
    fn debug_texts_show_no_secret() {
        for credentials in
            [Credentials::Token("s3cret".into()), Credentials::UserPassword("bob".to_owned(), Secret::new("s3cret"))]
        {
            let text = format!("{:?}", Config::new("https://h:1", credentials));
            assert!(!text.contains("s3cret"), "{text}");
        }
    }
}
