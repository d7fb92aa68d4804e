//! `drpx content`: content bundles, without a server.

mod bundle;

use clap::{Args, Subcommand};

use crate::exit::{Exit, Failure};

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
}

pub(crate) fn content(args: &ContentArgs) -> Result<Exit, Failure> {
    match &args.command {
        ContentCommand::Bundle(args) => bundle::bundle(args),
    }
}
