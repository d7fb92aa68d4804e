//! `drpx trace` and `drpx replay`: what a provider says, for whoever was not there.

use std::path::{Path, PathBuf};

use clap::Args;
use drp_core::{Raw, chain};
use drp_host::{Recorder, Replay, ReplayError, Trace};
use serde_json::json;

use crate::{
    build::{self, Profile},
    cli::RunArgs,
    exit::{Exit, Failure},
    param, run, show,
    signals::Signals,
};

/// Record what a provider and its server say to each other.
///
/// Runs the provider as `drpx run` does and writes down all that goes between the two: define, unpack, config, actions,
/// events, log lines and what the provider asks of the API. With --demo or --action it ends when the actions have run;
/// else it records what you do until Ctrl-C. The file has one JSON object a line, and only you may read it. Secure
/// params, what --secret gives and all tokens stand there as `<secret>`: look it through before you give it away, because
/// other params and the names of your objects are as they are.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  drpx trace ./ipmi --secret ipmi/password=env:PW -o ipmi.trace    then use it, and press Ctrl-C
  drpx trace . --demo --action increment -o increment.trace        record one action
  drpx replay increment.trace .                                    does the provider still answer so?
docs/debugging.md tells what to do with a recording.")]
pub(crate) struct TraceArgs {
    /// A crate's directory, which is built for release, or a provider's executable in any language.
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// The file to write, replaced if it is there.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Make a machine `demo` and run the provider's actions on it and on the system.
    #[arg(long)]
    demo: bool,
    /// Run this action, with params as a JSON object; repeatable. Replaces the actions that --demo would run.
    #[arg(long = "action", value_name = "NAME[=JSON]")]
    actions: Vec<String>,
    /// Set a param of the plugin; the value is JSON, or else text. Repeatable.
    #[arg(long = "param", value_name = "K=V")]
    params: Vec<String>,
    /// Set the plugin's params from a file with a JSON object.
    #[arg(long = "params", value_name = "FILE")]
    params_file: Option<PathBuf>,
    /// Set a param of the plugin to the text in an environment variable, and mask that text.
    #[arg(long = "secret", value_name = "K=env:VAR")]
    secrets: Vec<String>,
}

/// Play a recording against a provider and tell what differs.
///
/// Asks the provider what it was asked in the recording, in the same order, answers its calls of the API as they were
/// answered then, and compares what it says: what it defines and unpacks, its answers with their statuses, the events it
/// publishes and what it changes over the API. Nothing else is needed: no server, no devices that the API stands for.
///
/// Not compared: log lines, calls that only read and are no longer made, and two times or two ids where both are the
/// provider's own. What else differs from run to run is named with --ignore, or in the first line of the recording.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  drpx replay bug.trace target/release/ipmi
  drpx replay tests/increment.trace . --ignore /took --ignore '/items/*/pid'      as a test in CI
  drpx replay slack.trace . --secret slack/bot-key=env:BOT_KEY
Exit codes: 0 all as recorded, 1 something differs, 2 usage, 3 the provider does not load.")]
pub(crate) struct ReplayArgs {
    /// A file that `drpx trace` has made.
    trace: PathBuf,
    /// A crate's directory, which is built for release, or a provider's executable in any language.
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// Give the param the text in an environment variable where the recording has a mask; else it is `<secret>`.
    #[arg(long = "secret", value_name = "K=env:VAR")]
    secrets: Vec<String>,
    /// Do not compare what stands at this JSON pointer of a body or an answer; `*` is every field or item. Repeatable.
    #[arg(long, value_name = "POINTER")]
    ignore: Vec<String>,
    /// Print what differs as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn trace(args: TraceArgs) -> Result<Exit, Failure> {
    let recorder = Recorder::new();
    let TraceArgs { path, output, demo, actions, params, params_file, secrets } = args;
    // Before anything is recorded that could not be kept.
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() || output.is_dir() {
        let text =
            format!("--output {}: this cannot be a file; name one in a directory that is there", output.display());
        return Err(Failure::usage(text));
    }
    let exit = demo || !actions.is_empty();
    let run = RunArgs {
        paths: vec![path],
        demo,
        actions,
        exit,
        watch: false,
        attach: false,
        params,
        params_file,
        secrets,
        data: None,
        listen: ([127, 0, 0, 1], 0).into(),
    };
    let outcome = run::run_recorded(run, Some(recorder.clone())).await;
    if matches!(&outcome, Err(failure) if failure.exit == Exit::Usage) {
        return outcome;
    }
    let failed = |error: std::io::Error| Failure::new(format!("cannot write `{}`: {error}", output.display()));
    recorder.write(&output).map_err(failed)?;
    let (kept, dropped) = recorder.counts();
    show::step(show::GOOD, "recorded", &format!("{kept} exchanges in {}", output.display()));
    if dropped > 0 {
        show::warn(&format!("{dropped} exchanges are not recorded: the recording is full"));
    }
    outcome
}

pub(crate) async fn replay(args: ReplayArgs) -> Result<Exit, Failure> {
    if let Some(wrong) = args.ignore.iter().find(|pointer| !pointer.starts_with('/')) {
        return Err(Failure::usage(format!("--ignore {wrong}: a JSON pointer begins with `/`, such as /took")));
    }
    let trace = Trace::read(&args.trace).map_err(|error| Failure::usage(chain(&error)))?;
    let secrets = param::read_secrets(&args.secrets)?;
    show::hide(secrets.values().filter_map(Raw::as_string).collect());
    let mut signals = Signals::new()?;
    let replay = Replay { secrets, ignore: args.ignore };
    let played = async {
        let executables = build::executables(std::slice::from_ref(&args.path), Profile::Release).await?;
        let [executable] = executables.as_slice() else {
            let text = format!("`{}` has {} providers; name one executable", args.path.display(), executables.len());
            return Err(Failure::usage(text));
        };
        replay.play(&trace, executable).await.map_err(|error| match &error {
            ReplayError::NotLoaded(_) => Failure::not_loaded(chain(&error)),
            _ => Failure::new(chain(&error)),
        })
    };
    let differences = tokio::select! {
        played = played => played?,
        exit = signals.next() => return Ok(exit),
    };
    if args.json {
        let list = differences.iter().map(|found| {
            json!({"seq": found.seq, "exchange": found.exchange, "place": found.place, "expected": found.expected,
                "came": found.came})
        });
        show::result(&Raw::from(serde_json::Value::Array(list.collect())));
    } else {
        differences.iter().for_each(show::difference);
    }
    match differences.len() {
        0 => {
            show::progress("same", &format!("{} answers as recorded", args.path.display()));
            Ok(Exit::Well)
        }
        _ => {
            for name in replay.missing_secrets(&trace) {
                show::warn(&format!("`{name}` is masked in the recording: give --secret {name}=env:VAR if it matters"));
            }
            Ok(Exit::Failed)
        }
    }
}
