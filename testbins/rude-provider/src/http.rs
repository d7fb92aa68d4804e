//! As much of HTTP as two peers on one machine need.

use std::{
    io::{BufRead, BufReader, Error, Read, Result, Write},
    os::unix::net::UnixStream,
    path::Path,
};

/// A request as it came, or an answer: its first line and its body.
pub(crate) struct Message {
    pub(crate) first_line: String,
    pub(crate) body: String,
}

/// Reads a message whose length is said in its head; `None` at the end of the connection.
pub(crate) fn read(stream: &mut BufReader<UnixStream>) -> Result<Option<Message>> {
    let mut first_line = String::new();
    if stream.read_line(&mut first_line)? == 0 {
        return Ok(None);
    }
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(Error::other)?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let body = String::from_utf8(body).map_err(Error::other)?;
    Ok(Some(Message { first_line: first_line.trim().to_owned(), body }))
}

/// Posts to the host over a connection of its own, and returns the first line of what it answered.
pub(crate) fn post(socket: &Path, path: &str, body: &str) -> Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    post_on(&mut stream, path, body)
}

/// As [`post`], over a connection that is kept.
pub(crate) fn post_on(stream: &mut UnixStream, path: &str, body: &str) -> Result<String> {
    post_head(stream, path, body.len())?;
    stream.write_all(body.as_bytes())?;
    answer_line(stream.try_clone()?)
}

/// Sends the head of a post.
pub(crate) fn post_head(stream: &mut UnixStream, path: &str, length: usize) -> Result<()> {
    let head = format!("POST /api-server-plugin/v4/{path} HTTP/1.1\r\nHost: unix\r\nContent-Type: application/json");
    stream.write_all(format!("{head}\r\nContent-Length: {length}\r\n\r\n").as_bytes())
}

/// The first line of an answer; an error where the connection ended instead.
pub(crate) fn answer_line(stream: UnixStream) -> Result<String> {
    let answer = read(&mut BufReader::new(stream))?;
    answer.map(|answer| answer.first_line).ok_or_else(|| Error::other("no answer"))
}
