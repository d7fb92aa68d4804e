//! A provider that misbehaves on command, under the suite.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use drp_conformance::{Code, Report, Suite};

/// A param that nobody may see.
pub(crate) const SECRET: &str = "s3cr3t-0f-the-rude";
/// A time limit for those who never come to an end, and long enough for the others.
const SHORT: Duration = Duration::from_secs(5);

/// The provider in a mode; it is removed with the directory.
pub(crate) fn provider(directory: &Path, mode: &str) -> PathBuf {
    let path = directory.join(format!("rude{mode}"));
    if !path.exists() {
        let built = raw_peer::built("rude-provider");
        // A link costs nothing; across file systems there is none.
        fs::hard_link(&built, &path).or_else(|_| fs::copy(&built, &path).map(drop)).unwrap();
    }
    path
}

pub(crate) fn suite(directory: &Path, mode: &str, only: &[Code]) -> Suite {
    let mut suite = Suite::new(provider(directory, mode));
    suite.secrets.insert("rude/token".to_owned(), SECRET.to_owned());
    suite.only = only.iter().copied().collect();
    suite.patience = SHORT;
    suite
}

pub(crate) async fn judge(directory: &Path, mode: &str, only: &[Code]) -> Report {
    suite(directory, mode, only).run(|_| {}).await.unwrap()
}

/// The modes that the provider says it has.
pub(crate) fn modes() -> Vec<String> {
    let output = Command::new(raw_peer::built("rude-provider")).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let (_, modes) = help.split_once("\nModes:\n").unwrap();
    let (modes, _) = modes.split_once("\n\nShapes:").unwrap();
    modes.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}
