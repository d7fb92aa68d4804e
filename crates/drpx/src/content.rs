//! `drpx content`: content bundles, without a server.

mod bundle;
mod check;
mod document;
mod unbundle;

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use drp_content::{Bundle, Sections};

use crate::exit::{Exit, Failure};

/// In place of a file: the standard input or output.
const STANDARD: &str = "-";

/// Work on content bundles.
///
/// A bundle is a set of objects (params, tasks, templates, ...) that a server loads as one read-only layer. Authors keep
/// it as a directory with one file for each object; servers take it as one file. No server is needed here.
#[derive(Debug, Args)]
pub(crate) struct ContentArgs {
    #[command(subcommand)]
    command: ContentCommand,
}

#[derive(Debug, Subcommand)]
enum ContentCommand {
    Bundle(bundle::BundleArgs),
    Check(check::CheckArgs),
    Document(document::DocumentArgs),
    Unbundle(unbundle::UnbundleArgs),
}

pub(crate) fn content(args: &ContentArgs) -> Result<Exit, Failure> {
    match &args.command {
        ContentCommand::Bundle(args) => bundle::bundle(args),
        ContentCommand::Check(args) => check::check(args),
        ContentCommand::Document(args) => document::document(args),
        ContentCommand::Unbundle(args) => unbundle::unbundle(args),
    }
}

/// A bundle in a few words: its name and version, and how many objects of what it has.
fn summary(bundle: &Bundle) -> String {
    let (name, version) = (bundle.meta.text("Name"), bundle.meta.text("Version"));
    let counts = |sections: &Sections| {
        let counts = sections.iter().filter(|(_, objects)| !objects.is_empty());
        counts.map(|(section, objects)| format!("{} {section}", BTreeMap::len(objects))).collect::<Vec<_>>()
    };
    let counts = counts(&bundle.sections);
    let counts = if counts.is_empty() { "no objects".to_owned() } else { counts.join(", ") };
    format!("{name} {version}: {counts}")
}
