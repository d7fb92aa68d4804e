//! The plugin contract: how a host runs a provider and what the two say to each other.
//!
//! A provider is run as `define`, `unpack DIR` or `listen TO FROM`. Under `listen` it serves HTTP on the socket TO and
//! may call the host on the socket FROM; it prints [`READY`] when it serves. Evidence: `vectors/wire/plugin-cli.json`
//! and `vectors/wire/realhost-incrementer.jsonl`.

/// The only protocol version there is: what `PluginVersion` of a definition must hold.
pub const PLUGIN_VERSION: i64 = 4;

/// The line a provider prints once it serves its socket.
pub const READY: &str = "READY!";
/// The line a provider prints when it cannot serve because its arguments are wrong.
pub const FAILED: &str = "Failed";

/// Host to plugin: POST the plugin's params and [`NAME_KEY`].
pub const CONFIG_PATH: &str = "/api-plugin/v4/config";
/// Host to plugin: POST `null` to end it.
pub const STOP_PATH: &str = "/api-plugin/v4/stop";
/// Host to plugin: POST an [`Action`](crate::Action).
pub const ACTION_PATH: &str = "/api-plugin/v4/action";
/// Host to plugin: POST an [`Event`](crate::Event); served only by providers with `HasPublish` and no selector.
pub const PUBLISH_PATH: &str = "/api-plugin/v4/publish";

/// Plugin to host: the prefix that the Go framework calls and every known server serves.
pub const CALLBACK_PREFIX: &str = "/api-server-plugin/v4";
/// Plugin to host: the prefix that the Go package's documentation names. A host serves both.
pub const CALLBACK_PREFIX_DOCUMENTED: &str = "/api-plugin-server/v4";

/// The key that the host adds to the config body: the name of the plugin (the instance).
pub const NAME_KEY: &str = "Name";

/// Base of the REST API.
pub const API_BASE: &str = "/api/v3";

/// URL of the API.
pub const ENDPOINT_ENV: &str = "RS_ENDPOINT";
/// Bearer token for the API.
pub const TOKEN_ENV: &str = "RS_TOKEN";
/// URL of the static file server.
pub const FILESERVER_ENV: &str = "RS_FILESERVER";
/// File-system path of the static file space.
pub const WEBROOT_ENV: &str = "RS_WEBROOT";
/// PEM file with the certificate authority of [`ENDPOINT_ENV`]; set by drpx hosts only.
pub const CA_FILE_ENV: &str = "RS_CA_FILE";
/// User and password, `NAME:PASSWORD`, of people's commands.
pub const KEY_ENV: &str = "RS_KEY";
/// URLs of the API, apart by blanks, of people's commands: the first that works is taken.
pub const ENDPOINTS_ENV: &str = "RS_ENDPOINTS";
/// Id of the endpoint to which the server of people's commands hands their calls on.
pub const URL_PROXY_ENV: &str = "RS_URL_PROXY";
/// Unix socket of a local proxy for people's commands (`drpcli proxy`).
pub const LOCAL_PROXY_ENV: &str = "RS_LOCAL_PROXY";
/// A user's name, in the settings file of people's commands only.
pub const USERNAME_SETTING: &str = "RS_USERNAME";
/// A user's password, in the settings file of people's commands only.
pub const PASSWORD_SETTING: &str = "RS_PASSWORD";
/// The settings file of people's commands, in their home directory.
pub const SETTINGS_FILE: &str = ".drpclirc";
/// The value of [`TOKEN_ENV`] that says: there is no server, print the static definition.
pub const CATALOG_TOKEN: &str = "catalog";

/// Variables that a host takes out of a provider's environment: they would change whom its API client talks to.
pub const SCRUBBED_ENV: [&str; 5] = [LOCAL_PROXY_ENV, KEY_ENV, USERNAME_SETTING, PASSWORD_SETTING, ENDPOINTS_ENV];

/// Request header: log this request at the level it names.
pub const LOG_REQUEST_HEADER: &str = "x-log-request";
/// Request header: a text to find the request by in the log.
pub const LOG_TOKEN_HEADER: &str = "x-log-token";
/// Websocket request header: tell a lagging subscriber how many events it lost instead of closing it (drpx only).
pub const LAGGED_HEADER: &str = "x-drpx-lagged";
/// Type of the notice that [`LAGGED_HEADER`] asks for; its Object is the number of lost events.
pub const LAGGED_EVENT_TYPE: &str = "websocket";
/// Action of the notice that [`LAGGED_HEADER`] asks for.
pub const LAGGED_EVENT_ACTION: &str = "lagged";

/// Key and model of a system action's target: the profile `global`.
pub const GLOBAL_PROFILE: &str = "global";
/// Name of the system action set, both in the REST path and in `CommandSet`.
pub const SYSTEM: &str = "system";
