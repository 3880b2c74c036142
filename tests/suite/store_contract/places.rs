//! Messages by their places in the timeline.

use std::sync::Arc;

use parlor::{
    model::{Body, Message, Reaction, RoomId, Seq, UserId, What},
    store::Store,
};

use super::stream::Scene;

fn seqs(messages: &[Message]) -> Vec<u64> {
    messages.iter().map(|message| message.seq.0).collect()
}

pub(super) async fn messages_of_a_range_come_from_either_end(store: Arc<dyn Store>) {
    let ann = UserId::new();
    let (mut here, mut elsewhere) = (Scene::with(&store, &[ann]).await, Scene::with(&store, &[ann]).await);
    for _ in 0..10 {
        here.says(ann).await;
        elsewhere.says(ann).await;
    }
    let everything = (Seq(0), Seq(u64::MAX));
    for ((from, to), limit, last, expected) in [
        (everything, 100, false, vec![1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        (everything, 100, true, vec![1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        (everything, 3, false, vec![1, 2, 3]),
        (everything, 3, true, vec![8, 9, 10]),
        ((Seq(4), Seq(7)), 100, false, vec![4, 5, 6, 7]),
        ((Seq(4), Seq(7)), 2, false, vec![4, 5]),
        ((Seq(4), Seq(7)), 2, true, vec![6, 7]),
        ((Seq(7), Seq(7)), 2, true, vec![7]),
        ((Seq(9), Seq(99)), 10, true, vec![9, 10]),
        ((Seq(7), Seq(4)), 10, false, vec![]),
        ((Seq(11), Seq(99)), 10, false, vec![]),
        (everything, 0, true, vec![]),
    ] {
        let found = store.messages(here.room, from, to, limit, last).await.unwrap();
        assert_eq!(seqs(&found), expected, "{from} to {to}, {limit}, last: {last}");
        assert!(found.iter().all(|message| message.room == here.room));
    }
    assert_eq!(store.messages(RoomId::new(), Seq(0), Seq(9), 9, false).await.unwrap(), []);
}

pub(super) async fn messages_are_found_by_their_places(store: Arc<dyn Store>) {
    let ann = UserId::new();
    let mut scene = Scene::with(&store, &[ann]).await;
    for _ in 0..5 {
        scene.says(ann).await;
    }
    let mut found = store.messages_at(scene.room, &[Seq(5), Seq(9), Seq(2), Seq(0)]).await.unwrap();
    found.sort_by_key(|message| message.seq);
    assert_eq!(seqs(&found), [2, 5]);
    assert_eq!(store.messages_at(RoomId::new(), &[Seq(2)]).await.unwrap(), []);
}

pub(super) async fn a_message_comes_in_its_present_state(store: Arc<dyn Store>) {
    let (ann, bob) = (UserId::new(), UserId::new());
    let mut scene = Scene::with(&store, &[ann, bob]).await;
    let seq = scene.says(ann).await;
    scene.edits(ann, seq, &[bob], false).await;
    let rev = scene.does(bob, What::Reacted { seq, emoji: "👍".to_owned(), on: true }).await;
    let found = store.messages_at(scene.room, &[seq]).await.unwrap().remove(0);
    assert_eq!(found.rev, rev);
    assert!(found.edited.is_some());
    assert_eq!(found.reactions, [Reaction { emoji: "👍".to_owned(), users: vec![bob] }]);
    let text = format!("new text {seq}");
    assert_eq!(found.body, Body::Text { text, mentions: vec![bob], everyone: false, files: vec![] });
    scene.does(ann, What::Deleted { seq }).await;
    let found = store.messages(scene.room, seq, seq, 1, false).await.unwrap().remove(0);
    assert_eq!((found.body, found.reactions), (Body::Deleted, vec![]));
}

pub(super) async fn pinned_messages_come_the_newest_first_page_by_page(store: Arc<dyn Store>) {
    let ann = UserId::new();
    let (mut here, mut elsewhere) = (Scene::with(&store, &[ann]).await, Scene::with(&store, &[ann]).await);
    for _ in 0..9 {
        here.says(ann).await;
        elsewhere.says(ann).await;
    }
    // In another order than they come in.
    for seq in [5, 2, 9, 7, 4].map(Seq) {
        here.does(ann, What::Pinned { seq, on: true }).await;
    }
    elsewhere.does(ann, What::Pinned { seq: Seq(8), on: true }).await;
    let (mut found, mut before) = (vec![], None);
    for more in [true, true, false] {
        let page = store.pinned(here.room, before, 2).await.unwrap();
        assert_eq!(page.more, more);
        assert!(page.items.iter().all(|message| message.pinned && message.room == here.room));
        before = page.items.last().map(|message| message.seq);
        found.extend(seqs(&page.items));
    }
    assert_eq!(found, [9, 7, 5, 4, 2]);
    let exactly = store.pinned(here.room, None, 5).await.unwrap();
    assert_eq!((exactly.items.len(), exactly.more), (5, false));
    assert_eq!(store.pinned(here.room, Some(Seq(2)), 5).await.unwrap().items, []);
    assert_eq!(store.pinned(RoomId::new(), None, 5).await.unwrap().items, []);
}

pub(super) async fn what_is_unpinned_or_deleted_is_no_longer_among_the_pinned(store: Arc<dyn Store>) {
    let ann = UserId::new();
    let mut scene = Scene::with(&store, &[ann]).await;
    for seq in 1..=4 {
        scene.says(ann).await;
        scene.does(ann, What::Pinned { seq: Seq(seq), on: true }).await;
    }
    scene.does(ann, What::Pinned { seq: Seq(2), on: false }).await;
    scene.does(ann, What::Deleted { seq: Seq(3) }).await;
    scene.edits(ann, Seq(4), &[], false).await;
    let page = store.pinned(scene.room, None, 9).await.unwrap();
    assert_eq!(seqs(&page.items), [4, 1]);
    assert!(page.items[0].edited.is_some(), "as it is now");
    scene.does(ann, What::Pinned { seq: Seq(2), on: true }).await;
    assert_eq!(seqs(&store.pinned(scene.room, None, 9).await.unwrap().items), [4, 2, 1]);
}
