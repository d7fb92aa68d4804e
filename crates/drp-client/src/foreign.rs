//! What the framework's client of foreign servers has in common with this one: whom to believe, what an error of the
//! HTTP library means, and when to come back. Only the framework is meant to use it.

use reqwest::Url;
use rustls::ClientConfig;

use crate::{ConfigError, TlsPolicy, endpoint::Endpoint, tls};

pub use crate::{
    answer::{cut, retry_after},
    config::reasonable,
    endpoint::{is_loopback, presentable},
    error::{body, transport},
};

/// The TLS set-up for the server of a URL.
///
/// # Errors
/// The CA file cannot be read, or the URL names no host.
pub fn tls_config(policy: &TlsPolicy, url: &Url) -> Result<ClientConfig, ConfigError> {
    let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
    tls::client_config(policy, &Endpoint::parse(&format!("https://{host}:{port}"))?)
}
