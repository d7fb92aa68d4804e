//! The provider's look at its surroundings, which gives the definition that `define` prints.

use std::{env, sync::Arc};

use drp_client::{Client, Config};
use drp_core::{PluginProvider, Raw, chain, contract};

use crate::{Context, Error, Provider, Result, redact::SecretsInUse, serve::contain_panic};

/// The definition as `validate` gives it; the given one where there is no `validate`, or no server.
pub(crate) async fn validated<S>(provider: &Provider<S>, definition: PluginProvider) -> Result<PluginProvider> {
    let Some(validate) = &provider.validate else { return Ok(definition) };
    let token = env::var(contract::TOKEN_ENV).unwrap_or_default();
    if token.is_empty() || token == contract::CATALOG_TOKEN {
        return Ok(definition);
    }
    let _secrets = SecretsInUse::of(&Some(Raw::from(token.as_str())));
    let client = Config::from_env().and_then(Client::new).map_err(|error| Error::bad_request(chain(&error)))?;
    let name = definition.name.clone();
    let work = async { validate(Context::new(&provider.name, (), client), definition).await };
    let validated = contain_panic(Arc::from("validate"), work).await.map_err(Error::redacted)?;
    if validated.name != name || validated.plugin_version != contract::PLUGIN_VERSION {
        return Err(Error::new(500, "`validate` may change neither the provider's name nor its protocol version"));
    }
    Ok(validated)
}
