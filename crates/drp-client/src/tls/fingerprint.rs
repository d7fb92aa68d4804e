//! The fingerprint of a certificate.

use std::{fmt, str::FromStr};

use rustls::{crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256, pki_types::CertificateDer};

/// The SHA-256 fingerprint of a certificate.
///
/// It is read as `openssl x509 -fingerprint -sha256` writes it, with or without colons and the name in front, and
/// shown as 64 hexadecimal digits.
///
/// ```
/// use drp_client::Fingerprint;
/// let digits = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
/// assert_eq!(digits.parse::<Fingerprint>()?.to_string(), digits);
/// # Ok::<(), drp_client::ParseFingerprintError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

/// Why a text is no fingerprint.
#[derive(Debug, thiserror::Error)]
#[error("a SHA-256 fingerprint has 64 hexadecimal digits")]
pub struct ParseFingerprintError(());

impl Fingerprint {
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Self {
        // The hash of a cipher suite that uses it: no library of its own for one hash.
        let suite = TLS13_AES_128_GCM_SHA256.tls13().expect("the suite belongs to TLS 1.3");
        let hash = suite.common.hash_provider.hash(certificate);
        Self(hash.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }
}

impl FromStr for Fingerprint {
    type Err = ParseFingerprintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // `sha256 Fingerprint=AA:BB:…`, `SHA256:aabb…` or the digits alone.
        let text = text.trim();
        let text = text.rsplit_once('=').map_or(text, |(_, digits)| digits);
        let is_named = text.get(..7).is_some_and(|name| name.eq_ignore_ascii_case("sha256:"));
        let text = if is_named { text.get(7..).unwrap_or_default() } else { text };
        let digits: Option<Vec<u8>> = text
            .chars()
            .filter(|&c| c != ':')
            .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect();
        let bytes: Vec<u8> = match digits {
            Some(digits) if digits.len() == 64 => {
                digits.chunks(2).map(|pair| pair.iter().fold(0, |b, d| b << 4 | d)).collect()
            }
            _ => return Err(ParseFingerprintError(())),
        };
        bytes.try_into().map(Self).map_err(|_| ParseFingerprintError(()))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn fingerprints_are_sha_256() {
        assert_eq!(Fingerprint::of(&CertificateDer::from(b"abc".to_vec())).to_string(), OF_ABC);
    }

    #[test]
    fn fingerprints_are_read_as_tools_write_them() {
        let pairs: Vec<_> = OF_ABC.as_bytes().chunks(2).map(|pair| String::from_utf8(pair.to_vec()).unwrap()).collect();
        let colons = pairs.join(":").to_uppercase();
        for text in [
            OF_ABC.to_owned(),
            format!(" {colons}\n"),
            format!("sha256 Fingerprint={colons}"),
            format!("SHA256:{OF_ABC}"),
        ] {
            assert_eq!(text.parse::<Fingerprint>().unwrap().to_string(), OF_ABC, "{text}");
        }
        for text in ["", "abc", &OF_ABC[1..], &format!("{OF_ABC}0"), &OF_ABC.replace('a', "g"), "sha256:", "é:é:é:"]
        {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
    }
}
