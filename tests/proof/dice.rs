//! Chance that can be repeated.

use std::env;

/// Numbers that follow from a seed (splitmix64).
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Those of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Others, which follow from these and `n`.
    pub(crate) fn split(&self, n: u64) -> Self {
        let mut dice = Self(self.0 ^ n.wrapping_mul(0xd134_2543_de82_ef95));
        dice.next();
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of `0..below`.
    pub(crate) fn below(&mut self, below: u64) -> u64 {
        self.next() % below.max(1)
    }

    /// One of `from..to`.
    pub(crate) fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from)
    }

    /// Yes, in one of `n` cases.
    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// One of these.
    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        let n = self.below(of.len() as u64) as usize;
        of.get(n)
    }
}

/// The seed of a run: given, or new; told when the test fails.
pub(crate) struct Seed(pub(crate) u64);

impl Seed {
    /// The one that the environment gives, or a new one.
    pub(crate) fn of_run() -> Self {
        let given = env::var("PARLOR_TEST_SEED").ok().map(|seed| seed.parse().expect("a seed is a number"));
        Self(given.unwrap_or_else(|| parlor::model::Tag::random().0))
    }

    /// Its dice.
    pub(crate) fn dice(&self) -> Dice {
        Dice::new(self.0)
    }
}

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("to run it again: PARLOR_TEST_SEED={}", self.0);
        }
    }
}

/// A length that the environment may set.
pub(crate) fn length(name: &str, usual: u64) -> u64 {
    env::var(name).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}
