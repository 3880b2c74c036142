//! The one thread that writes: it takes all jobs that wait, does them in one transaction, and answers them when that
//! is on the disk. So many who write share one wait for it, and a job that fails takes only itself out.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{checkpoint::Gate, failure::Failure, open::OpenError};
use crate::metrics::metrics;

/// How many jobs wait; who brings more waits to be let in.
const WAITING: usize = 1_024;
/// How many jobs go into one transaction: enough that the disk isn't what limits, few enough that nobody waits long
/// for the others' work.
const TOGETHER: usize = 256;
/// How long a transaction waits for more jobs while more come.
const GATHERS: Duration = Duration::from_millis(1);

/// A piece of writing that somebody waits for.
trait Job: Send {
    /// Does it, within a transaction. May be called again when what it did was rolled back.
    fn run(&mut self, db: &Connection) -> Result<(), Failure>;
    /// Tells who waits how it went, when what it did is on the disk, or is not.
    fn answer(self: Box<Self>, outcome: Result<(), Failure>);
}

struct Asked<W, T> {
    work: W,
    result: Option<T>,
    answer: oneshot::Sender<Result<T, Failure>>,
}

impl<W, T> Job for Asked<W, T>
where
    W: FnMut(&Connection) -> Result<T, Failure> + Send,
    T: Send,
{
    fn run(&mut self, db: &Connection) -> Result<(), Failure> {
        self.result = Some((self.work)(db)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), Failure>) {
        let Self { result, answer, .. } = *self;
        // Who no longer waits has no use for it.
        let _ = answer.send(outcome.and_then(|()| result.ok_or_else(Failure::closed)));
    }
}

/// The way to the thread that writes.
pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(db: Connection, gate: Arc<Gate>) -> Result<Self, OpenError> {
        let (jobs, waiting) = mpsc::channel(WAITING);
        let thread = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || write_all(&db, waiting, &gate))
            .map_err(OpenError::Thread)?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Has `work` done, together with what else waits. It is done whether or not anybody waits for this to return.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let (answer, answered) = oneshot::channel();
        let jobs = self.jobs.as_ref().ok_or_else(Failure::closed)?;
        let job = Box::new(Asked { work, result: None, answer });
        jobs.send(job).await.map_err(|_| Failure::closed())?;
        answered.await.map_err(|_| Failure::closed())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn write_all(db: &Connection, mut waiting: mpsc::Receiver<Box<dyn Job>>, gate: &Gate) {
    let mut jobs = Vec::with_capacity(TOGETHER);
    let mut busy = false;
    while waiting.blocking_recv_many(&mut jobs, TOGETHER) > 0 {
        if busy {
            gather(&mut waiting, &mut jobs);
        }
        busy = jobs.len() > 1;
        metrics().write_batch.record(jobs.len() as f64);
        let outcomes = {
            let _turn = gate.enter();
            commit(db, &mut jobs)
        };
        for (job, outcome) in jobs.drain(..).zip(outcomes) {
            job.answer(outcome);
        }
    }
}

/// Lets others in on this transaction for as long as more come: those who were answered just now are about to come back,
/// and each transaction costs as much again as several jobs.
fn gather(waiting: &mut mpsc::Receiver<Box<dyn Job>>, jobs: &mut Vec<Box<dyn Job>>) {
    let begun = Instant::now();
    loop {
        thread::yield_now();
        let before = jobs.len();
        while jobs.len() < TOGETHER
            && let Ok(job) = waiting.try_recv()
        {
            jobs.push(job);
        }
        if jobs.len() == before || jobs.len() == TOGETHER || begun.elapsed() >= GATHERS {
            return;
        }
    }
}

/// Why a whole transaction came to nothing.
enum Spoilt {
    /// A job broke it. Nothing was written; each job may be tried alone.
    ByOne(Failure),
    /// It couldn't begin, or it is unknown whether it was written.
    Whole(Failure),
}

/// Does these jobs in one transaction; where one spoils it for all, each in one of its own.
fn commit(db: &Connection, jobs: &mut [Box<dyn Job>]) -> Vec<Result<(), Failure>> {
    match together(db, jobs, run).or_else(|spoilt| match spoilt {
        Spoilt::ByOne(_) => together(db, jobs, run_within_savepoint),
        whole => Err(whole),
    }) {
        Ok(outcomes) => outcomes,
        Err(Spoilt::Whole(failure)) => vec![Err(failure); jobs.len()],
        Err(Spoilt::ByOne(failure)) if jobs.len() == 1 => vec![Err(failure)],
        Err(Spoilt::ByOne(_)) => jobs.chunks_mut(1).flat_map(|job| commit(db, job)).collect(),
    }
}

/// How a job went, where it takes at most itself out.
type Outcome = Result<(), Failure>;

fn together(
    db: &Connection,
    jobs: &mut [Box<dyn Job>],
    run: fn(&Connection, &mut dyn Job) -> Result<Outcome, Spoilt>,
) -> Result<Vec<Outcome>, Spoilt> {
    step(db, "BEGIN IMMEDIATE").map_err(Spoilt::Whole)?;
    let mut outcomes = Vec::with_capacity(jobs.len());
    for job in jobs {
        outcomes.push(run(db, job.as_mut()).inspect_err(|_| roll_back(db))?);
    }
    match step(db, "COMMIT") {
        Ok(()) => Ok(outcomes),
        Err(failure) => {
            roll_back(db);
            Err(match failure {
                Failure::Full(_) => Spoilt::ByOne(failure),
                other => Spoilt::Whole(unknown(other)),
            })
        }
    }
}

/// Does a job that as a rule fails before it has written anything, or not at all.
fn run(db: &Connection, job: &mut dyn Job) -> Result<Outcome, Spoilt> {
    let before = db.total_changes();
    match job.run(db) {
        // A full disk, for one, has rolled back the whole transaction by now.
        Err(failure) if db.is_autocommit() || db.total_changes() != before => Err(Spoilt::ByOne(failure)),
        outcome => Ok(outcome),
    }
}

/// Does a job that may fail in the middle. What a savepoint takes to be set up is worth it only then.
fn run_within_savepoint(db: &Connection, job: &mut dyn Job) -> Result<Outcome, Spoilt> {
    step(db, "SAVEPOINT job").map_err(Spoilt::ByOne)?;
    let outcome = job.run(db);
    if let Err(failure) = &outcome {
        if db.is_autocommit() {
            return Err(Spoilt::ByOne(failure.clone()));
        }
        step(db, "ROLLBACK TO job").map_err(Spoilt::ByOne)?;
    }
    step(db, "RELEASE job").map_err(Spoilt::ByOne)?;
    Ok(outcome)
}

fn roll_back(db: &Connection) {
    if !db.is_autocommit()
        && let Err(failure) = step(db, "ROLLBACK")
    {
        tracing::error!(?failure, "a transaction could not be rolled back");
    }
}

fn step(db: &Connection, sql: &str) -> Result<(), Failure> {
    db.prepare_cached(sql)?.execute([])?;
    Ok(())
}

fn unknown(failure: Failure) -> Failure {
    match failure {
        Failure::Conflict(text) | Failure::Broken(text) => Failure::Away(text),
        other => other,
    }
}
