//! What is judged, and what is known of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use drp_core::contract;
use serde_json::{Map, Value, json};

use super::content::{Content, Declared};
use crate::{
    mask::Mask,
    stage::{Certificate, Store},
};

/// Name of the plugin that the suite makes.
pub(crate) const PLUGIN: &str = "conformance";
/// A param that no provider declares, with a value that no provider may show.
pub(crate) const PLANTED: &str = "conformance/planted";
/// Key and name of the machine on which actions run.
const MACHINE: (&str, &str) = ("3c5b6e0a-9f61-4a53-8d3c-5f2b6a1d7e90", "conformance.example.com");

/// An action that the suite may call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// The command.
    pub command: String,
    /// The params.
    pub params: BTreeMap<String, Value>,
    /// The object on which it runs, instead of one that the suite makes.
    pub model: Option<Value>,
}

/// What is no action with its params.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not NAME or NAME=JSON with an object of params")]
pub struct ParseCallError(String);

impl FromStr for Call {
    type Err = ParseCallError;

    /// Reads `NAME` or `NAME=JSON`, where the JSON is an object of params; `Model` among them is the object on which
    /// the action runs.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (command, json) = text.split_once('=').unwrap_or((text, "{}"));
        let params = serde_json::from_str::<BTreeMap<String, Value>>(json);
        match params {
            Ok(mut params) if !command.is_empty() => {
                let model = params.remove("Model");
                Ok(Self { command: command.to_owned(), params, model })
            }
            _ => Err(ParseCallError(text.to_owned())),
        }
    }
}

/// An action that gives back the value of one of its params.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Echo {
    /// The command.
    pub command: String,
    /// The param.
    pub param: String,
}

impl FromStr for Echo {
    type Err = ParseEchoError;

    /// Reads `ACTION=PARAM`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((command, param)) if !command.is_empty() && !param.is_empty() => {
                Ok(Self { command: command.to_owned(), param: param.to_owned() })
            }
            _ => Err(ParseEchoError(text.to_owned())),
        }
    }
}

/// What is no action with the param that it gives back.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not ACTION=PARAM")]
pub struct ParseEchoError(String);

/// What is judged, with all that its definition says.
pub(crate) struct Subject {
    pub(crate) executable: PathBuf,
    pub(crate) params: BTreeMap<String, Value>,
    pub(crate) calls: Vec<Call>,
    pub(crate) echoes: Vec<Echo>,
    /// How long anything may take that should come at once.
    pub(crate) patience: Duration,
    pub(crate) certificate: Certificate,
    /// All that must not be seen.
    pub(crate) mask: Mask,
    /// The value of [`PLANTED`].
    pub(crate) planted: String,
    /// As `define` printed it; null if it is none.
    pub(crate) definition: Value,
    pub(crate) content: Content,
    pub(crate) declared: BTreeMap<String, Declared>,
}

impl Subject {
    /// The file's name, which is to be the provider's.
    pub(crate) fn file_name(&self) -> String {
        self.executable.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The texts of a list in the definition.
    pub(crate) fn texts(&self, list: &str) -> Vec<String> {
        texts(&self.definition[list])
    }

    /// A good configuration: defaults, what was given, and the plugin's name.
    pub(crate) fn config(&self) -> Map<String, Value> {
        let wanted = self.texts("RequiredParams").into_iter().chain(self.texts("OptionalParams"));
        let mut config: Map<String, Value> = self.with_defaults(wanted, &self.params).into_iter().collect();
        config.insert(contract::NAME_KEY.to_owned(), PLUGIN.into());
        config
    }

    /// The actions of the definition.
    pub(crate) fn actions(&self) -> Vec<&Value> {
        self.definition["AvailableActions"].as_array().into_iter().flatten().collect()
    }

    /// The body that runs an action, with defaults for what was not given, as a server has them.
    pub(crate) fn action(&self, call: &Call) -> Map<String, Value> {
        let declared = self.declared_action(&call.command);
        let wanted: BTreeSet<String> =
            texts(&declared["RequiredParams"]).into_iter().chain(texts(&declared["OptionalParams"])).collect();
        let prefix = declared["Model"].as_str().filter(|prefix| !prefix.is_empty()).unwrap_or(contract::SYSTEM);
        let body = json!({
            "Model": call.model.clone().unwrap_or_else(|| self.object(prefix)),
            "Plugin": PLUGIN,
            "Command": call.command,
            "CommandSet": prefix,
            "Params": self.with_defaults(wanted, &call.params),
        });
        match body {
            Value::Object(body) => body,
            _ => Map::new(),
        }
    }

    /// What the definition says of an action; null if it says nothing.
    pub(crate) fn declared_action(&self, command: &str) -> Value {
        let mut actions = self.actions().into_iter();
        actions.find(|action| action["Command"] == command).cloned().unwrap_or_default()
    }

    /// The objects of a server that has loaded the provider.
    pub(crate) fn store(&self) -> Store {
        let store = Store::default();
        for (prefix, section) in [("params", "params"), ("profiles", "profiles")] {
            for (key, object) in self.content.section(section) {
                let mut object = object.clone();
                object["Name"] = key.clone().into();
                store.put(prefix, object);
            }
        }
        store.put("plugin_providers", self.definition.clone());
        for prefix in ["machines", "plugins", contract::SYSTEM] {
            store.put(if prefix == contract::SYSTEM { "profiles" } else { prefix }, self.object(prefix));
        }
        store
    }

    /// An object of a type, on which an action may run.
    fn object(&self, prefix: &str) -> Value {
        match prefix {
            "machines" => json!({
                "Uuid": MACHINE.0, "Name": MACHINE.1, "Validated": true, "Available": true, "Errors": [],
                "ReadOnly": false, "Meta": {}, "Description": "", "Address": "", "Stage": "none", "BootEnv": "local",
                "Profiles": [], "Params": {}, "Tasks": [], "CurrentTask": -1, "Runnable": true, "OS": "",
                "HardwareAddrs": [], "Workflow": "",
            }),
            "plugins" => json!({
                "Name": PLUGIN, "Provider": self.definition["Name"], "Params": self.params, "Meta": {},
                "PluginErrors": [], "Available": true, "Validated": true, "Errors": [],
            }),
            // A system action runs on the profile `global`.
            contract::SYSTEM | "profiles" => {
                json!({ "Name": contract::GLOBAL_PROFILE, "Params": {}, "Meta": {}, "Available": true })
            }
            prefix => json!({ "Type": prefix, "Id": PLUGIN, "Name": PLUGIN, "Params": {}, "Meta": {} }),
        }
    }

    fn with_defaults(
        &self,
        wanted: impl IntoIterator<Item = String>,
        given: &BTreeMap<String, Value>,
    ) -> BTreeMap<String, Value> {
        let default = |name: String| Some((name.clone(), self.declared.get(&name)?.schema.get("default")?.clone()));
        let mut params: BTreeMap<String, Value> = wanted.into_iter().filter_map(default).collect();
        params.extend(given.clone());
        params
    }
}

/// The texts of a list; none where it is null.
pub(crate) fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_named_with_their_params_and_their_model() {
        let check = |text: &str, wanted: Option<(&str, Value, Option<Value>)>| {
            let call = text.parse::<Call>().ok();
            let call = call.as_ref().map(|call| (call.command.as_str(), json!(call.params), call.model.clone()));
            assert_eq!(call, wanted, "{text}");
        };
        check("poweron", Some(("poweron", json!({}), None)));
        check(r#"step={"a/b":1}"#, Some(("step", json!({ "a/b": 1 }), None)));
        check(r#"step={"Model":{"Uuid":"u"}}"#, Some(("step", json!({}), Some(json!({ "Uuid": "u" })))));
        check("step=7", None);
        check("={}", None);
        assert_eq!("echo=a/b".parse::<Echo>().unwrap(), Echo { command: "echo".into(), param: "a/b".into() });
        assert!("echo".parse::<Echo>().is_err());
    }
}
