//! Changes that ended without an entry: refused, or with nothing to change.

use std::{sync::Arc, time::Duration};

use parlor::{
    model::{Ended, Nonce, NonceKey, Refusal, RequestHash, Rev, Timestamp},
    store::{AppendError, Found, Store},
};
use tokio::task::JoinSet;

use super::stream::{Pen, all, head, put};

fn refused(nonce: &NonceKey) -> Ended {
    Ended { nonce: nonce.clone(), request: RequestHash::of(&"post"), refusal: Some(Refusal::JoinFirst) }
}

async fn found(store: &Arc<dyn Store>, pen: &Pen, nonce: &NonceKey) -> Option<Found> {
    store.find(pen.stream, std::slice::from_ref(nonce)).await.unwrap().pop()
}

pub(super) async fn what_ended_without_an_entry_never_goes_in(store: Arc<dyn Store>) {
    let mut pen = Pen::room();
    put(&store, pen.posts(1)).await.unwrap();
    let mut late = pen.clone().posts(3);
    let ended = refused(&late.entries[1].nonce);
    store.note_ended(pen.stream, vec![ended.clone()]).await.unwrap();
    assert_eq!(found(&store, &pen, &ended.nonce).await, Some(Found::Ended(ended)));
    assert!(matches!(put(&store, late.clone()).await, Err(AppendError::Taken)));
    // The others of its append may.
    late.entries[1].nonce = NonceKey::asked(pen.by, &Nonce::random());
    put(&store, late).await.unwrap();
}

pub(super) async fn what_went_in_does_not_end_otherwise(store: Arc<dyn Store>) {
    let mut pen = Pen::room();
    let append = pen.posts(2);
    put(&store, append.clone()).await.unwrap();
    let (known, new) = (append.entries[1].nonce.clone(), NonceKey::asked(pen.by, &Nonce::random()));
    store.note_ended(pen.stream, vec![refused(&known), refused(&new)]).await.unwrap();
    let entry = append.entries[1].clone();
    assert_eq!(found(&store, &pen, &known).await, Some(Found::Entry { entry, tag: append.tag }));
    assert_eq!(found(&store, &pen, &new).await, Some(Found::Ended(refused(&new))));
}

pub(super) async fn how_it_ended_first_counts(store: Arc<dyn Store>) {
    let mut pen = Pen::room();
    put(&store, pen.posts(1)).await.unwrap();
    let first = refused(&NonceKey::asked(pen.by, &Nonce::random()));
    let later = Ended { refusal: None, ..first.clone() };
    store.note_ended(pen.stream, vec![first.clone(), later.clone()]).await.unwrap();
    store.note_ended(pen.stream, vec![later]).await.unwrap();
    assert_eq!(found(&store, &pen, &first.nonce).await, Some(Found::Ended(first)));
}

pub(super) async fn what_ended_is_no_part_of_the_log(store: Arc<dyn Store>) {
    let mut pen = Pen::room();
    let appends = [pen.posts(2), pen.posts(1)];
    for append in &appends {
        put(&store, append.clone()).await.unwrap();
    }
    let ended = (0..5).map(|_| refused(&NonceKey::asked(pen.by, &Nonce::random())));
    store.note_ended(pen.stream, ended.collect()).await.unwrap();
    assert_eq!(all(&store, pen.stream).await, appends);
    assert_eq!(store.read(pen.stream, Rev(1), 1).await.unwrap(), appends[..1]);
    assert_eq!(head(&store, pen.stream).await, pen.head);
    assert_eq!(store.streams(None, 10).await.unwrap(), [pen.stream]);
    for ago in [Duration::from_secs(60), Duration::from_secs(3_600)] {
        assert_eq!(store.unfolded(Timestamp::now().minus(ago)).await.unwrap(), []);
    }
    let next = pen.posts(1);
    put(&store, next.clone()).await.unwrap();
    assert_eq!(store.read(pen.stream, Rev(3), 10).await.unwrap(), [next]);
}

pub(super) async fn an_append_and_an_end_race_for_a_nonce(store: Arc<dyn Store>) {
    let mut pen = Pen::room();
    put(&store, pen.posts(1)).await.unwrap();
    for _ in 0..12 {
        let before = pen.clone();
        let append = pen.posts(1);
        let nonce = append.entries[0].nonce.clone();
        let mut both = JoinSet::new();
        both.spawn({
            let (store, append) = (store.clone(), append.clone());
            async move { put(&store, append).await.is_ok() }
        });
        both.spawn({
            let (store, stream, ended) = (store.clone(), pen.stream, refused(&nonce));
            async move {
                store.note_ended(stream, vec![ended]).await.unwrap();
                true
            }
        });
        both.join_all().await;
        let went_in = head(&store, pen.stream).await == append.head();
        match found(&store, &pen, &nonce).await {
            Some(Found::Entry { .. }) => assert!(went_in),
            Some(Found::Ended(_)) => assert!(!went_in),
            None => panic!("neither of the two"),
        }
        if !went_in {
            pen = before;
        }
    }
}

pub(super) async fn what_ended_is_forgotten_when_it_is_old(store: Arc<dyn Store>) {
    let mut pen = Pen::room();
    for at in [100, 200] {
        pen.at = Timestamp(at);
        put(&store, pen.posts(1)).await.unwrap();
    }
    let append = pen.clone().posts(1);
    let ended = refused(&append.entries[0].nonce);
    store.note_ended(pen.stream, vec![ended.clone()]).await.unwrap();
    // It isn't as old as what is taken out of its stream.
    assert_eq!(store.trim(Timestamp(150)).await.unwrap(), 1);
    assert!(found(&store, &pen, &ended.nonce).await.is_some());
    store.trim(Timestamp::now().plus(Duration::from_secs(60))).await.unwrap();
    assert_eq!(found(&store, &pen, &ended.nonce).await, None);
    put(&store, append).await.unwrap();
}
