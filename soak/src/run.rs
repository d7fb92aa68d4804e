//! A whole run.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use drp_client::Client;
use serde_json::json;

use crate::{
    lap,
    ledger::Ledger,
    listeners::Listener,
    log::LogWatch,
    plan::Plan,
    plugins::{self, Plugin, Role},
    process::{self, Held},
    proxy::Proxy,
    report::{Heard, Report},
    server::{self, Server},
    usage::Usage,
    writes::{MACHINES, Writes},
};

/// Time in which the server brings all plugins into service.
const START_TIME: Duration = Duration::from_secs(120);
/// Time in which the server stops, with its plugins.
const STOP_TIME: Duration = Duration::from_secs(60);
/// Time in which plugins are gone whose server was killed.
const ORPHAN_TIME: Duration = Duration::from_secs(30);
const LOOK_TIME: Duration = Duration::from_millis(100);

/// What all tasks of a run share.
pub(crate) struct World {
    pub(crate) client: Client,
    pub(crate) address: SocketAddr,
    /// The server's process.
    pub(crate) server: u32,
    pub(crate) plugins: Vec<Plugin>,
    pub(crate) proxy: Proxy,
    pub(crate) log: Arc<LogWatch>,
    pub(crate) ledger: Ledger,
    pub(crate) writes: Writes,
    seq: AtomicU64,
    /// Seeds of the tasks.
    seeds: AtomicU64,
}

impl World {
    /// Random numbers for one task.
    pub(crate) fn random(&self) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.seeds.fetch_add(1, Relaxed))
    }

    /// A number that no event had before.
    pub(crate) fn next_seq(&self) -> u64 {
        self.seq.fetch_add(1, Relaxed)
    }
}

/// Runs a plan to its end.
///
/// # Errors
/// The run cannot begin or go on. What a run finds is in its report.
pub async fn run(plan: &Plan) -> Result<Report> {
    let data = tempfile::tempdir().context("no directory for the server's data")?;
    let proxy = Proxy::start().await?;
    server::prepare(data.path(), &plan.executables, &proxy.url())?;
    let server = Server::start(data.path(), &plan.executables)?;
    proxy.lead_to(Some(server.address));
    let other_way = server::client(&proxy.url(), data.path())?;
    let world = Arc::new(World {
        client: server.client(data.path())?,
        address: server.address,
        server: server.id(),
        plugins: plugins::all(),
        proxy,
        log: Arc::clone(&server.log),
        ledger: Ledger::default(),
        writes: Writes::default(),
        seq: AtomicU64::new(1),
        seeds: AtomicU64::new(plan.seed),
    });
    for machine in MACHINES {
        world.client.raw_objects("machines").create(&json!({ "Name": machine })).await?;
    }
    plugins::create(&world.client, &world.plugins).await?;
    in_service(&world.client, &world.plugins).await?;

    let mut listeners = vec![
        Listener::stream("stream", &world.client).await?,
        Listener::stream("stream that is cut", &other_way).await?,
    ];
    let probes = world.plugins.iter().enumerate().filter(|(_, plugin)| plugin.is_probe());
    listeners.extend(probes.map(|(index, plugin)| Listener::plugin(index, plugin)));
    let (mut usage, mut heard, mut laps) = (Usage::default(), Heard::default(), 0);
    let started = Instant::now();
    while laps == 0 || started.elapsed() < plan.time {
        laps += 1;
        let cut = lap::run(&world, &mut listeners, laps, plan.lap).await?;
        for [handled, lagged, lost] in listeners.iter().filter_map(|listener| listener.counts(&world.plugins, cut)) {
            heard.handled += handled;
            heard.lagged += lagged;
            heard.cut += lost;
        }
        look(&world, &mut usage)?;
        if plan.progress {
            tell(&world, laps, started.elapsed());
        }
        // One of the same kind comes in each lap from now on.
        if !world.ledger.findings().is_empty() {
            break;
        }
    }
    let time = started.elapsed();
    drop(listeners);
    end(&world, server, data.path(), plan).await?;

    let mut findings = world.ledger.findings();
    findings.extend(world.log.findings());
    for (name, span) in usage.spans() {
        findings.extend(span.growth().into_iter().map(|growth| format!("{name} has grown: {growth}")));
    }
    Ok(Report { time, laps, seed: plan.seed, counts: Report::counts(&world, heard), usage, findings })
}

async fn in_service(client: &Client, plugins: &[Plugin]) -> Result<()> {
    let until = Instant::now() + START_TIME;
    for plugin in plugins.iter().filter(|plugin| plugin.role != Role::Crashing) {
        while !plugin.is_in_service(client).await {
            ensure!(Instant::now() < until, "plugin {} does not come into service", plugin.name);
            tokio::time::sleep(LOOK_TIME).await;
        }
    }
    Ok(())
}

/// Looks at what the server and the plugins hold.
fn look(world: &World, usage: &mut Usage) -> Result<()> {
    usage.add("server", Held::of(world.server).context("the server has ended")?);
    for plugin in world.plugins.iter().filter(|plugin| plugin.role != Role::Crashing) {
        if let Some(held) = plugin.process(world.server).and_then(|process| Held::of(process).ok()) {
            usage.add(&plugin.name, held);
        }
    }
    Ok(())
}

/// Kills the server, looks whether all that it acknowledged is there when it is back, and lets it stop in good order.
async fn end(world: &World, server: Server, data: &Path, plan: &Plan) -> Result<()> {
    let orphans: Vec<u32> = process::children(server.id())?.into_iter().map(|child| child.id).collect();
    drop(server);
    are_gone(&orphans, "its server was killed", &world.ledger).await;
    let server = Server::start(data, &plan.executables).context("the server does not start again after a kill")?;
    world.proxy.lead_to(Some(server.address));
    let client = server.client(data)?;
    world.writes.check(&client, &world.ledger).await?;
    in_service(&client, &world.plugins).await?;
    let children: Vec<u32> = process::children(server.id())?.into_iter().map(|child| child.id).collect();
    let log = Arc::clone(&server.log);
    match server.stop(STOP_TIME).await? {
        Some(status) if status.success() => {}
        Some(status) => world.ledger.find(format!("the server ended with {status}")),
        None => world.ledger.find(format!("the server does not end within {STOP_TIME:?}")),
    }
    are_gone(&children, "its server has stopped", &world.ledger).await;
    log.findings().into_iter().for_each(|finding| world.ledger.find(finding));
    Ok(())
}

async fn are_gone(processes: &[u32], why: &str, ledger: &Ledger) {
    let until = Instant::now() + ORPHAN_TIME;
    for &process in processes {
        while process::is_there(process) {
            if Instant::now() > until {
                return ledger.find(format!("process {process} is still there, though {why}"));
            }
            tokio::time::sleep(LOOK_TIME).await;
        }
    }
}

#[allow(clippy::print_stderr, reason = "a long run says how far it is")]
fn tell(world: &World, laps: u64, elapsed: Duration) {
    let ledger = &world.ledger;
    let counts = [&ledger.answered, &ledger.refused, &ledger.events].map(|count| count.load(Relaxed));
    let held = Held::of(world.server).map(|held| format!("{held:?}")).unwrap_or_default();
    eprintln!(
        "lap {laps}, {} s: {} actions answered, {} refused, {} events, {} findings; server {held}",
        elapsed.as_secs(),
        counts[0],
        counts[1],
        counts[2],
        ledger.findings().len()
    );
}
