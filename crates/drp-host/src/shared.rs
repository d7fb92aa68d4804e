//! The one value that all rooms and requests of a host share.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::SystemTime,
};

use tokio::{
    sync::{Semaphore, watch},
    task::AbortHandle,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    actions::Actions, auth::Auth, backup::Backups, bus::Bus, contents::disk::DiskContent, files::Files, jobs::Jobs,
    log::Log, metrics::Metrics, objects::Objects, params::ParamValues, plugins::Plugins, prefs::Prefs,
    providers::Providers, server::connections::Connections, store::Store, tls::Identity,
};

/// The rooms of one host.
pub(crate) struct Shared {
    /// Name of this host in `info`.
    pub(crate) id: String,
    pub(crate) addresses: Addresses,
    /// When this host was started.
    pub(crate) started: SystemTime,
    pub(crate) identity: Arc<Identity>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) bus: Arc<Bus>,
    pub(crate) log: Arc<Log>,
    pub(crate) objects: Arc<Objects>,
    pub(crate) params: Arc<ParamValues>,
    pub(crate) auth: Arc<Auth>,
    pub(crate) prefs: Arc<Prefs>,
    pub(crate) actions: Arc<Actions>,
    pub(crate) providers: Arc<Providers>,
    pub(crate) plugins: Arc<Plugins>,
    pub(crate) files: Arc<Files>,
    pub(crate) isos: Arc<Files>,
    pub(crate) jobs: Arc<Jobs>,
    /// The content of the operator's directory.
    pub(crate) disk: DiskContent,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) backups: Backups,
    /// The data directory, as an absolute path.
    pub(crate) data: PathBuf,
    /// Room for websockets.
    pub(crate) websockets: Arc<Semaphore>,
    /// How many have room.
    pub(crate) websockets_max: usize,
    pub(crate) phase: watch::Sender<Phase>,
    /// What a stop waits for besides connections: websockets.
    pub(crate) tasks: TaskTracker,
    /// The host is going down: whoever waits for something else must come to an end.
    pub(crate) stopping: CancellationToken,
    /// What makes events of the store's changes, to the last one.
    pub(crate) pump: AbortHandle,
}

impl Shared {
    /// How far the host is in its life.
    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }
}

/// How far a host is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Its content and providers are being loaded.
    #[default]
    Starting,
    /// It does its work.
    Serving,
    /// Its plugins are being stopped, or have been.
    Stopping,
}

/// Where the host is reached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    /// Of the API, as it is bound.
    pub(crate) api: SocketAddr,
    /// Of the plain static files, if they are served.
    pub(crate) static_files: Option<SocketAddr>,
    /// Of metrics and health, if they are served.
    pub(crate) metrics: Option<SocketAddr>,
}

impl Addresses {
    /// An address of the API that can be connected to: one that is bound to all is reached by loopback.
    pub(crate) fn reachable(&self) -> SocketAddr {
        reachable(self.api)
    }

    /// URL of the API.
    pub(crate) fn endpoint(&self) -> String {
        format!("https://{}", self.reachable())
    }

    /// URL under which `/files` lies.
    pub(crate) fn fileserver(&self) -> String {
        self.static_files.map_or_else(|| self.endpoint(), |address| format!("http://{}", reachable(address)))
    }
}

fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_an_address_that_can_be_reached() {
        let check = |api: &str, static_files: Option<&str>, expected: [&str; 2]| {
            let parse = |text: &str| text.parse::<SocketAddr>().ok();
            let api = parse(api).unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0)));
            let addresses = Addresses { api, static_files: static_files.and_then(parse), metrics: None };
            assert_eq!([addresses.endpoint(), addresses.fileserver()], expected);
        };
        check("127.0.0.1:8092", None, ["https://127.0.0.1:8092", "https://127.0.0.1:8092"]);
        check("0.0.0.0:1", Some("0.0.0.0:2"), ["https://127.0.0.1:1", "http://127.0.0.1:2"]);
        check("[::]:1", Some("192.0.2.1:2"), ["https://[::1]:1", "http://192.0.2.1:2"]);
    }
}
