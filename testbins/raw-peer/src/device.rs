//! A device with an HTTP interface, for those who test what asks it.

use std::{
    io::{BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};

pub use crate::request::Request;
use crate::{accept, request};

/// A connection to the client.
pub trait Connection: Read + Write {}

impl<T: Read + Write> Connection for T {}

type Answer = dyn Fn(&Request, &mut dyn Connection) + Send + Sync;

/// A device on a port of this machine. Each connection carries one request, and what the device writes is what goes
/// out.
#[derive(Clone, Debug)]
pub struct Device {
    url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

/// A certificate for 127.0.0.1, and the authority that has signed it.
#[derive(Debug)]
pub struct Identity {
    config: Arc<ServerConfig>,
    /// The authority's certificate.
    pub authority_pem: String,
    /// SHA-256 of the device's certificate, as tools print it.
    pub fingerprint: String,
}

impl Identity {
    /// A new one.
    pub fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority_pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        let digest = <sha2::Sha256 as sha2::Digest>::digest(certificate.der());
        let fingerprint = digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":");
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        Self { config: Arc::new(config), authority_pem, fingerprint }
    }
}

impl Default for Identity {
    fn default() -> Self {
        Self::new()
    }
}

impl Device {
    /// A device that speaks plain HTTP.
    pub fn plain(answer: impl Fn(&Request, &mut dyn Connection) + Send + Sync + 'static) -> Self {
        Self::start(None, Arc::new(answer))
    }

    /// A device that speaks HTTPS.
    pub fn https(identity: &Identity, answer: impl Fn(&Request, &mut dyn Connection) + Send + Sync + 'static) -> Self {
        Self::start(Some(Arc::clone(&identity.config)), Arc::new(answer))
    }

    fn start(tls: Option<Arc<ServerConfig>>, answer: Arc<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let device = Self { url, requests: Arc::default() };
        let server = device.clone();
        thread::spawn(move || {
            for tcp in listener.incoming().map_while(Result::ok) {
                let (server, answer, tls) = (server.clone(), Arc::clone(&answer), tls.clone());
                thread::spawn(move || server.serve(tcp, tls, answer.as_ref()));
            }
        });
        device
    }

    fn serve(&self, mut tcp: TcpStream, tls: Option<Arc<ServerConfig>>, answer: &Answer) {
        match tls {
            None => self.answer(&mut tcp, answer),
            Some(config) => {
                let mut stream = accept(tcp, config);
                self.answer(&mut stream, answer);
                stream.conn.send_close_notify();
                // The client may be gone.
                let _ = stream.flush();
            }
        }
    }

    fn answer(&self, mut connection: impl Connection, answer: &Answer) {
        let Some(request) = request::read(&mut BufReader::new(&mut connection)) else { return };
        self.requests.lock().unwrap().push(request.clone());
        answer(&request, &mut connection);
    }

    /// Its base URL, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it has been asked so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

/// Writes an answer that ends its connection. The client may be gone.
pub fn reply(connection: &mut dyn Connection, status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) {
    let body = body.as_ref();
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("HTTP/1.1 {status} x\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = connection.write_all(head.as_bytes()).and_then(|()| connection.write_all(body));
    let _ = connection.flush();
}
