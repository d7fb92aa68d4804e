//! For tests: a plugin that is nothing but a socket, so that what is on the wire can be seen and answered at will.

use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    sync::mpsc,
    thread,
};

/// A request or an answer as it was on the wire.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) first_line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Message {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Serves at `socket` for ever. `answer` makes the bytes that are sent back; after `None`, and after bytes that say so,
/// the connection is closed.
pub(crate) fn serve(
    socket: &Path,
    answer: impl Fn(&Message) -> Option<String> + Send + Sync + Clone + 'static,
) -> mpsc::Receiver<Message> {
    let listener = UnixListener::bind(socket).unwrap();
    let (seen, requests) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut writer, answer, seen) = (stream.unwrap(), answer.clone(), seen.clone());
            thread::spawn(move || {
                let mut reader = BufReader::new(writer.try_clone().unwrap());
                while let Some(request) = read(&mut reader) {
                    let bytes = answer(&request);
                    // The test may have ended.
                    let _ = seen.send(request);
                    match bytes {
                        Some(bytes) if writer.write_all(bytes.as_bytes()).is_err() => return,
                        Some(bytes) if !bytes.contains("Connection: close") => {}
                        _ => return,
                    }
                }
            });
        }
    });
    requests
}

/// An answer with a JSON body, or what claims to be one.
pub(crate) fn answer(status: u16, body: &str) -> Option<String> {
    let length = body.len();
    Some(format!("HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"))
}

/// Sends bytes to a socket and reads the answer; `None` if the connection was closed instead.
pub(crate) fn exchange(stream: &mut UnixStream, bytes: &[u8]) -> Option<Message> {
    stream.write_all(bytes).unwrap();
    read(&mut BufReader::new(stream.try_clone().unwrap()))
}

fn read(stream: &mut BufReader<UnixStream>) -> Option<Message> {
    let mut first_line = String::new();
    if stream.read_line(&mut first_line).ok()? == 0 {
        return None;
    }
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_owned(), value.to_owned())),
            None => break,
        }
    }
    let mut message = Message { first_line: first_line.trim_end().to_owned(), headers, body: String::new() };
    let length = message.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    message.body = String::from_utf8(body).unwrap();
    Some(message)
}

/// The exchanges of a recording in one direction; `None`, and a word about it, where the recordings are not there.
pub(crate) fn recorded(file: &str, direction: &str) -> Option<Vec<serde_json::Value>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/wire").join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        #[allow(clippy::print_stderr, reason = "who runs the tests wants to know")]
        {
            eprintln!("skipped: {} is not there", path.display());
        }
        return None;
    };
    let exchanges = text.lines().map(|line| serde_json::from_str(line).unwrap());
    Some(exchanges.filter(|exchange: &serde_json::Value| exchange["dir"] == direction).collect())
}
