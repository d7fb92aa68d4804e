//! Requests that are none, come slowly, or are too large. They are made one after the other.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::{
    case::Case,
    link::Ask,
    suite::{Check, check},
};
use crate::verdict::{Verdict, cannot, ensure};

pub(super) const CHECKS: &[Check] = &[
    check!(HostDeep, deep_json_is_refused),
    check!(HostHuge, huge_bodies_are_refused),
    check!(HostHeader, large_headers_are_refused),
    check!(HostShort, half_a_body_makes_nothing),
    check!(HostSlow, slow_clients_hold_nobody_up),
    check!(HostGarbage, garbage_harms_nobody),
];

/// Levels of JSON that nobody means.
const DEEP: usize = 100_000;
/// More than the 64 MiB of an object.
const HUGE_BYTES: usize = 80 << 20;
const HEADER_BYTES: usize = 2 << 20;
const SLOW_CLIENTS: usize = 50;
/// How long others may take meanwhile.
const ANSWER_TIME: Duration = Duration::from_secs(5);

/// Holds that others are served.
async fn serves(case: &Case) -> Verdict {
    let answer = timeout(ANSWER_TIME, case.get("info")).await;
    match answer {
        Ok(answer) => answer?.is(200, "GET /info meanwhile").map(drop),
        Err(_) => crate::verdict::failed(format!("others wait for more than {} s", ANSWER_TIME.as_secs())),
    }
}

async fn deep_json_is_refused(case: &Case) -> Verdict {
    let name = case.name();
    case.will_make(format!("profiles/{name}"));
    let deep = format!("{}{}", "[".repeat(DEEP), "]".repeat(DEEP));
    let body = format!(r#"{{"Name":"{name}","Params":{{"deep":{deep}}}}}"#);
    case.send(case.ask_raw("POST", "profiles", body)).await?.refuses("100,000 levels")?;
    serves(case).await
}

async fn huge_bodies_are_refused(case: &Case) -> Verdict {
    let name = case.name();
    case.will_make(format!("profiles/{name}"));
    let mut body = format!(r#"{{"Name":"{name}","Description":""#).into_bytes();
    body.resize(HUGE_BYTES, b'x');
    body.extend_from_slice(b"\"}");
    let ask = Ask { body: Bytes::from(body), ..case.ask_raw("POST", "profiles", "") };
    // Who hangs up says the same.
    if let Ok(answer) = case.try_send(ask).await {
        ensure!(answer.is_refusal(), "a body of 80 MiB: a refusal was expected, {} came", answer.shown());
    }
    case.get(format!("profiles/{name}")).await?.is(404, "what was refused")?;
    serves(case).await
}

async fn large_headers_are_refused(case: &Case) -> Verdict {
    let mut ask = case.ask("GET", "info");
    ask.headers.push(("x-large", "x".repeat(HEADER_BYTES)));
    if let Ok(answer) = case.try_send(ask).await {
        ensure!(answer.is_refusal(), "a header of 2 MiB: a refusal was expected, {} came", answer.shown());
    }
    serves(case).await
}

/// The head of a POST of a profile by the administrator.
fn head(case: &Case, length: usize) -> String {
    let path = case.session.server.path("profiles");
    let auth = case.session.auth.header().unwrap_or_default();
    let host = case.session.server.authority();
    format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {auth}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n"
    )
}

async fn half_a_body_makes_nothing(case: &Case) -> Verdict {
    let name = case.name();
    case.will_make(format!("profiles/{name}"));
    let body = json!({ "Name": name }).to_string();
    let mut stream = case.session.server.connect().await.map_err(cannot("connect"))?;
    let request = head(case, body.len() + 100) + &body;
    stream.write_all(request.as_bytes()).await.map_err(cannot("send"))?;
    stream.shutdown().await.map_err(cannot("close"))?;
    let mut answer = Vec::new();
    // An answer or none: either will do.
    let _ = timeout(ANSWER_TIME, stream.read_to_end(&mut answer)).await;
    case.get(format!("profiles/{name}")).await?.is(404, "an object whose body breaks off").map(drop)
}

async fn slow_clients_hold_nobody_up(case: &Case) -> Verdict {
    let mut held = Vec::new();
    for number in 0..SLOW_CLIENTS {
        // Some have said nothing, some half of a head, some half of a body.
        let said = match number % 3 {
            0 => String::new(),
            1 => head(case, 100).chars().take(40).collect(),
            _ => head(case, 100) + "{",
        };
        let mut stream = case.session.server.connect().await.map_err(cannot("connect"))?;
        stream.write_all(said.as_bytes()).await.map_err(cannot("send"))?;
        stream.flush().await.map_err(cannot("send"))?;
        held.push(stream);
    }
    serves(case).await?;
    case.profile(json!({})).await.map(drop)
}

async fn garbage_harms_nobody(case: &Case) -> Verdict {
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\x16\x03\x01\xff\xff\x01\xff\xff\xfc", &[0; 4096]] {
        let mut stream = case.session.server.connect_plain().await.map_err(cannot("connect"))?;
        let _ = stream.write_all(bytes).await;
    }
    for bytes in [
        &b"nonsense\r\n\r\n"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        &[0xff; 4096],
    ] {
        let mut stream = case.session.server.connect().await.map_err(cannot("connect"))?;
        let _ = stream.write_all(bytes).await;
        let _ = timeout(Duration::from_millis(200), stream.read(&mut [0; 512])).await;
    }
    serves(case).await
}
