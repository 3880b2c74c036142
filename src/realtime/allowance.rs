//! How often one socket may say something.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Error, Result};

/// A bucket of tokens that fills by itself; full at the start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    per_second: f64,
    most: f64,
    left: f64,
    at: Option<Instant>,
}

impl Allowance {
    pub(super) const fn new(per_second: f64, most: f64) -> Self {
        Self { per_second, most, left: most, at: None }
    }

    /// Takes a token.
    ///
    /// # Errors
    /// `SlowDown`, with the time until there is one.
    pub(super) fn take(&mut self) -> Result<()> {
        self.take_at(Instant::now())
    }

    fn take_at(&mut self, now: Instant) -> Result<()> {
        let passed = self.at.map_or(0.0, |at| now.duration_since(at).as_secs_f64());
        self.at = Some(now);
        self.left = (self.left + passed * self.per_second).min(self.most);
        if self.left < 1.0 {
            return Err(Error::slow_down(Duration::from_secs_f64((1.0 - self.left) / self.per_second)));
        }
        self.left -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_used_up_and_fills_again() {
        let start = Instant::now();
        let mut allowance = Allowance::new(10.0, 3.0);
        let mut taken = |ms| allowance.take_at(start + Duration::from_millis(ms)).is_ok();
        assert!((0..3).all(|_| taken(0)) && !taken(0));
        assert!(taken(101) && !taken(101));
        assert!((0..3).all(|_| taken(60_000)) && !taken(60_000));
    }
}
