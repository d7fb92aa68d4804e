//! Where the two sockets of a running plugin are: short names of the host's choosing in a directory of its own.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, PermissionsExt},
    },
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use drp_core::limits;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::auth::random_text;

/// The longest name that [`SocketDirectory::pair`] gives out, with the slash before it.
const NAME_BYTES_MAX: usize = "/xxxx-4294967295.from".len();
// The names of `SocketDirectory::pair_of` are no longer.
const _: () = assert!("/plugin-xxxxxxxx.from".len() <= NAME_BYTES_MAX);

/// A directory that only this user may enter; a private directory is what protects the sockets.
#[derive(Debug)]
pub(crate) struct SocketDirectory {
    path: PathBuf,
    /// Begins all names of this host. A plugin that outlives a killed host for a while must not find its callbacks
    /// answered, nor remove what is not its own, because the next host gave out the same names.
    mark: String,
    next: AtomicU32,
    _temporary: Option<TempDir>,
}

impl SocketDirectory {
    /// Makes the directory `run` of `data`, emptied of what a host that was killed left there; where its path is too
    /// long for a socket, a temporary one that goes with the host.
    ///
    /// # Errors
    /// The directory cannot be made.
    pub(crate) fn open(data: &Path) -> io::Result<Self> {
        // Plugins run elsewhere, so a relative path would mean something else to them.
        let path = std::path::absolute(data)?.join("run");
        let (mark, next) = (random_text::<3>(), AtomicU32::new(1));
        if path.as_os_str().as_bytes().len() + NAME_BYTES_MAX <= limits::SOCKET_PATH_BYTES_MAX {
            owner_only_directory(&path)?;
            return Ok(Self { path, mark, next, _temporary: None });
        }
        let owner_only = fs::Permissions::from_mode(0o700);
        let temporary = tempfile::Builder::new().prefix("drpx-").permissions(owner_only).tempdir()?;
        Ok(Self { path: temporary.path().to_owned(), mark, next, _temporary: Some(temporary) })
    }

    /// Two paths that nobody else has.
    pub(crate) fn pair(&self) -> SocketPair {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = |name| self.path.join(format!("{}-{number}.{name}", self.mark));
        let pair = SocketPair { to_plugin: path("to"), from_plugin: path("from") };
        pair.remove();
        pair
    }

    /// The paths of one plugin, which stay the same: a developer who starts it by hand writes them down.
    pub(crate) fn pair_of(&self, plugin: &str) -> SocketPair {
        let sum: String = Sha256::digest(plugin).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let path = |name| self.path.join(format!("plugin-{sum}.{name}"));
        let pair = SocketPair { to_plugin: path("to"), from_plugin: path("from") };
        pair.remove();
        pair
    }
}

/// The paths of one run of a plugin. The files go when this is dropped: Go providers leave theirs.
#[derive(Debug)]
pub(crate) struct SocketPair {
    /// The plugin listens, the host connects.
    pub(crate) to_plugin: PathBuf,
    /// The host listens, the plugin connects.
    pub(crate) from_plugin: PathBuf,
}

impl SocketPair {
    fn remove(&self) {
        for path in [&self.to_plugin, &self.from_plugin] {
            // Nothing to remove is the usual case, and the directory is emptied at the next start anyway.
            let _ = fs::remove_file(path);
        }
    }
}

impl Drop for SocketPair {
    fn drop(&mut self) {
        self.remove();
    }
}

/// As [`owner_only_directory`], for a directory that may hold much.
pub(crate) async fn emptied_directory(path: &Path) -> io::Result<()> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || owner_only_directory(&path)).await?
}

/// Makes `path` an empty directory that only its owner may enter.
pub(crate) fn owner_only_directory(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    /// `#19`, `#20`, `#37`.
    #[test]
    fn sockets_lie_in_an_emptied_directory_of_the_owner() {
        let data = tempfile::tempdir().unwrap();
        fs::create_dir(data.path().join("run")).unwrap();
        fs::write(data.path().join("run/7.to"), "stale").unwrap();
        let sockets = SocketDirectory::open(data.path()).unwrap();
        assert_eq!(fs::read_dir(data.path().join("run")).unwrap().count(), 0);
        assert_eq!(mode(&data.path().join("run")), 0o700);

        let pair = sockets.pair();
        assert_ne!(pair.to_plugin, sockets.pair().to_plugin);
        fs::write(&pair.to_plugin, "").unwrap();
        let path = pair.to_plugin.clone();
        drop(pair);
        assert!(!path.exists());
    }

    /// `#19`, `#20`, `#37`.
    #[test]
    fn a_host_gives_out_no_names_of_the_host_before() {
        let data = tempfile::tempdir().unwrap();
        let names = || SocketDirectory::open(data.path()).unwrap().pair().from_plugin.clone();
        assert_ne!(names(), names());
    }

    #[test]
    fn a_data_directory_too_deep_for_sockets_gets_a_private_one_elsewhere() {
        let data = tempfile::tempdir().unwrap();
        let deep = data.path().join("d".repeat(90));
        let sockets = SocketDirectory::open(&deep).unwrap();
        let pair = sockets.pair();
        assert!(pair.from_plugin.as_os_str().len() <= limits::SOCKET_PATH_BYTES_MAX);
        assert_eq!(mode(pair.from_plugin.parent().unwrap()), 0o700);
    }
}
