//! What the provider does to the socket on which its host listens.

use std::{
    io::{Read, Result, Write},
    os::unix::net::UnixStream,
    path::Path,
    thread,
};

use crate::{http, wait_for_ever};

/// Connections of those that flood.
const FLOODERS: usize = 4;
/// Connections of `serve-connections`.
const CONNECTIONS: usize = 1000;
/// Connections of `serve-half-callbacks`.
const HALVES: usize = 50;
const HUGE_BYTES: usize = 100 << 20;

/// Misuses the socket in one way; what is wrong with it the tests see from the host.
pub(crate) fn misuse(socket: &Path, how: &str) {
    let log = r#"{"Level":"info","Service":"rude","Message":"again and again and again"}"#;
    let event = r#"{"Type":"rude","Action":"storm","Key":"again"}"#;
    match how {
        "log-flood" => flood(socket, "log", log),
        "event-flood" => flood(socket, "publish", event),
        "bad-callbacks" => malformed(socket),
        "huge-callbacks" => {
            for path in ["log", "publish", "leaving"] {
                let answer = huge(socket, path);
                println!("huge {path}: {}", answer.unwrap_or_else(|error| error.to_string()));
            }
        }
        "connections" => {
            let held: Vec<_> = (0..CONNECTIONS).filter_map(|_| UnixStream::connect(socket).ok()).collect();
            println!("holding {} connections", held.len());
            wait_for_ever();
        }
        "half-callbacks" => {
            let half = b"POST /api-server-plugin/v4/log HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf";
            let held: Vec<_> = (0..HALVES).filter_map(|_| UnixStream::connect(socket).ok()).collect();
            held.iter().for_each(|mut stream| drop(stream.write_all(half)));
            println!("holding {} halves", held.len());
            wait_for_ever();
        }
        "leave" => drop(http::post(socket, "leaving", r#"{"Code":500,"Messages":["tired"]}"#)),
        "leave-forbidden" => drop(http::post(socket, "leaving", r#"{"Code":403,"Messages":["licence expired"]}"#)),
        _ => {}
    }
}

/// Posts the same without end over some connections that are kept.
fn flood(socket: &Path, path: &str, body: &str) {
    thread::scope(|scope| {
        for _ in 0..FLOODERS {
            scope.spawn(|| {
                while let Ok(mut stream) = UnixStream::connect(socket) {
                    while http::post_on(&mut stream, path, body).is_ok() {}
                }
            });
        }
    });
}

/// Posts everything that is none of what the host takes, and prints what it answered.
fn malformed(socket: &Path) {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let bodies = ["{", "[]", "7", r#"{"Level":7}"#, r#"{"Time":"yesterday"}"#, r#"{"Code":"none"}"#, "{} {}", &deep];
    for path in ["log", "publish", "leaving", "objects/none", "nothing"] {
        // An object is a reason to leave, whatever is in it.
        for body in bodies.iter().filter(|body| path != "leaving" || !body.starts_with("{\"")) {
            let answer = http::post(socket, path, body);
            let shown = body.get(..body.len().min(20)).unwrap_or_default();
            println!("bad {path} {shown}: {}", answer.unwrap_or_else(|error| error.to_string()));
        }
    }
    let requests: [&[u8]; 4] = [
        b"garbage\r\n\r\n",
        b"POST /api-server-plugin/v4/log HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /api-server-plugin/v4/log HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n\xff\xfe",
        b"GET /api-server-plugin/v4/../v4/log HTTP/1.1\r\n\r\n",
    ];
    for request in requests {
        println!("bad request: {}", raw(socket, request).unwrap_or_else(|error| error.to_string()));
    }
    println!("bad callbacks are over");
}

/// Sends bytes, and returns the first line of what came back.
fn raw(socket: &Path, bytes: &[u8]) -> Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.write_all(bytes)?;
    let mut answer = [0; 64];
    let read = stream.read(&mut answer)?;
    let text = String::from_utf8_lossy(answer.get(..read).unwrap_or_default()).into_owned();
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// Posts a body of 100 MB, as far as the host takes it.
fn huge(socket: &Path, path: &str) -> Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    http::post_head(&mut stream, path, HUGE_BYTES)?;
    let chunk = [b' '; 1 << 20];
    for _ in 0..HUGE_BYTES >> 20 {
        if stream.write_all(&chunk).is_err() {
            break;
        }
    }
    http::answer_line(stream)
}
