//! Running a provider as a host does, with as little between as possible.

use std::{
    convert::Infallible,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use drp_core::contract;
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use nix::sys::resource::{UsageWho, getrusage};
use tempfile::TempDir;
use tokio::net::UnixListener;

use crate::load::{memory_kb, post};

pub(crate) struct Define {
    pub(crate) fastest: Duration,
    pub(crate) runs: u32,
    pub(crate) peak_kb: u64,
}

/// Runs `define` some times.
pub(crate) fn define(executable: &Path) -> Result<Define> {
    const RUNS: u32 = 20;
    let mut fastest = Duration::MAX;
    for _ in 0..RUNS {
        let started = Instant::now();
        define_once(executable)?;
        fastest = fastest.min(started.elapsed());
    }
    // The system tells the peak of all children together, so a process of its own has this one child.
    let output = Command::new(std::env::current_exe()?).arg("--define-peak").arg(executable).output()?;
    let peak_kb = String::from_utf8(output.stdout)?.trim().parse().context("no peak was measured")?;
    Ok(Define { fastest, runs: RUNS, peak_kb })
}

/// Largest resident memory of one `define`; this process must have no other children.
pub(crate) fn define_peak_kb(executable: &Path) -> Result<i64> {
    define_once(executable)?;
    Ok(getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss())
}

fn define_once(executable: &Path) -> Result<()> {
    let output = Command::new(executable).arg("define").env(contract::TOKEN_ENV, contract::CATALOG_TOKEN).output()?;
    ensure!(output.status.success() && output.stderr.is_empty(), "`{} define` failed", executable.display());
    Ok(())
}

/// A plugin that serves.
pub(crate) struct Plugin {
    child: Child,
    sockets: TempDir,
    pub(crate) ready_in: Duration,
}

impl Plugin {
    pub(crate) async fn start(executable: &Path) -> Result<Self> {
        let sockets = tempfile::tempdir()?;
        let (to, from) = (sockets.path().join("to"), sockets.path().join("from"));
        let listener = UnixListener::bind(&from)?;
        tokio::spawn(take_log_lines(listener));
        let started = Instant::now();
        let mut child = Command::new(executable)
            .arg("listen")
            .args([&to, &from])
            .env(contract::ENDPOINT_ENV, "https://127.0.0.1:1")
            .env(contract::TOKEN_ENV, "bench")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot run `{}`", executable.display()))?;
        let mut out = BufReader::new(child.stdout.take().context("stdout is piped")?);
        let mut line = String::new();
        while line.trim_end() != contract::READY {
            line.clear();
            ensure!(out.read_line(&mut line)? > 0, "`{}` ended before it was ready", executable.display());
        }
        Ok(Self { child, sockets, ready_in: started.elapsed() })
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.sockets.path().join("to")
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) async fn configure(&self) -> Result<()> {
        let (status, body) = post(&self.socket(), contract::CONFIG_PATH, r#"{"Name":"bench"}"#).await?;
        ensure!(status == StatusCode::OK, "config was answered {status}: {}", String::from_utf8_lossy(&body));
        Ok(())
    }

    pub(crate) fn memory_kb(&self) -> Result<u64> {
        memory_kb(self.id())
    }

    pub(crate) async fn stop(mut self) -> Result<()> {
        // Go providers end before they answer.
        let _ = post(&self.socket(), contract::STOP_PATH, "null").await;
        self.child.wait()?;
        Ok(())
    }
}

/// Answers every log line at once, as a host does.
async fn take_log_lines(listener: UnixListener) {
    while let Ok((stream, _)) = listener.accept().await {
        let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| async {
            let _ = request.into_body().collect().await;
            let mut response = Response::new(Full::<Bytes>::default());
            *response.status_mut() = StatusCode::NO_CONTENT;
            Ok::<_, Infallible>(response)
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}
