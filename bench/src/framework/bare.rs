//! The physical baseline: hyper on a unix socket that sends back what it got.

use std::{
    convert::Infallible,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};
use bytes::Bytes;
use drp_core::{Line, contract};
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tempfile::TempDir;
use tokio::{
    net::{UnixListener, UnixStream},
    sync::mpsc,
};

use crate::load::{Load, connect, send};

/// What the bare server does besides; given by the benchmark to itself.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Besides {
    /// Milliseconds that it sleeps before each answer.
    #[arg(long, hide = true, default_value_t = 0)]
    sleep_ms: u64,
    /// Log lines that it posts for each request.
    #[arg(long, hide = true, default_value_t = 0)]
    lines: usize,
    /// The socket that takes the lines.
    #[arg(long, hide = true)]
    log: Option<PathBuf>,
}

impl Besides {
    pub(crate) fn sleep_ms(sleep_ms: u64) -> Self {
        Self { sleep_ms, ..Self::default() }
    }

    pub(crate) fn lines(lines: usize, log: PathBuf) -> Self {
        Self { lines, log: Some(log), ..Self::default() }
    }
}

/// Serves for ever.
pub(crate) async fn serve(socket: &Path, besides: &Besides) -> Result<()> {
    let log = besides.log.clone().map(post_lines);
    let (sleep, lines) = (Duration::from_millis(besides.sleep_ms), besides.lines);
    let listener = UnixListener::bind(socket)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let log = log.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let log = log.clone();
            async move {
                let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                if let Some(log) = log {
                    for _ in 0..lines {
                        // A line for which there is no room is lost.
                        let _ = log.try_send(());
                    }
                }
                if !sleep.is_zero() {
                    tokio::time::sleep(sleep).await;
                }
                Ok::<_, Infallible>(Response::new(Full::new(body)))
            }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// Posts one ready-made line after the other over one connection.
fn post_lines(socket: PathBuf) -> mpsc::Sender<()> {
    let (sender, mut wanted) = mpsc::channel(drp_core::limits::LOG_QUEUE_LINES_MAX);
    tokio::spawn(async move {
        let line = Line { service: "bare".into(), message: "line 0 of the action".into(), ..Line::default() };
        let line = Bytes::from(serde_json::to_vec(&line)?);
        let mut connection = connect(&socket).await?;
        while wanted.recv().await.is_some() {
            let path = format!("{}/log", contract::CALLBACK_PREFIX);
            let (status, _) = send(&mut connection, &path, line.clone()).await?;
            anyhow::ensure!(status == StatusCode::NO_CONTENT, "a line was answered {status}");
        }
        Ok(())
    });
    sender
}

/// The bare server in a process of its own, as a plugin is one.
pub(crate) struct Bare {
    child: Child,
    dir: TempDir,
}

impl Bare {
    pub(crate) async fn start(besides: &Besides) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let socket = dir.path().join("bare");
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--bare").arg(&socket).arg("--sleep-ms").arg(besides.sleep_ms.to_string());
        if let Some(log) = &besides.log {
            command.arg("--lines").arg(besides.lines.to_string()).arg("--log").arg(log);
        }
        let bare = Self { child: command.stdout(Stdio::null()).spawn()?, dir };
        let ready = async {
            while UnixStream::connect(&socket).await.is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), ready).await.context("the bare server does not serve")?;
        Ok(bare)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// A request over and over.
    pub(crate) fn load(&self, body: &str, connections: usize) -> Load {
        let (socket, server) = (self.dir.path().join("bare"), self.id());
        Load { socket, server, path: contract::ACTION_PATH, body: body.to_owned(), connections }
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
