//! The sockets of a host.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::StartError;
use crate::{config::HostConfig, shared::Addresses};

/// The sockets of a host, bound before anybody is told of them.
pub(super) struct Listeners {
    pub(super) api: TcpListener,
    pub(super) static_files: Option<TcpListener>,
    pub(super) metrics: Option<TcpListener>,
    pub(super) addresses: Addresses,
}

impl Listeners {
    pub(super) async fn bind(config: &HostConfig) -> Result<Self, StartError> {
        let (api, api_address) = listen(config.listen).await?;
        let (static_files, static_address) = listen_if(config.static_listen).await?.unzip();
        let (metrics, metrics_address) = listen_if(config.metrics_listen).await?.unzip();
        let addresses = Addresses { api: api_address, static_files: static_address, metrics: metrics_address };
        Ok(Self { api, static_files, metrics, addresses })
    }
}

async fn listen_if(address: Option<SocketAddr>) -> Result<Option<(TcpListener, SocketAddr)>, StartError> {
    match address {
        Some(address) => listen(address).await.map(Some),
        None => Ok(None),
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let bound = async {
        let listener = TcpListener::bind(address).await?;
        let bound = listener.local_addr()?;
        Ok((listener, bound))
    };
    bound.await.map_err(|source| StartError::Listen { address, source })
}
