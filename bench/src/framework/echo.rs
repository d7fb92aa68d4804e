//! The physical baseline: hyper on a unix socket that sends back what it got.

use std::{
    convert::Infallible,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};
use http::Response;
use http_body_util::{BodyExt, Full};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::{UnixListener, UnixStream};

use crate::load::{Load, Rate};

/// Serves for ever.
pub(crate) async fn serve(socket: &Path) -> Result<()> {
    let listener = UnixListener::bind(socket)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let service = service_fn(|request: Request<Incoming>| async {
            let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            Ok::<_, Infallible>(Response::new(Full::new(body)))
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// Loads an echo in a process of its own, as a plugin is one.
pub(crate) async fn measure(load: &Load) -> Result<Rate> {
    let dir = tempfile::tempdir()?;
    let socket = dir.path().join("echo");
    let mut child = Command::new(std::env::current_exe()?).arg("--echo").arg(&socket).stdout(Stdio::null()).spawn()?;
    let rate = async {
        let ready = async {
            while UnixStream::connect(&socket).await.is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), ready).await.context("the echo does not serve")?;
        load.run(socket.clone(), child.id()).await
    };
    let rate = rate.await;
    child.kill()?;
    child.wait()?;
    rate
}
