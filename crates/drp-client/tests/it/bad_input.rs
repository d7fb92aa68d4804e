//! Answers that are meant to break whoever reads them.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use drp_client::{BadAnswer, Client, ClientError, ClientErrorKind};
use flate2::{Compression, write::GzEncoder};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::peer::{config, soon};

/// A client of a server that writes these bytes whatever it is asked, and then, every few milliseconds and for ever,
/// the others.
async fn client_of(answer: Vec<u8>, trickle: Option<&'static [u8]>) -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = config(&format!("http://{}", listener.local_addr().unwrap()));
    config.body_bytes_max = 1 << 20;
    config.request_time = Duration::from_secs(2);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(&answer).await;
                while let Some(bytes) = trickle {
                    if stream.write_all(bytes).await.is_err() {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            });
        }
    });
    Client::new(config).unwrap()
}

/// What becomes of a GET that is answered so.
async fn failure(answer: Vec<u8>, trickle: Option<&'static [u8]>) -> ClientError {
    let error = soon(client_of(answer, trickle).await.info()).await.unwrap_err();
    assert!(!format!("{error:?} {}", error.chain()).contains("t0ken"));
    error
}

fn bad_answer(error: &ClientError) -> &BadAnswer {
    match error.kind() {
        ClientErrorKind::BadAnswer(answer) => answer,
        other => panic!("{other:?}"),
    }
}

fn packed(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn answer(headers: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

#[tokio::test]
async fn what_is_packed_is_unpacked_as_far_as_the_limit_of_its_size() {
    let gzip = "Content-Encoding: gzip\r\n";
    let good = client_of(answer(gzip, &packed(br#"{"id":"Fred"}"#)), None).await;
    let info: serde_json::Value = soon(good.send(drp_client::Request::info().unwrap())).await.unwrap();
    assert_eq!(info["id"], "Fred");

    let bomb = packed(&vec![b' '; 64 << 20]);
    assert!(bomb.len() < 1 << 17, "{} bytes", bomb.len());
    let error = failure(answer(gzip, &bomb), None).await;
    assert!(matches!(bad_answer(&error), BadAnswer::TooLarge(limit) if *limit == 1 << 20), "{error:?}");

    let error = failure(answer(gzip, b"{}"), None).await;
    assert!(matches!(bad_answer(&error), BadAnswer::Encoding(_)), "{error:?}");
    assert!(error.chain().ends_with("it cannot be unpacked from `gzip`"), "{}", error.chain());

    let error = failure(answer("Content-Encoding: br\r\n", b"\x0b\x01\x80{}\x03"), None).await;
    assert!(matches!(bad_answer(&error), BadAnswer::Encoding(name) if name == "br"), "{error:?}");

    let half = packed(&vec![b' '; 4096]);
    let mut cut = answer(gzip, &half);
    cut.truncate(cut.len() - 9);
    let error = failure(cut, None).await;
    assert!(matches!(bad_answer(&error), BadAnswer::Truncated(_)), "{error:?}");
}

#[tokio::test]
async fn a_flood_of_headers_is_no_answer() {
    let many: String = (0..10_000).map(|n| format!("X-{n}: y\r\n")).collect();
    let error = failure(answer(&many, b"{}"), None).await;
    assert!(matches!(bad_answer(&error), BadAnswer::HeadTooLarge), "{error:?}");

    let large = format!("X: {}\r\n", "y".repeat(4 << 20));
    let error = failure(answer(&large, b"{}"), None).await;
    assert!(matches!(bad_answer(&error), BadAnswer::HeadTooLarge), "{error:?}");
}

#[tokio::test]
async fn a_server_that_trickles_has_no_more_time_than_others() {
    let heads: [(&[u8], &'static [u8]); 3] = [
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y"),
    ];
    for (head, trickle) in heads {
        let began = Instant::now();
        let error = failure(head.to_vec(), Some(trickle)).await;
        assert!(matches!(error.kind(), ClientErrorKind::Timeout(_)), "{error:?}");
        assert_eq!(error.chain(), "GET info failed: no answer within 2s");
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn lengths_that_lie_are_no_answers() {
    let both =
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ";
    let error = failure(both.to_vec(), None).await;
    assert!(matches!(error.kind(), ClientErrorKind::BadAnswer(_)), "{error:?}");
    let huge = answer("", b"").to_vec();
    let huge = String::from_utf8(huge).unwrap().replace("Content-Length: 0", "Content-Length: 18446744073709551615");
    let error = failure(format!("{huge}{{").into_bytes(), None).await;
    assert!(matches!(error.kind(), ClientErrorKind::BadAnswer(_)), "{error:?}");
    let chunk = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{";
    let error = failure(chunk.as_bytes().to_vec(), None).await;
    assert!(matches!(error.kind(), ClientErrorKind::BadAnswer(_)), "{error:?}");
}
