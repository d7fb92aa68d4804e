//! Whose certificates to believe.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};

use crate::{ConfigError, endpoint::Endpoint};

pub use self::fingerprint::{Fingerprint, ParseFingerprintError};

use self::pin::Pin;

mod fingerprint;
mod pin;

/// Whose certificates to believe.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TlsPolicy {
    /// The certificate authorities in a PEM file, and no others. A server certificate that stands in the file itself
    /// is believed as it is. The file is read again when a server is not believed by it.
    CaFile(PathBuf),
    /// The certificate authorities of this system.
    SystemRoots,
    /// The first certificate that the endpoint shows, and from then on, for the life of the process, no other. Its
    /// fingerprint is logged as a warning.
    PinFirst,
    /// [`SystemRoots`](Self::SystemRoots) if the endpoint's first certificate passes by them, else
    /// [`PinFirst`](Self::PinFirst). Whichever it is holds for the life of the process.
    RootsOrPinFirst,
    /// The one certificate with this fingerprint, whatever names and dates are in it.
    Pinned(Fingerprint),
    /// Anyone. For tests against servers of one's own. Each client that is made so logs a warning.
    DangerAcceptInvalid,
}

/// A certificate that is not believed. It is named, so that people can compare it with what its owner says and then
/// believe that one and no other.
#[derive(Debug, thiserror::Error)]
#[error(
    "the certificate with SHA-256 {shown} is not believed: if its owner says it is right, pin it or name its CA file"
)]
struct NotBelieved {
    shown: Fingerprint,
    source: Error,
}

/// The endpoint shows another certificate than the one that somebody pinned.
#[derive(Debug, thiserror::Error)]
#[error("the certificate has SHA-256 {shown} instead of the pinned {pinned}")]
struct NotPinned {
    shown: Fingerprint,
    pinned: Fingerprint,
}

/// The TLS set-up for REST and websockets alike.
pub(crate) fn client_config(policy: &TlsPolicy, endpoint: &Endpoint) -> Result<ClientConfig, ConfigError> {
    // Named here and never taken from the process: a plugin may use another provider for itself.
    let provider = Arc::new(ring::default_provider());
    let rule = match policy {
        TlsPolicy::CaFile(path) => Rule::File(RootsFile::open(path, &provider)?),
        TlsPolicy::SystemRoots => Rule::System(SystemRoots::default()),
        TlsPolicy::PinFirst => Rule::Pin(Pin::of(endpoint), None),
        TlsPolicy::RootsOrPinFirst => Rule::Pin(Pin::of(endpoint), Some(system_chain)),
        TlsPolicy::Pinned(fingerprint) => Rule::Fingerprint(*fingerprint),
        TlsPolicy::DangerAcceptInvalid => {
            tracing::warn!(
                %endpoint,
                "any certificate is believed: whoever sits in between can read and change everything"
            );
            Rule::Anyone
        }
    };
    let verifier = Verifier { rule, provider: Arc::clone(&provider) };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ConfigError::Setup(Box::new(error)))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(config)
}

/// Checks certificates by the rule, and always that the server holds the key of the certificate it shows.
#[derive(Debug)]
struct Verifier {
    rule: Rule,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug)]
enum Rule {
    File(RootsFile),
    System(SystemRoots),
    Pin(Pin, Option<LoadChain>),
    Fingerprint(Fingerprint),
    Anyone,
}

/// How to get a verifier when one is needed.
type LoadChain = fn(&Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>, Error>;

impl Verifier {
    fn algorithms(&self) -> &WebPkiSupportedAlgorithms {
        &self.provider.signature_verification_algorithms
    }

    /// Called once the server has proved to hold the certificate's key.
    fn accept(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        match &self.rule {
            Rule::Pin(pin, _) => pin.keep(certificate),
            _ => Ok(()),
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chained =
            |chain: &WebPkiServerVerifier| chain.verify_server_cert(certificate, intermediates, name, ocsp, now);
        let named = |source| other(NotBelieved { shown: Fingerprint::of(certificate), source });
        match &self.rule {
            Rule::File(file) => file.check(certificate, &self.provider, chained).map_err(named),
            Rule::System(roots) => chained(&*roots.chain(&self.provider)?).map_err(named),
            Rule::Fingerprint(pinned) => match Fingerprint::of(certificate) {
                shown if shown == *pinned => Ok(ServerCertVerified::assertion()),
                shown => Err(other(NotPinned { shown, pinned: *pinned })),
            },
            Rule::Pin(pin, load) => {
                let load = load.map(|load| move || load(&self.provider));
                pin.check(certificate, name, load, chained)
            }
            Rule::Anyone => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let valid = verify_tls12_signature(message, certificate, signature, self.algorithms())?;
        self.accept(certificate).map(|()| valid)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let valid = verify_tls13_signature(message, certificate, signature, self.algorithms())?;
        self.accept(certificate).map(|()| valid)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms().supported_schemes()
    }
}

/// An error of our own, in the form that the TLS library hands on.
fn other(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    CertificateError::Other(OtherError(Arc::new(error))).into()
}

/// A CA file. It is read again when it does not help: a server whose certificate is exchanged while it runs tells its
/// providers by this file.
#[derive(Debug)]
struct RootsFile {
    path: PathBuf,
    roots: Mutex<Arc<FileRoots>>,
}

impl RootsFile {
    fn open(path: &Path, provider: &Arc<CryptoProvider>) -> Result<Self, ConfigError> {
        let roots = Mutex::new(Arc::new(FileRoots::read(path, provider)?));
        Ok(Self { path: path.to_owned(), roots })
    }

    /// Whether the certificate is listed or passes by `chained`.
    fn check(
        &self,
        certificate: &CertificateDer<'_>,
        provider: &Arc<CryptoProvider>,
        chained: impl Fn(&WebPkiServerVerifier) -> Result<ServerCertVerified, Error>,
    ) -> Result<ServerCertVerified, Error> {
        let check = |roots: &FileRoots| {
            if roots.listed.contains(certificate) {
                return Ok(ServerCertVerified::assertion());
            }
            chained(&roots.chain)
        };
        let known = Arc::clone(&self.roots());
        check(&known).or_else(|refusal| match FileRoots::read(&self.path, provider) {
            Ok(now) if now.listed != known.listed => {
                let now = Arc::new(now);
                *self.roots() = Arc::clone(&now);
                check(&now)
            }
            _ => Err(refusal),
        })
    }

    fn roots(&self) -> MutexGuard<'_, Arc<FileRoots>> {
        self.roots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The certificates of a CA file.
#[derive(Debug)]
struct FileRoots {
    /// As they stand there: a DRP server's own certificate says of itself that it is an authority, which no chain
    /// may end in, so the chain's verifier refuses it even where it is listed.
    listed: Vec<CertificateDer<'static>>,
    chain: Arc<WebPkiServerVerifier>,
}

impl FileRoots {
    fn read(path: &Path, provider: &Arc<CryptoProvider>) -> Result<Self, ConfigError> {
        let bad = |source| ConfigError::CaFile { path: path.to_owned(), source };
        let listed: Vec<CertificateDer<'static>> =
            CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(|error| bad(Box::new(error)))?;
        let mut roots = RootCertStore::empty();
        for certificate in &listed {
            roots.add(certificate.clone()).map_err(|error| bad(Box::new(error)))?;
        }
        let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
            .build()
            .map_err(|error| bad(Box::new(error)))?;
        Ok(Self { listed, chain })
    }
}

/// The authorities of this system, loaded when the first certificate is to be checked by them: they take a
/// megabyte that most providers never need.
#[derive(Debug, Default)]
struct SystemRoots(std::sync::OnceLock<Arc<WebPkiServerVerifier>>);

impl SystemRoots {
    fn chain(&self, provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>, Error> {
        if let Some(chain) = self.0.get() {
            return Ok(Arc::clone(chain));
        }
        let chain = system_chain(provider)?;
        Ok(Arc::clone(self.0.get_or_init(|| chain)))
    }
}

fn system_chain(provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>, Error> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::debug!(%error, "a system root certificate cannot be read");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|_| Error::General("this system has no root certificates".to_owned()))
}
