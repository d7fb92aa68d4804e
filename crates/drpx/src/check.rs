//! `drpx check`: what a server would refuse of a provider, and what an operator would regret.

mod content;
mod defined;
mod definition;
mod finding;
mod params;
mod unpacked;

use std::path::{Path, PathBuf};

use clap::Args;
use drp_content::Bundle;
use drp_core::{Raw, chain};
use drp_host::{Host, HostConfig};

pub(crate) use self::finding::Finding;
use self::{
    defined::Runs,
    finding::{Code, Severity},
};
use crate::{
    build::{self, Profile},
    exit::{Exit, Failure},
    show,
    signals::Signals,
};

/// Check a provider before a server sees it.
///
/// Runs the commands that a server runs when it loads a provider, as a server does: `define`, also without a server to
/// ask, and `unpack`, also twice, into temporary directories. It reads the definition and the content in it, and tells
/// all that a server would refuse (errors) and that an operator would regret (warnings). The provider serves nothing
/// meanwhile. Any provider will do, whatever it is written in.
///
/// Each finding has a code that stays. Those of the content are those of `drpx content check`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  drpx check .                                build the provider in this directory and check it
  drpx check ./ipmi --strict                  warnings count as well
  drpx check ./ipmi --json | jq -r '[.severity, .code, .object] | @tsv'

Exit codes: 0 no errors, 1 errors (with --strict: or warnings), 2 usage, 3 there is no definition to check")]
pub(crate) struct CheckArgs {
    /// A crate's directory, which is built for release, or a provider's executable in any language.
    #[arg(value_name = "PROVIDER")]
    provider: PathBuf,
    /// Show each finding as a JSON object in a line of its own.
    #[arg(long)]
    json: bool,
    /// Fail for warnings too.
    #[arg(long)]
    strict: bool,
}

/// What came of a check.
struct Report {
    /// The provider's name and version, if it says them.
    provider: Option<String>,
    findings: Vec<Finding>,
}

pub(crate) async fn check(args: &CheckArgs) -> Result<Exit, Failure> {
    let mut signals = Signals::new()?;
    let looked = async {
        let executable = build::executable(&args.provider, Profile::Release).await?;
        look(&executable).await
    };
    let report = tokio::select! {
        report = looked => report?,
        // What is under way ends with it: processes with their groups, and directories.
        _ = signals.next() => return Ok(Exit::Interrupted),
    };
    for finding in &report.findings {
        if args.json {
            show::result(&Raw::new(finding).map_err(|error| Failure::new(chain(&error)))?);
        } else {
            show::finding_of_provider(finding);
        }
    }
    let (errors, warnings) = (report.count(Severity::Error), report.count(Severity::Warning));
    let provider = report.provider.as_deref().unwrap_or("no provider");
    let (some_errors, some_warnings) = (counted(errors, "error"), counted(warnings, "warning"));
    show::progress("Checked", &format!("{provider}: {some_errors}, {some_warnings}"));
    Ok(match report.provider {
        None => Exit::NotLoaded,
        Some(_) if errors > 0 || (args.strict && warnings > 0) => Exit::Failed,
        Some(_) => Exit::Well,
    })
}

/// Looks at an executable by means of a server that is made for it.
async fn look(executable: &Path) -> Result<Report, Failure> {
    let data = tempfile::Builder::new().prefix("drpx-").tempdir();
    let data = data.map_err(|error| Failure::new(format!("cannot make a directory for a server's data: {error}")))?;
    let listen = ([127, 0, 0, 1], 0).into();
    let host = Host::start(HostConfig { data: data.path().to_owned(), listen, ..HostConfig::default() }).await?;
    let report = Report::of(&host, executable).await;
    host.stop().await;
    report
}

impl Report {
    async fn of(host: &Host, executable: &Path) -> Result<Self, Failure> {
        let file = executable.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (mut findings, provider) = Runs::of(host, executable).await.look();
        if let Some(provider) = &provider {
            findings.extend(definition::look(provider, &file, &host.object_types()));
            let (unpacked, files) = unpacked::look(host, executable).await?;
            match Bundle::from_yaml(&provider.content) {
                Ok(bundle) => {
                    findings.extend(params::look(provider, &bundle, files > 0));
                    findings.extend(content::look(provider, &bundle)?);
                }
                Err(error) => {
                    let finding = Finding::of_provider(Code::Content, chain(&error));
                    findings.push(finding.expected("a content bundle in YAML or JSON, or nothing"));
                }
            }
            findings.extend(unpacked);
            findings.extend(refusal(host, executable, &findings).await);
        }
        findings.iter_mut().for_each(|finding| finding.file.clone_from(&file));
        // By severity, and then in the order in which a server meets them.
        findings.sort_by_key(|finding| finding.severity);
        let provider = provider.map(|provider| format!("{} {}", provider.name, provider.version));
        Ok(Self { provider, findings })
    }

    fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}

/// What a server says to the provider as a whole, unless that was found already.
async fn refusal(host: &Host, executable: &Path, findings: &[Finding]) -> Option<Finding> {
    if findings.iter().any(|finding| finding.severity == Severity::Error && finding.code != Code::Unpack.name()) {
        return None;
    }
    let refused = host.try_import(executable).await.err()?;
    Some(Finding::of_provider(Code::Refused, chain(&refused)).help("no server loads it as it is"))
}

fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
