//! Machines of 8 KB: created, read, listed, and there again after a kill.

use std::{ops::Range, path::Path, time::Instant};

use anyhow::{Result, ensure};
use bytes::Bytes;
use http::Method;
use serde_json::Value;
use tokio::task::JoinSet;

use super::{Plan, baseline, baseline::BareAxum, https::Https, row, server::Server};
use crate::{load::memory_kb, sample};

const WRITERS: usize = 16;

pub(crate) async fn run(plan: &Plan, server: &Server, https: &Https) -> Result<()> {
    let axum = BareAxum::start(&server.tls)?;
    let bare = https.at(axum.address);
    let value = sample::machine("bench").to_string();
    println!(
        "{:<58} {:>9} {:>7}",
        format!("{} machines of {} bytes", plan.machines, value.len()),
        "a second",
        "of base"
    );
    let engine = baseline::engine_puts(WRITERS, plan.machines.min(5000), &value).await?;
    row(&format!("bare engine, durable puts, {WRITERS} writers"), engine, None);
    let created = create(0..plan.machines, WRITERS, https).await?;
    row(&format!("create, {WRITERS} clients"), created, Some(engine));
    let engine = baseline::engine_puts(1, 500, &value).await?;
    row("bare engine, durable puts, 1 writer", engine, None);
    let more = create(plan.machines..plan.machines + 500, 1, https).await?;
    row("create 500 more, 1 client", more, Some(engine));

    let (status, first) = https.once(Method::GET, "/api/v3/machines/Name:m-1.example.com", "").await?;
    ensure!(status.is_success(), "the first machine is missing: {status}");
    let uuid = serde_json::from_slice::<Value>(&first)?["Uuid"].as_str().unwrap_or_default().to_owned();
    for clients in [1, 16] {
        let base = bare.rate(clients, plan.seconds, &Method::GET, "/", "").await?;
        row(&format!("bare axum, 8 KB over TLS, {clients} client(s)"), base, None);
        for (what, key) in [("Uuid", uuid.clone()), ("Name", "Name:m-1.example.com".to_owned())] {
            let path = format!("/api/v3/machines/{key}");
            let rate = https.rate(clients, plan.seconds, &Method::GET, &path, "").await?;
            row(&format!("get by {what}, {clients} client(s)"), rate, Some(base));
        }
    }
    for (what, path) in [
        ("list of all", "/api/v3/machines"),
        ("list, limit=100, sort=Name", "/api/v3/machines?limit=100&sort=Name"),
        ("list, slim=Params, limit=100", "/api/v3/machines?slim=Params&limit=100"),
    ] {
        let started = Instant::now();
        let (status, body) = https.once(Method::GET, path, "").await?;
        ensure!(status.is_success(), "{path}: {status}");
        println!("{what:<58} {:>9.1?} {:>9.1} MB", started.elapsed(), megabytes(body.len() / 1000));
    }
    println!("{:<58} {:>9.1} MB", "memory", megabytes(usize::try_from(memory_kb(server.id())?)?));
    Ok(())
}

/// Machines a second, all of them durable when they are acknowledged.
async fn create(numbers: Range<usize>, writers: usize, https: &Https) -> Result<f64> {
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    let share = numbers.len() / writers;
    for writer in 0..writers {
        let mut connection = https.connect().await?;
        let first = numbers.start + writer * share;
        tasks.spawn(async move {
            for n in first..first + share {
                let machine = Bytes::from(sample::machine(&format!("m-{n}")).to_string());
                let (status, body) = connection.send(Method::POST, "/api/v3/machines", machine).await?;
                ensure!(status.as_u16() == 201, "{status}: {}", String::from_utf8_lossy(&body));
            }
            Ok(())
        });
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    #[allow(clippy::cast_precision_loss, reason = "a count of machines")]
    let machines = (share * writers) as f64;
    Ok(machines / started.elapsed().as_secs_f64())
}

/// How long a killed host takes until it answers again.
pub(crate) async fn restart(data: &Path) -> Result<()> {
    let started = Instant::now();
    let server = Server::start(data)?;
    server.token().await?;
    println!("{:<58} {:>9.1?}", "restart after kill -9, to the first answer", started.elapsed());
    Ok(())
}

#[allow(clippy::cast_precision_loss, reason = "a size in megabytes")]
fn megabytes(kilobytes: usize) -> f64 {
    kilobytes as f64 / 1000.0
}
