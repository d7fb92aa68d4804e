//! `listen`, until it serves.

use std::{ffi::OsStr, fs, os::unix::fs::PermissionsExt, os::unix::net::UnixListener, path::PathBuf};

use drp_core::{contract, limits};
use tokio::net::UnixStream;

use super::{
    case::{Case, Ran, Way},
    instance::Instance,
    suite::{Check, check},
};
use crate::{
    answer::has_trace,
    transcript::excerpt,
    verdict::{Verdict, cannot, ensure, failed, skipped},
};

pub(super) const CHECKS: &[Check] = &[
    check!(ListenReady, Nothing, is_ready),
    check!(ListenNoise, Nothing, is_silent_before),
    check!(ListenSocket, Nothing, accepts),
    check!(ListenMode, Ready, is_its_owners),
    check!(ListenStale, Ready, replaces_a_socket),
    check!(ListenLongPath, Ready, refuses_a_long_path),
    check!(ListenArguments, Nothing, refuses_missing_arguments),
    check!(ListenTwo, Configured, runs_twice),
    check!(ListenPaths, Ready, takes_longer_paths),
];

async fn is_ready(case: &Case) -> Verdict {
    case.listen().await?.is_alive()
}

async fn is_silent_before(case: &Case) -> Verdict {
    // Why not is told by another check.
    let Ok(instance) = case.listen().await else { return skipped("it does not come to READY!") };
    let said = instance.process.stdout.bytes();
    let first = said.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let shown = excerpt(&String::from_utf8_lossy(first), 80);
    ensure!(first == contract::READY.as_bytes(), "READY! was expected as the first line, {shown} came");
    Ok(())
}

async fn accepts(case: &Case) -> Verdict {
    let Ok(mut instance) = case.listen().await else { return skipped("it does not come to READY!") };
    if let Err(error) = UnixStream::connect(&instance.socket).await {
        instance.process.ended_within(case.patience() / 10).await;
        instance.is_alive()?;
        return failed(format!("READY! is printed, and the socket does not accept: {error}"));
    }
    Ok(())
}

async fn is_its_owners(case: &Case) -> Verdict {
    let instance = case.listen().await?;
    let mode = fs::metadata(&instance.socket).map_err(cannot("look at the socket"))?.permissions().mode() & 0o777;
    ensure!(mode & 0o077 == 0, "mode 0600 or 0700 was expected under umask 022, the socket has {mode:04o}");
    Ok(())
}

async fn replaces_a_socket(case: &Case) -> Verdict {
    let socket = case.path("t");
    // Its file stays when the listener goes, as after a crash.
    drop(UnixListener::bind(&socket).map_err(cannot("make a socket"))?);
    let instance = Instance::start(case, socket).await?;
    instance.serves().await.map(drop)
}

async fn refuses_a_long_path(case: &Case) -> Verdict {
    let directory = case.directory("long")?;
    let socket = directory.join("x".repeat(120));
    let (stage, from) = case.stage().await?;
    let args = ["listen".as_ref(), socket.as_os_str(), from.as_os_str()];
    let ran = case.run_at(&stage, &args, Way::default()).await?;
    is_clear_error(&ran, "a socket path of more than 108 bytes")?;
    Ok(())
}

async fn refuses_missing_arguments(case: &Case) -> Verdict {
    let socket = case.path("t");
    for args in [&["listen".as_ref()] as &[&OsStr], &["listen".as_ref(), socket.as_os_str()]] {
        let ran = case.run(args, Way::default()).await?;
        is_clear_error(&ran, &format!("`listen` with {} of its 2 arguments", args.len() - 1))?;
    }
    Ok(())
}

/// Holds that a command ended in an error that people can read.
pub(super) fn is_clear_error(ran: &Ran, what: &str) -> Verdict {
    let Some(status) = ran.status else {
        return failed(format!("{what}: an error was expected, and it is still there after {} s", ran.took.as_secs()));
    };
    ensure!(!status.success(), "{what}: an exit status other than 0 was expected, {status} came");
    let stdout = String::from_utf8_lossy(&ran.stdout).into_owned();
    let said = excerpt(&(ran.stderr.clone() + &stdout), 200);
    ensure!(!has_trace(&(ran.stderr.clone() + &stdout)), "{what}: it shows a stack trace: {said}");
    ensure!(!stdout.contains(contract::READY), "{what}: it prints READY!");
    ensure!(!said.is_empty(), "{what}: it does not say what is wrong");
    Ok(())
}

async fn runs_twice(case: &Case) -> Verdict {
    let first = case.configured().await?;
    let second = case.configured().await?;
    first.serves().await?;
    second.serves().await?;
    drop(first);
    second.serves().await.map(drop)
}

async fn takes_longer_paths(case: &Case) -> Verdict {
    let base = case.directory("p")?;
    // As long as every system takes.
    let rest = limits::SOCKET_PATH_BYTES_MAX.saturating_sub(base.as_os_str().len() + 1);
    let socket: PathBuf = base.join("x".repeat(rest));
    let instance = Instance::start(case, socket).await?;
    instance.serves().await.map(drop)
}
