//! The end of a plugin.

use std::{process::ExitStatus, time::Duration};

use drp_core::contract;
use rustix::process::Signal;
use serde_json::json;
use tokio::time::sleep;

use super::{
    ask::Ask,
    case::Case,
    instance::Instance,
    subject::Call,
    suite::{Check, check},
};
use crate::{
    figures,
    transcript::excerpt,
    verdict::{Verdict, ensure, failed, skipped},
};

pub(super) const CHECKS: &[Check] = &[
    check!(StopAnswered, Ready, is_answered),
    check!(StopEnds, Ready, ends),
    check!(StopExit, Ready, exits_well),
    check!(StopSocket, Ready, removes_its_socket),
    check!(StopLeftovers, Ready, leaves_nobody),
    check!(StopInFlight, Configured, answers_what_is_under_way),
    check!(StopEarly, Ready, stops_early),
    check!(SigtermEnds, Ready, ends_at_sigterm),
    check!(SigtermClean, Ready, ends_well_at_sigterm),
];

/// How long the output may be held once the process has ended.
const OUTPUT_TIME: Duration = Duration::from_secs(1);
/// An action that takes as long is under way when stop comes.
const LASTING: Duration = Duration::from_millis(300);

/// A plugin that has been told its configuration, whatever it made of it.
async fn told(case: &Case) -> Verdict<Instance> {
    let instance = case.listen().await?;
    let _ = instance.configure(&case.subject.config()).await;
    Ok(instance)
}

async fn is_answered(case: &Case) -> Verdict {
    let instance = told(case).await?;
    match instance.stop().await {
        Ok(answer) => {
            ensure!(answer.is_good(), "2xx was expected, {} came", answer.shown());
            Ok(())
        }
        Err(error) => failed(format!("stop is not answered: {error}")),
    }
}

/// Stops it, and waits for its end.
async fn stopped(case: &Case, instance: &mut Instance) -> Verdict<ExitStatus> {
    let answer = instance.stop().await;
    let Some(status) = instance.process.ended_within(case.patience()).await else {
        let said = answer.as_ref().map_or_else(Clone::clone, crate::answer::Answer::shown);
        return failed(format!("it is still there {} s after stop, which brought: {said}", case.patience().as_secs()));
    };
    case.transcript.add("end", &status.to_string());
    Ok(status)
}

async fn ends(case: &Case) -> Verdict {
    stopped(case, &mut told(case).await?).await.map(drop)
}

async fn exits_well(case: &Case) -> Verdict {
    let mut instance = told(case).await?;
    let status = stopped(case, &mut instance).await?;
    let said = excerpt(&instance.process.stderr.text(), 200);
    ensure!(status.success(), "exit status 0 was expected, {status} came; on stderr: {said}");
    Ok(())
}

async fn removes_its_socket(case: &Case) -> Verdict {
    let mut instance = told(case).await?;
    stopped(case, &mut instance).await?;
    ensure!(!instance.socket.exists(), "the socket file is still there");
    Ok(())
}

async fn leaves_nobody(case: &Case) -> Verdict {
    let mut instance = told(case).await?;
    if instance.stop().await.is_err() && instance.process.ended_within(case.patience()).await.is_none() {
        return skipped("it does not end");
    }
    instance.process.ended_within(case.patience()).await;
    let left = instance.process.family();
    if let Some(pid) = left.first() {
        let arguments = excerpt(&figures::arguments_of(*pid), 80);
        return failed(format!("{} of its child processes are left, such as: {arguments}", left.len()));
    }
    let is_over = instance.process.stdout.over_within(OUTPUT_TIME).await
        && instance.process.stderr.over_within(OUTPUT_TIME).await;
    ensure!(is_over, "somebody holds its output after its end: the server waits for that");
    Ok(())
}

async fn answers_what_is_under_way(case: &Case) -> Verdict {
    let Some((mut instance, call)) = lasting(case).await? else {
        return skipped("no action that was named with --action takes 300 ms");
    };
    let body = json!(case.subject.action(&call)).to_string();
    let acting = instance.ask(Ask::post(contract::ACTION_PATH, body));
    let stopping = async {
        sleep(LASTING / 3).await;
        instance.stop().await
    };
    let (acted, _stopped) = tokio::join!(acting, stopping);
    let ended = instance.process.ended_within(case.patience()).await;
    if let Err(error) = acted {
        return failed(format!("action {} was cut off by stop: {error}", call.command));
    }
    ensure!(ended.is_some(), "it is still there {} s after stop", case.patience().as_secs());
    Ok(())
}

/// A plugin, and an action of it that takes long.
async fn lasting(case: &Case) -> Verdict<Option<(Instance, Call)>> {
    let instance = case.configured().await?;
    for call in &case.subject.calls {
        let start = std::time::Instant::now();
        let answer = instance.act(call).await?;
        if answer.is_good() && start.elapsed() >= LASTING {
            return Ok(Some((instance, call.clone())));
        }
    }
    Ok(None)
}

async fn stops_early(case: &Case) -> Verdict {
    let mut instance = case.listen().await?;
    stopped(case, &mut instance).await.map(drop)
}

/// Ends it by a signal.
async fn terminated(case: &Case, instance: &mut Instance) -> Verdict<ExitStatus> {
    case.transcript.add("host", "SIGTERM");
    instance.process.signal(Signal::TERM);
    let Some(status) = instance.process.ended_within(case.patience()).await else {
        return failed(format!("it is still there {} s after SIGTERM", case.patience().as_secs()));
    };
    case.transcript.add("end", &status.to_string());
    Ok(status)
}

async fn ends_at_sigterm(case: &Case) -> Verdict {
    terminated(case, &mut told(case).await?).await.map(drop)
}

async fn ends_well_at_sigterm(case: &Case) -> Verdict {
    let mut instance = told(case).await?;
    let status = terminated(case, &mut instance).await?;
    ensure!(status.success(), "exit status 0 was expected, {status} came");
    ensure!(!instance.socket.exists(), "the socket file is still there");
    Ok(())
}
