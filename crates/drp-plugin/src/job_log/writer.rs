//! The log of a job as something to write to.

use std::io;

use drp_core::limits;

use super::JobLog;

/// Adds to the log of a job whatever is written, line by line. What has no end of line yet is added when there is one,
/// when it gets too long, and at the end.
#[derive(Debug)]
pub struct JobLogWriter {
    log: JobLog,
    begun: Vec<u8>,
}

impl JobLogWriter {
    pub(super) fn new(log: JobLog) -> Self {
        Self { log, begun: Vec::new() }
    }

    fn add(&mut self) {
        if !self.begun.is_empty() {
            self.log.line(String::from_utf8_lossy(&self.begun).trim_end_matches(['\n', '\r']));
            self.begun.clear();
        }
    }
}

impl io::Write for JobLogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.begun.len() >= limits::LOG_LINE_BYTES_MAX {
                self.add();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for JobLogWriter {
    fn drop(&mut self) {
        self.add();
    }
}
