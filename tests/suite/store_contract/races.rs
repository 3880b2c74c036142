//! Many who write at once.

use std::{collections::HashSet, sync::Arc};

use parlor::{
    model::{Append, Head, Stream, Tag},
    store::{AppendError, Store},
};
use tokio::task::JoinSet;

use super::stream::{Pen, all, head, put};

/// Asserts that these are all of a log: no place is missing, and each append bears the tag of the one before it.
pub(super) fn assert_dense(appends: &[Append]) {
    let (mut rev, mut tag) = (0, Tag::default());
    for append in appends {
        assert_eq!(append.prev, tag);
        for entry in &append.entries {
            rev += 1;
            assert_eq!(entry.rev.0, rev);
        }
        tag = append.tag;
    }
}

pub(super) async fn of_many_at_one_head_one_wins(store: Arc<dyn Store>) {
    let mut pen = Pen::room();
    for _ in 0..5 {
        let mut all_at_once = JoinSet::new();
        for _ in 0..16 {
            let (store, append) = (store.clone(), pen.clone().posts(2));
            all_at_once.spawn(async move { (append.head(), put(&store, append).await) });
        }
        let mut won = vec![];
        while let Some(done) = all_at_once.join_next().await {
            match done.unwrap() {
                (head, Ok(_)) => won.push(head),
                (_, Err(AppendError::Taken)) => {}
                (_, other) => assert!(other.is_ok(), "{other:?}"),
            }
        }
        assert_eq!(won.len(), 1);
        pen.head = won[0];
        assert_eq!(head(&store, pen.stream).await, won[0]);
    }
    assert_dense(&all(&store, pen.stream).await);
}

pub(super) async fn many_writers_leave_a_dense_log_whose_tags_chain(store: Arc<dyn Store>) {
    const WRITERS: usize = 12;
    const EACH: usize = 8;
    let stream = Pen::room().stream;
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let store = store.clone();
        writers.spawn(async move {
            let mut tags = vec![];
            while tags.len() < EACH {
                let mut pen = Pen::of(stream);
                pen.head = head(&store, stream).await;
                let append = pen.posts(1 + tags.len() as u64 % 3);
                let tag = append.tag;
                match put(&store, append).await {
                    Ok(_) => tags.push(tag),
                    Err(refused) => assert!(matches!(refused, AppendError::Taken), "{refused:?}"),
                }
            }
            tags
        });
    }
    let acknowledged: HashSet<Tag> = writers.join_all().await.into_iter().flatten().collect();
    let log = all(&store, stream).await;
    assert_dense(&log);
    assert_eq!(log.iter().map(|append| append.tag).collect::<HashSet<_>>(), acknowledged);
    assert_eq!(log.len(), WRITERS * EACH);
    assert_eq!(head(&store, stream).await, log[log.len() - 1].head());
}

pub(super) async fn many_streams_are_written_at_once(store: Arc<dyn Store>) {
    let mut writers = JoinSet::new();
    for _ in 0..24 {
        let store = store.clone();
        writers.spawn(async move {
            let mut pen = Pen::room();
            for _ in 0..10 {
                put(&store, pen.posts(1)).await.unwrap();
            }
            (pen.stream, pen.head)
        });
    }
    let mut heads: Vec<(Stream, Head)> = writers.join_all().await;
    let streams: Vec<_> = heads.iter().map(|(stream, _)| *stream).collect();
    let mut found = store.heads(&streams).await.unwrap();
    heads.sort_by_key(|(stream, _)| *stream);
    found.sort_by_key(|(stream, _)| *stream);
    assert_eq!(found, heads);
    for stream in streams {
        assert_dense(&all(&store, stream).await);
    }
}

pub(super) async fn of_many_with_one_nonce_one_wins(store: Arc<dyn Store>) {
    let stream = Pen::room().stream;
    let nonce = Pen::room().posts(1).entries[0].nonce.clone();
    let mut writers = JoinSet::new();
    for _ in 0..12 {
        let (store, nonce) = (store.clone(), nonce.clone());
        writers.spawn(async move {
            // As a writer does: looks whether it is in, and if not tries again at the head.
            loop {
                let mut pen = Pen::of(stream);
                pen.head = head(&store, stream).await;
                let mut append = pen.posts(1);
                append.entries[0].nonce = nonce.clone();
                match put(&store, append).await {
                    Ok(_) => return 1,
                    Err(refused) => assert!(matches!(refused, AppendError::Taken), "{refused:?}"),
                }
                if !store.find(stream, std::slice::from_ref(&nonce)).await.unwrap().is_empty() {
                    return 0;
                }
            }
        });
    }
    assert_eq!(writers.join_all().await.into_iter().sum::<i32>(), 1);
    assert_eq!(all(&store, stream).await.len(), 1);
}
