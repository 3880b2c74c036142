//! Telling how far a long piece of work is.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use crate::store::Collection;

/// How often it is told to somebody who looks on, and to a log.
const TELL: Duration = Duration::from_secs(1);
const TELL_LOG: Duration = Duration::from_secs(30);

/// How far the work on one collection after the other is, told now and then.
pub(super) struct Progress<F> {
    tell: F,
    every: Duration,
    told: Instant,
    doing: &'static str,
    collection: Collection,
    done: u64,
    all: u64,
    /// When the work on this collection began, and how much of it was done before.
    begun: (Instant, u64),
}

impl<F: FnMut(String)> Progress<F> {
    /// Tells it a line at a time.
    pub(super) fn new(tell: F) -> Self {
        let every = if std::io::stderr().is_terminal() { TELL } else { TELL_LOG };
        let (now, collection) = (Instant::now(), Collection::ALL[0]);
        Self { tell, every, told: now, doing: "", collection, done: 0, all: 0, begun: (now, 0) }
    }

    /// Goes on with a collection, of which `done` of about `all` are done.
    pub(super) fn begin(&mut self, doing: &'static str, collection: Collection, done: u64, all: u64) {
        self.begun = (Instant::now(), done);
        (self.doing, self.collection, self.done, self.all) = (doing, collection, done, all);
    }

    /// So many more are done.
    pub(super) fn add(&mut self, count: usize) {
        self.done += count as u64;
        if self.told.elapsed() < self.every {
            return;
        }
        self.told = Instant::now();
        let (begun, before) = self.begun;
        let rate = (self.done - before) as f64 / begun.elapsed().as_secs_f64().max(f64::EPSILON);
        let (doing, name, done, all) =
            (self.doing, self.collection.name(), self.done, self.all.max(self.done));
        (self.tell)(format!("{doing} {name}: {done} of {all}, {rate:.0} a second"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_how_far_each_collection_is_and_no_more_often_than_wanted() {
        let mut told = vec![];
        let mut progress = Progress { every: Duration::ZERO, ..Progress::new(|line| told.push(line)) };
        progress.begin("Copied", Collection::Log, 500, 2_000);
        progress.add(500);
        progress.every = Duration::MAX;
        progress.add(500);
        progress.every = Duration::ZERO;
        progress.begin("Compared", Collection::Messages, 0, 3);
        progress.add(4);
        let told: Vec<_> = told.iter().filter_map(|line| line.rsplit_once(", ")).collect();
        assert_eq!([told[0].0, told[1].0], ["Copied log: 1000 of 2000", "Compared messages: 4 of 4"]);
        assert!(told.len() == 2 && told.iter().all(|(_, rate)| rate.ends_with(" a second")), "{told:?}");
    }
}
