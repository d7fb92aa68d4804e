//! Lines that wait to be appended.

use std::collections::VecDeque;

use drp_core::limits;

/// Lines and their bytes, bounded; the oldest go.
#[derive(Default)]
pub(super) struct Buffer {
    lines: VecDeque<String>,
    bytes: usize,
    lost: u64,
    ended: bool,
}

impl Buffer {
    pub(super) fn push(&mut self, text: &str) {
        for line in text.lines() {
            let line = cut(line);
            self.bytes += line.len() + 1;
            self.lines.push_back(line);
        }
        while self.bytes > limits::JOB_LOG_WAITING_BYTES_MAX {
            let Some(line) = self.lines.pop_front() else { break };
            self.bytes -= line.len() + 1;
            self.lost += 1;
        }
    }

    /// These lines came out of here and went nowhere.
    pub(super) fn lose(&mut self, text: &str) {
        self.lost += text.lines().count() as u64;
    }

    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// Everything that waits, and whether there will be no more.
    pub(super) fn take(&mut self) -> (String, bool) {
        let mut text = String::with_capacity(self.bytes);
        if self.lost > 0 && !self.lines.is_empty() {
            text = format!("... {} lines are missing here\n", self.lost);
            self.lost = 0;
        }
        for line in self.lines.drain(..) {
            text.push_str(&line);
            text.push('\n');
        }
        self.bytes = 0;
        (text, self.ended)
    }
}

fn cut(line: &str) -> String {
    if line.len() <= limits::LOG_LINE_BYTES_MAX {
        return line.to_owned();
    }
    let end = (0..=limits::LOG_LINE_BYTES_MAX).rev().find(|&end| line.is_char_boundary(end)).unwrap_or(0);
    format!("{}... ({} bytes more)", &line[..end], line.len() - end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_out_in_order_and_the_oldest_make_room() {
        let mut buffer = Buffer::default();
        buffer.push("one\ntwo");
        buffer.push("three");
        assert_eq!(buffer.take(), ("one\ntwo\nthree\n".to_owned(), false));
        let long = "x".repeat(limits::LOG_LINE_BYTES_MAX);
        let lines = limits::JOB_LOG_WAITING_BYTES_MAX / long.len() + 2;
        (0..lines).for_each(|_| buffer.push(&long));
        buffer.end();
        let (text, ended) = buffer.take();
        assert!(text.starts_with("... 3 lines are missing here\n") && ended, "{}", &text[..40]);
        assert!(text.len() <= limits::JOB_LOG_WAITING_BYTES_MAX + 100);
        assert_eq!(buffer.take(), (String::new(), true));
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_and_marked() {
        let line = format!("{}äöü", "x".repeat(limits::LOG_LINE_BYTES_MAX - 1));
        assert!(cut(&line).ends_with("x... (6 bytes more)"));
    }
}
