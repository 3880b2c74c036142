//! Streams to test with: what goes in, and what must be there then.

use std::sync::Arc;

use parlor::{
    model::{
        Append, Doc, Entry, Head, Membership, Nonce, NonceKey, Person, RequestHash, Rev, Role, Room, RoomId,
        RoomKind, Seq, Stream, Tag, Timestamp, UserId, What, room::RoomView,
    },
    store::{AppendError, Appended, Store, Write},
};

/// Writes down what is to be appended to one stream, each right after the other.
#[derive(Clone)]
pub(crate) struct Pen {
    pub(crate) stream: Stream,
    pub(crate) by: UserId,
    pub(crate) head: Head,
    /// When the next entries are made.
    pub(crate) at: Timestamp,
}

impl Pen {
    /// For a new room.
    pub(crate) fn room() -> Self {
        Self::of(Stream::Room(RoomId::new()))
    }

    pub(crate) fn of(stream: Stream) -> Self {
        Self { stream, by: UserId::new(), head: Head::default(), at: Timestamp::now() }
    }

    /// The next append, of these; each with a nonce of its own.
    pub(crate) fn write(&mut self, whats: impl IntoIterator<Item = What>) -> Append {
        let nonces = std::iter::repeat_with(|| NonceKey::asked(self.by, &Nonce::random()));
        let whats: Vec<_> = whats.into_iter().zip(nonces).collect();
        let mut rev = self.head.rev;
        let mut entries = vec![];
        for (what, nonce) in whats {
            rev = rev.next();
            let request = RequestHash::of(&what);
            entries.push(Entry { rev, at: self.at, by: self.by, nonce, request, what });
        }
        let append = Append { stream: self.stream, tag: Tag::random(), prev: self.head.tag, entries };
        self.head = append.head();
        append
    }

    /// The next append, of that many posts.
    pub(crate) fn posts(&mut self, count: u64) -> Append {
        let first = self.head.rev.0 + 1;
        self.write((first..first + count).map(|n| post(n, &format!("number {n}"))))
    }
}

/// A message.
pub(crate) fn post(seq: u64, text: &str) -> What {
    let text = text.to_owned();
    What::Posted { seq: Seq(seq), text, reply_to: None, mentions: vec![], everyone: false, files: vec![] }
}

/// Appends without documents.
pub(crate) async fn put(store: &Arc<dyn Store>, append: Append) -> Result<Appended, AppendError> {
    put_with(store, Write { append, docs: vec![], follows: false }).await
}

/// Appends, and folds as whoever writes does where the store leaves it to them: when nothing has to follow before, and
/// what lies before is folded.
pub(crate) async fn put_with(store: &Arc<dyn Store>, write: Write) -> Result<Appended, AppendError> {
    let appended = store.append(&write).await?;
    let Append { stream, .. } = write.append;
    let (base, head) = (write.append.base(), write.append.head());
    if appended == Appended::Folded || write.follows || store.watermark(stream).await.unwrap() != base {
        return Ok(appended);
    }
    let moved = store.fold(stream, base.rev, head, write.docs).await.unwrap();
    Ok(if moved { Appended::Folded } else { Appended::Pending })
}

/// All that the log of a stream holds.
pub(crate) async fn all(store: &Arc<dyn Store>, stream: Stream) -> Vec<Append> {
    store.read(stream, Rev(0), u64::MAX).await.unwrap()
}

/// Where a stream stands.
pub(crate) async fn head(store: &Arc<dyn Store>, stream: Stream) -> Head {
    store.heads(&[stream]).await.unwrap().first().map(|(_, head)| *head).unwrap_or_default()
}

/// A room without an append of its own: documents alone matter.
pub(crate) fn room(name: &str, kind: RoomKind) -> Room {
    Room {
        id: RoomId::new(),
        rev: Rev(1),
        kind,
        name: name.to_owned(),
        topic: String::new(),
        created: Timestamp(1_000),
        at: Timestamp(1_000),
        seq: Seq(0),
        members: 0,
        owners: 0,
        people: vec![],
        picture: None,
    }
}

/// A person's profile.
pub(crate) fn person(name: &str, display: &str) -> Person {
    Person {
        id: UserId::new(),
        rev: Rev(1),
        name: name.to_owned(),
        display: display.to_owned(),
        bio: String::new(),
        status: None,
        created: Timestamp(1_000),
        at: Timestamp(1_000),
        picture: None,
    }
}

/// A place in a room; of who is gone without a role.
pub(crate) fn member(room: RoomId, user: UserId, rev: u64, role: Option<Role>) -> Membership {
    Membership { room, user, rev: Rev(rev), role, since: Seq(0) }
}

/// Brings documents in.
pub(crate) async fn put_docs(store: &Arc<dyn Store>, docs: impl IntoIterator<Item = Doc>) {
    let mut pen = Pen::room();
    let write = Write { append: pen.posts(1), docs: docs.into_iter().collect(), follows: false };
    assert_eq!(put_with(store, write).await.unwrap(), Appended::Folded);
}

/// A room that things happen in, one after the other, each of them in the store with its documents.
pub(crate) struct Scene {
    store: Arc<dyn Store>,
    pen: Pen,
    view: RoomView,
    pub(crate) room: RoomId,
}

impl Scene {
    /// A public room of these members.
    pub(crate) async fn with(store: &Arc<dyn Store>, members: &[UserId]) -> Self {
        let room = RoomId::new();
        let pen = Pen::of(Stream::Room(room));
        let mut scene = Self { store: store.clone(), pen, view: RoomView::new(room), room };
        let name = format!("room {room}");
        scene.does(members[0], What::Created { kind: RoomKind::Public, name, topic: String::new() }).await;
        for user in members {
            scene.joins(*user).await;
        }
        scene
    }

    /// Lets something happen.
    pub(crate) async fn does(&mut self, by: UserId, what: What) -> Rev {
        self.pen.by = by;
        let append = self.pen.write([what]);
        for entry in &append.entries {
            if let Some(user) = entry.member() {
                self.view.members.entry(user).or_default();
            }
            self.view.apply(entry);
        }
        let write = Write { append, docs: self.view.take_changed(), follows: false };
        assert_eq!(put_with(&self.store, write).await.unwrap(), Appended::Folded);
        self.pen.head.rev
    }

    fn last(&self) -> Seq {
        self.view.room.as_ref().map(|room| room.seq).unwrap_or_default()
    }

    pub(crate) async fn joins(&mut self, user: UserId) {
        let since = self.last();
        self.does(user, What::Joined { user, role: Role::Member, since, line: None }).await;
    }

    pub(crate) async fn leaves(&mut self, user: UserId) {
        self.does(user, What::Left { was: Role::Member, line: None }).await;
    }

    /// Somebody says something without mentioning anybody.
    pub(crate) async fn says(&mut self, by: UserId) -> Seq {
        self.mentions(by, &[], false).await
    }

    /// Somebody mentions these.
    pub(crate) async fn mentions(&mut self, by: UserId, people: &[UserId], everyone: bool) -> Seq {
        let (seq, mentions) = (self.last().next(), people.to_vec());
        self.does(
            by,
            What::Posted {
                seq,
                text: format!("text {seq}"),
                reply_to: None,
                mentions,
                everyone,
                files: vec![],
            },
        )
        .await;
        seq
    }

    /// Somebody's message mentions these from now on.
    pub(crate) async fn edits(&mut self, by: UserId, seq: Seq, people: &[UserId], everyone: bool) {
        let text = format!("new text {seq}");
        self.does(by, What::Edited { seq, text, mentions: people.to_vec(), everyone }).await;
    }
}
