//! The logs of jobs: one file each, which nobody but the host's own user may read.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use drp_core::Error;
use tokio::task;

use crate::{disk, owner_only};

/// All logs.
#[derive(Debug)]
pub(super) struct Logs {
    folder: PathBuf,
    bytes_max: u64,
    /// Held by who adds to a log, so that none grows beyond its limit.
    adding: Mutex<()>,
}

/// A log cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub(super) enum LogError {
    /// The text is more than it may have.
    #[error("the log cannot have more than {0} bytes")]
    Full(u64),
    /// The system does not do it.
    #[error("cannot use the log")]
    Io(#[from] io::Error),
}

impl LogError {
    pub(super) fn wire(&self, job: &str, method: &str) -> Error {
        let (code, text) = match self {
            Self::Full(_) => (413, self.to_string()),
            Self::Io(error) if disk::takes_no_more(error) => (507, format!("{self}: {error}")),
            Self::Io(error) => (500, format!("{self}: {error}")),
        };
        Error::new(code, method, text).about("jobs", job)
    }
}

impl Logs {
    /// Opens the folder, made if it is not there, and removes the logs that `is_gone` does not know.
    pub(super) fn open(folder: &Path, bytes_max: u64, is_gone: impl Fn(&str) -> bool) -> io::Result<Self> {
        owner_only::create_dir(folder)?;
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(&is_gone) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(Self { folder: folder.to_owned(), bytes_max, adding: Mutex::default() })
    }

    /// Begins the log of a new job.
    pub(super) async fn start(self: &Arc<Self>, job: &str) -> Result<(), LogError> {
        self.append(job, Bytes::from(format!("Log for Job: {job}\n"))).await
    }

    /// Adds a text as it is; it is on disk when this comes back.
    pub(super) async fn append(self: &Arc<Self>, job: &str, text: Bytes) -> Result<(), LogError> {
        self.blocking(job, move |logs, path| {
            let _adding = logs.adding.lock().unwrap_or_else(PoisonError::into_inner);
            let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
            let before = file.metadata()?.len();
            if before + text.len() as u64 > logs.bytes_max {
                return Err(LogError::Full(logs.bytes_max));
            }
            let written = file.write_all(&text).and_then(|()| file.sync_data());
            written.inspect_err(|_| {
                // What is refused is not there by half.
                let _ = file.set_len(before);
            })?;
            if before == 0 {
                File::open(&logs.folder)?.sync_all()?;
            }
            Ok(())
        })
        .await
    }

    /// Opens a log.
    pub(super) async fn read(self: &Arc<Self>, job: &str) -> Result<File, LogError> {
        self.blocking(job, |_, path| {
            Ok(OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(path)?)
        })
        .await
    }

    /// Removes a log. The next start does it where this does not.
    pub(super) async fn remove(self: &Arc<Self>, job: &str) {
        let _ = self.blocking(job, |_, path| Ok(fs::remove_file(path)?)).await;
    }

    /// Does disk work where it may take its time. Jobs' keys are UUIDs, so they are names of files too.
    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        job: &str,
        work: impl FnOnce(&Self, &Path) -> Result<T, LogError> + Send + 'static,
    ) -> Result<T, LogError> {
        let (logs, path) = (Arc::clone(self), self.folder.join(job));
        task::spawn_blocking(move || work(&logs, &path)).await.map_err(io::Error::other)?
    }
}
