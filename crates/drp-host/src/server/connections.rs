//! How many connections each client address holds.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Counts the connections of each address.
pub(crate) struct Connections {
    per_address_max: usize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

impl Connections {
    /// No connections yet, and at most so many of one address.
    pub(crate) fn new(per_address_max: usize) -> Self {
        Self { per_address_max, by_address: Mutex::default() }
    }

    /// All connections.
    pub(crate) fn count(&self) -> usize {
        self.counts().values().sum()
    }

    /// A seat for one more connection, unless the address has too many.
    pub(crate) fn seat(self: &Arc<Self>, address: IpAddr) -> Option<Arc<Seat>> {
        let address = address.to_canonical();
        let mut counts = self.counts();
        let count = counts.entry(address).or_default();
        if *count >= self.per_address_max {
            return None;
        }
        *count += 1;
        Some(Arc::new(Seat { connections: Arc::clone(self), address }))
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.by_address.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection's place, free again when the last owner drops it.
pub(crate) struct Seat {
    connections: Arc<Connections>,
    address: IpAddr,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut counts = self.connections.counts();
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
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
        assert!(connections.counts().is_empty());
    }
}
