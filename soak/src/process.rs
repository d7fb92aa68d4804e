//! Processes, as `/proc` shows them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

/// What a process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) descriptors: u64,
    pub(crate) threads: u64,
    pub(crate) memory_kb: u64,
}

impl Held {
    pub(crate) fn of(process: u32) -> Result<Self> {
        let directory = PathBuf::from(format!("/proc/{process}"));
        let status = fs::read_to_string(directory.join("status"))?;
        let number = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            let value = value.with_context(|| format!("process {process} has no {name}"))?;
            anyhow::Ok(value.trim().trim_end_matches(" kB").parse::<u64>()?)
        };
        let descriptors = fs::read_dir(directory.join("fd"))?.count() as u64;
        Ok(Self { descriptors, threads: number("Threads")?, memory_kb: number("VmRSS")? })
    }
}

/// A child of a process, with the directory it works in. One that has ended and was not waited for has none.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) id: u32,
    pub(crate) directory: Option<PathBuf>,
}

/// The children of a process.
pub(crate) fn children(parent: u32) -> io::Result<Vec<Child>> {
    let processes = fs::read_dir("/proc")?.flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let children = ids.filter(|&id| parent_of(id) == Some(parent));
    Ok(children.map(|id| Child { id, directory: fs::read_link(format!("/proc/{id}/cwd")).ok() }).collect())
}

/// The second field behind the name, which stands in brackets and may hold blanks.
fn parent_of(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(1)?.parse().ok()
}

/// Sends a signal, if the process is still there.
pub(crate) fn signal(process: u32, signal: Signal) {
    if let Some(process) = i32::try_from(process).ok().and_then(Pid::from_raw) {
        // It may have ended a moment ago, which is what most signals are for.
        let _ = kill_process(process, signal);
    }
}

pub(crate) fn is_there(process: u32) -> bool {
    Path::new(&format!("/proc/{process}")).exists()
}
