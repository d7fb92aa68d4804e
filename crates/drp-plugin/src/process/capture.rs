//! What is kept of an output.

use tokio::io::{AsyncRead, AsyncReadExt};

/// The first bytes of an output, up to a limit. More is read and dropped: a program whose output nobody takes stands
/// still.
pub(super) struct Capture {
    bytes: Vec<u8>,
    limit: usize,
    truncated: bool,
}

impl Capture {
    pub(super) fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), limit, truncated: false }
    }

    /// Reads to the end, or until it fails, which is an end as well.
    pub(super) async fn fill(&mut self, output: Option<impl AsyncRead + Unpin>) {
        let Some(mut output) = output else { return };
        let mut buffer = vec![0; 16 << 10];
        while let Ok(read @ 1..) = output.read(&mut buffer).await {
            let kept = read.min(self.limit - self.bytes.len());
            self.bytes.extend_from_slice(&buffer[..kept]);
            self.truncated |= kept < read;
        }
    }

    pub(super) fn truncated(&self) -> bool {
        self.truncated
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
