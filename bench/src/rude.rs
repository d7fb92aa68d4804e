//! A good provider, quiet and beside one provider of each bad kind at once.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::Method;
use serde_json::json;

use crate::host::{build, https::Https, server::Server};

const GOOD: &str = "/api/v3/system/actions/incrstatus?plugin=good";
/// Actions of a bad plugin that are asked for again and again meanwhile.
const BAD_ACTIONS: [&str; 6] = ["silent", "garbage", "huge", "torn", "error-text", "slow"];
/// Time for which the bad ones run before they are measured: by then most have been given up and tried again.
const SETTLE_TIME: Duration = Duration::from_secs(3);

pub(crate) async fn run(seconds: u64) -> Result<()> {
    build(&["-p", "rude-provider"])?;
    let bin = std::env::current_exe()?;
    let data = tempfile::tempdir()?;
    let plugins = data.path().join("plugins");
    fs::create_dir_all(&plugins)?;
    fs::copy(bin.with_file_name("incrementer"), plugins.join("incrementer"))?;
    let server = Server::start(data.path())?;
    let https = Https::new(&server, &server.token().await?)?;
    create_plugin(&https, "good", "incrementer").await?;
    let quiet = actions(&https, seconds).await?;

    let modes = install(&bin.with_file_name("rude-provider"), &plugins)?;
    drop(server);
    let server = Server::start(data.path())?;
    let https = Https::new(&server, &server.token().await?)?;
    let bad = tokio::spawn(misbehave(https.clone(), modes.clone()));
    let starting = actions(&https, seconds).await?;
    tokio::time::sleep(SETTLE_TIME).await;
    let running = actions(&https, seconds).await?;
    ensure!(!bad.is_finished(), "the bad plugins are not asked any more: {:?}", bad.await);
    bad.abort();

    println!("\n{:<58} {:>9} {:>9} {:>7}", "actions of a good plugin, one client", "median us", "99 % us", "ratio");
    let row = |title: &str, times: &[Duration]| {
        let (median, slow) = (at(times, 50), at(times, 99));
        let ratio = median.as_secs_f64() / at(&quiet, 50).as_secs_f64();
        println!("{title:<58} {:>9} {:>9} {ratio:>7.2}", median.as_micros(), slow.as_micros());
    };
    row("alone", &quiet);
    row(&format!("while {} bad ones start", modes.len()), &starting);
    row("while they run", &running);
    Ok(())
}

/// Links the bad provider under the names of all its modes.
fn install(provider: &Path, plugins: &Path) -> Result<Vec<String>> {
    let help = String::from_utf8(Command::new(provider).arg("--help").output()?.stdout)?;
    let listed = help.split("Modes:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).context("no modes")?;
    let modes: Vec<String> =
        listed.lines().filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect();
    for mode in modes.iter().map(String::as_str).chain(["shapeless"]) {
        fs::copy(provider, plugins.join(format!("rude-{mode}")))?;
    }
    Ok(modes)
}

/// Makes a plugin of each mode, and asks one more for bad actions for ever.
async fn misbehave(https: Https, modes: Vec<String>) -> Result<()> {
    for mode in &modes {
        create_plugin(&https, mode, &format!("rude-{mode}")).await?;
    }
    create_plugin(&https, "actor", "rude-shapeless").await?;
    loop {
        for action in BAD_ACTIONS {
            let https = https.clone();
            // What it answers is no matter: it is to be no matter for others.
            tokio::spawn(async move {
                https.once(Method::POST, &format!("/api/v3/system/actions/{action}?plugin=actor"), "{}").await
            });
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn create_plugin(https: &Https, name: &str, provider: &str) -> Result<()> {
    let plugin = json!({ "Name": name, "Provider": provider }).to_string();
    let (status, body) = https.once(Method::POST, "/api/v3/plugins", &plugin).await?;
    ensure!(status.as_u16() == 201, "plugin {name} was not made: {status} {}", String::from_utf8_lossy(&body));
    Ok(())
}

/// How long each of many actions took, the fastest first.
async fn actions(https: &Https, seconds: u64) -> Result<Vec<Duration>> {
    let mut connection = https.connect().await?;
    let started = Instant::now();
    while !connection.send(Method::POST, GOOD, Bytes::from_static(b"{}")).await?.0.is_success() {
        ensure!(started.elapsed() < Duration::from_secs(30), "the good plugin does not come into service");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (started, mut times) = (Instant::now(), Vec::new());
    while started.elapsed() < Duration::from_secs(seconds) {
        let asked = Instant::now();
        let (status, body) = connection.send(Method::POST, GOOD, Bytes::from_static(b"{}")).await?;
        times.push(asked.elapsed());
        ensure!(status.is_success(), "an action was answered {status}: {}", String::from_utf8_lossy(&body));
    }
    times.sort_unstable();
    Ok(times)
}

fn at(times: &[Duration], percent: usize) -> Duration {
    times.get(times.len() * percent / 100).copied().unwrap_or_default()
}
