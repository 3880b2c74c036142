//! Taking out what is old.

use std::sync::Arc;

use parlor::{
    model::{Append, Rev, Timestamp},
    store::{Appended, Store, Write},
};

use super::stream::{Pen, all, head, put};

async fn put_at(store: &Arc<dyn Store>, pen: &mut Pen, at: i64, count: u64) -> Append {
    pen.at = Timestamp(at);
    let append = pen.posts(count);
    assert_eq!(put(store, append.clone()).await.unwrap(), Appended::Folded);
    append
}

pub(super) async fn old_appends_are_taken_out_but_for_the_last(store: Arc<dyn Store>) {
    let (mut busy, mut quiet) = (Pen::room(), Pen::room());
    for at in [100, 200, 300] {
        put_at(&store, &mut busy, at, 2).await;
    }
    let alone = put_at(&store, &mut quiet, 100, 3).await;
    assert_eq!(store.trim(Timestamp(100)).await.unwrap(), 0);
    assert_eq!(store.trim(Timestamp(201)).await.unwrap(), 2);
    assert_eq!(all(&store, busy.stream).await.len(), 1);
    assert_eq!(store.trim(Timestamp(1_000)).await.unwrap(), 0);
    assert_eq!(all(&store, quiet.stream).await, [alone]);
    assert_eq!(head(&store, busy.stream).await, busy.head);
    assert_eq!(store.watermark(busy.stream).await.unwrap(), busy.head);
    put_at(&store, &mut busy, 400, 1).await;
}

pub(super) async fn what_is_not_folded_is_kept(store: Arc<dyn Store>) {
    let mut pen = Pen::room();
    put_at(&store, &mut pen, 100, 1).await;
    pen.at = Timestamp(100);
    let pending = pen.posts(2);
    store.append(&Write { append: pending.clone(), docs: vec![], follows: true }).await.unwrap();
    let last = pen.posts(1);
    put(&store, last.clone()).await.unwrap();
    assert_eq!(store.trim(Timestamp(1_000)).await.unwrap(), 1);
    assert_eq!(all(&store, pen.stream).await, [pending.clone(), last.clone()]);
    assert!(store.fold(pen.stream, Rev(1), pending.head(), vec![]).await.unwrap());
    assert_eq!(store.trim(Timestamp(1_000)).await.unwrap(), 1);
    assert_eq!(all(&store, pen.stream).await, [last]);
}

pub(super) async fn an_append_goes_when_its_last_entry_is_old(store: Arc<dyn Store>) {
    let mut pen = Pen::room();
    let mut append = pen.posts(2);
    append.entries[0].at = Timestamp(100);
    append.entries[1].at = Timestamp(200);
    put(&store, append).await.unwrap();
    put_at(&store, &mut pen, 300, 1).await;
    assert_eq!(store.trim(Timestamp(150)).await.unwrap(), 0);
    assert_eq!(store.trim(Timestamp(250)).await.unwrap(), 1);
}

pub(super) async fn reading_past_what_was_taken_out_begins_where_the_log_does(store: Arc<dyn Store>) {
    let mut pen = Pen::room();
    put_at(&store, &mut pen, 100, 250).await;
    let kept = [put_at(&store, &mut pen, 200, 3).await, put_at(&store, &mut pen, 200, 1).await];
    assert_eq!(store.trim(Timestamp(150)).await.unwrap(), 1);
    assert_eq!(store.read(pen.stream, Rev(0), 100).await.unwrap(), kept);
    assert_eq!(store.read(pen.stream, Rev(0), 3).await.unwrap(), kept[..1]);
    assert_eq!(store.read(pen.stream, Rev(150), 100).await.unwrap(), kept);
    assert_eq!(store.read(pen.stream, Rev(253), 100).await.unwrap(), kept[1..]);
}

pub(super) async fn a_nonce_that_was_taken_out_is_forgotten(store: Arc<dyn Store>) {
    let mut pen = Pen::room();
    let old = put_at(&store, &mut pen, 100, 2).await;
    put_at(&store, &mut pen, 200, 1).await;
    let nonce = old.entries[1].nonce.clone();
    assert_eq!(store.find(pen.stream, std::slice::from_ref(&nonce)).await.unwrap().len(), 1);
    assert_eq!(store.trim(Timestamp(150)).await.unwrap(), 1);
    assert_eq!(store.find(pen.stream, std::slice::from_ref(&nonce)).await.unwrap(), []);
    let mut again = pen.posts(1);
    again.entries[0].nonce = nonce;
    put(&store, again).await.unwrap();
}

pub(super) async fn many_appends_are_taken_out_together(store: Arc<dyn Store>) {
    let mut pens: Vec<_> = (0..4).map(|_| Pen::room()).collect();
    for pen in &mut pens {
        for at in 0..150 {
            put_at(&store, pen, at, 1).await;
        }
    }
    assert_eq!(store.trim(Timestamp(1_000)).await.unwrap(), 4 * 149);
    for pen in pens {
        assert_eq!(all(&store, pen.stream).await.len(), 1);
    }
}
