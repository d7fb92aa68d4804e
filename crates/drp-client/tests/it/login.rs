//! Users and their tokens.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use drp_client::{Client, ClientErrorKind, Credentials};
use drp_core::Machine;
use futures_util::future::join_all;

use crate::peer::{Peer, Reply, Seen, head, json, soon};

const BASIC: &str = "Basic Ym9iOnMzY3JldA==";
const TOKEN_PATH: &str = "GET /api/v3/users/bob/token";
/// What servers say of tokens that have ended: 3.9 with an empty body, v4 with an object, drpx with either.
const ENDED: [(&str, &str); 3] = [
    ("401 Unauthorized", ""),
    ("403 Forbidden", ""),
    ("403 Forbidden", r#"{"Model":"system","Key":"","Type":"","Messages":["Invalid token: it has ended"],"Code":403}"#),
];

fn bob(peer: &Peer) -> Client {
    let mut config = peer.config();
    config.credentials = Credentials::UserPassword("bob".to_owned(), "s3cret".into());
    Client::new(config).unwrap()
}

/// A server that gives tokens `token-1`, `token-2`, … and takes only those that `is_good` says.
async fn token_server(
    is_good: impl Fn(usize) -> bool + Send + Sync + 'static,
    ended: (&'static str, &'static str),
) -> Peer {
    let given = AtomicUsize::new(0);
    Peer::start(move |seen| {
        let by = seen.header("authorization").unwrap();
        let number = by.strip_prefix("Bearer token-").and_then(|number| number.parse().ok());
        if seen.line.starts_with(TOKEN_PATH) && by == BASIC {
            let number = given.fetch_add(1, Ordering::SeqCst) + 1;
            return json("200 OK", &format!(r#"{{"Token":"token-{number}","Info":{{}}}}"#));
        }
        match number {
            Some(number) if is_good(number) => json("200 OK", "{}"),
            _ => json(ended.0, ended.1),
        }
    })
    .await
}

fn lines(seen: &[Seen]) -> Vec<(&str, &str)> {
    seen.iter().map(|seen| (seen.line.as_str(), seen.header("authorization").unwrap())).collect()
}

#[tokio::test]
async fn a_user_fetches_a_token_as_drpcli_does_and_sends_it_from_then_on() {
    let peer = token_server(|_| true, ENDED[0]).await;
    let client = bob(&peer);
    for _ in 0..2 {
        soon(client.info()).await.unwrap();
    }
    soon(client.objects::<Machine>().params("x").delete("a")).await.unwrap();
    let expected = [
        (TOKEN_PATH, BASIC),
        ("GET /api/v3/info", "Bearer token-1"),
        ("GET /api/v3/info", "Bearer token-1"),
        ("DELETE /api/v3/machines/x/params/a", "Bearer token-1"),
    ];
    assert_eq!(lines(&peer.seen()), expected);
    assert!(!format!("{client:?}").contains("s3cret"));
}

#[tokio::test]
async fn a_token_that_ends_in_mid_life_is_replaced_once_and_the_call_made_again() {
    for ended in ENDED {
        let peer = token_server(|number| number != 1, ended).await;
        let client = bob(&peer);
        // Writes too: a server that knows nobody did nothing.
        soon(client.objects::<Machine>().params("x").set("a", &1)).await.unwrap();
        let expected = [
            (TOKEN_PATH, BASIC),
            ("POST /api/v3/machines/x/params/a", "Bearer token-1"),
            (TOKEN_PATH, BASIC),
            ("POST /api/v3/machines/x/params/a", "Bearer token-2"),
        ];
        assert_eq!(lines(&peer.seen()), expected, "{ended:?}");
    }
}

#[tokio::test]
async fn a_server_that_takes_none_of_its_own_tokens_is_not_asked_for_ever() {
    let peer = token_server(|_| false, ENDED[0]).await;
    let error = soon(bob(&peer).info()).await.unwrap_err();
    assert!(error.is_unauthenticated(), "{error:?}");
    let expected = "GET info failed: the server answered 401: it does not accept its own token for user `bob`: \
         CLIENT_ERROR: Unauthorized";
    assert_eq!(error.chain(), expected);
    assert_eq!(peer.seen().len(), 4);
}

/// A HEAD is answered without a body, so nothing tells such a 403 from that of a token which has ended.
#[tokio::test]
async fn who_may_not_ask_whether_something_is_there_is_not_called_unknown() {
    let peer = Peer::start(|seen| match seen.line.as_str() {
        TOKEN_PATH => json("200 OK", r#"{"Token":"token-1","Info":{}}"#),
        line if line.starts_with("HEAD") => head("403 Forbidden", &["Content-Type: application/json"]),
        _ => json("200 OK", "{}"),
    })
    .await;
    for client in [bob(&peer), peer.client()] {
        let error = soon(client.objects::<Machine>().exists("x")).await.unwrap_err();
        assert!(error.status() == Some(403) && !error.is_unauthenticated(), "{}", error.chain());
        // Nobody has to log in again for the next call.
        let before = peer.seen().len();
        soon(client.info()).await.unwrap();
        assert_eq!(peer.seen().len(), before + 1);
    }
}

#[tokio::test]
async fn many_calls_at_once_log_in_once_and_renew_once() {
    // The first token is taken from all calls of the first round, and then from none any more.
    let calls = 100;
    let first = Arc::new(AtomicUsize::new(0));
    let taken = Arc::clone(&first);
    let is_good = move |number| number != 1 || taken.fetch_add(1, Ordering::SeqCst) < calls;
    let peer = token_server(is_good, ENDED[0]).await;
    let client = bob(&peer);
    let logins = || peer.seen().iter().filter(|seen| seen.line.starts_with(TOKEN_PATH)).count();
    for expected in [1, 2] {
        let done = soon(join_all((0..calls).map(|_| client.info()))).await;
        assert_eq!(done.iter().filter(|done| done.is_err()).count(), 0);
        assert_eq!(logins(), expected);
    }
    assert_eq!(peer.seen().len(), 3 * calls + 2);
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_however_many_calls_wait_for_it() {
    let refusal = r#"{"Model":"users","Key":"","Type":"","Messages":["Access Denied"],"Code":403}"#;
    let peer = Peer::start(move |_| json("403 Forbidden", refusal)).await;
    let client = bob(&peer);
    let errors = soon(join_all((0..100).map(|_| client.info()))).await;
    assert_eq!(peer.seen().len(), 1);
    for error in errors {
        let error = error.unwrap_err();
        assert!(error.is_unauthenticated() && error.status() == Some(403), "{error:?}");
        let expected = "GET info failed: cannot log in as `bob`: GET users/bob/token failed: the server answered 403: \
             it does not accept user `bob` with this password: : users: Access Denied";
        assert_eq!(error.chain(), expected);
        assert!(!format!("{error:?}").contains("s3cret"));
    }
    // Somebody may have mended it, so the next call asks again.
    soon(client.info()).await.unwrap_err();
    assert_eq!(peer.seen().len(), 2);
}

#[tokio::test]
async fn a_fixed_token_that_is_refused_is_told_and_nothing_else() {
    for ended in ENDED {
        let peer = Peer::start(move |_| json(ended.0, ended.1)).await;
        let error = soon(peer.client().info()).await.unwrap_err();
        assert!(error.is_unauthenticated(), "{error:?}");
        let text = error.chain();
        assert!(text.contains("does not accept the token, which may have ended or be another server's"), "{text}");
        assert!(!format!("{text} {error:?}").contains("t0ken"));
        assert_eq!(peer.seen().len(), 1);
    }
}

#[tokio::test]
async fn rights_that_are_missing_are_no_reason_to_log_in_again() {
    let refusal = r#"{"Type":"AUTH","Messages":["Cannot access /api/v3/info","Requires: info get "],"Code":403}"#;
    let peer = Peer::start(move |seen| match seen.line.as_str() {
        TOKEN_PATH => json("200 OK", r#"{"Token":"abc"}"#),
        _ => json("403 Forbidden", refusal),
    })
    .await;
    let error = soon(bob(&peer).info()).await.unwrap_err();
    assert!(matches!(error.kind(), ClientErrorKind::Status { status: 403, .. }), "{error:?}");
    assert_eq!(peer.seen().len(), 2);
}

#[tokio::test]
async fn a_server_without_tokens_gets_the_password_with_every_call() {
    let no_right = r#"{"Type":"AUTH","Messages":["Cannot access /x","Requires: users token bob"],"Code":403}"#;
    for (status, body) in [("404 Not Found", ""), ("405 Method Not Allowed", ""), ("403 Forbidden", no_right)] {
        let peer = Peer::start(move |seen| match seen.line.as_str() {
            TOKEN_PATH => json(status, body),
            _ => json("200 OK", "{}"),
        })
        .await;
        let client = bob(&peer);
        for _ in 0..2 {
            soon(client.info()).await.unwrap();
        }
        let expected = [(TOKEN_PATH, BASIC), ("GET /api/v3/info", BASIC), ("GET /api/v3/info", BASIC)];
        assert_eq!(lines(&peer.seen()), expected);
    }
}

#[tokio::test]
async fn a_token_that_is_none_is_a_bad_answer_that_is_not_quoted() {
    for body in [r#"{"Token":""}"#, r#"{"Token":["t0ps3cret"]}"#, "{}", r#"{"Token":"t0ps3cret\n"}"#, "t0ps3cret"] {
        let peer = Peer::start(move |_| json("200 OK", body)).await;
        let error = soon(bob(&peer).info()).await.unwrap_err();
        let ClientErrorKind::Login { source, .. } = error.kind() else { panic!("{error:?}") };
        assert!(matches!(source.kind(), ClientErrorKind::BadAnswer(_)), "{error:?}");
        assert!(!format!("{error:?} {}", error.chain()).contains("t0ps3cret"), "{error:?}");
        assert_eq!(peer.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_login_has_its_part_of_the_time_of_a_call_and_may_be_repeated() {
    let silent = Reply { text: String::new(), close: false };
    let peer = Peer::script(vec![silent]).await;
    let client = bob(&peer).with_request_time(Duration::from_millis(200));
    let errors = soon(join_all((0..10).map(|_| client.info()))).await;
    for error in errors {
        assert!(error.unwrap_err().chain().ends_with("no answer within 200ms"));
    }

    let token = json("200 OK", r#"{"Token":"abc"}"#);
    let peer = Peer::script(vec![json("503 Busy", ""), token, json("200 OK", "{}")]).await;
    soon(bob(&peer).info()).await.unwrap();
    assert_eq!(peer.seen().len(), 3);
}
