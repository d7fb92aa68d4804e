//! `drpx serve` as a process.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use http::Method;
use serde_json::Value;

use crate::host::https::{Https, basic};

pub(crate) const USER: &str = "bench";
pub(crate) const PASSWORD: &str = "bench-password";

pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) tls: PathBuf,
}

impl Server {
    pub(crate) fn start(data: &Path) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?.with_file_name("drpx"))
            .args(["serve", "--listen", "127.0.0.1:0", "--user", &format!("{USER}:{PASSWORD}"), "--data"])
            .arg(data)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot run drpx")?;
        let mut lines = BufReader::new(child.stderr.take().context("stderr is piped")?).lines().map_while(Result::ok);
        let line = lines.find(|line| line.contains("serving https://")).context("drpx does not serve")?;
        let url = line.split_whitespace().find_map(|word| word.strip_prefix("https://")).context("no URL")?;
        let address = url.trim_end_matches("/api/v3").parse()?;
        // The log must be read on, or the server would wait for room in the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, address, tls: data.join("tls") })
    }

    pub(crate) async fn token(&self) -> Result<String> {
        let https = Https::with_authorization(self, basic(USER, PASSWORD))?;
        let (status, body) = https.once(Method::GET, &format!("/api/v3/users/{USER}/token?ttl=36000"), "").await?;
        ensure!(status.is_success(), "no token: {status}");
        let answer: Value = serde_json::from_slice(&body)?;
        Ok(answer["Token"].as_str().context("no token in the answer")?.to_owned())
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

/// Ends it as hard as can be: what it acknowledged must be there afterwards.
impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
