//! Faults between the client and a peer that writes every byte of its websockets itself.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use drp_client::{Client, Config, Credentials};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf},
    sync::mpsc,
    time::sleep,
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::{faults, numbers, proxy::Proxy, publisher, quicken};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_of_a_raw_peer_is_seen_once_and_in_order_or_announced_as_a_gap() {
    let peer = RawPeer::start().await;
    let proxy = Proxy::start(peer.address).await;
    let client = client(proxy.address);
    let stream = client.events(vec!["faults.happened.*".parse().unwrap()]).await.unwrap();
    // The more faults, the more time for them.
    let pace = Duration::from_micros(50 * faults());
    publisher::run(stream, &proxy, numbers(), async |key, number| {
        peer.publish(key, &number.to_string());
        sleep(pace).await;
        true
    })
    .await;
}

pub(crate) fn client(address: SocketAddr) -> Client {
    let mut config = Config::new(format!("http://{address}"), Credentials::Token("t0ken".into()));
    quicken(&mut config);
    Client::new(config).unwrap()
}

/// A websocket that has registered something, to which frames are written in order.
type Registered = Arc<Mutex<Vec<mpsc::UnboundedSender<Vec<u8>>>>>;

pub(crate) struct RawPeer {
    pub(crate) address: SocketAddr,
    registered: Registered,
}

const TEXT: u8 = 0x1;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;
const LAST_PIECE: u8 = 0x80;

impl RawPeer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let registered = Registered::default();
        let all = Arc::clone(&registered);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&all)));
            }
        });
        Self { address, registered }
    }

    /// Sends an event to all who have registered.
    pub(crate) fn publish(&self, key: &str, object: &str) {
        let text = format!(r#"{{"Type":"faults","Action":"happened","Key":"{key}","Object":{object}}}"#);
        // Some in one piece, some in two.
        let (first, second) = text.as_bytes().split_at(if text.len().is_multiple_of(3) { text.len() / 2 } else { 0 });
        let bytes = match first {
            [] => frame(LAST_PIECE | TEXT, second),
            first => [frame(TEXT, first), frame(LAST_PIECE, second)].concat(),
        };
        self.registered.lock().unwrap().retain(|websocket| websocket.send(bytes.clone()).is_ok());
    }
}

/// Answers one connection until it ends.
async fn serve(stream: TcpStream, all: Registered) -> Option<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    let key = read_upgrade(&mut read).await?;
    let accept = derive_accept_key(key.as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    write.write_all(answer.as_bytes()).await.ok()?;
    let (send, mut frames) = mpsc::unbounded_channel::<Vec<u8>>();
    let writing = async {
        while let Some(bytes) = frames.recv().await {
            if write.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    let reading = async {
        while let Some((code, payload)) = read_frame(&mut read).await {
            if code == PING {
                let _ = send.send(frame(LAST_PIECE | PONG, &payload));
            }
            let text = String::from_utf8_lossy(&payload).into_owned();
            let Some((word, selector)) = text.split_once(' ').filter(|_| code == TEXT) else { continue };
            let echo = format!(r#"{{"Type":"websocket","Action":"{word}","Key":"{selector}","Object":null}}"#);
            let mut all = all.lock().unwrap();
            let _ = send.send(frame(LAST_PIECE | TEXT, echo.as_bytes()));
            if word == "register" {
                all.push(send.clone());
            }
        }
    };
    tokio::select! {
        () = writing => {}
        () = reading => {}
    }
    Some(())
}

/// The key of a request for a websocket.
async fn read_upgrade(read: &mut BufReader<OwnedReadHalf>) -> Option<String> {
    let mut key = None;
    loop {
        let mut line = String::new();
        if read.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("sec-websocket-key") => key = Some(value.to_owned()),
            Some(_) => {}
            None if line.trim_end().is_empty() => return key,
            None => {}
        }
    }
}

/// A frame of a client, which is masked and short.
async fn read_frame(read: &mut BufReader<OwnedReadHalf>) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 2];
    read.read_exact(&mut head).await.ok()?;
    assert!(head[1] & 0x80 != 0 && head[1] & 0x7f < 126, "{head:?}");
    let mut mask = [0; 4];
    read.read_exact(&mut mask).await.ok()?;
    let mut payload = vec![0; usize::from(head[1] & 0x7f)];
    read.read_exact(&mut payload).await.ok()?;
    payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    Some((head[0] & 0x0f, payload))
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        short @ 0..126 => bytes.push(u8::try_from(short).unwrap()),
        medium @ 126..0x1_0000 => {
            bytes.push(126);
            bytes.extend(u16::try_from(medium).unwrap().to_be_bytes());
        }
        long => {
            bytes.push(127);
            bytes.extend((long as u64).to_be_bytes());
        }
    }
    bytes.extend(payload);
    bytes
}
