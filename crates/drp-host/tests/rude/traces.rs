//! What plugins leave behind in the process of their host and on the machine.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process,
};

/// What there is at one moment. Two are equal when nothing was left between them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Traces {
    /// Open descriptors of this process by kind. Connections of clients are left out: they come and go.
    descriptors: BTreeMap<&'static str, usize>,
    /// Children of this process, ended ones that nobody waited for included.
    children: BTreeSet<u32>,
    /// Processes that a provider of this host started, wherever they hang now.
    descendants: BTreeSet<u32>,
    /// Files of sockets.
    sockets: BTreeSet<PathBuf>,
}

impl Traces {
    /// What there is now of the host on `data`.
    pub(crate) fn now(data: &Path) -> Self {
        let processes: Vec<u32> = names("/proc").filter_map(|name| name.parse().ok()).collect();
        let is_child = |pid: &&u32| parent(**pid) == Some(process::id());
        Self {
            descriptors: descriptors(),
            children: processes.iter().filter(is_child).copied().collect(),
            descendants: processes.iter().filter(|pid| **pid != process::id() && is_of(**pid, data)).copied().collect(),
            sockets: fs::read_dir(data.join("run")).into_iter().flatten().map(|file| file.unwrap().path()).collect(),
        }
    }

    /// No process is there.
    pub(crate) fn no_process(&self) -> bool {
        self.children.is_empty() && self.descendants.is_empty()
    }
}

fn descriptors() -> BTreeMap<&'static str, usize> {
    let sockets = fs::read_to_string("/proc/net/unix").unwrap();
    let unix: BTreeSet<&str> = sockets.lines().skip(1).filter_map(|line| line.split_whitespace().nth(6)).collect();
    let mut found = BTreeMap::new();
    for name in names("/proc/self/fd") {
        // The directory's own descriptor is gone by now.
        let Ok(target) = fs::read_link(format!("/proc/self/fd/{name}")) else { continue };
        let target = target.to_string_lossy();
        let inode = target.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']'));
        let kind = match inode {
            Some(inode) if unix.contains(inode) => "unix sockets",
            Some(_) => continue,
            None if target.starts_with("pipe:") => "pipes",
            None if target.contains("pidfd") => "processes",
            None => continue,
        };
        *found.entry(kind).or_default() += 1;
    }
    found
}

/// Whether a process was started by a provider of the host on `data`, which its environment names.
fn is_of(pid: u32, data: &Path) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let mark = [b"RS_WEBROOT=", data.as_os_str().as_encoded_bytes()].concat();
    environment.windows(mark.len()).any(|part| part == mark)
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn names(directory: &str) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned())
}
