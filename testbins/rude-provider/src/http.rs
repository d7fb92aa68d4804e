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

/// Answers a request.
pub(crate) fn answer(stream: &mut UnixStream, status: u16, body: &str) -> Result<()> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all((head + body).as_bytes())
}

/// Posts to the host, and returns the first line of what it answered.
pub(crate) fn post(socket: &Path, path: &str, body: &str) -> Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    let length = body.len();
    let head = "Host: unix\r\nContent-Type: application/json\r\nConnection: close";
    write!(stream, "POST /api-server-plugin/v4/{path} HTTP/1.1\r\n{head}\r\nContent-Length: {length}\r\n\r\n{body}")?;
    let answer = read(&mut BufReader::new(stream))?;
    Ok(answer.map(|answer| answer.first_line).unwrap_or_default())
}
