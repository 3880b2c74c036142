//! Reading: each query sees one state of the database.
//!
//! What is found by its keys is looked up where it is asked for: that takes microseconds, a fraction of what it takes to hand
//! it to a thread and back. What may take longer goes to threads of its own, as does what finds all connections in use.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{failure::Failure, open::OpenError};

/// How many queries wait; who brings more waits to be let in.
const WAITING: usize = 1_024;
/// The least and the most threads; between them, one a core.
const FEWEST: usize = 2;
const MOST: usize = 8;

type Query = Box<dyn FnOnce(&Connection) + Send>;

/// The connections that read, and the way to the threads that do it where it may take long.
pub(super) struct Readers {
    at_hand: Mutex<Vec<Connection>>,
    queries: Option<mpsc::Sender<Query>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    /// Starts the threads, each with a connection of its own, and has as many connections at hand.
    pub(super) fn start(connect: impl Fn() -> Result<Connection, OpenError>) -> Result<Self, OpenError> {
        let (queries, waiting) = mpsc::channel(WAITING);
        let waiting = Arc::new(Mutex::new(waiting));
        let mut readers = Self { at_hand: Mutex::default(), queries: Some(queries), threads: vec![] };
        let cores = thread::available_parallelism().map_or(FEWEST, usize::from);
        for _ in 0..cores.clamp(FEWEST, MOST) {
            readers.at_hand().push(connect()?);
            let (db, waiting) = (connect()?, waiting.clone());
            let thread = thread::Builder::new()
                .name("store-reader".to_owned())
                .spawn(move || read_all(&db, &waiting))
                .map_err(OpenError::Thread)?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    /// Does `work`, which finds what it wants by keys, at once. It sees all that was committed before, and nothing that is
    /// committed while it runs.
    pub(super) async fn look_up<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let Some(db) = self.at_hand().pop() else { return self.read(work).await };
        let result = on_one_state(&db, work);
        self.at_hand().push(db);
        result
    }

    /// Has `work` done by a thread. It sees the same.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let (answer, answered) = oneshot::channel();
        let query = Box::new(move |db: &Connection| {
            if !answer.is_closed() {
                let _ = answer.send(on_one_state(db, work));
            }
        });
        let queries = self.queries.as_ref().ok_or_else(Failure::closed)?;
        queries.send(query).await.map_err(|_| Failure::closed())?;
        answered.await.map_err(|_| Failure::closed())?
    }

    fn at_hand(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.at_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.queries = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn read_all(db: &Connection, waiting: &Mutex<mpsc::Receiver<Query>>) {
    loop {
        // Whoever has the lock waits for the next query; the others wait for the lock.
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        match next {
            Some(query) => query(db),
            None => return,
        }
    }
}

fn on_one_state<T>(
    db: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    db.prepare_cached("BEGIN")?.execute([])?;
    let result = work(db);
    if !db.is_autocommit() {
        db.prepare_cached("COMMIT")?.execute([])?;
    }
    result
}
