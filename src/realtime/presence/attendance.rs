//! Who is on one node, as it told the others, and a sum by which both ends see whether they agree.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use crate::model::UserId;

/// How often a node that others don't agree with is asked for all of its people.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// A node's people, each with whether a socket of theirs is in use.
#[derive(Debug, Default)]
pub(super) struct Attendance {
    people: HashMap<UserId, bool>,
    sum: u64,
}

impl Attendance {
    /// Whether somebody is there, and if so, whether at a screen.
    pub(super) fn of(&self, user: UserId) -> Option<bool> {
        self.people.get(&user).copied()
    }

    /// Somebody is there; false when that was known.
    pub(super) fn set(&mut self, user: UserId, active: bool) -> bool {
        let before = self.people.insert(user, active);
        if let Some(before) = before {
            self.sum = self.sum.wrapping_sub(weight(user, before));
        }
        self.sum = self.sum.wrapping_add(weight(user, active));
        before != Some(active)
    }

    /// Somebody is gone; false when that was known.
    pub(super) fn remove(&mut self, user: UserId) -> bool {
        let before = self.people.remove(&user);
        if let Some(before) = before {
            self.sum = self.sum.wrapping_sub(weight(user, before));
        }
        before.is_some()
    }

    /// Everybody.
    pub(super) fn all(&self) -> impl Iterator<Item = (UserId, bool)> {
        self.people.iter().map(|(user, active)| (*user, *active))
    }

    /// Follows from who is there and how, whatever the order in which it was told.
    pub(super) fn sum(&self) -> u64 {
        self.sum
    }
}

/// A number that hardly two people share. Every node must come to the same.
fn weight(user: UserId, active: bool) -> u64 {
    let id = u128::from_be_bytes(*user.as_bytes());
    let folded = (id >> 64) as u64 ^ (id as u64).rotate_left(23) ^ u64::from(active);
    let mixed = folded.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93)
}

/// Another node.
#[derive(Debug)]
pub(super) struct Other {
    pub(super) attendance: Attendance,
    /// When its people are gone, if it isn't heard of before.
    pub(super) until: Instant,
    /// When it was asked for all of its people.
    asked: Option<Instant>,
}

impl Other {
    /// One of which nothing else is known yet.
    pub(super) fn new(until: Instant) -> Self {
        Self { attendance: Attendance::default(), until, asked: None }
    }

    /// Whether it should be asked for all of its people, since what it told doesn't come to the sum that it told.
    pub(super) fn is_to_be_asked(&mut self, sum: Option<u64>, now: Instant) -> bool {
        let lately = self.asked.is_some_and(|asked| now - asked < ASK_EVERY);
        let differs = sum.is_some_and(|sum| sum != self.attendance.sum());
        if differs && !lately {
            self.asked = Some(now);
        }
        differs && !lately
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_follows_from_who_is_there_and_not_from_how_that_came_to_be() {
        let (one, other, third) = (UserId::new(), UserId::new(), UserId::new());
        let (mut here, mut there) = (Attendance::default(), Attendance::default());
        here.set(one, true);
        here.set(other, false);
        for (user, active) in [(third, true), (other, true), (other, false), (one, true)] {
            there.set(user, active);
        }
        assert_ne!(here.sum(), there.sum());
        assert!(there.remove(third) && !there.remove(third));
        assert_eq!(here.sum(), there.sum());
        there.set(one, false);
        assert_ne!(here.sum(), there.sum(), "idle is another state than online");
    }
}
