//! Versions of bundles (`models.md` §19.5).

use std::{fmt, str::FromStr};

use thiserror::Error;

/// The version of a bundle: three numbers.
///
/// It is read leniently, because bundles in the wild say `0.1` and servers take them: a leading `v` and everything from
/// the first `-` or `+` do not count, and numbers that are not there are zero.
///
/// ```
/// use drp_content::Version;
/// let version: Version = "v1.2.3-beta4".parse().unwrap();
/// assert_eq!(version.to_string(), "1.2.3");
/// assert!("1.2".parse::<Version>().unwrap() < version);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub(crate) semver::Version);

/// What is wrong with a version, in the words that clients know.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct VersionError(String);

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let text = text.trim();
        let text = text.strip_prefix('v').unwrap_or(text);
        let core = text.split(['-', '+']).next().unwrap_or_default();
        if core.is_empty() {
            return Ok(Self(semver::Version::new(0, 0, 0)));
        }
        let mut parts = core.splitn(3, '.');
        let [major, minor, patch] = [(); 3].map(|()| parts.next().unwrap_or("0"));
        let (major, minor) = (number("major", major)?, number("minor", minor)?);
        Ok(Self(semver::Version::new(major, minor, number("patch", patch)?)))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn number(what: &str, part: &str) -> Result<u64, VersionError> {
    if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(VersionError(format!("Invalid character(s) found in {what} number \"{part}\"")));
    }
    if part.len() > 1 && part.starts_with('0') {
        return Err(VersionError(format!("Leading zeroes found in {what} number \"{part}\"")));
    }
    part.parse().map_err(|_| VersionError(format!("Too large {what} number \"{part}\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_bundles_are_read_leniently_up_to_their_numbers() {
        let check = |text: &str, expected: Result<&str, &str>| {
            let found = text.parse::<Version>().map(|version| version.to_string()).map_err(|error| error.to_string());
            assert_eq!(found.as_ref().map(String::as_str).map_err(String::as_str), expected, "{text}");
        };
        // Missing is zero, a leading lower-case `v` does not count, and neither does what follows the first `-`.
        check("", Ok("0.0.0"));
        check("v1.2.3", Ok("1.2.3"));
        check("V1.2.3", Err("Invalid character(s) found in major number \"V1\""));
        check("1.2.3-alpha00+g12", Ok("1.2.3"));
        check("v1.2.3-a-b", Ok("1.2.3"));
        check("v4.8.0+drpx.0.1.0", Ok("4.8.0"));
        check("-x", Ok("0.0.0"));
        check("1.2.foo", Err("Invalid character(s) found in patch number \"foo\""));
        check("1.b.0", Err("Invalid character(s) found in minor number \"b\""));
        check("0.1", Ok("0.1.0"));
        check("v7", Ok("7.0.0"));
        check("1.", Err("Invalid character(s) found in minor number \"\""));
        check("1.2.3.4", Err("Invalid character(s) found in patch number \"3.4\""));
        check("01.2.3", Err("Leading zeroes found in major number \"01\""));
        check("99999999999999999999.0.0", Err("Too large major number \"99999999999999999999\""));
    }
}
