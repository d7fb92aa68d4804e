//! What is read again from the disk while the host runs.

use std::{fs, path::Path};

use drp_host::{CertificateReload, ContentChange, TlsFiles};
use http::{Request, StatusCode};
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, KeyPair};
use serde_json::json;

use crate::peer::{Peer, start_with_provider_in, within};

/// Writes a certificate for 127.0.0.1 that nobody had before, and its key.
fn new_certificate(files: &TlsFiles) -> Vec<u8> {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
    fs::write(&files.certificate, certificate.pem()).unwrap();
    fs::write(&files.key, key.serialize_pem()).unwrap();
    certificate.der().to_vec()
}

fn write_bundle(path: &Path, name: &str, profile: &str) {
    let sections = json!({ "profiles": { profile: { "Name": profile } } });
    fs::write(path, json!({ "meta": { "Name": name }, "sections": sections }).to_string()).unwrap();
}

/// The certificate that a new connection is shown.
async fn shown(peer: &Peer) -> Vec<u8> {
    let stream = peer.connect().await;
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

fn layers(answer: &crate::peer::Answer) -> Vec<String> {
    let layers = answer.json();
    let name = |layer: &serde_json::Value| format!("{} {}", layer["meta"]["Name"], layer["meta"]["Type"]);
    layers.as_array().unwrap().iter().map(name).collect()
}

/// `#15`.
#[tokio::test]
async fn a_reload_takes_what_is_good_and_keeps_what_was_there_of_what_is_bad() {
    let dir = tempfile::tempdir().unwrap();
    let content = dir.path().join("content");
    fs::create_dir(&content).unwrap();
    write_bundle(&content.join("disk.json"), "disk", "first");
    let files = TlsFiles { certificate: dir.path().join("drp.pem"), key: dir.path().join("drp.key") };
    let first = new_certificate(&files);
    let definition = json!({ "Content": json!({
        "meta": { "Name": "carrier" }, "sections": { "profiles": { "carried": { "Name": "carried" } } },
    }).to_string() });
    let (supplied, directory) = (files.clone(), content.clone());
    let mut peer = start_with_provider_in(dir, "carrier", definition, |mut config| {
        (config.tls, config.content) = (Some(supplied), Some(directory));
        config
    })
    .await;
    assert_eq!(shown(&peer).await, first);
    let before = layers(&peer.call("GET", "/contents", "").await);
    let expected =
        [r#""BackingStore" "writable""#, r#""disk" "local""#, r#""carrier" "plugin""#, r#""BasicStore" "basic""#];
    assert_eq!(before, expected);

    // A connection that was open before is used after, and never notices.
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(peer.connect().await)).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = |peer: &Peer| {
        let request = Request::get("/api/v3/profiles/second").header("authorization", peer.bearer());
        request.header("host", "x").body(Full::<bytes::Bytes>::default()).unwrap()
    };
    assert_eq!(within(sender.send_request(request(&peer))).await.unwrap().status(), StatusCode::NOT_FOUND);

    let second = new_certificate(&files);
    write_bundle(&content.join("disk.json"), "disk", "second");
    write_bundle(&content.join("clash.json"), "clash", "carried");
    let reloaded = peer.host.reload().await;
    assert!(matches!(reloaded.certificate, CertificateReload::Replaced(_)), "{reloaded:?}");
    let changes: Vec<_> = reloaded.content.iter().map(|content| content.change.clone()).collect();
    let text = "profiles:carried in layer local-clash would override layer plugin-carrier";
    assert!(matches!(&changes[0], ContentChange::Refused(reason) if reason.contains(text)), "{changes:?}");
    assert_eq!(changes[1], ContentChange::Replaced);
    assert!(reloaded.is_refused());

    within(sender.ready()).await.unwrap();
    assert_eq!(within(sender.send_request(request(&peer))).await.unwrap().status(), StatusCode::OK);
    connection.abort();
    peer.trust_anew();
    assert_eq!(shown(&peer).await, second);
    assert_eq!(layers(&peer.call("GET", "/contents", "").await), expected, "layers of providers stay");
    assert_eq!(peer.call("GET", "/profiles/carried", "").await.status, StatusCode::OK);

    fs::write(&files.key, "no key").unwrap();
    let reloaded = peer.host.reload().await;
    assert!(matches!(reloaded.certificate, CertificateReload::Refused(_)), "{reloaded:?}");
    assert_eq!(shown(&peer).await, second);
    let lines: Vec<String> = peer
        .call("GET", "/logs", "")
        .await
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["Message"].to_string())
        .collect();
    assert!(lines.iter().any(|line| line.contains("The certificate is refused, and the one of before stays in force")));
    assert!(lines.iter().any(|line| line.contains(text)), "{lines:?}");
    peer.host.stop().await;
}

#[tokio::test]
async fn content_on_disk_is_nobodys_to_replace_or_delete() {
    let dir = tempfile::tempdir().unwrap();
    let content = dir.path().join("content");
    fs::create_dir(&content).unwrap();
    write_bundle(&content.join("disk.json"), "disk", "first");
    let peer = Peer::start_in(dir, |mut config| {
        config.content = Some(content);
        config
    })
    .await;
    let body = json!({ "meta": { "Name": "disk" }, "sections": {} }).to_string();
    for (method, path) in [("POST", "/contents"), ("PUT", "/contents/disk"), ("DELETE", "/contents/disk")] {
        let refused = peer.call(method, path, &body).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{method}");
    }
    assert_eq!(peer.call("GET", "/profiles/first", "").await.status, StatusCode::OK);
    peer.host.stop().await;
}
