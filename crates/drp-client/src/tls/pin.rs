//! Trust on first use: the certificate that an endpoint shows first is the one it must show ever after.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
};

use rustls::{
    CertificateError, Error, OtherError,
    client::{WebPkiServerVerifier, danger::ServerCertVerified},
    pki_types::{CertificateDer, ServerName},
};

use crate::{Fingerprint, endpoint::Endpoint};

/// What is known of each endpoint, for the life of the process: a provider that is configured anew must not forget
/// whom it trusted. There are as many entries as endpoints somebody configured.
static KNOWN: LazyLock<Mutex<HashMap<String, Arc<Mutex<Trust>>>>> = LazyLock::new(Mutex::default);

/// What the process knows about one endpoint.
#[derive(Clone, Debug)]
pub(super) struct Pin {
    host: String,
    endpoint: String,
    trust: Arc<Mutex<Trust>>,
}

#[derive(Debug, Default)]
enum Trust {
    /// No connection was made yet.
    #[default]
    Unknown,
    /// The first certificate passed by the system's roots, so all others must.
    Chain(Arc<WebPkiServerVerifier>),
    /// The first certificate.
    Pinned(CertificateDer<'static>),
}

/// The endpoint shows another certificate than the pinned one.
#[derive(Debug, thiserror::Error)]
#[error(
    "the certificate of {endpoint} has changed from SHA-256 {pinned} to {shown}; \
     if that is right, restart this process"
)]
struct CertificateChanged {
    endpoint: String,
    pinned: Fingerprint,
    shown: Fingerprint,
}

impl Pin {
    pub(super) fn of(endpoint: &Endpoint) -> Self {
        let name = format!("{}:{}", endpoint.host(), endpoint.port());
        let trust = Arc::clone(lock(&KNOWN).entry(name.clone()).or_default());
        Self { host: endpoint.host().to_owned(), endpoint: name, trust }
    }

    /// Whether the certificate may be the endpoint's. With nothing known yet, `load` gives a verifier to try first.
    pub(super) fn check<L>(
        &self,
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
        load: Option<L>,
        chained: impl Fn(&WebPkiServerVerifier) -> Result<ServerCertVerified, Error>,
    ) -> Result<ServerCertVerified, Error>
    where
        L: Fn() -> Result<Arc<WebPkiServerVerifier>, Error>,
    {
        // Nobody but the endpoint itself is pinned, such as a proxy on the way.
        if name.to_str() != self.host {
            return Err(CertificateError::NotValidForName.into());
        }
        let mut trust = lock(&self.trust);
        match &*trust {
            Trust::Chain(chain) => return chained(chain),
            Trust::Pinned(pinned) => self.compare(pinned, certificate)?,
            Trust::Unknown => {
                // The roots are dropped again where they do not help: self-signed servers are the rule.
                if let Some(Ok(chain)) = load.map(|load| load())
                    && chained(&chain).is_ok()
                {
                    *trust = Trust::Chain(chain);
                }
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    /// Pins the certificate if none is known. To be called when the server has proved to hold its key; else anyone
    /// could make this process pin a certificate that nobody can use.
    pub(super) fn keep(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        let mut trust = lock(&self.trust);
        match &*trust {
            Trust::Chain(_) => Ok(()),
            Trust::Pinned(pinned) => self.compare(pinned, certificate),
            Trust::Unknown => {
                tracing::warn!(
                    endpoint = self.endpoint,
                    sha256 = %Fingerprint::of(certificate),
                    "no certificate authority is known for the endpoint: its first certificate is pinned"
                );
                *trust = Trust::Pinned(certificate.clone().into_owned());
                Ok(())
            }
        }
    }

    fn compare(&self, pinned: &CertificateDer<'_>, shown: &CertificateDer<'_>) -> Result<(), Error> {
        if pinned == shown {
            return Ok(());
        }
        let changed = CertificateChanged {
            endpoint: self.endpoint.clone(),
            pinned: Fingerprint::of(pinned),
            shown: Fingerprint::of(shown),
        };
        Err(CertificateError::Other(OtherError(Arc::new(changed))).into())
    }
}

/// State behind these locks is replaced whole, so a panic elsewhere leaves it good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Load = fn() -> Result<Arc<WebPkiServerVerifier>, Error>;

    fn pin(port: u16) -> Pin {
        Pin::of(&Endpoint::parse(&format!("https://pin.example:{port}")).unwrap())
    }

    fn check(pin: &Pin, certificate: &CertificateDer<'_>, name: &str) -> Result<ServerCertVerified, Error> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        pin.check(certificate, &name, None::<Load>, |_| Err(Error::General("no chain".to_owned())))
    }

    #[test]
    fn a_certificate_is_pinned_only_when_its_key_was_proved() {
        let (first, second) = (CertificateDer::from(vec![1]), CertificateDer::from(vec![2]));
        let pin_1 = pin(1);
        check(&pin_1, &first, "pin.example").unwrap();
        // The handshake failed; somebody else may come first.
        check(&pin_1, &second, "pin.example").unwrap();
        pin_1.keep(&second).unwrap();
        assert!(check(&pin_1, &first, "pin.example").is_err());
        assert!(pin_1.keep(&first).is_err());
        // The same endpoint is the same pin, whoever asks; another port is another.
        assert!(check(&pin(1), &first, "pin.example").is_err());
        assert!(check(&pin(2), &first, "pin.example").is_ok());
    }

    #[test]
    fn nobody_but_the_endpoint_is_pinned() {
        assert!(check(&pin(3), &CertificateDer::from(vec![1]), "proxy.example").is_err());
    }
}
