//! `drpx serve` as a process.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use drp_client::{Client, Config, Credentials, TlsPolicy};
use rustix::process::Signal;

use crate::{log::LogWatch, plan::Executables, process};

const USER: &str = "soak";
const PASSWORD: &str = "soak-password";

/// Crashed plugins come back soon, and a subscriber that takes nothing loses events soon.
const SETTINGS: &str = "\
listen = '127.0.0.1:0'
[admin]
name = 'soak'
password = 'env:SOAK_PASSWORD'
[log]
format = 'json'
[times]
restart_wait_min = '100ms'
restart_wait_max = '1s'
healthy = '1s'
[limits]
subscriber_events = 256
";

/// A running server. Dropping it kills it: what it acknowledged must be there afterwards.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) log: Arc<LogWatch>,
}

/// Puts settings and providers into a directory. The providers whose plugins can be cut off are begun by a script that
/// shows them another way to the API.
pub(crate) fn prepare(data: &Path, executables: &Executables, other_way: &str) -> Result<()> {
    fs::write(data.join("drpx.toml"), format!("data = '{}'\n{SETTINGS}", data.join("data").display()))?;
    let plugins = data.join("data/plugins");
    fs::create_dir_all(&plugins)?;
    fs::copy(&executables.rude, plugins.join("rude-serve-crash"))?;
    for (name, executable) in [("probe", &executables.probe), ("incrementer", &executables.incrementer)] {
        let executable = executable.to_str().context("the path of a provider is no text")?;
        // A plugin works in a directory of its name.
        let script = format!(
            "#!/bin/sh\ncase \"$PWD\" in */cut-*) RS_ENDPOINT={other_way}; export RS_ENDPOINT;; esac\nexec '{executable}' \"$@\"\n"
        );
        fs::write(plugins.join(name), script)?;
        fs::set_permissions(plugins.join(name), fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

impl Server {
    /// Starts it on a directory that was prepared.
    pub(crate) fn start(data: &Path, executables: &Executables) -> Result<Self> {
        let mut child = Command::new(&executables.drpx)
            .args(["serve", "--config"])
            .arg(data.join("drpx.toml"))
            .env("SOAK_PASSWORD", PASSWORD)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run `{}`", executables.drpx.display()))?;
        let mut lines = BufReader::new(child.stderr.take().context("stderr is piped")?).lines().map_while(Result::ok);
        let (log, mut address, mut said) = (Arc::new(LogWatch::default()), None, String::new());
        for line in lines.by_ref() {
            log.read(&line);
            if let Some((_, url)) = line.split_once("https://") {
                address = url.split('/').next().and_then(|address| address.parse().ok());
                break;
            }
            said += &line;
        }
        let Some(address) = address else {
            let _ = child.kill();
            let status = child.wait()?;
            return Err(anyhow!("the server does not serve: {status}: {said}"));
        };
        let watch = Arc::clone(&log);
        // Ends with the server.
        std::thread::spawn(move || lines.for_each(|line| watch.read(&line)));
        Ok(Self { child, address, log })
    }

    /// A client that goes directly to it.
    pub(crate) fn client(&self, data: &Path) -> Result<Client> {
        client(&format!("https://{}", self.address), data)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, and says how it did; nothing where it did not in time.
    pub(crate) async fn stop(mut self, time: Duration) -> Result<Option<ExitStatus>> {
        process::signal(self.id(), Signal::TERM);
        let ended = async {
            loop {
                if let Some(status) = self.child.try_wait()? {
                    return anyhow::Ok(status);
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        match tokio::time::timeout(time, ended).await {
            Ok(status) => Ok(Some(status?)),
            Err(_) => Ok(None),
        }
    }
}

/// A client by way of this endpoint.
pub(crate) fn client(endpoint: &str, data: &Path) -> Result<Client> {
    let mut config = Config::new(endpoint, Credentials::UserPassword(USER.to_owned(), PASSWORD.into()));
    config.tls = TlsPolicy::CaFile(data.join("data/tls/ca.pem"));
    Ok(Client::new(config)?)
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
