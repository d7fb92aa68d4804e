//! `drpx backup`: a running server as one file.

use std::{
    fs::File,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
};

use drp_client::{Client, Download, Request};
use drp_core::chain;
use drp_host::backup::{Summary, verify};
use tempfile::NamedTempFile;

use crate::{
    cli::BackupArgs,
    connection::connect,
    exit::{Exit, Failure},
    progress::Progress,
    show,
    signals::Signals,
};

/// In place of a file: the standard output.
const STDOUT: &str = "-";

pub(crate) async fn backup(args: BackupArgs) -> Result<Exit, Failure> {
    let mut signals = Signals::new()?;
    let target = Target::of(&args.file)?;
    let client = connect(&args.connection).await?;
    let progress = Progress::new("receiving");
    let work = async {
        match target {
            Target::Stdout => to_stdout(&client, &progress).await,
            Target::File { path, folder } => to_file(&client, path, &folder, &progress).await,
        }
    };
    tokio::select! {
        done = work => done,
        // A file that is not whole is removed on the way out.
        exit = signals.next() => {
            progress.interrupt();
            Ok(if exit == Exit::Well { Exit::Failed } else { exit })
        }
    }
}

enum Target {
    Stdout,
    File { path: PathBuf, folder: PathBuf },
}

impl Target {
    /// Where the backup goes, before anything is asked of the server.
    fn of(path: &Path) -> Result<Self, Failure> {
        if path.as_os_str() == STDOUT {
            if io::stdout().is_terminal() {
                return Err(Failure::usage("a backup is nothing for a terminal: name a file, or redirect the output"));
            }
            return Ok(Self::Stdout);
        }
        match path.symlink_metadata() {
            Ok(found) if !found.is_file() => {
                return Err(Failure::usage(format!("`{}` is there and is no file", path.display())));
            }
            _ if path.file_name().is_none() => {
                return Err(Failure::usage(format!("`{}` is no name of a file", path.display())));
            }
            _ => {}
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(Self::File { path: path.to_owned(), folder: folder.to_owned() })
    }
}

async fn to_stdout(client: &Client, progress: &Progress) -> Result<Exit, Failure> {
    let mut download = start(client).await?;
    let failed = |error: io::Error| Failure::new(format!("cannot write the backup: {error}"));
    while let Some(chunk) = next(&mut download).await? {
        progress.add(chunk.len());
        tokio::task::spawn_blocking(move || io::stdout().write_all(&chunk))
            .await
            .map_err(io::Error::other)
            .flatten()
            .map_err(failed)?;
    }
    io::stdout().flush().map_err(failed)?;
    progress.end();
    Ok(Exit::Well)
}

/// Writes a file under a hidden name, reads it again to be sure of it, and gives it its name then.
async fn to_file(client: &Client, path: PathBuf, folder: &Path, progress: &Progress) -> Result<Exit, Failure> {
    let failed = |error: io::Error| Failure::new(format!("cannot write `{}`: {error}", path.display()));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // Only its owner may read it.
    let part = tempfile::Builder::new().prefix(&format!(".{name}.")).suffix(".part").tempfile_in(folder);
    let part = part.map_err(failed)?;
    let mut download = start(client).await?;
    let mut file = tokio::fs::File::from_std(part.reopen().map_err(failed)?);
    while let Some(chunk) = next(&mut download).await? {
        tokio::io::AsyncWriteExt::write_all(&mut file, &chunk).await.map_err(failed)?;
        progress.add(chunk.len());
    }
    file.sync_all().await.map_err(failed)?;
    progress.next("verifying");
    let checked = {
        let (progress, path) = (progress.clone(), path.clone());
        tokio::task::spawn_blocking(move || finish(part, &path, &progress)).await
    };
    let summary = checked.map_err(|error| Failure::new(error.to_string()))??;
    progress.end();
    show::progress("backed up", &format!("{} to {}", summary_text(&summary), path.display()));
    for left_out in &summary.left_out {
        show::warn(&format!("not in the backup: {left_out}"));
    }
    Ok(Exit::Well)
}

fn finish(part: NamedTempFile, path: &Path, progress: &Progress) -> Result<Summary, Failure> {
    let failed = |error: io::Error| Failure::new(format!("cannot write `{}`: {error}", path.display()));
    let written = File::open(part.path()).map_err(failed)?;
    let summary = verify(progress.reading(written)).map_err(|error| Failure::new(chain(&error)))?;
    part.persist(path).map_err(|error| failed(error.error))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(summary)
}

async fn start(client: &Client) -> Result<Download, Failure> {
    let request = Request::backup().map_err(|error| Failure::new(chain(&error)))?;
    client.download(request).await.map_err(|error| Failure::new(error.chain()))
}

async fn next(download: &mut Download) -> Result<Option<bytes::Bytes>, Failure> {
    download.next().await.map_err(|error| Failure::new(error.chain()))
}

/// What is in a backup, for people.
pub(crate) fn summary_text(summary: &Summary) -> String {
    let Summary { objects, files, revision, created, server_version, .. } = summary;
    format!("{objects} objects and {files} files at revision {revision} of {created}, by drpx {server_version}")
}
