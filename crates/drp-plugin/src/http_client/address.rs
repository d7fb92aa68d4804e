//! URLs: what may be asked, and how they are shown.

use std::fmt;

use drp_client::foreign;
use reqwest::Url;

use crate::{Error, Result};

/// The URL below which a server is asked. Its path ends with a slash.
#[derive(Clone)]
pub(super) struct Base(Url);

impl Base {
    /// The text is never repeated: it may hold a password.
    pub(super) fn parse(text: &str, plain_http: bool) -> Result<Self> {
        let bad =
            |reason: &str| Error::bad_request(format!("the base URL must be https://HOST[:PORT][/PATH], but {reason}"));
        let mut url = Url::parse(text.trim()).map_err(|error| bad(&format!("it is no URL: {error}")))?;
        if has_user(&url) {
            return Err(bad("it holds credentials: give them to the client by themselves"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(bad("it has a query or fragment"));
        }
        let host = url.host_str().ok_or_else(|| bad("it names no host"))?;
        match url.scheme() {
            "https" => {}
            "http" if plain_http || foreign::is_loopback(bare(host)) => {}
            "http" => return Err(bad("plain HTTP shows everything to everyone between")),
            _ => return Err(bad("its scheme is another")),
        }
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        Ok(Self(url))
    }

    pub(super) fn url(&self) -> &Url {
        &self.0
    }

    pub(super) fn is_loopback(&self) -> bool {
        self.0.host_str().is_some_and(|host| foreign::is_loopback(bare(host)))
    }

    /// The URL of a path, or of a link that the server gave.
    pub(super) fn at(&self, path: &str) -> Result<Url> {
        if path.starts_with(['/', '\\']) || path.starts_with("https://") || path.starts_with("http://") {
            return self.link(path);
        }
        let mut url = self.0.clone();
        if !path.is_empty() {
            for part in path.split('/') {
                push(&mut url, part)?;
            }
        }
        Ok(url)
    }

    /// The URL of a link, if it leads to this server.
    fn link(&self, link: &str) -> Result<Url> {
        let url = self.0.join(link).map_err(|error| Error::new(502, format!("a link of {self} is no URL: {error}")))?;
        if !self.has(&url) {
            let whereto = shown(&url);
            return Err(Error::new(502, format!("a link of {self} leads to another server, {whereto}: not followed")));
        }
        Ok(url)
    }

    /// Whether a URL is one of this server.
    pub(super) fn has(&self, url: &Url) -> bool {
        url.origin() == self.0.origin() && !has_user(url)
    }
}

/// Adds one part to a URL's path, with everything escaped that has a meaning in URLs. An empty part is a slash at the
/// end.
pub(super) fn push(url: &mut Url, part: &str) -> Result<()> {
    if matches!(part, "." | "..") {
        return Err(Error::bad_request(format!("`{part}` cannot be a part of a path")));
    }
    match url.path_segments_mut() {
        Ok(mut parts) => drop(parts.pop_if_empty().push(part)),
        Err(()) => return Err(Error::bad_request("the base URL has no path")),
    }
    Ok(())
}

/// A URL for errors and log lines: without query, which may hold secrets.
pub(super) fn shown(url: &Url) -> String {
    foreign::presentable(url.as_str())
}

fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// A host without the brackets of an IPv6 address.
fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_added_to_the_base_and_a_link_taken_as_it_stands() {
        let check = |base: &str, path: &str, expected: &str| {
            assert_eq!(Base::parse(base, false).unwrap().at(path).unwrap().as_str(), expected);
        };
        check("https://h/v1", "", "https://h/v1/");
        check("https://h/v1", "Systems/1", "https://h/v1/Systems/1");
        check("https://h/v1/", "dcim/devices/", "https://h/v1/dcim/devices/");
        check("https://h", "a?b=c#d e%2f", "https://h/a%3Fb=c%23d%20e%252f");
        check("https://h/v1", "/v1/Systems/1?x=%20", "https://h/v1/Systems/1?x=%20");
        check("https://h:443/v1", "https://h/v2?offset=5", "https://h/v2?offset=5");
    }

    #[test]
    fn no_path_and_no_link_leads_elsewhere() {
        let base = Base::parse("https://h/v1", false).unwrap();
        for path in
            ["..", "a/../b", "./a", "//evil/x", "/\\evil/x", "\\\\evil", "http://h/v1", "https://h:1/", "https://u@h/"]
        {
            assert!(base.at(path).is_err(), "{path}");
        }
        let error = base.at("https://u:s3cret@evil/x?token=s3cret").unwrap_err();
        let expected = "a link of https://h/v1/ leads to another server, https://evil/x: not followed";
        assert_eq!((error.code(), error.to_string().as_str()), (502, expected));
    }

    #[test]
    fn a_part_is_one_part_whatever_is_in_it() {
        let check = |part: &str, expected: &str| {
            let mut url = Base::parse("https://h/v1", false).unwrap().at("x").unwrap();
            push(&mut url, part).unwrap();
            assert_eq!(url.as_str(), expected);
        };
        check("a/b", "https://h/v1/x/a%2Fb");
        check("%2e%2e", "https://h/v1/x/%252e%252e");
        check("ü ?", "https://h/v1/x/%C3%BC%20%3F");
        check("", "https://h/v1/x/");
    }

    #[test]
    fn a_base_that_will_not_do_is_refused_and_not_repeated() {
        let check = |base: &str, reason: &str| {
            let error = Base::parse(base, false).err().unwrap();
            assert!(error.code() == 400 && error.to_string().contains(reason), "{base}: {error}");
            assert!(!error.to_string().contains("s3cret"), "{error}");
        };
        check("h", "it is no URL");
        check("https://bob:s3cret@h", "it holds credentials");
        check("https://s3cret@h", "it holds credentials");
        check("https://h?token=s3cret", "it has a query");
        check("http://192.0.2.1", "plain HTTP");
        check("ftp://h", "its scheme is another");
        for base in ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost"] {
            assert!(Base::parse(base, false).unwrap().is_loopback(), "{base}");
        }
        assert!(!Base::parse("http://192.0.2.1", true).unwrap().is_loopback());
    }
}
