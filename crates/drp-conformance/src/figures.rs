//! What the system knows of processes. Only Linux tells; elsewhere there are no figures, and what needs them is skipped.

use std::{fs, path::Path};

/// What a process uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) resident_bytes: u64,
    pub(crate) descriptors: u64,
    pub(crate) threads: u64,
}

impl Figures {
    /// Those of a process, if it lives.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count() as u64;
        Some(Self { resident_bytes: field("VmRSS:")? << 10, descriptors, threads: field("Threads:")? })
    }
}

/// Whether a process is there and not merely waits for its parent to ask how it ended.
pub(crate) fn is_alive(pid: u32) -> bool {
    state(pid).is_some_and(|(state, _)| state != 'Z' && state != 'X')
}

/// Ended children of a process that it did not wait for.
pub(crate) fn zombies_of(pid: u32) -> usize {
    all().filter(|child| state(*child) == Some(('Z', pid))).count()
}

/// Living children of a process.
pub(crate) fn children_of(pid: u32) -> Vec<u32> {
    all().filter(|child| matches!(state(*child), Some((state, parent)) if state != 'Z' && parent == pid)).collect()
}

/// Processes that have this variable in their environment.
pub(crate) fn processes_with(variable: &str, value: &str) -> Vec<u32> {
    let wanted = format!("{variable}={value}");
    let has = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes())
    };
    all().filter(has).filter(|pid| is_alive(*pid)).collect()
}

/// The arguments of a process.
pub(crate) fn arguments_of(pid: u32) -> String {
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&arguments).replace('\0', " ")
}

/// Whether the system tells any of this.
pub(crate) fn are_known() -> bool {
    Path::new("/proc/self/status").exists()
}

fn all() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// A letter for what it does, and its parent.
fn state(pid: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before may hold blanks and brackets.
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}
