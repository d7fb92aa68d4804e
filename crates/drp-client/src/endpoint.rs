//! The server's address, and the ways around it.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

use drp_core::contract::API_BASE;
use reqwest::Url;

use crate::{Config, ConfigError, request};

/// A checked `https://HOST:PORT`, perhaps with a path in front of the API's.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    url: Url,
    host: String,
    port: u16,
    /// Escaped.
    url_proxy: Option<String>,
    local_proxy: Option<PathBuf>,
}

impl Endpoint {
    pub(crate) fn of(config: &Config) -> Result<Self, ConfigError> {
        let mut endpoint = Self::parse(&config.endpoint)?;
        if let Some(id) = &config.url_proxy {
            let id = request::path_part(id).map_err(|error| ConfigError::UrlProxy(Box::new(error)))?;
            endpoint.url_proxy = Some(id);
        }
        endpoint.local_proxy.clone_from(&config.local_proxy);
        Ok(endpoint)
    }

    pub(crate) fn parse(text: &str) -> Result<Self, ConfigError> {
        let bad = |reason: &'static str| ConfigError::Endpoint { reason };
        let url = Url::parse(text.trim()).map_err(|_| bad("it is no URL"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("credentials do not belong into a URL"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(bad("it has a query or fragment"));
        }
        let host = url.host_str().ok_or_else(|| bad("it names no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&host) => {}
            "http" => return Err(bad("plain HTTP would show the token to everyone between")),
            _ => return Err(bad("its scheme is not https")),
        }
        let port = url.port_or_known_default().ok_or_else(|| bad("it has no port"))?;
        Ok(Self { url, host, port, url_proxy: None, local_proxy: None })
    }

    /// Host without brackets.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.url.scheme() == "https"
    }

    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }

    /// The unix socket over which everything goes, in place of a connection to the endpoint itself.
    pub(crate) fn local_proxy(&self) -> Option<&Path> {
        self.local_proxy.as_deref()
    }

    /// Base of all REST calls, without a slash at its end. Calls are handed on to the endpoint behind this one, if
    /// one is named.
    pub(crate) fn api(&self) -> String {
        let chained = self.url_proxy.iter().fold(String::new(), |path, id| format!("{path}/{id}"));
        format!("{}{chained}{API_BASE}", self.base())
    }

    /// Base of the calls that log in: those are for this endpoint, whichever is behind it.
    pub(crate) fn login_api(&self) -> String {
        format!("{}{API_BASE}", self.base())
    }

    /// Address of the event websocket. Unlike in REST calls, the endpoint behind this one comes last.
    pub(crate) fn websocket(&self) -> String {
        let chained = self.url_proxy.iter().fold(String::new(), |path, id| format!("{path}/{id}"));
        // `http` becomes `ws`, and `https` `wss`.
        format!("ws{}{API_BASE}/ws{chained}", self.base().trim_start_matches("http"))
    }

    fn base(&self) -> String {
        match self.local_proxy {
            // What Go clients say to such a proxy, which puts the endpoint's name in its place.
            Some(_) => format!("http://unix{}", self.url.path().trim_end_matches('/')),
            None => self.url.as_str().trim_end_matches('/').to_owned(),
        }
    }
}

/// A URL to be shown: without user, password and query. What is no URL may be anything, and is not shown; nor is what
/// looks like one by accident, as `USER:PASSWORD@HOST` does.
pub fn presentable(url: &str) -> String {
    let Some(mut url) = Url::parse(url.trim()).ok().filter(|url| url.has_host()) else {
        return "<no URL>".to_owned();
    };
    url.set_query(None);
    url.set_fragment(None);
    // These fail for URLs that can have neither.
    let _ = (url.set_username(""), url.set_password(None));
    url.to_string()
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.url.as_str().trim_end_matches('/'))
    }
}

/// Whether a host, without brackets, is this machine.
pub fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_calls_follow_the_endpoint() {
        let check = |text: &str, host: &str, port: u16, api: &str, websocket: &str| {
            let endpoint = Endpoint::parse(text).unwrap();
            assert_eq!((endpoint.host(), endpoint.port()), (host, port), "{text}");
            assert_eq!(endpoint.api(), api, "{text}");
            assert_eq!(endpoint.websocket(), websocket, "{text}");
        };
        check("https://h:8092", "h", 8092, "https://h:8092/api/v3", "wss://h:8092/api/v3/ws");
        check("https://h:8092/", "h", 8092, "https://h:8092/api/v3", "wss://h:8092/api/v3/ws");
        check("https://[::1]:1/p/", "::1", 1, "https://[::1]:1/p/api/v3", "wss://[::1]:1/p/api/v3/ws");
        check("http://127.0.0.1:1", "127.0.0.1", 1, "http://127.0.0.1:1/api/v3", "ws://127.0.0.1:1/api/v3/ws");
    }

    #[test]
    fn ways_around_are_taken_where_go_clients_take_them() {
        let mut config = Config::new("https://h:8092", crate::Credentials::Token("t".into()));
        let check = |config: &Config, api: &str, login: &str, websocket: &str| {
            let endpoint = Endpoint::of(config).unwrap();
            assert_eq!((endpoint.api().as_str(), endpoint.login_api().as_str()), (api, login));
            assert_eq!(endpoint.websocket(), websocket);
        };
        config.url_proxy = Some("site 1".to_owned());
        let login = "https://h:8092/api/v3";
        check(&config, "https://h:8092/site%201/api/v3", login, "wss://h:8092/api/v3/ws/site%201");
        config.local_proxy = Some("/run/drp.sock".into());
        let login = "http://unix/api/v3";
        check(&config, "http://unix/site%201/api/v3", login, "ws://unix/api/v3/ws/site%201");
        config.url_proxy = Some("..".to_owned());
        assert!(matches!(Endpoint::of(&config), Err(ConfigError::UrlProxy(_))));
    }

    #[test]
    fn a_url_is_shown_without_its_secrets() {
        let check = |url: &str, expected: &str| assert_eq!(presentable(url), expected);
        check("https://h:8092/p", "https://h:8092/p");
        check("https://bob:s3cret@h:8092/p?token=s3cret#x", "https://h:8092/p");
        check("https://bob:s3?cret@h", "<no URL>");
        check("bob:s3cret@h", "<no URL>");
        check("s3cret", "<no URL>");
    }

    #[test]
    fn endpoints_that_would_not_do_are_refused_with_the_reason_but_never_repeated() {
        let check = |text: &str, reason: &str| {
            let message = Endpoint::parse(text).unwrap_err().to_string();
            assert!(message.ends_with(reason), "{text}: {message}");
            assert!(!message.contains("secret"), "{message}");
        };
        check("127.0.0.1:8092", "it is no URL");
        check("", "it is no URL");
        check("https://user:secret@h", "credentials do not belong into a URL");
        check("https://h?token=secret", "it has a query or fragment");
        check("ftp://h:1", "its scheme is not https");
        check("http://192.0.2.1:8092", "plain HTTP would show the token to everyone between");
    }
}
