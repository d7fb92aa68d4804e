//! Writes down what is said while it is said. Masking is done when the file is made, so that a secret which becomes
//! known late is masked from the beginning.

use std::{
    io,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use axum::body::Body;
use drp_core::{Raw, Time, limits};
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};

use super::{
    entry::{Content, Dir, Entry, Head, VERSION, hex},
    mask::{Mask, Masker},
};
use crate::owner_only;

/// Records what a host and its plugins say to each other. Clones are the same recording.
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use drp_host::{Host, HostConfig, Recorder};
///
/// let recorder = Recorder::new();
/// let config = HostConfig { data: "/tmp/drp".into(), recorder: Some(recorder.clone()), ..HostConfig::default() };
/// let host = Host::start(config).await?;
/// host.import("./incrementer".as_ref()).await?;
/// host.stop().await;
/// recorder.write("incrementer.trace".as_ref())?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Recorder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    began: Instant,
    time: Time,
    state: Mutex<State>,
    /// Bytes of all bodies.
    bytes: Arc<AtomicUsize>,
}

#[derive(Debug, Default)]
struct State {
    exchanges: Vec<Exchange>,
    dropped: u64,
    mask: Mask,
}

/// An exchange that goes on, and what is known of it by now. Clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct Exchange(Arc<Draft>);

#[derive(Debug)]
struct Draft {
    entry: Entry,
    body: Copied,
    status: OnceLock<u16>,
    answer: Copied,
}

/// A copy of a body that passes by, up to its limit.
#[derive(Clone, Debug)]
struct Copied {
    copy: Arc<Mutex<Copy>>,
    bytes: Arc<AtomicUsize>,
}

#[derive(Debug, Default)]
struct Copy {
    kept: Vec<u8>,
    len: u64,
    sum: Sha256,
    cut: bool,
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

impl Recorder {
    /// A recording in which nothing is yet.
    #[must_use]
    pub fn new() -> Self {
        let (state, bytes) = (Mutex::default(), Arc::default());
        Self(Arc::new(Inner { began: Instant::now(), time: Time::now(), state, bytes }))
    }

    /// Has a value masked wherever it stands, also where it was recorded before. Secure params and tokens are masked
    /// without that.
    pub fn hide(&self, value: &Raw) {
        self.state().mask.hide(value);
    }

    /// Has `name` stand for what is another text at every host.
    pub(crate) fn place(&self, text: &str, name: &'static str) {
        self.state().mask.place(text, name);
    }

    /// Begins an exchange.
    pub(crate) fn begin(&self, dir: Dir, plugin: &str, method: &str, path: &str) -> Exchange {
        let mut state = self.state();
        let entry = Entry {
            seq: state.exchanges.len() as u64 + 1,
            t_ms: u64::try_from(self.0.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            dir,
            plugin: plugin.to_owned(),
            method: method.to_owned(),
            path: path.to_owned(),
            body: None,
            status: None,
            answer: None,
        };
        let copied = || Copied { copy: Arc::default(), bytes: Arc::clone(&self.0.bytes) };
        let draft = Draft { entry, body: copied(), status: OnceLock::new(), answer: copied() };
        let exchange = Exchange(Arc::new(draft));
        if state.exchanges.len() < limits::TRACE_ENTRIES_MAX {
            state.exchanges.push(exchange.clone());
        } else {
            state.dropped += 1;
        }
        exchange
    }

    /// Writes the recording into a file that only its owner can read. What is still under way stands there without an
    /// answer.
    ///
    /// # Errors
    /// The file cannot be written; what was there before is still there.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let (exchanges, dropped, masker) = {
            let state = self.state();
            (state.exchanges.clone(), state.dropped, state.mask.made())
        };
        let made_by = format!("drpx {}", env!("CARGO_PKG_VERSION"));
        let time = self.0.time.as_str().to_owned();
        let head = Head { drpx_trace: VERSION, made_by, time, dropped, ignore: Vec::new() };
        let mut text = serde_json::to_string(&head)?;
        for exchange in &exchanges {
            text.push('\n');
            text.push_str(&serde_json::to_string(&exchange.finished(&masker))?);
        }
        text.push('\n');
        // A bare name has no folder, which is synced too.
        owner_only::write(&std::path::absolute(path)?, text.as_bytes())
    }

    /// How many exchanges are kept, and how many were not.
    #[must_use]
    pub fn counts(&self) -> (usize, u64) {
        let state = self.state();
        (state.exchanges.len(), state.dropped)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Exchange {
    /// What was asked.
    pub(crate) fn sent(&self, body: &[u8]) {
        self.0.body.push(body);
    }

    /// What came back.
    pub(crate) fn answered(&self, status: u16, answer: &[u8]) {
        // An exchange has one answer.
        let _ = self.0.status.set(status);
        self.0.answer.push(answer);
    }

    /// The same request body, copied as it is read.
    pub(crate) fn copy_sent(&self, body: Body) -> Body {
        self.0.body.clone().on(body)
    }

    /// The same answer's body, copied as it is sent.
    pub(crate) fn copy_answer(&self, status: u16, body: Body) -> Body {
        let _ = self.0.status.set(status);
        self.0.answer.clone().on(body)
    }

    fn finished(&self, masker: &Masker) -> Entry {
        let draft = &self.0;
        let mut entry = draft.entry.clone();
        entry.path = masker.text(&entry.path);
        entry.body = draft.body.content().map(|content| masked(masker, content));
        entry.status = draft.status.get().copied();
        entry.answer = draft.answer.content().map(|content| masked(masker, content));
        entry
    }
}

/// What may be recorded, or not.
pub(crate) trait Recorded {
    /// Tells what was asked.
    fn sent(&self, body: &[u8]);
    /// Tells what came back.
    fn answered(&self, status: u16, answer: &[u8]);
}

impl Recorded for Option<Exchange> {
    fn sent(&self, body: &[u8]) {
        if let Some(exchange) = self {
            exchange.sent(body);
        }
    }

    fn answered(&self, status: u16, answer: &[u8]) {
        if let Some(exchange) = self {
            exchange.answered(status, answer);
        }
    }
}

fn masked(masker: &Masker, content: Content) -> Content {
    match content {
        Content::Json(value) => Content::Json(masker.value(&value)),
        Content::Text(text) => Content::Text(masker.text(&text)),
        sum @ Content::Sum { .. } => sum,
    }
}

impl Copied {
    fn push(&self, bytes: &[u8]) {
        let mut copy = self.copy.lock().unwrap_or_else(PoisonError::into_inner);
        copy.len += bytes.len() as u64;
        copy.sum.update(bytes);
        let all = self.bytes.fetch_add(bytes.len(), Ordering::Relaxed) + bytes.len();
        if copy.cut || all > limits::TRACE_BYTES_MAX || copy.kept.len() + bytes.len() > limits::TRACE_BODY_BYTES_MAX {
            // What is not kept takes no room.
            let freed = std::mem::take(&mut copy.kept).len() + bytes.len();
            self.bytes.fetch_sub(freed, Ordering::Relaxed);
            copy.cut = true;
        } else {
            copy.kept.extend_from_slice(bytes);
        }
    }

    fn on(self, body: Body) -> Body {
        Body::new(body.map_frame(move |frame| {
            if let Some(data) = frame.data_ref() {
                self.push(data);
            }
            frame
        }))
    }

    fn content(&self) -> Option<Content> {
        let copy = self.copy.lock().unwrap_or_else(PoisonError::into_inner);
        if copy.cut {
            return Some(Content::Sum { len: copy.len, sha256: hex(&copy.sum.clone().finalize()) });
        }
        Content::of(&copy.kept)
    }
}
