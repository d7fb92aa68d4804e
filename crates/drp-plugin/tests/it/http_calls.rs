//! What an author's HTTP client sends, and what becomes of the answers.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use drp_plugin::{Error, HttpClient, HttpClientBuilder, Secure};
use http::{Method, StatusCode};
use raw_peer::{Device, reply};
use serde::Deserialize;
use serde_json::json;

const SECRET: &str = "opensesame-http";

fn client(device: &Device) -> HttpClientBuilder {
    HttpClient::builder(&format!("{}/api/v1", device.url()))
}

/// Status, headers and body.
type Answer = (u16, &'static [(&'static str, &'static str)], &'static str);

/// A device that gives these answers, one after the other, and the last one ever after.
fn device_answering(answers: &'static [Answer]) -> Device {
    let number = AtomicUsize::new(0);
    Device::plain(move |_, out| {
        let (status, headers, body) = answers[number.fetch_add(1, Relaxed).min(answers.len() - 1)];
        reply(out, status, headers, body);
    })
}

#[tokio::test]
async fn what_is_asked_reaches_the_device_escaped_and_with_its_credentials() {
    let device = device_answering(&[(200, &[], "{}")]);
    let http = client(&device).basic("root", Secure::new(SECRET.to_owned())).header("X-Site", "a").build().unwrap();
    let request = http.get("dcim/devices/").query("name", "a&b=c d/ü?#").query("limit", 50);
    request.header("X-Site", "b").send().await.unwrap();
    http.post("x").part("a/b").json(&json!({"on": true})).send().await.unwrap();
    http.put("x").form([("text", "a&b"), ("to", "ü")]).send().await.unwrap();
    http.patch("x")
        .body("text/csv", "1,2")
        .secret_header("X-Auth-Token", &Secure::new("t0ken".into()))
        .send()
        .await
        .unwrap();
    http.delete("/redfish/v1/Sessions/7?x=%20").send().await.unwrap();
    http.request(Method::OPTIONS, "").send().await.unwrap();

    let requests = device.requests();
    let seen: Vec<_> = requests
        .iter()
        .map(|request| (request.method.as_str(), request.path.as_str(), request.body.as_str()))
        .collect();
    let expected = [
        ("GET", "/api/v1/dcim/devices/?name=a%26b%3Dc+d%2F%C3%BC%3F%23&limit=50", ""),
        ("POST", "/api/v1/x/a%2Fb", r#"{"on":true}"#),
        ("PUT", "/api/v1/x", "text=a%26b&to=%C3%BC"),
        ("PATCH", "/api/v1/x", "1,2"),
        ("DELETE", "/redfish/v1/Sessions/7?x=%20", ""),
        ("OPTIONS", "/api/v1/", ""),
    ];
    assert_eq!(seen, expected);
    // `root:opensesame-http`
    assert!(
        requests.iter().all(|request| request.header("authorization") == Some("Basic cm9vdDpvcGVuc2VzYW1lLWh0dHA="))
    );
    let header = |number: usize, name| requests[number].header(name);
    assert_eq!((header(0, "x-site"), header(1, "x-site")), (Some("b"), Some("a")));
    assert_eq!(header(1, "content-type"), Some("application/json"));
    assert_eq!(header(2, "content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!((header(3, "content-type"), header(3, "x-auth-token")), (Some("text/csv"), Some("t0ken")));
}

#[derive(Debug, Deserialize)]
struct System {
    #[serde(rename = "PowerState")]
    power_state: String,
}

#[derive(Debug, Deserialize)]
struct Systems {
    #[serde(rename = "Members")]
    #[allow(dead_code, reason = "it is only read from JSON")]
    members: Vec<System>,
}

#[tokio::test]
async fn an_answer_has_status_headers_text_and_typed_json() {
    let device = device_answering(&[(201, &[("Location", "/x/7")], r#"{"PowerState":"On","Id":1}"#)]);
    let answer = client(&device).build().unwrap().get("x").send().await.unwrap();
    assert_eq!((answer.status(), &answer.headers()["location"]), (StatusCode::CREATED, &"/x/7".parse().unwrap()));
    assert_eq!(answer.text(), r#"{"PowerState":"On","Id":1}"#);
    assert_eq!(answer.bytes().len(), 26);
    assert_eq!(answer.json::<System>().unwrap().power_state, "On");
}

#[tokio::test]
async fn json_that_does_not_fit_is_told_with_its_place() {
    let check = async |body: &'static str, expected: &str| {
        let device = Device::plain(move |_, out| reply(out, 200, &[], body));
        let answer = client(&device).build().unwrap().get("x").query("q", SECRET).send().await.unwrap();
        let error = answer.json::<Systems>().unwrap_err();
        let expected = format!("GET {}/api/v1/x: the answer cannot be used: {expected}", device.url());
        assert!(error.to_string().starts_with(&expected), "{error}\n{expected}");
        assert_eq!((error.code(), error.upstream_status(), error.may_pass()), (502, Some(200), false));
        assert!(error.to_string().len() < 2000 && !error.to_string().contains(SECRET), "{error}");
    };
    let place = r#"{"Members":[{"PowerState":"On"},{"PowerState":7}]}"#;
    check(place, "its value at `Members[1].PowerState` is not what was expected: invalid type: integer `7`").await;
    check("{}", "its value at `.` is not what was expected: missing field `Members`").await;
    check("<html>\n\u{1b}[2J", r"JSON was expected, and it is `<html>\n\u{1b}[2J`: ").await;
    check("", "JSON was expected, and it is ``: ").await;
    let deep: &'static str = "[".repeat(100_000).leak();
    check(deep, "JSON was expected, and it is `[[[[").await;
}

#[tokio::test]
async fn an_error_says_what_was_asked_and_what_came_without_secrets() {
    let body = format!("token {SECRET} of cm9vdDpvcGVuc2VzYW1lLWh0dHA= is wrong {}", "x".repeat(100_000));
    let device = Device::plain(move |_, out| reply(out, 500, &[], &body));
    let http = client(&device).basic("root", Secure::new(SECRET.to_owned())).tries(1).build().unwrap();
    let error = http.get("x").query("key", "s3cret").send().await.unwrap_err();
    let expected = format!(
        "GET {}/api/v1/x: the server answered 500 Internal Server Error: token [secret] of [secret] is wrong xxx",
        device.url()
    );
    assert!(error.to_string().starts_with(&expected) && error.to_string().len() < 1200, "{error}");
    assert_eq!((error.code(), error.upstream_status()), (502, Some(500)));
    // Some services want their token in the path.
    let error = http.get("bot").part(SECRET).send().await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("GET {}/api/v1/bot/[secret]: ", device.url())), "{error}");
}

#[tokio::test]
async fn a_secret_that_is_half_in_an_excerpt_is_cut_out_whole() {
    let body = format!("{}{SECRET}", "x".repeat(1020));
    let device = Device::plain(move |_, out| reply(out, 400, &[], &body));
    let http = client(&device).bearer(Secure::new(SECRET.to_owned())).build().unwrap();
    let error = http.get("x").send().await.unwrap_err();
    assert!(error.to_string().ends_with("xxx[sec"), "{error}");
}

#[tokio::test]
async fn a_devices_404_is_seen_by_the_author_and_may_be_no_error() {
    let device = device_answering(&[(404, &[], r#"{"error":"no such system"}"#)]);
    let http = client(&device).build().unwrap();
    let error = http.get("x").send().await.unwrap_err();
    assert_eq!((error.code(), error.upstream_status(), error.may_pass()), (502, Some(404), false));
    let answer = http.get("x").accept(StatusCode::NOT_FOUND).send().await.unwrap();
    assert_eq!((answer.status(), answer.text().as_ref()), (StatusCode::NOT_FOUND, r#"{"error":"no such system"}"#));
    assert_eq!(device.requests().len(), 2);
}

#[tokio::test]
async fn nothing_that_is_printed_shows_a_secret() {
    let device = device_answering(&[(200, &[("Set-Cookie", SECRET)], SECRET)]);
    let secret = || Secure::new(SECRET.to_owned());
    let builder = client(&device).bearer(secret()).basic("root", secret()).secret_header("X-Key", secret());
    let mut printed =
        format!("{builder:?} {:?}", HttpClient::builder("https://root:opensesame-http@h/?t=opensesame-http"));
    let http = builder.build().unwrap();
    let request = http.post("x").query("t", SECRET).secret_header("X", &secret()).json(SECRET);
    printed += &format!(" {http:?} {request:?}");
    printed += &format!("{:?}", request.send().await.unwrap());
    assert!(printed.contains("/api/v1/x") && !printed.contains(SECRET), "{printed}");
}

#[tokio::test]
async fn a_request_that_makes_no_sense_is_a_400_and_is_not_sent() {
    let device = device_answering(&[(200, &[], "")]);
    let http = client(&device).build().unwrap();
    let check = async |request: drp_plugin::HttpRequest, expected: &str| {
        let error = request.send().await.unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (400, expected));
    };
    check(http.get("a/../b"), "`..` cannot be a part of a path").await;
    check(http.get("a").part(".."), "`..` cannot be a part of a path").await;
    check(http.get("a").header("a b", "x"), "`a b` is no name of a header").await;
    let value = Secure::new(format!("{SECRET}\r\nX: y"));
    let unsent = "what header `X-Key` should say holds characters that cannot be sent";
    check(http.get("a").secret_header("X-Key", &value).header("a b", "x"), unsent).await;
    assert!(device.requests().is_empty());
    for builder in [
        client(&device).bearer(value),
        client(&device).basic("a:b", Secure::default()),
        client(&device).proxy("http://u:opensesame-http@h"),
    ] {
        let error = builder.build().unwrap_err();
        assert!(error.code() == 400 && !error.to_string().contains(SECRET), "{error}");
    }
}

#[tokio::test]
async fn a_busy_device_is_asked_again_when_it_says_so() {
    let device = device_answering(&[(429, &[("Retry-After", "1")], ""), (200, &[], "done")]);
    let began = Instant::now();
    let answer = client(&device).build().unwrap().post("x").json(&1).send().await.unwrap();
    assert_eq!((answer.text().as_ref(), device.requests().len()), ("done", 2));
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    assert!(device.requests().iter().all(|request| request.body == "1"));
}

#[tokio::test]
async fn a_device_that_is_busy_for_long_is_told_of_at_once() {
    let device = device_answering(&[(503, &[("Retry-After", "3600")], "")]);
    let error = client(&device).build().unwrap().get("x").send().await.unwrap_err();
    assert_eq!((error.code(), error.retry_after(), error.may_pass()), (503, Some(Duration::from_secs(3600)), true));
    assert_eq!(device.requests().len(), 1);
}

#[tokio::test]
async fn reads_are_made_again_and_writes_that_may_have_been_carried_out_are_not() {
    let repeats = async |device: Device| {
        client(&device).build().unwrap().get("x").send().await.unwrap();
        assert_eq!(device.requests().len(), 2);
    };
    repeats(device_answering(&[(503, &[], ""), (200, &[], "")])).await;
    repeats(device_answering(&[(500, &[], ""), (200, &[], "")])).await;
    let breaks_off = || {
        let number = AtomicUsize::new(0);
        Device::plain(move |_, out| match number.fetch_add(1, Relaxed) {
            0 => {}
            _ => reply(out, 200, &[], ""),
        })
    };
    repeats(breaks_off()).await;

    let does_not = async |device: Device, code: u16| {
        let error: Error = client(&device).build().unwrap().post("x").send().await.unwrap_err();
        assert_eq!((error.code(), error.may_pass(), device.requests().len()), (code, false, 1), "{error}");
        // Its author says that it does no harm.
        client(&device).build().unwrap().post("x").idempotent().send().await.unwrap();
    };
    does_not(device_answering(&[(503, &[], ""), (500, &[], ""), (200, &[], "")]), 503).await;
    does_not(breaks_off(), 502).await;
}

#[tokio::test]
async fn tries_end() {
    let device = device_answering(&[(503, &[], "busy")]);
    let error = client(&device).tries(2).build().unwrap().get("x").send().await.unwrap_err();
    assert!(error.to_string().starts_with("try 2: GET http://"), "{error}");
    assert_eq!(device.requests().len(), 2);
}

#[tokio::test]
async fn redirects_are_followed_within_the_server_and_credentials_stay_there() {
    let other = device_answering(&[(200, &[], "")]);
    let whereto = format!("{}/stolen?token={SECRET}", other.url());
    let device = Device::plain(move |request, out| match request.path.as_str() {
        "/api/v1/slash/" => reply(out, 200, &[], "here"),
        "/api/v1/slash" => reply(out, 308, &[("Location", "/api/v1/slash/")], ""),
        "/api/v1/moved" => reply(out, 301, &[("Location", "slash/")], ""),
        "/api/v1/done" => reply(out, 303, &[("Location", "result")], ""),
        "/api/v1/result" => reply(out, 429, &[], ""),
        "/api/v1/circle" => reply(out, 302, &[("Location", "circle")], ""),
        _ => reply(out, 302, &[("Location", &whereto)], ""),
    });
    let http = client(&device).bearer(Secure::new(SECRET.to_owned())).build().unwrap();
    assert_eq!(http.get("slash").send().await.unwrap().text(), "here");
    assert_eq!(http.get("moved").send().await.unwrap().text(), "here");
    assert_eq!(http.post("slash").json(&7).send().await.unwrap().text(), "here");
    let last = device.requests().pop().unwrap();
    assert_eq!((last.method.as_str(), last.body.as_str()), ("POST", "7"));
    assert!(last.header("authorization").is_some());

    let error = http.get("elsewhere").send().await.unwrap_err();
    let expected = format!("redirects to {}/stolen, another server, whereto credentials are not taken", other.url());
    assert!(error.to_string().contains(&expected) && !error.to_string().contains(SECRET), "{error}");
    assert!(other.requests().is_empty());
    let error = http.post("moved").send().await.unwrap_err();
    assert!(error.to_string().contains("it was not done"), "{error}");
    let count = |path: &str| device.requests().iter().filter(|request| request.path.ends_with(path)).count();
    http.get("circle").send().await.unwrap_err();
    assert_eq!(count("/circle"), 6);
    // The write was carried out: that its result cannot be had now does not make it happen again.
    let error = http.post("done").send().await.unwrap_err();
    assert_eq!((count("/done"), error.may_pass()), (1, false));
}

#[test]
fn a_client_fits_into_a_state_and_a_call_into_a_handler() {
    fn is_shared<T: Clone + Send + Sync + 'static>(_: &T) {}
    fn is_sent<T: Send>(_: &T) {}
    let http = HttpClient::builder("https://device.example").build().unwrap();
    is_shared(&http);
    is_sent(&http.get("x").send());
}

#[test]
fn each_exchange_is_a_line_of_level_debug_without_secrets() {
    use tracing_subscriber::{Layer, Registry, layer::Context, prelude::*};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<String>>>);

    impl Layer<Registry> for Lines {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, Registry>) {
            struct Text(String);
            impl tracing::field::Visit for Text {
                fn record_debug(&mut self, _: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                    self.0 += &format!("{value:?}");
                }
            }
            let mut text = Text(format!("{} ", event.metadata().level()));
            event.record(&mut text);
            if event.metadata().target().starts_with("drp_plugin") {
                self.0.lock().unwrap().push(text.0);
            }
        }
    }

    let lines = Lines::default();
    let device = device_answering(&[(200, &[], "four")]);
    tracing::subscriber::with_default(Registry::default().with(lines.clone()), || {
        let http = client(&device).bearer(Secure::new(SECRET.to_owned())).build().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(http.put("x").query("t", SECRET).json(SECRET).send()).unwrap();
    });
    let lines = lines.0.lock().unwrap();
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert!(line.starts_with(&format!("DEBUG PUT {}/api/v1/x was answered 200 OK after ", device.url())), "{line}");
    assert!(line.ends_with(", 4 bytes") && !line.contains(SECRET), "{line}");
}
