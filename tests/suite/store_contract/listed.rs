//! Somebody's list of rooms: what is unread there, and what mentions them.

use std::sync::Arc;

use parlor::{
    model::{RoomId, Seq, Stream, UserId, What},
    store::{Listed, Store},
};

use super::stream::Scene;

async fn one(store: &Arc<dyn Store>, user: UserId, room: RoomId) -> Listed {
    let mut listed = store.listed(user, Some(room)).await.unwrap();
    assert_eq!(listed.len(), 1);
    listed.remove(0)
}

async fn mentions(store: &Arc<dyn Store>, user: UserId, scene: &Scene) -> u32 {
    one(store, user, scene.room).await.mentions
}

pub(super) async fn a_list_holds_the_rooms_one_is_a_member_of(store: Arc<dyn Store>) {
    let (ann, bob) = (UserId::new(), UserId::new());
    let both = Scene::with(&store, &[ann, bob]).await;
    let anns = Scene::with(&store, &[ann]).await;
    let mut left = Scene::with(&store, &[ann, bob]).await;
    left.leaves(ann).await;
    let mut rooms: Vec<_> =
        store.listed(ann, None).await.unwrap().iter().map(|listed| listed.room.id).collect();
    rooms.sort();
    assert_eq!(rooms, [both.room, anns.room]);
    assert_eq!(store.listed(bob, Some(anns.room)).await.unwrap(), []);
    assert_eq!(store.listed(ann, Some(left.room)).await.unwrap(), []);
    assert_eq!(store.listed(UserId::new(), None).await.unwrap(), []);
    let place = one(&store, bob, both.room).await;
    let heads = store.heads(&[Stream::Room(both.room)]).await.unwrap();
    assert_eq!(heads, [(Stream::Room(both.room), place.head)]);
    assert_eq!((place.member.room, place.member.user, place.room.members), (both.room, bob, 2));
    left.joins(ann).await;
    assert_eq!(store.listed(ann, None).await.unwrap().len(), 3);
}

pub(super) async fn nothing_from_before_joining_is_unread(store: Arc<dyn Store>) {
    let (ann, bob) = (UserId::new(), UserId::new());
    let mut scene = Scene::with(&store, &[ann]).await;
    for _ in 0..3 {
        scene.mentions(ann, &[bob], false).await;
        scene.mentions(ann, &[], true).await;
    }
    scene.joins(bob).await;
    let place = one(&store, bob, scene.room).await;
    assert_eq!((place.read, place.room.seq, place.mentions), (Seq(6), Seq(6), 0));
    scene.mentions(ann, &[bob], false).await;
    let place = one(&store, bob, scene.room).await;
    assert_eq!((place.read, place.room.seq, place.mentions), (Seq(6), Seq(7), 1));
    // A mark that stands before that changes nothing.
    store.mark_read(bob, scene.room, Seq(2)).await.unwrap();
    assert_eq!(one(&store, bob, scene.room).await.read, Seq(6));
}

pub(super) async fn a_read_mark_never_goes_back(store: Arc<dyn Store>) {
    let (ann, bob) = (UserId::new(), UserId::new());
    let mut scene = Scene::with(&store, &[ann, bob]).await;
    let other = Scene::with(&store, &[ann, bob]).await;
    for _ in 0..5 {
        scene.says(ann).await;
    }
    for (seq, moves, read) in [(0, false, 0), (3, true, 3), (3, false, 3), (2, false, 3), (5, true, 5)] {
        assert_eq!(store.mark_read(bob, scene.room, Seq(seq)).await.unwrap(), moves);
        assert_eq!(one(&store, bob, scene.room).await.read, Seq(read));
    }
    assert_eq!(one(&store, ann, scene.room).await.read, Seq(0));
    assert_eq!(one(&store, bob, other.room).await.read, Seq(0));
}

pub(super) async fn mentions_by_others_are_counted_while_unread(store: Arc<dyn Store>) {
    let (ann, bob, eve) = (UserId::new(), UserId::new(), UserId::new());
    let mut scene = Scene::with(&store, &[ann, bob, eve]).await;
    let elsewhere = Scene::with(&store, &[ann, bob]).await;
    scene.mentions(ann, &[bob], false).await;
    let second = scene.mentions(ann, &[bob, eve, bob], false).await;
    scene.says(ann).await;
    scene.mentions(bob, &[bob, ann], false).await;
    assert_eq!(mentions(&store, bob, &scene).await, 2);
    assert_eq!(mentions(&store, eve, &scene).await, 1);
    assert_eq!(mentions(&store, ann, &scene).await, 1);
    assert_eq!(mentions(&store, bob, &elsewhere).await, 0);
    store.mark_read(bob, scene.room, second).await.unwrap();
    assert_eq!(mentions(&store, bob, &scene).await, 0);
    assert_eq!(mentions(&store, eve, &scene).await, 1);
    scene.mentions(eve, &[bob], false).await;
    let counts: Vec<_> = store
        .listed(bob, None)
        .await
        .unwrap()
        .iter()
        .map(|listed| (listed.room.id, listed.mentions))
        .collect();
    assert!(counts.contains(&(scene.room, 1)) && counts.contains(&(elsewhere.room, 0)), "{counts:?}");
}

pub(super) async fn a_mention_of_everyone_is_counted_for_all_but_its_author(store: Arc<dyn Store>) {
    let (ann, bob) = (UserId::new(), UserId::new());
    let mut scene = Scene::with(&store, &[ann, bob]).await;
    let seq = scene.mentions(ann, &[bob], true).await;
    assert_eq!(mentions(&store, ann, &scene).await, 0);
    // Once, although it is mentioned by name, too.
    assert_eq!(mentions(&store, bob, &scene).await, 1);
    scene.mentions(bob, &[], true).await;
    assert_eq!(mentions(&store, ann, &scene).await, 1);
    assert_eq!(mentions(&store, bob, &scene).await, 1);
    store.mark_read(bob, scene.room, seq).await.unwrap();
    assert_eq!(mentions(&store, bob, &scene).await, 0);
}

pub(super) async fn an_edit_adds_and_takes_back_mentions(store: Arc<dyn Store>) {
    let (ann, bob, eve) = (UserId::new(), UserId::new(), UserId::new());
    let mut scene = Scene::with(&store, &[ann, bob, eve]).await;
    let seq = scene.says(ann).await;
    for (people, everyone, bobs, eves) in [
        (&[bob][..], false, 1, 0),
        (&[bob, eve], false, 1, 1),
        (&[eve], false, 0, 1),
        (&[eve], true, 1, 1),
        (&[], true, 1, 1),
        (&[bob], false, 1, 0),
        (&[], false, 0, 0),
        (&[], true, 1, 1),
        (&[], false, 0, 0),
    ] {
        scene.edits(ann, seq, people, everyone).await;
        assert_eq!(mentions(&store, bob, &scene).await, bobs, "{people:?} {everyone}");
        assert_eq!(mentions(&store, eve, &scene).await, eves, "{people:?} {everyone}");
        assert_eq!(mentions(&store, ann, &scene).await, 0);
    }
}

pub(super) async fn a_deleted_message_mentions_nobody(store: Arc<dyn Store>) {
    let (ann, bob) = (UserId::new(), UserId::new());
    let mut scene = Scene::with(&store, &[ann, bob]).await;
    let (named, all) = (scene.mentions(ann, &[bob], false).await, scene.mentions(ann, &[], true).await);
    assert_eq!(mentions(&store, bob, &scene).await, 2);
    scene.does(ann, What::Deleted { seq: named }).await;
    assert_eq!(mentions(&store, bob, &scene).await, 1);
    scene.does(ann, What::Deleted { seq: all }).await;
    assert_eq!(mentions(&store, bob, &scene).await, 0);
    assert_eq!(one(&store, bob, scene.room).await.room.seq, all);
}

pub(super) async fn a_reaction_leaves_the_count_alone(store: Arc<dyn Store>) {
    let (ann, bob) = (UserId::new(), UserId::new());
    let mut scene = Scene::with(&store, &[ann, bob]).await;
    let (named, all) = (scene.mentions(ann, &[bob], false).await, scene.mentions(ann, &[], true).await);
    for seq in [named, all] {
        scene.does(bob, What::Reacted { seq, emoji: "👍".to_owned(), on: true }).await;
        scene.does(bob, What::Pinned { seq, on: true }).await;
    }
    assert_eq!(mentions(&store, bob, &scene).await, 2);
}

pub(super) async fn drafts_are_kept_until_they_are_empty(store: Arc<dyn Store>) {
    let (ann, bob) = (UserId::new(), UserId::new());
    let (here, there) = (RoomId::new(), RoomId::new());
    store.set_draft(ann, here, "first").await.unwrap();
    store.set_draft(ann, here, "second").await.unwrap();
    store.set_draft(ann, there, " \n").await.unwrap();
    store.set_draft(bob, here, "bob's").await.unwrap();
    let mut drafts = store.drafts(ann).await.unwrap();
    drafts.sort();
    let mut expected = [(here, "second".to_owned()), (there, " \n".to_owned())];
    expected.sort();
    assert_eq!(drafts, expected);
    store.set_draft(ann, here, "").await.unwrap();
    store.set_draft(ann, RoomId::new(), "").await.unwrap();
    assert_eq!(store.drafts(ann).await.unwrap(), [(there, " \n".to_owned())]);
    assert_eq!(store.drafts(bob).await.unwrap(), [(here, "bob's".to_owned())]);
}
