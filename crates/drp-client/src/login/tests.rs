use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::Config;

use super::*;

fn header(credentials: Credentials) -> Option<HeaderValue> {
    match Login::new(credentials).ok()? {
        Login::Fixed(authorization) => Some(authorization.header),
        Login::User(login) => Some(login.basic),
    }
}

#[test]
fn credentials_are_spelled_for_the_wire_and_stay_hidden() {
    let token = header(Credentials::Token("abc".into())).unwrap();
    assert_eq!(token, "Bearer abc");
    assert_eq!(format!("{token:?}"), "Sensitive");
    let user = |name: &str, password: &str| header(Credentials::UserPassword(name.to_owned(), password.into()));
    assert_eq!(user("rocketskates", "r0cketsk8ts").unwrap(), "Basic cm9ja2V0c2thdGVzOnIwY2tldHNrOHRz");
    assert!(user("a:b", "c").is_none() && user("", "c").is_none());
    assert!(user("a", "b:c\n").is_some());
    assert!(header(Credentials::Token("a\nb".into())).is_none());
}

#[test]
fn only_a_server_that_knows_nobody_is_told_anew_who_speaks() {
    let check = |status: u16, body: &str, expected: bool| {
        let status = http::StatusCode::from_u16(status).unwrap();
        let ClientErrorKind::Status { status, error } = answer::refusal(status, body.as_bytes()) else {
            panic!("a refusal");
        };
        assert_eq!(is_unknown_speaker(status, &error), expected, "{status} {body}");
    };
    check(401, "", true);
    check(401, r#"{"Type":"AUTH","Messages":["x"]}"#, true);
    check(403, "", true);
    check(403, r#"{"Model":"system","Messages":["Invalid token: cipher: message authentication failed"]}"#, true);
    check(403, r#"{"Model":"users","Messages":["Access Denied"]}"#, true);
    check(403, r#"{"Type":"AUTH","Messages":["Validation failed"]}"#, true);
    check(403, r#"{"Type":"AUTH","Messages":["Cannot access URL","Requires: users get x"]}"#, false);
    check(403, "<html>blocked</html>", false);
    check(404, "", false);
    check(500, "", false);
}

/// A server by hand: `answer` gets the path and credentials of each request, and gives status and body.
struct Peer {
    client: Client,
    seen: Arc<Mutex<Vec<String>>>,
}

type Answer = fn(&str, usize) -> (u16, String);

impl Peer {
    async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (seen, tokens) = (Arc::<Mutex<Vec<String>>>::default(), Arc::new(AtomicUsize::new(0)));
        let log = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answer, Arc::clone(&log), Arc::clone(&tokens)));
            }
        });
        let credentials = Credentials::UserPassword("bob".to_owned(), "s3cret".into());
        Self { client: Client::new(Config::new(endpoint, credentials)).unwrap(), seen }
    }

    async fn info(&self) {
        self.client.send_only(Request::info().unwrap()).await.unwrap();
    }

    /// The requests since the last time.
    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }

    /// Lets the token's life go on to where it is due, or over.
    fn age(&self, is_over: bool) {
        let Login::User(login) = &self.client.inner().login else { panic!("a user") };
        let now = Instant::now();
        let end = if is_over { now } else { now + Duration::from_secs(60) };
        login.state().grant.as_mut().unwrap().times = Some((now, end));
    }
}

async fn serve(stream: TcpStream, answer: Answer, seen: Arc<Mutex<Vec<String>>>, tokens: Arc<AtomicUsize>) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut path, mut by) = (String::new(), String::new());
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            match line.trim_end().split_once(' ') {
                Some(("GET", rest)) => {
                    path = rest.trim_end_matches(" HTTP/1.1").trim_start_matches("/api/v3/").to_owned()
                }
                Some((name, value)) if name.eq_ignore_ascii_case("authorization:") => by = value.to_owned(),
                Some(_) => {}
                None => break,
            }
        }
        let by = if by.starts_with("Basic") { "Basic".to_owned() } else { by.replace("Bearer ", "") };
        let request = format!("{path} {by}");
        seen.lock().unwrap().push(request.clone());
        let number = if path.contains("token") { tokens.fetch_add(1, Ordering::SeqCst) + 1 } else { 0 };
        let (status, body) = answer(&request, number);
        let head = format!("HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}", body.len());
        if stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.is_err() {
            return;
        }
    }
}

fn token(number: usize) -> (u16, String) {
    (200, format!(r#"{{"Token":"t{number}","Info":{{}}}}"#))
}

#[tokio::test]
async fn a_token_that_is_half_gone_is_renewed_once_by_itself() {
    let peer = Peer::start(|_, number| token(number)).await;
    peer.info().await;
    assert_eq!(peer.seen(), ["users/bob/token Basic", "info t1"]);
    for life in [limits::TOKEN_TIME_UNASKED, limits::TOKEN_TIME] {
        let Login::User(login) = &peer.client.inner().login else { panic!("a user") };
        let (due, end) = login.grant().unwrap().times.unwrap();
        assert_eq!(end - due, life / 2);

        peer.age(false);
        join_all((0..50).map(|_| peer.info())).await;
        let seen = peer.seen();
        let renewals: Vec<_> = seen.iter().filter(|request| request.contains("token")).collect();
        assert_eq!(renewals.len(), 1, "{seen:?}");
        assert!(renewals[0].starts_with("users/bob/token?ttl=7200 t"), "{seen:?}");
        assert_eq!(seen.len(), 51);
    }
    peer.info().await;
    assert_eq!(peer.seen(), ["info t3"]);
}

#[tokio::test]
async fn a_token_that_cannot_renew_itself_is_renewed_by_the_password() {
    let peer = Peer::start(|request, number| match request {
        "users/bob/token?ttl=7200 t1" => (403, String::new()),
        _ => token(number),
    })
    .await;
    peer.info().await;
    peer.age(false);
    peer.info().await;
    assert_eq!(peer.seen()[2..], ["users/bob/token?ttl=7200 t1", "users/bob/token Basic", "info t3"]);
}

#[tokio::test]
async fn a_token_that_is_not_renewed_is_used_to_its_end_and_not_asked_about_all_the_time() {
    let peer =
        Peer::start(|_, number| if number == 2 || number == 3 { (404, String::new()) } else { token(number) }).await;
    peer.info().await;
    peer.age(false);
    peer.info().await;
    peer.info().await;
    let expected = ["users/bob/token?ttl=7200 t1", "users/bob/token Basic", "info t1", "info t1"];
    assert_eq!(peer.seen()[2..], expected);

    peer.age(true);
    peer.info().await;
    assert_eq!(peer.seen(), ["users/bob/token Basic", "info t4"]);
}
