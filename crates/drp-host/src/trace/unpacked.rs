//! What a provider has unpacked, as a list that can be compared.

use std::{fs, io, os::unix::fs::PermissionsExt, path::Path};

use drp_core::limits;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::entry::hex;

/// Lists a directory: the files with mode, length and sum, and the links. Blocks.
pub(crate) fn listing(directory: &Path) -> io::Result<Value> {
    let mut found = Map::new();
    let mut open = vec![directory.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if found.len() >= limits::FILES_LISTED_MAX {
                return Err(io::Error::other(format!("there are more than {} files", limits::FILES_LISTED_MAX)));
            }
            let name = path.strip_prefix(directory).unwrap_or(&path).to_string_lossy().into_owned();
            let meta = path.symlink_metadata()?;
            let mode = format!("{:04o}", meta.permissions().mode() & 0o7777);
            if meta.is_dir() {
                found.insert(format!("{name}/"), json!({"mode": mode}));
                open.push(path);
            } else if meta.is_symlink() {
                found.insert(name, json!({"link": fs::read_link(&path)?.to_string_lossy()}));
            } else if meta.is_file() {
                let mut sum = Sha256::new();
                let len = io::copy(&mut fs::File::open(&path)?, &mut sum)?;
                found.insert(name, json!({"mode": mode, "len": len, "sha256": hex(&sum.finalize())}));
            }
        }
    }
    Ok(Value::Object(found))
}
