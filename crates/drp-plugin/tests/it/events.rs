//! Events over a websocket that speaks as the recorded server does (`vectors/wire/listen-eventselect.jsonl`).

use std::{net::TcpListener, thread};

use drp_plugin::{Context, Event, Provider, Result};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};

use raw_peer::eventually;

use crate::peer::{Host, PUBLISH, Start};

type Socket = WebSocket<raw_peer::TlsStream>;

/// A TLS server with one websocket, whose script a test writes.
fn serve(script: impl FnOnce(Socket) + Send + 'static) -> (String, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("https://{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        script(tungstenite::accept(raw_peer::accept(stream, raw_peer::tls_config())).unwrap());
    });
    (endpoint, server)
}

fn event(type_: &str, action: &str, key: &str) -> Message {
    event_with(type_, action, key, &Value::Null)
}

fn event_with(type_: &str, action: &str, key: &str, object: &Value) -> Message {
    Message::text(raw_peer::event(type_, action, key, object).to_string())
}

/// Answers register and deregister with their echo until the peer closes; returns what it was told.
fn echo_until_close(socket: &mut Socket, told: &mut Vec<String>) {
    while let Ok(message) = socket.read() {
        match message {
            Message::Text(text) => echo(socket, text.as_str(), told),
            Message::Close(_) => return,
            _ => {}
        }
    }
}

fn echo(socket: &mut Socket, text: &str, told: &mut Vec<String>) {
    let (verb, selector) = text.split_once(' ').unwrap();
    told.push(text.to_owned());
    socket.send(event("websocket", verb, selector)).unwrap();
}

#[test]
fn selected_events_reach_the_handler_and_its_lines_are_never_republished() {
    let (endpoint, server) = serve(|mut socket| {
        let mut told = Vec::new();
        while told.len() < 2 {
            let Message::Text(text) = socket.read().unwrap() else { continue };
            echo(&mut socket, text.as_str(), &mut told);
        }
        assert_eq!(told, ["register machines.create.*", "register machines.panic.*"]);
        socket.send(event("machines", "create", "47592f82")).unwrap();
        socket.send(event("machines", "panic", "47592f82")).unwrap();
        socket.send(event("machines", "create", "47592f82")).unwrap();
        echo_until_close(&mut socket, &mut told);
    });
    let start =
        Start { endpoint: Some(&endpoint), selectors: Some("machines.create.* machines.panic.*"), ..Start::default() };
    let mut host = Host::start_with(&start);
    host.configure();
    eventually("both events are handled, the panic between them notwithstanding", || {
        (host.act("handled", &json!({})).1 == json!(2)).then_some(())
    });
    let line = host.callbacks.wait_for_line("handling machines.create.47592f82");
    assert_eq!(line["IgnorePublish"], json!(true));
    // One stream for the life of the process: another configuration does not register again.
    host.configure();
    host.act("log", &json!({"subject/count": 1}));
    assert_eq!(host.callbacks.wait_for_line("line 0")["IgnorePublish"], json!(false));
    assert_eq!(host.post(crate::peer::STOP, &Value::Null).0, 200);
    assert!(host.wait_for_exit().success());
    server.join().unwrap();
}

#[test]
fn a_configuration_fails_where_events_cannot_be_had() {
    let start = Start { selectors: Some("machines.create.*"), ..Start::default() };
    let host = Host::start_with(&start);
    let (status, body) = host.post(crate::peer::CONFIG, &json!({"subject/token": "t0ken"}));
    assert_eq!(status, 500);
    assert!(body["Messages"][0].as_str().unwrap().starts_with("unable to create event stream: "), "{body}");
}

#[test]
fn a_flood_of_events_is_handled_in_the_order_of_each_object_and_what_is_lost_is_counted() {
    const EVENTS: u64 = 20_000;
    let (endpoint, server) = serve(|mut socket| {
        let mut told = Vec::new();
        while told.is_empty() {
            let Message::Text(text) = socket.read().unwrap() else { continue };
            echo(&mut socket, text.as_str(), &mut told);
        }
        for n in 0..EVENTS {
            socket.write(event_with("machines", "flood", &format!("key-{}", n % 100), &json!(n))).unwrap();
        }
        socket.flush().unwrap();
        echo_until_close(&mut socket, &mut told);
    });
    let start = Start { endpoint: Some(&endpoint), selectors: Some("machines.flood.*"), ..Start::default() };
    let mut host = Host::start_with(&start);
    host.configure();
    let lost = |host: &Host| -> u64 {
        let lines = host.callbacks.lines();
        let texts = lines.iter().filter_map(|line| line["Message"].as_str());
        texts.filter_map(|text| text.split_once(" events were lost")?.0.parse::<u64>().ok()).sum()
    };
    eventually("every event is handled or told as lost", || {
        // A configuration in between disturbs nothing.
        host.configure();
        let handled = host.act("handled", &json!({})).1.as_u64().unwrap();
        (handled + lost(&host) == EVENTS).then_some(())
    });
    assert_eq!(host.act("out-of-order", &json!({})).1, json!(0));
    let tellings = host.callbacks.lines().iter().filter(|line| line.to_string().contains("events were lost")).count();
    assert!(tellings < 20, "{tellings} lines");
    assert_eq!(host.post(crate::peer::STOP, &Value::Null).0, 200);
    assert!(host.wait_for_exit().success());
    server.join().unwrap();
}

#[test]
fn a_provider_with_publish_is_posted_every_event_and_answers_each() {
    let host = Host::start_with(&Start { publish: true, ..Start::default() });
    let post = |action: &str| {
        let event =
            json!({"Time": "2026-11-22T08:02:01Z", "Type": "machines", "Action": action, "Key": "k", "Object": {}});
        host.post(PUBLISH, &event)
    };
    assert_eq!(post("create").0, 409, "it is not configured yet");
    host.configure();
    let (status, body) = post("create");
    assert_eq!((status, &body["Code"], &body["Messages"]), (200, &json!(200), &Value::Null));
    assert_eq!(host.callbacks.wait_for_line("handling machines.create.k")["IgnorePublish"], json!(true));
    let (status, body) = post("fail");
    assert_eq!((status, &body["Messages"]), (409, &json!(["asked to fail by [secret]"])));
    assert_eq!(post("panic").0, 500);
    assert_eq!(host.post(PUBLISH, &json!([])).0, 400);
    assert_eq!(host.act("handled", &json!({})).1, json!(1));
}

#[test]
fn a_provider_that_wants_events_posted_and_from_a_stream_has_no_definition() {
    async fn on_event(_: Context<()>, _: Event) -> Result<()> {
        Ok(())
    }
    let provider = Provider::new("both", "v1.0.0").publish(on_event).event("machines.*.*", on_event);
    let problem = provider.definition().unwrap_err().to_string();
    assert!(problem.contains("`publish` or `event`, not both"), "{problem}");
}
