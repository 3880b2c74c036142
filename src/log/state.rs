//! A stream's state as its writer holds it: the head, what it looked at, and what isn't folded yet.

use crate::model::{
    Actor, Append, Command, Doc, Entry, Head, Person, Refusal, Rev, Stream, Timestamp, What,
    entry::MAX_BYTES,
    room::{Room, RoomView, Touches},
};

use super::{Log, LogError};

/// People that a view holds before it lets go of them.
const MAX_PEOPLE: usize = 4_096;
/// Messages that it holds before it lets go of them: those that are answered, edited and reacted to are the last ones as a
/// rule, and others are looked up.
const MAX_MESSAGES: usize = 64;
/// Appends that may be missing in the projections and are held for that; more of them are read again instead.
pub(super) const MAX_UNFOLDED: usize = 256;
/// Entries read in one go while catching up.
const CHUNK: u64 = 1_000;

/// What a stream's state is folded into.
pub(super) enum View {
    /// A room's.
    Room(RoomView),
    /// A person's.
    Person(Option<Person>, bool),
}

/// A stream at its head.
pub(super) struct State {
    pub(super) stream: Stream,
    pub(super) head: Head,
    /// Time of the last entry; time never runs back in a stream.
    pub(super) at: Timestamp,
    pub(super) view: View,
    /// Appends that may be missing in the projections: looked-up documents get them folded in.
    pub(super) unfolded: Vec<Append>,
}

/// Where a stream stood before a draft.
pub(super) struct Standing {
    at: Timestamp,
    of: Of,
}

enum Of {
    Room(Option<Room>),
    Person(Option<Person>),
}

impl State {
    /// Reads where the stream stands: its watermark, its state, and the entries past the watermark.
    pub(super) async fn load(log: &Log, stream: Stream) -> Result<Self, LogError> {
        let store = log.store();
        let watermark = store.watermark(stream).await?;
        let view = match stream {
            Stream::Room(id) => {
                let mut view = RoomView::new(id);
                view.room = store.rooms(&[id]).await?.pop();
                View::Room(view)
            }
            Stream::Person(id) => View::Person(store.people(&[id]).await?.pop(), false),
        };
        let at = match &view {
            View::Room(view) => view.room.as_ref().map(|room| room.at),
            View::Person(person, _) => person.as_ref().map(|person| person.at),
        };
        let mut state = Self { stream, head: watermark, at: at.unwrap_or_default(), view, unfolded: vec![] };
        loop {
            let appends = store.read(stream, state.head.rev, CHUNK).await?;
            let Some(last) = appends.last() else { break };
            state.head = last.head();
            state.at = last.entries.last().map_or(state.at, |entry| entry.at.max(state.at));
            state.unfolded.extend(appends);
        }
        state.apply_unfolded();
        Ok(state)
    }

    /// What a draft changes of what is held for every change.
    pub(super) fn standing(&self) -> Standing {
        let of = match &self.view {
            View::Room(view) => Of::Room(view.room.clone()),
            View::Person(person, _) => Of::Person(person.clone()),
        };
        Standing { at: self.at, of }
    }

    /// Takes a draft back that didn't go in: where the stream stood before it, and which documents it changed. Those are
    /// looked up again when somebody needs them.
    pub(super) fn take_back(&mut self, before: Standing, changed: &[Doc]) {
        self.at = before.at;
        match (&mut self.view, before.of) {
            (View::Room(view), Of::Room(room)) => {
                view.room = room;
                for doc in changed {
                    match doc {
                        Doc::Member(member) => drop(view.members.remove(&member.user)),
                        Doc::Message(message) => drop(view.messages.remove(&message.seq)),
                        Doc::Room(_) | Doc::Person(_) => {}
                    }
                }
            }
            (View::Person(person, _), Of::Person(before)) => *person = before,
            (View::Room(_), Of::Person(_)) | (View::Person(..), Of::Room(_)) => {}
        }
    }

    /// Takes notice of what others appended right after the head, and tells how many entries that brought. None when the
    /// log doesn't go on from there, or too far to be taken notice of: then the state has to be read anew.
    pub(super) async fn catch_up(&mut self, log: &Log) -> Result<Option<u64>, LogError> {
        let before = self.head.rev.0;
        let appends = log.store().read(self.stream, self.head.rev, CHUNK).await?;
        for append in &appends {
            self.learn(append);
        }
        let goes_on = appends.last().is_none_or(|last| last.head() == self.head);
        Ok((goes_on && self.unfolded.len() <= MAX_UNFOLDED).then(|| self.head.rev.0 - before))
    }

    /// Looks up what of `touches` isn't held yet.
    pub(super) async fn look_up(&mut self, log: &Log, touches: Touches) -> Result<(), LogError> {
        let View::Room(view) = &mut self.view else { return Ok(()) };
        if view.members.len() > MAX_PEOPLE {
            view.members.clear();
        }
        if view.messages.len() > MAX_MESSAGES {
            view.messages.clear();
        }
        let lacks = view.lacks(touches);
        if lacks == Touches::default() {
            return Ok(());
        }
        let users: Vec<_> = lacks.members.into_iter().collect();
        let seqs: Vec<_> = lacks.messages.into_iter().collect();
        if !users.is_empty() {
            let found = log.store().memberships(view.id, &users).await?;
            view.members.extend(users.iter().map(|user| (*user, None)));
            view.members.extend(found.into_iter().map(|member| (member.user, Some(member))));
        }
        if !seqs.is_empty() {
            let found = log.store().messages_at(view.id, &seqs).await?;
            view.messages.extend(seqs.iter().map(|seq| (*seq, None)));
            view.messages.extend(found.into_iter().map(|message| (message.seq, Some(message))));
        }
        self.apply_unfolded();
        Ok(())
    }

    /// What `command` brings to the stream as it is.
    pub(super) fn decide(&self, actor: Actor, command: &Command) -> Result<Vec<What>, Refusal> {
        match (&self.view, command) {
            (View::Room(view), Command::Room(command)) => view.decide(actor, command),
            (View::Person(person, _), Command::Person(command)) => Person::decide(person.as_ref(), command),
            _ => Err(Refusal::NotFound),
        }
    }

    /// Folds one entry in.
    pub(super) fn apply(&mut self, entry: &Entry) {
        match (&mut self.view, self.stream) {
            (View::Room(view), _) => view.apply(entry),
            (View::Person(person, changed), Stream::Person(id)) => {
                *person = Person::apply(person.take(), id, entry);
                *changed = true;
            }
            (View::Person(..), Stream::Room(_)) => {}
        }
        self.at = self.at.max(entry.at);
    }

    /// The documents that changed since this was last asked.
    pub(super) fn take_changed(&mut self) -> Vec<Doc> {
        match &mut self.view {
            View::Room(view) => view.take_changed(),
            View::Person(person, changed) => {
                let changed = std::mem::take(changed);
                person.iter().filter(|_| changed).cloned().map(Doc::Person).collect()
            }
        }
    }

    /// Takes notice of an append right after the head; any other is ignored.
    pub(super) fn learn(&mut self, append: &Append) {
        if append.base() != self.head {
            return;
        }
        for entry in &append.entries {
            self.apply(entry);
        }
        self.head = append.head();
        self.take_changed();
        self.unfolded.push(append.clone());
    }

    /// Lets go of what is folded by now.
    pub(super) fn folded_to(&mut self, rev: Rev) {
        self.unfolded.retain(|append| append.head().rev > rev);
    }

    fn apply_unfolded(&mut self) {
        let unfolded = std::mem::take(&mut self.unfolded);
        for entry in unfolded.iter().flat_map(|append| &append.entries) {
            self.apply(entry);
        }
        self.unfolded = unfolded;
    }
}

/// What a file takes besides its name: most of it is a voice message's wave.
const FILE: usize = 1_000;

/// About how many bytes an entry takes as JSON, never less.
pub(super) fn weight(what: &What) -> usize {
    let escaped = |text: &str| {
        let byte = |b: u8| match b {
            0..0x20 => 6,
            b'"' | b'\\' => 2,
            _ => 1,
        };
        text.bytes().map(byte).sum::<usize>()
    };
    let body = match what {
        What::Posted { text, mentions, files, .. } => {
            let files: usize = files.iter().map(|file| escaped(file.name.as_str()) + FILE).sum();
            escaped(text) + 40 * mentions.len() + files
        }
        What::Edited { text, mentions, .. } => escaped(text) + 40 * mentions.len(),
        What::Created { name, topic, .. } => escaped(name) + escaped(topic),
        What::Renamed { name: text, .. } | What::Topic { topic: text, .. } => escaped(text),
        What::Called { people, .. } => 40 * people.len(),
        What::Status { status } => 100 + status.as_ref().map_or(0, |status| escaped(&status.text)),
        What::Profile { display, bio } => escaped(display) + escaped(bio),
        _ => 100,
    };
    body + 500
}

const _: () = assert!(MAX_BYTES > 2 * 6 * crate::model::text::MAX_MESSAGE);
