//! The certificate that the host shows: one of the operator's, or one that it makes for itself ([`made`]).
//!
//! Go clients verify nothing; drpx ones verify against [`Identity::ca_file`].

mod made;
mod pair;

use std::{
    io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::ring,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use self::pair::Pair;
pub use self::pair::{CertificateError, CertificateInfo};
use crate::{config::TlsFiles, owner_only};

/// What providers verify the host against if the certificate is the operator's.
const TRUSTED_FILE: &str = "trusted.pem";

/// The host has no certificate to show.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file could not be read or written.
    #[error("cannot keep the server's certificate in `{path}`", path = path.display())]
    File {
        /// The folder of the certificates.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A certificate could not be made.
    #[error("cannot make the server's certificate")]
    Make(#[source] rcgen::Error),
    /// There is no good certificate and key.
    #[error("cannot use the certificate in `{certificate}`", certificate = certificate.display())]
    Use {
        /// The file of the certificate.
        certificate: PathBuf,
        /// What is wrong with it or its key.
        #[source]
        source: CertificateError,
    },
    /// TLS does not work here at all.
    #[error("cannot set TLS up")]
    Setup(#[source] rustls::Error),
}

impl TlsError {
    fn keep(dir: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::File { path: dir.to_owned(), source }
    }
}

/// Who the host is on the wire.
pub(crate) struct Identity {
    /// What clients verify the host against, in PEM.
    pub(crate) ca_file: PathBuf,
    /// How to speak TLS as the host.
    pub(crate) config: Arc<ServerConfig>,
    files: TlsFiles,
    /// Whether the certificate is the operator's, so that nobody knows the authority behind it.
    is_supplied: bool,
    shown: Arc<Shown>,
    /// What is shown now, for whoever asks. Held while another takes its place.
    current: Mutex<Pair>,
}

/// The certificate that new connections are shown.
#[derive(Debug)]
struct Shown(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl Identity {
    /// Opens the operator's certificate; or else the one kept in `dir`, which is made for `localhost`, the machine's
    /// name and `listen` if it is not there.
    pub(crate) fn open(dir: &Path, listen: IpAddr, supplied: Option<&TlsFiles>) -> Result<Self, TlsError> {
        owner_only::create_dir(dir).map_err(TlsError::keep(dir))?;
        let (files, ca_file) = match supplied {
            Some(files) => (files.clone(), dir.join(TRUSTED_FILE)),
            None => (made::ensure(dir, listen)?, dir.join(made::CA_FILE)),
        };
        let pair = read(&files)?;
        let shown = Arc::new(Shown(ArcSwap::new(Arc::clone(&pair.key))));
        let config = Arc::new(server_config(Arc::clone(&shown)).map_err(TlsError::Setup)?);
        let is_supplied = supplied.is_some();
        let identity = Self { ca_file, config, files, is_supplied, shown, current: Mutex::new(pair) };
        identity.trust(&[&identity.current()])?;
        Ok(identity)
    }

    /// What the certificate says of itself.
    pub(crate) fn info(&self) -> CertificateInfo {
        self.current().info.clone()
    }

    /// What should be better about the files.
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.current().warnings.clone()
    }

    /// Reads the files again and shows new connections what is in them; says whether that is something else. Blocks.
    ///
    /// # Errors
    /// The files cannot be used. The certificate of before stays in force.
    pub(crate) fn reload(&self) -> Result<bool, TlsError> {
        let mut current = self.current();
        let new = read(&self.files)?;
        let is_new = new.key.cert != current.key.cert;
        if is_new {
            // Whoever verifies must know the new one before it is shown, and the old one until then.
            self.trust(&[&new, &current])?;
        }
        self.shown.0.store(Arc::clone(&new.key));
        *current = new;
        if is_new {
            self.trust(&[&current])?;
        }
        Ok(is_new)
    }

    /// Writes what providers are to believe: the operator's certificates themselves. They may have been made for a
    /// public name only, while a provider comes by an address, so no authority would help.
    fn trust(&self, pairs: &[&Pair]) -> Result<(), TlsError> {
        if !self.is_supplied {
            return Ok(());
        }
        let text: String = pairs.iter().map(|pair| pair.pem.as_str()).collect();
        let dir = self.ca_file.parent().unwrap_or(Path::new("."));
        owner_only::write(&self.ca_file, text.as_bytes()).map_err(TlsError::keep(dir))
    }

    fn current(&self) -> std::sync::MutexGuard<'_, Pair> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(files: &TlsFiles) -> Result<Pair, TlsError> {
    Pair::read(files).map_err(|source| TlsError::Use { certificate: files.certificate.clone(), source })
}

fn server_config(shown: Arc<Shown>) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(shown);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Go clients give a handshake one second: resumed ones cost far less.
    config.ticketer = ring::Ticketer::new()?;
    Ok(config)
}

#[cfg(test)]
mod tests;
