//! The certificate that a host makes for itself at its first start, signed by an authority of its own, kept and reused.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use super::TlsError;
use crate::{config::TlsFiles, owner_only};

pub(super) const CA_FILE: &str = "ca.pem";
const CA_KEY_FILE: &str = "ca.key";
const CERTIFICATE_FILE: &str = "server.pem";
const KEY_FILE: &str = "server.key";
const NAMES_FILE: &str = "server.names";

/// The certificate kept in `dir`, made for `localhost`, the machine's name and `listen` if it is not there.
pub(super) fn ensure(dir: &Path, listen: IpAddr) -> Result<TlsFiles, TlsError> {
    let names = names(listen);
    let kept = owner_only::read(&dir.join(NAMES_FILE)).map_err(TlsError::keep(dir))?;
    if kept.as_deref() != Some(names.as_bytes()) || !dir.join(CA_FILE).exists() {
        make(dir, &names)?;
    }
    Ok(TlsFiles { certificate: dir.join(CERTIFICATE_FILE), key: dir.join(KEY_FILE) })
}

/// What the certificate is for, one name a line.
fn names(listen: IpAddr) -> String {
    let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let addresses = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST), listen];
    let mut names: BTreeSet<String> =
        addresses.iter().filter(|ip| !ip.is_unspecified()).map(IpAddr::to_string).collect();
    names.extend(["localhost".to_owned(), machine].into_iter().filter(|name| is_host_name(name)));
    names.into_iter().collect::<Vec<_>>().join("\n")
}

fn is_host_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
}

/// Writes a certificate for `names`. The authority is kept if there is one, so that its clients stay content.
fn make(dir: &Path, names: &str) -> Result<(), TlsError> {
    let write =
        |file: &str, content: &str| owner_only::write(&dir.join(file), content.as_bytes()).map_err(TlsError::keep(dir));

    let ca_key = match owner_only::read(&dir.join(CA_KEY_FILE)).map_err(TlsError::keep(dir))? {
        Some(pem) => KeyPair::from_pem(&String::from_utf8_lossy(&pem)).map_err(TlsError::Make)?,
        None => KeyPair::generate().map_err(TlsError::Make)?,
    };
    write(CA_KEY_FILE, &ca_key.serialize_pem())?;
    if !dir.join(CA_FILE).exists() {
        write(CA_FILE, &ca_params().self_signed(&ca_key).map_err(TlsError::Make)?.pem())?;
    }

    let mut params =
        CertificateParams::new(names.lines().map(str::to_owned).collect::<Vec<_>>()).map_err(TlsError::Make)?;
    params.distinguished_name = named("drpx host");
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().map_err(TlsError::Make)?;
    let issuer = Issuer::new(ca_params(), ca_key);
    let certificate = params.signed_by(&key, &issuer).map_err(TlsError::Make)?;
    write(KEY_FILE, &key.serialize_pem())?;
    write(CERTIFICATE_FILE, &certificate.pem())?;
    // Last, because it says that the others are complete.
    write(NAMES_FILE, names)
}

fn ca_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named("drpx certificate authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    fn open(dir: &Path, listen: IpAddr) -> Result<TlsFiles, TlsError> {
        owner_only::create_dir(dir).unwrap();
        ensure(dir, listen)
    }

    fn read(dir: &Path, file: &str) -> String {
        fs::read_to_string(dir.join(file)).unwrap()
    }

    #[test]
    fn an_identity_is_made_once_and_closed_to_others() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("tls");
        open(&dir, Ipv4Addr::LOCALHOST.into()).unwrap();
        let first = [read(&dir, CA_FILE), read(&dir, CERTIFICATE_FILE)];
        open(&dir, Ipv4Addr::LOCALHOST.into()).unwrap();
        assert_eq!(first, [read(&dir, CA_FILE), read(&dir, CERTIFICATE_FILE)]);
        for entry in fs::read_dir(&dir).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
        }
        assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn another_address_gets_another_certificate_from_the_same_authority() {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path(), Ipv4Addr::LOCALHOST.into()).unwrap();
        let [ca, certificate] = [read(dir.path(), CA_FILE), read(dir.path(), CERTIFICATE_FILE)];
        open(dir.path(), Ipv4Addr::new(192, 0, 2, 1).into()).unwrap();
        assert_eq!(read(dir.path(), CA_FILE), ca);
        assert_ne!(read(dir.path(), CERTIFICATE_FILE), certificate);
    }
}
