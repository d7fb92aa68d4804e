//! A server that answers HTTP/1.1 by hand.

use std::{
    future::Future,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use drp_client::{Client, Config, Credentials};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
};

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// `GET /api/v3/info`.
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// What to write back. An answer without `Content-Length` ends with the connection.
pub(crate) struct Reply {
    pub(crate) text: String,
    pub(crate) close: bool,
}

pub(crate) fn json(status: &str, body: &str) -> Reply {
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}", body.len());
    Reply { text: format!("{head}\r\n\r\n{body}"), close: false }
}

/// An answer without a body and with these headers, `Name: value` each.
pub(crate) fn head(status: &str, headers: &[&str]) -> Reply {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let length = if headers.contains("Content-Length") { "" } else { "Content-Length: 0\r\n" };
    Reply { text: format!("HTTP/1.1 {status}\r\n{headers}{length}\r\n"), close: false }
}

/// The lines of what was seen.
pub(crate) fn lines(peer: &Peer) -> Vec<String> {
    peer.seen().into_iter().map(|seen| seen.line.replace(" /api/v3", " ")).collect()
}

/// These bytes, and then the end of the connection.
pub(crate) fn last_words(text: &str) -> Reply {
    Reply { text: text.to_owned(), close: true }
}

pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Peer {
    /// Answers every request, on any number of connections, with what `answer` says.
    pub(crate) async fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), Arc::clone(&seen));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                tokio::spawn(async move {
                    serve(stream, |request| {
                        log.lock().unwrap().push(request.clone());
                        answer(request)
                    })
                    .await;
                });
            }
        });
        Self { address, seen }
    }

    /// One canned answer for the first request, another for the second, and so on; the last one stays.
    pub(crate) async fn script(replies: Vec<Reply>) -> Self {
        let replies = Mutex::new(replies);
        Self::start(move |_| {
            let mut replies = replies.lock().unwrap();
            if replies.len() > 1 {
                return replies.remove(0);
            }
            Reply { text: replies[0].text.clone(), close: replies[0].close }
        })
        .await
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn config(&self) -> Config {
        config(&format!("http://{}", self.address))
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.config()).unwrap()
    }
}

pub(crate) fn config(endpoint: &str) -> Config {
    Config::new(endpoint, Credentials::Token("t0ken".into()))
}

/// Answers the requests of one connection until it ends.
pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(stream: S, mut answer: impl FnMut(&Seen) -> Reply) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read_request(&mut stream).await {
        let reply = answer(&request);
        if stream.write_all(reply.text.as_bytes()).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        if reply.close {
            let _ = stream.shutdown().await;
            return;
        }
    }
}

async fn read_request<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<Seen> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            text => lines.push(text.to_owned()),
        }
    }
    let line = lines.first()?.trim_end_matches(" HTTP/1.1").to_owned();
    let header = |line: &String| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_ascii_lowercase(), value.to_owned())
    };
    let headers: Vec<_> = lines.iter().skip(1).map(header).collect();
    let named = |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let body = match named("transfer-encoding") {
        Some("chunked") => read_chunks(stream).await?,
        _ => {
            let mut body = vec![0; named("content-length").map_or(0, |n| n.parse().unwrap())];
            stream.read_exact(&mut body).await.ok()?;
            body
        }
    };
    Some(Seen { line, headers, body: String::from_utf8(body).unwrap() })
}

async fn read_chunks<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let size = usize::from_str_radix(line.trim_end(), 16).ok()?;
        let mut chunk = vec![0; size + 2];
        stream.read_exact(&mut chunk).await.ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(&chunk[..size]);
    }
}

/// The result of `work`, which must not take long.
pub(crate) async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), work).await.expect("it should have happened by now")
}
