//! The physical baselines of the host: a bare axum handler over the same TLS, and the bare engine.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Instant,
};

use anyhow::{Context, Result};
use axum::{Router, http::header, routing::get};
use drp_host::store::{Batch, Change, Note, RedbStore, Store};
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_rustls::TlsAcceptor;

/// Serves a fixed answer for ever, with the host's certificate; prints its address first.
pub(crate) async fn serve(tls: &Path, answer: String) -> Result<()> {
    let certificates = CertificateDer::pem_file_iter(tls.join("server.pem"))?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(tls.join("server.key"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let answer = bytes::Bytes::from(answer);
    let handler = move || {
        let answer = answer.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], answer) }
    };
    let router = Router::new().route("/", get(handler));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (acceptor, router) = (acceptor.clone(), router.clone());
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service = TowerToHyperService::new(router);
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// That server in a process of its own, as the host is one.
pub(crate) struct BareAxum {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl BareAxum {
    pub(crate) fn start(tls: &Path) -> Result<Self> {
        let mut child =
            Command::new(std::env::current_exe()?).arg("--bare-axum").arg(tls).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("stdout is piped")?).read_line(&mut line)?;
        Ok(Self { child, address: line.trim().parse()? })
    }
}

impl Drop for BareAxum {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Durable puts a second of the bare engine, by so many writers.
pub(crate) async fn engine_puts(writers: usize, puts: usize, value: &str) -> Result<f64> {
    let data = tempfile::tempdir()?;
    let store = Arc::new(RedbStore::open(data.path().join("store"))?);
    let value = bytes::Bytes::from(value.to_owned());
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for writer in 0..writers {
        let (store, value) = (Arc::clone(&store), value.clone());
        tasks.spawn(async move {
            for n in 0..puts / writers {
                let change = Change::put("machines", format!("{writer}-{n}"), value.clone());
                store.commit(Batch::new(Note::by("bench")).with(change)).await?;
            }
            Ok::<_, anyhow::Error>(())
        });
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    #[allow(clippy::cast_precision_loss, reason = "a count of puts")]
    let puts = (puts / writers * writers) as f64;
    Ok(puts / started.elapsed().as_secs_f64())
}
