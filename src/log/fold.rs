//! Bringing a stream's projections up behind its log, in log order, and with them what follows in persons' streams.
//!
//! The fast way takes the documents that the writer has at hand, and works when the watermark stands right before them. Else, or
//! when anything fails, [`roll_forward`] folds what is past the watermark from the log itself. Both may run at once, on
//! any node: documents are replaced only by newer ones, what follows has nonces of its own, and the watermark moves by
//! compare-and-set.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout_at},
};
use tracing::warn;

use super::{Log, LogError, state::State};
use crate::{
    metrics::metrics,
    model::{
        Actor, Append, Change, Command, Doc, Entry, Head, NonceKey, PersonCommand, Rev, Stream, room::Touches,
    },
};

/// Appends that may wait to be folded before the writer waits, too.
const BACKLOG: usize = 64;
/// A room that is written to all the time is folded this often: its document and its watermark are then written once for
/// all that came meanwhile.
const EVERY: Duration = Duration::from_millis(200);
/// The longest pause between attempts while the store is away.
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// Comes when an append is folded and all that follows has followed.
pub(super) type Followed = oneshot::Receiver<()>;

/// Folds one stream's appends behind its writer.
pub(super) struct Folder {
    log: Log,
    stream: Stream,
    tasks: Option<mpsc::Sender<Task>>,
    folded: Arc<AtomicU64>,
}

struct Task {
    /// None: whatever is past the watermark.
    append: Option<(Append, Vec<Doc>)>,
    /// Whether somebody waits for what follows.
    waited_for: bool,
    since: Instant,
    done: oneshot::Sender<()>,
}

impl Folder {
    pub(super) fn new(log: Log, stream: Stream) -> Self {
        Self { log, stream, tasks: None, folded: Arc::default() }
    }

    /// How far this node knows the stream to be folded.
    pub(super) fn folded(&self) -> Rev {
        Rev(self.folded.load(Ordering::Acquire))
    }

    /// Notes that the store has folded up to `rev` by itself.
    pub(super) fn note(&self, rev: Rev) {
        self.folded.fetch_max(rev.0, Ordering::AcqRel);
    }

    /// Folds an append with the documents after it; waits when too many wait already. What is `waited_for` is folded at
    /// once.
    pub(super) async fn add(&mut self, append: Append, docs: Vec<Doc>, waited_for: bool) -> Option<Followed> {
        let (done, followed) = oneshot::channel();
        let task = Task { append: Some((append, docs)), waited_for, since: Instant::now(), done };
        self.tasks().send(task).await.ok().map(|()| followed)
    }

    /// Folds what is past the watermark, as the log has it.
    pub(super) fn catch_up(&mut self) {
        let (done, _) = oneshot::channel();
        // When so much waits already, that is folded first, and finds the rest.
        let _ = self.tasks().try_send(Task { append: None, waited_for: true, since: Instant::now(), done });
    }

    fn tasks(&mut self) -> &mpsc::Sender<Task> {
        let (log, stream, folded) = (&self.log, self.stream, &self.folded);
        self.tasks.get_or_insert_with(|| {
            let (sender, tasks) = mpsc::channel(BACKLOG);
            tokio::spawn(run(log.clone(), stream, tasks, folded.clone()));
            sender
        })
    }
}

async fn run(log: Log, stream: Stream, mut tasks: mpsc::Receiver<Task>, folded: Arc<AtomicU64>) {
    let mut batch = Vec::with_capacity(BACKLOG);
    let mut next = Instant::now();
    while tasks.recv_many(&mut batch, BACKLOG).await > 0 {
        gather(&mut tasks, &mut batch, next).await;
        let (appends, waiting): (Vec<_>, Vec<_>) =
            batch.drain(..).map(|task| (task.append, (task.since, task.done))).unzip();
        let to = match appends.into_iter().collect::<Option<Vec<_>>>() {
            Some(appends) => fold_appends(&log, stream, appends).await,
            None => Ok(None),
        };
        let to = match to {
            Ok(Some(to)) => to,
            Ok(None) | Err(_) => persist(&log, stream).await,
        };
        folded.fetch_max(to.0, Ordering::AcqRel);
        for (since, done) in waiting {
            metrics().fold_lag.record(since.elapsed());
            let _ = done.send(());
        }
        if let Stream::Room(_) = stream {
            next = Instant::now() + EVERY;
        }
    }
}

/// Waits until then for more to fold together, unless somebody waits for what is there.
async fn gather(tasks: &mut mpsc::Receiver<Task>, batch: &mut Vec<Task>, until: Instant) {
    while batch.len() < BACKLOG && batch.iter().all(|task| !task.waited_for) {
        match timeout_at(until, tasks.recv()).await {
            Ok(Some(task)) => batch.push(task),
            Ok(None) | Err(_) => return,
        }
    }
}

/// The fast way; none when another node's appends stand between, or the watermark stood elsewhere.
async fn fold_appends(
    log: &Log,
    stream: Stream,
    appends: Vec<(Append, Vec<Doc>)>,
) -> Result<Option<Rev>, LogError> {
    let (Some(from), Some(to)) =
        (appends.first().map(|(append, _)| append.base()), appends.last().map(|(append, _)| append.head()))
    else {
        return Ok(None);
    };
    if !appends.windows(2).all(|pair| pair[0].0.head() == pair[1].0.base()) {
        return Ok(None);
    }
    let entries: Vec<&Entry> = appends.iter().flat_map(|(append, _)| &append.entries).collect();
    let docs = appends.iter().flat_map(|(_, docs)| docs).cloned().collect();
    let moved = fold(log, stream, from, to, &entries, newest(docs)).await?;
    Ok(moved.then_some(to.rev))
}

/// Writes documents, lets follow what follows, and moves the watermark. Returns false when it wasn't at `from`.
///
/// In this order: whoever is told of a room finds it in their list. And nothing follows where the watermark stands
/// elsewhere: what follows from the entries before would come after it.
async fn fold(
    log: &Log,
    stream: Stream,
    from: Head,
    to: Head,
    entries: &[&Entry],
    docs: Vec<Doc>,
) -> Result<bool, LogError> {
    let following = following(stream, entries);
    if following.is_empty() {
        return Ok(log.store().fold(stream, from.rev, to, docs).await?);
    }
    if !log.store().fold(stream, from.rev, from, docs).await? {
        return Ok(false);
    }
    follow(log, following).await?;
    Ok(log.store().fold(stream, from.rev, to, vec![]).await?)
}

/// Rolls forward until the store is there to do it.
async fn persist(log: &Log, stream: Stream) -> Rev {
    let mut pause = Duration::from_millis(10);
    loop {
        match roll_forward(log, stream).await {
            Ok(head) => return head.rev,
            Err(error) => warn!(%stream, %error, "folding has to wait"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
}

/// Folds all that is past the watermark, and returns where it stands then.
pub(super) async fn roll_forward(log: &Log, stream: Stream) -> Result<Head, LogError> {
    loop {
        let mut state = State::load(log, stream).await?;
        let Some(first) = state.unfolded.first() else { return Ok(state.head) };
        let from = first.base();
        let mut touches = Touches::default();
        for entry in state.unfolded.iter().flat_map(|append| &append.entries) {
            touches.merge(Touches::of_entry(entry));
        }
        state.look_up(log, touches).await?;
        let docs = state.take_changed();
        let entries: Vec<&Entry> = state.unfolded.iter().flat_map(|append| &append.entries).collect();
        if fold(log, stream, from, state.head, &entries, docs).await? {
            return Ok(state.head);
        }
    }
}

/// What follows in persons' streams from a room's entries.
fn following(stream: Stream, entries: &[&Entry]) -> Vec<Change> {
    let Stream::Room(room) = stream else { return vec![] };
    let changes = entries.iter().filter_map(|entry| {
        let (user, what) = entry.follows(room)?;
        Some(Change {
            stream: Stream::Person(user),
            actor: Actor { user: entry.by, owns_server: false },
            nonce: NonceKey::following(stream, entry.rev),
            command: Command::Person(PersonCommand::Note(what)),
        })
    });
    changes.collect()
}

/// Makes the changes that follow.
async fn follow(log: &Log, changes: Vec<Change>) -> Result<(), LogError> {
    for result in join_all(changes.into_iter().map(|change| log.submit(change))).await {
        match result {
            // Nobody is there to be told.
            Ok(_) | Err(LogError::Refused(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The last of each document, in the order of their last.
fn newest(docs: Vec<Doc>) -> Vec<Doc> {
    let mut seen = std::collections::HashSet::new();
    let mut newest: Vec<Doc> = docs
        .into_iter()
        .rev()
        .filter(|doc| match doc {
            Doc::Room(_) => seen.insert((0, 0, None)),
            Doc::Message(message) => seen.insert((1, message.seq.0, None)),
            Doc::Member(member) => seen.insert((2, 0, Some(member.user))),
            Doc::Person(_) => seen.insert((3, 0, None)),
        })
        .collect();
    newest.reverse();
    newest
}
