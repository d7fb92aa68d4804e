//! `drpx content check`: what a server would refuse of a bundle, and what is doubtful.

use std::path::PathBuf;

use clap::Args;
use drp_content::check::{Report, Severity, check as check_bundles};
use drp_core::{Raw, chain};

use crate::{
    exit::{Exit, Failure},
    show,
};

/// Check bundles before a server sees them.
///
/// Shows everything that a server would refuse as an error, and what is probably not meant as a warning, each with file,
/// line and column. What a bundle names is looked for in it and in its prerequisites, if they are named here too.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  drpx content check content                   the bundle in this directory
  drpx content check mine.yaml base.yaml       with the bundle that it has as a prerequisite
  drpx content check content --strict --json   for scripts: one JSON object a line, and warnings fail too

Exit codes: 0 no errors, 1 errors (with --strict: or warnings), 2 usage")]
pub(crate) struct CheckArgs {
    /// Directories or files of YAML or JSON, a bundle each.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Show each finding as a JSON object in a line of its own.
    #[arg(long)]
    json: bool,
    /// Fail for warnings too.
    #[arg(long)]
    strict: bool,
}

pub(crate) fn check(args: &CheckArgs) -> Result<Exit, Failure> {
    let report = check_bundles(&args.paths);
    for finding in &report.findings {
        if args.json {
            show::result(&Raw::new(finding).map_err(|error| Failure::new(chain(&error)))?);
        } else {
            show::finding(finding);
        }
    }
    summarize(args, &report);
    let has = |severity| report.count(severity) > 0;
    let has_failed = has(Severity::Error) || (args.strict && has(Severity::Warning));
    Ok(if has_failed { Exit::Failed } else { Exit::Well })
}

fn summarize(args: &CheckArgs, report: &Report) {
    for (bundle, missing) in &report.missing_prerequisites {
        let text = format!("what {bundle} names, because its prerequisites are not here: {}", missing.join(", "));
        show::progress("Not looked for", &text);
    }
    if report.dropped > 0 {
        show::progress("Not shown", &format!("{} more findings", report.dropped));
    }
    let (bundles, objects) = (counted(args.paths.len(), "bundle"), counted(report.objects, "object"));
    let errors = counted(report.count(Severity::Error), "error");
    let warnings = counted(report.count(Severity::Warning), "warning");
    show::progress("Checked", &format!("{bundles} with {objects}: {errors}, {warnings}"));
}

fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
