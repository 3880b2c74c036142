//! Floods: how many changes a person may make, on all nodes together.
//!
//! Each node decides by itself, at once, and tells the others every moment what its people spent: so who writes through
//! several nodes gains that moment, and nobody waits for Redis. While nodes don't hear each other, each counts for
//! itself.

use std::{
    collections::HashMap,
    fmt, mem,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock};
use tokio_util::sync::CancellationToken;

use crate::{
    bus::{Bus, Channel, Notice},
    config::Rate,
    error::{Error, Result},
    model::UserId,
};

/// People who wrote nothing for a while are forgotten once in so many changes.
const TIDY_EVERY: u32 = 4_096;
/// How often other nodes are told what was spent.
const TELL: Duration = Duration::from_millis(500);
/// How many people one notice tells of.
const TOLD: usize = 1_000;

/// One token bucket a person.
#[derive(Clone)]
pub struct Floods {
    inner: Arc<Inner>,
}

struct Inner {
    buckets: DefaultKeyedRateLimiter<UserId>,
    checks: AtomicU32,
    /// The most that a bucket holds.
    burst: u32,
    /// What was taken here since other nodes were told.
    spent: Mutex<HashMap<UserId, u32>>,
}

impl fmt::Debug for Floods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Floods").finish_non_exhaustive()
    }
}

impl Floods {
    /// Buckets of this size.
    pub fn new(rate: Rate) -> Self {
        let quota = Quota::per_minute(rate.per_minute).allow_burst(rate.burst);
        let (checks, spent) = (AtomicU32::new(0), Mutex::default());
        let burst = rate.burst.get();
        Self { inner: Arc::new(Inner { buckets: RateLimiter::keyed(quota), checks, burst, spent }) }
    }

    /// Takes a token of this person's.
    ///
    /// # Errors
    /// `SlowDown` with the time until the next.
    pub fn check(&self, user: UserId) -> Result<()> {
        let Inner { buckets, checks, .. } = &*self.inner;
        if checks.fetch_add(1, Ordering::Relaxed) % TIDY_EVERY == TIDY_EVERY - 1 {
            buckets.retain_recent();
        }
        buckets.check_key(&user).map_err(|until| {
            let wait = until.wait_time_from(buckets.clock().now());
            Error::slow_down(wait.max(Duration::from_millis(1)))
        })?;
        *self.spent().entry(user).or_default() += 1;
        Ok(())
    }

    /// Takes what was spent on another node.
    pub fn hear(&self, spent: &[(UserId, u32)]) {
        for (user, count) in spent {
            // A bucket that runs empty on the way is empty: no need to go on.
            let mut left = (0..(*count).min(self.inner.burst)).map(|_| self.inner.buckets.check_key(user));
            let _ = left.all(|taken| taken.is_ok());
        }
    }

    /// Tells the other nodes what is spent here, until `stop`.
    pub async fn tell(self, bus: Arc<dyn Bus>, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(TELL);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let spent: Vec<_> = mem::take(&mut *self.spent()).into_iter().collect();
            for spent in spent.chunks(TOLD) {
                bus.publish(Channel::Everyone, Notice::Spent(spent.to_vec()));
            }
        }
    }

    fn spent(&self) -> std::sync::MutexGuard<'_, HashMap<UserId, u32>> {
        self.inner.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
