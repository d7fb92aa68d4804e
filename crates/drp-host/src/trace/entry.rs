//! The file of a recording: a line for its head, and one for each exchange, in the order in which they began.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use drp_core::limits;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The version of the format that is written and read.
pub(super) const VERSION: u32 = 1;

/// Who spoke to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Dir {
    /// `define` was run; the answer is what it printed.
    #[serde(rename = "define")]
    Define,
    /// `unpack` was run; the answer lists what it left.
    #[serde(rename = "unpack")]
    Unpack,
    /// A plugin was started.
    #[serde(rename = "listen")]
    Listen,
    /// On the plugin's own socket.
    #[serde(rename = "host->plugin")]
    ToPlugin,
    /// On the socket of the plugin's callbacks.
    #[serde(rename = "plugin->host")]
    ToHost,
    /// On the API.
    #[serde(rename = "plugin->api")]
    ToApi,
    /// What a plugin said on a websocket.
    #[serde(rename = "ws plugin->api")]
    WsToApi,
    /// What a plugin was told on a websocket.
    #[serde(rename = "ws api->plugin")]
    WsToPlugin,
}

/// What was sent or answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Content {
    /// A JSON value.
    Json(Value),
    /// Text that is no JSON.
    Text(String),
    /// What is too long for a recording, or no text.
    Sum { len: u64, sha256: String },
}

impl Content {
    /// What these bytes are; nothing is nothing.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() {
            return None;
        }
        Some(match (drp_core::json::parse(bytes), std::str::from_utf8(bytes)) {
            (Ok(value), _) => Self::Json(value),
            (_, Ok(text)) => Self::Text(text.to_owned()),
            _ => Self::Sum { len: bytes.len() as u64, sha256: hex(&Sha256::digest(bytes)) },
        })
    }

    /// As a JSON value, for who compares.
    pub(super) fn as_value(&self) -> Value {
        match self {
            Self::Json(value) => value.clone(),
            Self::Text(text) => Value::String(text.clone()),
            Self::Sum { len, sha256 } => serde_json::json!({"len": len, "sha256": sha256}),
        }
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One exchange, or one message of a websocket.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Its place in the order of beginnings, from 1.
    pub(super) seq: u64,
    /// Milliseconds since the recording began.
    pub(super) t_ms: u64,
    pub(super) dir: Dir,
    /// The plugin, or the provider's file where there is none yet.
    pub(super) plugin: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) method: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<Content>,
    /// The status of the answer or the exit code of the process; none where no answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) answer: Option<Content>,
}

impl Entry {
    /// The exchange, for people.
    pub(super) fn title(&self) -> String {
        let command = || match &self.body {
            Some(Content::Json(body)) => body.get("Command").and_then(Value::as_str).unwrap_or_default().to_owned(),
            _ => String::new(),
        };
        match (self.dir, self.path.as_str()) {
            (Dir::Define, _) => "define".to_owned(),
            (Dir::Unpack, _) => "unpack".to_owned(),
            (Dir::Listen, _) => "listen".to_owned(),
            (Dir::ToPlugin, drp_core::contract::ACTION_PATH) => format!("action {}", command()),
            (Dir::WsToApi | Dir::WsToPlugin, _) => "websocket".to_owned(),
            _ => format!("{} {}", self.method, self.path),
        }
    }
}

/// The first line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Head {
    /// The version of the format, which says what this file is as well.
    pub(super) drpx_trace: u32,
    /// The version of what made it.
    pub(super) made_by: String,
    /// When it began.
    pub(super) time: String,
    /// What came after the recording was full.
    pub(super) dropped: u64,
    /// Pointers into answers that a replay does not compare, besides those it is given. Whoever has the recording may
    /// add some here.
    #[serde(default)]
    pub(super) ignore: Vec<String>,
}

/// A recording that was read.
#[derive(Clone, Debug)]
pub struct Trace {
    pub(super) head: Head,
    pub(super) entries: Vec<Entry>,
}

/// A file is no recording.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It cannot be read.
    #[error("cannot read `{path}`: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A line is none of a recording.
    #[error("line {line} of `{path}` is not of a recording, as `drpx trace` makes one: {problem}", path = path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
}

impl Trace {
    /// Reads a recording.
    ///
    /// # Errors
    /// It cannot be read, or is none of a version that is known, or is too long.
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        let file = File::open(path).map_err(|source| ReadError::File { path: path.to_owned(), source })?;
        let mut lines = BufReader::new(file.take(limits::TRACE_FILE_BYTES_MAX)).lines().enumerate();
        let wrong = |line: usize, problem: String| ReadError::Line { path: path.to_owned(), line: line + 1, problem };
        let (line, first) = lines.next().ok_or_else(|| wrong(0, "the file is empty".to_owned()))?;
        let first = first.map_err(|error| wrong(line, error.to_string()))?;
        let head: Head = serde_json::from_str(&first).map_err(|error| wrong(line, error.to_string()))?;
        if head.drpx_trace != VERSION {
            let problem = format!("it is of version {}, and this drpx knows version {VERSION}", head.drpx_trace);
            return Err(wrong(line, problem));
        }
        let mut entries = Vec::new();
        for (line, text) in lines {
            let text = text.map_err(|error| wrong(line, error.to_string()))?;
            if entries.len() >= limits::TRACE_ENTRIES_MAX {
                return Err(wrong(line, format!("there are more than {} exchanges", limits::TRACE_ENTRIES_MAX)));
            }
            entries.push(serde_json::from_str(&text).map_err(|error| wrong(line, error.to_string()))?);
        }
        Ok(Self { head, entries })
    }
}
