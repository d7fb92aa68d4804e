//! The task that posts log lines.

use std::{io::Write, sync::Arc, time::Duration};

use drp_core::Line;
use tokio_util::sync::CancellationToken;

use crate::{callback::Callback, log::LogQueue};

/// How long the host may take for one line before it counts as gone.
const POST_TIME: Duration = Duration::from_secs(5);

/// Posts line by line until `closing` turns and nothing is left. Every line that the host does not take goes to
/// stderr, and all of them where there is no host.
pub(crate) async fn send_all(queue: Arc<LogQueue>, mut host: Option<Callback>, closing: CancellationToken) {
    loop {
        let line = tokio::select! {
            biased;
            line = queue.next() => line,
            () = closing.cancelled() => return,
        };
        match &mut host {
            Some(host) => send(host, &line).await,
            None => print_locally(&line).await,
        }
    }
}

async fn send(host: &mut Callback, line: &Line) {
    let Ok(body) = serde_json::to_vec(line) else { return };
    let sent = tokio::time::timeout(POST_TIME, host.post("log", body.into())).await;
    if !matches!(sent, Ok(Ok(answer)) if answer.status < 400) {
        host.disconnect();
        print_locally(line).await;
    }
}

/// stderr may be a pipe that nobody reads, so it gets a thread that may wait.
async fn print_locally(line: &Line) {
    let text = format!("local log: {} {}: {}\n", line.time, line.level, line.message);
    let printed = tokio::task::spawn_blocking(move || std::io::stderr().write_all(text.as_bytes()));
    // Nobody is left to tell that stderr is gone as well.
    let _ = printed.await;
}
