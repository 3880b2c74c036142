//! Moving the write-ahead log into the database, so that it doesn't grow for ever.
//!
//! As a rule this goes on beside reading and writing. But while writes go on without a pause the log never comes to
//! its end; when it has grown large, the writer is stopped at the [`Gate`] for the moment that the rest takes, and
//! then writes over the log from its start.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::open::OpenError;

/// How long after a write its pages are moved: long enough to move many together.
const PAUSE: Duration = Duration::from_millis(250);
/// How long to wait for readers of the old log while the writer is stopped.
pub(super) const PATIENCE: Duration = Duration::from_millis(200);
/// From how many pages on (4 KiB each) the log is started anew, even if the writer has to wait for it.
const LARGE_PAGES: i64 = 8_192;

/// Where the writer and the checkpointer meet.
#[derive(Default)]
pub(super) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The writer is in a transaction.
    writing: bool,
    /// The writer has to stay out.
    shut: bool,
    /// Something was written that isn't moved yet.
    written: bool,
    /// The store is closing.
    over: bool,
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the writer in, until what it gets is dropped.
    pub(super) fn enter(&self) -> impl Drop {
        let mut state = self.state();
        while state.shut {
            state = self.wait(state);
        }
        state.writing = true;
        Turn(self)
    }

    /// Keeps the writer out, until what it returns is dropped.
    fn shut(&self) -> impl Drop {
        let mut state = self.state();
        state.shut = true;
        while state.writing {
            state = self.wait(state);
        }
        Shut(self)
    }

    /// Waits until there is something to move, and a while longer for more. False when the store is closing.
    fn wait_for_writes(&self) -> bool {
        let mut state = self.state();
        while !state.written && !state.over {
            state = self.wait(state);
        }
        let until = Instant::now() + PAUSE;
        while !state.over
            && let Some(left) = until.checked_duration_since(Instant::now())
        {
            let (next, _) = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
            state = next;
        }
        state.written = false;
        !state.over
    }
}

struct Turn<'a>(&'a Gate);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.writing = false;
        let news = state.shut || !state.written;
        state.written = true;
        drop(state);
        if news {
            self.0.changed.notify_all();
        }
    }
}

struct Shut<'a>(&'a Gate);

impl Drop for Shut<'_> {
    fn drop(&mut self) {
        self.0.state().shut = false;
        self.0.changed.notify_all();
    }
}

/// The thread that does it.
pub(super) struct Checkpointer {
    gate: Arc<Gate>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    /// Starts the thread.
    pub(super) fn start(db: Connection, gate: Arc<Gate>) -> Result<Self, OpenError> {
        let its = gate.clone();
        let thread = thread::Builder::new()
            .name("store-checkpointer".to_owned())
            .spawn(move || {
                while its.wait_for_writes() {
                    if let Err(error) = checkpoint(&db, &its) {
                        // The log only grows meanwhile; the next round tries again.
                        tracing::warn!(%error, "the write-ahead log could not be moved into the database");
                    }
                }
            })
            .map_err(OpenError::Thread)?;
        Ok(Self { gate, thread: Some(thread) })
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.gate.state().over = true;
        self.gate.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn checkpoint(db: &Connection, gate: &Gate) -> rusqlite::Result<()> {
    let pages = move_pages(db, "PASSIVE")?;
    if pages > LARGE_PAGES {
        let _kept_out = gate.shut();
        move_pages(db, "RESTART")?;
    }
    Ok(())
}

/// Returns how many pages the log holds.
fn move_pages(db: &Connection, how: &str) -> rusqlite::Result<i64> {
    db.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |row| row.get(1))
}
