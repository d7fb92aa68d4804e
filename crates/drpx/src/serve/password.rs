//! The administrator's password, which a configuration only refers to: files get copied, shown and backed up.

use std::{
    env,
    fs::File,
    io::{self, Read},
    os::unix::fs::MetadataExt,
};

/// A password in a file has at most so many bytes.
const FILE_BYTES_MAX: u64 = 4096;
/// The mode bits of everybody but the owner.
const OTHERS: u32 = 0o077;

/// The password that a reference leads to: `env:VAR`, or `file:PATH` of a file that only its owner can read.
///
/// # Errors
/// What is wrong with the reference or with where it leads; never with anything of the password.
pub(super) fn resolve(reference: &str) -> Result<String, String> {
    let password = match reference.split_once(':') {
        Some(("env", variable)) => {
            env::var(variable).map_err(|_| format!("the environment variable {variable} is not set to a text"))?
        }
        Some(("file", path)) => read(path)?,
        _ => return Err("expected \"env:VARIABLE\" or \"file:PATH\": a password does not stand in the file".to_owned()),
    };
    if password.is_empty() { Err(format!("the password at {reference} is empty")) } else { Ok(password) }
}

fn read(path: &str) -> Result<String, String> {
    let cannot = |error: io::Error| format!("cannot read the password file {path}: {error}");
    let file = File::open(path).map_err(cannot)?;
    let mode = file.metadata().map_err(cannot)?.mode() & 0o777;
    if mode & OTHERS != 0 {
        return Err(format!("others than its owner can use the password file {path}: its mode is {mode:03o}, not 600"));
    }
    let mut text = String::new();
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(cannot)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn a_password_is_read_from_a_file_that_only_its_owner_can_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("password");
        fs::write(&path, "s3cret with spaces \n").unwrap();
        let reference = format!("file:{}", path.display());
        let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        mode(0o640);
        let refused = resolve(&reference).unwrap_err();
        assert!(refused.contains("mode is 640") && !refused.contains("s3cret"), "{refused}");
        mode(0o600);
        assert_eq!(resolve(&reference).unwrap(), "s3cret with spaces ");
    }

    #[test]
    fn a_reference_that_leads_nowhere_is_refused_and_a_plain_password_is_not_repeated() {
        let check = |reference: &str, expected: &str| {
            let text = resolve(reference).unwrap_err();
            assert!(text.contains(expected) && !text.contains("hunter2"), "{text}");
        };
        check("hunter2", "expected \"env:VARIABLE\" or \"file:PATH\"");
        check("plain:hunter2", "expected \"env:VARIABLE\" or \"file:PATH\"");
        check("env:DRPX_TEST_NO_SUCH_VARIABLE", "DRPX_TEST_NO_SUCH_VARIABLE is not set");
        check("file:/no/such/file", "/no/such/file");
    }
}
