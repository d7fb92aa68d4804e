//! `drpx conformance`: whether a provider, or a server, keeps the contract.

mod host;

use std::{fs, path::PathBuf, time::Duration};

use clap::Args;
use drp_conformance::{Call, Checked, Code, Echo, Expected, Outcome, Report, Suite, output};
use drp_core::{Params, Raw, chain};

use crate::{
    build::{self, Profile},
    exit::{Exit, Failure},
    param, show,
    signals::Signals,
};

/// Hold a provider, or a server, to the contract, from outside.
///
/// With PROVIDER: runs the executable, in any language, as a server does, with a host that stands in for one: good and bad
/// configurations, the actions that it may call, events, a host that is gone, the end, and hostile requests. Each rule
/// passes, fails with the exchange that shows it, or is skipped with the reason. All that it makes is removed.
///
/// Actions are called only if they are named, and then many times, also with bad params.
///
/// With --host: talks to any dr-provision-compatible server as clients and providers do: who may ask, objects, params,
/// lists, events, hostile requests, and a provider that is uploaded, configured, called and removed. It makes objects
/// whose names begin with `conformance-`, and removes them at the end, also at Ctrl-C; the provider is drpx itself.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  drpx conformance ./slack --secret slack/bot-key=env:BOT_KEY
  drpx conformance . --action increment='{\"incrementer/step\":5}' --action incrstatus
  drpx conformance ./ipmi --only stop-answered --only parent-death
  drpx conformance ./ipmi --junit report.xml --expected-failures known.toml
  RS_PASSWORD=... drpx conformance --host https://10.0.0.5:8092 --user admin --ca-file ca.pem --yes-change-data
  drpx conformance --host https://127.0.0.1:8092 --accept-invalid-certs --yes-change-data --only host-patch-test

Exit codes: 0 all well, 1 a check failed, 2 usage, 3 there is no definition, or the plugin is not
configured, or the server does not say who it is; 130 interrupted")]
pub(crate) struct ConformanceArgs {
    /// A crate's directory, which is built for release, or a provider's executable in any language.
    #[arg(value_name = "PROVIDER", required_unless_present = "host", conflicts_with = "host")]
    provider: Option<PathBuf>,
    #[command(flatten)]
    host: host::HostArgs,
    /// Set a param of the plugin; the value is JSON, or else text. Repeatable.
    #[arg(long = "param", value_name = "K=V", conflicts_with = "host")]
    params: Vec<String>,
    /// Set a param of the plugin to the text in an environment variable. It is shown nowhere. Repeatable.
    #[arg(long = "secret", value_name = "K=env:VAR", conflicts_with = "host")]
    secrets: Vec<String>,
    /// An action that may be called, with params as a JSON object; `Model` among them is its object. Repeatable.
    #[arg(long = "action", value_name = "NAME[=JSON]", conflicts_with = "host")]
    actions: Vec<Call>,
    /// An action that gives the value of this param back. Repeatable.
    #[arg(long = "echo", value_name = "ACTION=PARAM", conflicts_with = "host")]
    echoes: Vec<Echo>,
    /// Make these checks alone; docs/conformance.md lists them. Repeatable.
    #[arg(long = "only", value_name = "CODE", num_args = 1..)]
    only: Vec<Code>,
    /// How long anything may take that should come at once.
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = clap::value_parser!(u64).range(1..=3600))]
    patience: u64,
    /// Print the report as one JSON object.
    #[arg(long)]
    json: bool,
    /// Write the report as JUnit's XML as well.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// A TOML file with what is known to fail; what is in it and passes is a failure too.
    #[arg(long, value_name = "FILE")]
    expected_failures: Option<PathBuf>,
}

pub(crate) async fn conformance(args: &ConformanceArgs) -> Result<Exit, Failure> {
    let mut signals = Signals::new()?;
    let expected = expected(args)?;
    if let Some(url) = &args.host.host {
        return host::conformance(url, args, &expected, &mut signals).await;
    }
    let Some(provider) = &args.provider else { return Err(Failure::usage("give PROVIDER, or --host URL")) };
    only_of(args, false)?;
    let (params, secrets) = (param::parse_items(&args.params)?, param::read_secrets(&args.secrets)?);
    show::hide(secrets.values().filter_map(Raw::as_string).collect());
    let run = async {
        let executable = build::executable(provider, Profile::Release).await?;
        let suite = suite(args, executable, &params, &secrets)?;
        suite.run(progress).await.map_err(|error| Failure::not_loaded(chain(&error)))
    };
    let report = tokio::select! {
        report = run => report?,
        // What is under way ends with it: processes with their groups, and directories.
        exit = signals.next() => return Ok(if exit == Exit::Well { Exit::Interrupted } else { exit }),
    };
    show_report(args, &report, &expected)
}

/// Shows the report in the forms that were asked for, and says how the command ends by it.
fn show_report(args: &ConformanceArgs, report: &Report, expected: &Expected) -> Result<Exit, Failure> {
    if args.json {
        show::result(&Raw::from(output::json(report, expected)));
    } else {
        show::document(&output::people(report, expected));
    }
    if let Some(path) = &args.junit {
        let written = fs::write(path, output::junit(report, expected));
        written.map_err(|error| Failure::new(format!("cannot write `{}`: {error}", path.display())))?;
    }
    Ok(exit(report, expected))
}

/// Holds that the checks that were named are of the kind that is made.
fn only_of(args: &ConformanceArgs, is_of_hosts: bool) -> Result<(), Failure> {
    match args.only.iter().find(|code| code.is_of_hosts() != is_of_hosts) {
        None => Ok(()),
        Some(code) if is_of_hosts => {
            Err(Failure::usage(format!("`{code}` is a check of providers, and not of --host")))
        }
        Some(code) => Err(Failure::usage(format!("`{code}` is a check of --host, and not of providers"))),
    }
}

fn exit(report: &Report, expected: &Expected) -> Exit {
    if !report.is_usable {
        Exit::NotLoaded
    } else if expected.surprises(report).next().is_some() {
        Exit::Failed
    } else {
        Exit::Well
    }
}

fn suite(args: &ConformanceArgs, executable: PathBuf, params: &Params, secrets: &Params) -> Result<Suite, Failure> {
    let mut suite = Suite::new(executable);
    for (name, value) in params.iter() {
        let value = value.parse().map_err(|error| Failure::usage(format!("param `{name}`: {error}")))?;
        suite.params.insert(name.clone(), value);
    }
    let secrets = secrets.iter().filter_map(|(name, value)| Some((name.clone(), value.as_string()?)));
    suite.secrets = secrets.collect();
    suite.actions.clone_from(&args.actions);
    suite.echoes.clone_from(&args.echoes);
    suite.only = args.only.iter().copied().collect();
    suite.patience = Duration::from_secs(args.patience);
    Ok(suite)
}

fn expected(args: &ConformanceArgs) -> Result<Expected, Failure> {
    let Some(path) = &args.expected_failures else { return Ok(Expected::default()) };
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| Failure::usage(format!("cannot read `{shown}`: {error}")))?;
    Expected::from_toml(&text).map_err(|error| Failure::usage(format!("`{shown}`: {}", chain(&error))))
}

/// How far it is, for whoever watches.
fn progress(checked: &Checked) {
    use std::io::IsTerminal;
    if std::io::stderr().is_terminal() {
        let what = if let Outcome::Failed(_) = checked.outcome { "failed" } else { checked.outcome.name() };
        show::progress(what, &format!("{} ({:.1} s)", checked.code, checked.seconds));
    }
}
