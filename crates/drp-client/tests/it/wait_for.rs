//! Waiting for an object, against a server made of an object and its websockets.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use drp_client::{Client, ClientError, Waited, field_is};
use drp_core::RawModel;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
};

use crate::{
    peer::{Reply, config, json, serve, soon},
    ws_peer::Side,
};

const KEY: &str = "87a74f0e-d168-4687-99e8-8fd3a7ed551b";
const SELECTORS: [&str; 3] = ["update", "save", "delete"];

/// What `GET` of the object is answered with.
type Answer = Arc<Mutex<Box<dyn Fn() -> Reply + Send>>>;

struct Server {
    client: Client,
    answer: Answer,
    websockets: mpsc::UnboundedReceiver<Side>,
    /// Paths that were read.
    seen: mpsc::UnboundedReceiver<String>,
}

impl Server {
    async fn start(stage: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut config = config(&format!("http://{}", listener.local_addr().unwrap()));
        config.event_times.reconnect_min = Duration::from_millis(1);
        config.event_times.reconnect_max = Duration::from_millis(20);
        let answer: Answer = Arc::new(Mutex::new(Box::new(found(stage))));
        let (to_websockets, websockets) = mpsc::unbounded_channel();
        let (see, seen) = mpsc::unbounded_channel();
        let answers = Arc::clone(&answer);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answers, see, to_websockets) = (Arc::clone(&answers), see.clone(), to_websockets.clone());
                tokio::spawn(async move {
                    if is_websocket(&stream).await {
                        let _ = to_websockets.send(Side::accept(stream).await);
                        return;
                    }
                    serve(stream, |request| {
                        let _ = see.send(request.line.clone());
                        answers.lock().unwrap()()
                    })
                    .await;
                });
            }
        });
        Self { client: Client::new(config).unwrap(), answer, websockets, seen }
    }

    fn answer_with(&self, answer: impl Fn() -> Reply + Send + 'static) {
        *self.answer.lock().unwrap() = Box::new(answer);
    }

    fn wait_for(&self, key: &'static str, stage: &'static str, limit: Duration) -> Waiting {
        let machines = self.client.raw_objects("machines");
        tokio::spawn(async move { machines.wait_for(key, field_is("Stage", stage), limit).await })
    }

    /// The next websocket, with the object's events registered.
    async fn registered(&mut self) -> Side {
        let mut side = soon(self.websockets.recv()).await.unwrap();
        let selectors = SELECTORS.map(|action| format!("machines.{action}.{KEY}"));
        side.expect_commands("register", &selectors.each_ref().map(String::as_str)).await;
        side
    }

    async fn next_read(&mut self) -> String {
        soon(self.seen.recv()).await.unwrap()
    }
}

type Waiting = JoinHandle<Result<Waited<RawModel>, ClientError>>;

/// How long nobody waits here.
const LONG: Duration = Duration::from_secs(3600);

async fn is_websocket(stream: &TcpStream) -> bool {
    let wanted = b"GET /api/v3/ws ";
    let mut start = [0; 15];
    while soon(stream.peek(&mut start)).await.unwrap() < wanted.len() {}
    &start == wanted
}

fn object(stage: &str) -> String {
    format!(r#"{{"Uuid":"{KEY}","Name":"web1","Stage":"{stage}"}}"#)
}

fn found(stage: &str) -> impl Fn() -> Reply + Send + 'static {
    let body = object(stage);
    move || json("200 OK", &body)
}

fn gone() -> Reply {
    json("404 Not Found", r#"{"Model":"machines","Type":"GET","Messages":["Not Found"],"Code":404}"#)
}

fn event(action: &str, stage: &str) -> String {
    format!(r#"{{"Type":"machines","Action":"{action}","Key":"{KEY}","Object":{}}}"#, object(stage))
}

async fn stage_of(waiting: Waiting) -> String {
    soon(waiting).await.unwrap().unwrap().met().expect("it was met").text("Stage")
}

#[tokio::test]
async fn what_is_so_already_is_not_waited_for() {
    let mut server = Server::start("ready").await;
    let waiting = server.wait_for(KEY, "ready", LONG);
    // Registered first, then read: what changes in between is in the events.
    let mut side = soon(server.websockets.recv()).await.unwrap();
    assert!(server.seen.try_recv().is_err());
    for action in SELECTORS {
        side.expect_commands("register", &[&format!("machines.{action}.{KEY}")]).await;
    }
    assert_eq!(stage_of(waiting).await, "ready");
    assert_eq!(server.next_read().await, format!("GET /api/v3/machines/{KEY}"));
    side.expect_commands(
        "deregister",
        &SELECTORS.map(|a| format!("machines.{a}.{KEY}")).each_ref().map(|s| s.as_str()),
    )
    .await;
}

#[tokio::test]
async fn each_change_is_looked_at_even_if_it_does_not_last() {
    let mut server = Server::start("none").await;
    let waiting = server.wait_for(KEY, "ready", LONG);
    let mut side = server.registered().await;
    server.next_read().await;
    side.send(event("update", "busy")).await;
    side.send(event("save", "ready")).await;
    side.send(event("update", "busy")).await;
    assert_eq!(stage_of(waiting).await, "ready");
    assert!(server.seen.try_recv().is_err(), "the events say it all");
}

#[tokio::test]
async fn an_object_that_is_named_by_an_index_is_found_by_its_key() {
    let mut server = Server::start("none").await;
    let waiting = server.wait_for("Name:web1", "ready", LONG);
    let mut side = server.registered().await;
    assert_eq!(server.next_read().await, "GET /api/v3/machines/Name:web1");
    assert_eq!(server.next_read().await, format!("GET /api/v3/machines/{KEY}"));
    side.send(event("update", "ready")).await;
    assert_eq!(stage_of(waiting).await, "ready");
}

#[tokio::test]
async fn a_lease_is_found_by_its_key_however_it_is_named() {
    for key in ["192.168.124.11", "C0A87C0B", "Addr:192.168.124.11"] {
        let mut server = Server::start("none").await;
        server.answer_with(|| json("200 OK", r#"{"Addr":"192.168.124.11","State":"OFFER"}"#));
        let leases = server.client.raw_objects("leases");
        let waiting = tokio::spawn(async move { leases.wait_for(key, field_is("State", "ACK"), LONG).await });
        let mut side = soon(server.websockets.recv()).await.unwrap();
        let selectors = SELECTORS.map(|action| format!("leases.{action}.C0A87C0B"));
        side.expect_commands("register", &selectors.each_ref().map(String::as_str)).await;
        server.next_read().await;
        server.next_read().await;
        side.send(r#"{"Type":"leases","Action":"update","Key":"C0A87C0B","Object":{"State":"ACK"}}"#).await;
        assert!(matches!(soon(waiting).await.unwrap().unwrap(), Waited::Met(_)), "{key}");
    }
}

#[tokio::test]
async fn what_was_missed_in_a_gap_is_read() {
    let mut server = Server::start("none").await;
    let waiting = server.wait_for(KEY, "ready", LONG);
    let side = server.registered().await;
    server.next_read().await;
    server.answer_with(found("ready"));
    drop(side);
    let _side = server.registered().await;
    assert_eq!(stage_of(waiting).await, "ready");
}

#[tokio::test]
async fn a_notice_of_lost_events_and_an_event_without_the_object_are_reasons_to_read() {
    for told in [
        r#"{"Type":"websocket","Action":"lagged","Key":"","Object":3}"#.to_owned(),
        format!(r#"{{"Type":"machines","Action":"save","Key":"{KEY}","Object":null}}"#),
    ] {
        let mut server = Server::start("none").await;
        let waiting = server.wait_for(KEY, "ready", LONG);
        let mut side = server.registered().await;
        server.next_read().await;
        server.answer_with(found("ready"));
        side.send(told).await;
        assert_eq!(stage_of(waiting).await, "ready");
    }
}

#[tokio::test]
async fn a_server_that_is_not_well_yet_is_asked_again() {
    let mut server = Server::start("none").await;
    let waiting = server.wait_for(KEY, "ready", LONG);
    let side = server.registered().await;
    server.next_read().await;
    server.answer_with(|| json("502 Bad Gateway", "<html>starting</html>"));
    drop(side);
    let _side = server.registered().await;
    server.next_read().await;
    server.answer_with(found("ready"));
    assert_eq!(stage_of(waiting).await, "ready");
}

#[tokio::test]
async fn a_deleted_object_is_waited_for_no_longer() {
    let mut server = Server::start("none").await;
    let waiting = server.wait_for(KEY, "ready", LONG);
    let mut side = server.registered().await;
    side.send(event("delete", "none")).await;
    assert_eq!(soon(waiting).await.unwrap().unwrap(), Waited::Deleted);

    // Also where the event fell into a gap.
    let waiting = server.wait_for(KEY, "ready", LONG);
    let side = server.registered().await;
    server.next_read().await;
    server.next_read().await;
    server.answer_with(gone);
    drop(side);
    let _side = server.registered().await;
    assert_eq!(soon(waiting).await.unwrap().unwrap(), Waited::Deleted);
}

#[tokio::test]
async fn the_wait_ends_in_time_whatever_the_server_does() {
    let mut server = Server::start("none").await;
    let limit = Duration::from_millis(200);
    let waiting = server.wait_for(KEY, "ready", limit);
    let _side = server.registered().await;
    assert_eq!(soon(waiting).await.unwrap().unwrap(), Waited::TimedOut);
    // One that does not even echo.
    let waiting = server.wait_for(KEY, "ready", limit);
    assert_eq!(soon(waiting).await.unwrap().unwrap(), Waited::TimedOut);
}

#[tokio::test]
async fn an_object_that_never_was_and_one_that_may_not_be_read_are_errors() {
    let mut server = Server::start("none").await;
    server.answer_with(gone);
    let waiting = server.wait_for(KEY, "ready", LONG);
    let _side = server.registered().await;
    assert!(soon(waiting).await.unwrap().unwrap_err().is_not_found());
    server.answer_with(|| json("403 Forbidden", r#"{"Type":"AUTH","Messages":["no"],"Code":403}"#));
    let waiting = server.wait_for(KEY, "ready", LONG);
    let _side = server.registered().await;
    assert_eq!(soon(waiting).await.unwrap().unwrap_err().status(), Some(403));
}
