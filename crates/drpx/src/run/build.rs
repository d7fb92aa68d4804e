//! From what the user named to executables.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tokio::process::Command;

use crate::{exit::Failure, show};

/// The executable of each path: a crate is built, everything else is one already.
pub(crate) async fn executables(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut executables = Vec::new();
    for path in paths {
        let is_crate = path.join("Cargo.toml").is_file();
        match path.canonicalize() {
            Ok(path) if is_crate => executables.push(build(&path).await?),
            Ok(path) if path.is_file() => executables.push(path),
            Ok(path) => {
                return Err(Failure::usage(format!("`{}` is neither a crate nor an executable", path.display())));
            }
            Err(error) => return Err(Failure::usage(format!("cannot find `{}`: {error}", path.display()))),
        }
    }
    Ok(executables)
}

async fn build(directory: &Path) -> Result<PathBuf, Failure> {
    show::progress("building", &format!("{} (cargo build --release)", directory.display()));
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(&cargo)
        .args(["build", "--release", "--message-format=json-render-diagnostics"])
        .current_dir(directory)
        .kill_on_drop(true)
        .stderr(std::process::Stdio::inherit())
        .output()
        .await
        .map_err(|error| Failure::not_loaded(format!("cannot run `{}`: {error}", cargo.display())))?;
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
