//! The models of the plugin protocol (`models.md` §5).

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize,
    de::{Deserializer, MapAccess, Visitor},
};

use crate::{
    Access, Bundled, List, Map, Meta, Model, Owned, Params, Partialed, Problem, Raw, Validation, contract, names,
    problem::Problems,
    wire::{Fields, WireKey, wire_object},
};

wire_object! {
    /// What `define` prints: the provider's description of itself.
    pub struct PluginProvider {
        mixin meta: Meta,
        /// Name of the provider and of its content layer; equal to the name of its executable.
        "Name" name: String,
        /// Version of the provider.
        "Version" version: String,
        /// Version of the protocol: always [`contract::PLUGIN_VERSION`].
        "PluginVersion" plugin_version: i64,
        /// The server makes a plugin of the provider's name if there is none.
        "AutoStart" auto_start: bool,
        /// Deprecated: the server posts every event to the plugin, one by one.
        "HasPublish" has_publish: bool,
        /// What the provider can be asked to do.
        "AvailableActions" available_actions: List<AvailableAction>,
        /// Params without which a plugin of this provider is not configured.
        "RequiredParams" required_params: List<String>,
        /// Params that a plugin of this provider may have.
        "OptionalParams" optional_params: List<String>,
        /// Custom object types: type name to definition.
        "StoreObjects" store_objects: Map<Raw>,
        /// reStructuredText for people.
        "Documentation" documentation: String,
        /// A content bundle in YAML or JSON; may be empty.
        "Content" content: String,
    }
}

impl PluginProvider {
    /// What a server does to a definition that it has read: no `null`, and each action names its provider.
    pub fn fill(&mut self) {
        self.meta.fill();
        self.required_params.fill();
        self.optional_params.fill();
        self.store_objects.fill();
        for action in self.available_actions.iter_mut() {
            action.provider.clone_from(&self.name);
            action.required_params.fill();
            action.optional_params.fill();
        }
    }
}

impl Model for PluginProvider {
    const PREFIX: &'static str = "plugin_providers";
    fn key(&self) -> String {
        self.name.clone()
    }
}

wire_object! {
    /// One action that a provider offers on objects of one type.
    pub struct AvailableAction {
        /// Name of the provider; the server sets it.
        "Provider" provider: String,
        /// Object type it applies to; empty for a system action.
        "Model" model: String,
        /// Name of the action.
        "Command" command: String,
        /// Params without which it is not offered.
        "RequiredParams" required_params: List<String>,
        /// Params that are passed when they resolve.
        "OptionalParams" optional_params: List<String>,
    }
}

impl AvailableAction {
    /// The object type as it stands in URLs: `system` for a system action.
    #[must_use]
    pub fn prefix(&self) -> &str {
        if self.model.is_empty() { contract::SYSTEM } else { &self.model }
    }
}

wire_object! {
    /// A request to a plugin to do something: the body of `/api-plugin/v4/action`.
    pub struct Action {
        /// The whole target object; the profile `global` for a system action.
        "Model" model: Raw,
        /// Name of the plugin that was chosen.
        "Plugin" plugin: String,
        /// Name of the action.
        "Command" command: String,
        /// Object type of the target, or `system`.
        "CommandSet" command_set: String,
        /// The caller's params and those the server resolved.
        "Params" params: Params,
    }
}

/// An [`Action`] whose object is read as what it is, in the same pass as everything else.
///
/// Reading an `Action` and then its `Model` goes through the object twice, and most of a call is its object.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ActionOn<T> {
    /// The object; `None` where it is missing or `null`.
    pub target: Option<T>,
    /// All else; its `model` is `null`.
    pub action: Action,
}

impl<T> ActionOn<T> {
    /// The same call with another target.
    #[must_use]
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> ActionOn<U> {
        ActionOn { target: self.target.map(change), action: self.action }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ActionOn<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ActionVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for ActionVisitor<T> {
            type Value = ActionOn<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an Action object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ActionOn<T>, A::Error> {
                let (mut target, mut action) = (None, Action::default());
                while let Some(WireKey(key)) = map.next_key()? {
                    if key.eq_ignore_ascii_case("Model") {
                        // As with every key, `null` changes nothing.
                        target = map.next_value::<Option<T>>()?.or(target);
                    } else if !action.read(&key, &mut map)? {
                        action.extra.insert(key.into_owned(), map.next_value()?);
                    }
                }
                Ok(ActionOn { target, action })
            }
        }
        deserializer.deserialize_map(ActionVisitor(PhantomData))
    }
}

wire_object! {
    /// A configured use of a provider; each has a process of its own.
    pub struct Plugin {
        mixin validation: Validation,
        mixin access: Access,
        mixin meta: Meta,
        mixin owned: Owned,
        mixin bundled: Bundled,
        mixin partialed: Partialed,
        /// Name of the plugin.
        "Name" name: String,
        /// One line for people.
        "Description" description: String,
        /// reStructuredText for people.
        "Documentation" documentation: String,
        /// Its configuration; values of secure params are sealed.
        "Params" params: Params,
        /// Name of the provider.
        "Provider" provider: String,
        /// What is wrong with the running process.
        "PluginErrors" plugin_errors: List<String>,
    }
}

impl Model for Plugin {
    const PREFIX: &'static str = "plugins";
    fn key(&self) -> String {
        self.name.clone()
    }

    fn validate(&self) -> Vec<Problem> {
        let mut problems = Problems::default();
        problems.require(names::is_name, "Invalid Name", "/Name", &self.name);
        problems.require(names::is_name, "Invalid Provider", "/Provider", &self.provider);
        problems.require_param_names(&self.params);
        problems.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_read_with_its_call_is_the_one_read_afterwards() {
        for text in [
            r#"{"Model": {"Name": "a", "X": 1.10}, "Plugin": "p", "Command": "c", "Params": {"x": 1.10}, "Job": "j"}"#,
            r#"{"model": {"Name": "a"}, "MODEL": null, "COMMAND": "c", "Params": null}"#,
            r#"{"Model": {"Name": "a"}, "Model": {"Name": "b"}}"#,
            r#"{"Model": null}"#,
            "{}",
        ] {
            let mut expected: Action = serde_json::from_str(text).unwrap();
            let model = std::mem::take(&mut expected.model);
            let ActionOn { target, action } = serde_json::from_str::<ActionOn<Plugin>>(text).unwrap();
            assert_eq!((target, action), (model.parse().unwrap(), expected), "{text}");
        }
    }
}
