//! The command line.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use drp_client::Fingerprint;

use crate::{
    check::CheckArgs,
    conformance::ConformanceArgs,
    content::ContentArgs,
    events::EventsArgs,
    logs::LogsArgs,
    new::NewArgs,
    serve::{LogFormat, LogLevel},
    trace::{ReplayArgs, TraceArgs},
};

/// Run, serve and call plugin providers of Digital Rebar Provision.
///
/// A plugin provider is an executable that extends a dr-provision server. drpx runs one, written in Rust or Go, on a
/// server of its own, so that you can try, test and debug it without a dr-provision at hand.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Exit codes: 0 well, 1 what was asked for failed, 2 usage, 3 a provider did not load or configure, 130 interrupted"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    New(NewArgs),
    Run(RunArgs),
    Trace(TraceArgs),
    Replay(ReplayArgs),
    Serve(ServeArgs),
    Check(CheckArgs),
    Conformance(ConformanceArgs),
    Action(ActionArgs),
    Events(EventsArgs),
    Logs(LogsArgs),
    Backup(BackupArgs),
    Restore(RestoreArgs),
    Content(ContentArgs),
    /// Print the OpenAPI 3.1 document of the server's API, as a server has it at /openapi.json.
    #[command(after_help = "Example: drpx openapi > openapi.json")]
    Openapi,
    /// Print completions for a shell.
    #[command(after_help = "Example: drpx completions bash > /etc/bash_completion.d/drpx")]
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// Run providers on a server of their own and show what happens.
///
/// Starts a server, loads each provider, makes its plugin if it does not start by itself, and shows the plugin's life,
/// its log and all events until Ctrl-C.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  drpx run .                                  build the provider in this directory and run it
  drpx run ./ipmi --demo                      try all its actions on a machine called demo
  drpx run . --demo --action increment --action increment='{\"incrementer/step\":5}' --exit
  drpx run . --watch --demo                   build, run and try it again whenever a file changes
  drpx run . --attach --data /tmp/drp         wait for the provider to be started under a debugger
  drpx run ./slack --secret slack/bot-key=env:BOT_KEY")]
pub(crate) struct RunArgs {
    /// A crate's directory, which is built for release, or a provider's executable in any language.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Make a machine `demo` and run the providers' actions on it and on the system.
    #[arg(long)]
    pub(crate) demo: bool,
    /// Run this action, with params as a JSON object; repeatable. Replaces the actions that --demo would run.
    #[arg(long = "action", value_name = "NAME[=JSON]")]
    pub(crate) actions: Vec<String>,
    /// End when the actions have run, instead of waiting for Ctrl-C.
    #[arg(long)]
    pub(crate) exit: bool,
    /// Build a crate again when its files change, take an executable again when it does, and put it in the place of the
    /// one before; the server and its data stay, and what fails leaves the one before in service.
    #[arg(long, conflicts_with = "exit")]
    pub(crate) watch: bool,
    /// Start no plugin, and wait for somebody to do so, say under a debugger. Tells with which command and environment.
    /// Crates are built for debugging, and nothing has to be answered in time. See docs/debugging.md.
    #[arg(long, conflicts_with = "watch")]
    pub(crate) attach: bool,
    /// Set a param of the plugins; the value is JSON, or else text. Repeatable.
    #[arg(long = "param", value_name = "K=V")]
    pub(crate) params: Vec<String>,
    /// Set the plugins' params from a file with a JSON object.
    #[arg(long = "params", value_name = "FILE")]
    pub(crate) params_file: Option<PathBuf>,
    /// Set a param of the plugins to the text in an environment variable, which shows in no list of processes.
    #[arg(long = "secret", value_name = "K=env:VAR")]
    pub(crate) secrets: Vec<String>,
    /// Keep the server's data here, instead of in a directory that is removed at the end.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Where the server listens; port 0 takes a free one.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
}

/// Run a server of plugin providers.
///
/// Serves the dr-provision API over HTTPS and runs a plugin for every plugin object, until SIGTERM or Ctrl-C. The first
/// start makes a certificate and, unless there is a password for it, an administrator `rocketskates` with a random
/// password, which is printed once.
///
/// A configuration file can set all that the options can and more: times, limits and retention. Options win over the
/// file. SIGHUP reads the certificate and the content again. docs/operations.md tells the rest.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  drpx serve --data ./data --listen 127.0.0.1:8092 --plugins ./providers --user admin:secret
  drpx serve --config /etc/drpx/drpx.toml --log-format json
  drpx serve --data ./data --tls-cert drp.pem --tls-key drp.key --content ./content
  drpx serve --data ./data --metrics-listen 127.0.0.1:8080; curl http://127.0.0.1:8080/ready
  RS_ENDPOINT=https://127.0.0.1:8092 RS_KEY=admin:secret drpcli plugins list")]
pub(crate) struct ServeArgs {
    /// Read the settings from this TOML file; docs/drpx.toml is an example with all of them.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where the server keeps its data; made if it is missing. Needed here or in the file.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Where the API listens [default: 127.0.0.1:8092].
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Serve the static files over plain HTTP here as well.
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) static_listen: Option<SocketAddr>,
    /// Serve /metrics, /health and /ready over plain HTTP here, to whoever asks.
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) metrics_listen: Option<SocketAddr>,
    /// The directory with the providers' executables; `plugins` in the data directory if not given.
    #[arg(long, value_name = "DIR")]
    pub(crate) plugins: Option<PathBuf>,
    /// A directory of content bundles, each of which becomes a read-only layer.
    #[arg(long, value_name = "DIR")]
    pub(crate) content: Option<PathBuf>,
    /// The administrator and their password; it shows in the list of processes, so better set admin.password in the
    /// file.
    #[arg(long, value_name = "NAME:PASSWORD")]
    pub(crate) user: Option<String>,
    /// The certificate to show, with its chain, as a PEM file; one is made if not given.
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The certificate's private key, as a PEM file.
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,
    /// What the log on stderr looks like [default: text].
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
    /// The least that the log on stderr shows [default: info].
    #[arg(long, value_name = "LEVEL")]
    pub(crate) log_level: Option<LogLevel>,
}

/// Run an action on a running server.
///
/// Prints the action's result as JSON.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  drpx action machines/demo increment incrementer/step=5
  drpx action system incrstatus")]
pub(crate) struct ActionArgs {
    /// TYPE/KEY of an object, such as machines/demo or plugins/ipmi, or `system`.
    #[arg(value_name = "OBJECT")]
    pub(crate) object: String,
    /// Name of the action.
    pub(crate) command: String,
    /// Params of the action; a value is JSON, or else text.
    #[arg(value_name = "K=V")]
    pub(crate) params: Vec<String>,
    /// Run the action of this plugin, where several offer it.
    #[arg(long, value_name = "NAME")]
    pub(crate) plugin: Option<String>,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

/// Back a running server up into a file.
///
/// Everything a server needs to be the same again is in it: objects, users, certificates, files, isos, job logs and
/// providers. All that was acknowledged before the command began is there; requests go on meanwhile. The file is
/// verified before it gets its name.
///
/// KEEP IT SECRET: it holds every secret of the server, passwords' hashes and private keys included. It is written for
/// its owner alone.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  drpx backup /srv/backups/drpx-$(date +%F).tar.gz
  drpx backup - | age -r age1... > drpx.tar.gz.age
The user needs a role with the claim `backup` on `system`.")]
pub(crate) struct BackupArgs {
    /// The file to write, replaced if it is there; `-` is the standard output, on which nothing verifies it.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

/// Make the data directory of a server from a backup.
///
/// The directory must not be there, or be empty. Everything in the backup is verified, and written beside the
/// directory, before that gets its name: a restore that fails leaves nothing. Restore only what you trust as much as
/// the server itself: a backup holds the providers that the server will run.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  drpx restore drpx-2026-11-24.tar.gz --data /var/lib/drpx && drpx serve --data /var/lib/drpx")]
pub(crate) struct RestoreArgs {
    /// The backup; `-` is the standard input.
    pub(crate) file: PathBuf,
    /// The directory to make; its parent must be there.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
}

/// How to reach a server.
///
/// What is not given here comes from ~/.drpclirc, else from the environment, as with drpcli.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectionArgs {
    /// URL of the server [env: RS_ENDPOINT, or several in RS_ENDPOINTS; default: https://127.0.0.1:8092].
    #[arg(short = 'E', long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// User and password; better set them in RS_KEY or ~/.drpclirc, as this shows in the list of processes.
    #[arg(long, value_name = "NAME:PASSWORD")]
    pub(crate) user: Option<String>,
    /// Token; wins over the user [env: RS_TOKEN].
    #[arg(short = 'T', long)]
    pub(crate) token: Option<String>,
    /// Id of an endpoint behind the server, to which it hands everything on [env: RS_URL_PROXY].
    #[arg(short = 'u', long, value_name = "ID")]
    pub(crate) url_proxy: Option<String>,
    /// Certificate authority of the server, as a PEM file; the system's authorities if not given [env: RS_CA_FILE].
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Believe the certificate with this fingerprint and no other, whoever signed it.
    #[arg(long, value_name = "SHA256", conflicts_with = "ca_file")]
    pub(crate) pin: Option<Fingerprint>,
    /// Believe any certificate: whoever sits in between can read and change everything.
    #[arg(long, conflicts_with_all = ["ca_file", "pin"])]
    pub(crate) accept_invalid_certs: bool,
}
