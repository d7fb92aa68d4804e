//! `drpx content unbundle`: a directory of one file.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use clap::Args;
use drp_content::{Bundle, Format, Place};
use drp_core::{chain, limits};

use super::{STANDARD, summary};
use crate::{
    exit::{Exit, Failure},
    show,
};

/// Make a bundle's directory of one file.
///
/// Every object gets a file that is called as it is, with `.` for `/`, in the directory of its type; templates that are
/// nothing but contents are written as they are. `drpx content bundle DIR` gives exactly the same bundle again, and
/// `drpcli contents bundle` as far as it can: what a directory cannot say is in DIR/._unbundled.json, which may be
/// deleted.
///
/// The directory appears whole or not at all.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  drpx content unbundle burnin.yaml ./burnin --format yaml
  drpcli contents show burnin | drpx content unbundle - ./burnin
  drpx content unbundle burnin-v2.yaml ./burnin --force && git diff ./burnin")]
pub(crate) struct UnbundleArgs {
    /// The bundle, YAML or JSON; `-` is the standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The directory to make. It must not be there, or be empty; its parent must be there.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// What objects are written as, `yaml` or `json`.
    #[arg(long, value_name = "FORMAT", default_value = "json")]
    format: Format,
    /// Replace a directory of content. One that holds anything else is left alone.
    #[arg(long)]
    force: bool,
}

pub(crate) fn unbundle(args: &UnbundleArgs) -> Result<Exit, Failure> {
    let file = args.file.display();
    let text = read(&args.file).map_err(|error| Failure::new(format!("cannot read `{file}`: {error}")))?;
    let bundle = Bundle::from_yaml(&text).map_err(|error| Failure::new(format!("{file}: {}", chain(&error))))?;
    let place = if args.force { Place::Content } else { Place::Free };
    let written = bundle.write_directory(&args.directory, args.format, place);
    written.map_err(|error| Failure::new(chain(&error)))?;
    show::progress("unbundled", &summary(&bundle));
    Ok(Exit::Well)
}

fn read(path: &Path) -> io::Result<String> {
    let source: Box<dyn Read> =
        if path.as_os_str() == STANDARD { Box::new(io::stdin().lock()) } else { Box::new(File::open(path)?) };
    let mut text = String::new();
    let bytes = source.take(limits::BODY_BYTES_MAX as u64 + 1).read_to_string(&mut text)?;
    if bytes > limits::BODY_BYTES_MAX {
        return Err(io::Error::other(format!("it is over the limit of {} bytes", limits::BODY_BYTES_MAX)));
    }
    Ok(text)
}
