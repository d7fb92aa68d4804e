//! What a provider finds in its environment, the same for `define`, `unpack` and `listen`.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use drp_core::contract;
use tokio::process::Command;

/// Where providers find their host.
#[derive(Clone, Debug)]
pub(crate) struct ProviderEnvironment {
    /// URL of the API.
    pub(crate) endpoint: String,
    /// URL of the static files.
    pub(crate) fileserver: String,
    /// Directory of the static files.
    pub(crate) webroot: PathBuf,
    /// PEM file of the authority that signed the API's certificate.
    pub(crate) ca_file: PathBuf,
}

impl ProviderEnvironment {
    /// A command that runs `program` for the holder of `token`: nothing to read, and a process group of its own, so
    /// that a stop reaches its helpers and a terminal's Ctrl-C does not reach it.
    pub(crate) fn command(&self, program: &Path, token: &str) -> Command {
        let mut command = Command::new(program);
        for name in contract::SCRUBBED_ENV {
            command.env_remove(name);
        }
        command
            .env(contract::ENDPOINT_ENV, &self.endpoint)
            .env(contract::TOKEN_ENV, token)
            .env(contract::FILESERVER_ENV, &self.fileserver)
            .env(contract::WEBROOT_ENV, &self.webroot)
            .env(contract::CA_FILE_ENV, &self.ca_file)
            .stdin(Stdio::null())
            .process_group(0)
            .kill_on_drop(true);
        command
    }
}
