//! An executable that stands in for a provider inside of the test.
//!
//! A host asks executables what they are. This one answers `define` and `unpack` with what the provider has put down for
//! it, so that the host takes the provider in by the way that it takes all of them in by.

use std::{
    fs::{self, Permissions},
    io::{self, ErrorKind},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use drp_plugin::Provider;
use tokio::process::Command;

const SCRIPT: &str = r#"#!/bin/sh
case "$1" in
define) exec cat "$0.json" ;;
unpack) exec cp -R "$0.files/." "$2" ;;
esac
"#;

/// Writes the stand-in of a provider into a directory.
pub(crate) async fn write<S: Send + Sync + 'static>(
    provider: &Provider<S>,
    directory: &Path,
) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let definition = provider.definition()?;
    let script = directory.join(&definition.name);
    let beside = |suffix: &str| directory.join(format!("{}.{suffix}", definition.name));
    fs::write(beside("json"), serde_json::to_vec(&definition)?)?;
    provider.unpack(&beside("files"))?;
    fs::write(&script, SCRIPT)?;
    fs::set_permissions(&script, Permissions::from_mode(0o700))?;
    until_runnable(&script).await?;
    Ok(script)
}

/// A file that is open for writing cannot be run, and a process that another test is just starting may still hold it.
async fn until_runnable(script: &Path) -> io::Result<()> {
    loop {
        match Command::new(script).arg("nothing").status().await {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            ran => return ran.map(drop),
        }
    }
}
