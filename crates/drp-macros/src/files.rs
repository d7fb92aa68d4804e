//! `files!`: a directory of files as it is on disk, modes included.

use std::{fmt::Write, fs, os::unix::fs::PermissionsExt, path::Path};

/// Directories within each other. Only a mistake has more.
const DEPTH_MAX: usize = 32;
/// What is kept of a file's permissions: who else may write it is a matter of the machine that it was checked out on.
const MODE_KEPT: u32 = 0o755;

/// The directory that the macro is given.
///
/// # Errors
/// What to give instead.
pub(crate) fn directory(input: &str) -> Result<&str, String> {
    crate::content::directory(input).map_err(|_| "expected the directory of the files, such as \"assets\"".to_owned())
}

/// The code that the macro stands for.
///
/// # Errors
/// What is wrong with which file.
pub(crate) fn expand(package: &Path, directory: &str) -> Result<String, String> {
    let mut files = Vec::new();
    walk(&package.join(directory), "", DEPTH_MAX, &mut files)
        .map_err(|reason| format!("the files in `{directory}` cannot be embedded: {reason}"))?;
    if files.is_empty() {
        return Err(format!("there are no files in `{directory}`"));
    }
    files.sort();
    let mut list = String::new();
    for (path, mode) in files {
        let source = package.join(directory).join(&path);
        let source = source.to_str().ok_or_else(|| format!("`{}` is no UTF-8 text", source.display()))?;
        // Writing to a string cannot fail.
        let _ = write!(
            list,
            "::drp_plugin::EmbeddedFile::new({path:?}, ::core::include_bytes!({source:?}), {mode:#o}_u32), "
        );
    }
    Ok(format!("{{ const FILES: &[::drp_plugin::EmbeddedFile] = &[{list}]; FILES }}"))
}

/// Finds all files below a directory, by their paths from the root on.
fn walk(directory: &Path, prefix: &str, depth: usize, files: &mut Vec<(String, u32)>) -> Result<(), String> {
    if depth == 0 {
        return Err(format!("`{prefix}` is more than {DEPTH_MAX} directories deep"));
    }
    let unreadable = |error: std::io::Error| format!("cannot read `{}`: {error}", directory.display());
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name();
        let name = name.to_str().ok_or_else(|| format!("the name of `{}` is no UTF-8 text", name.display()))?;
        let path = format!("{prefix}{name}");
        let found = entry.metadata().map_err(unreadable)?;
        if found.is_dir() {
            walk(&entry.path(), &format!("{path}/"), depth - 1, files)?;
        } else if found.is_file() {
            files.push((path, found.permissions().mode() & MODE_KEPT));
        } else {
            return Err(format!("`{path}` is a link or no file: what it leads to would be shipped, or nothing"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::{fs::Permissions, os::unix::fs::symlink};

    use super::*;

    fn package(files: &[(&str, u32)]) -> tempfile::TempDir {
        let package = tempfile::tempdir().unwrap();
        for (path, mode) in files {
            let path = package.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "x").unwrap();
            fs::set_permissions(&path, Permissions::from_mode(*mode)).unwrap();
        }
        package
    }

    #[test]
    fn files_are_in_the_code_by_their_paths_in_order_and_with_their_modes() {
        let package = package(&[("a/z.txt", 0o664), ("a/bin/tool", 0o775), ("a/bin/key", 0o600), ("b/x", 0o644)]);
        let code = expand(package.path(), "a").unwrap();
        let files: Vec<&str> = code.split("EmbeddedFile::new(").skip(1).collect();
        let check = |code: &str, path: &str, mode: &str| {
            let source = package.path().join("a").join(path);
            assert_eq!(
                code.split("), ::").next().unwrap().trim_end_matches("), ]; FILES }"),
                format!("{path:?}, ::core::include_bytes!({:?}), {mode}_u32", source.to_str().unwrap())
            );
        };
        check(files[0], "bin/key", "0o600");
        check(files[1], "bin/tool", "0o755");
        check(files[2], "z.txt", "0o644");
        assert_eq!(files.len(), 3);
    }

    #[test]
    fn what_cannot_be_shipped_is_an_error_that_names_it() {
        let check = |package: &tempfile::TempDir, expected: &str| {
            let error = expand(package.path(), "a").unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        check(&package(&[("b/x", 0o644)]), "cannot read `");
        let empty = package(&[]);
        fs::create_dir(empty.path().join("a")).unwrap();
        check(&empty, "there are no files in `a`");
        let linked = package(&[("a/dir/x", 0o644)]);
        symlink("/etc/passwd", linked.path().join("a/dir/passwd")).unwrap();
        check(&linked, "`dir/passwd` is a link");
        let deep = format!("a/{}x", "d/".repeat(DEPTH_MAX));
        check(&package(&[(deep.as_str(), 0o644)]), "directories deep");
    }
}
