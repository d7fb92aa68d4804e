//! What a provider says of itself, and whether a host can take it (`host.md` §4).

use std::path::{Path, PathBuf};

use drp_content::Bundle;
use drp_core::{Error, PluginProvider, chain, contract, json, limits, names};
use thiserror::Error as ThisError;
use tokio::process::Command;

use super::run::{RunError, exit_code, run_to_end};
use crate::{
    plugins::{
        output::{OutputLog, cut_at},
        process::describe_status,
    },
    trace::{Exchange, Recorded},
};

/// Bytes of a provider's output that are shown in an error.
const SHOWN_BYTES_MAX: usize = 1024;

/// A definition that was read and checked, and the content that came in it.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) provider: PluginProvider,
    pub(crate) bundle: Bundle,
}

/// A provider cannot be taken. Clients know the texts of most of these.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub(crate) enum ImportError {
    /// `define` did not come to its end.
    #[error("Skipping {file} because define failed: {source}")]
    Run {
        file: String,
        #[source]
        source: RunError,
    },
    /// `define` said no.
    #[error("Skipping {file} because {status}: {output}")]
    Exit { file: String, status: String, output: String },
    /// `define` did not print a definition.
    #[error("Skipping {file} because of bad json: {error}\n{output}")]
    Json { file: String, error: String, output: String },
    /// The definition is for another protocol.
    #[error("Skipping {file} because of bad version: {version}")]
    Version { file: String, version: i64 },
    /// The name is none, or that of a provider in another file.
    #[error("Skipping {file} because of bad name: {reason}")]
    Name { file: String, reason: String },
    /// The content is no bundle.
    #[error("Skipping {name} because of bad content: {reason}")]
    Content { name: String, reason: String },
    /// The content does not go with what is there.
    #[error("Skipping {name} because of bad store errors: {error}")]
    Layer { name: String, error: Error },
    /// The new executable cannot be put in its place.
    #[error("cannot install {file}: {source}")]
    Install {
        file: String,
        #[source]
        source: std::io::Error,
    },
    /// The same provider is being imported already.
    #[error("Skipping {name} because it is being imported already")]
    Busy { name: String },
}

/// Runs `define` and checks what it prints. `file` is the name that the provider must have.
pub(super) async fn define(
    mut command: Command,
    file: &str,
    log: &OutputLog,
    limit: std::time::Duration,
    exchange: &Option<Exchange>,
) -> Result<Definition, ImportError> {
    command.arg("define");
    let head = format!("Provider {file} define: ");
    let finished = run_to_end(command, log, &head, limit, limits::BODY_BYTES_MAX)
        .await
        .map_err(|source| ImportError::Run { file: file.to_owned(), source })?;
    exchange.answered(exit_code(finished.status), &finished.stdout);
    // Cleaned before it is cut, or half a secret could stay.
    let printed = || cut_at(&log.clean(&String::from_utf8_lossy(&finished.stdout)), SHOWN_BYTES_MAX);
    if !finished.status.success() {
        let (status, output) = (describe_status(finished.status), finished.stderr.explain(&printed()));
        return Err(ImportError::Exit { file: file.to_owned(), status, output: output.trim().to_owned() });
    }
    let provider = json::parse::<PluginProvider>(&finished.stdout).map_err(|error| ImportError::Json {
        file: file.to_owned(),
        error: log.clean(&error.to_string()),
        output: printed(),
    })?;
    check(provider, file)
}

/// Checks a definition and reads its content.
pub(super) fn check(mut provider: PluginProvider, file: &str) -> Result<Definition, ImportError> {
    let file = file.to_owned();
    if provider.plugin_version != contract::PLUGIN_VERSION {
        return Err(ImportError::Version { file, version: provider.plugin_version });
    }
    if !names::is_name(&provider.name) {
        return Err(ImportError::Name { file, reason: names::complaint("Invalid Name", &provider.name) });
    }
    let mut bundle = Bundle::from_yaml(&provider.content)
        .map_err(|error| ImportError::Content { name: file, reason: chain(&error) })?;
    bundle.adopt(&mut provider);
    provider.fill();
    Ok(Definition { provider, bundle })
}

/// The executables of the providers' directory, by name. What cannot be one is left out.
pub(super) fn executables(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    use std::os::unix::fs::PermissionsExt;
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        // Follows links: one to an executable elsewhere is how a developer tries a provider.
        let runs = path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
        if runs && !hidden {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
