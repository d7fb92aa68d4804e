#![allow(clippy::unwrap_used)]

use std::{fs, net::Ipv4Addr, os::unix::fs::PermissionsExt};

use drp_core::chain;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls_pki_types::{CertificateDer, pem::PemObject};

use super::*;

struct Files {
    _directory: tempfile::TempDir,
    tls: PathBuf,
    files: TlsFiles,
}

fn files() -> Files {
    let directory = tempfile::tempdir().unwrap();
    let [certificate, key] = ["server.crt", "server.key"].map(|name| directory.path().join(name));
    Files { tls: directory.path().join("tls"), _directory: directory, files: TlsFiles { certificate, key } }
}

impl Files {
    fn write(&self, certificate: &str, key: &str) {
        owner_only::write(&self.files.certificate, certificate.as_bytes()).unwrap();
        owner_only::write(&self.files.key, key.as_bytes()).unwrap();
    }

    fn open(&self) -> Result<Identity, TlsError> {
        Identity::open(&self.tls, Ipv4Addr::LOCALHOST.into(), Some(&self.files))
    }
}

/// A certificate and its key, in PEM.
fn signed(name: &str, until_year: i32) -> (String, String) {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(until_year, 1, 1);
    let key = KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

#[test]
fn what_is_wrong_with_the_operators_files_is_said_with_their_names() {
    let (certificate, key) = signed("drp.example.com", 2999);
    let (_, other_key) = signed("drp.example.com", 2999);
    let (old, old_key) = signed("drp.example.com", 2021);
    let check = |certificate: &str, key: &str, expected: &[&str]| {
        let files = files();
        files.write(certificate, key);
        let text = files.open().err().map(|error| chain(&error)).unwrap();
        for part in expected {
            assert!(text.contains(part), "{text}: {part}");
        }
    };
    check("", &key, &["server.crt", "no certificate in PEM"]);
    check(&key, &key, &["server.crt", "no certificate in PEM"]);
    check(&certificate, &certificate, &["server.key", "no private key in PEM"]);
    check(&certificate, &other_key, &["server.crt", "the key in `", "server.key` does not belong to it"]);
    check(&old, &old_key, &["server.crt", "valid from Jan", "2021"]);

    let missing = files();
    let text = chain(&missing.open().err().unwrap());
    assert!(text.contains("cannot read `") && text.contains("No such file"), "{text}");
}

#[test]
fn a_key_that_others_can_read_and_a_certificate_that_ends_soon_are_warnings() {
    let files = files();
    let (certificate, key) = signed("drp.example.com", 2999);
    files.write(&certificate, &key);
    assert_eq!(files.open().unwrap().warnings(), [] as [String; 0]);
    fs::set_permissions(&files.files.key, fs::Permissions::from_mode(0o644)).unwrap();
    let warnings = files.open().unwrap().warnings();
    assert!(warnings.len() == 1 && warnings[0].contains("has mode 644"), "{warnings:?}");
}

#[test]
fn a_reload_shows_the_new_certificate_and_a_bad_one_leaves_the_old_in_force() {
    let files = files();
    let (certificate, key) = signed("one.example.com", 2999);
    files.write(&certificate, &key);
    let identity = files.open().unwrap();
    let first = identity.info();
    assert_eq!(trusted(&identity), [der(&certificate)]);
    assert!(!identity.reload().unwrap());

    files.write(&certificate, "no key");
    assert!(identity.reload().is_err());
    assert_eq!((identity.info(), identity.shown.0.load().cert[0].clone()), (first.clone(), der(&certificate)));

    let (other, other_key) = signed("two.example.com", 2999);
    files.write(&other, &other_key);
    assert!(identity.reload().unwrap());
    assert_ne!(identity.info().sha256, first.sha256);
    assert_eq!(identity.shown.0.load().cert[0], der(&other));
    assert_eq!(trusted(&identity), [der(&other)]);
}

#[test]
fn of_a_file_with_everything_in_it_only_the_certificate_is_for_others() {
    let files = files();
    let ((certificate, key), (authority, _)) = (signed("drp.example.com", 2999), signed("an authority", 2999));
    let all = format!("{key}{certificate}{authority}");
    files.write(&all, &all);
    let identity = files.open().unwrap();
    assert_eq!(identity.shown.0.load().cert, [der(&certificate), der(&authority)]);
    assert_eq!(trusted(&identity), [der(&certificate)]);
    let text = fs::read_to_string(&identity.ca_file).unwrap();
    assert!(!text.contains("KEY"), "{text}");
}

/// What others are to believe.
fn trusted(identity: &Identity) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_file_iter(&identity.ca_file).unwrap().map(Result::unwrap).collect()
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}
