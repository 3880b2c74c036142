//! What the contract of a store doesn't say, and MongoDB alone can get wrong.

mod crash;
mod elections;
mod faults;
mod halves;
mod place;
mod queries;
mod shapes;
mod start;

pub(crate) use place::Place;

use parlor::{
    model::{
        Append, Body, Doc, Entry, Head, Message, Nonce, NonceKey, RequestHash, Rev, RoomId, Seq, Stream, Tag,
        Timestamp, UserId, What,
    },
    store::Write,
};

/// A message at this place of a room.
fn posted(seq: u64, text: &str) -> What {
    What::Posted {
        seq: Seq(seq),
        text: text.to_owned(),
        reply_to: None,
        mentions: Vec::new(),
        everyone: false,
        files: Vec::new(),
    }
}

/// An append of messages right after `head`.
fn append(stream: Stream, head: Head, texts: &[&str]) -> Append {
    let entries = (head.rev.0 + 1..).zip(texts).map(|(rev, text)| {
        let by = UserId::new();
        let nonce = NonceKey::asked(by, &Nonce::random());
        Entry {
            rev: Rev(rev),
            at: Timestamp::now(),
            by,
            nonce,
            request: RequestHash::of(text),
            what: posted(rev, text),
        }
    });
    Append { stream, tag: Tag::random(), prev: head.tag, entries: entries.collect() }
}

/// An append that is to be written.
fn write(append: &Append) -> Write {
    Write { append: append.clone(), docs: Vec::new(), follows: false }
}

/// A message as its room's first append brings it.
fn message(room: RoomId, seq: u64, rev: u64, text: &str) -> Message {
    Message {
        room,
        seq: Seq(seq),
        rev: Rev(rev),
        base: Rev(rev),
        by: UserId::new(),
        at: Timestamp::now(),
        edited: None,
        body: Body::Text { text: text.to_owned(), mentions: Vec::new(), everyone: false, files: vec![] },
        reply_to: None,
        reactions: Vec::new(),
        pinned: false,
        nonce: "n".to_owned(),
    }
}

/// The same as a document.
fn message_doc(room: RoomId, seq: u64, rev: u64, text: &str) -> Doc {
    Doc::Message(message(room, seq, rev, text))
}
