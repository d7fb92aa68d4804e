//! All that an operator can set: one table of the settings, with their names in the configuration file.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::ValueEnum;
use drp_core::Level;
use drp_host::{Admin, HostConfig};

/// How the server is to run, from the defaults, the file and the command line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// What the host takes over as it is.
    pub(crate) host: HostConfig,
    pub(crate) data: Option<PathBuf>,
    pub(crate) tls_cert: Option<PathBuf>,
    pub(crate) tls_key: Option<PathBuf>,
    /// From the command line, whole.
    pub(crate) admin: Option<Admin>,
    pub(crate) admin_name: Option<String>,
    /// Where the password is, never the password itself.
    pub(crate) admin_password: Option<String>,
    pub(crate) log_format: LogFormat,
    pub(crate) log_level: LogLevel,
}

/// What the log looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What the log leaves out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    Trace,
    Debug,
    #[default]
    Info,
    Warn,
    Error,
}

impl LogLevel {
    /// The lowest level of a line that is shown.
    pub(crate) fn lowest(self) -> Level {
        match self {
            Self::Trace => Level::Trace,
            Self::Debug => Level::Debug,
            Self::Info => Level::Info,
            Self::Warn => Level::Warn,
            Self::Error => Level::Error,
        }
    }
}

/// One setting of the file.
pub(super) struct Setting {
    /// Its table and name, with a dot between.
    pub(super) key: &'static str,
    pub(super) place: Place,
}

/// Where a setting's value goes, and so what it must be.
pub(super) enum Place {
    Path(fn(&mut Settings) -> &mut Option<PathBuf>),
    Address(fn(&mut Settings) -> &mut SocketAddr),
    OptionalAddress(fn(&mut Settings) -> &mut Option<SocketAddr>),
    Time(fn(&mut Settings) -> &mut Duration),
    OptionalTime(fn(&mut Settings) -> &mut Option<Duration>),
    Count(fn(&mut Settings) -> &mut usize),
    Bytes(fn(&mut Settings) -> &mut u64),
    Flag(fn(&mut Settings) -> &mut bool),
    Text(fn(&mut Settings) -> &mut Option<String>),
    /// Where a secret is; see [`password`](super::password).
    Reference(fn(&mut Settings) -> &mut Option<String>),
    LogFormat(fn(&mut Settings) -> &mut LogFormat),
    LogLevel(fn(&mut Settings) -> &mut LogLevel),
}

const fn setting(key: &'static str, place: Place) -> Setting {
    Setting { key, place }
}

/// Every setting, in the order of the documentation.
pub(super) const SETTINGS: &[Setting] = &[
    setting("data", Place::Path(|s| &mut s.data)),
    setting("listen", Place::Address(|s| &mut s.host.listen)),
    setting("static_listen", Place::OptionalAddress(|s| &mut s.host.static_listen)),
    setting("metrics_listen", Place::OptionalAddress(|s| &mut s.host.metrics_listen)),
    setting("plugins", Place::Path(|s| &mut s.host.plugins)),
    setting("content", Place::Path(|s| &mut s.host.content)),
    setting("admin.name", Place::Text(|s| &mut s.admin_name)),
    setting("admin.password", Place::Reference(|s| &mut s.admin_password)),
    setting("tls.cert", Place::Path(|s| &mut s.tls_cert)),
    setting("tls.key", Place::Path(|s| &mut s.tls_key)),
    setting("log.format", Place::LogFormat(|s| &mut s.log_format)),
    setting("log.level", Place::LogLevel(|s| &mut s.log_level)),
    setting("times.define", Place::Time(|s| &mut s.host.times.define)),
    setting("times.unpack", Place::Time(|s| &mut s.host.times.unpack)),
    setting("times.ready", Place::Time(|s| &mut s.host.times.ready)),
    setting("times.config", Place::Time(|s| &mut s.host.times.config)),
    setting("times.action", Place::OptionalTime(|s| &mut s.host.times.action)),
    setting("times.stop", Place::Time(|s| &mut s.host.times.stop)),
    setting("times.drain", Place::Time(|s| &mut s.host.times.drain)),
    setting("times.kill_grace", Place::Time(|s| &mut s.host.times.kill_grace)),
    setting("times.restart_wait_min", Place::Time(|s| &mut s.host.times.restart_wait_min)),
    setting("times.restart_wait_max", Place::Time(|s| &mut s.host.times.restart_wait_max)),
    setting("times.healthy", Place::Time(|s| &mut s.host.times.healthy)),
    setting("retention.jobs", Place::Count(|s| &mut s.host.retention.jobs)),
    setting("retention.job_log_bytes", Place::Bytes(|s| &mut s.host.retention.job_log_bytes)),
    setting("retention.log_lines", Place::Count(|s| &mut s.host.retention.log_lines)),
    setting("retention.keep_unpacked", Place::Flag(|s| &mut s.host.retention.keep_unpacked)),
    setting("limits.connections_per_address", Place::Count(|s| &mut s.host.limits.connections_per_address)),
    setting("limits.websockets", Place::Count(|s| &mut s.host.limits.websockets)),
    setting("limits.subscriber_events", Place::Count(|s| &mut s.host.limits.subscriber_events)),
    setting("limits.subscriber_event_bytes", Place::Count(|s| &mut s.host.limits.subscriber_event_bytes)),
];
