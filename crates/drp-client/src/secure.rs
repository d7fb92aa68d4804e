//! Sealing and opening of secure params (`models.md` §10.2).
//!
//! A server has a key pair for each object with params. Who sets a secure param seals its value with the public one;
//! only who has the private one, which is the server, opens it. [`ObjectParams`](crate::ObjectParams) does all that.
//!
//! ```
//! use drp_client::secure::{PrivateKey, open, seal};
//! use drp_core::Raw;
//! let key = PrivateKey::generate();
//! let sealed = seal(&Raw::from("calvin"), &key.public_key());
//! assert_eq!(open(&sealed, &key)?, Raw::from("calvin"));
//! # Ok::<(), drp_client::secure::OpenError>(())
//! ```

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use crypto_box::{
    SalsaBox, SecretKey,
    aead::{Aead, AeadCore, OsRng},
};
use drp_core::{Raw, SecureData, json};

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// What values for one object are sealed with. Its text is standard base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(crypto_box::PublicKey);

/// What opens values for one object. Its text, which is never shown, is standard base64.
#[derive(Clone)]
pub struct PrivateKey(SecretKey);

/// A text is no key: it is not 32 bytes in base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key has to be {KEY_BYTES} bytes in base64")]
pub struct ParseKeyError;

/// Why sealed data cannot be opened. It never quotes the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The sealer's key is not 32 bytes in base64.
    #[error("`Key` has to be {KEY_BYTES} bytes in base64")]
    Key,
    /// The nonce is not 24 bytes in base64.
    #[error("`Nonce` has to be {NONCE_BYTES} bytes in base64")]
    Nonce,
    /// The payload is no base64.
    #[error("`Payload` has to be base64")]
    Payload,
    /// It was sealed for another key, or cut, or changed since.
    #[error("it was not sealed for this key, or was changed since")]
    Sealed,
    /// What was sealed is no JSON.
    #[error("what was sealed is no JSON")]
    Json,
}

impl PrivateKey {
    /// A new one.
    #[must_use]
    pub fn generate() -> Self {
        Self(SecretKey::generate(&mut OsRng))
    }

    /// The key to seal with for this one.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.public_key())
    }
}

/// Seals a value for the owner of a key. Two seals of one value have nothing in common.
#[must_use]
pub fn seal(value: &Raw, key: &PublicKey) -> SecureData {
    let sealer = SecretKey::generate(&mut OsRng);
    let nonce = SalsaBox::generate_nonce(&mut OsRng);
    let sealed = SalsaBox::new(&key.0, &sealer).encrypt(&nonce, value.get().as_bytes());
    SecureData {
        key: STANDARD.encode(sealer.public_key().as_bytes()),
        nonce: STANDARD.encode(nonce),
        payload: STANDARD.encode(sealed.expect("a value in memory is not too long to seal")),
        ..SecureData::default()
    }
}

/// Opens what was sealed for a key.
///
/// # Errors
/// See [`OpenError`].
pub fn open(sealed: &SecureData, key: &PrivateKey) -> Result<Raw, OpenError> {
    let sealer: [u8; KEY_BYTES] = bytes(&sealed.key).ok_or(OpenError::Key)?;
    let nonce: [u8; NONCE_BYTES] = bytes(&sealed.nonce).ok_or(OpenError::Nonce)?;
    let payload = STANDARD.decode(&sealed.payload).map_err(|_| OpenError::Payload)?;
    let opener = SalsaBox::new(&crypto_box::PublicKey::from_bytes(sealer), &key.0);
    let text = opener.decrypt(&nonce.into(), &payload[..]).map_err(|_| OpenError::Sealed)?;
    json::parse(&text).map_err(|_| OpenError::Json)
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

impl FromStr for PublicKey {
    type Err = ParseKeyError;
    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        bytes(text).map(|bytes| Self(crypto_box::PublicKey::from_bytes(bytes))).ok_or(ParseKeyError)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0.as_bytes()))
    }
}

impl FromStr for PrivateKey {
    type Err = ParseKeyError;
    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        bytes(text).map(|bytes| Self(SecretKey::from_bytes(bytes))).ok_or(ParseKeyError)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey")
    }
}

#[cfg(test)]
mod tests;
