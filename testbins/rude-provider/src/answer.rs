//! Ways to answer a call, few of them good.

use std::{
    io::{Result, Write},
    os::unix::net::UnixStream,
    process::exit,
    thread,
    time::Duration,
};

use crate::{define::environment, definition::quoted, serve::Plugin, wait_for_ever};

/// The answer "done" of a Go plugin.
pub(crate) const DONE: &str = r#"{"Model":"","Key":"","Type":"","Messages":null,"Code":200}"#;
const ERROR: &str = r#"{"Model":"plugin","Key":"rude","Type":"plugin","Messages":["bad outlet"],"Code":422}"#;
/// Bytes of an answer that is too long.
const HUGE_BYTES: usize = 100 << 20;

/// What goes back over the connection.
pub(crate) enum Answer {
    /// A whole answer: status, content type and body.
    Whole(u16, &'static str, String),
    /// So many bytes in chunks, whose end is not said before.
    Huge,
    /// An answer that says it is longer than it is, and then the end of the process.
    Torn,
    /// A good answer, byte by byte.
    Slow,
}

/// The ways that modes and actions name.
#[derive(Clone, Copy)]
pub(crate) enum Reply {
    Silent,
    Garbage,
    Huge,
    Error,
    ErrorInError,
    CodeZero,
    Forbidden,
    Torn,
    Type,
    Slow,
    Crash,
    Secrets,
}

impl Reply {
    pub(crate) fn find(name: &str) -> Option<Self> {
        Some(match name {
            "silent" => Self::Silent,
            "garbage" => Self::Garbage,
            "huge" => Self::Huge,
            "error" => Self::Error,
            "error-in-error" => Self::ErrorInError,
            "code-0" => Self::CodeZero,
            "forbidden" => Self::Forbidden,
            "torn" => Self::Torn,
            "type" => Self::Type,
            "slow" => Self::Slow,
            "crash" => Self::Crash,
            "secrets" => Self::Secrets,
            _ => return None,
        })
    }

    pub(crate) fn answer(self, plugin: &Plugin) -> Answer {
        match self {
            Self::Silent => wait_for_ever(),
            Self::Garbage => Answer::json(200, "<html>"),
            Self::Huge => Answer::Huge,
            Self::Error => Answer::json(422, ERROR),
            Self::ErrorInError => {
                let outer = r#"{"Model":"","Key":"","Type":"","Code":422,"Messages":["#;
                Answer::json(422, format!("{outer}{}]}}", quoted(ERROR)))
            }
            Self::CodeZero => Answer::json(500, r#"{"Type":"plugin","Messages":["bad cable"],"Code":0}"#),
            Self::Forbidden => Answer::json(403, r#"{"Type":"LICENSE","Messages":["no licence"],"Code":403}"#),
            Self::Torn => Answer::Torn,
            Self::Type => Answer::Whole(200, "text/html", DONE.to_owned()),
            Self::Slow => Answer::Slow,
            Self::Crash => {
                eprintln!("cannot bear this");
                exit(5);
            }
            Self::Secrets => {
                let all = format!("{} {}", plugin.config(), environment());
                eprintln!("{all}");
                Answer::json(500, format!(r#"{{"Type":"plugin","Messages":[{}],"Code":500}}"#, quoted(&all)))
            }
        }
    }
}

impl Answer {
    pub(crate) fn json(status: u16, body: impl Into<String>) -> Self {
        Self::Whole(status, "application/json", body.into())
    }

    pub(crate) fn done() -> Self {
        Self::json(200, DONE)
    }

    pub(crate) fn send(&self, stream: &mut UnixStream) -> Result<()> {
        match self {
            Self::Whole(status, content_type, body) => {
                stream.write_all((head(*status, content_type, body.len()) + body).as_bytes())
            }
            Self::Huge => {
                let chunk = [format!("{:x}\r\n", 1 << 20).as_bytes(), &[b' '; 1 << 20], b"\r\n"].concat();
                stream.write_all(
                    b"HTTP/1.1 200 x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
                )?;
                for _ in 0..HUGE_BYTES >> 20 {
                    stream.write_all(&chunk)?;
                }
                stream.write_all(b"0\r\n\r\n")
            }
            Self::Torn => {
                stream.write_all((head(200, "application/json", 1000) + r#"{"half":"#).as_bytes())?;
                eprintln!("torn in the middle of an answer");
                exit(6);
            }
            Self::Slow => {
                for byte in (head(200, "application/json", DONE.len()) + DONE).bytes() {
                    stream.write_all(&[byte])?;
                    thread::sleep(Duration::from_millis(2));
                }
                Ok(())
            }
        }
    }
}

fn head(status: u16, content_type: &str, length: usize) -> String {
    format!("HTTP/1.1 {status} x\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n")
}
