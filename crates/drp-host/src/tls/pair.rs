//! A certificate and its key, read from files and checked before anybody is shown them.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use drp_core::limits;
use ring::digest::{SHA256, digest};
use rustls::{InconsistentKeys, crypto::ring as provider, sign::CertifiedKey};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject};
use x509_parser::{certificate::X509Certificate, prelude::FromDer, time::ASN1Time};

use crate::config::TlsFiles;

/// A certificate that ends within this time deserves a warning.
const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// A certificate and its key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("cannot read `{path}`", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file is not the PEM that it should be.
    #[error("`{path}` has no {expected} in PEM", path = path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What should be in it.
        expected: &'static str,
        /// What is wrong with it.
        #[source]
        source: pem::Error,
    },
    /// The certificate is damaged.
    #[error("the certificate is damaged: {0}")]
    Certificate(String),
    /// The certificate does not hold any more, or not yet.
    #[error("the certificate is valid from {from} to {to} only", from = .0.not_before, to = .0.not_after)]
    NotNow(CertificateInfo),
    /// The key is of a kind that TLS does not know.
    #[error("the key in `{path}` cannot be used: {reason}", path = path.display())]
    Key {
        /// The file of the key.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The key belongs to another certificate.
    #[error("the key in `{path}` does not belong to it", path = path.display())]
    Mismatch {
        /// The file of the key.
        path: PathBuf,
    },
}

/// What a certificate says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateInfo {
    /// SHA-256 of the certificate, in hexadecimal.
    pub sha256: String,
    /// Whom it is for.
    pub subject: String,
    /// Since when it is valid.
    pub not_before: String,
    /// Until when it is valid.
    pub not_after: String,
    /// Until when it is valid, in seconds since 1970.
    pub not_after_seconds: i64,
}

/// A certificate and its key that fit.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) key: Arc<CertifiedKey>,
    /// The certificate alone: its file may hold others, and the key.
    pub(super) pem: String,
    pub(super) info: CertificateInfo,
    /// What should be better.
    pub(super) warnings: Vec<String>,
}

impl Pair {
    pub(super) fn read(files: &TlsFiles) -> Result<Self, CertificateError> {
        let chain = certificates(&read(&files.certificate)?, &files.certificate)?;
        let no_key = |source| CertificateError::Pem { path: files.key.clone(), expected: "private key", source };
        let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?).map_err(no_key)?;
        let first = chain.first().ok_or_else(|| CertificateError::Certificate("there is none".to_owned()))?;
        let pem = encode(first);
        let (info, valid) = CertificateInfo::of(first)?;
        let now = ASN1Time::now().timestamp();
        if !valid.contains(&now) {
            return Err(CertificateError::NotNow(info));
        }
        let key = CertifiedKey::from_der(chain, key, &provider::default_provider());
        let key = key.map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                CertificateError::Mismatch { path: files.key.clone() }
            }
            other => CertificateError::Key { path: files.key.clone(), reason: other.to_string() },
        })?;
        let warnings = warnings(files, &info, now);
        Ok(Self { key: Arc::new(key), pem, info, warnings })
    }
}

impl CertificateInfo {
    /// Reads a certificate; also gives the seconds since 1970 in which it is valid.
    fn of(certificate: &CertificateDer<'_>) -> Result<(Self, std::ops::RangeInclusive<i64>), CertificateError> {
        let parsed = X509Certificate::from_der(certificate);
        let (_, parsed) = parsed.map_err(|error| CertificateError::Certificate(error.to_string()))?;
        let validity = parsed.validity();
        let hash = digest(&SHA256, certificate);
        let info = Self {
            sha256: hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect(),
            subject: parsed.subject().to_string(),
            not_before: validity.not_before.to_string(),
            not_after: validity.not_after.to_string(),
            not_after_seconds: validity.not_after.timestamp(),
        };
        Ok((info, validity.not_before.timestamp()..=validity.not_after.timestamp()))
    }
}

fn certificates(text: &[u8], path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let bad = |source| CertificateError::Pem { path: path.to_owned(), expected: "certificate", source };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(text).collect::<Result<_, _>>().map_err(bad)?;
    if chain.is_empty() { Err(bad(pem::Error::NoItemsFound)) } else { Ok(chain) }
}

fn warnings(files: &TlsFiles, info: &CertificateInfo, now: i64) -> Vec<String> {
    let mut warnings = Vec::new();
    let mode = fs::metadata(&files.key).map_or(0, |metadata| metadata.permissions().mode() & 0o777);
    if mode & 0o077 != 0 {
        let key = files.key.display();
        warnings.push(format!("The TLS key {key} has mode {mode:03o}: others than its owner can use it (chmod 600)"));
    }
    if info.not_after_seconds - now < SOON.as_secs().cast_signed() {
        let file = files.certificate.display();
        warnings.push(format!("The TLS certificate {file} is valid until {} only", info.not_after));
    }
    warnings
}

fn read(path: &Path) -> Result<Vec<u8>, CertificateError> {
    let failed = |source| CertificateError::Read { path: path.to_owned(), source };
    let mut content = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(limits::SECRET_FILE_BYTES_MAX + 1).read_to_end(&mut content).map_err(failed)?;
    if content.len() as u64 > limits::SECRET_FILE_BYTES_MAX {
        let text = format!("it has more than {} bytes", limits::SECRET_FILE_BYTES_MAX);
        return Err(failed(io::Error::new(io::ErrorKind::FileTooLarge, text)));
    }
    Ok(content)
}

/// A certificate in PEM.
fn encode(certificate: &CertificateDer<'_>) -> String {
    let text = BASE64.encode(certificate);
    let mut lines = vec!["-----BEGIN CERTIFICATE-----"];
    let mut rest = text.as_str();
    while !rest.is_empty() {
        // Base64 has one byte a character.
        let (line, behind) = rest.split_at(rest.len().min(64));
        lines.push(line);
        rest = behind;
    }
    lines.extend(["-----END CERTIFICATE-----", ""]);
    lines.join("\n")
}
