//! Password hashes, and the memory of passwords that were right.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use ring::hmac;
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use super::random;

/// scrypt's costs for new hashes, as the server's own hashes have them.
const LOG_N: u32 = 14;
const R: u32 = 8;
const P: u32 = 1;
/// Costs that a stored hash may ask for at most: N is 2^17, which takes 128 MiB at r = 8.
const LOG_N_MAX: u32 = 17;
const R_MAX: u32 = 16;
const P_MAX: u32 = 4;
const SALT_BYTES: usize = 16;
const KEY_BYTES: usize = 32;
/// Hashes computed at once: each takes 16 MiB and 30 ms of a processor.
const CONCURRENT_MAX: usize = 2;
/// Users whose password is remembered.
const REMEMBERED_MAX: usize = 1024;
/// Longer passwords are refused.
pub(crate) const PASSWORD_BYTES_MAX: usize = 1024;

/// Checks passwords against hashes; the second time costs next to nothing.
pub(crate) struct Passwords {
    /// Known only to this process, so that what is remembered is of no use to anybody else.
    key: hmac::Key,
    /// By user: the tag of the last good password together with the hash it was good for.
    remembered: Mutex<HashMap<String, hmac::Tag>>,
    permits: Arc<Semaphore>,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &random::bytes::<KEY_BYTES>());
        Self { key, remembered: Mutex::default(), permits: Arc::new(Semaphore::new(CONCURRENT_MAX)) }
    }

    /// Whether `password` is the one of `user`, whose hash is `hash`.
    ///
    /// A changed hash is never answered from memory, because the tag covers it.
    pub(crate) async fn verify(&self, user: &str, password: &str, hash: &str) -> bool {
        if password.len() > PASSWORD_BYTES_MAX {
            return false;
        }
        let tag = self.tag(user, password, hash);
        let same = |known: &hmac::Tag| bool::from(known.as_ref().ct_eq(tag.as_ref()));
        if self.remembered().get(user).is_some_and(same) {
            return true;
        }
        let (password, hash) = (password.to_owned(), hash.to_owned());
        let good = self.blocking(move || verify(&password, &hash)).await.unwrap_or(false);
        if good {
            let mut remembered = self.remembered();
            if remembered.len() >= REMEMBERED_MAX {
                remembered.clear();
            }
            remembered.insert(user.to_owned(), tag);
        }
        good
    }

    /// The hash of a new password; `None` only where the runtime is going down.
    pub(crate) async fn hash(&self, password: &str) -> Option<String> {
        let password = password.to_owned();
        self.blocking(move || hash(&password)).await.flatten()
    }

    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok()?;
        let work = move || {
            let _permit = permit;
            work()
        };
        tokio::task::spawn_blocking(work).await.ok()
    }

    fn tag(&self, user: &str, password: &str, hash: &str) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [user, hash, password] {
            context.update(&part.len().to_be_bytes());
            context.update(part.as_bytes());
        }
        context.sign()
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, HashMap<String, hmac::Tag>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A hash that no password has and that costs as much as any other.
pub(super) fn nobodys_hash() -> String {
    let [salt, key] = [random::bytes::<SALT_BYTES>().to_vec(), random::bytes::<KEY_BYTES>().to_vec()];
    format!("{}${R}${P}${}${}", 1_u64 << LOG_N, random::hex(&salt), random::hex(&key))
}

/// `N$r$p$salt$key`, the last two in hex.
fn hash(password: &str) -> Option<String> {
    let salt: [u8; SALT_BYTES] = random::bytes();
    let key = derive(password, &salt, LOG_N, R, P, KEY_BYTES)?;
    Some(format!("{}${R}${P}${}${}", 1_u64 << LOG_N, random::hex(&salt), random::hex(&key)))
}

fn verify(password: &str, hash: &str) -> bool {
    verified(password, hash).unwrap_or(false)
}

fn verified(password: &str, hash: &str) -> Option<bool> {
    let mut parts = hash.split('$');
    let n: u32 = parts.next()?.parse().ok()?;
    let (r, p) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let (salt, key) = (random::unhex(parts.next()?)?, random::unhex(parts.next()?)?);
    let affordable = n.is_power_of_two() && n.ilog2() <= LOG_N_MAX && r <= R_MAX && p <= P_MAX;
    // A short key would be met by chance.
    if !affordable || key.len() < SALT_BYTES || parts.next().is_some() {
        return None;
    }
    let derived = derive(password, &salt, n.ilog2(), r, p, key.len())?;
    Some(derived.ct_eq(&key).into())
}

fn derive(password: &str, salt: &[u8], log_n: u32, r: u32, p: u32, len: usize) -> Option<Vec<u8>> {
    let params = scrypt::Params::new(log_n.try_into().ok()?, r, p, len).ok()?;
    let mut key = vec![0; len];
    scrypt::scrypt(password.as_bytes(), salt, &params, &mut key).ok()?;
    Some(key)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// A hash of the usual shape that costs nothing: N = 2.
    fn cheap(password: &str) -> String {
        let key = derive(password, b"0123456789abcdef", 1, 8, 1, 32).unwrap();
        format!("2$8$1${}${}", random::hex(b"0123456789abcdef"), random::hex(&key))
    }

    #[test]
    fn a_new_hash_has_the_servers_shape_and_verifies() {
        let hash = hash("r0cketsk8ts").unwrap();
        let parts: Vec<&str> = hash.split('$').collect();
        assert_eq!(parts[..3], ["16384", "8", "1"]);
        assert_eq!((parts[3].len(), parts[4].len()), (32, 64));
        assert!(verify("r0cketsk8ts", &hash));
        assert!(!verify("r0cketsk8t", &hash));
    }

    #[test]
    fn hashes_that_are_malformed_or_too_costly_match_nothing() {
        for hash in ["", "x", "16384$8$1$00", "2$8$1$zz$zz", "1048576$8$1$00$00", "3$8$1$00$00", "2$8$1$00$"] {
            assert!(!verify("", hash), "{hash}");
        }
    }

    #[tokio::test]
    async fn a_password_is_remembered_for_its_hash_only() {
        let passwords = Passwords::new();
        let (old, new) = (cheap("old"), cheap("new"));
        assert!(passwords.verify("bob", "old", &old).await);
        assert!(passwords.remembered().contains_key("bob"));
        assert!(passwords.verify("bob", "old", &old).await);
        assert!(!passwords.verify("bob", "old", &new).await);
        assert!(!passwords.verify("bob", "bad", &old).await);
        assert!(!passwords.verify("eve", "old", &new).await);
    }
}
