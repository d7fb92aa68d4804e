//! What a backup says of itself, and the places that it may have entries in.

use std::collections::BTreeSet;

use drp_core::limits;
use serde::{Deserialize, Serialize};

/// The version of a backup's form. A newer one is refused.
pub(super) const FORMAT: u64 = 1;
/// The first entry: a [`Head`].
pub(super) const HEAD: &str = "drpx-backup.json";
/// The last entry: a [`Manifest`].
pub(super) const MANIFEST: &str = "manifest.json";
/// The folder of the store's parts. They are not the store's files.
pub(super) const STORE: &str = "store";
/// The folder of providers' executables, wherever the host has them.
pub(super) const PLUGINS: &str = "plugins";

/// Files of a data directory that belong into a backup.
pub(super) const FILES: [&str; 1] = ["token.key"];
/// Folders of a data directory that belong into a backup with all that is in them. [`PLUGINS`] comes beside them.
pub(super) const FOLDERS: [&str; 4] = ["tls", "job-logs", WEB_FILES, "tftpboot/isos"];
/// The folders above those.
pub(super) const ABOVE: [&str; 1] = ["tftpboot"];
/// Where providers' assets are unpacked too.
pub(super) const WEB_FILES: &str = "tftpboot/files";

/// What a backup is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) format: u64,
    pub(super) server_version: String,
    /// The revision of the store.
    pub(super) revision: u64,
    /// When it was begun.
    pub(super) created: String,
}

/// All that is in a backup.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    #[serde(flatten)]
    pub(super) head: Head,
    pub(super) entries: Vec<Item>,
    /// Paths that could not be taken, each with the reason.
    pub(super) left_out: Vec<String>,
}

/// One entry, but for the head and the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Item {
    pub(super) path: String,
    /// Permission bits.
    pub(super) mode: u32,
    pub(super) size: u64,
    /// Of the content, in hex. A folder has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sha256: Option<String>,
}

/// What is in a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// The version of the host that made it.
    pub server_version: String,
    /// When it was begun, in RFC 3339.
    pub created: String,
    /// The revision of the store in it.
    pub revision: u64,
    /// Entries of the store: objects, and what the host keeps beside them.
    pub objects: u64,
    /// Files beside the store.
    pub files: u64,
    /// Bytes of everything, unpacked.
    pub bytes: u64,
    /// What was left out because it was neither a file nor a folder, each path with the reason.
    pub left_out: Vec<String>,
}

/// The name of a part of the store.
pub(super) fn part_name(number: u64) -> String {
    format!("{STORE}/{number:06}.jsonl")
}

/// What is wrong with the path of an entry, if something is.
pub(super) fn path_problem(path: &str) -> Option<&'static str> {
    if path.len() > limits::BACKUP_PATH_BYTES_MAX {
        return Some("is longer than a path may be");
    }
    if path.contains('\0') || path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Some("leads elsewhere");
    }
    let below = |folder: &&str| path.strip_prefix(*folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let folders: BTreeSet<&str> = FOLDERS.into_iter().chain([PLUGINS]).collect();
    let known = FILES.contains(&path) || ABOVE.contains(&path) || folders.iter().any(below);
    (!known).then_some("is in no place that a server has")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_known_places_are_taken() {
        let check = |path: &str, expected: Option<&str>| assert_eq!(path_problem(path), expected, "{path}");
        let (elsewhere, unknown) = (Some("leads elsewhere"), Some("is in no place that a server has"));
        for path in ["token.key", "tls", "tls/ca.key", "tftpboot", "tftpboot/files/a/b", "plugins/x", "job-logs/1"] {
            check(path, None);
        }
        for path in ["", "/etc/passwd", "tls/../x", "tls/./x", "tls//x", "tls/", "../x", "tls/x\0"] {
            check(path, elsewhere);
        }
        for path in ["store/store.redb", "run/1.to", "tlsx", "tftpboot/other", "x", "token.key/x"] {
            check(path, unknown);
        }
        check(&format!("tls/{}", "x".repeat(limits::BACKUP_PATH_BYTES_MAX)), Some("is longer than a path may be"));
    }
}
