//! Whether what is kept is sound: each stream's log without holes, its appends chained, and what is folded no further
//! than the log.

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use super::OperatorError;
use crate::{
    config::Config,
    model::{Head, Rev, RoomId, Seq, Stream},
    server,
    store::{
        Store, StoreError,
        sqlite::{self, DATABASE, SqliteStore},
    },
};

/// How many streams, entries and messages are read at a time.
const STREAMS: usize = 500;
const ENTRIES: u64 = 500;
const MESSAGES: usize = 500;
/// How often it is told how far the check is.
const TELL: Duration = Duration::from_secs(1);
/// Where the database is copied to, within the data folder, to be looked at in peace.
const COPY: &str = "check.part";

/// Checks all that is kept; the server may go on serving. Returns what to tell the operator.
///
/// # Errors
/// All that is wrong, or why it can't be checked.
pub async fn check(config: Config, progress: impl FnMut(String)) -> Result<Vec<String>, OperatorError> {
    if config.cluster.is_some() {
        return look(&*server::open_store(&config).await?.0, progress).await;
    }
    let faults = sqlite::faults(&config.data.join(DATABASE))?;
    if !faults.is_empty() {
        return Err(OperatorError::Refused(faults.join("\n")));
    }
    let folder = config.data.join(COPY);
    let checked = look_at_copy(&config.data, &folder, progress).await;
    let _ = fs::remove_dir_all(&folder);
    checked
}

async fn look_at_copy(
    data: &Path,
    folder: &Path,
    mut progress: impl FnMut(String),
) -> Result<Vec<String>, OperatorError> {
    let failed = |error| OperatorError::Refused(format!("{}: {error}", folder.display()));
    // What is there is of a check that was cut short.
    let _ = fs::remove_dir_all(folder);
    fs::create_dir(folder).map_err(failed)?;
    progress("Copying the database, to look at it in peace".to_owned());
    sqlite::copy(data, &folder.join(DATABASE), |_, _| {})?;
    let store = Arc::new(SqliteStore::open(folder)?);
    look(&*store, progress).await
}

async fn look(store: &dyn Store, mut progress: impl FnMut(String)) -> Result<Vec<String>, OperatorError> {
    let (mut seen, mut after, mut told) = (Seen::default(), None, Instant::now());
    loop {
        let streams = store.streams(after, STREAMS).await.map_err(unread)?;
        let Some(last) = streams.last() else { break };
        after = Some(*last);
        for stream in streams {
            seen.streams += 1;
            if let Err(fault) = look_at(store, stream, &mut seen).await.map_err(unread)? {
                seen.faults.push(format!("{stream}: {fault}"));
            }
            if told.elapsed() >= TELL {
                told = Instant::now();
                progress(format!("Checked {} streams, {} entries", seen.streams, seen.entries));
            }
        }
    }
    let Seen { streams, entries, messages, faults } = seen;
    if !faults.is_empty() {
        return Err(OperatorError::Refused(faults.join("\n")));
    }
    Ok(vec![format!("Sound: {streams} streams, {entries} entries, {messages} messages")])
}

/// What was looked at, and what is wrong with it.
#[derive(Debug, Default)]
struct Seen {
    streams: u64,
    entries: u64,
    messages: u64,
    faults: Vec<String>,
}

async fn look_at(
    store: &dyn Store,
    stream: Stream,
    seen: &mut Seen,
) -> Result<Result<(), String>, StoreError> {
    // Asked before the log is read: it may grow meanwhile.
    let folded = store.watermark(stream).await?;
    let stated = store.heads(&[stream]).await?.first().map(|(_, head)| *head).unwrap_or_default();
    let mut head = None::<Head>;
    loop {
        let appends = store.read(stream, head.map(|head| head.rev).unwrap_or_default(), ENTRIES).await?;
        let Some(last) = appends.last() else { break };
        let next = last.head();
        for append in &appends {
            // The log begins where it was trimmed to.
            if let Some(before) = head
                && append.base() != before
            {
                return Ok(Err(format!("the append at {} doesn't follow the one before it", append.first())));
            }
            if append.entries.iter().zip(append.first().0..).any(|(entry, rev)| entry.rev != Rev(rev)) {
                return Ok(Err(format!("the append at {} has a hole", append.first())));
            }
            seen.entries += append.entries.len() as u64;
            head = Some(append.head());
        }
        if next.rev >= stated.rev {
            if next.rev == stated.rev && next.tag != stated.tag {
                return Ok(Err(format!("the head at {} has another tag than the log", stated.rev)));
            }
            break;
        }
    }
    let end = head.unwrap_or_default().rev;
    if end < stated.rev {
        return Ok(Err(format!("the log ends at {end}, before its head at {}", stated.rev)));
    }
    if folded.rev > stated.rev {
        return Ok(Err(format!("folded up to {}, past its head at {}", folded.rev, stated.rev)));
    }
    match stream {
        Stream::Room(room) => look_at_messages(store, room, seen).await,
        Stream::Person(_) => Ok(Ok(())),
    }
}

/// A room's messages are all there, up to its last.
async fn look_at_messages(
    store: &dyn Store,
    room: RoomId,
    seen: &mut Seen,
) -> Result<Result<(), String>, StoreError> {
    let Some(state) = store.rooms(&[room]).await?.pop() else { return Ok(Ok(())) };
    let mut next = Seq(1);
    while next <= state.seq {
        let found = store.messages(room, next, state.seq, MESSAGES, false).await?;
        let Some(last) = found.last() else { return Ok(Err(format!("message {next} isn't there"))) };
        let missing = found.iter().zip(next.0..).find(|(message, seq)| message.seq != Seq(*seq));
        if let Some((_, seq)) = missing {
            return Ok(Err(format!("message {seq} isn't there")));
        }
        seen.messages += found.len() as u64;
        next = last.seq.next();
    }
    Ok(Ok(()))
}

fn unread(error: StoreError) -> OperatorError {
    OperatorError::Refused(error.to_string())
}
