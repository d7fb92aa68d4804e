//! Whom an author's HTTP client believes, and over which proxy it goes.

use std::{io::Write, process::Command};

use drp_plugin::{Error, HttpClient, Result, TlsTrust};
use raw_peer::{Device, Identity, reply};

fn device(identity: &Identity) -> Device {
    Device::https(identity, |_, out| reply(out, 200, &[], "here"))
}

async fn ask(device: &Device, trust: &str) -> Result<String> {
    let http = HttpClient::builder(device.url()).tls(trust.parse::<TlsTrust>().unwrap()).build()?;
    Ok(http.get("x").send().await?.text().into_owned())
}

fn is_refused(error: &Error, expected: &str) {
    assert!(error.to_string().contains(expected), "{error}\n{expected}");
    assert_eq!((error.code(), error.may_pass()), (502, false));
}

fn shown(identity: &Identity) -> String {
    identity.fingerprint.replace(':', "").to_lowercase()
}

#[tokio::test]
async fn an_unknown_certificate_is_refused_with_its_fingerprint_and_what_to_do() {
    let identity = Identity::new();
    let device = device(&identity);
    let error = ask(&device, "system").await.unwrap_err();
    let remedy = "is not believed: if its owner says it is right, pin it or name its CA file";
    is_refused(
        &error,
        &format!("no trusted TLS connection: the certificate with SHA-256 {} {remedy}", shown(&identity)),
    );
    assert!(device.requests().is_empty());
}

#[tokio::test]
async fn a_pinned_certificate_is_believed_and_no_other() {
    let (identity, other) = (Identity::new(), Identity::new());
    let pin = format!("sha256:{}", identity.fingerprint);
    assert_eq!(ask(&device(&identity), &pin).await.unwrap(), "here");
    let wrong = device(&other);
    let error = ask(&wrong, &pin).await.unwrap_err();
    is_refused(&error, &format!("has SHA-256 {} instead of the pinned {}", shown(&other), shown(&identity)));
    assert!(wrong.requests().is_empty());
}

#[tokio::test]
async fn a_ca_file_decides_who_is_believed() {
    let (identity, other) = (Identity::new(), Identity::new());
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(identity.authority_pem.as_bytes()).unwrap();
    let path = file.path().to_str().unwrap();
    assert_eq!(ask(&device(&identity), path).await.unwrap(), "here");
    is_refused(&ask(&device(&other), path).await.unwrap_err(), "is not believed");
    let error = ask(&device(&identity), "/nowhere/ca.pem").await.unwrap_err();
    assert!(error.code() == 400 && error.to_string().contains("`/nowhere/ca.pem`"), "{error}");
}

#[tokio::test]
async fn anyone_is_believed_where_that_is_said_aloud() {
    assert_eq!(ask(&device(&Identity::new()), "danger-accept-invalid").await.unwrap(), "here");
}

#[tokio::test]
async fn a_proxy_that_is_named_is_used() {
    let proxy = Device::plain(|_, out| reply(out, 200, &[], "by proxy"));
    let builder = HttpClient::builder("http://device.invalid/v1").allow_plain_http().proxy(proxy.url());
    let answer = builder.build().unwrap().get("x").query("a", 1).send().await.unwrap();
    assert_eq!(answer.text(), "by proxy");
    assert_eq!(proxy.requests()[0].path, "http://device.invalid/v1/x?a=1");
}

const DEVICE_ENV: &str = "DRPX_TEST_DEVICE";

/// Not a test of its own: with the variable set, this process asks what it says.
#[tokio::test]
async fn asking_process() {
    let Ok(url) = std::env::var(DEVICE_ENV) else { return };
    let builder = HttpClient::builder(&url).allow_plain_http().tries(1);
    let builder = if url.contains("noproxy") { builder.no_proxy() } else { builder };
    let answer = builder.build().unwrap().get("x").send().await.unwrap();
    assert_eq!(answer.text(), "here");
}

/// Whether a process whose environment names the proxy gets its answer from what it asks.
fn asks(proxy: &Device, url: &str, no_proxy: &str) -> bool {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "http_ways::asking_process", "--quiet"]).env(DEVICE_ENV, url);
    for name in ["http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "no_proxy", "REQUEST_METHOD"] {
        command.env_remove(name);
    }
    let output = command.env("HTTP_PROXY", proxy.url()).env("NO_PROXY", no_proxy).output().unwrap();
    output.status.success()
}

#[test]
fn the_proxy_of_the_environment_is_used_but_for_loopback_addresses() {
    let proxy = Device::plain(|_, out| reply(out, 200, &[], "here"));
    assert!(asks(&proxy, "http://device.invalid/v1", ""));
    assert_eq!(proxy.requests()[0].path, "http://device.invalid/v1/x");
    let device = Device::plain(|_, out| reply(out, 200, &[], "here"));
    assert!(asks(&proxy, device.url(), ""));
    assert!(!asks(&proxy, "http://device.invalid/v1", "device.invalid"));
    assert!(!asks(&proxy, "http://device.invalid/noproxy", ""));
    assert_eq!((proxy.requests().len(), device.requests().len()), (1, 1));
}
