//! `drpx content document`: what a bundle is for and what is in it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use drp_content::{Bundle, DocumentFormat, document as describe};
use drp_core::{chain, limits};

use crate::{
    exit::{Exit, Failure},
    show,
};

/// Describe a bundle.
///
/// Prints what the bundle says of itself, its prerequisites, a table of its params, and each profile, task, stage,
/// workflow, boot environment and template, always in the same order. Defaults of secure params are not shown.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  drpx content document content > README.md
  drpx content document mine.yaml --format rst > mine.rst")]
pub(crate) struct DocumentArgs {
    /// Directory, or file of YAML or JSON.
    path: PathBuf,
    /// Language of the document: `md` or `rst`.
    #[arg(long, default_value = "md")]
    format: DocumentFormat,
}

pub(crate) fn document(args: &DocumentArgs) -> Result<Exit, Failure> {
    let bundle = read(&args.path)?;
    show::document(&describe(&bundle, args.format));
    Ok(Exit::Well)
}

fn read(path: &Path) -> Result<Bundle, Failure> {
    let failed = |reason: String| Failure::new(format!("cannot read `{}`: {reason}", path.display()));
    if path.is_dir() {
        return Bundle::from_directory(path).map_err(|error| Failure::new(chain(&error)));
    }
    let metadata = fs::metadata(path).map_err(|error| failed(error.to_string()))?;
    // A pipe would be waited for, and a device has no end.
    if !metadata.is_file() {
        return Err(failed("it is no regular file".to_owned()));
    }
    if metadata.len() > limits::BODY_BYTES_MAX as u64 {
        return Err(failed(format!("{} bytes are over the limit of {}", metadata.len(), limits::BODY_BYTES_MAX)));
    }
    let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    Bundle::from_yaml(&text).map_err(|error| failed(chain(&error)))
}
