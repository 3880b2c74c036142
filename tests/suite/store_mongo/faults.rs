//! What the store says when something goes wrong on the way.

use mongodb::bson::doc;
use parlor::{
    model::{Head, Rev, RoomId, Stream, Tag},
    store::{AppendError, Found, LogStore, StoreError},
};

use super::{
    append, message_doc,
    place::{Between, Place},
    write,
};

#[tokio::test(flavor = "multi_thread")]
async fn an_append_without_its_majority_is_unknown_and_is_found() {
    let place = Place::new().await;
    let store = place.store().await;
    let room = Stream::Room(RoomId::new());
    let first = append(room, Head::default(), &["first"]);
    store.append(&write(&first)).await.unwrap();
    let second = append(room, first.head(), &["second"]);
    {
        // 64: the wait for the majority timed out. The document is in.
        let concern = doc! { "code": 64, "errmsg": "waiting for replication timed out" };
        let fault = doc! { "failCommands": ["insert"], "writeConcernError": concern };
        let _fault = place.fail(1, "log", fault).await;
        let outcome = store.append(&write(&second)).await;
        assert!(matches!(outcome, Err(AppendError::Unknown(_))), "{outcome:?}");
    }
    // The majority may get it later. Who asks at once may not see it, and tries again: it doesn't go in twice, and the
    // answer waits for the majority that has the first.
    assert!(matches!(store.append(&write(&second)).await, Err(AppendError::Taken)));
    let found = store.find(room, &[second.entries[0].nonce.clone()]).await.unwrap();
    assert_eq!(found, [Found::Entry { entry: second.entries[0].clone(), tag: second.tag }]);
    assert_eq!(store.heads(&[room]).await.unwrap(), [(room, second.head())]);
    assert_eq!(store.read(room, first.head().rev, 10).await.unwrap(), [second]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_whose_answer_is_lost_is_unknown_and_is_found() {
    let place = Place::new().await;
    let between = Between::new(place.address()).await;
    let store = place.store_at(&between.address).await;
    let room = Stream::Room(RoomId::new());
    let first = append(room, Head::default(), &["first"]);
    store.append(&write(&first)).await.unwrap();
    let second = append(room, first.head(), &["second"]);
    between.lose_answers(true);
    let outcome = store.append(&write(&second)).await;
    assert!(matches!(outcome, Err(AppendError::Unknown(_))), "{outcome:?}");
    between.lose_answers(false);
    let found = store.find(room, &[second.entries[0].nonce.clone()]).await.unwrap();
    assert_eq!(found, [Found::Entry { entry: second.entries[0].clone(), tag: second.tag }]);
    assert_eq!(store.read(room, first.head().rev, 10).await.unwrap(), [second]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_never_arrived_is_unknown_and_is_not_found() {
    let place = Place::new().await;
    let store = place.store().await;
    let room = Stream::Room(RoomId::new());
    let first = append(room, Head::default(), &["first"]);
    {
        let _fault = place.fail(4, "log", doc! { "failCommands": ["insert"], "closeConnection": true }).await;
        let outcome = store.append(&write(&first)).await;
        assert!(matches!(outcome, Err(AppendError::Unknown(_))), "{outcome:?}");
        let off = doc! { "configureFailPoint": "failCommand", "mode": "off" };
        place.database.client().database("admin").run_command(off).await.unwrap();
    }
    assert_eq!(store.read(room, Head::default().rev, 10).await.unwrap(), []);
    assert_eq!(store.find(room, &[first.entries[0].nonce.clone()]).await.unwrap(), []);
    store.append(&write(&first)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn appends_that_share_a_write_have_each_their_own_fate() {
    let place = Place::new().await;
    let store = place.store().await;
    let rooms: Vec<_> = (0..40).map(|_| Stream::Room(RoomId::new())).collect();
    let firsts: Vec<_> = rooms.iter().map(|room| append(*room, Head::default(), &["first"])).collect();
    // Two for every second room, at the same moment.
    let rivals: Vec<_> =
        rooms.iter().step_by(2).map(|room| append(*room, Head::default(), &["rival"])).collect();
    let all: Vec<_> = firsts.into_iter().chain(rivals).collect();
    let writes: Vec<_> = all.iter().map(write).collect();
    let outcomes = futures_util::future::join_all(writes.iter().map(|write| store.append(write))).await;
    let mut in_the_log = 0;
    for (append, outcome) in all.iter().zip(&outcomes) {
        let there = store.read(append.stream, Head::default().rev, 10).await.unwrap();
        assert_eq!(there.len(), 1);
        match outcome {
            Ok(_) => {
                assert_eq!(&there[0], append);
                in_the_log += 1;
            }
            Err(AppendError::Taken) => assert_ne!(&there[0], append),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(in_the_log, rooms.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fold_that_fails_leaves_the_watermark_and_can_be_repeated() {
    let place = Place::new().await;
    let store = place.store().await;
    let room = RoomId::new();
    let first = append(Stream::Room(room), Head::default(), &["first"]);
    store.append(&write(&first)).await.unwrap();
    let docs = vec![message_doc(room, 1, 1, "first")];
    let base = first.base().rev;
    {
        let concern = doc! { "code": 64, "errmsg": "waiting for replication timed out" };
        let fault = doc! { "failCommands": ["insert", "update"], "writeConcernError": concern };
        let _fault = place.fail(1, "messages", fault).await;
        let outcome = store.fold(first.stream, base, first.head(), docs.clone()).await;
        assert!(matches!(outcome, Err(StoreError::Away(_))), "{outcome:?}");
    }
    assert_eq!(store.watermark(first.stream).await.unwrap(), Head::default());
    assert!(store.fold(first.stream, base, first.head(), docs).await.unwrap());
    assert_eq!(store.watermark(first.stream).await.unwrap(), first.head());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_said_to_be_away_within_seconds() {
    let begun = std::time::Instant::now();
    let url = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=500";
    let outcome = parlor::store::mongo::MongoStore::connect(url, None).await;
    assert!(matches!(outcome, Err(StoreError::Away(_))), "{outcome:?}");
    assert!(begun.elapsed().as_secs() < 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_those_who_fold_one_stream_in_one_write_one_moves_its_watermark() {
    let place = Place::new().await;
    let store = place.store().await;
    for _ in 0..10 {
        let (rooms, head) = ([RoomId::new(), RoomId::new()], Head { rev: Rev(3), tag: Tag::random() });
        let folds = (0..20).map(|n| store.fold(Stream::Room(rooms[n % 2]), Rev(0), head, vec![]));
        let moved = futures_util::future::join_all(folds).await;
        assert_eq!(moved.into_iter().filter(|moved| *moved.as_ref().unwrap()).count(), 2);
    }
}
