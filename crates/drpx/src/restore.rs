//! `drpx restore`: the data directory of a server, made of a backup.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use drp_core::chain;

use crate::{
    backup::summary_text,
    cli::RestoreArgs,
    exit::{Exit, Failure},
    progress::Progress,
    show,
    signals::Signals,
};

/// In place of a file: the standard input.
const STDIN: &str = "-";

pub(crate) async fn restore(args: RestoreArgs) -> Result<Exit, Failure> {
    let mut signals = Signals::new()?;
    let source = open(&args.file)?;
    let progress = Progress::new("restoring");
    let mut work = {
        let (progress, data) = (progress.clone(), args.data.clone());
        tokio::task::spawn_blocking(move || drp_host::backup::restore(progress.reading(source), &data))
    };
    let restored = tokio::select! {
        restored = &mut work => restored,
        exit = signals.next() => {
            // It ends at its next look at the backup, and takes away what it has made.
            progress.interrupt();
            let ended = work.await;
            if !matches!(ended, Ok(Ok(_))) {
                return Ok(if exit == Exit::Well { Exit::Failed } else { exit });
            }
            ended
        }
    };
    progress.end();
    let restored = restored.map_err(|error| Failure::new(error.to_string()))?;
    let summary = restored.map_err(|error| Failure::new(chain(&error)))?;
    show::progress("restored", &format!("{} to {}", summary_text(&summary), args.data.display()));
    for left_out in &summary.left_out {
        show::warn(&format!("was not in the backup: {left_out}"));
    }
    Ok(Exit::Well)
}

fn open(path: &Path) -> Result<Box<dyn Read + Send>, Failure> {
    if path.as_os_str() == STDIN {
        return Ok(Box::new(io::stdin()));
    }
    let opened =
        File::open(path).map_err(|error| Failure::new(format!("cannot open `{}`: {error}", path.display())))?;
    Ok(Box::new(opened))
}
