//! A change sent more than once, and answers that are lost, is made once and gets its first result.

use std::sync::Arc;

use futures_util::future::join_all;
use parlor::{
    error::Code,
    model::{Seq, Stream},
};

use super::{
    on_both,
    stage::{Stage, answer, nonce},
};
use crate::{faulty::Fault, place::Place};

on_both! {
    a_batch_in_which_one_nonce_is_known,
    one_nonce_twice_in_one_batch,
    one_nonce_for_two_requests_in_one_batch,
    a_post_that_landed_unheard_is_not_made_twice,
    an_edit_that_landed_unheard_is_not_stale,
    a_batch_that_landed_unheard_is_not_made_twice,
    a_change_that_never_arrived_is_made_once,
    a_store_without_room_says_so_and_goes_on,
    a_nonce_sent_to_two_nodes_at_once_is_one_change,
    a_repeat_that_is_no_longer_allowed_gets_the_first_result,
    a_repeat_of_what_would_be_stale_now_gets_the_first_result,
    a_read_mark_sent_again_gets_the_first_result,
    a_draft_sent_again_does_not_bring_the_old_text_back,
}

async fn a_batch_in_which_one_nonce_is_known(place: Place) {
    let stage = Stage::new(place).await;
    let (one, two) = (stage.node(), stage.node());
    let room = stage.room;
    let first = one.say(room, stage.bob, "known", "known").await.unwrap();
    // Once by a writer that has no state yet, once by one whose head is stale.
    let batch = ["a", "known", "b"].map(|id| two.say(room, stage.bob, id, id));
    let answers = join_all(batch).await;
    assert_eq!(answers[1], Ok(first));
    let second = one.say(room, stage.bob, "known-2", "known-2").await.unwrap();
    let batch = ["c", "known-2", "d", "known"].map(|id| two.say(room, stage.bob, id, id));
    let answers = join_all(batch).await;
    assert_eq!((answers[1], answers[3]), (Ok(second), Ok(first)));
    let mut texts = stage.texts().await;
    texts.sort();
    assert_eq!(texts, ["a", "b", "c", "d", "known", "known-2"]);
    stage.audit().await;
}

async fn one_nonce_twice_in_one_batch(place: Place) {
    let stage = Stage::new(place).await;
    let node = stage.node();
    let batch = ["x", "twice", "twice", "y", "twice"].map(|id| node.say(stage.room, stage.bob, id, id));
    let answers = join_all(batch).await;
    assert!(answers[1].is_ok());
    assert_eq!((answers[1], answers[1]), (answers[2], answers[4]));
    assert_eq!(stage.texts().await, ["x", "twice", "y"]);
    stage.audit().await;
}

async fn one_nonce_for_two_requests_in_one_batch(place: Place) {
    let stage = Stage::new(place).await;
    let node = stage.node();
    let batch = ["this", "that"].map(|text| node.say(stage.room, stage.bob, "one", text));
    let answers = join_all(batch).await;
    assert!(answers[0].is_ok());
    assert_eq!(answers[1], Err(Code::NonceReused));
    // Another person's nonces are their own.
    node.say(stage.room, stage.alice, "one", "mine").await.unwrap();
    assert_eq!(stage.texts().await, ["this", "mine"]);
}

async fn a_post_that_landed_unheard_is_not_made_twice(place: Place) {
    let stage = Stage::new(place).await;
    let node = stage.node();
    node.store.script(stage.stream(), [Fault::AnswerLost]);
    let done = node.say(stage.room, stage.bob, "n", "once").await.unwrap();
    assert_eq!(done.rev, Some(stage.head(stage.stream()).await.rev));
    assert_eq!(node.say(stage.room, stage.bob, "n", "once").await, Ok(done));
    assert_eq!(stage.texts().await, ["once"]);
    stage.audit().await;
}

async fn an_edit_that_landed_unheard_is_not_stale(place: Place) {
    let stage = Stage::new(place).await;
    let node = stage.node();
    let base = node.say(stage.room, stage.bob, "post", "one").await.unwrap().rev.unwrap();
    node.store.script(stage.stream(), [Fault::AnswerLost]);
    let done = node.edit(stage.room, stage.bob, "edit", Seq(1), base, "two").await.unwrap();
    assert_eq!(done.rev, Some(stage.head(stage.stream()).await.rev));
    stage.audit().await;
    // A deletion, too: the second look at it finds nothing to do.
    node.store.script(stage.stream(), [Fault::AnswerLost]);
    let done = node.delete(stage.room, stage.bob, "delete", Seq(1)).await.unwrap();
    assert_eq!(done.rev, Some(stage.head(stage.stream()).await.rev));
    stage.audit().await;
}

async fn a_batch_that_landed_unheard_is_not_made_twice(place: Place) {
    let stage = Stage::new(place).await;
    let node = stage.node();
    node.store.script(stage.stream(), [Fault::NeverArrived, Fault::AnswerLost, Fault::AnswerLost]);
    let ids: Vec<String> = (0..30).map(|n| format!("n{n}")).collect();
    let answers = join_all(ids.iter().map(|id| node.say(stage.room, stage.bob, id, id))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(stage.texts().await, ids);
    stage.audit().await;
}

async fn a_change_that_never_arrived_is_made_once(place: Place) {
    let stage = Stage::new(place).await;
    let node = stage.node();
    node.store.script(stage.stream(), [Fault::NeverArrived, Fault::NeverArrived]);
    node.say(stage.room, stage.bob, "n", "once").await.unwrap();
    // What follows in another stream, too.
    node.store.script(Stream::Person(stage.carol.user), [Fault::NeverArrived, Fault::AnswerLost]);
    node.add(stage.room, stage.alice, "add", stage.carol).await.unwrap();
    assert_eq!(stage.texts().await, ["once"]);
    stage.audit().await;
}

async fn a_store_without_room_says_so_and_goes_on(place: Place) {
    let stage = Stage::new(place).await;
    let node = stage.node();
    node.store.script(stage.stream(), [Fault::Full]);
    assert_eq!(node.say(stage.room, stage.bob, "n", "text").await, Err(Code::StorageFull));
    node.say(stage.room, stage.bob, "n", "text").await.unwrap();
    assert_eq!(stage.texts().await, ["text"]);
    stage.audit().await;
}

async fn a_nonce_sent_to_two_nodes_at_once_is_one_change(place: Place) {
    let stage = Stage::new(place).await;
    let nodes = [Arc::new(stage.node()), Arc::new(stage.node())];
    for n in 0..15 {
        let (id, room, bob) = (format!("n{n}"), stage.room, stage.bob);
        let (here, there) =
            tokio::join!(nodes[0].say(room, bob, &id, "text"), nodes[1].say(room, bob, &id, "text"));
        assert!(here.is_ok());
        assert_eq!(here, there);
    }
    assert_eq!(stage.texts().await.len(), 15);
    stage.audit().await;
}

async fn a_repeat_that_is_no_longer_allowed_gets_the_first_result(place: Place) {
    let stage = Stage::new(place).await;
    let (one, two) = (stage.node(), stage.node());
    let first = one.say(stage.room, stage.bob, "n", "text").await.unwrap();
    one.remove(stage.room, stage.alice, "out", stage.bob).await.unwrap();
    for node in [&one, &two] {
        assert_eq!(node.say(stage.room, stage.bob, "n", "text").await, Ok(first));
        assert_eq!(node.say(stage.room, stage.bob, "n", "other").await, Err(Code::NonceReused));
        assert_eq!(node.say(stage.room, stage.bob, "new", "text").await, Err(Code::NotFound));
    }
    stage.audit().await;
}

async fn a_repeat_of_what_would_be_stale_now_gets_the_first_result(place: Place) {
    let stage = Stage::new(place).await;
    let (one, two) = (stage.node(), stage.node());
    let base = one.say(stage.room, stage.bob, "post", "1").await.unwrap().rev.unwrap();
    let edited = one.edit(stage.room, stage.bob, "edit", Seq(1), base, "2").await.unwrap();
    let reacted = one.react(stage.room, stage.alice, "react", Seq(1), true).await.unwrap();
    let deleted = one.delete(stage.room, stage.bob, "delete", Seq(1)).await.unwrap();
    for node in [&one, &two] {
        assert_eq!(node.edit(stage.room, stage.bob, "edit", Seq(1), base, "2").await, Ok(edited));
        assert_eq!(node.react(stage.room, stage.alice, "react", Seq(1), true).await, Ok(reacted));
        assert_eq!(node.delete(stage.room, stage.bob, "delete", Seq(1)).await, Ok(deleted));
    }
    stage.audit().await;
}

async fn a_read_mark_sent_again_gets_the_first_result(place: Place) {
    let stage = Stage::new(place).await;
    let node = stage.node();
    let room = stage.room;
    for n in 1..=3 {
        node.say(room, stage.alice, &format!("n{n}"), "text").await.unwrap();
    }
    let read = async |id: &str, seq| answer(node.chat.read(stage.bob, room, &nonce(id), Seq(seq)).await);
    let first = read("first", 1).await.unwrap();
    assert_eq!(read("first", 2).await, Err(Code::NonceReused));
    read("second", 3).await.unwrap();
    assert_eq!(read("first", 1).await, Ok(first));
    node.remove(room, stage.alice, "out", stage.bob).await.unwrap();
    assert_eq!(read("first", 1).await, Ok(first), "also when it would not be allowed now");
    assert_eq!(read("new", 3).await, Err(Code::NotFound));
}

async fn a_draft_sent_again_does_not_bring_the_old_text_back(place: Place) {
    let stage = Stage::new(place).await;
    let node = stage.node();
    let draft = async |id: &str, text: &str| {
        answer(node.chat.draft(stage.bob, stage.room, &nonce(id), text.parse().unwrap()).await)
    };
    let first = draft("first", "one").await.unwrap();
    draft("second", "two").await.unwrap();
    assert_eq!(draft("first", "one").await, Ok(first));
    assert_eq!(draft("second", "three").await, Err(Code::NonceReused));
    let kept = stage.place.store.drafts(stage.bob.user).await.unwrap();
    assert_eq!(kept, [(stage.room, "two".to_owned())]);
}
