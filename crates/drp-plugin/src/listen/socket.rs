//! The socket that a plugin serves.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::Path,
};

use drp_core::limits;
use rustix::fs::{Mode, fchmod};
use tokio::net::{UnixListener, UnixSocket, UnixStream};

use super::ListenError;

/// Whether there can be sockets at these paths, and two of them.
pub(super) fn check_paths(to: &Path, from: &Path) -> Result<(), ListenError> {
    check_length(to)?;
    check_length(from)?;
    if to == from { Err(ListenError::SamePath { path: to.to_owned() }) } else { Ok(()) }
}

fn check_length(path: &Path) -> Result<(), ListenError> {
    if path.as_os_str().len() > limits::SOCKET_PATH_BYTES_MAX {
        return Err(ListenError::PathTooLong { path: path.to_owned() });
    }
    Ok(())
}

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// Binds the socket, in place of one that nobody serves any more.
pub(super) async fn bind(path: &Path) -> Result<UnixListener, ListenError> {
    check_length(path)?;
    if fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
        if UnixStream::connect(path).await.is_ok() {
            return Err(ListenError::InUse { path: path.to_owned() });
        }
        fs::remove_file(path).map_err(|source| ListenError::Stale { path: path.to_owned(), source })?;
    }
    bind_owner_only(path).map_err(|source| ListenError::Bind { path: path.to_owned(), source })
}

/// The socket has no other protection than its mode, and must have it from its first moment on. Linux gives the file
/// the mode of the socket; changing the process's umask instead would change what other threads make meanwhile.
fn bind_owner_only(path: &Path) -> io::Result<UnixListener> {
    let socket = UnixSocket::new_stream()?;
    // Where sockets have no mode, the file gets it a moment later.
    let _ = fchmod(&socket, Mode::RUSR | Mode::WUSR);
    socket.bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    socket.listen(BACKLOG)
}

/// The paths in the order of the real protocol. Some documentation has them the other way round, so where the first is
/// served already and the second is absent, they are swapped.
pub(super) async fn order<'a>(to: &'a Path, from: &'a Path) -> (&'a Path, &'a Path, bool) {
    if !from.exists() && UnixStream::connect(to).await.is_ok() { (from, to, true) } else { (to, from, false) }
}
