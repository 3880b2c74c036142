//! How many connections there may be, in all and from one address.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::accounts::network;

/// Counts connections.
#[derive(Debug)]
pub(super) struct Places {
    most: usize,
    most_each: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    each: HashMap<IpAddr, usize>,
}

/// A connection's place; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    network: Option<IpAddr>,
}

impl Places {
    /// So many in all, and so many from one address.
    pub(super) fn new(most: usize, most_each: usize) -> Arc<Self> {
        Arc::new(Self { most, most_each, taken: Mutex::default() })
    }

    /// A place for a connection from this address, if there is one; with none, it counts only among all.
    pub(super) fn take(self: &Arc<Self>, address: Option<IpAddr>) -> Option<Place> {
        let network = address.map(network);
        let mut taken = self.taken();
        if taken.all >= self.most {
            return None;
        }
        if let Some(network) = network {
            let count = taken.each.entry(network).or_default();
            if *count >= self.most_each {
                return None;
            }
            *count += 1;
        }
        taken.all += 1;
        Some(Place { places: Arc::clone(self), network })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.all -= 1;
        if let Some(network) = self.network
            && let Some(count) = taken.each.get_mut(&network)
        {
            *count -= 1;
            if *count == 0 {
                taken.each.remove(&network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_run_out_by_address_and_in_all_and_are_given_back() {
        let places = Places::new(3, 2);
        let address = |n| Some(IpAddr::from([192, 0, 2, n]));
        let one = places.take(address(1));
        let two = places.take(address(1));
        assert!(one.is_some() && two.is_some());
        assert!(places.take(address(1)).is_none());
        let other = places.take(address(2));
        assert!(other.is_some() && places.take(address(3)).is_none() && places.take(None).is_none());
        drop((one, other));
        assert!(places.take(address(1)).is_some());
        drop(two);
        assert!(places.taken().each.is_empty() && places.taken().all == 0);
    }
}
