//! The server's address.

use std::net::IpAddr;

use drp_core::contract::API_BASE;
use reqwest::Url;

use crate::ConfigError;

/// A checked `https://HOST:PORT`, perhaps with a path in front of the API's.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    url: Url,
    host: String,
    port: u16,
}

impl Endpoint {
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
        Ok(Self { url, host, port })
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

    /// Base of all REST calls, without a slash at its end.
    pub(crate) fn api(&self) -> String {
        format!("{}{API_BASE}", self.url.as_str().trim_end_matches('/'))
    }

    /// Address of the event websocket.
    pub(crate) fn websocket(&self) -> String {
        // `http` becomes `ws`, and `https` `wss`.
        format!("ws{}/ws", self.api().trim_start_matches("http"))
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.url.as_str().trim_end_matches('/'))
    }
}

fn is_loopback(host: &str) -> bool {
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
