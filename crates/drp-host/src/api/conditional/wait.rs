//! `Prefer: wait=DUR`: how long a client would wait.

use std::time::Duration;

use http::HeaderMap;
use jiff::SignedDuration;

const PREFER: &str = "prefer";

/// The wait that a request prefers, if it prefers any.
pub(super) fn preferred(headers: &HeaderMap) -> Result<Option<Duration>, String> {
    let preferences = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    for preference in preferences.flat_map(|value| value.split([',', ';'])) {
        let Some((name, value)) = preference.split_once('=') else { continue };
        if name.trim().eq_ignore_ascii_case("wait") {
            return duration(value.trim().trim_matches('"')).map(Some);
        }
    }
    Ok(None)
}

/// A number of seconds, or a duration as Go writes it.
fn duration(text: &str) -> Result<Duration, String> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let parsed = if is_number { format!("{text}s").parse() } else { text.parse::<SignedDuration>() };
    let positive = parsed.ok().and_then(|duration| Duration::try_from(duration).ok());
    positive.ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        format!("Prefer: wait={shown}: expected seconds or a duration such as 1m30s")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_seconds_or_a_duration_of_go() {
        let check = |value: &str, expected: Option<Duration>| {
            let headers = [(http::HeaderName::from_static(PREFER), value.parse().expect("a header"))];
            assert_eq!(preferred(&headers.into_iter().collect()), Ok(expected), "{value}");
        };
        check("wait=5", Some(Duration::from_secs(5)));
        check("respond-async, wait=1.5", Some(Duration::from_millis(1500)));
        check("Wait = \"10s\"", Some(Duration::from_secs(10)));
        check("wait=1m0s", Some(Duration::from_secs(60)));
        check("wait=1h30m0s", Some(Duration::from_secs(5400)));
        check("wait=250ms", Some(Duration::from_millis(250)));
        check("wait=0", Some(Duration::ZERO));
        check("return=minimal", None);
    }

    #[test]
    fn a_wait_that_is_none_is_said_so() {
        for text in ["cow", "", "-5", "-5s", "5 cows", "99999999999999999999"] {
            let problem = duration(text).expect_err(text);
            assert!(problem.contains("expected seconds or a duration"), "{problem}");
        }
    }
}
