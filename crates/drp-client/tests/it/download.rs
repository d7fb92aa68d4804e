//! Answers that are received piece by piece.

use std::time::Duration;

use drp_client::{ClientError, ClientErrorKind, Request};

use crate::peer::{Peer, json, last_words, soon};

async fn download(peer: &Peer) -> Result<Vec<u8>, ClientError> {
    let client = peer.client().with_request_time(Duration::from_millis(500));
    let mut download = client.download(Request::backup().unwrap()).await?;
    let mut whole = Vec::new();
    while let Some(chunk) = download.next().await? {
        whole.extend_from_slice(&chunk);
    }
    Ok(whole)
}

#[tokio::test]
async fn a_download_is_whole_or_an_error() {
    let check = async |reply: &str, expected: Result<&[u8], &str>| {
        let peer = Peer::script(vec![last_words(reply)]).await;
        let got = soon(download(&peer)).await.map_err(|error| error.chain());
        match expected {
            Ok(body) => assert_eq!(got.unwrap(), body),
            Err(text) => assert!(got.as_ref().is_err_and(|chain| chain.contains(text)), "{got:?}"),
        }
        assert_eq!(peer.seen().len(), 1, "it is asked for once");
    };
    let gzip = "HTTP/1.1 200 OK\r\nContent-Type: application/gzip\r\n";
    check(&format!("{gzip}Content-Length: 4\r\n\r\n\0\x01ab"), Ok(b"\0\x01ab")).await;
    check(&format!("{gzip}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"), Ok(b"abc")).await;
    check(&format!("{gzip}Content-Length: 4\r\n\r\nab"), Err("it ended in the middle")).await;
    check(&format!("{gzip}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"), Err("it ended in the middle")).await;
    check("HTTP/1.1 302 Found\r\nLocation: https://other/\r\nContent-Length: 0\r\n\r\n", Err("redirects to")).await;
}

#[tokio::test]
async fn a_refused_download_is_the_servers_error() {
    let body =
        r#"{"Model":"system","Key":"backup","Type":"GET","Messages":["another backup is being made"],"Code":409}"#;
    let peer = Peer::script(vec![json("409 Conflict", body)]).await;
    let error = soon(download(&peer)).await.unwrap_err();
    assert!(error.is_conflict() && error.chain().contains("another backup is being made"), "{}", error.chain());
}

#[tokio::test]
async fn silence_ends_a_download() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = crate::peer::config(&format!("http://{}", listener.local_addr().unwrap()));
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab").await.unwrap();
        stream
    });
    let client = drp_client::Client::new(config).unwrap().with_request_time(Duration::from_millis(200));
    let mut download = soon(client.download(Request::backup().unwrap())).await.unwrap();
    assert_eq!(soon(download.next()).await.unwrap().unwrap(), "ab");
    let error = soon(download.next()).await.unwrap_err();
    assert!(matches!(error.kind(), ClientErrorKind::Timeout(_)), "{error:?}");
    drop(server.await.unwrap());
}
