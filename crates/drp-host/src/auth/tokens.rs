//! Bearer tokens: signed ones of users, which outlive the process, and random ones of plugins, which do not.

use std::{
    collections::HashMap,
    io,
    path::Path,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use arc_swap::ArcSwap;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{digest, hmac};
use serde::{Deserialize, Serialize};

use super::random;
use crate::owner_only;

/// `{"alg":"HS256","typ":"JWT"}`, the only header there is: a token cannot choose how it is checked.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
const ISSUER: &str = "digitalrebar provision";
const KEY_BYTES: usize = 32;
/// Longer tokens are not looked at.
const TOKEN_BYTES_MAX: usize = 8 << 10;

/// What a user's token says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TokenClaims {
    iss: String,
    /// The user.
    pub(crate) sub: String,
    iat: u64,
    exp: u64,
    jti: String,
    /// Tag of the user's Secret: another Secret ends the token.
    secret: String,
    /// Roles it is narrowed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) roles: Option<Vec<String>>,
    /// `sub` is a machine's key, and the Secret that of the machine.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) machine: bool,
    /// The machine's job that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) job: Option<String>,
}

impl TokenClaims {
    /// When it ends, in seconds since 1970.
    pub(crate) fn ends_s(&self) -> u64 {
        self.exp
    }
}

/// Why a text is no token, for the client to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenError {
    Malformed,
    Forged,
    Expired,
}

impl TokenError {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "it is no token of this server",
            Self::Forged => "its signature does not fit",
            Self::Expired => "it has expired",
        }
    }
}

/// Signs and reads users' tokens.
pub(crate) struct Signer {
    /// What is in the file.
    base: hmac::Key,
    /// What tokens are signed with.
    key: ArcSwap<hmac::Key>,
}

impl Signer {
    /// The signer whose key is kept in a file; the key is made where there is none.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let key = match owner_only::read(path)? {
            Some(key) if key.len() == KEY_BYTES => key,
            Some(_) => return Err(io::Error::new(io::ErrorKind::InvalidData, "the token key is damaged")),
            None => {
                let key = random::bytes::<KEY_BYTES>().to_vec();
                owner_only::write(path, &key)?;
                key
            }
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        Ok(Self { key: ArcSwap::from_pointee(key.clone()), base: key })
    }

    /// Signs with a key that `secret` is part of.
    pub(crate) fn sign_with(&self, secret: &str) {
        let key = hmac::sign(&self.base, format!("base token secret: {secret}").as_bytes());
        self.key.store(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, key.as_ref())));
    }

    /// A token of `user`, whose Secret is `secret`, for `ttl_s` seconds.
    pub(crate) fn sign(&self, user: &str, secret: &str, ttl_s: u64, roles: Option<Vec<String>>) -> String {
        self.sign_claims(&TokenClaims { roles, ..self.claims(user, secret, ttl_s) })
    }

    /// A token of the machine with this key, whose Secret is `secret`; for one of its jobs alone if there is one.
    pub(crate) fn sign_machine(&self, uuid: &str, secret: &str, ttl_s: u64, job: Option<String>) -> String {
        self.sign_claims(&TokenClaims { machine: true, job, ..self.claims(uuid, secret, ttl_s) })
    }

    fn claims(&self, sub: &str, secret: &str, ttl_s: u64) -> TokenClaims {
        let iat = now_s();
        TokenClaims {
            iss: ISSUER.to_owned(),
            sub: sub.to_owned(),
            iat,
            exp: iat.saturating_add(ttl_s),
            jti: random::text::<12>(),
            secret: self.secret_tag(sub, secret),
            roles: None,
            machine: false,
            job: None,
        }
    }

    fn sign_claims(&self, claims: &TokenClaims) -> String {
        let body = URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims).expect("strings and numbers are JSON"));
        let signed = format!("{HEADER}.{body}");
        let tag = hmac::sign(&self.key.load(), signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    /// What a token says, if it is one of ours and still runs.
    pub(crate) fn read(&self, token: &str) -> Result<TokenClaims, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Malformed);
        }
        let (signed, tag) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let body = signed.strip_prefix(HEADER).and_then(|rest| rest.strip_prefix('.')).ok_or(TokenError::Malformed)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| TokenError::Malformed)?;
        hmac::verify(&self.key.load(), signed.as_bytes(), &tag).map_err(|_| TokenError::Forged)?;
        let body = URL_SAFE_NO_PAD.decode(body).map_err(|_| TokenError::Malformed)?;
        let claims: TokenClaims = serde_json::from_slice(&body).map_err(|_| TokenError::Malformed)?;
        if claims.exp <= now_s() {
            return Err(TokenError::Expired);
        }
        Ok(claims)
    }

    /// Whether a token was made for the user's present Secret.
    pub(crate) fn fits(&self, claims: &TokenClaims, secret: &str) -> bool {
        // The tag in the token was signed by us, so there is nothing to be guessed byte by byte.
        claims.secret == self.secret_tag(&claims.sub, secret)
    }

    fn secret_tag(&self, user: &str, secret: &str) -> String {
        let tag = hmac::sign(&self.key.load(), format!("secret of {user}: {secret}").as_bytes());
        URL_SAFE_NO_PAD.encode(tag.as_ref().first_chunk::<16>().unwrap_or(&[0; 16]))
    }
}

/// Random tokens of what this process started; known by their hash and gone with it.
#[derive(Default)]
pub(crate) struct Instances {
    names: RwLock<HashMap<[u8; 32], String>>,
    revoked: AtomicU64,
}

impl Instances {
    /// A token by which the bearer is known as `name`.
    pub(crate) fn issue(&self, name: &str) -> String {
        let token = random::text::<32>();
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        names.insert(fingerprint(&token), name.to_owned());
        token
    }

    pub(crate) fn revoke(&self, token: &str) {
        self.names.write().unwrap_or_else(PoisonError::into_inner).remove(&fingerprint(token));
        self.revoked.fetch_add(1, Ordering::Release);
    }

    /// How many tokens were revoked until now.
    pub(crate) fn revoked(&self) -> u64 {
        self.revoked.load(Ordering::Acquire)
    }

    pub(crate) fn name(&self, token: &str) -> Option<String> {
        self.names.read().unwrap_or_else(PoisonError::into_inner).get(&fingerprint(token)).cloned()
    }
}

fn fingerprint(token: &str) -> [u8; 32] {
    let digest = digest::digest(&digest::SHA256, token.as_bytes());
    digest.as_ref().try_into().unwrap_or([0; 32])
}

/// The time, in seconds since 1970.
pub(crate) fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_token_outlives_the_process_and_says_who_it_is_of() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token.key");
        let token = Signer::open(&path).unwrap().sign("bob", "s1", 60, None);
        let signer = Signer::open(&path).unwrap();
        let claims = signer.read(&token).unwrap();
        assert_eq!(claims.sub, "bob");
        assert!(signer.fits(&claims, "s1"));
        assert!(!signer.fits(&claims, "s2"));
    }

    #[test]
    fn tokens_that_are_forged_expired_or_of_another_host_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let signer = Signer::open(&dir.path().join("a")).unwrap();
        let other = Signer::open(&dir.path().join("b")).unwrap();
        let token = signer.sign("bob", "s", 60, None);
        assert_eq!(other.read(&token), Err(TokenError::Forged));
        assert_eq!(signer.read(&signer.sign("bob", "s", 0, None)), Err(TokenError::Expired));
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        let body = token.split('.').nth(1).unwrap();
        for bad in ["", "x", "a.b.c", &format!("{none}.{body}."), &format!("{HEADER}.{body}."), &"x".repeat(10_000)] {
            assert!(signer.read(bad).is_err(), "{bad}");
        }
    }

    /// `#29`.
    #[test]
    fn an_instances_token_lasts_until_it_is_revoked() {
        let instances = Instances::default();
        let [one, two] = [instances.issue("plugin:a"), instances.issue("plugin:a")];
        assert_ne!(one, two);
        assert_eq!(instances.name(&one).unwrap(), "plugin:a");
        instances.revoke(&one);
        assert_eq!(instances.name(&one), None);
        assert_eq!(instances.name(&two).unwrap(), "plugin:a");
    }
}
