//! A key pair for each object that holds params, and the sealing and opening of values with it (`models.md` §10.2).
//!
//! The private key never leaves the store. A value is sealed as its JSON text, with a fresh key pair of the sealer.

use std::sync::{Arc, OnceLock};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use crypto_box::aead::{Aead, AeadCore, OsRng};
use crypto_box::{PublicKey, SalsaBox, SecretKey};
use drp_core::{Raw, SecureData};

use crate::Recorder;
use crate::store::{Batch, Change, CommitError, Expect, Note, Store, StoreError};

/// The store's section of private keys. Sections that begin with a dot are nobody's but the host's.
const SECTION: &str = ".secrets";
const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// The key pairs of objects.
pub(crate) struct Secrets {
    store: Arc<dyn Store>,
    /// Who must know of what is secret.
    recorder: OnceLock<Recorder>,
}

/// A key pair could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// The store cannot be read.
    #[error("cannot read the key pair of an object")]
    Read(#[from] StoreError),
    /// The store does not take the new pair.
    #[error("cannot keep the key pair of an object")]
    Keep(#[from] CommitError),
    /// What is stored is no key.
    #[error("the stored key pair of an object is damaged")]
    Damaged,
}

/// Sealed data that cannot be opened, as the texts that peers know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OpenError {
    /// The sealer's key has another length.
    #[error("Key must be 32 bytes long")]
    Key,
    /// The nonce has another length.
    #[error("Nonce must be 24 bytes long")]
    Nonce,
    /// It was sealed for another key, was changed, or is no JSON.
    #[error("SecureData corrupted")]
    Corrupted,
}

impl Secrets {
    /// The key pairs in a store.
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, recorder: OnceLock::new() }
    }

    /// From now on what is said to plugins is recorded.
    pub(crate) fn record_to(&self, recorder: Recorder) {
        // A host has one recorder, from its start.
        let _ = self.recorder.set(recorder);
    }

    /// The recorder, if what is said to plugins is recorded.
    pub(crate) fn recorder(&self) -> Option<&Recorder> {
        self.recorder.get()
    }

    /// A value was sealed or opened, so it must stand in no recording.
    pub(crate) fn seen(&self, value: &Raw) {
        if let Some(recorder) = self.recorder() {
            recorder.hide(value);
        }
    }

    /// The private key of an object, if one was ever needed.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub(crate) fn find(&self, prefix: &str, key: &str) -> Result<Option<SecretKey>, KeyError> {
        let Some(entry) = self.store.get(SECTION, &name(prefix, key))? else { return Ok(None) };
        let bytes = <[u8; KEY_BYTES]>::try_from(&entry.value[..]).map_err(|_| KeyError::Damaged)?;
        Ok(Some(SecretKey::from_bytes(bytes)))
    }

    /// The private key of an object, made now if there is none.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub(crate) async fn ensure(&self, prefix: &str, key: &str) -> Result<SecretKey, KeyError> {
        if let Some(found) = self.find(prefix, key)? {
            return Ok(found);
        }
        let (made, put) = Self::make(prefix, key);
        match self.store.commit(Batch::new(Note::default()).with(put)).await {
            Ok(_) => Ok(made),
            // Somebody else was faster, so there is one now.
            Err(CommitError::Conflict { .. }) => self.find(prefix, key)?.ok_or(KeyError::Damaged),
            Err(error) => Err(error.into()),
        }
    }

    /// A private key for an object that has none, and the change that keeps it.
    pub(crate) fn make(prefix: &str, key: &str) -> (SecretKey, Change) {
        let made = SecretKey::generate(&mut OsRng);
        let put = Change::put(SECTION, name(prefix, key), Bytes::copy_from_slice(&made.to_bytes()));
        (made, put.expecting(Expect::Absent))
    }

    /// The change that forgets the key pair of an object that is deleted with it.
    pub(crate) fn forget(prefix: &str, key: &str) -> Change {
        Change::delete(SECTION, name(prefix, key))
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

/// The public key as peers see it.
pub(crate) fn public_text(key: &SecretKey) -> String {
    STANDARD.encode(key.public_key().as_bytes())
}

/// Seals a value for the owner of `public`.
pub(crate) fn seal(value: &Raw, public: &PublicKey) -> SecureData {
    let sealer = SecretKey::generate(&mut OsRng);
    let nonce = SalsaBox::generate_nonce(&mut OsRng);
    let sealed = SalsaBox::new(public, &sealer).encrypt(&nonce, value.get().as_bytes());
    SecureData {
        key: STANDARD.encode(sealer.public_key().as_bytes()),
        nonce: STANDARD.encode(nonce),
        payload: STANDARD.encode(sealed.expect("a value in memory is not too long to seal")),
        ..SecureData::default()
    }
}

/// The sealed data that a value is, if it has the shape: three texts of the right length.
pub(crate) fn as_sealed(value: &Raw) -> Option<SecureData> {
    if !value.get().starts_with('{') {
        return None;
    }
    let sealed: SecureData = value.parse().ok()?;
    let sized = |text: &str, bytes: usize| STANDARD.decode(text).is_ok_and(|decoded| decoded.len() == bytes);
    let payload_fits = STANDARD.decode(&sealed.payload).is_ok_and(|payload| payload.len() >= TAG_BYTES);
    (sized(&sealed.key, KEY_BYTES) && sized(&sealed.nonce, NONCE_BYTES) && payload_fits).then_some(sealed)
}

/// Opens what was sealed for `key`.
///
/// # Errors
/// See [`OpenError`].
pub(crate) fn open(sealed: &SecureData, key: &SecretKey) -> Result<Raw, OpenError> {
    let decode = |text: &str| STANDARD.decode(text).unwrap_or_default();
    let sealer = <[u8; KEY_BYTES]>::try_from(decode(&sealed.key)).map_err(|_| OpenError::Key)?;
    let nonce = <[u8; NONCE_BYTES]>::try_from(decode(&sealed.nonce)).map_err(|_| OpenError::Nonce)?;
    let opener = SalsaBox::new(&PublicKey::from_bytes(sealer), key);
    let text = opener.decrypt(&nonce.into(), &decode(&sealed.payload)[..]).map_err(|_| OpenError::Corrupted)?;
    drp_core::json::parse(&text).map_err(|_| OpenError::Corrupted)
}

fn name(prefix: &str, key: &str) -> String {
    format!("{prefix}/{key}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::store::MemoryStore;

    fn recipient() -> SecretKey {
        SecretKey::from_bytes(std::array::from_fn(|n| u8::try_from(n + 0x21).unwrap()))
    }

    #[test]
    fn the_vector_of_gos_nacl_box_opens() {
        let sealed: SecureData = serde_json::from_str(
            r#"{"Key":"B6N8vBQgk8i3VdwbEOhstCY3StFqqFPtC9/AsrhtHHw=","Nonce":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYX",
                "Payload":"ARY18FkJpPfrx5GY/NhGnzCzqTw+Hw=="}"#,
        )
        .unwrap();
        assert_eq!(public_text(&recipient()), "WGmv9FBUlzLLqu1eXfmzCm2jHLDldCutWtShp2jxpns=");
        assert_eq!(open(&sealed, &recipient()).unwrap().get(), r#""Fred""#);
    }

    #[test]
    fn what_was_sealed_opens_with_the_right_key_only() {
        let value = Raw::from(serde_json::json!({"a": [1, "x"]}));
        let sealed = seal(&value, &recipient().public_key());
        assert_eq!(open(&sealed, &recipient()).unwrap().get(), value.get());
        assert_eq!(open(&sealed, &SecretKey::from_bytes([9; 32])), Err(OpenError::Corrupted));
        let broken = |change: fn(&mut SecureData)| {
            let mut broken = sealed.clone();
            change(&mut broken);
            open(&broken, &recipient()).unwrap_err().to_string()
        };
        assert_eq!(broken(|sealed| sealed.key = "AA==".into()), "Key must be 32 bytes long");
        assert_eq!(broken(|sealed| sealed.nonce = "AA==".into()), "Nonce must be 24 bytes long");
        assert_eq!(broken(|sealed| sealed.payload = "AA==".into()), "SecureData corrupted");
    }

    #[test]
    fn sealed_data_is_known_by_its_shape() {
        let sealed = Raw::new(&seal(&Raw::null(), &recipient().public_key())).unwrap();
        assert!(as_sealed(&sealed).is_some());
        for other in ["1", "{}", r#"{"Key":"AA==","Nonce":"AA==","Payload":"AA=="}"#, r#"{"Key":1}"#] {
            assert!(as_sealed(&serde_json::from_str(other).unwrap()).is_none(), "{other}");
        }
    }

    #[tokio::test]
    async fn an_object_keeps_its_key_pair_until_it_is_deleted() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new().unwrap());
        let secrets = Secrets::new(Arc::clone(&store));
        assert!(secrets.find("plugins", "p1").unwrap().is_none());
        let made = secrets.ensure("plugins", "p1").await.unwrap().to_bytes();
        assert_eq!(secrets.ensure("plugins", "p1").await.unwrap().to_bytes(), made);
        assert_ne!(secrets.ensure("plugins", "p2").await.unwrap().to_bytes(), made);
        store.commit(Batch::new(Note::default()).with(Secrets::forget("plugins", "p1"))).await.unwrap();
        assert!(secrets.find("plugins", "p1").unwrap().is_none());
    }
}
