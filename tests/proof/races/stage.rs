//! A room with people in it, and nodes that serve them.

use std::{num::NonZeroU32, sync::Arc};

use parlor::{
    bus::{Event, Events, LocalBus, Notice},
    chat::{Chat, Floods, NewMessage, NewRoom},
    config::Rate,
    error::{Code, Error},
    log::{Log, Pending, Span},
    model::{
        Actor, Append, Change, Command, Done, Entry, Head, Message, Nonce, NonceKey, PersonCommand,
        RequestHash, Rev, RoomId, RoomKind, Seq, Stream, Tag, Timestamp, UserId, What,
    },
    store::{Appended, Store, Write},
};

use crate::{audit, faulty::Faulty, place::Place};

/// One node: its own view of the store, its own writers.
pub(super) struct Node {
    pub(super) store: Arc<Faulty>,
    pub(super) chat: Chat,
    events: Events,
}

/// Alice's private room with Bob in it; Carol is somebody, Dave too.
pub(super) struct Stage {
    pub(super) place: Place,
    pub(super) room: RoomId,
    pub(super) alice: Actor,
    pub(super) bob: Actor,
    pub(super) carol: Actor,
    pub(super) dave: Actor,
}

/// What a change's answer was, so that answers can be compared.
pub(super) type Answer = Result<Done, Code>;

/// The same, of what a capability returned.
pub(super) fn answer(result: Result<Done, Error>) -> Answer {
    result.map_err(|error| error.code())
}

/// How a change ends that is on its way.
async fn made(change: impl Future<Output = Result<Pending, Error>>) -> Result<Done, Error> {
    Ok(change.await?.await?)
}

pub(super) fn nonce(text: &str) -> Nonce {
    text.parse().unwrap()
}

impl Node {
    /// A node that hears of no other.
    pub(super) fn new(store: &Arc<dyn Store>) -> Self {
        let store = Faulty::new(store.clone());
        let (bus, events) = LocalBus::new();
        let log = Log::new(store.clone(), Arc::new(bus));
        let many = NonZeroU32::MAX;
        let chat = Chat::new(log, Floods::new(Rate { per_minute: many, burst: many }));
        Self { store, chat, events }
    }

    pub(super) fn log(&self) -> &Log {
        self.chat.log()
    }

    /// Tells another node all that this one has published.
    pub(super) fn tell(&mut self, other: &Node) {
        while let Ok(event) = self.events.try_recv() {
            if let Event::Notice { notice: Notice::Appended(committed), .. } = event {
                other.log().learn(committed);
            }
        }
    }

    pub(super) async fn say(&self, room: RoomId, who: Actor, id: &str, text: &str) -> Answer {
        let new = NewMessage::words(text.parse().unwrap(), None);
        answer(made(self.chat.post(who, room, &nonce(id), new)).await)
    }

    pub(super) async fn edit(
        &self,
        room: RoomId,
        who: Actor,
        id: &str,
        seq: Seq,
        base: Rev,
        text: &str,
    ) -> Answer {
        let text = Some(text.parse().unwrap());
        answer(made(self.chat.edit(who, room, &nonce(id), seq, base, text)).await)
    }

    pub(super) async fn delete(&self, room: RoomId, who: Actor, id: &str, seq: Seq) -> Answer {
        answer(made(self.chat.delete(who, room, &nonce(id), seq)).await)
    }

    pub(super) async fn react(&self, room: RoomId, who: Actor, id: &str, seq: Seq, on: bool) -> Answer {
        answer(made(self.chat.react(who, room, &nonce(id), seq, "👍".parse().unwrap(), on)).await)
    }

    pub(super) async fn add(&self, room: RoomId, who: Actor, id: &str, whom: Actor) -> Answer {
        answer(self.chat.add(who, room, &nonce(id), whom.user).await)
    }

    pub(super) async fn remove(&self, room: RoomId, who: Actor, id: &str, whom: Actor) -> Answer {
        answer(self.chat.remove(who, room, &nonce(id), whom.user).await)
    }

    pub(super) async fn message(&self, room: RoomId, seq: Seq) -> Message {
        let page = self.log().timeline(room, Span::Around(seq), 1).await.unwrap().unwrap();
        page.messages.into_iter().find(|message| message.seq == seq).expect("it is there")
    }

    async fn register(&self, name: &str) -> Actor {
        let actor = Actor { user: UserId::new(), owns_server: false };
        let command = PersonCommand::Register { name: name.parse().unwrap(), display: name.parse().unwrap() };
        let change = Change {
            stream: Stream::Person(actor.user),
            actor,
            nonce: NonceKey::asked(actor.user, &nonce("register")),
            command: Command::Person(command),
        };
        self.log().submit(change).await.unwrap();
        actor
    }

    /// A private room.
    pub(super) async fn room(&self, who: Actor, id: &str, others: &[Actor]) -> RoomId {
        let people = others.iter().map(|actor| actor.user).collect();
        let name = Some("a room".parse().unwrap());
        let new = NewRoom { kind: RoomKind::Private, name, topic: None, people };
        self.chat.create(who, &nonce(id), new).await.unwrap().0
    }
}

impl Stage {
    pub(super) async fn new(place: Place) -> Self {
        let node = Node::new(&place.store);
        let alice = node.register("alice").await;
        let (bob, carol, dave) =
            (node.register("bob").await, node.register("carol").await, node.register("dave").await);
        let room = node.room(alice, "first", &[bob]).await;
        Self { place, room, alice, bob, carol, dave }
    }

    pub(super) fn node(&self) -> Node {
        Node::new(&self.place.store)
    }

    pub(super) fn stream(&self) -> Stream {
        Stream::Room(self.room)
    }

    pub(super) async fn head(&self, stream: Stream) -> Head {
        self.place.store.heads(&[stream]).await.unwrap().first().map(|(_, head)| *head).unwrap_or_default()
    }

    /// An append right after the head, as a writer makes it that dies at once: nothing is folded.
    pub(super) async fn leave_behind(&self, whats: Vec<(Actor, What)>) -> Append {
        let base = self.head(self.stream()).await;
        let tag = Tag::random();
        let entries = whats.into_iter().zip(base.rev.0 + 1..).map(|((by, what), rev)| Entry {
            rev: Rev(rev),
            at: Timestamp::now(),
            by: by.user,
            nonce: NonceKey(format!("{}/dying-{tag}-{rev}", by.user).into()),
            request: RequestHash::of(&rev),
            what,
        });
        let append = Append { stream: self.stream(), tag, prev: base.tag, entries: entries.collect() };
        let write = Write { append: append.clone(), docs: vec![], follows: true };
        assert_eq!(self.place.store.append(&write).await.unwrap(), Appended::Pending);
        append
    }

    /// The texts of the room's messages in their order; empty where it has none.
    pub(super) async fn texts(&self) -> Vec<String> {
        let story = audit::Story::of(&self.place.store, self.stream()).await;
        let texts = story.entries().filter_map(|entry| match &entry.what {
            What::Posted { text, .. } => Some(text.clone()),
            _ => None,
        });
        texts.collect()
    }

    /// Checks all that is stored.
    pub(super) async fn audit(&self) {
        audit::all(&self.place.store, [self.room]).await;
    }
}

/// A message that a dying writer leaves.
pub(super) fn posted(seq: u64, text: &str) -> What {
    What::Posted {
        seq: Seq(seq),
        text: text.to_owned(),
        reply_to: None,
        mentions: vec![],
        everyone: false,
        files: vec![],
    }
}
