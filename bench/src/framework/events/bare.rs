//! Reads websocket frames and notes when they came.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, ensure};
use futures_util::{SinkExt, StreamExt};
use nix::sys::resource::{UsageWho, getrusage};
use tokio::net::TcpStream;
use tokio_tungstenite::{client_async, tungstenite::Message};

use super::{Report, Turn};

/// The reader in a process of its own.
pub(super) struct BareReader(Child);

impl BareReader {
    pub(super) fn start(address: &str, events: u64) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--read-events", address, "--events", &events.to_string()]);
        Ok(Self(command.stdout(Stdio::piped()).spawn()?))
    }

    pub(super) fn turn(self, sent: u64) -> Result<Turn> {
        let output = self.0.wait_with_output()?;
        ensure!(output.status.success(), "the bare reader failed");
        let (report, cpu_seconds): (Report, f64) = serde_json::from_slice(&output.stdout)?;
        Ok(Turn { report, sent, cpu: Duration::from_secs_f64(cpu_seconds) })
    }
}

/// Reads so many events and prints a report and the CPU seconds that it took.
pub(crate) async fn read(address: &str, events: usize) -> Result<()> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut socket, _) = client_async(format!("ws://{address}/api/v3/ws"), stream).await?;
    socket.send(Message::text("register bench.*.*")).await?;
    socket.next().await.context("no echo")??;
    let (mut micros, mut first) = (Vec::with_capacity(events), None);
    while micros.len() < events {
        let message = socket.next().await.context("the feed ended")??;
        let Message::Text(text) = message else { continue };
        first.get_or_insert_with(Instant::now);
        let (_, rest) = text.split_once(r#""SentNanos":"#).context("no time in the event")?;
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        let sent = UNIX_EPOCH + Duration::from_nanos(digits.parse()?);
        micros.push(u64::try_from(SystemTime::now().duration_since(sent)?.as_micros())?);
    }
    let seconds = first.map(|first| first.elapsed()).unwrap_or_default().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let cpu = [usage.user_time(), usage.system_time()];
    #[allow(clippy::cast_precision_loss, reason = "a time in seconds")]
    let cpu: f64 = cpu.iter().map(|time| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6).sum();
    println!("{}", serde_json::to_string(&(Report { seconds, micros }, cpu))?);
    Ok(())
}
