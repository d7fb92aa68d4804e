//! One lap: load and faults, then quiet.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use anyhow::Result;

use crate::{
    faults,
    listeners::Listener,
    load,
    plugins::{Plugin, Role},
    process,
    run::World,
};

/// Time in which everything has to be accounted for once the load has ended.
const SETTLE_TIME: Duration = Duration::from_secs(60);
/// Time between two looks.
const LOOK_TIME: Duration = Duration::from_millis(150);
/// The lap out of so many in which one plugin floods the log.
const FLOOD_EVERY: u64 = 4;

/// Runs a lap and waits until all of it is accounted for; what is not in time is a finding. Says whether ways were cut.
pub(crate) async fn run(world: &Arc<World>, listeners: &mut [Listener], number: u64, time: Duration) -> Result<bool> {
    world.plugins.iter().for_each(Plugin::calm);
    let sent = world.ledger.events.load(Relaxed);
    listeners.iter_mut().for_each(|listener| listener.begin(sent));
    let until = Instant::now() + time;
    let tasks = load::start(world, until, number % FLOOD_EVERY == 1);
    let cut = faults::run(world, until).await;
    tasks.join_all().await;
    settle(world, listeners, cut).await;
    Ok(cut)
}

/// Waits until all plugins are in service and nothing is missing.
pub(crate) async fn settle(world: &World, listeners: &mut [Listener], cut: bool) {
    let until = Instant::now() + SETTLE_TIME;
    loop {
        match missing(world, listeners, cut).await {
            Ok(missing) if missing.is_empty() => return,
            Ok(missing) if Instant::now() > until => {
                missing.into_iter().for_each(|what| world.ledger.find(what));
                return;
            }
            Ok(_) => tokio::time::sleep(LOOK_TIME).await,
            Err(wrong) => return world.ledger.find(wrong),
        }
    }
}

async fn missing(world: &World, listeners: &mut [Listener], cut: bool) -> Result<Vec<String>, String> {
    let mut missing = Vec::new();
    for plugin in world.plugins.iter().filter(|plugin| plugin.role != Role::Crashing) {
        if !plugin.is_in_service(&world.client).await {
            missing.push(format!("{} does not come back into service", plugin.name));
        }
        let (asked, there) = (world.ledger.lines_of(&plugin.name), world.log.accounted(&plugin.name));
        // What a process had not handed on when it was killed went with it.
        if there < asked && !matches!(plugin.role, Role::Killed | Role::Reconfigured) {
            missing.push(format!("{}: {} of {asked} log lines are lost silently", plugin.name, asked - there));
        }
    }
    for listener in listeners.iter_mut() {
        listener.look(&world.client, &world.plugins).await;
    }
    let sent = world.ledger.events.load(Relaxed);
    for listener in listeners.iter_mut() {
        missing.extend(listener.missing(sent, &world.plugins, cut)?);
    }
    if listeners.iter().any(|listener| listener.needs_event(&world.plugins, cut)) {
        load::post(world, 0).await;
    }
    let children = process::children(world.server).map_err(|error| error.to_string())?;
    if children.len() > world.plugins.len() {
        missing.push(format!("the server has {} children for {} plugins", children.len(), world.plugins.len()));
    }
    Ok(missing)
}
