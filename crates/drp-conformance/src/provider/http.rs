//! Requests that are none, or come in the wrong way.

use std::time::Duration;

use bytes::Bytes;
use drp_core::contract;
use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    time::timeout,
};

use super::{
    ask::Ask,
    case::Case,
    instance::Instance,
    suite::{Check, check},
};
use crate::verdict::{Fault, Verdict, cannot, ensure};

pub(super) const CHECKS: &[Check] = &[
    check!(HttpPath, Configured, unknown_paths_are_not_found),
    check!(HttpMethod, Configured, other_methods_are_not_found),
    check!(HttpType, Configured, other_types_are_refused),
    check!(HttpGarbage, Configured, survives_garbage),
    check!(HttpHalf, Configured, survives_halves),
    check!(HttpSlow, Configured, survives_slowness),
    check!(HttpHeader, Configured, survives_a_large_head),
    check!(HttpIdle, Configured, survives_idle_connections),
    check!(HttpParallel, Configured, answers_all),
];

/// Half and idle connections.
const HALVES: usize = 50;
const IDLE: usize = 200;
const PARALLEL: usize = 100;
/// How long others may take meanwhile.
const ANSWER_TIME: Duration = Duration::from_secs(5);

async fn answered(instance: &Instance, ask: Ask<'_>, what: &str) -> Verdict<crate::answer::Answer> {
    instance.ask(ask).await.map_err(|error| Fault::Failed(format!("{what}: {error}")))
}

async fn unknown_paths_are_not_found(case: &Case) -> Verdict {
    let instance = case.configured().await?;
    for path in ["/", "/api-plugin/v4/nothing", "/api-plugin/v3/config", "/nothing/at/all"] {
        let answer = answered(&instance, Ask::post(path, "{}"), path).await?;
        ensure!(answer.status == 404, "POST {path}: 404 was expected, {} came", answer.shown());
        answer.error_object(&format!("POST {path}"))?;
    }
    Ok(())
}

async fn other_methods_are_not_found(case: &Case) -> Verdict {
    let instance = case.configured().await?;
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        let ask = Ask { method, path: contract::CONFIG_PATH, content_type: "application/json", body: Bytes::new() };
        let answer = answered(&instance, ask, method).await?;
        ensure!(answer.status == 404, "{method} config: 404 was expected, {} came", answer.shown());
        answer.error_object(&format!("{method} config"))?;
    }
    Ok(())
}

async fn other_types_are_refused(case: &Case) -> Verdict {
    let instance = case.configured().await?;
    for content_type in ["text/plain", "application/xml", ""] {
        let ask = Ask { method: "POST", path: contract::CONFIG_PATH, content_type, body: Bytes::from("{}") };
        let what = format!("Content-Type {content_type:?}");
        let answer = answered(&instance, ask, &what).await?;
        ensure!(answer.status == 400, "{what}: 400 was expected, {} came", answer.shown());
        answer.error_object(&what)?;
    }
    Ok(())
}

/// Opens connections, and sends the same on each.
async fn open(instance: &Instance, count: usize, bytes: &[u8]) -> Verdict<Vec<UnixStream>> {
    let mut streams = Vec::new();
    for _ in 0..count {
        let mut stream = connect(instance).await?;
        // A plugin that hangs up at once does well.
        let _ = timeout(ANSWER_TIME, stream.write_all(bytes)).await;
        streams.push(stream);
    }
    Ok(streams)
}

async fn connect(instance: &Instance) -> Verdict<UnixStream> {
    let connected = timeout(ANSWER_TIME, UnixStream::connect(&instance.socket)).await;
    connected.unwrap_or_else(|late| Err(late.into())).map_err(cannot("connect to the plugin"))
}

/// Holds that it serves others meanwhile.
async fn serves(instance: &mut Instance) -> Verdict {
    instance.is_alive()?;
    instance.serves_within(ANSWER_TIME).await?;
    instance.is_alive()
}

async fn survives_garbage(case: &Case) -> Verdict {
    let mut instance = case.configured().await?;
    let garbage: [&[u8]; 5] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"nonsense\r\n\r\n",
        b"POST /api-plugin/v4/config HTTP/9.9\r\n\r\n",
        b"POST /api-plugin/v4/config HTTP/1.1\r\nHost: unix\r\nContent-Length: -1\r\n\r\n",
        b"POST /api-plugin/v4/config HTTP/1.1\r\nHost: unix\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ];
    for bytes in garbage {
        let mut streams = open(&instance, 1, bytes).await?;
        for stream in &mut streams {
            let mut answer = [0; 512];
            // An answer or none: either will do.
            let _ = timeout(Duration::from_millis(200), stream.read(&mut answer)).await;
        }
        serves(&mut instance).await?;
    }
    Ok(())
}

async fn survives_halves(case: &Case) -> Verdict {
    let mut instance = case.configured().await?;
    let half = b"POST /api-plugin/v4/action HTTP/1.1\r\nHost: unix\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\nhalf";
    let _held = open(&instance, HALVES, half).await?;
    serves(&mut instance).await
}

async fn survives_slowness(case: &Case) -> Verdict {
    let mut instance = case.configured().await?;
    let mut held = open(&instance, HALVES, b"POST /api-plugin/v4/action HT").await?;
    for byte in b"TP/1.1\r\nX-Slow" {
        for stream in &mut held {
            let _ = timeout(ANSWER_TIME, stream.write_all(&[*byte])).await;
        }
    }
    serves(&mut instance).await
}

async fn survives_a_large_head(case: &Case) -> Verdict {
    let mut instance = case.configured().await?;
    let mut head = b"POST /api-plugin/v4/action HTTP/1.1\r\nHost: unix\r\nX-Large: ".to_vec();
    head.resize(4 << 20, b'x');
    head.extend_from_slice(b"\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}");
    let mut stream = connect(&instance).await?;
    let _ = timeout(ANSWER_TIME, stream.write_all(&head)).await;
    let mut answer = [0; 64];
    let read = timeout(ANSWER_TIME, stream.read(&mut answer)).await;
    let length = read.ok().and_then(Result::ok).unwrap_or_default();
    let first = String::from_utf8_lossy(answer.get(..length).unwrap_or_default()).into_owned();
    let status: Option<u16> = first.split(' ').nth(1).and_then(|status| status.parse().ok());
    case.transcript.add("plugin", first.lines().next().unwrap_or_default());
    // Who hangs up says the same.
    let is_refused = status.is_none_or(|status| [400, 413, 414, 431].contains(&status));
    ensure!(is_refused, "a refusal was expected, {} came", first.lines().next().unwrap_or_default());
    serves(&mut instance).await
}

async fn survives_idle_connections(case: &Case) -> Verdict {
    let mut instance = case.configured().await?;
    let _held = open(&instance, IDLE, b"").await?;
    serves(&mut instance).await
}

async fn answers_all(case: &Case) -> Verdict {
    let mut instance = case.configured().await?;
    let answers = join_all((0..PARALLEL).map(|_| instance.serves())).await;
    for answer in answers {
        answer?;
    }
    instance.is_alive()
}
