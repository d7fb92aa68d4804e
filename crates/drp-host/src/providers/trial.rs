//! Runs of a provider that only show what it does: nothing of them is taken in.

use std::{
    path::Path,
    process::ExitStatus,
    time::{Duration, Instant},
};

use drp_core::{contract, limits};

use super::{
    ImportError, Providers,
    run::{RunError, run_to_end},
};

/// What a provider is asked to do in a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trial<'a> {
    /// To say what it is, as at an import.
    Define,
    /// To say what it is where there is no server, as for a catalog, in an environment without anything but `PATH`.
    DefineForCatalog,
    /// To unpack its assets into this directory. The provider sees the path as it is given, so it is best absolute.
    Unpack(&'a Path),
}

/// What came of a trial.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TrialOutput {
    /// How the process ended.
    pub status: ExitStatus,
    /// All that it wrote to its standard output, [`limits::BODY_BYTES_MAX`] at most.
    pub stdout: Vec<u8>,
    /// The last lines that it wrote to its standard error, without the token it was given.
    pub stderr: String,
    /// How long it took.
    pub took: Duration,
}

/// A trial did not come to its end. The process and what it started are gone.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct TrialError(#[from] RunError);

impl Providers {
    /// Runs an executable as an import would, within the same limits.
    pub(crate) async fn try_out(&self, executable: &Path, trial: Trial<'_>) -> Result<TrialOutput, TrialError> {
        let file = executable.file_name().unwrap_or_default().to_string_lossy();
        let token = self.auth.issue_plugin_token(&file);
        let log = self.output_log(&file, &token);
        let mut command = self.environment.command(executable, &token);
        let limit = match trial {
            Trial::Define => {
                command.arg("define");
                self.times.define
            }
            Trial::DefineForCatalog => {
                command.arg("define").env_clear().env(contract::TOKEN_ENV, contract::CATALOG_TOKEN);
                if let Some(path) = std::env::var_os("PATH") {
                    command.env("PATH", path);
                }
                self.times.define
            }
            Trial::Unpack(directory) => {
                command.arg("unpack").arg(directory);
                self.times.unpack
            }
        };
        let started = Instant::now();
        let finished = run_to_end(command, &log, &format!("Trial of {file}: "), limit, limits::BODY_BYTES_MAX).await;
        let took = started.elapsed();
        self.auth.revoke_plugin_token(&token);
        let finished = finished?;
        let stderr = finished.stderr.explain("").trim_start().to_owned();
        Ok(TrialOutput { status: finished.status, stdout: finished.stdout, stderr, took })
    }

    /// Whether an import of this executable would be refused. Its content and types are in force for a moment; it makes
    /// no plugin, so that no process of it serves.
    pub(crate) async fn try_import(&self, executable: &Path) -> Result<(), ImportError> {
        let (_claims, definition) = self.define(executable).await?;
        let name = &definition.provider.name;
        if self.get(name).is_some() {
            return Err(ImportError::Busy { name: name.clone() });
        }
        self.accept_from(&definition, executable).await?;
        self.objects.drop_layer(name).await;
        Ok(())
    }
}
