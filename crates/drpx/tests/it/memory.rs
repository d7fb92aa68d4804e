//! What hostile clients cost the server.

use std::{path::Path, sync::Arc, time::Duration};

use drp_core::limits;
use http::StatusCode;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::process::{Server, eventually};

/// What a server may hold for good of all that was thrown at it.
const GROWTH_MAX_MIB: u64 = 100;

/// Memory of a process that lies in RAM, in MiB.
fn resident_mib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() >> 10
}

pub(crate) fn trusting(ca_file: &Path) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca_file).unwrap()).unwrap();
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// `#46`.
#[tokio::test(flavor = "multi_thread")]
async fn hostile_bodies_do_not_raise_memory_for_good() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let client = reqwest::Client::builder().tls_backend_preconfigured(trusting(&server.ca_file)).build().unwrap();
    let post = |body: String| {
        let request = client.post(format!("{}/api/v3/profiles", server.endpoint)).basic_auth("admin", Some("hunter22"));
        let request = request.header("content-type", "application/json").body(body);
        async move { request.send().await.unwrap().status() }
    };
    assert_eq!(post(r#"{"Name":"p1"}"#.to_owned()).await, StatusCode::CREATED);
    let before = resident_mib(server.child.id());
    // Of a size that an unoptimized server takes in its stride.
    let size = limits::BODY_BYTES_MAX / 8;
    let bodies = [
        "[".repeat(size),
        format!("[{}", "1,".repeat(size / 2)),
        format!(r#"{{"Name":"p2","Params":{{"a":[{}"#, "{},".repeat(size / 3)),
        format!(r#"{{{}"Name":1}}"#, r#""aaaaaaaa":0,"#.repeat(size / 16)),
        format!(r#"{{"Name":"{}"}}"#, "x".repeat(size / 16)),
        format!(r#"{{"Name":"p3/","Params":{{{}"x":1}}}}"#, r#""bbbbbbbb":{"c":[]},"#.repeat(size / 24)),
    ];
    for _ in 0..2 {
        let sent = futures_util::future::join_all(bodies.iter().cloned().map(&post)).await;
        assert!(sent.iter().all(StatusCode::is_client_error), "{sent:?}");
    }
    eventually(Duration::from_secs(20), "the memory is given back", || {
        let growth = resident_mib(server.child.id()).saturating_sub(before);
        (growth < GROWTH_MAX_MIB).then_some(())
    });
}
