//! Which plugin offers which action, and running one: selection, params, the call (`host.md` §10, `api.md` §6).

mod merge;
mod runs;

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use drp_core::{Action, AvailableAction, Error, Event, Params, Raw, RawModel, contract};

use self::{
    merge::{Merged, merge},
    runs::{Outcome, Runs},
};
use crate::{
    auth::Principal,
    bus::Bus,
    params::ParamValues,
    plugins::call::{CallError, PluginCaller, Reservation},
    types::hidden_of,
};

/// Type of the errors of a query.
const QUERY: &str = "GET";
/// Type of the errors of a run.
const RUN: &str = "INVOKE";

/// The actions of all plugins in service.
pub(crate) struct Actions {
    params: Arc<ParamValues>,
    bus: Arc<Bus>,
    limit: Option<Duration>,
    /// By object prefix and command, then by plugin: the order in which plugins are tried is that of their names.
    offers: RwLock<BTreeMap<String, Commands>>,
    runs: Arc<Runs>,
}

type Commands = BTreeMap<String, BTreeMap<String, Arc<Offer>>>;

/// One action of one plugin.
struct Offer {
    action: AvailableAction,
    caller: Arc<PluginCaller>,
}

/// The object that an action is for, under the name it was asked for.
#[derive(Clone, Copy)]
struct Target<'a> {
    prefix: &'a str,
    key: &'a str,
    object: &'a RawModel,
}

impl Actions {
    /// Knows no action yet. `limit` is the time that a plugin has for one, if there is any.
    pub(crate) fn new(params: Arc<ParamValues>, bus: Arc<Bus>, limit: Option<Duration>) -> Self {
        Self { params, bus, limit, offers: RwLock::default(), runs: Arc::default() }
    }

    /// Takes up the actions of a plugin, in place of those it had.
    pub(crate) fn register(&self, plugin: &Arc<PluginCaller>, actions: &[AvailableAction]) {
        let mut offers = self.offers.write().unwrap_or_else(PoisonError::into_inner);
        forget(&mut offers, plugin.plugin());
        for action in actions {
            let commands = offers.entry(action.prefix().to_owned()).or_default();
            let plugins = commands.entry(action.command.clone()).or_default();
            // The first of two declarations of one command is the one that counts.
            let offer = || Arc::new(Offer { action: action.clone(), caller: plugin.clone() });
            plugins.entry(plugin.plugin().to_owned()).or_insert_with(offer);
        }
    }

    /// Drops the actions of a plugin. Calls in flight go on.
    pub(crate) fn unregister(&self, plugin: &str) {
        forget(&mut self.offers.write().unwrap_or_else(PoisonError::into_inner), plugin);
    }

    /// What can be done with an object now: for each command the first plugin whose params resolve.
    pub(crate) fn list(&self, prefix: &str, object: &RawModel, plugin: Option<&str>) -> Vec<AvailableAction> {
        let target = Target { prefix, key: "", object };
        let commands: Vec<_> = {
            let offers = self.offers.read().unwrap_or_else(PoisonError::into_inner);
            let commands = offers.get(prefix).into_iter().flatten();
            commands.map(|(_, plugins)| candidates(plugins, plugin)).collect()
        };
        let first = |candidates: Vec<Arc<Offer>>| self.choose(&candidates, target, &Params::default()).ok();
        commands.into_iter().filter_map(first).map(|(offer, _)| offer.action.clone()).collect()
    }

    /// One action of an object.
    ///
    /// # Errors
    /// 404 where no plugin offers it, 400 where its params do not resolve.
    pub(crate) fn find(
        &self,
        prefix: &str,
        key: &str,
        object: &RawModel,
        command: &str,
        plugin: Option<&str>,
    ) -> Result<AvailableAction, Error> {
        // The target of a system action is a profile, and a query names it so.
        let model = if prefix == contract::SYSTEM { "profiles" } else { prefix };
        let offers = self.offers(prefix, command, plugin);
        if offers.is_empty() {
            return Err(Error::new(404, QUERY, format!("{command}: Not Found")).about(model, key));
        }
        let target = Target { prefix, key, object };
        match self.choose(&offers, target, &Params::default()) {
            Ok((offer, _)) => Ok(offer.action.clone()),
            Err(problems) => Err(refusal(QUERY, problems).about(model, key)),
        }
    }

    /// Runs an action and answers what the plugin answered. Dropping the future does not end the action.
    ///
    /// # Errors
    /// 400 where it is not offered or its params are wrong, the plugin's own error, or 5xx where the plugin failed.
    #[allow(clippy::too_many_arguments, reason = "this is what a request for an action says")]
    pub(crate) async fn run(
        &self,
        by: &Principal,
        prefix: &str,
        key: &str,
        object: Arc<RawModel>,
        command: &str,
        plugin: Option<&str>,
        params: Params,
    ) -> Result<Raw, Error> {
        let refused = |error: Error| {
            self.runs.count(Outcome::Refused);
            error.about(prefix, key)
        };
        let offers = self.offers(prefix, command, plugin);
        if offers.is_empty() {
            let text = match plugin {
                Some(plugin) => format!("Action {command} on {prefix} for plugin {plugin} not found"),
                None => format!("Action {command} on {prefix}: Not Found"),
            };
            return Err(refused(Error::new(400, RUN, text)));
        }
        let target = Target { prefix, key, object: &object };
        let chosen = self.choose(&offers, target, &params);
        let (offer, merged) = chosen.map_err(|problems| refused(refusal(RUN, problems)))?;
        let reservation = offer.caller.reserve();
        let Some(reservation) = reservation else {
            let text = format!("Action not available {command}: unloading");
            return Err(refused(Error::new(409, RUN, text)));
        };
        for value in merged.secrets.iter().filter_map(|name| merged.params.get(name)) {
            offer.caller.hide(value);
        }
        let action = request(&offer, target, merged.params)?;
        self.announce(by, target, &action, &merged.secrets);
        self.call(offer, action, reservation).await
    }

    /// How many runs ended in which way, by the names that metrics have.
    pub(crate) fn runs(&self) -> [(&'static str, u64); 4] {
        self.runs.all()
    }

    fn offers(&self, prefix: &str, command: &str, plugin: Option<&str>) -> Vec<Arc<Offer>> {
        let offers = self.offers.read().unwrap_or_else(PoisonError::into_inner);
        let plugins = offers.get(prefix).and_then(|commands| commands.get(command));
        plugins.map(|plugins| candidates(plugins, plugin)).unwrap_or_default()
    }

    /// The first candidate whose params are right, with them; else what is wrong with the last one.
    fn choose(
        &self,
        offers: &[Arc<Offer>],
        target: Target<'_>,
        given: &Params,
    ) -> Result<(Arc<Offer>, Merged), Vec<String>> {
        let mut problems = Vec::new();
        for offer in offers {
            match merge(&self.params, &offer.action, target.prefix, target.object, given) {
                Ok(merged) => return Ok((offer.clone(), merged)),
                Err(found) => problems = found,
            }
        }
        Err(problems)
    }

    /// Publishes what is about to be done, without what the host has opened for it.
    fn announce(&self, by: &Principal, target: Target<'_>, action: &Action, secrets: &[String]) {
        let mut shown = action.clone();
        for secret in secrets {
            shown.params.remove(secret);
        }
        let object = Raw::new(&shown).unwrap_or_default();
        let mut event = Event::new(target.prefix, &action.command, target.key, object);
        event.principal.clone_from(&by.name);
        self.bus.publish(event);
    }

    /// Calls the plugin in a task of its own: an action goes on when the client that asked for it hangs up.
    async fn call(&self, offer: Arc<Offer>, action: Action, reservation: Reservation) -> Result<Raw, Error> {
        let (limit, runs) = (self.limit, Arc::clone(&self.runs));
        let called = tokio::spawn(async move {
            let answer = offer.caller.action(&action, limit).await;
            drop(reservation);
            runs.count(match &answer {
                Ok(_) => Outcome::Done,
                Err(CallError::Refused(_)) => Outcome::Error,
                Err(_) => Outcome::Failed,
            });
            let what = format!("action {}", offer.action.command);
            answer.map_err(|error| error.into_wire(offer.caller.plugin(), &what))
        });
        called.await.unwrap_or_else(|error| Err(Error::new(500, RUN, error.to_string())))
    }
}

fn forget(offers: &mut BTreeMap<String, Commands>, plugin: &str) {
    for commands in offers.values_mut() {
        commands.retain(|_, plugins| {
            plugins.remove(plugin);
            !plugins.is_empty()
        });
    }
    offers.retain(|_, commands| !commands.is_empty());
}

fn candidates(plugins: &BTreeMap<String, Arc<Offer>>, plugin: Option<&str>) -> Vec<Arc<Offer>> {
    match plugin {
        Some(plugin) => plugins.get(plugin).cloned().into_iter().collect(),
        None => plugins.values().cloned().collect(),
    }
}

fn refusal(type_: &str, problems: Vec<String>) -> Error {
    Error { type_: type_.to_owned(), messages: problems.into(), code: 400, ..Error::default() }
}

/// What the plugin is asked. Of the object it gets what clients see.
fn request(offer: &Offer, target: Target<'_>, params: Params) -> Result<Action, Error> {
    let mut model = target.object.clone();
    for name in hidden_of(target.prefix) {
        model.fields.remove(*name);
    }
    Ok(Action {
        model: Raw::new(&model).map_err(|error| Error::new(500, RUN, error.to_string()))?,
        plugin: offer.caller.plugin().to_owned(),
        command: offer.action.command.clone(),
        command_set: target.prefix.to_owned(),
        params,
        ..Action::default()
    })
}

#[cfg(test)]
mod tests;
