//! What a provider writes to its standard output and error: read for ever, line by line, whatever it is.
//!
//! A reader that stopped at a long line would fill the pipe and so block the provider in its next write.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use drp_core::{Level, Line, limits};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::{pace::Pace, redact::Redactor};
use crate::log::Log;

/// Lines that are kept for the text of an error.
const TAIL_LINES_MAX: usize = 20;
/// Bytes of a line that is kept for the text of an error.
const TAIL_LINE_BYTES_MAX: usize = 1024;
/// Stands at the end of a line that was cut.
const CUT_MARK: &str = " [cut]";

/// Calls `each` with every line until the stream ends. A line is cut at [`limits::LOG_LINE_BYTES_MAX`]; who writes
/// without end is read at `pace`.
pub(crate) async fn for_each_line(mut stream: impl AsyncRead + Unpin, pace: &Pace, mut each: impl FnMut(&str)) {
    let mut chunk = vec![0; 16 << 10];
    let mut line = Vec::new();
    let mut cut = false;
    loop {
        // A pipe that cannot be read any more has ended for us.
        let read = stream.read(&mut chunk).await.unwrap_or(0);
        let (mut rest, ended) = (chunk.get(..read).unwrap_or_default(), read == 0);
        let mut lines = 0;
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            let (head, tail) = rest.split_at(end);
            keep(&mut line, head, &mut cut);
            hand_over(&mut line, &mut cut, &mut each);
            rest = tail.get(1..).unwrap_or_default();
            lines += 1;
        }
        keep(&mut line, rest, &mut cut);
        if ended {
            if !line.is_empty() {
                hand_over(&mut line, &mut cut, &mut each);
            }
            return;
        }
        pace.output(read, lines).await;
    }
}

fn keep(line: &mut Vec<u8>, bytes: &[u8], cut: &mut bool) {
    let room = limits::LOG_LINE_BYTES_MAX.saturating_sub(line.len());
    line.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
    *cut |= bytes.len() > room;
}

fn hand_over(line: &mut Vec<u8>, cut: &mut bool, each: &mut impl FnMut(&str)) {
    let mut text = String::from_utf8_lossy(line).into_owned();
    if text.ends_with('\r') {
        text.pop();
    }
    if std::mem::take(cut) {
        text.push_str(CUT_MARK);
    }
    each(&text);
    line.clear();
}

/// Cuts a text at a length in bytes and marks it, where it is longer.
pub(crate) fn cut_at(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let end = (0..=bytes_max).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    format!("{}{CUT_MARK}", text.get(..end).unwrap_or_default())
}

/// The last lines of standard error, which say why a provider ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tail(Arc<Mutex<VecDeque<String>>>);

impl Tail {
    /// Adds a line; the oldest one goes when there are too many.
    pub(crate) fn push(&self, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == TAIL_LINES_MAX {
            lines.pop_front();
        }
        lines.push_back(cut_at(line, TAIL_LINE_BYTES_MAX));
    }

    /// `text`, and under it the lines, if there are any.
    pub(crate) fn explain(&self, text: &str) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().fold(text.to_owned(), |text, line| format!("{text}\n{line}"))
    }
}

/// Writes a provider's output to the log, in the name of the plugin or provider and never as an event.
#[derive(Clone, Debug)]
pub(crate) struct OutputLog {
    log: Arc<Log>,
    service: String,
    redactor: Arc<Redactor>,
}

impl OutputLog {
    /// A log for the plugin or provider `service`.
    pub(crate) fn new(log: Arc<Log>, service: &str, redactor: Arc<Redactor>) -> Self {
        Self { log, service: service.to_owned(), redactor }
    }

    /// A text of the provider without what it was told in confidence.
    pub(crate) fn clean(&self, text: &str) -> String {
        self.redactor.clean(text)
    }

    /// Adds a line, and gives back what was written of it.
    pub(crate) fn add(&self, head: &str, text: &str) -> String {
        let text = self.redactor.clean(text);
        self.log.add(Line {
            service: self.service.clone(),
            level: Level::Info,
            message: format!("{head}{text}"),
            ignore_publish: true,
            ..Line::default()
        });
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for_each_line(bytes, &Pace::default(), |line| lines.push(line.to_owned())).await;
        lines
    }

    #[tokio::test]
    async fn lines_of_any_kind_are_read_to_the_end() {
        assert_eq!(lines(b"").await, [""; 0]);
        assert_eq!(lines(b"READY!\n\na\r\nlast").await, ["READY!", "", "a", "last"]);
        assert_eq!(lines(b"\xff\n").await, ["\u{fffd}"]);
        let long = [vec![b'x'; 5 << 20], b"\nnext\n".to_vec()].concat();
        let read = lines(&long).await;
        assert_eq!(read.len(), 2);
        assert_eq!(read[0].len(), limits::LOG_LINE_BYTES_MAX + CUT_MARK.len());
        assert_eq!(read[1], "next");
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut_at("ab", 2), "ab");
        assert_eq!(cut_at("aüb", 2), "a [cut]");
    }

    #[test]
    fn the_last_lines_explain_an_end() {
        let tail = Tail::default();
        assert_eq!(tail.explain("gone"), "gone");
        (0..30).for_each(|n| tail.push(&n.to_string()));
        let text = tail.explain("gone");
        assert!(text.starts_with("gone\n10\n11") && text.ends_with("\n29"), "{text}");
    }
}
