//! Log lines that wait for the host.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use drp_core::{Level, Line, Time, limits};
use tokio::sync::Notify;

/// A bounded queue that never blocks: where it is full, the oldest line makes room and is counted.
#[derive(Default)]
pub(crate) struct LogQueue {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<Line>,
    bytes: usize,
    dropped: u64,
}

impl LogQueue {
    pub(crate) fn push(&self, line: Line) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.bytes += size_of(&line);
        waiting.lines.push_back(line);
        while waiting.lines.len() > limits::LOG_QUEUE_LINES_MAX || waiting.bytes > limits::LOG_QUEUE_BYTES_MAX {
            let Some(oldest) = waiting.lines.pop_front() else { break };
            waiting.bytes -= size_of(&oldest);
            waiting.dropped += 1;
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    /// The next line; first of all the one that tells how many were dropped before it.
    pub(crate) fn pop(&self) -> Option<Line> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.dropped > 0 {
            let dropped = std::mem::take(&mut waiting.dropped);
            let service = waiting.lines.front().map(|line| line.service.clone()).unwrap_or_default();
            return Some(Line {
                time: Time::now(),
                service,
                level: Level::Warn,
                message: format!("{dropped} log lines were dropped: they came faster than the host took them"),
                data: Vec::new().into(),
                ignore_publish: true,
                ..Line::default()
            });
        }
        let line = waiting.lines.pop_front()?;
        waiting.bytes -= size_of(&line);
        Some(line)
    }

    /// Waits for the next line.
    pub(crate) async fn next(&self) -> Line {
        loop {
            if let Some(line) = self.pop() {
                return line;
            }
            self.arrived.notified().await;
        }
    }
}

/// What a line holds on to, near enough.
fn size_of(line: &Line) -> usize {
    std::mem::size_of::<Line>() + line.message.len() + line.service.len() + line.file.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_lines_make_room_and_are_counted() {
        let queue = LogQueue::default();
        for n in 0..limits::LOG_QUEUE_LINES_MAX + 3 {
            queue.push(Line { message: n.to_string(), ..Line::default() });
        }
        assert!(queue.pop().unwrap().message.starts_with("3 log lines were dropped"));
        assert_eq!(queue.pop().unwrap().message, "3");
        assert_eq!(std::iter::from_fn(|| queue.pop()).count(), limits::LOG_QUEUE_LINES_MAX - 1);
    }

    #[test]
    fn bytes_are_bounded_too() {
        let queue = LogQueue::default();
        for _ in 0..64 {
            queue.push(Line { message: "x".repeat(1 << 20), ..Line::default() });
        }
        let lines = std::iter::from_fn(|| queue.pop()).count();
        assert!(lines <= 9, "{lines}");
    }
}
