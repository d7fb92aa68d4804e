//! What a configured plugin does while nobody asks it for anything.

use std::time::Duration;

use drp_core::contract;
use tokio::time::sleep;

use super::{
    case::Case,
    instance::{Instance, eventually},
    suite::{Check, check},
};
use crate::{
    figures,
    transcript::excerpt,
    verdict::{Verdict, ensure, failed},
};

pub(super) const CHECKS: &[Check] = &[
    check!(ServeAlive, Ready, stays),
    check!(ServeStdout, Ready, prints_nothing),
    check!(ServeQuiet, Ready, is_quiet),
    check!(ServeCallbacks, Ready, keeps_the_contract),
    check!(ServeConnections, Ready, holds_few_connections),
    check!(ServeLeaves, Ready, does_not_leave),
    check!(ServeZombies, Ready, waits_for_children),
];

/// For how long a plugin is left alone.
const IDLE: Duration = Duration::from_secs(1);
/// What an idle plugin may say in that time.
const SAID_MAX: usize = 100;
/// Connections that it may hold.
const CONNECTIONS_MAX: usize = 32;

/// A plugin after a time in which nobody asked it for anything.
async fn idle(case: &Case) -> Verdict<Instance> {
    let instance = case.listen().await?;
    // Whether it takes it is of no importance here.
    let _ = instance.configure(&case.subject.config()).await;
    sleep(IDLE).await;
    Ok(instance)
}

async fn stays(case: &Case) -> Verdict {
    idle(case).await?.is_alive()
}

async fn prints_nothing(case: &Case) -> Verdict {
    let instance = idle(case).await?;
    let _ = instance.serves().await;
    if case.subject.definition["HasPublish"] == true {
        let _ = instance.post(contract::PUBLISH_PATH, super::publish::event("conformance", "was")).await;
        sleep(IDLE / 4).await;
    }
    for call in &case.subject.calls {
        let _ = instance.act(call).await;
    }
    let said = instance.process.stdout.text();
    let (_, after) = said.split_once(&format!("{}\n", contract::READY)).unwrap_or_default();
    let bytes = instance.process.stdout.total();
    ensure!(after.is_empty(), "after READY! it prints (of {bytes} bytes): {}", excerpt(after, 160));
    Ok(())
}

async fn is_quiet(case: &Case) -> Verdict {
    let instance = case.listen().await?;
    let _ = instance.configure(&case.subject.config()).await;
    let before = instance.stage.callbacks.count();
    sleep(IDLE).await;
    let said = instance.stage.callbacks.count().saturating_sub(before);
    ensure!(said <= SAID_MAX, "it posts {said} times to its host within {} s of idleness", IDLE.as_secs());
    Ok(())
}

async fn keeps_the_contract(case: &Case) -> Verdict {
    let instance = idle(case).await?;
    let _ = instance.serves().await;
    for call in &case.subject.calls {
        let _ = instance.act(call).await;
    }
    let fault = |instance: &Instance| {
        let said = instance.stage.callbacks.said().into_iter();
        said.filter_map(|said| Some((said.what, said.fault?))).next()
    };
    eventually(IDLE, || fault(&instance).is_some()).await;
    match fault(&instance) {
        Some((what, fault)) => failed(format!("a post to `{what}` is not what the contract says: {fault}")),
        None => Ok(()),
    }
}

async fn holds_few_connections(case: &Case) -> Verdict {
    let instance = idle(case).await?;
    let open = instance.stage.callbacks.open();
    ensure!(open <= CONNECTIONS_MAX, "it holds {open} connections to the callback socket");
    Ok(())
}

async fn does_not_leave(case: &Case) -> Verdict {
    let instance = idle(case).await?;
    let left = instance.stage.callbacks.said().into_iter().find(|said| said.what == "leaving");
    match left {
        Some(said) => failed(format!("it posts to leaving: {}", excerpt(&String::from_utf8_lossy(&said.body), 160))),
        None => Ok(()),
    }
}

async fn waits_for_children(case: &Case) -> Verdict {
    let instance = idle(case).await?;
    for call in &case.subject.calls {
        let _ = instance.act(call).await;
    }
    let pid = instance.process.pid();
    eventually(IDLE, || figures::zombies_of(pid) == 0).await;
    let zombies = figures::zombies_of(pid);
    ensure!(zombies == 0, "{zombies} of its child processes have ended, and it did not wait for them");
    Ok(())
}
