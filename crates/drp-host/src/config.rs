//! Everything that an operator may set.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use drp_core::limits;

use crate::Recorder;

/// How a host is to run. Start from [`HostConfig::default`] and change what differs.
///
/// ```
/// use drp_host::HostConfig;
///
/// let config = HostConfig { data: "/var/lib/drpx".into(), ..HostConfig::default() };
/// assert_eq!(config.listen.port(), 8092);
/// assert_eq!(config.plugins_dir(), std::path::Path::new("/var/lib/drpx/plugins"));
/// ```
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// The data directory: store, certificate, sockets, static files. Made if it is not there.
    pub data: PathBuf,
    /// Where the API is served over TLS. Port 0 takes any free one.
    pub listen: SocketAddr,
    /// URL of the API that providers are told, where they are to reach it by another way than `listen` says, such as a
    /// proxy. The certificate must be good for its host name.
    pub advertised: Option<String>,
    /// Where static files are served over plain HTTP as well, if anywhere.
    pub static_listen: Option<SocketAddr>,
    /// The directory of provider executables; `plugins` in the data directory unless set.
    pub plugins: Option<PathBuf>,
    /// A directory of content bundles, each of which becomes a read-only layer; none unless set.
    pub content: Option<PathBuf>,
    /// The certificate to show, in place of the one that the host makes for itself.
    pub tls: Option<TlsFiles>,
    /// Where metrics, health and readiness are served over plain HTTP to whoever asks, if anywhere.
    pub metrics_listen: Option<SocketAddr>,
    /// Variables of the process's environment that providers must not see, besides those that would change whom they
    /// talk to.
    pub withheld_env: Vec<String>,
    /// Where what the host and its plugins say to each other is recorded, if anywhere.
    pub recorder: Option<Recorder>,
    /// The administrator and the password they are to have. Without it, a first start makes a random password.
    pub admin: Option<Admin>,
    /// How long things may take.
    pub times: Times,
    /// How much is kept of what would grow without end.
    pub retention: Retention,
    /// How much of the host clients may take up.
    pub limits: Limits,
}

/// A certificate of the operator's own, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, and behind it those that lead from it to its authority.
    pub certificate: PathBuf,
    /// The certificate's private key.
    pub key: PathBuf,
}

/// How much of the host clients may take up. What does not depend on the machine and its clients is a constant of
/// [`drp_core::limits`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections that one client address may hold, on all ports together and without websockets.
    pub connections_per_address: usize,
    /// Websockets in all.
    pub websockets: usize,
    /// Events that wait for one websocket or plugin; when there are more, the oldest are dropped and counted.
    pub subscriber_events: usize,
    /// Bytes of events that wait for one websocket or plugin.
    pub subscriber_event_bytes: usize,
}

/// How much is kept of what would grow without end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Jobs with their logs. When there are as many, a new one takes the place of the oldest that are over.
    pub jobs: usize,
    /// Bytes of one job's log. What does not fit any more is refused.
    pub job_log_bytes: u64,
    /// Lines of the host's own log that `GET /logs` finds. When there are as many, a new one takes the place of the
    /// oldest.
    pub log_lines: usize,
    /// Whether what a provider has unpacked stays when the provider goes; else it goes with it.
    pub keep_unpacked: bool,
}

/// A user with all rights.
#[derive(Clone)]
pub struct Admin {
    /// Name of the user.
    pub name: String,
    /// Password of the user.
    pub password: String,
}

/// How long things may take, and how long the host waits before it does some again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Times {
    /// A provider's `define`.
    pub define: Duration,
    /// A provider's `unpack`.
    pub unpack: Duration,
    /// From starting a plugin to its `READY!`.
    pub ready: Duration,
    /// A plugin's answer to config.
    pub config: Duration,
    /// A plugin's answer to an action; without limit unless set, because actions of hours exist.
    pub action: Option<Duration>,
    /// A plugin's answer to an event that is posted to it.
    pub publish: Duration,
    /// A plugin's answer to stop, and its exit.
    pub stop: Duration,
    /// What a stopping host gives the requests in flight.
    pub drain: Duration,
    /// From SIGTERM to SIGKILL.
    pub kill_grace: Duration,
    /// First wait before a crashed plugin is started again; it doubles each time.
    pub restart_wait_min: Duration,
    /// Longest wait before a crashed plugin is started again.
    pub restart_wait_max: Duration,
    /// What a plugin must live before its errors are forgotten.
    pub healthy: Duration,
}

impl Admin {
    /// Name of the administrator of a host whose operator names none.
    pub const DEFAULT_NAME: &str = "rocketskates";
}

impl HostConfig {
    /// The directory of provider executables.
    #[must_use]
    pub fn plugins_dir(&self) -> PathBuf {
        self.plugins.clone().unwrap_or_else(|| self.data.join("plugins"))
    }
}

impl Default for HostConfig {
    fn default() -> Self {
        Self {
            data: PathBuf::from("drp-data"),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8092)),
            advertised: None,
            static_listen: None,
            plugins: None,
            content: None,
            tls: None,
            metrics_listen: None,
            withheld_env: Vec::new(),
            recorder: None,
            admin: None,
            times: Times::default(),
            retention: Retention::default(),
            limits: Limits::default(),
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            jobs: limits::JOBS_MAX,
            job_log_bytes: limits::JOB_LOG_BYTES_MAX,
            log_lines: limits::LOG_LINES_KEPT_MAX,
            keep_unpacked: false,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_per_address: limits::CONNECTIONS_PER_ADDRESS_MAX,
            websockets: limits::WEBSOCKETS_MAX,
            subscriber_events: limits::SUBSCRIBER_EVENTS_MAX,
            subscriber_event_bytes: limits::SUBSCRIBER_EVENT_BYTES_MAX,
        }
    }
}

impl Default for Times {
    fn default() -> Self {
        Self {
            define: limits::DEFINE_TIME,
            unpack: limits::UNPACK_TIME,
            ready: limits::READY_TIME,
            config: limits::CONFIG_TIME,
            action: None,
            publish: limits::PUBLISH_TIME,
            stop: limits::STOP_TIME,
            drain: limits::DRAIN_TIME,
            kill_grace: limits::KILL_GRACE_TIME,
            restart_wait_min: limits::RESTART_WAIT_MIN,
            restart_wait_max: limits::RESTART_WAIT_MAX,
            healthy: limits::HEALTHY_TIME,
        }
    }
}

/// Without the password, which must not get into a log.
impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admin").field("name", &self.name).finish_non_exhaustive()
    }
}
