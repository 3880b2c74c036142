//! The threads that read: each takes the next query that waits, and does it on one state of the database.

use std::{
    sync::{Arc, Mutex, PoisonError},
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

/// The way to the threads that read.
pub(super) struct Readers {
    queries: Option<mpsc::Sender<Query>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    /// Starts the threads, each with a connection of its own.
    pub(super) fn start(connect: impl Fn() -> Result<Connection, OpenError>) -> Result<Self, OpenError> {
        let (queries, waiting) = mpsc::channel(WAITING);
        let waiting = Arc::new(Mutex::new(waiting));
        let mut readers = Self { queries: Some(queries), threads: vec![] };
        let cores = thread::available_parallelism().map_or(FEWEST, usize::from);
        for _ in 0..cores.clamp(FEWEST, MOST) {
            let (db, waiting) = (connect()?, waiting.clone());
            let thread = thread::Builder::new()
                .name("store-reader".to_owned())
                .spawn(move || read_all(&db, &waiting))
                .map_err(OpenError::Thread)?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    /// Has `work` done. It sees all that was committed before, and nothing that is committed while it runs.
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
