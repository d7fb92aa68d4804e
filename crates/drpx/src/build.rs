//! From what the user named to executables.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tokio::process::Command;

use crate::{exit::Failure, show};

/// How a crate is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// As it is used.
    Release,
    /// As a debugger wants it.
    Dev,
}

impl Profile {
    fn args(self) -> &'static [&'static str] {
        match self {
            Self::Release => &["build", "--release"],
            Self::Dev => &["build"],
        }
    }
}

/// The executable of each path: a crate is built, everything else is one already.
pub(crate) async fn executables(paths: &[PathBuf], profile: Profile) -> Result<Vec<PathBuf>, Failure> {
    let mut executables = Vec::new();
    for path in paths {
        executables.push(executable(path, profile).await?);
    }
    Ok(executables)
}

/// As [`executables`], of one path.
pub(crate) async fn executable(path: &Path, profile: Profile) -> Result<PathBuf, Failure> {
    let is_crate = path.join("Cargo.toml").is_file();
    match path.canonicalize() {
        Ok(path) if is_crate => build(&path, profile).await,
        // Under the name by which it was called, not the one that a link leads to: providers look at it.
        Ok(found) if found.is_file() => Ok(std::path::absolute(path).unwrap_or(found)),
        Ok(path) => Err(Failure::usage(format!("`{}` is neither a crate nor an executable", path.display()))),
        Err(error) => Err(Failure::usage(format!("cannot find `{}`: {error}", path.display()))),
    }
}

async fn build(directory: &Path, profile: Profile) -> Result<PathBuf, Failure> {
    let args = profile.args();
    show::progress("building", &format!("{} (cargo {})", directory.display(), args.join(" ")));
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let failed = |error| Failure::not_loaded(format!("cannot run `{}`: {error}", cargo.display()));
    // Not `output()`, which would keep for itself what the compiler says.
    let child = Command::new(&cargo)
        .args(args)
        .arg("--message-format=json-render-diagnostics")
        .current_dir(directory)
        .kill_on_drop(true)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let output = child.wait_with_output().await.map_err(failed)?;
    if !output.status.success() {
        return Err(Failure::not_loaded(format!("the crate in `{}` does not build", directory.display())));
    }
    let manifest = directory.join("Cargo.toml");
    match built(&String::from_utf8_lossy(&output.stdout), &manifest).as_slice() {
        [executable] => Ok(executable.clone()),
        [] => Err(Failure::not_loaded(format!("the crate in `{}` has no executable", directory.display()))),
        several => {
            let list: Vec<String> = several.iter().map(|path| path.display().to_string()).collect();
            let text = format!(
                "the crate in `{}` has several executables; run one of them: {}",
                directory.display(),
                list.join(", ")
            );
            Err(Failure::usage(text))
        }
    }
}

/// The executables of one crate among the messages of a build.
fn built(messages: &str, manifest: &Path) -> Vec<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter(|message| message["manifest_path"].as_str().is_some_and(|path| Path::new(path) == manifest))
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_crates_own_executables_count() {
        let messages = r#"{"reason":"compiler-artifact","manifest_path":"/a/Cargo.toml","executable":"/t/a"}
{"reason":"compiler-artifact","manifest_path":"/b/Cargo.toml","executable":"/t/b"}
{"reason":"compiler-artifact","manifest_path":"/a/Cargo.toml","executable":null}
not json
{"reason":"build-finished","success":true}"#;
        assert_eq!(built(messages, Path::new("/a/Cargo.toml")), [PathBuf::from("/t/a")]);
    }
}
