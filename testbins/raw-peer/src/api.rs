//! A server's API of bare TLS: REST by hand, and websockets that speak as the recorded server does
//! (`vectors/wire/listen-eventselect.jsonl`).

use std::{
    collections::BTreeSet,
    io::{self, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{self, Message, WebSocket, handshake::derive_accept_key, protocol::Role};

use crate::{eventually, request};

/// A connection of a client.
pub type TlsStream = StreamOwned<ServerConnection, TcpStream>;

/// How long a websocket waits for its client before it looks whether there is something to send.
const TURN: Duration = Duration::from_millis(5);
/// Events that are handed to the network at once.
const BATCH: usize = 100;

/// Answers a REST request: method, path with its query, body.
type Answer = dyn Fn(&str, &str, &str) -> (u16, Value) + Send + Sync;

/// A server that answers REST requests as a test says and sends the events that it wants sent.
#[derive(Clone, Debug)]
pub struct Api {
    endpoint: String,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    sockets: Vec<Socket>,
    /// Nothing is read or sent any more, and nothing is closed.
    stalled: bool,
    /// What was registered on all sockets ever, in order.
    told: Vec<String>,
    /// How many sockets there have been.
    opened: usize,
}

/// One websocket.
#[derive(Debug)]
struct Socket {
    number: usize,
    tcp: TcpStream,
    registered: BTreeSet<String>,
    waiting: Vec<String>,
}

impl Api {
    /// Serves websockets only.
    pub fn events() -> Self {
        Self::serve(|_, _, _| (404, json!({"Messages": ["No such object"], "Code": 404})))
    }

    /// Serves websockets, and REST requests by `answer`.
    pub fn serve(answer: impl Fn(&str, &str, &str) -> (u16, Value) + Send + Sync + 'static) -> Self {
        let (listener, config) = (TcpListener::bind("127.0.0.1:0").unwrap(), tls_config());
        let endpoint = format!("https://{}", listener.local_addr().unwrap());
        let api = Self { endpoint, state: Arc::default() };
        let (server, answer): (_, Arc<Answer>) = (api.clone(), Arc::new(answer));
        thread::spawn(move || {
            for tcp in listener.incoming().map_while(Result::ok) {
                let (server, answer, config) = (server.clone(), Arc::clone(&answer), Arc::clone(&config));
                thread::spawn(move || server.serve_connection(accept(tcp, config), answer.as_ref()));
            }
        });
        api
    }

    /// Its URL.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Waits until exactly these selectors are registered on one websocket.
    pub fn wait_until_registered(&self, selectors: &[&str]) {
        let wanted: BTreeSet<String> = selectors.iter().map(|&selector| selector.to_owned()).collect();
        eventually(&format!("{wanted:?} are registered"), || {
            let state = self.state.lock().unwrap();
            state.sockets.iter().any(|socket| socket.registered == wanted).then_some(())
        });
    }

    /// What was registered and deregistered so far, such as `register probe.*.*`.
    pub fn told(&self) -> Vec<String> {
        self.state.lock().unwrap().told.clone()
    }

    /// Sends an event to whoever is connected.
    pub fn send(&self, type_: &str, action: &str, key: &str, object: &Value) {
        self.send_all([event(type_, action, key, object)]);
    }

    /// Sends events, made by [`event`], to whoever is connected.
    pub fn send_all(&self, events: impl IntoIterator<Item = Value>) {
        let events: Vec<String> = events.into_iter().map(|event| event.to_string()).collect();
        for socket in &mut self.state.lock().unwrap().sockets {
            socket.waiting.extend_from_slice(&events);
        }
    }

    /// Breaks all websockets off, without a word.
    pub fn cut(&self) {
        let sockets = std::mem::take(&mut self.state.lock().unwrap().sockets);
        for socket in sockets {
            // It may be closed already.
            let _ = socket.tcp.shutdown(std::net::Shutdown::Both);
        }
    }

    /// From now on the websockets there are say nothing and hear nothing; new ones are as they should be.
    pub fn stall(&self) {
        let mut state = self.state.lock().unwrap();
        state.sockets.iter_mut().for_each(|socket| socket.registered.clear());
        state.stalled = true;
    }

    fn serve_connection(&self, mut stream: TlsStream, answer: &Answer) {
        loop {
            // One byte after the other: what follows an upgrade is not ours to read.
            let Some(request) = request::read(&mut BufReader::with_capacity(1, &mut stream)) else { return };
            if let Some(key) = request.header("sec-websocket-key") {
                return self.serve_websocket(stream, key);
            }
            let (status, body) = answer(&request.method, &request.path, &request.body);
            let body = body.to_string();
            let head =
                format!("HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: {}", body.len());
            if write!(stream, "{head}\r\n\r\n{body}").and_then(|()| stream.flush()).is_err() {
                return;
            }
        }
    }

    fn serve_websocket(&self, mut stream: TlsStream, key: &str) {
        let head = "HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket";
        let accepted = derive_accept_key(key.as_bytes());
        if write!(stream, "{head}\r\nSec-WebSocket-Accept: {accepted}\r\n\r\n").is_err() {
            return;
        }
        stream.sock.set_read_timeout(Some(TURN)).unwrap();
        let tcp = stream.sock.try_clone().unwrap();
        let mut websocket = WebSocket::from_raw_socket(stream, Role::Server, None);
        let number = {
            let mut state = self.state.lock().unwrap();
            state.stalled = false;
            state.opened += 1;
            let (number, registered, waiting) = (state.opened, BTreeSet::new(), Vec::new());
            state.sockets.push(Socket { number, tcp, registered, waiting });
            number
        };
        while self.turn(&mut websocket, number).is_ok() {}
        let mut state = self.state.lock().unwrap();
        state.sockets.retain(|socket| socket.number != number);
    }

    /// Sends what waits for a socket, and reads what has come on it.
    fn turn(&self, websocket: &mut WebSocket<TlsStream>, number: usize) -> Result<(), ()> {
        let waiting = {
            let mut state = self.state.lock().unwrap();
            let stalled = state.stalled;
            let socket = state.sockets.iter_mut().find(|socket| socket.number == number).ok_or(())?;
            if stalled {
                drop(state);
                thread::park_timeout(TURN);
                return Ok(());
            }
            let batch = socket.waiting.len().min(BATCH);
            socket.waiting.drain(..batch).collect::<Vec<_>>()
        };
        let sends_more = !waiting.is_empty();
        for event in waiting {
            websocket.write(Message::text(event)).map_err(drop)?;
        }
        websocket.flush().map_err(drop)?;
        if sends_more {
            return Ok(());
        }
        match websocket.read() {
            Ok(Message::Text(text)) => self.hear(websocket, number, text.as_str()),
            Ok(Message::Close(_)) => Err(()),
            Ok(_) => Ok(()),
            Err(tungstenite::Error::Io(error))
                if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) =>
            {
                Ok(())
            }
            Err(_) => Err(()),
        }
    }

    fn hear(&self, websocket: &mut WebSocket<TlsStream>, number: usize, text: &str) -> Result<(), ()> {
        let (verb, selector) = text.split_once(' ').ok_or(())?;
        {
            let mut state = self.state.lock().unwrap();
            state.told.push(text.to_owned());
            let socket = state.sockets.iter_mut().find(|socket| socket.number == number).ok_or(())?;
            match verb {
                "register" => drop(socket.registered.insert(selector.to_owned())),
                _ => drop(socket.registered.remove(selector)),
            }
        }
        let echo = event("websocket", verb, selector, &Value::Null);
        websocket.send(Message::text(echo.to_string())).map_err(drop)
    }
}

/// An event as it is on the wire.
pub fn event(type_: &str, action: &str, key: &str, object: &Value) -> Value {
    json!({"Time": "2026-11-22T08:02:01.241622081Z", "Type": type_, "Action": action, "Key": key, "Object": object})
}

/// A certificate for this machine that nobody has signed.
pub fn tls_config() -> Arc<ServerConfig> {
    let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    Arc::new(config)
}

/// The server's side of TLS on a connection.
pub fn accept(tcp: TcpStream, config: Arc<ServerConfig>) -> TlsStream {
    StreamOwned::new(ServerConnection::new(config).unwrap(), tcp)
}
