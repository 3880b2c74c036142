//! Where the appends of many streams wait for the disk together.
//!
//! While the server writes some, others gather; they go in one unordered `insertMany`. Each is a document of its own, so
//! one that is refused takes no other with it.

use std::{sync::Arc, time::Duration};

use mongodb::{
    Collection,
    bson::RawDocumentBuf,
    error::{Error, ErrorKind},
};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::{errors::Refused, schema::Collections};
use crate::{metrics::metrics, store::AppendError};

/// Writes at a time: another while one waits for the journal. More would make each smaller, and a write costs the server as
/// much again as several appends.
const IN_FLIGHT: usize = 2;
/// The most appends in one.
const MAX_APPENDS: usize = 512;
/// The most bytes in one, if it is more than one append; what the driver sends in one message has room for it.
const MAX_BYTES: usize = 16 << 20;
/// How many appends may wait before callers wait to hand theirs over.
const QUEUE: usize = 4_096;
/// How long one write may take: to find a primary, to write, and to wait for the majority.
const PATIENCE: Duration = Duration::from_secs(12);

/// An append on its way in.
struct Waiting {
    document: RawDocumentBuf,
    reply: oneshot::Sender<Result<(), AppendError>>,
}

/// The way into the log.
#[derive(Debug)]
pub(super) struct Committer {
    queue: mpsc::Sender<Waiting>,
}

impl Committer {
    /// Starts the task that writes; it ends when this is dropped.
    pub(super) fn start(collections: &Collections) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(gather(collections.log.clone_with_type(), waiting));
        Self { queue }
    }

    /// Puts a document into the log, together with others.
    pub(super) async fn commit(&self, document: RawDocumentBuf) -> Result<(), AppendError> {
        let unknown = || AppendError::Unknown("the store has stopped".to_owned());
        let (reply, answer) = oneshot::channel();
        self.queue.send(Waiting { document, reply }).await.map_err(|_| unknown())?;
        answer.await.map_err(|_| unknown())?
    }
}

async fn gather(log: Collection<RawDocumentBuf>, mut queue: mpsc::Receiver<Waiting>) {
    let slots = Arc::new(Semaphore::new(IN_FLIGHT));
    let mut waiting = Vec::with_capacity(MAX_APPENDS);
    loop {
        // First the slot: what comes while all are taken goes together.
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        if waiting.is_empty() && queue.recv_many(&mut waiting, MAX_APPENDS).await == 0 {
            return;
        }
        while waiting.len() < MAX_APPENDS
            && let Ok(next) = queue.try_recv()
        {
            waiting.push(next);
        }
        let rest = waiting.split_off(fitting(&waiting));
        let batch = std::mem::replace(&mut waiting, rest);
        let log = log.clone();
        tokio::spawn(async move {
            write(&log, batch).await;
            drop(slot);
        });
    }
}

/// How many of them, from the first, go in one write.
fn fitting(waiting: &[Waiting]) -> usize {
    let mut bytes = 0;
    let more = waiting.iter().take_while(|next| {
        bytes += next.document.as_bytes().len();
        bytes <= MAX_BYTES
    });
    more.count().max(1)
}

async fn write(log: &Collection<RawDocumentBuf>, batch: Vec<Waiting>) {
    let (documents, replies): (Vec<_>, Vec<_>) =
        batch.into_iter().map(|waiting| (waiting.document, waiting.reply)).unzip();
    metrics().write_batch.record(documents.len() as f64);
    let insert = log.insert_many(&documents).ordered(false);
    let fates = match tokio::time::timeout(PATIENCE, insert.into_future()).await {
        Ok(Ok(_)) => documents.iter().map(|_| Ok(())).collect(),
        Ok(Err(error)) => fates(&error, documents.len()),
        Err(_) => unknown("no answer in time", documents.len()),
    };
    for (reply, fate) in replies.into_iter().zip(fates) {
        match &fate {
            Err(AppendError::Unknown(_)) => metrics().store_error("away"),
            Err(AppendError::Full(_)) => metrics().store_error("full"),
            Ok(()) | Err(AppendError::Taken) => {}
        }
        // Who doesn't wait any more looks it up.
        let _ = reply.send(fate);
    }
}

fn unknown(why: &str, count: usize) -> Vec<Result<(), AppendError>> {
    (0..count).map(|_| Err(AppendError::Unknown(why.to_owned()))).collect()
}

/// What an error says of each document of an unordered write. Those that it refuses by name didn't go in; the others did,
/// unless the majority isn't known to have them.
fn fates(error: &Error, count: usize) -> Vec<Result<(), AppendError>> {
    let ErrorKind::InsertMany(many) = &*error.kind else {
        return unknown(&error.kind.to_string(), count);
    };
    let refusals = many.write_errors.as_deref().unwrap_or_default();
    let mut fates = match &many.write_concern_error {
        Some(concern) => unknown(&concern.message, count),
        // Neither one was refused nor the majority missed: then it isn't known what this error says.
        None if refusals.is_empty() => unknown(&error.kind.to_string(), count),
        None => (0..count).map(|_| Ok(())).collect(),
    };
    for refusal in refusals {
        let Some(fate) = fates.get_mut(refusal.index) else { continue };
        *fate = Err(match Refused::by(refusal.code) {
            Refused::Duplicate => AppendError::Taken,
            Refused::Full => AppendError::Full(refusal.message.clone()),
            Refused::Other => AppendError::Unknown(refusal.message.clone()),
        });
    }
    fates
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use mongodb::{
        bson::{Document, deserialize_from_document, doc},
        error::InsertManyError,
    };

    use super::*;

    fn said(error: Document) -> Vec<&'static str> {
        let many: InsertManyError = deserialize_from_document(error).unwrap();
        said_by(ErrorKind::InsertMany(many).into())
    }

    fn said_by(error: Error) -> Vec<&'static str> {
        let name = |fate: &Result<(), AppendError>| match fate {
            Ok(()) => "in",
            Err(AppendError::Taken) => "taken",
            Err(AppendError::Full(_)) => "full",
            Err(AppendError::Unknown(_)) => "unknown",
        };
        fates(&error, 3).iter().map(name).collect()
    }

    #[test]
    fn a_refused_append_takes_no_other_with_it() {
        let refused = doc! { "writeErrors": [{ "index": 1, "code": 11_000, "errmsg": "" }] };
        assert_eq!(said(refused), ["in", "taken", "in"]);
    }

    #[test]
    fn without_the_majority_only_what_was_refused_is_known() {
        let concern = doc! { "code": 64, "errmsg": "waiting for replication timed out" };
        assert_eq!(said(doc! { "writeConcernError": &concern }), ["unknown"; 3]);
        let both = doc! {
            "writeErrors": [{ "index": 2, "code": 11_000, "errmsg": "" }],
            "writeConcernError": concern,
        };
        assert_eq!(said(both), ["unknown", "unknown", "taken"]);
    }

    #[test]
    fn an_error_that_names_nothing_leaves_all_unknown() {
        assert_eq!(said(doc! {}), ["unknown"; 3]);
        assert_eq!(said_by(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into()), ["unknown"; 3]);
    }

    #[test]
    fn a_full_disk_is_said_and_another_refusal_is_not_guessed_at() {
        let errors = doc! { "writeErrors": [
            { "index": 0, "code": 14_031, "errmsg": "" },
            { "index": 1, "code": 189, "errmsg": "" },
            { "index": 9, "code": 11_000, "errmsg": "" },
        ] };
        assert_eq!(said(errors), ["full", "unknown", "in"]);
    }
}
