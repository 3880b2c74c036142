//! A socket's changes on their way: handed over in order, each acknowledged when it is made, whatever the others do.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_util::{Stream, stream::FuturesUnordered};

/// The most that one socket may have on their way; it isn't read further while so many are.
pub(super) const MOST: usize = 64;

/// What is on its way, and comes to a `T` each. One that ends is looked at, the others aren't.
pub(super) struct Underway<F> {
    /// None while nothing is: an idle socket holds as little as it can. Let go of, it lets go of the last first: a writer
    /// that looks meanwhile who still waits never finds a later one without those before it.
    changes: Option<FuturesUnordered<Change<F>>>,
    taken: u64,
}

/// A change, and which one it is.
struct Change<F> {
    turn: u64,
    made: F,
}

impl<F: Future + Unpin> Future for Change<F> {
    type Output = (u64, F::Output);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let end = ready!(Pin::new(&mut self.made).poll(cx));
        Poll::Ready((self.turn, end))
    }
}

impl<F: Future + Unpin> Underway<F> {
    /// Nothing.
    pub(super) fn new() -> Self {
        Self { changes: None, taken: 0 }
    }

    /// Whether there is room for one more.
    pub(super) fn has_room(&self) -> bool {
        self.changes.as_ref().is_none_or(|changes| changes.len() < MOST)
    }

    /// Takes one more.
    pub(super) fn push(&mut self, made: F) {
        self.taken += 1;
        self.changes.get_or_insert_default().push(Change { turn: self.taken, made });
    }

    /// Waits until some have come to their end; what they came to, in the order of asking.
    pub(super) async fn next(&mut self) -> Vec<F::Output> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Vec<F::Output>> {
        let Some(changes) = &mut self.changes else { return Poll::Pending };
        let mut ended = vec![];
        while let Poll::Ready(Some(end)) = Pin::new(&mut *changes).poll_next(cx) {
            ended.push(end);
        }
        if changes.is_empty() {
            self.changes = None;
        }
        if ended.is_empty() {
            return Poll::Pending;
        }
        ended.sort_unstable_by_key(|(turn, _)| *turn);
        Poll::Ready(ended.into_iter().map(|(_, end)| end).collect())
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn each_comes_when_it_ends_and_those_that_ended_together_in_the_order_of_asking() {
        let mut underway = Underway::new();
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..4).map(|_| oneshot::channel()).unzip();
        receivers.into_iter().for_each(|receiver| underway.push(receiver));
        let mut senders: Vec<_> = senders.into_iter().map(Some).collect();
        let mut end = |n: usize| senders[n].take().map(|sender| sender.send(n));
        end(2);
        assert_eq!(underway.next().await, [Ok(2)]);
        end(3);
        end(0);
        assert_eq!(underway.next().await, [Ok(0), Ok(3)]);
        end(1);
        assert_eq!(underway.next().await, [Ok(1)]);
    }

    #[tokio::test]
    async fn who_goes_lets_go_of_the_last_first() {
        struct Noted<'a>(u8, &'a std::cell::RefCell<Vec<u8>>);
        impl Drop for Noted<'_> {
            fn drop(&mut self) {
                self.1.borrow_mut().push(self.0);
            }
        }
        impl Future for Noted<'_> {
            type Output = ();
            fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
                Poll::Pending
            }
        }
        let order = std::cell::RefCell::default();
        let mut underway = Underway::new();
        (1..=3).for_each(|n| underway.push(Noted(n, &order)));
        drop(underway);
        assert_eq!(*order.borrow(), [3, 2, 1]);
    }
}
