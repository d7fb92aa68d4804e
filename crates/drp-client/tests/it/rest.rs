//! The bytes of each call, and what becomes of bad answers.

use std::time::{Duration, Instant};

use drp_client::{BadAnswer, Client, ClientError, ClientErrorKind, Query};
use drp_core::{Event, Machine, Params, Raw, patch::Patch};
use tokio::net::TcpListener;

use crate::peer::{Peer, Reply, config, json, last_words, soon};

const NOT_FOUND: &str =
    r#"{"Model":"params","Key":"incrementer/touched","Type":"DELETE","Messages":["Not Found"],"Code":404}"#;

#[tokio::test]
async fn every_call_sends_the_bytes_that_go_clients_send() {
    let peer = Peer::start(|seen| match seen.line.as_str() {
        "GET /api/v3/machines" => json("200 OK", "[]"),
        "POST /api/v3/events" => Reply { text: "HTTP/1.1 204 No Content\r\n\r\n".to_owned(), close: false },
        line if line.starts_with("POST /api/v3/machines ") => json("201 Created", "{}"),
        _ => json("200 OK", "{}"),
    })
    .await;
    let client = peer.client();
    let mut step = Params::default();
    step.set("incrementer/step", &10).unwrap();

    assert_eq!(client.objects::<Machine>().get("Name:web1").await.unwrap(), Machine::default());
    assert!(client.objects::<Machine>().list(&Query::new()).await.unwrap().is_empty());
    client.objects::<Machine>().create(&Machine::default()).await.unwrap();
    let description = |text: &str| Raw::from(serde_json::json!({"Description": text}));
    let patch = Patch::between(&description(""), &description("hello"));
    client.objects::<Machine>().patch("x", &patch).await.unwrap();
    client.objects::<Machine>().delete("x").await.unwrap();
    client.raw_objects("cows").get("Bessie").await.unwrap();
    client.objects::<Machine>().params("x").set("incrementer/step", &1).await.unwrap();
    client.objects::<Machine>().params("x").aggregate().decode().all().await.unwrap();
    client.raw_objects("cows").params("Bessie").delete("a b").await.unwrap();
    client.objects::<Machine>().run_action("x", "increment", &step).await.unwrap();
    client.run_system_action("incrstatus", &Params::default()).await.unwrap();
    client.post_event(&Event::default()).await.unwrap();
    client.info().await.unwrap();

    let event = serde_json::to_string(&Event::default()).unwrap();
    let machine = serde_json::to_string(&Machine::default()).unwrap();
    let expected: [(&str, &str); 13] = [
        ("GET /api/v3/machines/Name:web1", ""),
        ("GET /api/v3/machines", ""),
        ("POST /api/v3/machines", &machine),
        (
            "PATCH /api/v3/machines/x",
            r#"[{"op":"test","path":"/Description","from":"","value":""},{"op":"replace","path":"/Description","from":"","value":"hello"}]"#,
        ),
        ("DELETE /api/v3/machines/x", ""),
        ("GET /api/v3/cows/Bessie", ""),
        ("POST /api/v3/machines/x/params/incrementer/step", "1"),
        ("GET /api/v3/machines/x/params?aggregate=true&decode=true", ""),
        ("DELETE /api/v3/cows/Bessie/params/a%20b", ""),
        ("POST /api/v3/machines/x/actions/increment", r#"{"incrementer/step":10}"#),
        ("POST /api/v3/system/actions/incrstatus", "{}"),
        ("POST /api/v3/events", &event),
        ("GET /api/v3/info", ""),
    ];
    let seen = peer.seen();
    let sent: Vec<_> = seen.iter().map(|seen| (seen.line.as_str(), seen.body.as_str())).collect();
    assert_eq!(sent, expected);
    for request in &seen {
        assert_eq!(request.header("authorization"), Some("Bearer t0ken"));
        assert_eq!(request.header("accept"), Some("application/json"));
        assert_eq!(request.header("cache-control"), Some("no-store"));
        let content_type = (!request.body.is_empty()).then_some("application/json");
        assert_eq!(request.header("content-type"), content_type, "{}", request.line);
        assert_eq!(request.header("host"), Some(peer.address.to_string().as_str()));
    }
}

#[tokio::test]
async fn an_unset_param_is_none_and_removing_it_is_not_found() {
    let peer = Peer::start(|seen| match seen.line.split(' ').next().unwrap() {
        "DELETE" => json("404 Not Found", NOT_FOUND),
        _ => json("200 OK", "null"),
    })
    .await;
    let params = peer.client().objects::<Machine>().params("x");
    assert_eq!(params.get::<u64>("incrementer/touched").await.unwrap(), None);
    let error = params.delete("incrementer/touched").await.unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(error.wire().unwrap().model, "params");
    assert_eq!(
        error.chain(),
        "DELETE machines/x/params/incrementer/touched failed: the server answered 404: \
         DELETE: params/incrementer/touched: Not Found"
    );
}

/// What becomes of a GET that is answered so.
async fn info(reply: Reply) -> ClientError {
    let peer = Peer::script(vec![reply]).await;
    let mut config = peer.config();
    config.body_bytes_max = 1000;
    let error = soon(Client::new(config).unwrap().info()).await.unwrap_err();
    assert_eq!(error.to_string(), "GET info failed");
    assert!(!format!("{error:?} {}", error.chain()).contains("t0ken"));
    error
}

fn bad_answer(error: &ClientError) -> &BadAnswer {
    match error.kind() {
        ClientErrorKind::BadAnswer(answer) => answer,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn bad_answers_are_told_apart() {
    let error = info(json("200 OK", "<html>")).await;
    assert!(error.chain().contains("JSON was expected and it begins `<html>`"), "{}", error.chain());
    let error = info(json("200 OK", "[]")).await;
    assert!(matches!(bad_answer(&error), BadAnswer::WrongType { path, .. } if path == "."), "{error:?}");
    let error = info(json("200 OK", "")).await;
    assert!(matches!(bad_answer(&error), BadAnswer::NotJson { begins, .. } if begins.is_empty()), "{error:?}");
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    assert!(info(json("200 OK", &deep)).await.chain().ends_with("nests deeper than 128 levels"));

    let html = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 23\r\n\r\n<html>Please log in</h>";
    let expected = "GET info failed: the answer cannot be used: JSON was expected, but its type is `text/html` \
         and it begins `<html>Please log in</h>`: is something else at this address?";
    assert_eq!(info(last_words(html)).await.chain(), expected);

    let large = format!("\"{}\"", "x".repeat(999));
    assert!(matches!(bad_answer(&info(json("200 OK", &large)).await), BadAnswer::TooLarge(1000)));
    let chunked = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let endless = format!("{chunked}{}", "64\r\n".to_owned() + &"x".repeat(100) + "\r\n").repeat(1)
        + &format!("64\r\n{}\r\n", "x".repeat(100)).repeat(10);
    assert!(matches!(bad_answer(&info(last_words(&endless)).await), BadAnswer::TooLarge(1000)));

    let cut = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"a\":";
    assert!(matches!(bad_answer(&info(last_words(cut)).await), BadAnswer::Truncated(_)));

    for status in ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent"] {
        let place = "https://bob:t0ken@192.0.2.1/x?token=t0ken";
        let moved = format!("HTTP/1.1 {status}\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n");
        let error = info(last_words(&moved)).await;
        assert!(error.chain().contains("redirects to `https://192.0.2.1/x`"), "{}", error.chain());
    }
}

#[tokio::test]
async fn a_refusal_without_an_error_object_is_one_all_the_same() {
    let empty = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    let error = info(last_words(empty)).await;
    assert_eq!(error.status(), Some(404));
    assert_eq!(error.wire().unwrap().to_string(), "CLIENT_ERROR: Not Found");
    let page = "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\noops";
    let wire = drp_core::Error::from(info(last_words(page)).await);
    assert_eq!((wire.code, wire.messages[1].as_str()), (502, "Raw response: oops"));
}

#[tokio::test]
async fn garbage_and_silence_are_errors_too() {
    let error = info(last_words("SSH-2.0-OpenSSH_9.2\r\n")).await;
    assert!(matches!(bad_answer(&error), BadAnswer::NotHttp(_)), "{error:?}");

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = config(&format!("http://{}", silent.local_addr().unwrap()));
    config.request_time = Duration::from_millis(50);
    let error = soon(Client::new(config).unwrap().info()).await.unwrap_err();
    assert!(matches!(error.kind(), ClientErrorKind::Timeout(_)), "{error:?}");
}

#[tokio::test]
async fn nobody_there_is_a_connect_error() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = soon(Client::new(config(&format!("http://{free}"))).unwrap().info()).await.unwrap_err();
    assert!(matches!(error.kind(), ClientErrorKind::Connect(_)), "{error:?}");
    assert_eq!(drp_core::Error::from(error).code, 502);
}

#[tokio::test]
async fn reads_are_repeated_and_writes_are_not() {
    let peer = Peer::script(vec![last_words(""), last_words(""), json("200 OK", "{}")]).await;
    soon(peer.client().info()).await.unwrap();
    assert_eq!(peer.seen().len(), 3);

    let broken = |code: u16| json(&format!("{code} Broken"), "");
    let peer = Peer::script(vec![broken(500), broken(502), broken(504), json("200 OK", "{}")]).await;
    soon(peer.client().info()).await.unwrap();
    assert_eq!(peer.seen().len(), 4);

    let peer = Peer::script(vec![broken(500), json("200 OK", "1")]).await;
    assert_eq!(
        soon(peer.client().objects::<Machine>().params("x").set("a", &1)).await.unwrap_err().status(),
        Some(500)
    );
    assert_eq!(peer.seen().len(), 1);

    let peer = Peer::script(vec![last_words(""), json("200 OK", "1")]).await;
    let error = soon(peer.client().objects::<Machine>().params("x").set("a", &1)).await.unwrap_err();
    assert!(matches!(error.kind(), ClientErrorKind::Disconnected(_)), "{error:?}");
    assert_eq!(peer.seen().len(), 1);
}

#[tokio::test]
async fn a_busy_server_is_asked_again_when_it_says_so_but_not_for_ever() {
    let busy = |status: &str| Reply {
        text: format!("HTTP/1.1 {status}\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"),
        close: false,
    };
    let peer = Peer::script(vec![busy("429 Too Many Requests"), json("200 OK", "1")]).await;
    soon(peer.client().objects::<Machine>().params("x").set("a", &1)).await.unwrap();
    assert_eq!(peer.seen().len(), 2);

    let peer = Peer::script(vec![busy("503 Service Unavailable")]).await;
    assert_eq!(soon(peer.client().info()).await.unwrap_err().status(), Some(503));
    assert_eq!(peer.seen().len(), 4);

    // A date is one by the server's clock, however wrong that is, and a wait that is too long is none.
    let dated = |until: &str| {
        let times = format!("Date: Wed, 21 Oct 2015 07:28:00 GMT\r\nRetry-After: Wed, 21 Oct 2015 {until} GMT\r\n");
        Reply { text: format!("HTTP/1.1 429 Too Many\r\n{times}Content-Length: 0\r\n\r\n"), close: false }
    };
    let peer = Peer::script(vec![dated("07:28:01"), json("200 OK", "1")]).await;
    let began = Instant::now();
    soon(peer.client().objects::<Machine>().params("x").set("a", &1)).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    let peer = Peer::script(vec![dated("08:28:00")]).await;
    assert_eq!(soon(peer.client().info()).await.unwrap_err().status(), Some(429));
    assert_eq!(peer.seen().len(), 1);
}

#[tokio::test]
async fn a_key_that_leads_elsewhere_is_never_sent() {
    let peer = Peer::script(vec![json("200 OK", "{}")]).await;
    for key in ["", "../users/rocketskates"] {
        let error = peer.client().objects::<Machine>().delete(key).await.unwrap_err();
        assert!(matches!(error.kind(), ClientErrorKind::Build(_)), "{error:?}");
    }
    assert!(peer.seen().is_empty());
}
