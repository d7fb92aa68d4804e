//! What can be set on a plugin of this provider.

use drp_plugin::{Secure, Selector};
use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Config {
    /// What nobody may see; action `secret` tries.
    #[serde(rename = "probe/token")]
    pub(crate) token: Secure<String>,
    /// Not used, only checked.
    #[serde(rename = "probe/limit", default = "ten")]
    #[schemars(range(min = 1, max = 100))]
    #[allow(dead_code, reason = "it is only checked")]
    limit: u8,
    /// Not used, only checked.
    #[serde(rename = "probe/mode", default)]
    #[allow(dead_code, reason = "it is only checked")]
    mode: Mode,
    /// Selectors of the events to handle.
    #[serde(rename = "probe/events", default = "own_events")]
    pub(crate) events: Vec<Selector>,
    /// How many milliseconds the event handler sleeps.
    #[serde(rename = "probe/handler_ms", default)]
    pub(crate) handler_ms: u64,
    /// Whether the event handler fails.
    #[serde(rename = "probe/handler_fail", default)]
    pub(crate) handler_fail: bool,
}

#[derive(Debug, Default, Deserialize, JsonSchema, serde::Serialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    #[default]
    Fast,
    Slow,
}

fn ten() -> u8 {
    10
}

fn own_events() -> Vec<Selector> {
    vec![Selector::of(&["probe"], &[], &[])]
}
