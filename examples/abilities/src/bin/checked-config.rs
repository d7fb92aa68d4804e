//! A configuration that is checked before anything uses it: types, bounds and a secret by the struct's fields, what
//! concerns several params in `configure`, and the server's abilities in `validate`. A plugin with three mistakes is
//! told all three at once.

use std::process::ExitCode;

use drp_plugin::{Context, Error, NoParams, PluginProvider, Provider, Result, Secure, System};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The params of a plugin: `rename` is a param's name, the comment its description, the type and its bounds its schema.
#[derive(Deserialize, JsonSchema)]
struct Config {
    /// Base URL of the service.
    #[serde(rename = "checked-config/url")]
    #[schemars(regex(pattern = "^https?://"))]
    url: String,
    /// Token for the service. It is sealed on the server, and cut out of whatever is logged or answered.
    #[serde(rename = "checked-config/token")]
    token: Secure<String>,
    /// Seconds between two visits.
    #[serde(rename = "checked-config/seconds", default = "ten")]
    #[schemars(range(min = 1, max = 3600))]
    seconds: u32,
    /// How the service's certificate is verified.
    #[serde(rename = "checked-config/trust", default)]
    trust: Trust,
    /// Fingerprint of its certificate, if it is pinned.
    #[serde(rename = "checked-config/fingerprint")]
    fingerprint: Option<String>,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Trust {
    #[default]
    System,
    Pinned,
}

fn ten() -> u32 {
    10
}

/// What handlers work on, until the next good configuration.
struct Service {
    url: String,
    token: Secure<String>,
    seconds: u32,
}

async fn configure(_context: Context<()>, config: Config) -> Result<Service> {
    let mut problems = Vec::new();
    if config.trust == Trust::Pinned && config.fingerprint.is_none() {
        problems.push("checked-config/fingerprint: a pinned certificate has one");
    }
    if config.url.starts_with("http:") && !config.url.starts_with("http://127.0.0.1") {
        problems.push("checked-config/url: a token does not go over the network in plain; expected https://…");
    }
    match problems.split_first() {
        None => Ok(Service { url: config.url, token: config.token, seconds: config.seconds }),
        Some((first, others)) => Err(others.iter().fold(Error::bad_request(*first), |error, other| error.and(*other))),
    }
}

/// `define` runs it on the server: a provider that cannot do its work there is refused with this error, and not found
/// out later.
async fn validate(context: Context<()>, definition: PluginProvider) -> Result<PluginProvider> {
    context.require_features(&["secure-params"]).await?;
    Ok(definition)
}

async fn checked(context: Context<Service>, _system: System, _params: NoParams) -> Result<String> {
    let Service { url, token, seconds } = context.state();
    // Whoever reads the log sees `[secret]`.
    tracing::info!("asking {url} with {} every {seconds} seconds", token.expose());
    Ok(format!("{url} every {seconds} seconds"))
}

fn provider() -> Provider<Service> {
    Provider::new("checked-config", "v1.0.0")
        .about("Shows a configuration that is checked")
        .configure(configure)
        .validate(validate)
        .action("checked", checked)
}

fn main() -> ExitCode {
    provider().run()
}
