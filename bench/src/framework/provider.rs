//! Running a provider as a host does, with as little between as possible.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use drp_core::contract;
use http::StatusCode;
use nix::sys::resource::{UsageWho, getrusage};
use tempfile::TempDir;

use crate::{
    framework::sink::LogSink,
    load::{Load, post},
    sample,
};

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
    pub(crate) log: LogSink,
    pub(crate) ready_in: Duration,
}

impl Plugin {
    pub(crate) fn start(executable: &Path) -> Result<Self> {
        Self::start_at("https://127.0.0.1:1", executable)
    }

    /// A plugin of the server at `endpoint`.
    pub(crate) fn start_at(endpoint: &str, executable: &Path) -> Result<Self> {
        let sockets = tempfile::tempdir()?;
        let (to, from) = (sockets.path().join("to"), sockets.path().join("from"));
        let log = LogSink::serve(&from)?;
        let started = Instant::now();
        let mut child = Command::new(executable)
            .arg("listen")
            .args([&to, &from])
            .env(contract::ENDPOINT_ENV, endpoint)
            .env(contract::TOKEN_ENV, "token-of-the-measured")
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
        Ok(Self { child, sockets, log, ready_in: started.elapsed() })
    }

    /// A plugin that has been configured.
    pub(crate) async fn start_configured(executable: &Path) -> Result<Self> {
        let plugin = Self::start(executable)?;
        plugin.configure(r#"{"Name":"bench"}"#).await?;
        Ok(plugin)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.sockets.path().join("to")
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) async fn configure(&self, config: &str) -> Result<()> {
        let (status, body) = post(&self.socket(), contract::CONFIG_PATH, config).await?;
        ensure!(status == StatusCode::OK, "config was answered {status}: {}", String::from_utf8_lossy(&body));
        Ok(())
    }

    /// Result of a system action.
    pub(crate) async fn act(&self, command: &str) -> Result<Bytes> {
        let action = sample::system_action(command);
        let (status, body) = post(&self.socket(), contract::ACTION_PATH, &action).await?;
        ensure!(status == StatusCode::OK, "{command} was answered {status}: {}", String::from_utf8_lossy(&body));
        Ok(body)
    }

    /// An action over and over.
    pub(crate) fn load(&self, body: &str, connections: usize) -> Load {
        let (socket, server) = (self.socket(), self.id());
        Load { socket, server, path: contract::ACTION_PATH, body: body.to_owned(), connections }
    }

    pub(crate) async fn stop(mut self) -> Result<()> {
        // Go providers end before they answer.
        let _ = post(&self.socket(), contract::STOP_PATH, "null").await;
        self.child.wait()?;
        Ok(())
    }
}
