//! Running a provider's actions to see what they do.

use std::sync::Arc;

use drp_client::{Client, ClientError, Request};
use drp_core::{AvailableAction, Machine, Model, Params, Plugin, PluginProvider, Raw, chain, contract, json};

use crate::{
    cli::RunArgs,
    exit::{Exit, Failure},
    show,
};

const DEMO_MACHINE: &str = "demo";

/// An action that the user named.
#[derive(Debug)]
pub(crate) struct Wanted {
    command: String,
    params: Params,
}

/// Reads `--action NAME[=JSON]`.
pub(crate) fn parse_wanted(args: &RunArgs) -> Result<Vec<Wanted>, Failure> {
    let parse = |text: &String| {
        let (command, params) = text.split_once('=').unwrap_or((text, "{}"));
        let params = json::parse(params.as_bytes())
            .map_err(|error| Failure::usage(format!("--action {command}: the params are no JSON object: {error}")))?;
        Ok(Wanted { command: command.to_owned(), params })
    };
    args.actions.iter().map(parse).collect()
}

/// Runs the wanted actions, or else all that the providers offer, in declared order.
pub(crate) async fn play(
    client: &Client,
    providers: &[Arc<PluginProvider>],
    demo: bool,
    wanted: Vec<Wanted>,
) -> Result<Exit, Failure> {
    let machine = if demo { Some(demo_machine(client).await?) } else { None };
    let declared = || {
        providers.iter().flat_map(|provider| provider.available_actions.iter().map(move |action| (provider, action)))
    };
    let chosen: Vec<(&Arc<PluginProvider>, &AvailableAction, Params)> = if wanted.is_empty() {
        declared()
            .map(|(provider, action)| (provider, action, Params::from(std::collections::BTreeMap::new())))
            .collect()
    } else {
        let find = |wanted: Wanted| {
            let found = declared().find(|(_, action)| action.command == wanted.command);
            let (provider, action) =
                found.ok_or_else(|| Failure::usage(format!("no provider offers action `{}`", wanted.command)))?;
            Ok((provider, action, wanted.params))
        };
        wanted.into_iter().map(find).collect::<Result<_, Failure>>()?
    };
    let mut exit = Exit::Well;
    for (provider, action, params) in chosen {
        let Some(target) = Target::of(action, &provider.name, machine.as_ref()) else {
            let text = format!("{} on {}: there is no object to run it on", action.command, action.prefix());
            show::step(show::GOOD, "skipped", &text);
            continue;
        };
        if let Outcome::Failed = target.run(client, &action.command, params).await? {
            exit = Exit::Failed;
        }
    }
    Ok(exit)
}

async fn demo_machine(client: &Client) -> Result<Machine, Failure> {
    let failed = |error: ClientError| Failure::new(format!("machine `{DEMO_MACHINE}`: {}", error.chain()));
    let machine = match client.objects::<Machine>().get(&format!("Name:{DEMO_MACHINE}")).await {
        Ok(machine) => machine,
        Err(error) if error.is_not_found() => {
            let request = Request::create(Machine::PREFIX, &serde_json::json!({"Name": DEMO_MACHINE}));
            client.send(request.map_err(|error| Failure::new(chain(&error)))?).await.map_err(failed)?
        }
        Err(error) => return Err(failed(error)),
    };
    show::step(show::GOOD, "machine", &format!("{DEMO_MACHINE} ({})", machine.uuid));
    Ok(machine)
}

enum Outcome {
    Done,
    Skipped,
    Failed,
}

/// What an action is run on.
struct Target {
    prefix: String,
    key: String,
    shown: String,
}

impl Target {
    fn of(action: &AvailableAction, plugin: &str, machine: Option<&Machine>) -> Option<Self> {
        let prefix = action.prefix().to_owned();
        let (key, shown) = match prefix.as_str() {
            contract::SYSTEM => (String::new(), "the system".to_owned()),
            Machine::PREFIX => (machine?.key(), DEMO_MACHINE.to_owned()),
            Plugin::PREFIX => (plugin.to_owned(), format!("plugin {plugin}")),
            _ => return None,
        };
        Some(Self { prefix, key, shown })
    }

    async fn run(&self, client: &Client, command: &str, params: Params) -> Result<Outcome, Failure> {
        let request = match self.prefix.as_str() {
            contract::SYSTEM => Request::run_system_action(command, &params),
            prefix => Request::run_action(prefix, &self.key, command, &params),
        };
        let request = request.map_err(|error| Failure::usage(chain(&error)))?;
        let outcome: Result<Raw, ClientError> = client.send(request).await;
        Ok(match outcome {
            Ok(result) => {
                show::step(show::GOOD, "action", &format!("{command} on {} → {result}", self.shown));
                Outcome::Done
            }
            Err(error) if lacks_params(&error) => {
                show::step(show::GOOD, "skipped", &format!("{command} on {}: {}", self.shown, messages_of(&error)));
                Outcome::Skipped
            }
            Err(error) => {
                show::step(show::BAD, "failed", &format!("{command} on {}: {}", self.shown, messages_of(&error)));
                Outcome::Failed
            }
        })
    }
}

/// The server found no value for a param that the action requires.
fn lacks_params(error: &ClientError) -> bool {
    let wire = error.wire().filter(|error| error.type_ == "INVOKE");
    wire.is_some_and(|error| error.messages.iter().all(|message| message.contains(" Missing Parameter ")))
}

fn messages_of(error: &ClientError) -> String {
    error.wire().map_or_else(|| error.chain(), |error| error.messages.join("; "))
}
