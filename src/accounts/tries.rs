//! How often somebody may try to get in.
//!
//! Wrong passwords count by (name, address), so that nobody can lock another out; all tries count by address, so that
//! nobody goes through many names, or keeps the machine hashing.
//!
//! A node tells the others what it counts. While they are out of reach, each counts for itself.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock};
use moka::sync::Cache;
use sha2::{Digest, Sha256};

use crate::{
    bus::{Bus, Channel, Notice, TryKey},
    config::Rate,
    error::{Error, Result},
};

/// The wait after the last free try, doubled with each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait: a person comes back after a coffee, a machine gets about a hundred tries a day.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// A pair of name and address that wasn't tried for so long starts afresh.
const FORGET: Duration = Duration::from_secs(60 * 60);
/// Pairs that are remembered; about 100 bytes each.
const REMEMBERED: u64 = 100_000;

/// Counts tries.
pub struct Tries {
    free: u32,
    wrong: Cache<TryKey, Arc<Mutex<Wrong>>>,
    by_address: DefaultKeyedRateLimiter<IpAddr>,
    bus: Arc<dyn Bus>,
}

impl fmt::Debug for Tries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tries").field("free", &self.free).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Wrong {
    count: u32,
    last: Option<Instant>,
}

impl Tries {
    /// With so many tries an address, of which so many are free for one name.
    pub fn new(rate: Rate, free: u32, bus: Arc<dyn Bus>) -> Self {
        let quota = Quota::per_minute(rate.per_minute).allow_burst(rate.burst);
        Self {
            free,
            wrong: Cache::builder().max_capacity(REMEMBERED).time_to_idle(FORGET).build(),
            by_address: RateLimiter::keyed(quota),
            bus,
        }
    }

    /// Counts a try from this address, for whatever name.
    ///
    /// # Errors
    /// `slow_down`, with the time to wait.
    pub fn from_address(&self, address: IpAddr) -> Result<()> {
        let clock = governor::clock::DefaultClock::default();
        let refused = |until: governor::NotUntil<_>| Error::slow_down(until.wait_time_from(clock.now()));
        let address = network(address);
        self.by_address.check_key(&address).map_err(refused)?;
        self.tell(Notice::Tried(address));
        Ok(())
    }

    /// Counts a try for this name from this address; it counts as wrong until [`Tries::right`]. Counting before the
    /// password is checked keeps many tries at once from being free.
    ///
    /// # Errors
    /// `slow_down`, with the time to wait.
    pub fn for_name(&self, name: &str, address: IpAddr, now: Instant) -> Result<()> {
        let key = key(name, address);
        let wrong = self.wrong.get_with(key, Arc::default);
        let mut wrong = wrong.lock().unwrap_or_else(PoisonError::into_inner);
        let since = wrong.last.map(|last| now.saturating_duration_since(last)).unwrap_or(LONGEST_WAIT);
        let wait = wait(wrong.count, self.free).saturating_sub(since);
        if !wait.is_zero() {
            return Err(Error::slow_down(wait));
        }
        wrong.add(now);
        self.tell(Notice::TriedAs(key));
        Ok(())
    }

    /// The password was right: earlier tries are forgotten.
    pub fn right(&self, name: &str, address: IpAddr) {
        let key = key(name, address);
        self.wrong.invalidate(&key);
        self.tell(Notice::GotIn(key));
    }

    /// Counts what another node counted.
    pub fn hear(&self, notice: &Notice, now: Instant) {
        match notice {
            Notice::Tried(address) => {
                let _ = self.by_address.check_key(address);
            }
            Notice::TriedAs(key) => {
                let wrong = self.wrong.get_with(*key, Arc::default);
                wrong.lock().unwrap_or_else(PoisonError::into_inner).add(now);
            }
            Notice::GotIn(key) => self.wrong.invalidate(key),
            _ => {}
        }
    }

    fn tell(&self, notice: Notice) {
        self.bus.publish(Channel::Everyone, notice);
    }

    /// Lets go of addresses that haven't tried for a while. To be called now and then.
    pub fn tidy(&self) {
        self.by_address.retain_recent();
        self.by_address.shrink_to_fit();
    }
}

impl Wrong {
    fn add(&mut self, now: Instant) {
        self.count = self.count.saturating_add(1);
        self.last = Some(now);
    }
}

/// How long to wait after so many wrong tries.
fn wait(count: u32, free: u32) -> Duration {
    match count.checked_sub(free) {
        None => Duration::ZERO,
        Some(more) => FIRST_WAIT.saturating_mul(1 << more.min(16)).min(LONGEST_WAIT),
    }
}

/// An address as its holder has it: IPv6 is handed out by networks of 64 bits.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        v4 => v4,
    }
}

fn key(name: &str, address: IpAddr) -> TryKey {
    let mut hash = Sha256::new();
    hash.update(network(address).to_string());
    hash.update([0]);
    hash.update(name);
    let mut key = [0; 16];
    key.copy_from_slice(&hash.finalize()[..16]);
    TryKey(key)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::bus::LocalBus;

    fn tries(per_minute: u32) -> Tries {
        let number = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
        Tries::new(Rate { per_minute: number, burst: number }, 5, Arc::new(LocalBus::new().0))
    }

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    #[test]
    fn waits_grow_with_each_wrong_try_and_have_an_end() {
        assert_eq!(wait(4, 5), Duration::ZERO);
        assert_eq!(wait(5, 5), Duration::from_secs(1));
        assert_eq!(wait(8, 5), Duration::from_secs(8));
        assert_eq!(wait(u32::MAX, 5), LONGEST_WAIT);
    }

    #[test]
    fn one_address_waits_while_others_get_in() {
        let (tries, now) = (tries(1_000), Instant::now());
        for _ in 0..5 {
            assert!(tries.for_name("ann", HERE, now).is_ok());
        }
        assert!(tries.for_name("ann", HERE, now).is_err());
        assert!(tries.for_name("ann", THERE, now).is_ok());
        assert!(tries.for_name("bob", HERE, now).is_ok());
        assert!(tries.for_name("ann", HERE, now + Duration::from_secs(1)).is_ok());
        assert!(tries.for_name("ann", HERE, now + Duration::from_secs(2)).is_err());
        tries.right("ann", HERE);
        assert!(tries.for_name("ann", HERE, now + Duration::from_secs(2)).is_ok());
    }

    #[test]
    fn an_address_that_goes_through_many_names_is_slowed_down() {
        let tries = tries(3);
        assert!((0..3).all(|_| tries.from_address(HERE).is_ok()));
        let refused = tries.from_address(HERE).err().and_then(|error| error.retry_after());
        assert!(refused.is_some_and(|wait| wait > Duration::from_secs(10)), "{refused:?}");
        assert!(tries.from_address(THERE).is_ok());
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_as_one() -> Result<(), std::net::AddrParseError> {
        assert_eq!(network("2001:db8::1".parse()?), network("2001:db8::ffff:2".parse()?));
        assert_ne!(network("2001:db8::1".parse()?), network("2001:db8:0:1::1".parse()?));
        assert_eq!(network("::ffff:192.0.2.1".parse()?), HERE);
        Ok(())
    }
}
