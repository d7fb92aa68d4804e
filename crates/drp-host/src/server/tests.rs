#![allow(clippy::unwrap_used)]

use std::{
    net::Ipv4Addr,
    sync::atomic::{AtomicBool, Ordering},
};

use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

const SHORT: Duration = Duration::from_millis(100);
const LONG: Duration = Duration::from_secs(10);

/// Whether [`held`] runs.
static HELD: AtomicBool = AtomicBool::new(false);

/// A handler that never answers.
async fn held() {
    struct Running;
    impl Drop for Running {
        fn drop(&mut self) {
            HELD.store(false, Ordering::Relaxed);
        }
    }
    HELD.store(true, Ordering::Relaxed);
    let _running = Running;
    std::future::pending().await
}

async fn served(tls: Option<Arc<ServerConfig>>) -> (Server, SocketAddr) {
    served_with(tls, Patience { handshake: SHORT, headers: SHORT, idle: SHORT * 10, stall: LONG }).await
}

async fn served_with(tls: Option<Arc<ServerConfig>>, patience: Patience) -> (Server, SocketAddr) {
    let server = Server::new(CancellationToken::new(), patience, Arc::new(Connections::new(10)));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new()
        .route("/", get(async || "here"))
        .route("/large", get(async || vec![b'x'; 64 << 20]))
        .route("/held", get(held))
        .route("/panic", get(async || -> &'static str { panic!("on purpose") }))
        .route("/never", get(std::future::pending::<()>));
    server.serve(listener, tls, router);
    (server, address)
}

/// Sends a text and reads until the server closes.
async fn talk(address: SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = time::timeout(LONG, stream.read_to_end(&mut answer)).await.expect("the server closes");
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn headers_that_do_not_come_end_the_connection() {
    let (server, address) = served(None).await;
    for text in ["", "GET / HTTP/1.1\r\nHost: x\r\nX: "] {
        assert!(!talk(address, text).await.contains("200"), "{text}");
    }
    assert!(talk(address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.ends_with("here"));
    server.stop(LONG).await;
}

#[tokio::test]
async fn an_idle_connection_outlives_the_time_of_a_head_and_a_slow_head_does_not() {
    let (server, address) = served(None).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut answer = [0; 512];
    for _ in 0..3 {
        stream.write_all(request).await.unwrap();
        let read = stream.read(&mut answer).await.unwrap();
        assert!(answer[..read].ends_with(b"here"));
        // Nothing comes, and nothing ends, for longer than a head may take.
        assert!(time::timeout(SHORT * 2, stream.read(&mut answer)).await.is_err());
    }
    // Byte by byte, each of them soon.
    let dribbled = async {
        for byte in request.iter().cycle().filter(|byte| **byte != b'\n') {
            if stream.write_all(&[*byte]).await.is_err() {
                break;
            }
            time::sleep(SHORT / 10).await;
        }
    };
    time::timeout(LONG, dribbled).await.expect("the server closes");
    server.stop(LONG).await;
}

#[tokio::test]
async fn a_connection_that_stays_idle_is_closed() {
    let patience = Patience { handshake: LONG, headers: LONG, idle: SHORT, stall: LONG };
    let (server, address) = served_with(None, patience).await;
    assert!(talk(address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.ends_with("here"));
    server.stop(LONG).await;
}

#[tokio::test]
async fn an_answer_that_nobody_takes_is_given_up() {
    let patience = Patience { handshake: LONG, headers: LONG, idle: LONG, stall: SHORT };
    let (server, address) = served_with(None, patience).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    stream.read_exact(&mut [0; 12]).await.unwrap();
    let ended = async {
        while server.tasks.len() != 1 {
            time::sleep(Duration::from_millis(1)).await;
        }
    };
    time::timeout(LONG, ended).await.expect("the connection ends");
    server.stop(LONG).await;
}

#[tokio::test]
async fn who_reads_and_hangs_up_is_not_read_for_any_longer() {
    let (server, address) = served(None).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let is_read = async |expected: bool| {
        while HELD.load(Ordering::Relaxed) != expected {
            time::sleep(Duration::from_millis(1)).await;
        }
    };
    time::timeout(LONG, is_read(true)).await.expect("the request runs");
    drop(stream);
    time::timeout(LONG, is_read(false)).await.expect("the request ends");
    server.stop(LONG).await;
}

#[tokio::test]
async fn a_handshake_that_does_not_come_ends_the_connection() {
    let dir = tempfile::tempdir().unwrap();
    let identity = crate::tls::Identity::open(dir.path(), Ipv4Addr::LOCALHOST.into(), None).unwrap();
    let (server, address) = served(Some(identity.config)).await;
    for text in ["", "\u{16}\u{3}\u{1}"] {
        assert_eq!(talk(address, text).await, "");
    }
    server.stop(LONG).await;
}

#[tokio::test]
async fn a_panic_is_a_500_and_the_connection_lives() {
    let (server, address) = served(None).await;
    let answer = talk(address, "GET /panic HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 500 ") && answer.ends_with("here"), "{answer}");
    assert!(answer.contains(r#""Messages":["Internal error"],"Code":500"#) && !answer.contains("purpose"), "{answer}");
    server.stop(LONG).await;
}

#[tokio::test]
async fn a_stop_cuts_off_what_does_not_end() {
    let (server, address) = served(None).await;
    let mut hanging = TcpStream::connect(address).await.unwrap();
    hanging.write_all(b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    idle.read_exact(&mut [0; 12]).await.unwrap();
    time::timeout(LONG, server.stop(SHORT)).await.expect("the stop ends");
    let _ = time::timeout(LONG, hanging.read_to_end(&mut Vec::new())).await.expect("the connection is closed");
    assert!(TcpStream::connect(address).await.is_err());
}
