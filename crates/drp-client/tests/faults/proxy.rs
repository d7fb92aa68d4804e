//! A TCP proxy that does to its connections what networks do.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::broadcast,
    time::{Instant, sleep},
};

use crate::numbers::Numbers;

/// What happens to all connections of the moment.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// They end.
    Cut,
    /// They end after so many bytes more in one direction: in the middle of a frame, mostly.
    CutAfter(u64),
    /// Nothing passes any more, and nobody is told.
    HalfOpen,
    /// Nothing passes for a time.
    Stall(Duration),
    /// For a time everything passes in small pieces, each of them late.
    Delay(Duration),
    /// They end, and so many new ones are not let in.
    Refuse(u64),
}

impl Fault {
    pub(crate) fn any(numbers: &mut Numbers) -> Self {
        match numbers.below(10) {
            0 | 1 => Self::Cut,
            2..=4 => Self::CutAfter(numbers.below(2000)),
            5 => Self::HalfOpen,
            6 => Self::Stall(Duration::from_millis(numbers.below(300))),
            7 | 8 => Self::Delay(Duration::from_millis(numbers.below(300))),
            _ => Self::Refuse(1 + numbers.below(4)),
        }
    }
}

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    faults: broadcast::Sender<Fault>,
    refusing: Arc<AtomicU64>,
}

/// Longer than any run waits: a connection that is half open never ends by itself.
const FOR_EVER: Duration = Duration::from_secs(3600);
/// What passes at once.
const BUFFER_BYTES: usize = 16 << 10;
/// What a delayed connection lets pass at once, and how late.
const PIECE_BYTES: usize = 200;
const PIECE_TIME: Duration = Duration::from_millis(5);

impl Proxy {
    pub(crate) async fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (faults, _) = broadcast::channel(1024);
        let refusing = Arc::new(AtomicU64::new(0));
        let (make_faults, refuse) = (faults.clone(), Arc::clone(&refusing));
        tokio::spawn(async move {
            while let Ok((inner, _)) = listener.accept().await {
                if refuse.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok() {
                    continue;
                }
                tokio::spawn(connect(inner, upstream, make_faults.subscribe(), make_faults.subscribe()));
            }
        });
        Self { address, faults, refusing }
    }

    pub(crate) fn make(&self, fault: Fault) {
        if let Fault::Refuse(count) = fault {
            self.refusing.store(count, Ordering::Relaxed);
        }
        // There may be no connection at the moment.
        let _ = self.faults.send(fault);
    }
}

async fn connect(
    mut inner: TcpStream,
    upstream: SocketAddr,
    there: broadcast::Receiver<Fault>,
    back: broadcast::Receiver<Fault>,
) {
    let Ok(mut outer) = TcpStream::connect(upstream).await else { return };
    // What is late is so on purpose only.
    inner.set_nodelay(true).unwrap();
    outer.set_nodelay(true).unwrap();
    let (inner_read, inner_write) = inner.split();
    let (outer_read, outer_write) = outer.split();
    // Both directions end together.
    tokio::select! {
        () = pass(inner_read, outer_write, there) => {}
        () = pass(outer_read, inner_write, back) => {}
    }
}

/// Lets bytes pass until the connection ends.
async fn pass(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut faults: broadcast::Receiver<Fault>) {
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut bytes_left = u64::MAX;
    let mut late_until = Instant::now();
    loop {
        tokio::select! {
            biased;
            fault = faults.recv() => match fault {
                Ok(Fault::Cut | Fault::Refuse(_)) | Err(_) => return,
                Ok(Fault::CutAfter(bytes)) => bytes_left = bytes_left.min(bytes),
                Ok(Fault::HalfOpen) => sleep(FOR_EVER).await,
                Ok(Fault::Stall(time)) => sleep(time).await,
                Ok(Fault::Delay(time)) => late_until = Instant::now() + time,
            },
            read = from.read(&mut buffer) => {
                let Ok(count @ 1..) = read else { return };
                let count = count.min(usize::try_from(bytes_left).unwrap_or(usize::MAX));
                let is_late = Instant::now() < late_until;
                for piece in buffer[..count].chunks(if is_late { PIECE_BYTES } else { BUFFER_BYTES }) {
                    if is_late {
                        sleep(PIECE_TIME).await;
                    }
                    if to.write_all(piece).await.is_err() {
                        return;
                    }
                }
                bytes_left -= count as u64;
                if bytes_left == 0 {
                    return;
                }
            }
        }
    }
}
