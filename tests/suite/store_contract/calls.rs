//! Calls that are going on.

use std::sync::Arc;

use parlor::{
    model::{CallId, NodeId, RoomId, Tag, Term, Timestamp},
    store::{CallRecord, Store},
};
use tokio::task::JoinSet;

fn record(room: RoomId, owner: u64, until: i64) -> CallRecord {
    CallRecord {
        room,
        call: CallId::new(),
        term: Term(1),
        owner: NodeId(Tag(owner)),
        until: Timestamp(until),
        state: "{}".to_owned(),
    }
}

pub(super) async fn a_room_has_one_call(store: Arc<dyn Store>) {
    let room = RoomId::new();
    assert_eq!(store.call(room).await.unwrap(), None);
    let mut trying = JoinSet::new();
    for owner in 1..=8 {
        let store = store.clone();
        trying.spawn(async move {
            let record = record(room, u64::MAX - owner, 10);
            store.begin_call(&record).await.unwrap().then_some(record)
        });
    }
    let begun: Vec<CallRecord> = trying.join_all().await.into_iter().flatten().collect();
    assert_eq!(begun.len(), 1);
    assert_eq!(store.call(room).await.unwrap(), begun.first().cloned());
    assert!(store.begin_call(&record(RoomId::new(), 1, 10)).await.unwrap(), "another room's");
}

pub(super) async fn of_many_who_take_a_call_over_one_has_it(store: Arc<dyn Store>) {
    let first = record(RoomId::new(), 1, 10);
    assert!(store.begin_call(&first).await.unwrap());
    let mut trying = JoinSet::new();
    for owner in 2..=9 {
        let store = store.clone();
        let taken = CallRecord { owner: NodeId(Tag(owner)), term: Term(2), ..first.clone() };
        trying.spawn(async move { store.set_call(&taken, Term(1)).await.unwrap().then_some(taken) });
    }
    let taken: Vec<CallRecord> = trying.join_all().await.into_iter().flatten().collect();
    assert_eq!(taken.len(), 1);
    assert_eq!(store.call(first.room).await.unwrap(), taken.first().cloned());
    // Who had it finds that it isn't theirs any more.
    assert!(!store.set_call(&CallRecord { until: Timestamp(99), ..first.clone() }, Term(1)).await.unwrap());
    assert!(!store.end_call(first.room, first.call, Term(1)).await.unwrap());
    let kept = CallRecord { until: Timestamp(20), state: "{\"n\":2}".to_owned(), ..taken[0].clone() };
    assert!(store.set_call(&kept, Term(2)).await.unwrap());
    assert_eq!(store.call(first.room).await.unwrap(), Some(kept));
}

pub(super) async fn a_call_that_is_over_leaves_the_room_to_another(store: Arc<dyn Store>) {
    let first = record(RoomId::new(), 1, 10);
    assert!(store.begin_call(&first).await.unwrap());
    assert!(!store.end_call(first.room, CallId::new(), Term(1)).await.unwrap());
    assert!(store.end_call(first.room, first.call, Term(1)).await.unwrap());
    assert!(!store.end_call(first.room, first.call, Term(1)).await.unwrap());
    let second = record(first.room, 1, 10);
    assert!(store.begin_call(&second).await.unwrap());
    assert!(!store.set_call(&first, Term(1)).await.unwrap(), "the first is gone for good");
    assert_eq!(store.call(first.room).await.unwrap(), Some(second));
}

pub(super) async fn calls_of_a_silent_node_are_found_the_longest_first(store: Arc<dyn Store>) {
    let records = [30, 10, 20, 40].map(|until| record(RoomId::new(), 1, until));
    for record in &records {
        assert!(store.begin_call(record).await.unwrap());
    }
    let [third, first, second, _] = records;
    assert_eq!(store.overdue_calls(Timestamp(9), 5).await.unwrap(), []);
    let all = store.overdue_calls(Timestamp(30), 5).await.unwrap();
    assert_eq!(all, [first.clone(), second.clone(), third]);
    assert_eq!(store.overdue_calls(Timestamp(30), 2).await.unwrap(), [first, second]);
}
