//! Plugins that somebody else starts, such as a debugger, in which a minute is no time.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use drp_host::{Host, HostConfig, Launch, Times};

use crate::show;

/// Longest time for which anything waits that a debugger may have stopped.
pub(super) const DEBUG_TIME: Duration = Duration::from_secs(24 * 3600);

/// The configuration of a server that hurries no plugin.
pub(super) fn patient(config: HostConfig) -> HostConfig {
    let times = config.times;
    // It ends whenever the session of the debugger does, which is no reason to take the next one late.
    let restart_wait_max = times.restart_wait_min;
    let times = Times { config: DEBUG_TIME, publish: DEBUG_TIME, restart_wait_max, ..times };
    HostConfig { times, ..config }
}

/// Has the plugins of a provider started by whoever reads what is said here. The provider's name is its executable's.
pub(super) fn announce(host: &Host, executable: &Path) {
    let name = executable.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let executable = executable.to_owned();
    host.attach(&name, move |launch| {
        let executable = executable.clone();
        async move {
            // Its token is worth nothing when the run has ended, and so the file goes with it.
            let environment = match EnvironmentFile::write(&launch) {
                Ok(environment) => environment,
                Err(error) => return format!("the file with its environment cannot be written: {error}"),
            };
            let [to, from] = [&launch.to_plugin, &launch.from_plugin].map(|path| path.display());
            let (file, executable) = (environment.0.display(), executable.display());
            let command = format!("env $(cat {file}) {executable} listen {to} {from}");
            show::step(show::GOOD, "attach", &format!("plugin {} waits to be started: {command}", launch.plugin));
            launch.until_gone().await;
            "the process that was attached serves no more".to_owned()
        }
    });
}

/// What a provider finds in its environment, for whoever starts it: lines of `NAME=value` in a file of the owner's.
struct EnvironmentFile(PathBuf);

impl EnvironmentFile {
    /// Writes the file beside the plugin's socket, in place of one that is there.
    fn write(launch: &Launch) -> io::Result<Self> {
        let path = launch.to_plugin.with_extension("env");
        // Removed first, so that the mode of an old one does not stay.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        for (name, value) in &launch.env {
            writeln!(file, "{name}={}", value.display())?;
        }
        Ok(Self(path))
    }
}

impl Drop for EnvironmentFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
