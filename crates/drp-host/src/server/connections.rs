//! How many connections each client address holds.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use drp_core::limits;

/// Counts the connections of each address.
pub(crate) struct Connections {
    per_address_max: usize,
    by_address: Mutex<HashMap<IpAddr, Held>>,
}

/// What one address holds.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Held {
    requests: usize,
    websockets: usize,
}

impl Connections {
    /// No connections yet, and at most so many of one address.
    pub(crate) fn new(per_address_max: usize) -> Self {
        Self { per_address_max, by_address: Mutex::default() }
    }

    /// All connections.
    pub(crate) fn count(&self) -> usize {
        self.held().values().map(|held| held.requests + held.websockets).sum()
    }

    /// A seat for one more connection, unless the address has too many.
    pub(crate) fn seat(self: &Arc<Self>, address: IpAddr) -> Option<Arc<Seat>> {
        let address = address.to_canonical();
        let mut held = self.held();
        let held = held.entry(address).or_default();
        if held.requests >= self.per_address_max {
            return None;
        }
        held.requests += 1;
        let seat = Seat { connections: Arc::clone(self), address, is_websocket: AtomicBool::new(false) };
        Some(Arc::new(seat))
    }

    fn held(&self) -> MutexGuard<'_, HashMap<IpAddr, Held>> {
        self.by_address.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection's place, free again when the last owner drops it.
pub(crate) struct Seat {
    connections: Arc<Connections>,
    address: IpAddr,
    is_websocket: AtomicBool,
}

impl Seat {
    /// Counts the connection as a websocket from now on, unless the address has too many: those stay for long and say
    /// who they are, and must not keep others of their address from being served.
    pub(crate) fn becomes_websocket(&self) -> bool {
        let mut held = self.connections.held();
        let Some(held) = held.get_mut(&self.address) else { return false };
        if held.websockets >= limits::WEBSOCKETS_PER_ADDRESS_MAX {
            return false;
        }
        if !self.is_websocket.swap(true, Ordering::Relaxed) {
            held.requests -= 1;
            held.websockets += 1;
        }
        true
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut all = self.connections.held();
        if let Some(held) = all.get_mut(&self.address) {
            match self.is_websocket.load(Ordering::Relaxed) {
                true => held.websockets -= 1,
                false => held.requests -= 1,
            }
            if *held == Held::default() {
                all.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEATS: usize = 3;

    #[test]
    fn an_address_has_so_many_seats_and_gets_them_back() {
        let connections = Arc::new(Connections::new(SEATS));
        let [one, two] = [IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2])];
        let seats: Vec<_> = (0..SEATS).map(|_| connections.seat(one)).collect();
        assert!(seats.iter().all(Option::is_some));
        assert!(connections.seat(one).is_none());
        assert!(connections.seat(two).is_some());
        assert_eq!(connections.count(), SEATS);
        drop(seats);
        assert!(connections.seat(one).is_some());
        assert!(connections.held().is_empty());
    }

    #[test]
    fn websockets_leave_their_seat_to_others() {
        let connections = Arc::new(Connections::new(1));
        let address = IpAddr::from([192, 0, 2, 1]);
        let seat = || connections.seat(address).expect("a seat");
        let socket = || {
            let seat = seat();
            assert!(seat.becomes_websocket());
            seat
        };
        let sockets: Vec<_> = (0..limits::WEBSOCKETS_PER_ADDRESS_MAX).map(|_| socket()).collect();
        assert!(!seat().becomes_websocket());
        drop(sockets);
        assert!(seat().becomes_websocket());
        assert!(connections.held().is_empty());
    }
}
