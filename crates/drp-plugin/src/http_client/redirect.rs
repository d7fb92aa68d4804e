//! Which redirects are followed, and as what.

use bytes::Bytes;
use http::{Method, StatusCode, header};
use reqwest::Url;

use super::{
    HttpAnswer,
    address::{self, Base},
};

/// What is sent in one step of a call.
pub(super) struct Step {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) body: Option<Bytes>,
}

/// Whether an answer asks to look elsewhere.
pub(super) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 300..=303 | 305..=399)
}

/// The next step of a call that was answered by a redirect, or why there is none.
///
/// A write is followed only where it is to be made again as it was (307, 308), or was carried out and its result lies
/// elsewhere (303). For 301 and 302 many clients make a read of it, and what was to be done is never done.
pub(super) fn follow(step: Step, answer: &HttpAnswer, base: &Base) -> Result<Step, String> {
    let status = answer.status.as_u16();
    let location = answer.headers.get(header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some(url) = (!location.is_empty()).then(|| step.url.join(location).ok()).flatten() else {
        return Err(format!("status {status} redirects to no URL"));
    };
    let whereto = address::shown(&url);
    if !base.has(&url) {
        return Err(format!(
            "status {status} redirects to {whereto}, another server, whereto credentials are not taken: \
             is the base URL right?"
        ));
    }
    let is_read = step.method.is_safe();
    match status {
        303 if step.method != Method::HEAD => Ok(Step { method: Method::GET, url, body: None }),
        301..=303 if is_read => Ok(Step { url, ..step }),
        307 | 308 => Ok(Step { url, ..step }),
        301 | 302 => Err(format!("status {status} redirects a write to {whereto}: it was not done, ask there")),
        _ => Err(format!("status {status} redirects to {whereto} in a way that is not followed")),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::*;

    fn followed(method: Method, status: u16, location: &'static str) -> Result<(Method, String, bool), String> {
        let base = Base::parse("https://h/v1", false).unwrap();
        let step = Step { method, url: base.at("a/b").unwrap(), body: Some(Bytes::from_static(b"x")) };
        let headers = HeaderMap::from_iter([(header::LOCATION, HeaderValue::from_static(location))]);
        let status = StatusCode::from_u16(status).unwrap();
        let answer = HttpAnswer { asked: String::new(), status, headers, body: Bytes::new() };
        follow(step, &answer, &base).map(|step| (step.method, step.url.to_string(), step.body.is_some()))
    }

    #[test]
    fn reads_are_followed_and_writes_only_as_writes() {
        let check = |method: Method, status: u16, expected: Option<(Method, bool)>| {
            let found = followed(method.clone(), status, "b/?x=1");
            let expected = expected.map(|(method, body)| (method, "https://h/v1/a/b/?x=1".to_owned(), body));
            assert_eq!(found.ok(), expected, "{method} {status}");
        };
        for status in [301, 302, 307, 308] {
            check(Method::GET, status, Some((Method::GET, true)));
        }
        check(Method::GET, 303, Some((Method::GET, false)));
        check(Method::HEAD, 303, Some((Method::HEAD, true)));
        for status in [307, 308] {
            check(Method::POST, status, Some((Method::POST, true)));
        }
        check(Method::POST, 303, Some((Method::GET, false)));
        check(Method::POST, 301, None);
        check(Method::DELETE, 302, None);
        check(Method::GET, 305, None);
        check(Method::GET, 300, None);
    }

    #[test]
    fn no_redirect_leads_to_another_server() {
        for location in ["https://evil/", "//evil/", "http://h/v1/", "https://h:1/", "https://u:s3cret@h/?t=s3cret"] {
            let refusal = followed(Method::GET, 302, location).unwrap_err();
            assert!(refusal.contains("another server") && !refusal.contains("s3cret"), "{refusal}");
        }
        for location in ["", "https://["] {
            assert!(followed(Method::GET, 302, location).unwrap_err().contains("to no URL"));
        }
    }
}
