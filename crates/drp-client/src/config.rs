//! What a client must know before it can speak.

use std::{fmt, path::PathBuf, time::Duration};

use drp_core::{
    Secret,
    contract::{CA_FILE_ENV, ENDPOINT_ENV, TOKEN_ENV},
    limits,
};

use crate::{EventTimes, PeopleSettings, TlsPolicy, endpoint};

/// Where the server is, who speaks to it, and within which limits.
///
/// ```
/// use drp_client::{Config, Credentials, TlsPolicy};
/// let mut config = Config::new("https://127.0.0.1:8092", Credentials::Token("t0ken".into()));
/// config.tls = TlsPolicy::CaFile("/etc/drp/ca.pem".into());
/// assert!(!format!("{config:?}").contains("t0ken"));
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Config {
    /// `https://HOST:PORT`; plain `http` is accepted for loopback addresses only.
    pub endpoint: String,
    /// The id of an endpoint behind this one, to which it hands all calls and events on.
    pub url_proxy: Option<String>,
    /// A unix socket over which everything goes in place of a connection to the endpoint: `drpcli proxy SOCKET`
    /// serves one. What is sent over it is not encrypted, and the proxy believes servers by its own rules.
    pub local_proxy: Option<PathBuf>,
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
            url_proxy: None,
            local_proxy: None,
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
    /// With a CA file only its certificates are believed, else [`TlsPolicy::RootsOrPinFirst`] holds. Nothing that is
    /// meant for people is read: for their commands see [`for_people`](Self::for_people).
    ///
    /// # Errors
    /// The endpoint or the token is not set.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_vars(|name| std::env::var(name).ok())
    }

    /// The configuration of a command that a person runs, from `RS_*` variables and `~/.drpclirc` as
    /// [`PeopleSettings`] reads them; warnings are logged. Of several endpoints it takes the first: a command that is
    /// to try them all uses [`PeopleSettings::configs`].
    ///
    /// # Errors
    /// A variable makes no sense, the file cannot be read, or nothing says who speaks.
    pub fn for_people() -> Result<Self, ConfigError> {
        let settings = PeopleSettings::load()?;
        for warning in &settings.warnings {
            tracing::warn!("{warning}");
        }
        settings.configs()?.into_iter().next().ok_or(ConfigError::NoCredentials)
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

/// Without the credentials, wherever they are.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("endpoint", &endpoint::presentable(&self.endpoint))
            .field("url_proxy", &self.url_proxy)
            .field("local_proxy", &self.local_proxy)
            .field("credentials", &self.credentials)
            .field("tls", &self.tls)
            .field("request_time", &self.request_time)
            .field("connect_time", &self.connect_time)
            .field("body_bytes_max", &self.body_bytes_max)
            .field("event_times", &self.event_times)
            .finish()
    }
}

/// A time that clocks can be set by: neither zero nor beyond what they count.
pub fn reasonable(time: Duration) -> Duration {
    time.clamp(Duration::from_millis(1), Duration::from_secs(365 * 24 * 3600))
}

/// Who speaks to the server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credentials {
    /// A token, sent as it is; it is never renewed.
    Token(Secret),
    /// A user and its password. The first call fetches a token with them, as `drpcli` does, and all calls send that;
    /// it is renewed before it ends and when the server does not accept it any more. Where the server has no tokens,
    /// the password goes with every call.
    UserPassword(String, Secret),
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
    /// The credentials hold characters that no HTTP header can hold, or the user's name is empty or has a colon.
    #[error("the token, user or password holds characters that cannot be sent")]
    Credentials,
    /// Nothing says who speaks.
    #[error("nothing says who you are: set RS_TOKEN or RS_KEY, or put one of them into ~/.drpclirc")]
    NoCredentials,
    /// `RS_KEY` is no `NAME:PASSWORD`. It is not repeated.
    #[error("environment variable RS_KEY is no NAME:PASSWORD")]
    Key,
    /// The id of the endpoint behind the server cannot stand in a URL.
    #[error("the url proxy is no endpoint's id")]
    UrlProxy(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A settings file is there but cannot be read.
    #[error("cannot read the settings in `{path}`")]
    SettingsFile {
        /// The file.
        path: PathBuf,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
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
            [Credentials::Token("s3cret".into()), Credentials::UserPassword("bob".to_owned(), Secret::from("s3cret"))]
        {
            let text = format!("{:?}", Config::new("https://bob:s3cret@h:1/?token=s3cret", credentials));
            assert!(text.contains("https://h:1/") && !text.contains("s3cret"), "{text}");
        }
    }
}
