//! The calls that the provider made while it was recorded: their answers, and which of them it makes again.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::{sync::watch, time::timeout};

use super::{
    compare::{Difference, Rules, shown},
    entry::{Content, Dir, Entry},
    mask::Masker,
};

/// An answer as it was recorded.
pub(super) type Answer = (u16, Option<Content>);

pub(super) struct Book {
    rules: Rules,
    masker: Masker,
    state: Mutex<State>,
    made: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    calls: Vec<Call>,
    differences: Vec<Difference>,
}

struct Call {
    entry: Entry,
    target: String,
    used: bool,
}

/// A call that a provider makes.
pub(super) struct Made<'a> {
    pub(super) dir: Dir,
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) body: &'a [u8],
}

impl Book {
    pub(super) fn new(entries: &[Entry], rules: Rules, masker: Masker) -> Self {
        let is_call = |entry: &&Entry| match entry.dir {
            // Lines of the log are answered and not compared.
            Dir::ToHost => !entry.path.ends_with("/log"),
            // A websocket is opened by its first command.
            Dir::ToApi => entry.status != Some(101),
            Dir::WsToApi => true,
            _ => false,
        };
        let call = |entry: &Entry| Call { entry: entry.clone(), target: target(&entry.path), used: false };
        let calls = entries.iter().filter(is_call).map(call).collect();
        let state = Mutex::new(State { calls, differences: Vec::new() });
        Self { rules, masker, state, made: watch::Sender::default() }
    }

    pub(super) fn masker(&self) -> &Masker {
        &self.masker
    }

    /// The recorded answer to a call: each is given once, then the last one again.
    pub(super) fn answer(&self, made: &Made<'_>) -> Option<Answer> {
        let target = target(&self.masker.text(made.path));
        let came = Content::of(made.body).map_or(Value::Null, |body| self.masker.value(&body.as_value()));
        let answer = {
            let mut state = self.state();
            let state = &mut *state;
            let is_same =
                |call: &Call| call.entry.dir == made.dir && call.entry.method == made.method && call.target == target;
            let has_body = |call: &Call| self.rules.differences(&body_of(&call.entry), &came).is_empty();
            let calls = &mut state.calls;
            let found = calls
                .iter()
                .position(|call| !call.used && is_same(call) && has_body(call))
                .or_else(|| calls.iter().rposition(|call| is_same(call) && has_body(call)))
                .or_else(|| calls.iter().position(|call| !call.used && made.dir != Dir::WsToApi && is_same(call)));
            match found.and_then(|place| calls.get_mut(place)) {
                Some(call) => {
                    call.used = true;
                    let entry = &call.entry;
                    let differences = self.rules.differences(&body_of(entry), &came);
                    let differences = differences.into_iter().map(|found| of(entry, "body", found));
                    state.differences.extend(differences);
                    Some((entry.status.unwrap_or(200), entry.answer.clone()))
                }
                None => {
                    state.differences.push(Difference {
                        seq: 0,
                        exchange: format!("{} {}", made.method, self.masker.text(made.path)).trim().to_owned(),
                        place: "the call".to_owned(),
                        expected: "none: nothing like it was recorded".to_owned(),
                        came: shown(&came),
                    });
                    None
                }
            }
        };
        self.made.send_replace(());
        answer
    }

    /// Waits until a recorded call is made, for `limit` at most; says whether it was.
    pub(super) async fn wait_for(&self, seq: u64, limit: Duration) -> bool {
        let mut made = self.made.subscribe();
        let waited = async {
            // The sender lives as long as this.
            while self.is_open(seq) && made.changed().await.is_ok() {}
        };
        timeout(limit, waited).await.is_ok()
    }

    fn is_open(&self, seq: u64) -> bool {
        self.state().calls.iter().any(|call| call.entry.seq == seq && !call.used)
    }

    /// Tells of something that is not as it was recorded.
    pub(super) fn differ(&self, difference: Difference) {
        self.state().differences.push(difference);
    }

    /// Compares what the provider answered with what was recorded.
    pub(super) fn compare_answer(&self, entry: &Entry, status: u16, answer: &[u8]) {
        if let Some(expected) = entry.status.filter(|expected| *expected != status) {
            let found = (String::new(), expected.to_string(), status.to_string());
            self.differ(of(entry, "status", found));
        }
        let came = Content::of(answer).map_or(Value::Null, |answer| self.masker.value(&answer.as_value()));
        let expected = entry.answer.as_ref().map_or(Value::Null, Content::as_value);
        for found in self.rules.differences(&expected, &came) {
            self.differ(of(entry, "answer", found));
        }
    }

    /// All that differs; what the provider has left undone included.
    pub(super) fn close(&self) -> Vec<Difference> {
        let mut state = self.state();
        let state = &mut *state;
        for Call { entry, .. } in state.calls.iter().filter(|call| !call.used && matters(&call.entry)) {
            let found = (String::new(), shown(&body_of(entry)), "it was not made".to_owned());
            state.differences.push(of(entry, "the call", found));
        }
        state.differences.sort_by_key(|difference| (difference.seq == 0, difference.seq));
        std::mem::take(&mut state.differences)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether it is wrong not to make a call: who reads less than before may be right.
fn matters(entry: &Entry) -> bool {
    match entry.dir {
        Dir::WsToApi => matches!(&entry.body, Some(Content::Text(text)) if text.starts_with("register ")),
        _ => entry.method != "GET" && entry.method != "HEAD",
    }
}

pub(super) fn of(entry: &Entry, part: &str, (pointer, expected, came): (String, String, String)) -> Difference {
    let place = if pointer.is_empty() { part.to_owned() } else { format!("{part} {pointer}") };
    Difference { seq: entry.seq, exchange: entry.title(), place, expected, came }
}

fn body_of(entry: &Entry) -> Value {
    entry.body.as_ref().map_or(Value::Null, Content::as_value)
}

/// A path with its query in an order of its own, and without the token.
fn target(path: &str) -> String {
    let Some((path, query)) = path.split_once('?') else { return path.to_owned() };
    let mut pairs: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("token=")).collect();
    pairs.sort_unstable();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(seq: u64, method: &str, path: &str, body: Option<Value>, answer: Value) -> Entry {
        let entry = json!({"seq": seq, "t_ms": 0, "dir": "plugin->api", "plugin": "p", "method": method, "path": path,
            "body": body.map(Content::Json), "status": 200, "answer": Content::Json(answer)});
        serde_json::from_value(entry).unwrap()
    }

    #[test]
    fn each_answer_is_given_once_and_then_the_last_one_again() {
        let entries = [
            call(1, "GET", "/m?b=2&a=1", None, json!("first")),
            call(2, "GET", "/m?a=1&b=2", None, json!("second")),
            call(3, "POST", "/m", Some(json!({"n": 1})), json!("made")),
            call(4, "POST", "/m", Some(json!({"n": 2})), json!("made too")),
        ];
        let book = Book::new(&entries, Rules::default(), super::super::mask::Mask::default().made());
        let ask = |method, path, body: &str| {
            let made = Made { dir: Dir::ToApi, method, path, body: body.as_bytes() };
            book.answer(&made).and_then(|(_, answer)| answer).map(|answer| answer.as_value())
        };
        for expected in ["first", "second", "second"] {
            assert_eq!(ask("GET", "/m?a=1&b=2", ""), Some(json!(expected)));
        }
        assert_eq!(ask("POST", "/m", r#"{"n":2}"#), Some(json!("made too")));
        assert_eq!(ask("POST", "/m", r#"{"n":3}"#), Some(json!("made")));
        assert_eq!(ask("DELETE", "/m", ""), None);
        let told: Vec<String> = book.close().iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(told[0], "#3 POST /m: body /n\n  expected: 1\n  came:     3");
        assert!(told[1].starts_with("DELETE /m: the call\n"), "{}", told[1]);
    }
}
