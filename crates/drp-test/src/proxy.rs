//! The provider's way to the API, which a test can cut.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_util::task::AbortOnDropHandle;

/// Hands TCP connections on to the host, as long as the way is open.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    way: Arc<watch::Sender<Way>>,
    _accepting: AbortOnDropHandle<()>,
}

/// Where connections lead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Way {
    target: Option<SocketAddr>,
    cut: bool,
    /// How often connections were dropped.
    drops: u64,
}

impl Proxy {
    /// A way that leads nowhere yet.
    pub(crate) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let way = Arc::new(watch::Sender::default());
        let accepting = tokio::spawn(accept(listener, Arc::clone(&way)));
        Ok(Self { address, way, _accepting: AbortOnDropHandle::new(accepting) })
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    pub(crate) fn lead_to(&self, target: SocketAddr) {
        self.way.send_modify(|way| way.target = Some(target));
    }

    /// Ends all connections, and every new one as soon as it is made.
    pub(crate) fn cut(&self) {
        self.way.send_modify(|way| {
            way.cut = true;
            way.drops += 1;
        });
    }

    pub(crate) fn restore(&self) {
        self.way.send_modify(|way| way.cut = false);
    }

    /// Ends all connections; new ones are handed on.
    pub(crate) fn drop_connections(&self) {
        self.way.send_modify(|way| way.drops += 1);
    }
}

async fn accept(listener: TcpListener, way: Arc<watch::Sender<Way>>) {
    // Ends with the process's descriptors at the latest; then the test has failed anyway.
    while let Ok((stream, _)) = listener.accept().await {
        let now = *way.borrow();
        let Some(target) = now.target.filter(|_| !now.cut) else { continue };
        tokio::spawn(hand_on(stream, target, way.subscribe(), now.drops));
    }
}

async fn hand_on(mut near: TcpStream, target: SocketAddr, mut way: watch::Receiver<Way>, drops: u64) {
    let copied = async {
        let mut far = TcpStream::connect(target).await?;
        copy_bidirectional(&mut near, &mut far).await
    };
    // Either end may break off; the other one sees that.
    tokio::select! {
        _ = copied => {}
        _ = way.wait_for(|way| way.drops != drops) => {}
    }
}
