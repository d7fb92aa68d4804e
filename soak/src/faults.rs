//! What befalls plugins while the load goes on.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use drp_client::Client;
use rustix::process::Signal;

use crate::{
    plugins::{Plugin, Role},
    process,
    run::World,
};

/// Time between two faults.
const PAUSE_TIME: Duration = Duration::from_millis(700);
/// Time for which a way is cut.
const CUT_TIME: Duration = Duration::from_millis(300);
/// Time for which a plugin is stopped.
const STALL_TIME: Duration = Duration::from_secs(3);
/// Values of the param that changes, as its schema allows them.
const LIMITS: std::ops::RangeInclusive<u8> = 1..=100;

/// Lets faults come until the time is over; all are mended at the end. Says whether the ways were cut.
pub(crate) async fn run(world: &Arc<World>, until: Instant) -> bool {
    let mut random = world.random();
    let mut cut = false;
    let mut stalls = tokio::task::JoinSet::new();
    while Instant::now() + PAUSE_TIME < until {
        tokio::time::sleep(PAUSE_TIME).await;
        match random.u8(0..8) {
            0 | 1 => {
                cut_all(world).await;
                cut = true;
            }
            2..=4 => kill(world, &mut random),
            5 | 6 => reconfigure(&world.client, world, &mut random).await,
            _ => {
                if let Some(plugin) = choose(world, Role::Stalled, &mut random)
                    && let Some(process) = plugin.process(world.server)
                {
                    world.ledger.count_fault("stopped for 3 s");
                    stalls.spawn(async move {
                        process::signal(process, Signal::STOP);
                        tokio::time::sleep(STALL_TIME).await;
                        process::signal(process, Signal::CONT);
                    });
                }
            }
        }
    }
    stalls.join_all().await;
    cut
}

fn choose<'a>(world: &'a World, role: Role, random: &mut fastrand::Rng) -> Option<&'a Plugin> {
    random.choice(world.plugins.iter().filter(|plugin| plugin.role == role).collect::<Vec<_>>())
}

async fn cut_all(world: &World) {
    world.plugins.iter().filter(|plugin| plugin.role == Role::Cut).for_each(Plugin::disturb);
    world.proxy.lead_to(None);
    tokio::time::sleep(CUT_TIME).await;
    world.proxy.lead_to(Some(world.address));
    world.ledger.count_fault("cut off");
}

fn kill(world: &World, random: &mut fastrand::Rng) {
    let Some(plugin) = choose(world, Role::Killed, random) else { return };
    // Before its end can be noticed. One that is just being started gets away.
    plugin.disturb();
    if let Some(process) = plugin.process(world.server) {
        process::signal(process, Signal::KILL);
        world.ledger.count_fault("killed");
    }
}

async fn reconfigure(client: &Client, world: &World, random: &mut fastrand::Rng) {
    let Some(plugin) = choose(world, Role::Reconfigured, random) else { return };
    plugin.disturb();
    let params = client.raw_objects("plugins").params(&plugin.name);
    match params.set("probe/limit", &random.u8(LIMITS)).await {
        Ok(()) => world.ledger.count_fault("configured anew"),
        Err(error) => {
            world.ledger.find(format!("a param of {} was refused: {}", plugin.name, drp_core::chain(&error)));
        }
    }
}
