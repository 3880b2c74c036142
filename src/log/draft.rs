//! A draft: changes decided upon a stream's head, one after another, and the entries that they bring.

use std::collections::HashMap;

use tokio::{sync::oneshot, time::Instant};

use super::{
    LogError, PATIENCE,
    fold::Followed,
    state::{State, weight},
};
use crate::{
    model::{
        Change, Done, Entry, NonceKey, Refusal, RequestHash, Rev, Seq, Tag, Timestamp, What,
        entry::{MAX_BYTES, MAX_ENTRIES},
    },
    store::Found,
};

pub(super) type Reply = oneshot::Sender<Result<Done, LogError>>;

/// A change that waits to be made.
pub(super) struct Wish {
    pub(super) change: Change,
    pub(super) hash: RequestHash,
    pub(super) reply: Reply,
    pub(super) until: Instant,
    /// Its place among all that the writer took: the order of asking is the order of deciding, also when it is decided again.
    pub(super) turn: u64,
    /// Whether an append that held it may have gone in.
    pub(super) maybe_in: bool,
}

/// Changes decided upon one head, and what they bring.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) entries: Vec<Entry>,
    pub(super) made: Vec<Made>,
    /// Refused, so already, or asked for twice: the log tells whether they were made before.
    pub(super) repeats: Vec<Wish>,
    pub(super) bytes: usize,
}

/// A wish that the draft fulfils, and where.
pub(super) struct Made {
    pub(super) wish: Wish,
    pub(super) rev: Rev,
    pub(super) seq: Option<Seq>,
}

/// A change brings at most this many entries, so an append has room for one more change until it holds this many less
/// than [`MAX_ENTRIES`].
const MAX_OF_CHANGE: usize = crate::model::room::MAX_GROUP + 1;

/// Decides wishes one after another, each upon what those before it leave, for as long as an append has room.
pub(super) fn decide(state: &mut State, wishes: Vec<Wish>) -> (Draft, Vec<Wish>) {
    let mut draft = Draft::default();
    let mut wishes = wishes.into_iter();
    let at = state.at.max(Timestamp::now());
    for wish in wishes.by_ref() {
        let again = draft.made.iter().any(|made| made.wish.change.nonce == wish.change.nonce);
        let whats = if again { None } else { state.decide(wish.change.actor, &wish.change.command).ok() };
        let Some(whats) = whats.filter(|whats| !whats.is_empty()) else {
            draft.repeats.push(wish);
            continue;
        };
        let first = Rev(state.head.rev.0 + draft.entries.len() as u64).next();
        for (n, what) in whats.into_iter().enumerate() {
            draft.bytes += weight(&what);
            let entry = entry(&wish, Rev(first.0 + n as u64), at, n, what);
            state.apply(&entry);
            draft.entries.push(entry);
        }
        let seq = draft.entries.get((first.0 - state.head.rev.0) as usize - 1).and_then(|e| e.what.new_seq());
        draft.made.push(Made { wish, rev: first, seq });
        if draft.entries.len() + MAX_OF_CHANGE > MAX_ENTRIES || draft.bytes > MAX_BYTES / 2 {
            break;
        }
    }
    (draft, wishes.collect())
}

pub(super) fn entry(wish: &Wish, rev: Rev, at: Timestamp, n: usize, what: What) -> Entry {
    let nonce = match n {
        0 => wish.change.nonce.clone(),
        n => wish.change.nonce.further(n),
    };
    Entry { rev, at, by: wish.change.actor.user, nonce, request: wish.hash, what }
}

pub(super) fn wishes_of(made: Vec<Made>, maybe_in: bool) -> Vec<Wish> {
    made.into_iter().map(|made| Wish { maybe_in, ..made.wish }).collect()
}

pub(super) fn answer_if_found(wish: Wish, found: &HashMap<NonceKey, Found>) -> Option<Wish> {
    let Some(found) = found.get(&wish.change.nonce) else { return Some(wish) };
    let _ = wish.reply.send(first_result(found, wish.hash).map_err(LogError::from));
    None
}

/// What a change with a known nonce came to, if it asks for the same as then.
pub(super) fn first_result(found: &Found, request: RequestHash) -> Result<Done, Refusal> {
    let (then, result) = match found {
        Found::Entry { entry, tag } => {
            let done = Done { rev: Some(entry.rev), tag: Some(*tag), seq: entry.what.new_seq() };
            (entry.request, Ok(done))
        }
        Found::Ended(ended) => (ended.request, ended.refusal.map_or(Ok(Done::UNCHANGED), Err)),
    };
    if then == request { result } else { Err(Refusal::NonceReused) }
}

/// Tells that the changes are made; once what follows from them has followed, if something does.
pub(super) fn answer(made: Vec<Made>, tag: Tag, followed: Option<Followed>) {
    let send = move |made: Vec<Made>| {
        for Made { wish, rev, seq } in made {
            let _ = wish.reply.send(Ok(Done { rev: Some(rev), tag: Some(tag), seq }));
        }
    };
    match followed {
        None => send(made),
        Some(followed) => {
            tokio::spawn(async move {
                // What doesn't follow in time is stored all the same, and follows by the sweep.
                let _ = tokio::time::timeout(PATIENCE, followed).await;
                send(made);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        log::state::View,
        model::{Actor, Command, Head, Nonce, PersonCommand, RoomId, Stream, UserId},
    };

    #[test]
    fn time_stands_still_in_a_stream_while_the_clock_is_behind_it() {
        let (user, ahead) = (UserId::new(), Timestamp(Timestamp::now().0 + 3_600_000));
        let stream = Stream::Person(user);
        let person = crate::model::Person {
            id: user,
            rev: Rev(1),
            name: "ann".to_owned(),
            display: "Ann".to_owned(),
            bio: String::new(),
            status: None,
            created: ahead,
            at: ahead,
            picture: None,
        };
        let head = Head { rev: Rev(1), tag: Tag::random() };
        let view = View::Person(Some(person), false);
        let mut state = State { stream, head, at: ahead, view, unfolded: vec![] };
        let command = Command::Person(PersonCommand::Note(What::RoomGone { room: RoomId::general() }));
        let wish = |nonce| Wish {
            hash: RequestHash::of(&command),
            change: Change {
                stream,
                actor: Actor { user, owns_server: false },
                nonce: NonceKey::asked(user, &nonce),
                command: command.clone(),
            },
            reply: oneshot::channel().0,
            until: Instant::now() + PATIENCE,
            turn: 0,
            maybe_in: false,
        };
        let (draft, left) = decide(&mut state, vec![wish(Nonce::random()), wish(Nonce::random())]);
        assert!(left.is_empty());
        assert_eq!(draft.entries.iter().map(|entry| entry.at).collect::<Vec<_>>(), [ahead, ahead]);
        assert_eq!(draft.entries.iter().map(|entry| entry.rev).collect::<Vec<_>>(), [Rev(2), Rev(3)]);
    }
}
