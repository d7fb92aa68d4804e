//! What comes from outside is bounded, and what is too much is answered clearly.

use std::time::Duration;

use drp_core::limits;
use http::StatusCode;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time,
};

use crate::peer::{Peer, within};

/// Writes raw bytes and reads until the host closes.
async fn talk(peer: &Peer, request: &[u8]) -> String {
    let mut stream = peer.connect().await;
    // The host may close before it has read all.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = within(stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_body_that_is_too_large_is_413() {
    let peer = Peer::start().await;
    let mut stream = peer.connect().await;
    let head = format!(
        "POST /api/v3/profiles HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\nContent-Type: application/json\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n",
        peer.bearer(),
        limits::BODY_BYTES_MAX + 1
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = vec![b' '; 1 << 20];
    for _ in 0..=limits::BODY_BYTES_MAX >> 20 {
        if stream.write_all(&chunk).await.is_err() {
            break;
        }
    }
    let mut answer = vec![0; 64];
    let read = within(stream.read(&mut answer)).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    peer.host.stop().await;
}

/// `#44`.
#[tokio::test]
async fn a_body_that_is_cut_short_changes_nothing() {
    let peer = Peer::start().await;
    let mut stream = peer.connect().await;
    let head = format!(
        "POST /api/v3/profiles HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\nContent-Type: application/json\r\n\
         Content-Length: 100\r\n\r\n{{\"Name\":\"p1\"}}",
        peer.bearer()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    let _ = within(stream.read_to_end(&mut answer)).await;
    assert_eq!(peer.call("GET", "/profiles/p1", "").await.status, StatusCode::NOT_FOUND);
    peer.host.stop().await;
}

#[tokio::test]
async fn bodies_that_are_no_json_of_the_right_kind_are_400() {
    let peer = Peer::start().await;
    let deep = "[".repeat(limits::JSON_DEPTH_MAX + 1) + &"]".repeat(limits::JSON_DEPTH_MAX + 1);
    for body in ["{", "[]", "\"x\"", "{} {}", "{\"Name\":\"p\"", &format!(r#"{{"Name":"p1","Params":{deep}}}"#)] {
        let answer = peer.call("POST", "/profiles", body).await;
        assert_eq!(answer.error().0, 400, "{body}");
    }
    assert_eq!(peer.call("PATCH", "/profiles/global", "{}").await.error().0, 400);
    let answer = talk(
        &peer,
        format!(
            "POST /api/v3/profiles HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\nContent-Type: text/plain\r\n\
             Connection: close\r\nContent-Length: 2\r\n\r\n{{}}",
            peer.bearer()
        )
        .as_bytes(),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("Invalid content type: text/plain"), "{answer}");
    peer.host.stop().await;
}

#[tokio::test]
async fn headers_that_are_too_large_or_no_http_are_refused() {
    let peer = Peer::start().await;
    let large = format!("GET /api/v3/info HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(limits::HEADER_BYTES_MAX));
    let answer = talk(&peer, large.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let many = format!("GET /api/v3/info HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: x\r\n".repeat(1000));
    let answer = talk(&peer, many.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let answer = talk(&peer, b"garbage\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert_eq!(peer.call("GET", "/info", "").await.status, StatusCode::OK);
    peer.host.stop().await;
}

#[tokio::test]
async fn a_peer_that_is_silent_in_the_handshake_holds_nobody_up() {
    let peer = Peer::start().await;
    let silent = TcpStream::connect(peer.address()).await.unwrap();
    let mut garbage = TcpStream::connect(peer.address()).await.unwrap();
    garbage.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    let _ = within(garbage.read_to_end(&mut rest)).await;
    let answer = time::timeout(Duration::from_secs(1), peer.call("GET", "/info", "")).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    drop(silent);
    peer.host.stop().await;
}

#[tokio::test]
async fn an_address_gets_so_many_connections_and_the_rest_is_closed() {
    let peer = Peer::start().await;
    let mut held = Vec::new();
    for _ in 0..limits::CONNECTIONS_PER_ADDRESS_MAX {
        held.push(TcpStream::connect(peer.address()).await.unwrap());
    }
    let mut closed = TcpStream::connect(peer.address()).await.unwrap();
    let read = within(closed.read(&mut [0; 1])).await;
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    drop(held);
    // The host notices the others' end in its own time.
    within(async {
        loop {
            let mut stream = TcpStream::connect(peer.address()).await.unwrap();
            if time::timeout(Duration::from_millis(100), stream.read(&mut [0; 1])).await.is_err() {
                break;
            }
        }
    })
    .await;
    assert_eq!(peer.call("GET", "/info", "").await.status, StatusCode::OK);
    peer.host.stop().await;
}

#[tokio::test]
async fn a_stopped_host_can_be_started_again_in_the_same_process() {
    let peer = Peer::start().await;
    assert_eq!(peer.call("POST", "/profiles", r#"{"Name":"p1"}"#).await.status, StatusCode::CREATED);
    // An idle connection and a websocket-like one do not keep it from stopping.
    let idle = peer.connect().await;
    within(peer.host.stop()).await;
    within(peer.host.stop()).await;
    drop(idle);
    let Peer { host, dir, .. } = peer;
    drop(host);
    let peer = Peer::start_in(dir, |config| config).await;
    assert_eq!(peer.call("GET", "/profiles/p1", "").await.status, StatusCode::OK);
    peer.host.stop().await;
}

/// A request by the administrator, as raw bytes.
fn raw(peer: &Peer, method: &str, path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "{method} /api/v3{path} HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\nContent-Type: application/json\r\n\
         Connection: close\r\n{headers}\r\n",
        peer.bearer()
    );
    [head.as_bytes(), body].concat()
}

#[tokio::test]
async fn bodies_that_are_no_text_or_no_chunks_change_nothing() {
    let peer = Peer::start().await;
    let length = |body: &[u8]| format!("Content-Length: {}\r\n", body.len());
    let chunked = || "Transfer-Encoding: chunked\r\n".to_owned();
    let [latin, half, marked]: [&[u8]; 3] = [b"{\"Name\":\"\xff\xfe\"}", b"{\"Name\":\"\\ud800p\"}", b"\xef\xbb\xbf{"];
    for (headers, body) in [
        (length(latin), latin),
        (length(half), half),
        (length(marked), marked),
        (chunked(), b"cow\r\n{\"Name\":\"p1\"}\r\n0\r\n\r\n"),
        (chunked(), b"ffffffffffffffffff\r\n{}\r\n"),
        (chunked(), b"5\r\n{\"Name\":\"p1\"}\r\n0\r\n\r\n"),
        ("Transfer-Encoding: cow\r\nContent-Length: 2\r\n".to_owned(), b"{}"),
        ("Content-Length: 2\r\nContent-Length: 13\r\n".to_owned(), b"{\"Name\":\"p1\"}"),
        ("Content-Length: -1\r\n".to_owned(), b"{}"),
        ("Content-Length: 99999999999999999999\r\n".to_owned(), b"{}"),
    ] {
        let answer = talk(&peer, &raw(&peer, "POST", "/profiles", &headers, body)).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{headers:?}: {answer}");
    }
    for path in ["/profiles/%ff%fe", "/files/%ff", "/machines/x/params/%c3%28", "/profiles?Name=%ff"] {
        let answer = talk(&peer, &raw(&peer, "GET", path, "", b"")).await;
        assert!(answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
    }
    assert_eq!(peer.call("GET", "/profiles", "").await.json().as_array().unwrap().len(), 1);
    peer.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_idle_websockets_of_one_address_leave_others_served() {
    let peer = Peer::start().await;
    let open = async || {
        let (head, stream) = peer.upgrade().await;
        assert_eq!(head, "HTTP/1.1 101");
        stream
    };
    let mut sockets = Vec::new();
    while sockets.len() < 500 {
        sockets.extend(futures_util::future::join_all((0..50).map(|_| open())).await);
    }
    for n in 0..20 {
        let body = format!(r#"{{"Name":"p{n}"}}"#);
        let made = time::timeout(Duration::from_secs(5), peer.call("POST", "/profiles", &body));
        assert_eq!(made.await.unwrap().status, StatusCode::CREATED);
    }
    drop(sockets);
    peer.host.stop().await;
}

#[tokio::test]
async fn a_body_that_comes_byte_by_byte_holds_up_nobody() {
    let peer = Peer::start().await;
    let mut slow = Vec::new();
    // More of them than large bodies may be held at a time.
    for _ in 0..limits::LARGE_BODIES_MAX * 4 {
        let mut stream = peer.connect().await;
        stream.write_all(&raw(&peer, "POST", "/profiles", "Content-Length: 1000\r\n", b"{\"Name\"")).await.unwrap();
        slow.push(stream);
    }
    let small = time::timeout(Duration::from_secs(5), peer.call("POST", "/profiles", r#"{"Name":"p1"}"#)).await;
    assert_eq!(small.unwrap().status, StatusCode::CREATED);
    let large = format!(r#"{{"Name":"p2","Description":"{}"}}"#, "x".repeat(2 * limits::SMALL_BODY_BYTES_MAX));
    let large = time::timeout(Duration::from_secs(20), peer.call("POST", "/profiles", &large)).await;
    assert_eq!(large.unwrap().status, StatusCode::CREATED);
    drop(slow);
    peer.host.stop().await;
}

/// Whoever is still sending when the answer is there sees the answer, and no broken connection.
#[tokio::test]
async fn an_upload_that_is_refused_early_gets_its_answer() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let peer = Peer::start().await;
    let stream = peer.connect().await;
    let (mut reader, mut writer) = tokio::io::split(stream);
    let length = 64 << 20;
    let head = format!(
        "POST /api/v3/files/x HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n",
        peer.bearer(),
    );
    let chunk = vec![b'x'; 1 << 20];
    // The whole body is sent before anybody looks for the answer.
    let sent = async {
        writer.write_all(head.as_bytes()).await?;
        for _ in 0..length >> 20 {
            writer.write_all(&chunk).await?;
        }
        writer.flush().await
    };
    crate::peer::within(sent).await.unwrap();
    let mut answer = vec![0; 12];
    crate::peer::within(reader.read_exact(&mut answer)).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 400");
    peer.host.stop().await;
}
