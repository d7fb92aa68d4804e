//! Whose certificates are believed, for REST and websocket alike.

use std::{
    io::Write,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use drp_client::{Client, ClientError, ClientErrorKind, Config, ConfigError, StreamItem, TlsPolicy};
use futures_util::{SinkExt, StreamExt};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ALL_VERSIONS, ServerConfig, SupportedProtocolVersion,
    pki_types::{CertificateDer, PrivateKeyDer},
    version::{TLS12, TLS13},
};
use tempfile::NamedTempFile;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::{accept_async, tungstenite::Message};

use crate::peer::{config, json, serve, soon};

type Versions = &'static [&'static SupportedProtocolVersion];

const ONLY_TLS13: Versions = &[&TLS13];
const ONLY_TLS12: Versions = &[&TLS12];

struct Identity {
    certificate: CertificateDer<'static>,
    pem: String,
    key: KeyPair,
}

impl Identity {
    /// A certificate that signs itself; DRP servers' own are authorities by their own words.
    fn self_signed(host: &str, is_ca: bool) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        if is_ca {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate: certificate.der().clone(), pem: certificate.pem(), key }
    }

    /// An authority's PEM and a certificate that it signed.
    fn signed(host: &str) -> (String, Self) {
        let authority_key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&authority_key).unwrap();
        let issuer = Issuer::new(params, authority_key);
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([host.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        (authority.pem(), Self { certificate: certificate.der().clone(), pem: certificate.pem(), key })
    }

    fn acceptor(&self, versions: Versions) -> TlsAcceptor {
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], key)
            .unwrap();
        Arc::new(config).into()
    }
}

/// A TLS server whose certificate can be changed. Each answer ends its connection, so that each call shakes hands.
struct TlsPeer {
    address: SocketAddr,
    acceptor: Arc<Mutex<TlsAcceptor>>,
    versions: Versions,
}

impl TlsPeer {
    async fn start(host: &str, identity: &Identity) -> Self {
        Self::start_with(host, identity, ALL_VERSIONS).await
    }

    async fn start_with(host: &str, identity: &Identity, versions: Versions) -> Self {
        let listener = TcpListener::bind((host, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = Arc::new(Mutex::new(identity.acceptor(versions)));
        let current = Arc::clone(&acceptor);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = current.lock().unwrap().clone();
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    serve(stream, |_| {
                        let mut reply = json("200 OK", "{}");
                        reply.close = true;
                        reply
                    })
                    .await;
                });
            }
        });
        Self { address, acceptor, versions }
    }

    fn show(&self, identity: &Identity) {
        *self.acceptor.lock().unwrap() = identity.acceptor(self.versions);
    }

    fn client(&self, policy: TlsPolicy) -> Client {
        Client::new(self.config(policy)).unwrap()
    }

    fn config(&self, policy: TlsPolicy) -> Config {
        let mut config = config(&format!("https://{}", self.address));
        config.tls = policy;
        config
    }
}

async fn refusal(client: &Client) -> ClientError {
    let error = soon(client.info()).await.unwrap_err();
    assert!(matches!(error.kind(), ClientErrorKind::Tls(_)), "{}", error.chain());
    error
}

fn ca_file(pem: &str) -> (NamedTempFile, TlsPolicy) {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(pem.as_bytes()).unwrap();
    let policy = TlsPolicy::CaFile(file.path().to_owned());
    (file, policy)
}

#[tokio::test]
async fn a_ca_file_decides_who_is_believed() {
    let (authority, server) = Identity::signed("127.0.0.1");
    let (other_authority, _) = Identity::signed("127.0.0.1");
    let peer = TlsPeer::start("127.0.0.1", &server).await;
    let (_file, good) = ca_file(&authority);
    soon(peer.client(good.clone()).info()).await.unwrap();
    let (_other_file, wrong) = ca_file(&other_authority);
    refusal(&peer.client(wrong)).await;

    let (_, other_host) = Identity::signed("192.0.2.1");
    peer.show(&other_host);
    refusal(&peer.client(good)).await;
}

#[tokio::test]
async fn a_server_certificate_in_the_ca_file_is_believed_even_as_an_authority_of_its_own() {
    for is_ca in [true, false] {
        let server = Identity::self_signed("127.0.0.1", is_ca);
        let peer = TlsPeer::start("127.0.0.1", &server).await;
        let (_file, policy) = ca_file(&server.pem);
        soon(peer.client(policy.clone()).info()).await.unwrap();
        peer.show(&Identity::self_signed("127.0.0.1", is_ca));
        refusal(&peer.client(policy)).await;
    }
}

#[tokio::test]
async fn a_ca_file_that_changes_is_read_again_and_a_bad_one_changes_nothing() {
    let [first, second] = [0, 1].map(|_| Identity::self_signed("drp.example", false));
    let peer = TlsPeer::start("127.0.0.1", &first).await;
    let (file, policy) = ca_file(&first.pem);
    let client = peer.client(policy);
    soon(client.info()).await.unwrap();
    peer.show(&second);
    refusal(&client).await;
    std::fs::write(file.path(), "nothing of the kind").unwrap();
    refusal(&client).await;
    std::fs::write(file.path(), &second.pem).unwrap();
    soon(client.info()).await.unwrap();
    peer.show(&first);
    refusal(&client).await;
}

#[tokio::test]
async fn a_ca_file_that_is_none_is_named() {
    let peer = TlsPeer::start("127.0.0.1", &Identity::self_signed("127.0.0.1", false)).await;
    let (_file, empty) = ca_file("nothing of the kind");
    for policy in [empty, TlsPolicy::CaFile("/does/not/exist.pem".into())] {
        let error = Client::new(peer.config(policy)).unwrap_err();
        assert!(matches!(error, ConfigError::CaFile { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn system_roots_refuse_a_server_that_signs_itself_and_nobody_at_all_is_only_on_demand() {
    let peer = TlsPeer::start("127.0.0.1", &Identity::self_signed("127.0.0.1", false)).await;
    refusal(&peer.client(TlsPolicy::SystemRoots)).await;
    soon(peer.client(TlsPolicy::DangerAcceptInvalid).info()).await.unwrap();
}

#[tokio::test]
async fn a_certificate_that_somebody_pinned_is_believed_and_no_other() {
    for versions in [ONLY_TLS12, ONLY_TLS13] {
        let first = Identity::self_signed("drp.example", true);
        let peer = TlsPeer::start_with("127.0.0.1", &first, versions).await;
        // The refusal names the certificate that it is about, so that people can compare and pin it.
        let text = refusal(&peer.client(TlsPolicy::SystemRoots)).await.chain();
        let shown = text.split("SHA-256 ").nth(1).and_then(|rest| rest.get(..64)).expect(&text);
        let policy = TlsPolicy::Pinned(shown.parse().unwrap());

        soon(peer.client(policy.clone()).info()).await.unwrap();
        peer.show(&Identity::self_signed("drp.example", true));
        let text = refusal(&peer.client(policy.clone())).await.chain();
        assert!(text.contains(&format!("instead of the pinned {shown}")), "{text}");
        let error = soon(peer.client(policy).events(vec![])).await.unwrap_err();
        assert!(matches!(error.kind(), ClientErrorKind::Tls(_)), "{}", error.chain());
    }
}

#[test]
fn to_believe_anyone_is_a_warning_in_the_log() {
    use tracing_subscriber::{Layer, Registry, layer::Context, prelude::*};

    #[derive(Clone, Default)]
    struct Warnings(Arc<Mutex<Vec<String>>>);

    impl Layer<Registry> for Warnings {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, Registry>) {
            struct Text(String);
            impl tracing::field::Visit for Text {
                fn record_debug(&mut self, _: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                    self.0 += &format!("{value:?} ");
                }
            }
            let mut text = Text(event.metadata().level().to_string() + " ");
            event.record(&mut text);
            self.0.lock().unwrap().push(text.0);
        }
    }

    let warnings = Warnings::default();
    tracing::subscriber::with_default(Registry::default().with(warnings.clone()), || {
        for policy in [TlsPolicy::SystemRoots, TlsPolicy::DangerAcceptInvalid] {
            let mut config = config("https://127.0.0.1:1");
            config.tls = policy;
            Client::new(config).unwrap();
        }
    });
    let warnings = warnings.0.lock().unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("WARN ") && warnings[0].contains("any certificate is believed"), "{warnings:?}");
}

/// Addresses of their own keep the pins of these tests apart, whatever ports they get.
#[tokio::test]
async fn the_first_certificate_is_pinned_and_another_one_is_refused_in_clear_words() {
    let cases: [(&str, TlsPolicy, Versions); 2] =
        [("127.0.0.2", TlsPolicy::PinFirst, ONLY_TLS13), ("127.0.0.3", TlsPolicy::RootsOrPinFirst, ONLY_TLS12)];
    for (host, policy, versions) in cases {
        // Names and dates of a certificate that is believed by itself do not matter.
        let first = Identity::self_signed("drp.example", true);
        let peer = TlsPeer::start_with(host, &first, versions).await;
        let client = peer.client(policy.clone());
        for _ in 0..2 {
            soon(client.info()).await.unwrap();
        }
        peer.show(&Identity::self_signed("drp.example", true));
        let error = refusal(&client).await;
        let text = error.chain();
        assert!(text.contains(&format!("the certificate of {} has changed from SHA-256", peer.address)), "{text}");
        // Another session of the same process is not fooled either, nor is the websocket.
        refusal(&peer.client(policy.clone())).await;
        let error = soon(client.events(vec![])).await.unwrap_err();
        assert!(matches!(error.kind(), ClientErrorKind::Tls(_)), "{}", error.chain());
        peer.show(&first);
        soon(client.info()).await.unwrap();
    }
}

#[tokio::test]
async fn a_client_does_not_speak_plain_http_to_a_tls_endpoint() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, |_| panic!("a request in clear text")));
        }
    });
    let mut config = config(&format!("https://{address}"));
    config.tls = TlsPolicy::DangerAcceptInvalid;
    config.request_time = std::time::Duration::from_millis(300);
    soon(Client::new(config).unwrap().info()).await.unwrap_err();
}

#[tokio::test]
async fn a_websocket_opens_over_the_same_trust() {
    let (authority, server) = Identity::signed("localhost");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = config(&format!("https://localhost:{}", listener.local_addr().unwrap().port()));
    let (_file, policy) = ca_file(&authority);
    config.tls = policy;
    let acceptor = server.acceptor(ALL_VERSIONS);
    let serve = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = accept_async(acceptor.accept(stream).await.unwrap()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("register *.*.*"));
        let echo = r#"{"Type":"websocket","Action":"register","Key":"*.*.*"}"#;
        socket.send(Message::text(echo)).await.unwrap();
        socket.send(Message::text(r#"{"Type":"a","Action":"b","Key":"c"}"#)).await.unwrap();
        socket
    };
    let client = Client::new(config).unwrap();
    let (stream, _socket) = soon(async { tokio::join!(client.events(vec!["*.*.*".parse().unwrap()]), serve) }).await;
    assert!(matches!(soon(stream.unwrap().next()).await, Some(StreamItem::Event(event)) if event.key == "c"));
}

/// Nobody knows what became of a call whose connection breaks, however it breaks: only reads are sent again.
#[tokio::test]
async fn tls_that_breaks_after_the_call_was_sent_is_a_lost_connection() {
    let identity = Identity::self_signed("127.0.0.1", false);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = identity.acceptor(ALL_VERSIONS);
    let (seen, mut calls) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = acceptor.accept(stream).await.unwrap();
            let mut begin = [0; 4];
            stream.read_exact(&mut begin).await.unwrap();
            seen.send(String::from_utf8_lossy(&begin).trim_end().to_owned()).unwrap();
            // No TLS record begins like this.
            stream.get_mut().0.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        }
    });
    let mut config = config(&format!("https://{address}"));
    config.tls = TlsPolicy::DangerAcceptInvalid;
    let client = Client::new(config).unwrap();
    for (error, method, tries) in [
        (soon(client.post_event(&drp_core::Event::default())).await.unwrap_err(), "POST", 1),
        (soon(client.info()).await.unwrap_err(), "GET", drp_core::limits::REQUEST_TRIES_MAX),
    ] {
        assert!(matches!(error.kind(), ClientErrorKind::Disconnected(_)), "{error:?}");
        for _ in 0..tries {
            assert_eq!(calls.try_recv().unwrap(), method);
        }
    }
    assert!(calls.try_recv().is_err());
}
