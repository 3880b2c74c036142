//! Floods: how many changes a person may make.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock};

use crate::{
    config::Rate,
    error::{Error, Result},
    model::UserId,
};

/// People who wrote nothing for a while are forgotten once in so many changes.
const TIDY_EVERY: u32 = 4_096;

/// One token bucket a person.
#[derive(Clone)]
pub struct Floods {
    inner: Arc<(DefaultKeyedRateLimiter<UserId>, AtomicU32)>,
}

impl std::fmt::Debug for Floods {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Floods").finish_non_exhaustive()
    }
}

impl Floods {
    /// Buckets of this size.
    pub fn new(rate: Rate) -> Self {
        let quota = Quota::per_minute(rate.per_minute).allow_burst(rate.burst);
        Self { inner: Arc::new((RateLimiter::keyed(quota), AtomicU32::new(0))) }
    }

    /// Takes a token of this person's.
    ///
    /// # Errors
    /// `SlowDown` with the time until the next.
    pub fn check(&self, user: UserId) -> Result<()> {
        let (limiter, count) = &*self.inner;
        if count.fetch_add(1, Ordering::Relaxed) % TIDY_EVERY == TIDY_EVERY - 1 {
            limiter.retain_recent();
        }
        limiter.check_key(&user).map_err(|until| {
            let wait = until.wait_time_from(limiter.clock().now());
            Error::slow_down(wait.max(Duration::from_millis(1)))
        })
    }
}
