//! What a provider finds in its environment, the same for `define`, `unpack` and `listen`.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Stdio,
};

use drp_core::contract;
use tokio::process::Command;

use crate::Recorder;

/// Where providers find their host.
#[derive(Clone, Debug)]
pub(crate) struct ProviderEnvironment {
    /// URL of the API.
    pub(crate) endpoint: String,
    /// URL of the static files.
    pub(crate) fileserver: String,
    /// Directory of the static files.
    pub(crate) webroot: PathBuf,
    /// PEM file of the authority that signed the API's certificate, or of the certificate itself.
    pub(crate) ca_file: PathBuf,
    /// Variables that are for the host alone.
    pub(crate) withheld: Vec<String>,
}

impl ProviderEnvironment {
    /// A command that runs `program` for the holder of `token`: nothing to read, and a process group of its own, so
    /// that a stop reaches its helpers and a terminal's Ctrl-C does not reach it.
    pub(crate) fn command(&self, program: &Path, token: &str) -> Command {
        let mut command = Command::new(program);
        for name in contract::SCRUBBED_ENV.into_iter().chain(self.withheld.iter().map(String::as_str)) {
            command.env_remove(name);
        }
        command.envs(self.variables(token)).stdin(Stdio::null()).process_group(0).kill_on_drop(true);
        command
    }

    /// Has names stand in a recording for what is another text at every host.
    pub(crate) fn name_places(&self, recorder: &Recorder) {
        self.places().into_iter().for_each(|(text, name)| recorder.place(&text, name));
    }

    /// What is another text at every host, and its name in a recording.
    pub(crate) fn places(&self) -> [(String, &'static str); 5] {
        let authority = |url: &str| url.split_once("://").map_or(url, |(_, rest)| rest).to_owned();
        [
            (self.endpoint.clone(), "<endpoint>"),
            (self.fileserver.clone(), "<fileserver>"),
            (authority(&self.endpoint), "<authority>"),
            (self.webroot.to_string_lossy().into_owned(), "<webroot>"),
            (self.ca_file.to_string_lossy().into_owned(), "<ca-file>"),
        ]
    }

    /// The variables of the contract for the holder of `token`.
    pub(crate) fn variables(&self, token: &str) -> BTreeMap<&'static str, OsString> {
        BTreeMap::from([
            (contract::ENDPOINT_ENV, OsString::from(&self.endpoint)),
            (contract::TOKEN_ENV, OsString::from(token)),
            (contract::FILESERVER_ENV, OsString::from(&self.fileserver)),
            (contract::WEBROOT_ENV, OsString::from(&self.webroot)),
            (contract::CA_FILE_ENV, OsString::from(&self.ca_file)),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_the_host_alone_is_in_no_providers_environment() {
        let environment = ProviderEnvironment {
            endpoint: "https://127.0.0.1:8092".to_owned(),
            fileserver: String::new(),
            webroot: PathBuf::new(),
            ca_file: PathBuf::from("/ca.pem"),
            withheld: vec!["ADMIN_PASSWORD".to_owned()],
        };
        let command = environment.command(Path::new("provider"), "token");
        let of =
            |name: &str| command.as_std().get_envs().find(|(key, _)| *key == name).map(|(_, value)| value.is_some());
        assert_eq!(["ADMIN_PASSWORD", "RS_KEY"].map(of), [Some(false); 2]);
        assert_eq!(["RS_ENDPOINT", "RS_TOKEN", "RS_CA_FILE"].map(of), [Some(true); 3]);
    }
}
