//! What concerns two streams: the room's decides, the person's follows, once and in order.

use std::sync::Arc;

use parlor::model::{Stream, What};

use super::{
    on_both,
    stage::{Node, Stage, nonce},
};
use crate::{
    audit::{self, Story},
    faulty::Step,
    place::Place,
    services::until,
};

on_both! {
    what_follows_keeps_its_order_whoever_is_slow,
    who_hears_of_a_room_finds_it_in_the_list,
    two_nodes_that_fold_one_stream_tell_each_thing_once,
}

async fn what_follows_keeps_its_order_whoever_is_slow(place: Place) {
    let stage = Stage::new(place).await;
    let (mut slow, quick) = (stage.node(), stage.node());
    quick.say(stage.room, stage.bob, "look", "the quick one knows the room").await.unwrap();
    let of_carol = Stream::Person(stage.carol.user);
    // The slow node adds Carol, and comes to a halt before it tells her.
    let mut door = slow.store.hold(Step::Append, of_carol);
    let adding = {
        let (chat, room, alice, carol) = (slow.chat.clone(), stage.room, stage.alice, stage.carol.user);
        tokio::spawn(async move { chat.add(alice, room, &nonce("add"), carol).await })
    };
    door.reached().await;
    slow.tell(&quick);
    // Another, which has heard of it, removes and adds her again.
    quick.remove(stage.room, stage.alice, "remove", stage.carol).await.unwrap();
    quick.add(stage.room, stage.alice, "again", stage.carol).await.unwrap();
    door.open();
    adding.await.unwrap().unwrap();
    stage.audit().await;
}

async fn who_hears_of_a_room_finds_it_in_the_list(place: Place) {
    let stage = Stage::new(place).await;
    let node = Arc::new(stage.node());
    let mut door = node.store.hold(Step::Fold, stage.stream());
    let adding = {
        let (node, room, alice, carol) = (node.clone(), stage.room, stage.alice, stage.carol);
        tokio::spawn(async move { node.add(room, alice, "add", carol).await })
    };
    door.reached().await;
    let story = Story::of(&stage.place.store, Stream::Person(stage.carol.user)).await;
    let told = story.entries().any(|entry| entry.what == What::RoomAdded { room: stage.room });
    let listed = !node.log().listing(stage.carol.user, Some(stage.room)).await.unwrap().is_empty();
    assert!(listed || !told, "told of a room that isn't in the list");
    door.open();
    adding.await.unwrap().unwrap();
    stage.audit().await;
}

async fn two_nodes_that_fold_one_stream_tell_each_thing_once(place: Place) {
    let stage = Stage::new(place).await;
    let nodes = [Arc::new(stage.node()), Arc::new(stage.node())];
    let mut changes = tokio::task::JoinSet::new();
    for (n, node) in nodes.iter().enumerate() {
        for round in 0..12 {
            let (node, room, alice, whom) =
                (node.clone(), stage.room, stage.alice, [stage.carol, stage.dave][(n + round) % 2]);
            changes.spawn(async move {
                if round % 3 == 2 {
                    node.remove(room, alice, &format!("remove-{n}-{round}"), whom).await
                } else {
                    node.add(room, alice, &format!("add-{n}-{round}"), whom).await
                }
            });
        }
    }
    for done in changes.join_all().await {
        done.unwrap();
    }
    stage.audit().await;
    for whom in [stage.carol, stage.dave] {
        let listing = nodes[0].log().listing(whom.user, Some(stage.room)).await.unwrap();
        let member = nodes[1].log().membership(stage.room, whom.user).await.unwrap().unwrap().2;
        assert_eq!(!listing.is_empty(), member.is_some());
    }
    until("all is folded", async || {
        stage.place.store.unfolded(parlor::model::Timestamp(0)).await.unwrap().is_empty()
    })
    .await;
    let _: &Node = &nodes[0];
    audit::folded(&stage.place.store, stage.stream()).await;
}
