//! Resume: all that happened since a client last looked, or word that it must load anew. All or reload, never a part.

use std::collections::BTreeSet;

use super::{Log, LogError};
use crate::model::{
    Entry, Head, Rev, Room, Stream, What,
    entry::Append,
    ids::{RoomId, Seq, UserId},
    room::{Membership, Message, RoomView, Touches},
};

/// The most entries that a resume answers.
const MAX_ENTRIES: u64 = 500;

/// How a stream is to be continued.
#[derive(Debug, Clone)]
pub enum Resume<T> {
    /// With this.
    Since(T),
    /// Not at all: it must be loaded anew.
    Reload(Why),
}

/// Why a stream can't be continued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The history that the client saw isn't this one.
    Tag,
    /// The client's place is ahead of the log.
    Future,
    /// The log doesn't reach back that far.
    Trimmed,
    /// Too much happened.
    Many,
}

/// What happened in a room since, each thing once, as it is now: at least as new as `head`.
#[derive(Debug, Clone)]
pub struct Since {
    /// Where the room stands.
    pub head: Head,
    /// The room.
    pub room: Room,
    /// Messages that were made or changed, rising by seq.
    pub messages: Vec<Message>,
    /// Memberships that changed; without a role, they ended.
    pub members: Vec<Membership>,
}

impl Log {
    /// What happened in a room after `from`.
    pub async fn resume_room(&self, room: RoomId, from: Head) -> Result<Resume<Since>, LogError> {
        let (head, entries) = match self.entries_since(Stream::Room(room), from).await? {
            Resume::Since(since) => since,
            Resume::Reload(why) => return Ok(Resume::Reload(why)),
        };
        let mut touches = Touches::default();
        for entry in &entries {
            touches.merge(Touches::of_entry(entry));
        }
        let (seqs, users) = (touches.messages.clone(), touches.members.clone());
        let Some((_, view)) = self.view(room, touches).await? else { return Ok(Resume::Reload(Why::Tag)) };
        Ok(gather(head, view, &seqs, &users).map_or(Resume::Reload(Why::Tag), Resume::Since))
    }

    /// What happened in a person's own stream after `from`.
    pub async fn resume_person(
        &self,
        user: UserId,
        from: Head,
    ) -> Result<Resume<(Head, Vec<What>)>, LogError> {
        Ok(match self.entries_since(Stream::Person(user), from).await? {
            Resume::Since((head, entries)) => {
                Resume::Since((head, entries.into_iter().map(|entry| entry.what).collect()))
            }
            Resume::Reload(why) => Resume::Reload(why),
        })
    }

    /// The entries after `from`, if the log still tells that history.
    pub async fn entries_since(
        &self,
        stream: Stream,
        from: Head,
    ) -> Result<Resume<(Head, Vec<Entry>)>, LogError> {
        // From the append that holds the client's own last entry, so that its tag can be compared.
        let begin = Rev(from.rev.0.saturating_sub(1));
        let mut appends = self.store().read(stream, begin, MAX_ENTRIES + 2).await?;
        if appends.is_empty() && from.rev.0 > 0 {
            // The client has seen more than was read: another node may have told it what this one must look for.
            self.store().read_barrier().await?;
            appends = self.store().read(stream, begin, MAX_ENTRIES + 2).await?;
        }
        let Some(last) = appends.last() else {
            return Ok(match from.rev.0 {
                0 => Resume::Since((Head::default(), vec![])),
                _ => Resume::Reload(Why::Future),
            });
        };
        let head = last.head();
        if let Some(why) = parts(&appends, from) {
            return Ok(Resume::Reload(why));
        }
        if head.rev.0 - from.rev.0 > MAX_ENTRIES {
            return Ok(Resume::Reload(Why::Many));
        }
        let entries = appends.into_iter().flat_map(|append| append.entries);
        Ok(Resume::Since((head, entries.filter(|entry| entry.rev > from.rev).collect())))
    }
}

/// Where the client's history and the log's part, if they do.
fn parts(appends: &[Append], from: Head) -> Option<Why> {
    let first = appends.first()?;
    let tag = if from.rev.0 == 0 || first.first() > from.rev {
        // The log begins after the client's place: right after it, or further on.
        if first.first() != from.rev.next() {
            return Some(Why::Trimmed);
        }
        first.prev
    } else {
        first.tag
    };
    (tag != from.tag).then_some(Why::Tag)
}

fn gather(head: Head, mut view: RoomView, seqs: &BTreeSet<Seq>, users: &BTreeSet<UserId>) -> Option<Since> {
    let messages = seqs.iter().filter_map(|seq| view.messages.remove(seq)?).collect();
    let members = users.iter().filter_map(|user| view.members.remove(user)?).collect();
    Some(Since { head, room: view.room?, messages, members })
}
