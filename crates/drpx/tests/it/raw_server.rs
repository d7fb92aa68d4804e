//! A server of bare sockets: some answers, and websockets whose every byte is written here.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::mpsc,
    thread,
};

use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::process::{PATIENCE, drpx};

pub(crate) struct RawServer {
    endpoint: String,
    websockets: mpsc::Receiver<Websocket>,
}

pub(crate) struct Websocket {
    stream: BufReader<TcpStream>,
}

impl RawServer {
    /// Answers `GET /api/v3/logs` with this text.
    pub(crate) fn start(logs: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (send, websockets) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let send = send.clone();
                thread::spawn(move || serve(BufReader::new(stream.unwrap()), logs, &send));
            }
        });
        Self { endpoint, websockets }
    }

    pub(crate) fn drpx(&self, args: &[&str]) -> Command {
        let mut command = drpx();
        command.args(args).env("RS_ENDPOINT", &self.endpoint).env("RS_TOKEN", "t0ken");
        command
    }

    /// The next websocket, after it has registered this selector.
    pub(crate) fn registered(&self, selector: &str) -> Websocket {
        let mut websocket = self.websockets.recv_timeout(PATIENCE).unwrap();
        assert_eq!(websocket.read_text(), format!("register {selector}"));
        websocket.send(&format!(r#"{{"Type":"websocket","Action":"register","Key":"{selector}","Object":null}}"#));
        websocket
    }
}

/// Answers the requests of one connection.
fn serve(mut stream: BufReader<TcpStream>, logs: &str, websockets: &mpsc::Sender<Websocket>) -> Option<()> {
    stream.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
    loop {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            (stream.read_line(&mut line).ok()? > 0).then_some(())?;
            match line.trim_end() {
                "" => break,
                line => head.push(line.to_owned()),
            }
        }
        if head[0].starts_with("GET /api/v3/ws ") {
            let key = head.iter().find(|line| line.to_lowercase().starts_with("sec-websocket-key: "));
            let accept = derive_accept_key(key?.split_once(": ")?.1.as_bytes());
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
            );
            stream.get_mut().write_all(answer.as_bytes()).ok()?;
            return websockets.send(Websocket { stream }).ok();
        }
        assert!(head[0].starts_with("GET /api/v3/logs "), "{head:?}");
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{logs}",
            logs.len()
        );
        stream.get_mut().write_all(answer.as_bytes()).ok()?;
    }
}

impl Websocket {
    /// Sends a text of any length in one frame.
    pub(crate) fn send(&mut self, text: &str) {
        let mut bytes = vec![0x81, 127];
        bytes.extend((text.len() as u64).to_be_bytes());
        bytes.extend(text.as_bytes());
        self.stream.get_mut().write_all(&bytes).unwrap();
    }

    /// The payload of the next text frame, which is short; others are passed over.
    pub(crate) fn read_text(&mut self) -> String {
        loop {
            let mut head = [0; 6];
            self.stream.read_exact(&mut head).unwrap();
            let mut payload = vec![0; usize::from(head[1] & 0x7f)];
            self.stream.read_exact(&mut payload).unwrap();
            payload.iter_mut().zip(head[2..].iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
            if head[0] == 0x81 {
                return String::from_utf8(payload).unwrap();
            }
        }
    }
}
