//! Documents, and how far the log is folded into them.

use std::{sync::Arc, time::Duration};

use parlor::{
    model::{Doc, Head, Rev, RoomKind, Timestamp},
    store::{AppendError, Appended, Store, Write},
};
use tokio::task::JoinSet;

use super::stream::{Pen, head, put, put_docs, put_with, room};

fn named(room: &parlor::model::Room, rev: u64, name: &str) -> Doc {
    let mut room = room.clone();
    room.rev = Rev(rev);
    room.name = name.to_owned();
    Doc::Room(room)
}

async fn name_of(store: &Arc<dyn Store>, room: &parlor::model::Room) -> Option<String> {
    store.rooms(&[room.id]).await.unwrap().first().map(|room| room.name.clone())
}

pub(super) async fn documents_go_in_with_their_append(store: Arc<dyn Store>) {
    let (mut pen, room) = (Pen::room(), room("one", RoomKind::Private));
    let write = Write { append: pen.posts(2), docs: vec![Doc::Room(room.clone())], follows: false };
    assert_eq!(put_with(&store, write).await.unwrap(), Appended::Folded);
    assert_eq!(store.rooms(&[room.id]).await.unwrap(), [room]);
    assert_eq!(store.watermark(pen.stream).await.unwrap(), pen.head);
}

pub(super) async fn documents_of_a_refused_append_do_not_go_in(store: Arc<dyn Store>) {
    let (mut pen, room) = (Pen::room(), room("one", RoomKind::Private));
    let (_, late) = (pen.posts(1), pen.posts(1));
    let write = Write { append: late, docs: vec![Doc::Room(room.clone())], follows: false };
    assert!(matches!(store.append(&write).await, Err(AppendError::Taken)));
    assert_eq!(store.rooms(&[room.id]).await.unwrap(), []);
    assert_eq!(store.watermark(pen.stream).await.unwrap(), Head::default());
}

pub(super) async fn a_document_is_replaced_by_a_higher_rev_only(store: Arc<dyn Store>) {
    let room = room("one", RoomKind::Public);
    for (rev, name, then) in
        [(5, "five", "five"), (3, "three", "five"), (5, "again", "five"), (6, "six", "six")]
    {
        put_docs(&store, [named(&room, rev, name)]).await;
        assert_eq!(name_of(&store, &room).await.as_deref(), Some(then));
    }
}

pub(super) async fn what_something_follows_from_keeps_the_watermark(store: Arc<dyn Store>) {
    let (mut pen, room) = (Pen::room(), room("one", RoomKind::Public));
    let write = Write { append: pen.posts(2), docs: vec![named(&room, 2, "two")], follows: true };
    assert_eq!(store.append(&write).await.unwrap(), Appended::Pending);
    assert_eq!(head(&store, pen.stream).await, pen.head);
    assert_eq!(store.watermark(pen.stream).await.unwrap(), Head::default());
    // A store may leave documents to who folds.
    assert!(store.fold(pen.stream, Rev(0), pen.head, vec![named(&room, 2, "two")]).await.unwrap());
    assert_eq!(store.watermark(pen.stream).await.unwrap(), pen.head);
    assert_eq!(name_of(&store, &room).await.as_deref(), Some("two"));
}

pub(super) async fn an_append_behind_an_unfolded_one_leaves_the_watermark(store: Arc<dyn Store>) {
    let (mut pen, room) = (Pen::room(), room("one", RoomKind::Public));
    put(&store, pen.posts(1)).await.unwrap();
    let folded = pen.head;
    store.append(&Write { append: pen.posts(1), docs: vec![], follows: true }).await.unwrap();
    let write = Write { append: pen.posts(1), docs: vec![named(&room, 3, "three")], follows: false };
    assert_eq!(put_with(&store, write).await.unwrap(), Appended::Pending);
    assert_eq!(store.watermark(pen.stream).await.unwrap(), folded);
    assert_eq!(head(&store, pen.stream).await, pen.head);
    // A store may leave documents to who folds, but then they have to do it.
    assert!(store.fold(pen.stream, folded.rev, pen.head, vec![named(&room, 3, "three")]).await.unwrap());
    assert_eq!(name_of(&store, &room).await.as_deref(), Some("three"));
}

pub(super) async fn a_watermark_moves_from_where_it_is_said_to_be(store: Arc<dyn Store>) {
    let (mut pen, room) = (Pen::room(), room("one", RoomKind::Public));
    let one = pen.posts(2);
    store.append(&Write { append: one.clone(), docs: vec![], follows: true }).await.unwrap();
    store.append(&Write { append: pen.posts(2), docs: vec![], follows: true }).await.unwrap();
    assert!(!store.fold(pen.stream, Rev(2), pen.head, vec![named(&room, 4, "four")]).await.unwrap());
    assert_eq!(store.watermark(pen.stream).await.unwrap(), Head::default());
    // Its documents are in all the same.
    assert_eq!(name_of(&store, &room).await.as_deref(), Some("four"));
    assert!(store.fold(pen.stream, Rev(0), one.head(), vec![named(&room, 2, "two")]).await.unwrap());
    assert_eq!(store.watermark(pen.stream).await.unwrap(), one.head());
    assert_eq!(name_of(&store, &room).await.as_deref(), Some("four"));
    assert!(!store.fold(pen.stream, Rev(0), one.head(), vec![]).await.unwrap());
    assert!(store.fold(pen.stream, Rev(2), pen.head, vec![]).await.unwrap());
    assert_eq!(store.watermark(pen.stream).await.unwrap(), pen.head);
}

pub(super) async fn of_many_who_fold_the_same_one_moves_the_watermark(store: Arc<dyn Store>) {
    let mut pen = Pen::room();
    store.append(&Write { append: pen.posts(3), docs: vec![], follows: true }).await.unwrap();
    let mut folding = JoinSet::new();
    for _ in 0..8 {
        let (store, stream, to) = (store.clone(), pen.stream, pen.head);
        folding.spawn(async move { store.fold(stream, Rev(0), to, vec![]).await.unwrap() });
    }
    assert_eq!(folding.join_all().await.into_iter().filter(|moved| *moved).count(), 1);
}

pub(super) async fn after_catching_up_appends_fold_by_themselves(store: Arc<dyn Store>) {
    let mut pen = Pen::room();
    store.append(&Write { append: pen.posts(1), docs: vec![], follows: true }).await.unwrap();
    assert_eq!(put(&store, pen.posts(1)).await.unwrap(), Appended::Pending);
    assert!(store.fold(pen.stream, Rev(0), pen.head, vec![]).await.unwrap());
    assert_eq!(put(&store, pen.posts(1)).await.unwrap(), Appended::Folded);
    assert_eq!(store.watermark(pen.stream).await.unwrap(), pen.head);
}

pub(super) async fn what_is_unfolded_is_found_until_it_is_folded(store: Arc<dyn Store>) {
    let minute = Duration::from_secs(60);
    let (mut folded, mut pending, mut old) = (Pen::room(), Pen::room(), Pen::room());
    old.at = Timestamp::now().minus(minute * 60);
    put(&store, folded.posts(1)).await.unwrap();
    store.append(&Write { append: pending.posts(1), docs: vec![], follows: true }).await.unwrap();
    store.append(&Write { append: old.posts(1), docs: vec![], follows: true }).await.unwrap();
    let recent = Timestamp::now().minus(minute);
    let mut both = vec![pending.stream, old.stream];
    both.sort();
    let mut found = store.unfolded(Timestamp(0)).await.unwrap();
    found.sort();
    assert_eq!(found, both);
    assert!(store.unfolded(recent).await.unwrap().contains(&pending.stream));
    assert!(!store.unfolded(recent).await.unwrap().contains(&folded.stream));
    assert!(store.fold(pending.stream, Rev(0), pending.head, vec![]).await.unwrap());
    assert_eq!(store.unfolded(Timestamp(0)).await.unwrap(), [old.stream]);
}
