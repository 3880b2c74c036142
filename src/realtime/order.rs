//! Putting a stream's appends in order, whatever order they come in: a state machine without I/O.

use std::{cmp::Ordering, collections::BTreeMap, sync::Arc};

use crate::{
    bus::Committed,
    model::{Head, Rev},
};

/// Appends kept aside while one before them is missing; what comes beyond is read from the log.
const MAX_HELD: usize = 64;

/// Where a stream's readers stand, and what came too early.
#[derive(Debug)]
pub(super) struct Order {
    at: Head,
    held: BTreeMap<Rev, Arc<Committed>>,
    parted: bool,
    /// The log's head when it was last compared.
    told: Rev,
    /// Where the readers stood then.
    compared: Head,
}

impl Order {
    /// Of readers who have, or will read, all up to `at`.
    pub(super) fn new(at: Head) -> Self {
        Self { at, held: BTreeMap::new(), parted: false, told: at.rev, compared: at }
    }

    /// Where the readers stand.
    pub(super) fn at(&self) -> Head {
        self.at
    }

    /// Takes an append; returns those whose turn it is now.
    pub(super) fn offer(&mut self, committed: Arc<Committed>) -> Vec<Arc<Committed>> {
        let base = committed.append.base();
        if committed.append.head().rev <= self.at.rev {
            return vec![];
        }
        if base.rev > self.at.rev {
            if self.held.len() < MAX_HELD {
                self.held.insert(base.rev, committed);
            }
            return vec![];
        }
        if base != self.at {
            self.parted = true;
            return vec![];
        }
        let mut due = vec![];
        let mut next = Some(committed);
        while let Some(committed) = next {
            self.at = committed.append.head();
            due.push(committed);
            self.held = self.held.split_off(&self.at.rev);
            next = self.held.remove(&self.at.rev);
            if next.as_ref().is_some_and(|next| next.append.prev != self.at.tag) {
                self.parted = true;
                next = None;
            }
        }
        due
    }

    /// Compares where the readers stand with the log's head, as a look found it a moment ago. True when they have what it doesn't
    /// hold: it was rolled back, or whoever was asked doesn't know all of it yet. Readers who have gone on since the comparison
    /// before may well be ahead of a look.
    pub(super) fn compare(&mut self, head: Head) -> bool {
        let rest = self.at == std::mem::replace(&mut self.compared, self.at);
        self.told = head.rev;
        match head.rev.cmp(&self.at.rev) {
            Ordering::Greater => false,
            Ordering::Equal => head.tag != self.at.tag,
            Ordering::Less => rest,
        }
    }

    /// Whether something is known to be missing: a later append shows it to be there, or the last comparison, or the log is
    /// another.
    pub(super) fn lacks(&self) -> bool {
        !self.held.is_empty() || self.parted || self.at.rev < self.told
    }

    /// Whether the log isn't the one that the readers saw: the store was restored or rolled back.
    pub(super) fn parted(&self) -> bool {
        self.parted
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Append, Entry, NonceKey, RequestHash, RoomId, Stream, Tag, Timestamp, UserId, What};

    fn history(sizes: &[u64]) -> Vec<Arc<Committed>> {
        let user = UserId::new();
        let mut head = Head::default();
        let append = |size: &u64| {
            let entries = (1..=*size).map(|n| Entry {
                rev: Rev(head.rev.0 + n),
                at: Timestamp::default(),
                by: user,
                nonce: NonceKey(format!("{}", head.rev.0 + n).into()),
                request: RequestHash::of(&()),
                what: What::RoomGone { room: RoomId::general() },
            });
            let append = Append {
                stream: Stream::Person(user),
                tag: Tag::random(),
                prev: head.tag,
                entries: entries.collect(),
            };
            head = append.head();
            Arc::new(Committed { append, docs: vec![] })
        };
        sizes.iter().map(append).collect()
    }

    proptest! {
        #[test]
        fn whatever_is_lost_repeated_or_swapped_readers_get_each_once_in_order(
            sizes in prop::collection::vec(1_u64..4, 1..40),
            picks in prop::collection::vec(any::<prop::sample::Index>(), 0..120),
            start in any::<prop::sample::Index>(),
        ) {
            let history = history(&sizes);
            let start = start.index(history.len());
            let mut order = Order::new(history[start].append.base());
            let mut got = vec![];
            for pick in &picks {
                got.extend(order.offer(history[pick.index(history.len())].clone()));
            }
            // Healing: the log's appends from where the readers stand.
            for committed in &history {
                got.extend(order.offer(committed.clone()));
            }
            prop_assert_eq!(got.len(), history.len() - start);
            prop_assert!(got.iter().zip(&history[start..]).all(|(a, b)| Arc::ptr_eq(a, b)));
            prop_assert!(!order.lacks());
            prop_assert_eq!(order.at(), history[history.len() - 1].append.head());
        }
    }

    #[test]
    fn readers_who_go_on_may_be_ahead_of_a_look_at_the_log_but_not_for_long() {
        let history = history(&[1; 4]);
        let heads: Vec<Head> = history.iter().map(|committed| committed.append.head()).collect();
        let mut order = Order::new(heads[0]);
        order.offer(history[1].clone());
        order.offer(history[2].clone());
        assert!(!order.compare(heads[1]));
        assert!(order.compare(heads[1]));
        assert!(!order.compare(heads[2]) && !order.lacks());

        assert!(!order.compare(heads[3]) && order.lacks());
        order.offer(history[3].clone());
        assert!(!order.lacks());

        assert!(order.compare(Head { tag: Tag::random(), ..heads[3] }));
    }

    #[test]
    fn another_history_is_noticed() {
        let (one, other) = (history(&[1, 1, 1]), history(&[1, 1, 1]));
        let mut order = Order::new(Head::default());
        order.offer(one[0].clone());
        assert!(order.offer(other[1].clone()).is_empty());
        assert!(order.parted());
    }
}
