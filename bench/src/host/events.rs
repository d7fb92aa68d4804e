//! Events to many subscribers: how many deliveries a second, and whether all came, in one order.

use std::{sync::Arc, time::Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{Method, Request};
use tokio::{net::TcpStream, task::JoinSet};
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, handshake::client::generate_key},
};

use super::{Plan, https::Https, server::Server};

/// What one subscriber saw: how many, and a digest of the order.
type Seen = (usize, u64);

pub(crate) async fn run(plan: &Plan, _server: &Server, https: &Https) -> Result<()> {
    println!("\n{:<58} {:>9} {:>7} {:>7}", "fan-out of events over websockets", "a second", "lost", "orders");
    for bytes in [100, 8192] {
        for subscribers in [1, 10, 100] {
            for posters in [1, 16] {
                fan_out(plan.events, bytes, subscribers, posters, https).await?;
            }
        }
    }
    Ok(())
}

async fn fan_out(events: usize, bytes: usize, subscribers: usize, posters: usize, https: &Https) -> Result<()> {
    let type_ = format!("bench-{bytes}-{subscribers}-{posters}");
    let mut watching = JoinSet::new();
    for _ in 0..subscribers {
        let socket = subscribe(https, &format!("{type_}.*.*")).await?;
        watching.spawn(watch(socket));
    }
    let started = Instant::now();
    let mut posting = JoinSet::new();
    let padding: Arc<str> = "x".repeat(bytes).into();
    for poster in 0..posters {
        let mut connection = https.connect().await?;
        let (type_, padding) = (type_.clone(), Arc::clone(&padding));
        posting.spawn(async move {
            for n in 0..events / posters {
                let event = format!(r#"{{"Type":"{type_}","Action":"a","Key":"{poster}-{n}","Object":"{padding}"}}"#);
                let (status, _) = connection.send(Method::POST, "/api/v3/events", Bytes::from(event)).await?;
                ensure!(status.as_u16() == 204, "event was answered {status}");
            }
            Ok(())
        });
    }
    while let Some(task) = posting.join_next().await {
        task??;
    }
    let end = format!(r#"{{"Type":"{type_}","Action":"end","Key":"end"}}"#);
    https.once(Method::POST, "/api/v3/events", &end).await?;
    let mut seen: Vec<Seen> = Vec::new();
    while let Some(task) = watching.join_next().await {
        seen.push(task??);
    }
    let elapsed = started.elapsed().as_secs_f64();
    let delivered: usize = seen.iter().map(|(count, _)| count).sum();
    let lost = events / posters * posters * subscribers - delivered;
    let mut orders: Vec<u64> = seen.iter().map(|(_, order)| *order).collect();
    orders.sort_unstable();
    orders.dedup();
    let title = format!("{bytes} bytes, {subscribers} subscriber(s), {posters} poster(s)");
    #[allow(clippy::cast_precision_loss, reason = "a count of deliveries")]
    let rate = delivered as f64 / elapsed;
    println!("{title:<58} {rate:>9.0} {lost:>7} {:>7}", orders.len());
    Ok(())
}

async fn subscribe(https: &Https, selector: &str) -> Result<WebSocketStream<TlsStream<TcpStream>>> {
    let request = Request::get(format!("wss://{}/api/v3/ws", https.address()))
        .header("Host", "bench")
        .header("Authorization", https.authorization())
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", generate_key())
        .body(())?;
    let (mut socket, _) = tokio_tungstenite::client_async(request, https.stream().await?).await?;
    socket.send(Message::text(format!("register {selector}"))).await?;
    socket.next().await.context("no echo")??;
    Ok(socket)
}

async fn watch(mut socket: WebSocketStream<TlsStream<TcpStream>>) -> Result<Seen> {
    let (mut count, mut order) = (0, 0_u64);
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message? else { continue };
        if text.contains(r#""Action":"end""#) {
            break;
        }
        let (_, rest) = text.split_once(r#""Key":""#).context("no key")?;
        let key = rest.split('"').next().unwrap_or_default();
        order =
            key.bytes().fold(order.wrapping_mul(31), |order, byte| order.wrapping_mul(131).wrapping_add(byte.into()));
        count += 1;
    }
    Ok((count, order))
}
