//! The death of the host.

use std::{ffi::OsStr, path::Path, time::Duration};

use super::{
    case::Case,
    instance::eventually,
    suite::{Check, check},
};
use crate::{
    figures,
    process::{Process, Start},
    verdict::{Verdict, cannot, ensure, failed, skipped},
};

pub(super) const CHECK: Check = check!(ParentDeath, Ready, ends_with_its_host);

/// How long a plugin may outlive its host.
const OUTLIVE_TIME: Duration = Duration::from_secs(15);
/// Starts the plugin and waits for it: it is the host that dies.
const HOST: &str = r#""$0" listen "$1" "$2" & wait"#;

async fn ends_with_its_host(case: &Case) -> Verdict {
    if !figures::are_known() {
        return skipped("the system does not tell which processes there are");
    }
    let (stage, from) = case.stage().await?;
    let (socket, directory) = (case.path("t"), case.directory("d")?);
    let args: [&OsStr; 5] =
        ["-c".as_ref(), HOST.as_ref(), case.subject.executable.as_os_str(), socket.as_os_str(), from.as_os_str()];
    let env =
        [("RS_ENDPOINT".to_owned(), stage.api.endpoint.clone()), ("RS_TOKEN".to_owned(), stage.api.token.clone())];
    let program = Path::new("/bin/sh");
    let start = Start {
        program,
        args: &args,
        env: &env,
        is_bare: false,
        directory: &directory,
        is_asked: false,
        kept_max: 1 << 20,
    };
    let mut host = Process::start(&start).map_err(cannot("start a host that dies"))?;
    let is_ready = tokio::time::timeout(case.patience(), host.stdout.until(|bytes| bytes.ends_with(b"READY!\n"))).await;
    let Some(plugin) = figures::children_of(host.pid()).into_iter().next().filter(|_| is_ready.is_ok()) else {
        return failed("a plugin that a shell starts does not come to READY!");
    };
    case.transcript.add("host", "dies, and its sockets with it");
    stage.callbacks.go();
    stage.api.go();
    host.signal(rustix::process::Signal::KILL);
    host.ended_within(case.patience()).await;
    let is_gone = eventually(OUTLIVE_TIME, || !figures::is_alive(plugin)).await;
    ensure!(is_gone, "{} s after its host died it is still there", OUTLIVE_TIME.as_secs());
    Ok(())
}
