//! The definition, read off the provider.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use drp_content::{Bundle, Metadata};
use drp_core::{Model, Param, Params, PluginProvider, Raw, RawModel, contract, names};
use serde::Serialize;

use crate::{Action, Content, Provider, action::split, bounds, content, schema::DeclaredParam, unpack};

/// All mistakes in how a provider was put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefineError {
    provider: String,
    mistakes: Vec<String>,
}

impl fmt::Display for DefineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "provider `{}` is put together wrong", self.provider)?;
        self.mistakes.iter().try_for_each(|mistake| write!(f, "\n  {mistake}"))
    }
}

impl std::error::Error for DefineError {}

pub(crate) fn definition<S: Send + Sync + 'static>(provider: &Provider<S>) -> Result<PluginProvider, DefineError> {
    let mut mistakes = provider.mistakes.clone();
    if provider.publish.is_some() && !provider.rules.is_empty() {
        mistakes.push("a provider has `publish` or `event`, not both".to_owned());
    }
    if provider.reconcile.is_some() && provider.rules.is_empty() {
        mistakes.push("`reconcile` is for what `event` misses, and there is no `event`".to_owned());
    }
    mistakes.extend(misplaced_objects(provider));
    mistakes.extend(unpack::clashes(&provider.files));
    let params = all_params(provider, &mut mistakes);
    let content = match bundle(provider, &params, &mut mistakes).and_then(|bundle| bundle.to_json()) {
        Ok(content) => content,
        Err(error) => {
            mistakes.push(format!("the content cannot be written as JSON: {error}"));
            String::new()
        }
    };
    if !mistakes.is_empty() {
        return Err(DefineError { provider: provider.name.clone(), mistakes });
    }
    let store_objects: BTreeMap<String, Raw> =
        provider.object_types.iter().map(|(name, definition)| (name.clone(), Raw::from(definition.clone()))).collect();
    let mut definition = PluginProvider {
        name: provider.name.clone(),
        version: provider.version.clone(),
        plugin_version: contract::PLUGIN_VERSION,
        auto_start: provider.auto_start,
        has_publish: provider.publish.is_some(),
        available_actions: provider.actions.iter().map(Action::available).collect(),
        store_objects: store_objects.into(),
        documentation: provider.documentation.clone(),
        content,
        ..PluginProvider::default()
    };
    let (required, optional) = split(provider.config_params());
    definition.required_params = required.into();
    definition.optional_params = optional.into();
    definition.meta.fill();
    Ok(definition)
}

/// Object types that are there twice, and objects of types that are not there.
fn misplaced_objects<S>(provider: &Provider<S>) -> Vec<String> {
    let mut types = BTreeSet::new();
    let twice = provider.object_types.iter().filter(|(name, _)| !types.insert(name.as_str()));
    let mut mistakes: Vec<String> = twice.map(|(name, _)| format!("object type `{name}` is there twice")).collect();
    for (type_name, id, _) in &provider.objects {
        if !types.contains(type_name.as_str()) {
            mistakes.push(format!("object `{id}` is of `{type_name}`, which is no object type of this provider"));
        }
    }
    mistakes
}

/// Every declared param once; two declarations of one param must agree.
fn all_params<S: Send + Sync + 'static>(
    provider: &Provider<S>,
    mistakes: &mut Vec<String>,
) -> BTreeMap<String, DeclaredParam> {
    let of_config = provider.config_params().iter().map(|param| ("the configuration".to_owned(), param));
    let of_actions = provider.actions.iter().flat_map(|action| {
        let declared = action.handler.declared().unwrap_or_default();
        declared.iter().map(|param| (format!("action `{}`", action.command), param))
    });
    let others = provider.params.iter().map(|param| ("the provider".to_owned(), param));
    let mut params: BTreeMap<String, (String, DeclaredParam)> = BTreeMap::new();
    for (owner, param) in of_config.chain(of_actions).chain(others) {
        match params.get_mut(&param.name) {
            None => {
                mistakes.extend(mistakes_of(param));
                params.insert(param.name.clone(), (owner, param.clone()));
            }
            Some((first, known)) if known.schema != param.schema || known.secure != param.secure => {
                mistakes.push(format!(
                    "param `{}` is declared in two ways: {} by {first} and {} by {owner}; type, bounds and default \
                     must be the same",
                    param.name,
                    known.kind(),
                    param.kind()
                ));
            }
            Some((_, known)) if known.description.is_empty() => known.description.clone_from(&param.description),
            Some(_) => {}
        }
    }
    params.into_iter().map(|(name, (_, param))| (name, param)).collect()
}

/// Names of the secure params that the types and the content declare.
pub(crate) fn secure_params<S: Send + Sync + 'static>(provider: &Provider<S>) -> BTreeSet<String> {
    let params = all_params(provider, &mut Vec::new());
    let bundle = bundle(provider, &params, &mut Vec::new()).unwrap_or_default();
    let declared = bundle.sections.get(Param::PREFIX).into_iter().flatten();
    declared.filter(|(_, param)| param.get("Secure") == Some(true)).map(|(name, _)| name.clone()).collect()
}

/// What a server would have against a param.
fn mistakes_of(param: &DeclaredParam) -> Vec<String> {
    let DeclaredParam { name, schema, .. } = param;
    let mut mistakes = Vec::new();
    if !names::is_param_name(name) {
        mistakes.push(names::complaint("Invalid Param Name", name));
    }
    mistakes.extend(bounds::bad_patterns(schema).iter().map(|reason| format!("param `{name}`: bad pattern: {reason}")));
    if let Some(default) = schema.get("default") {
        let reasons = bounds::broken(schema, default);
        mistakes.extend(reasons.iter().map(|reason| format!("param `{name}`: its default does not fit: {reason}")));
    }
    mistakes
}

fn bundle<S>(
    provider: &Provider<S>,
    params: &BTreeMap<String, DeclaredParam>,
    mistakes: &mut Vec<String>,
) -> Result<Bundle, serde_json::Error> {
    let mut bundle = provider.content.map(Content::bundle).transpose()?.unwrap_or_default();
    content::merge_metadata(&mut bundle.meta, &provider.meta, mistakes);
    // The server puts the provider's own name and version in; these are what every bundler writes for "not said".
    for (field, text) in Metadata::DEFAULTS {
        if bundle.meta.text(field).is_empty() {
            bundle.meta.set(field, text);
        }
    }
    for param in params.values() {
        content::merge_param(&mut bundle, param, mistakes)?;
    }
    for (type_name, id, object) in &provider.objects {
        content::merge_object(&mut bundle, type_name, id, object.clone(), mistakes);
    }
    Ok(bundle)
}

/// An object of a custom type with everything that the server expects of one (`models.md` §9).
pub(crate) fn stored_object<T: Serialize>(
    type_name: &str,
    id: &str,
    object: &T,
) -> Result<RawModel, serde_json::Error> {
    let mut stored = RawModel::default();
    for flag in ["Validated", "Available", "ReadOnly"] {
        stored.set(flag, &false)?;
    }
    for text in ["Bundle", "Endpoint", "Documentation", "Description"] {
        stored.set(text, "")?;
    }
    stored.set("Errors", &[(); 0])?;
    stored.set("Meta", &BTreeMap::<String, String>::new())?;
    stored.set("Params", &Params::from(BTreeMap::new()))?;
    stored.fields.extend(RawModel::new(object)?.fields);
    stored.set("Type", type_name)?;
    stored.set("Id", id)?;
    Ok(stored)
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde::Deserialize;

    use super::*;
    use crate::{Context, NoParams, Result, Secure, System};

    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code, reason = "only its schema is read")]
    struct Config {
        /// The key to the service.
        #[serde(rename = "x/key")]
        key: Secure<String>,
        #[serde(rename = "x/url")]
        url: Option<String>,
    }

    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code, reason = "only its schema is read")]
    struct Clash {
        #[serde(rename = "x/url")]
        url: u8,
        #[serde(rename = "x/tries", default)]
        #[schemars(range(min = 1))]
        tries: u8,
    }

    async fn nothing(_: Context<()>, _: System, NoParams {}: NoParams) -> Result<()> {
        Ok(())
    }

    #[test]
    fn params_of_the_configuration_are_declared_once_and_described() {
        let provider = Provider::new("xx", "v1").configure(async |_: Context<()>, _: Config| Ok(()));
        let definition = provider.action("nothing", nothing).definition().unwrap();
        assert_eq!(*definition.required_params, ["x/key"]);
        assert_eq!(*definition.optional_params, ["x/url"]);
        let bundle: Bundle = serde_json::from_str(&definition.content).unwrap();
        let key = &bundle.sections["params"]["x/key"];
        assert_eq!(
            (key.get::<bool>("Secure"), key.text("Description")),
            (Some(true), "The key to the service.".to_owned())
        );
    }

    #[test]
    fn all_mistakes_are_reported_at_once() {
        let provider = Provider::new("x", "v1")
            .configure(async |_: Context<()>, _: Config| Ok(()))
            .action("nothing", nothing)
            .action("nothing", nothing)
            .action("clash", async |_: Context<()>, _: System, _: Clash| Ok(()))
            .action("map", async |_: Context<()>, _: System, _: BTreeMap<String, u8>| Ok(()))
            .event("machines", async |_, _| Ok(()))
            .param::<String>("no param", "")
            .meta("Colour", "red")
            .untyped_object_type("cows")
            .untyped_object_type("cows")
            .object("goats", "billy", &serde_json::json!({}))
            .file("../x", b"", 0o644);
        let text = provider.definition().unwrap_err().to_string();
        for part in [
            "Invalid Name `x`",
            "`nothing` on `` is there twice",
            "`x/url` is declared in two ways: {\"type\":\"string\"} by the configuration and ",
            " by action `clash`; type, bounds and default must be the same",
            "`x/tries`: its default does not fit: expected 1 or more, got 0",
            "the params of action `map` hold an enum or a map",
            "`machines` is no event selector",
            "`Colour`",
            "object type `cows` is there twice",
            "object `billy` is of `goats`",
            "../x",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
