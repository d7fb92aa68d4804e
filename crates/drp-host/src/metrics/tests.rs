#![allow(clippy::unwrap_used)]

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{Host, HostConfig, shared::Phase};

const LIMIT: Duration = Duration::from_secs(20);
const DOCUMENTED: &str = include_str!("../../../../docs/operations.md");

struct Served {
    host: Host,
    address: SocketAddr,
    _directory: tempfile::TempDir,
}

impl Served {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = HostConfig {
            data: directory.path().join("data"),
            listen: ([127, 0, 0, 1], 0).into(),
            metrics_listen: Some(([127, 0, 0, 1], 0).into()),
            ..HostConfig::default()
        };
        let host = Host::start(config).await.unwrap();
        Self { address: host.metrics_address().unwrap(), host, _directory: directory }
    }

    /// The answer to a request, its head and body in one.
    async fn ask(&self, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        tokio::time::timeout(LIMIT, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        answer
    }
}

#[tokio::test]
async fn every_metric_is_documented_with_its_type() {
    let served = Served::start().await;
    // What is counted by label is only there once there is something to count.
    served.host.reload().await;
    api(&served.host, "/api/v3/info").await;
    let answer = served.ask("GET", "/metrics").await;
    assert!(answer.contains("Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8"), "{answer}");
    assert!(answer.ends_with("# EOF\n"), "{answer}");
    let found: BTreeSet<&str> = answer.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let documented: Vec<String> = DOCUMENTED.lines().filter_map(documented).collect();
    assert_eq!(found, documented.iter().map(String::as_str).collect());
    served.host.stop().await;
}

/// Name and type in a line of the documentation's table, as the scrape has them.
fn documented(line: &str) -> Option<String> {
    let mut cells = line.strip_prefix("| `drpx_")?.split('|').map(str::trim);
    let name = cells.next()?.trim_end_matches('`');
    let kind = cells.next()?;
    let name = if kind == "counter" { name.trim_end_matches("_total") } else { name };
    let name = if kind == "info" { name.trim_end_matches("_info") } else { name };
    Some(format!("drpx_{name} {kind}"))
}

/// A request to the API, of which only the head counts.
async fn api(host: &Host, path: &str) -> String {
    let tcp = TcpStream::connect(host.shared().addresses.api).await.unwrap();
    let roots = rustls::RootCertStore {
        roots: rustls_pki_types::pem::PemObject::from_pem_file(host.ca_file())
            .map(|ca: rustls_pki_types::CertificateDer<'static>| {
                let mut roots = rustls::RootCertStore::empty();
                roots.add(ca).unwrap();
                roots.roots
            })
            .unwrap(),
    };
    let config = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
    let mut stream = connector.connect("127.0.0.1".try_into().unwrap(), tcp).await.unwrap();
    let token = host.admin_token();
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(LIMIT, stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn requests_are_counted_by_the_template_of_their_route_and_nothing_that_a_client_makes_up() {
    let served = Served::start().await;
    for path in ["/api/v3/machines/Name:a", "/api/v3/machines/Name:b", "/api/v3/info", "/nowhere", "/files/x"] {
        api(&served.host, path).await;
    }
    let answer = served.ask("GET", "/metrics").await;
    let counts: BTreeSet<&str> = answer.lines().filter(|line| line.starts_with("drpx_http_requests_total")).collect();
    let expected = [
        r#"drpx_http_requests_total{method="GET",route="/api/v3/info",status="2xx"} 1"#,
        r#"drpx_http_requests_total{method="GET",route="/api/v3/{prefix}/{key}",status="4xx"} 2"#,
        r#"drpx_http_requests_total{method="GET",route="/files/{*path}",status="4xx"} 1"#,
        r#"drpx_http_requests_total{method="GET",route="other",status="4xx"} 1"#,
    ];
    assert_eq!(counts, expected.into_iter().collect());
    let timed = r#"drpx_http_request_duration_seconds_count{method="GET",route="/api/v3/{prefix}/{key}"} 2"#;
    assert!(answer.lines().any(|line| line == timed), "{answer}");
    assert!(answer.lines().any(|line| line == "drpx_http_requests_in_flight 0"), "{answer}");
    served.host.stop().await;
}

#[tokio::test]
async fn a_host_says_whether_it_lives_and_whether_it_is_ready_and_if_not_why() {
    let served = Served::start().await;
    let check = async |path: &str, status: &str, body: &str| {
        let answer = served.ask("GET", path).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.ends_with(body), "{path}: {answer}");
    };
    check("/health", "200", r#"{"status":"alive"}"#).await;
    check("/ready", "200", r#"{"ready":true,"reasons":[]}"#).await;
    served.host.shared().phase.send_replace(Phase::Starting);
    let importing = r#"{"ready":false,"reasons":[{"check":"providers","reason":"they are being imported"}]}"#;
    check("/ready", "503", importing).await;
    served.host.shared().phase.send_replace(Phase::Stopping);
    check("/ready", "503", r#"{"ready":false,"reasons":[{"check":"host","reason":"it is stopping"}]}"#).await;
    check("/health", "200", r#"{"status":"alive"}"#).await;
    check("/api/v3/info", "404", r#""Code":404}"#).await;
    assert!(served.ask("POST", "/metrics").await.starts_with("HTTP/1.1 404 "));
    served.host.stop().await;
    assert!(TcpStream::connect(served.address).await.is_err());
}
