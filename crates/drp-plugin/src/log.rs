//! `tracing` lines on their way to the host.
//!
//! A line is formatted, redacted and queued where it is made, and posted by one task. The queue is bounded and drops
//! its oldest lines, counted; nothing here waits, and nothing here logs, so logging can neither block a handler nor
//! feed itself. Where the host is gone, lines go to stderr.

mod layer;
mod queue;
mod scope;
mod sender;

pub(crate) use layer::LogLayer;
pub(crate) use queue::LogQueue;
pub(crate) use scope::{Republish, open_scope};
pub(crate) use sender::send_all;
