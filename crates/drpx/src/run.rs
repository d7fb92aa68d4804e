//! `drpx run`: providers on a server of their own, and everything they do in one view.

mod attach;
mod demo;
mod plugin;
mod watch;

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use drp_client::{Client, Config, Credentials, EventStream, StreamItem, TlsPolicy};
use drp_core::{Params, PluginProvider, chain, limits};
use drp_host::{Host, HostConfig, LogLines, Recorder};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::{
    build::{self, Profile},
    cli::RunArgs,
    descriptors,
    exit::{Exit, Failure},
    param, show,
    signals::Signals,
};

/// How long the view waits at the end for what is still under way.
const SETTLE_TIME: Duration = Duration::from_secs(5);

pub(crate) async fn run(args: RunArgs) -> Result<Exit, Failure> {
    run_recorded(args, None).await
}

/// As [`run`], with everything that is said recorded.
pub(crate) async fn run_recorded(args: RunArgs, recorder: Option<Recorder>) -> Result<Exit, Failure> {
    descriptors::raise_limit();
    let mut signals = Signals::new()?;
    let params = plugin_params(&args)?;
    if let Some(recorder) = &recorder {
        param::read_secrets(&args.secrets)?.values().for_each(|secret| recorder.hide(secret));
    }
    let wanted = demo::parse_wanted(&args)?;
    let profile = if args.attach { Profile::Dev } else { Profile::Release };
    let executables = tokio::select! {
        // Who watches builds again and again, with the server at hand.
        _ = std::future::ready(()), if args.watch => Vec::new(),
        executables = build::executables(&args.paths, profile) => executables?,
        exit = signals.next() => return Ok(exit),
    };
    let session = Session::start(&args, recorder).await?;
    let played = async {
        if args.watch {
            watch::follow(&session, &args, &params).await
        } else {
            session.play(&args, &executables, &params, wanted).await
        }
    };
    let outcome = tokio::select! {
        outcome = played => outcome,
        exit = signals.next() => Ok(exit),
    };
    let outcome = match outcome {
        Ok(Exit::Well) if !args.exit => {
            show::step(show::GOOD, "running", "until Ctrl-C");
            Ok(signals.next().await)
        }
        outcome => outcome,
    };
    tokio::select! {
        () = session.stop() => {}
        exit = signals.next() => return Ok(exit),
    }
    outcome
}

impl RunArgs {
    /// How long a plugin may take from its start until it is configured.
    fn waits(&self) -> Duration {
        if self.attach { attach::DEBUG_TIME } else { limits::READY_TIME + limits::CONFIG_TIME }
    }
}

fn plugin_params(args: &RunArgs) -> Result<Params, Failure> {
    let mut params = match &args.params_file {
        Some(path) => param::read_file(path)?,
        None => Params::from(std::collections::BTreeMap::new()),
    };
    params.extend(param::parse_items(&args.params)?);
    let secrets = param::read_secrets(&args.secrets)?;
    show::hide(secrets.values().filter_map(drp_core::Raw::as_string).collect());
    params.extend(secrets);
    Ok(params)
}

/// A server for the time of the command.
struct Session {
    host: Host,
    client: Client,
    view: JoinHandle<()>,
    /// Removed with the session, unless the user named a directory.
    _data: Option<TempDir>,
}

impl Session {
    async fn start(args: &RunArgs, recorder: Option<Recorder>) -> Result<Self, Failure> {
        let temporary =
            match &args.data {
                Some(_) => None,
                None => Some(tempfile::Builder::new().prefix("drpx-").tempdir().map_err(|error| {
                    Failure::new(format!("cannot make a directory for the server's data: {error}"))
                })?),
            };
        let data: PathBuf = match (&args.data, &temporary) {
            (Some(data), _) => data.clone(),
            (None, Some(temporary)) => temporary.path().to_owned(),
            (None, None) => return Err(Failure::new("there is no directory for the server's data")),
        };
        let config = HostConfig { data: data.clone(), listen: args.listen, recorder, ..HostConfig::default() };
        let host = Host::start(if args.attach { attach::patient(config) } else { config }).await?;
        let client = client_of(&host, args)?;
        let selector = "*.*.*".parse().map_err(|error| Failure::new(format!("{error}")))?;
        let events = client.events(vec![selector]).await.map_err(|error| Failure::new(error.chain()))?;
        let view = tokio::spawn(view(host.log_lines(), events));
        show::step(show::GOOD, "serving", &format!("{} (data in {})", host.endpoint(), data.display()));
        if let Some(password) = host.new_admin_password() {
            let (endpoint, admin, ca_file) = (host.endpoint(), host.admin(), host.ca_file().display());
            let exports = format!("export RS_ENDPOINT={endpoint} RS_KEY={admin}:{password} RS_CA_FILE={ca_file}");
            show::step(show::GOOD, "log in", &format!("{exports}, for `drpx action` and drpcli"));
        }
        Ok(Self { host, client, view, _data: temporary })
    }

    /// Loads the providers, configures their plugins and runs the actions.
    async fn play(
        &self,
        args: &RunArgs,
        executables: &[PathBuf],
        params: &Params,
        wanted: Vec<demo::Wanted>,
    ) -> Result<Exit, Failure> {
        let mut plugins = plugin::Plugins::follow(&self.client).await?;
        let mut providers = Vec::new();
        for executable in executables {
            if args.attach {
                attach::announce(&self.host, executable);
            }
            providers.push(self.load(executable).await?);
        }
        for provider in &providers {
            plugins.configure(&provider.name, params, args.waits()).await?;
            show::step(show::GOOD, "configured", &format!("plugin {}", provider.name));
        }
        if !args.demo && wanted.is_empty() {
            return Ok(Exit::Well);
        }
        demo::play(&self.client, &providers, args.demo, wanted).await
    }

    async fn load(&self, executable: &std::path::Path) -> Result<Arc<PluginProvider>, Failure> {
        let provider = self.host.import(executable).await.map_err(|error| Failure::not_loaded(chain(&error)))?;
        let mut offered: HashMap<&str, Vec<&str>> = HashMap::new();
        for action in &provider.available_actions {
            offered.entry(action.prefix()).or_default().push(&action.command);
        }
        let mut offered: Vec<String> =
            offered.into_iter().map(|(prefix, commands)| format!("{} on {prefix}", commands.join(", "))).collect();
        offered.sort_unstable();
        let offered = if offered.is_empty() { "no actions".to_owned() } else { offered.join("; ") };
        show::step(show::GOOD, "defined", &format!("{} {}: {offered}", provider.name, provider.version));
        Ok(Arc::new(provider))
    }

    async fn stop(self) {
        show::step(show::GOOD, "stopping", "the plugins, then the server");
        self.host.stop().await;
        // The log ends with the server; what was logged last is still to be shown.
        let _ = tokio::time::timeout(SETTLE_TIME, self.view).await;
        show::step(show::GOOD, "stopped", "all plugins and the server");
    }
}

fn client_of(host: &Host, args: &RunArgs) -> Result<Client, Failure> {
    let mut config = Config::new(host.endpoint(), Credentials::Token(host.admin_token().into()));
    if args.attach {
        config.request_time = attach::DEBUG_TIME;
    }
    config.tls = TlsPolicy::CaFile(host.ca_file().to_owned());
    Client::new(config).map_err(|error| Failure::new(chain(&error)))
}

/// Shows log lines and events until the log ends.
async fn view(mut lines: LogLines, mut events: EventStream) {
    let mut streaming = true;
    loop {
        tokio::select! {
            line = lines.next() => match line {
                Some(line) => show::line(&line),
                None => return,
            },
            item = events.next(), if streaming => match item {
                // Log lines are shown from the log, which has more of them.
                Some(StreamItem::Event(event)) if event.type_ == "log" => {}
                Some(StreamItem::Event(event)) => show::event(&event),
                Some(StreamItem::Lagged(n)) => show::warn(&format!("{n} events are not shown: they came too fast")),
                Some(_) => {}
                None => streaming = false,
            },
        }
    }
}
