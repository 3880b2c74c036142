//! Writers that die half-way.

use std::sync::Arc;

use parlor::{
    log::{Resume, Span},
    model::{Role, Seq, Stream, What},
};
use tokio_util::sync::CancellationToken;

use super::{
    on_both,
    stage::{Node, Stage, posted},
};
use crate::{audit, faulty::Step, place::Place, services::until};

on_both! {
    what_a_writer_left_unfolded_is_read_and_then_folded,
    a_member_that_a_dead_writer_added_is_told_by_the_next_change,
    what_a_dead_node_left_is_found_by_the_sweep,
    two_sweeps_at_once_tell_a_person_once,
    an_edit_left_unfolded_is_what_the_next_edit_is_based_on,
    lists_show_what_is_not_folded_yet,
    one_folder_paused_holds_no_other_up,
}

async fn what_a_writer_left_unfolded_is_read_and_then_folded(place: Place) {
    let stage = Stage::new(place).await;
    let append =
        stage.leave_behind(vec![(stage.bob, posted(1, "one")), (stage.alice, posted(2, "two"))]).await;
    let node = stage.node();
    // Read before anybody folds.
    let page = node.log().timeline(stage.room, Span::Last, 10).await.unwrap().unwrap();
    assert_eq!((page.head, page.room.seq, page.messages.len()), (append.head(), Seq(2), 2));
    let Resume::Since(since) = node.log().resume_room(stage.room, append.base()).await.unwrap() else {
        panic!("it can be resumed")
    };
    assert_eq!((since.head, since.messages), (append.head(), page.messages));
    // Written on.
    let done = node.say(stage.room, stage.bob, "n", "three").await.unwrap();
    assert_eq!((done.seq, done.rev), (Some(Seq(3)), Some(append.head().rev.next())));
    stage.audit().await;
    assert_eq!(stage.texts().await, ["one", "two", "three"]);
}

fn joined(stage: &Stage) -> What {
    What::Joined { user: stage.carol.user, role: Role::Member, since: Seq(1), line: Some(Seq(1)) }
}

async fn a_member_that_a_dead_writer_added_is_told_by_the_next_change(place: Place) {
    let stage = Stage::new(place).await;
    stage.leave_behind(vec![(stage.alice, joined(&stage))]).await;
    let node = stage.node();
    node.say(stage.room, stage.carol, "n", "I am in").await.unwrap();
    stage.audit().await;
    assert_eq!(node.log().listing(stage.carol.user, None).await.unwrap().len(), 1);
}

async fn what_a_dead_node_left_is_found_by_the_sweep(place: Place) {
    let stage = Stage::new(place).await;
    stage.leave_behind(vec![(stage.alice, joined(&stage)), (stage.bob, posted(2, "hello"))]).await;
    let node = stage.node();
    let stop = CancellationToken::new();
    let sweep = tokio::spawn(node.log().clone().sweep(stop.clone()));
    stage.audit().await;
    stop.cancel();
    sweep.await.unwrap();
    let listing = node.log().listing(stage.carol.user, None).await.unwrap();
    assert_eq!((listing.len(), listing[0].listed.room.seq), (1, Seq(2)));
}

async fn two_sweeps_at_once_tell_a_person_once(place: Place) {
    let stage = Stage::new(place).await;
    stage.leave_behind(vec![(stage.alice, joined(&stage))]).await;
    let (one, other) = (stage.node(), stage.node());
    let stop = CancellationToken::new();
    let sweeps = [&one, &other].map(|node| tokio::spawn(node.log().clone().sweep(stop.clone())));
    stage.audit().await;
    stop.cancel();
    for sweep in sweeps {
        sweep.await.unwrap();
    }
    stage.audit().await;
}

async fn an_edit_left_unfolded_is_what_the_next_edit_is_based_on(place: Place) {
    let stage = Stage::new(place).await;
    let first = stage.node();
    let done = first.say(stage.room, stage.bob, "post", "one").await.unwrap();
    audit::folded(&stage.place.store, stage.stream()).await;
    let edited = What::Edited { seq: Seq(1), text: "two".to_owned(), mentions: vec![], everyone: false };
    let append = stage.leave_behind(vec![(stage.bob, edited)]).await;
    let node = stage.node();
    let stale = node.edit(stage.room, stage.bob, "stale", Seq(1), done.rev.unwrap(), "three").await;
    assert_eq!(stale, Err(parlor::error::Code::StaleEdit));
    node.edit(stage.room, stage.bob, "fresh", Seq(1), append.head().rev, "three").await.unwrap();
    stage.audit().await;
}

async fn lists_show_what_is_not_folded_yet(place: Place) {
    let stage = Stage::new(place).await;
    let left = What::Left { was: Role::Member, line: Some(Seq(2)) };
    stage.leave_behind(vec![(stage.alice, joined(&stage)), (stage.bob, left)]).await;
    let node = stage.node();
    let readable = node.chat.readable(stage.alice.user, stage.room).await.unwrap();
    let names = async |after, limit| {
        let page = node.chat.members(&readable, after, limit).await.unwrap();
        (page.items.into_iter().map(|member| member.user).collect::<Vec<_>>(), page.more)
    };
    let mut expected = vec![stage.alice.user, stage.carol.user];
    expected.sort();
    assert_eq!(names(None, 10).await, (expected.clone(), false));
    assert_eq!(names(None, 1).await, (expected[..1].to_vec(), true));
    assert_eq!(names(Some(expected[0]), 1).await, (expected[1..].to_vec(), false));
    assert_eq!(node.chat.rooms_of(stage.bob.user).await.unwrap().len(), 0, "who left has it no longer");
}

async fn one_folder_paused_holds_no_other_up(place: Place) {
    let stage = Stage::new(place).await;
    let node = Arc::new(stage.node());
    let other = node.room(stage.alice, "other", &[stage.bob]).await;
    let mut door = node.store.hold(Step::Fold, stage.stream());
    let adding = {
        let (node, room, alice, carol) = (node.clone(), stage.room, stage.alice, stage.carol);
        tokio::spawn(async move { node.add(room, alice, "add", carol).await })
    };
    door.reached().await;
    for n in 0..20 {
        node.say(stage.room, stage.bob, &format!("here-{n}"), "here").await.unwrap();
        node.say(other, stage.bob, &format!("there-{n}"), "there").await.unwrap();
    }
    audit::folded(&stage.place.store, Stream::Room(other)).await;
    assert!(!adding.is_finished(), "what follows has not followed for good yet");
    // Meanwhile all see all.
    let page = stage.node().log().timeline(stage.room, Span::Last, 100).await.unwrap().unwrap();
    assert_eq!(page.messages.len(), 21);
    let listing = node.log().listing(stage.bob.user, Some(stage.room)).await.unwrap();
    assert_eq!(listing[0].listed.room.seq, Seq(21));
    door.open();
    adding.await.unwrap().unwrap();
    audit::all(&stage.place.store, [stage.room, other]).await;
    until("nothing is behind", async || {
        stage.place.store.unfolded(parlor::model::Timestamp(0)).await.unwrap().is_empty()
    })
    .await;
    let _: &Node = &node;
}
