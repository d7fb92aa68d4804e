//! The check of content, Go templates included, and the document of a bundle.

use std::{path::PathBuf, sync::LazyLock};

use drp_content::{Bundle, DocumentFormat, check, document};
use tempfile::TempDir;

/// The check reads files, so there is one.
static DIRECTORY: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a directory"));

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(bundle) = Bundle::from_yaml(text) else { return };
    let _ = document(&bundle, DocumentFormat::Markdown);
    let file: PathBuf = DIRECTORY.path().join("bundle.yaml");
    std::fs::write(&file, text).expect("a file");
    let report = check::check(&[file]);
    let _ = report.count(check::Severity::Error);
}
