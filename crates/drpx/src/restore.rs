//! `drpx restore`: the data directory of a server, made of a backup.

use std::{
    fs::File,
    io::{self, Read},
    os::fd::AsFd,
    path::Path,
};

use drp_core::chain;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::retry_on_intr,
};

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
/// How often somebody who waits for the backup looks whether the command was interrupted.
const LOOK_TIME: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

pub(crate) async fn restore(args: RestoreArgs) -> Result<Exit, Failure> {
    let mut signals = Signals::new()?;
    let source = open(&args.file)?;
    let progress = Progress::new("restoring");
    let mut work = {
        let (progress, data) = (progress.clone(), args.data.clone());
        tokio::task::spawn_blocking(move || drp_host::backup::restore(Patient { source, progress }, &data))
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

fn open(path: &Path) -> Result<File, Failure> {
    let opened = if path.as_os_str() == STDIN {
        io::stdin().as_fd().try_clone_to_owned().map(File::from)
    } else {
        File::open(path)
    };
    opened.map_err(|error| Failure::new(format!("cannot open `{}`: {error}", path.display())))
}

/// Reads what may come slowly or never: a pipe whose writer is silent keeps nobody from interrupting the command.
struct Patient {
    source: File,
    progress: Progress,
}

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.progress.check()?;
            let mut ready = [PollFd::new(&self.source, PollFlags::IN)];
            if retry_on_intr(|| poll(&mut ready, Some(&LOOK_TIME)))? > 0 {
                let read = self.source.read(buffer)?;
                self.progress.add(read);
                return Ok(read);
            }
        }
    }
}
