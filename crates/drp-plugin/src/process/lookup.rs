//! Whether there is a program.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::Path,
};

/// Whether there is a program by this path, or by this name in the given `PATH`, else in the provider's own.
pub(super) fn is_there(program: &OsStr, path: Option<&std::ffi::OsString>) -> bool {
    if program.as_bytes().contains(&b'/') {
        return is_executable(Path::new(program));
    }
    let path = path.cloned().or_else(|| std::env::var_os("PATH")).unwrap_or_else(|| "/bin:/usr/bin".into());
    !program.is_empty() && std::env::split_paths(&path).any(|directory| is_executable(&directory.join(program)))
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
