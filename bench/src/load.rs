//! Load on a unix socket: connections that each post, wait for the answer, and post again.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::{net::UnixStream, task::JoinSet};

/// The same request over and over, to the socket that a process serves.
pub(crate) struct Load {
    pub(crate) socket: PathBuf,
    pub(crate) server: u32,
    pub(crate) path: &'static str,
    pub(crate) body: String,
    pub(crate) connections: usize,
}

/// What was answered in a time.
pub(crate) struct Sample {
    pub(crate) answered: u64,
    pub(crate) elapsed: Duration,
    /// CPU that the server used, not the load.
    pub(crate) cpu: Duration,
}

impl Load {
    pub(crate) async fn run(&self, time: Duration) -> Result<Sample> {
        let mut connections = Vec::new();
        for _ in 0..self.connections {
            connections.push(connect(&self.socket).await?);
        }
        let body = Bytes::from(self.body.clone());
        let (cpu_before, started) = (cpu_time(self.server)?, Instant::now());
        let mut tasks = JoinSet::new();
        for mut connection in connections {
            let (path, body) = (self.path, body.clone());
            tasks.spawn(async move {
                let mut answered = 0_u64;
                while started.elapsed() < time {
                    let (status, body) = send(&mut connection, path, body.clone()).await?;
                    ensure!(status == StatusCode::OK, "answered {status}: {}", String::from_utf8_lossy(&body));
                    answered += 1;
                }
                Ok(answered)
            });
        }
        let mut answered = 0;
        while let Some(task) = tasks.join_next().await {
            answered += task??;
        }
        Ok(Sample { answered, elapsed: started.elapsed(), cpu: cpu_time(self.server)? - cpu_before })
    }
}

/// One request on a connection of its own.
pub(crate) async fn post(socket: &Path, path: &str, body: &str) -> Result<(StatusCode, Bytes)> {
    let mut connection = connect(socket).await?;
    send(&mut connection, path, Bytes::from(body.to_owned())).await
}

pub(crate) async fn connect(socket: &Path) -> Result<SendRequest<Full<Bytes>>> {
    let stream = UnixStream::connect(socket).await.with_context(|| format!("cannot connect `{}`", socket.display()))?;
    let (connection, driver) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(driver);
    Ok(connection)
}

pub(crate) async fn send(
    connection: &mut SendRequest<Full<Bytes>>,
    path: &str,
    body: Bytes,
) -> Result<(StatusCode, Bytes)> {
    let request = Request::post(path)
        .header(header::HOST, "unix")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(body))?;
    let response = connection.send_request(request).await?;
    let status = response.status();
    Ok((status, response.into_body().collect().await?.to_bytes()))
}

/// Resident memory of a process.
pub(crate) fn memory_kb(process: u32) -> Result<u64> {
    status_of(process, "VmRSS")
}

/// A number that `/proc/PROCESS/status` tells, memory in kB.
pub(crate) fn status_of(process: u32, name: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let value = value.with_context(|| format!("no {name}"))?;
    Ok(value.trim().trim_end_matches(" kB").parse()?)
}

/// User and system time of a process, from fields 14 and 15 of its `stat`.
pub(crate) fn cpu_time(process: u32) -> Result<Duration> {
    /// Fixed on Linux for everything that reads `/proc`.
    const TICKS_A_SECOND: u64 = 100;
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name in brackets may hold blanks.
    let (_, fields) = stat.rsplit_once(')').context("unexpected `stat`")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
    let ticks: u64 = ticks.sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * 1000 / TICKS_A_SECOND))
}
