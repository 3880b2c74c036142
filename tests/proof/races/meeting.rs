//! Changes that meet: through two nodes, upon stale heads, at once.

use std::{collections::HashSet, sync::Arc};

use parlor::{
    chat::NewRoom,
    error::Code,
    model::{Body, Done, RoomKind, Seq, Stream, What},
};
use tokio::task::JoinSet;

use super::{
    on_both,
    stage::{Stage, nonce},
};
use crate::{
    audit::{self, Story},
    place::Place,
};

on_both! {
    two_nodes_that_append_to_one_stream_leave_one_order,
    nodes_that_tell_each_other_keep_one_order,
    a_reaction_during_an_edit_spoils_neither,
    two_people_who_start_one_direct_message_find_one_room,
    an_edit_that_meets_a_post_goes_in,
    of_two_edits_of_one_text_one_is_stale,
    an_edit_that_meets_a_deletion_never_brings_the_text_back,
    a_member_removed_elsewhere_cannot_post_upon_a_stale_head,
    no_post_of_a_member_stands_after_their_removal,
    a_refusal_upon_a_stale_head_is_not_told,
    nothing_to_change_upon_a_stale_head_is_not_told,
    a_refusal_upon_what_a_new_server_does_not_know_yet_is_not_told,
}

async fn storm(stage: &Stage, tell: bool) {
    const EACH: usize = 40;
    let (mut one, two) = (stage.node(), Arc::new(stage.node()));
    let room = stage.room;
    let mut posts = JoinSet::new();
    let mut done = HashSet::new();
    for n in 0..EACH {
        let (node, bob) = (two.clone(), stage.bob);
        posts.spawn(async move { node.say(room, bob, &format!("two-{n}"), "from two").await });
        if n % 4 == 0 {
            // Sometimes alone, sometimes many at once.
            done.insert(one.say(room, stage.alice, &format!("one-{n}"), "from one").await.unwrap().rev);
            if tell {
                one.tell(&two);
            }
        }
    }
    for answer in posts.join_all().await {
        done.insert(answer.unwrap().rev);
    }
    assert_eq!(done.len(), EACH + EACH / 4);
    assert_eq!(stage.texts().await.len(), done.len());
    stage.audit().await;
}

async fn two_nodes_that_append_to_one_stream_leave_one_order(place: Place) {
    storm(&Stage::new(place).await, false).await;
}

async fn nodes_that_tell_each_other_keep_one_order(place: Place) {
    storm(&Stage::new(place).await, true).await;
}

async fn a_reaction_during_an_edit_spoils_neither(place: Place) {
    let stage = Stage::new(place).await;
    let (one, two) = (stage.node(), stage.node());
    let room = stage.room;
    let mut base = one.say(room, stage.alice, "post", "0").await.unwrap().rev.unwrap();
    for n in 1..=10 {
        let (edit, react, text) = (format!("edit-{n}"), format!("react-{n}"), n.to_string());
        let (edited, reacted) = tokio::join!(
            one.edit(room, stage.alice, &edit, Seq(1), base, &text),
            two.react(room, stage.bob, &react, Seq(1), n % 2 == 1),
        );
        reacted.unwrap();
        base = edited.unwrap().rev.unwrap();
    }
    stage.audit().await;
    let message = one.message(room, Seq(1)).await;
    assert!(matches!(message.body, Body::Text { ref text, .. } if text == "10"), "{message:?}");
    assert!(message.reactions.is_empty());
    assert_eq!(message.base, base);
}

async fn two_people_who_start_one_direct_message_find_one_room(place: Place) {
    let stage = Stage::new(place).await;
    let (one, two) = (stage.node(), stage.node());
    let direct = |whom: parlor::model::Actor| NewRoom {
        kind: RoomKind::Direct,
        name: None,
        topic: None,
        people: vec![whom.user],
    };
    let (from_carol, from_dave) = (nonce("carol"), nonce("dave"));
    let (here, there) = tokio::join!(
        one.chat.create(stage.carol, &from_carol, direct(stage.dave)),
        two.chat.create(stage.dave, &from_dave, direct(stage.carol)),
    );
    let ((here, made_here), (there, made_there)) = (here.unwrap(), there.unwrap());
    assert_eq!(here, there);
    assert!(made_here != made_there, "one made it, the other found it");
    two.say(here, stage.carol, "n1", "hello").await.unwrap();
    one.say(here, stage.dave, "n2", "hello").await.unwrap();
    let stories = audit::all(&stage.place.store, [here]).await;
    let made = stories[&Stream::Room(here)].entries().filter(|e| matches!(e.what, What::Created { .. }));
    assert_eq!(made.count(), 1);
    for whom in [stage.carol, stage.dave] {
        assert_eq!(one.chat.rooms_of(whom.user).await.unwrap().len(), 1);
    }
}

async fn an_edit_that_meets_a_post_goes_in(place: Place) {
    let stage = Stage::new(place).await;
    let (one, two) = (stage.node(), stage.node());
    let base = one.say(stage.room, stage.alice, "post", "one").await.unwrap().rev.unwrap();
    // The second node looks at the room before the first moves on.
    two.react(stage.room, stage.bob, "look", Seq(1), true).await.unwrap();
    one.say(stage.room, stage.bob, "between", "two").await.unwrap();
    let edited = two.edit(stage.room, stage.alice, "edit", Seq(1), base, "one more").await.unwrap();
    assert_eq!(edited.rev.unwrap(), stage.head(stage.stream()).await.rev);
    stage.audit().await;
}

async fn of_two_edits_of_one_text_one_is_stale(place: Place) {
    let stage = Stage::new(place).await;
    let (one, two) = (stage.node(), stage.node());
    let room = stage.room;
    for n in 1..=8 {
        let base = one.say(room, stage.alice, &format!("post-{n}"), "text").await.unwrap();
        let (seq, base) = (base.seq.unwrap(), base.rev.unwrap());
        let (here, there) = (format!("here-{n}"), format!("there-{n}"));
        let (first, second) = tokio::join!(
            one.edit(room, stage.alice, &here, seq, base, "here"),
            two.edit(room, stage.alice, &there, seq, base, "there"),
        );
        let (won, lost, text) =
            if first.is_ok() { (first, second, "here") } else { (second, first, "there") };
        assert_eq!(lost, Err(Code::StaleEdit));
        let message = two.message(room, seq).await;
        assert_eq!(Some(message.base), won.unwrap().rev);
        assert!(matches!(message.body, Body::Text { text: now, .. } if now == text));
    }
    stage.audit().await;
}

async fn an_edit_that_meets_a_deletion_never_brings_the_text_back(place: Place) {
    let stage = Stage::new(place).await;
    let (one, two) = (stage.node(), stage.node());
    let room = stage.room;
    for n in 1..=8 {
        let base = two.say(room, stage.bob, &format!("post-{n}"), "text").await.unwrap();
        let (seq, base) = (base.seq.unwrap(), base.rev.unwrap());
        let (delete, edit) = (format!("delete-{n}"), format!("edit-{n}"));
        let (deleted, edited) = tokio::join!(
            one.delete(room, stage.alice, &delete, seq),
            two.edit(room, stage.bob, &edit, seq, base, "changed"),
        );
        deleted.unwrap();
        assert!(edited.is_ok() || edited == Err(Code::Deleted), "{edited:?}");
        assert_eq!(one.message(room, seq).await.body, Body::Deleted);
    }
    stage.audit().await;
}

async fn a_member_removed_elsewhere_cannot_post_upon_a_stale_head(place: Place) {
    let stage = Stage::new(place).await;
    let (one, two) = (stage.node(), stage.node());
    two.say(stage.room, stage.bob, "before", "I am in").await.unwrap();
    one.remove(stage.room, stage.alice, "out", stage.bob).await.unwrap();
    assert_eq!(two.say(stage.room, stage.bob, "after", "I am not").await, Err(Code::NotFound));
    assert_eq!(stage.texts().await, ["I am in"]);
    stage.audit().await;
}

async fn no_post_of_a_member_stands_after_their_removal(place: Place) {
    let stage = Stage::new(place).await;
    let (one, two) = (stage.node(), Arc::new(stage.node()));
    let mut posts = JoinSet::new();
    for n in 0..30 {
        let (node, room, bob) = (two.clone(), stage.room, stage.bob);
        posts.spawn(async move { node.say(room, bob, &format!("n{n}"), "still here").await });
    }
    one.remove(stage.room, stage.alice, "out", stage.bob).await.unwrap();
    let answers = posts.join_all().await;
    let story = Story::of(&stage.place.store, stage.stream()).await;
    let removed = story.entries().find(|entry| matches!(entry.what, What::Removed { .. })).unwrap().rev;
    let posts: Vec<_> = story.entries().filter(|entry| matches!(entry.what, What::Posted { .. })).collect();
    assert!(posts.iter().all(|entry| entry.rev < removed));
    assert_eq!(posts.len(), answers.iter().filter(|answer| answer.is_ok()).count());
    assert!(answers.iter().all(|answer| answer.is_ok() || *answer == Err(Code::NotFound)), "{answers:?}");
    stage.audit().await;
}

async fn a_refusal_upon_a_stale_head_is_not_told(place: Place) {
    let stage = Stage::new(place).await;
    let (one, two) = (stage.node(), stage.node());
    let room = stage.room;
    // Node two knows the room without Carol, with its first text, and without a second message.
    let post = two.say(room, stage.bob, "post", "text").await.unwrap();
    assert_eq!(two.say(room, stage.carol, "too-early", "let me in").await, Err(Code::NotFound));
    one.add(room, stage.alice, "add", stage.carol).await.unwrap();
    two.say(room, stage.carol, "in-time", "I am in").await.unwrap();

    let seq = post.seq.unwrap();
    let edited = one.edit(room, stage.bob, "edit", seq, post.rev.unwrap(), "new").await.unwrap();
    two.edit(room, stage.bob, "edit-2", seq, edited.rev.unwrap(), "newer").await.unwrap();

    let last = one.say(room, stage.alice, "last", "last").await.unwrap();
    two.react(room, stage.carol, "react", last.seq.unwrap(), true).await.unwrap();
    stage.audit().await;
}

async fn nothing_to_change_upon_a_stale_head_is_not_told(place: Place) {
    let stage = Stage::new(place).await;
    let (one, two) = (stage.node(), stage.node());
    let room = stage.room;
    one.say(room, stage.alice, "post", "text").await.unwrap();
    two.react(room, stage.bob, "on", Seq(1), true).await.unwrap();
    one.react(room, stage.bob, "off", Seq(1), false).await.unwrap();
    // Node two still believes that the reaction is there.
    assert_ne!(two.react(room, stage.bob, "on-again", Seq(1), true).await.unwrap(), Done::UNCHANGED);
    assert_eq!(one.message(room, Seq(1)).await.reactions.len(), 1);
    stage.audit().await;
}

async fn a_refusal_upon_what_a_new_server_does_not_know_yet_is_not_told(place: Place) {
    let stage = Stage::new(place).await;
    let (one, two) = (stage.node(), stage.node());
    let room = stage.room;
    // Node two knows the room without Carol.
    assert_eq!(two.say(room, stage.carol, "too-early", "let me in").await, Err(Code::NotFound));
    let before = stage.head(stage.stream()).await;
    one.add(room, stage.alice, "add", stage.carol).await.unwrap();
    two.store.fall_behind(stage.stream(), before);
    two.say(room, stage.carol, "in-time", "I am in").await.unwrap();
    stage.audit().await;
}
