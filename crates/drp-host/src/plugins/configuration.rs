//! What a plugin is configured with: its own params and those of its provider, resolved and opened (`host.md` §6.2, §8).

use drp_core::{Params, PluginProvider, Raw, RawModel, contract};

use crate::params::ParamValues;

/// The body of a config call. It has no `Debug`: secrets are in it.
pub(super) struct Configuration {
    pub(super) body: Params,
    /// The values in it that must not be seen elsewhere.
    pub(super) secrets: Vec<Raw>,
}

/// Puts together what a plugin is configured with.
///
/// # Errors
/// Everything that is missing or wrong, in the texts that clients know from `PluginErrors`.
pub(super) fn configuration(
    values: &ParamValues,
    name: &str,
    plugin: &RawModel,
    provider: &PluginProvider,
) -> Result<Configuration, Vec<String>> {
    let mut body = values.opened("plugins", plugin).map_err(|error| vec![error.to_string()])?;
    let mut problems = Vec::new();
    let required = provider.required_params.iter().map(|param| (param, true));
    let optional = provider.optional_params.iter().map(|param| (param, false));
    for (param, required) in required.chain(optional) {
        match values.resolve("plugins", plugin, param) {
            Ok(Some(found)) => {
                if let Err(texts) = values.check(param, &found.value) {
                    problems.extend(texts.iter().map(|text| format!(": {text}")));
                }
                body.insert(param.clone(), found.value);
            }
            Ok(None) if required => problems.push(format!("Missing required parameter: {param}")),
            Ok(None) => {}
            Err(error) => problems.push(error.to_string()),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let is_secret =
        |name: &String| matches!(values.resolve("plugins", plugin, name), Ok(Some(found)) if found.is_secret);
    let secrets = body.iter().filter(|(name, _)| is_secret(name)).map(|(_, value)| value.clone()).collect();
    body.insert(contract::NAME_KEY.to_owned(), Raw::from(name));
    Ok(Configuration { body, secrets })
}
