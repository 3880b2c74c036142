//! What a killed server leaves.

use std::{collections::HashSet, sync::Arc, time::Duration};

use parlor::{
    model::{Head, Rev, RoomId, Stream, Tag},
    store::{AppendError, LogStore, mongo::MongoStore},
};
use tokio::time::Instant;

use super::{append, write};
use crate::mongod::Mongod;

/// What a writer tried, and what it was told is in.
#[derive(Default)]
struct Tried {
    all: HashSet<Tag>,
    acknowledged: Vec<Tag>,
    unknown: usize,
}

/// Appends to a stream until then, reading again whenever it isn't sure.
async fn write_until(store: Arc<MongoStore>, stream: Stream, end: Instant) -> Tried {
    let mut tried = Tried::default();
    let mut head = Head::default();
    while Instant::now() < end {
        let next = append(stream, head, &["one", "two"]);
        tried.all.insert(next.tag);
        match store.append(&write(&next)).await {
            Ok(_) => {
                tried.acknowledged.push(next.tag);
                head = next.head();
                continue;
            }
            Err(AppendError::Unknown(_)) => tried.unknown += 1,
            Err(AppendError::Taken) => {}
            Err(full) => panic!("{full}"),
        }
        while let Ok(more) = store.read(stream, head.rev, 100).await
            && let Some(last) = more.last()
        {
            head = last.head();
        }
    }
    tried
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_killed_server_and_nothing_is_there_twice() {
    let mut server = Mongod::start().await;
    let store = Arc::new(MongoStore::connect(&server.url(), None).await.unwrap());
    // The driver repeats by itself what the server may have forgotten. One that may not is told more often that it isn't
    // known.
    let url = format!("{}&retryWrites=false", server.url());
    let unsure = Arc::new(MongoStore::connect(&url, None).await.unwrap());
    let end = Instant::now() + Duration::from_secs(9);
    let streams: Vec<_> = (0..12).map(|_| Stream::Room(RoomId::new())).collect();
    let stores = [&store, &unsure].into_iter().cycle().cloned();
    let writers =
        streams.iter().zip(stores).map(|(stream, store)| tokio::spawn(write_until(store, *stream, end)));
    let writers: Vec<_> = writers.collect();
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        server.kill();
        server.start_again().await;
    }
    let tried = futures_util::future::join_all(writers).await;
    let mut unknown = 0;
    for (stream, tried) in streams.into_iter().zip(tried) {
        let tried = tried.unwrap();
        let log = store.read(stream, Rev(0), u64::MAX).await.unwrap();
        let mut head = Head::default();
        let mut nonces = HashSet::new();
        for append in &log {
            assert_eq!(append.base(), head);
            head = append.head();
            assert!(append.entries.iter().all(|entry| nonces.insert(entry.nonce.clone())));
        }
        let there: HashSet<Tag> = log.iter().map(|append| append.tag).collect();
        assert!(there.is_subset(&tried.all));
        assert!(tried.acknowledged.iter().all(|tag| there.contains(tag)), "an acknowledged append is gone");
        assert!(tried.acknowledged.len() > 10, "{} acknowledged", tried.acknowledged.len());
        unknown += tried.unknown;
    }
    assert!(unknown > 0, "the server wasn't killed in the midst of anything");
}
