//! A way to the API that can be cut.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tokio_util::task::AbortOnDropHandle;

/// Hands TCP connections on, as long as the way is open.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    target: watch::Sender<Option<SocketAddr>>,
    _accepting: AbortOnDropHandle<()>,
}

impl Proxy {
    /// A way that leads nowhere yet: every connection is closed as soon as it is made.
    pub(crate) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (target, now) = watch::channel(None);
        Ok(Self { address, target, _accepting: AbortOnDropHandle::new(tokio::spawn(accept(listener, now))) })
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Leads new connections to `target`; where there is none, ends those that are open as well.
    pub(crate) fn lead_to(&self, target: Option<SocketAddr>) {
        self.target.send_replace(target);
    }
}

async fn accept(listener: TcpListener, target: watch::Receiver<Option<SocketAddr>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let mut target = target.clone();
        connections.spawn(async move {
            let Some(address) = *target.borrow_and_update() else { return };
            tokio::select! {
                () = hand_on(stream, address) => {}
                _ = target.changed() => {}
            }
        });
    }
}

/// Both ends notice by themselves how it ended.
async fn hand_on(mut near: TcpStream, target: SocketAddr) {
    if let Ok(mut far) = TcpStream::connect(target).await {
        let _ = copy_bidirectional(&mut near, &mut far).await;
    }
}
