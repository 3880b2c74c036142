//! That whatever the model has is read as it was written.

use parlor::{
    model::{
        Append, Body, CallId, Doc, Entry, Head, Nonce, NonceKey, Reaction, RequestHash, Rev, Role, RoomId,
        RoomKind, Seq, SessionId, Stream, SystemLine, Tag, Timestamp, UserId, What, call::Outcome,
    },
    store::{LogStore, RoomStore},
};

use super::{Place, message, posted, write};

fn all_that_can_happen(user: UserId, room: RoomId) -> Vec<What> {
    let text = "text \u{1f44d} \n \"quoted\"".to_owned();
    let mentions = vec![user, UserId::new()];
    vec![
        What::Created { kind: RoomKind::Group, name: text.clone(), topic: String::new() },
        posted(1, &text),
        What::Posted {
            seq: Seq(2),
            text: text.clone(),
            reply_to: Some(Seq(1)),
            mentions: mentions.clone(),
            everyone: true,
            files: vec![],
        },
        What::Edited { seq: Seq(2), text: text.clone(), mentions, everyone: false },
        What::Deleted { seq: Seq(2) },
        What::Reacted { seq: Seq(1), emoji: "\u{2764}\u{fe0f}".to_owned(), on: true },
        What::Pinned { seq: Seq(1), on: false },
        What::Called {
            call: CallId::new(),
            outcome: Outcome::Finished,
            length_ms: 61_000,
            people: vec![user],
            line: Seq(3),
        },
        What::Joined { user, role: Role::Owner, since: Seq(0), line: None },
        What::Left { was: Role::Member, line: Some(Seq(u64::from(u32::MAX) + 1)) },
        What::Removed { user, was: Role::Member, line: Some(Seq(3)) },
        What::Role { user, was: Role::Member, role: Role::Owner },
        What::Renamed { name: text.clone(), line: Seq(4) },
        What::Topic { topic: text.clone(), line: Seq(5) },
        What::Registered { name: "ann".to_owned(), display: text.clone() },
        What::Profile { display: text.clone(), bio: text },
        What::RoomAdded { room },
        What::RoomGone { room },
        What::Read { room },
        What::Draft { room },
        What::SessionEnded { session: SessionId::new() },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_can_happen_is_read_as_it_was_written() {
    let place = Place::new().await;
    let store = place.store().await;
    let (user, room) = (UserId::new(), RoomId::new());
    let entries = (1..).zip(all_that_can_happen(user, room)).map(|(rev, what)| Entry {
        rev: Rev(rev),
        at: Timestamp::now(),
        by: user,
        nonce: NonceKey::asked(user, &Nonce::random()),
        request: RequestHash::of(&what),
        what,
    });
    // A tag whose highest bit is set is a negative number there.
    let append =
        Append { stream: Stream::Person(user), tag: Tag(u64::MAX), prev: Tag(0), entries: entries.collect() };
    store.append(&write(&append)).await.unwrap();
    assert_eq!(store.heads(&[append.stream]).await.unwrap(), [(append.stream, append.head())]);
    assert_eq!(store.read(append.stream, Rev(0), 100).await.unwrap(), [append]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_is_read_as_it_was_written() {
    let place = Place::new().await;
    let store = place.store().await;
    let (user, room) = (UserId::new(), RoomId::new());
    let name = "tea".to_owned();
    let bodies = vec![
        Body::Text { text: "hello".to_owned(), mentions: vec![user], everyone: true, files: vec![] },
        Body::Deleted,
        Body::System(SystemLine::Renamed { name: name.clone() }),
        Body::System(SystemLine::Topic { topic: name }),
        Body::System(SystemLine::Joined { user }),
        Body::System(SystemLine::Left { user }),
        Body::System(SystemLine::Removed { user }),
        Body::System(SystemLine::Call {
            call: CallId::new(),
            outcome: Outcome::Missed,
            length_ms: 5,
            people: vec![user],
        }),
    ];
    let messages: Vec<_> = (1..)
        .zip(bodies)
        .map(|(seq, body)| {
            let mut message = message(room, seq, seq + 10, "");
            message.body = body;
            message.edited = (seq % 2 == 0).then(Timestamp::now);
            message.reply_to = (seq % 2 == 1).then_some(Seq(1));
            message.reactions =
                vec![Reaction { emoji: "\u{1f44d}".to_owned(), users: vec![user, UserId::new()] }];
            message.pinned = seq == 1;
            message
        })
        .collect();
    let docs = messages.iter().cloned().map(Doc::Message).collect();
    let to = Head { rev: Rev(20), tag: Tag::random() };
    assert!(store.fold(Stream::Room(room), Rev(0), to, docs).await.unwrap());
    assert_eq!(store.messages(room, Seq(1), Seq(99), 99, false).await.unwrap(), messages);
    assert_eq!(store.watermark(Stream::Room(room)).await.unwrap(), to);
}
