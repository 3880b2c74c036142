//! What goes into the log, and how it is read.

use std::sync::Arc;

use parlor::{
    model::{
        Head, NonceKey, Rev, RoomId, Stream, Tag, UserId, What,
        entry::{MAX_BYTES, MAX_ENTRIES},
    },
    store::{AppendError, Found, Store},
};

use super::stream::{Pen, all, head, post, put};

pub(super) async fn an_append_goes_in_whole_and_in_order(store: Arc<dyn Store>) {
    let mut pen = Pen::room();
    let (one, other) = (pen.posts(3), pen.posts(2));
    put(&store, one.clone()).await.unwrap();
    put(&store, other.clone()).await.unwrap();
    assert_eq!(head(&store, pen.stream).await, other.head());
    assert_eq!(all(&store, pen.stream).await, [one, other]);
}

pub(super) async fn an_append_that_does_not_begin_at_the_head_leaves_nothing(store: Arc<dyn Store>) {
    let mut pen = Pen::room();
    let (first, skipped, late) = (pen.posts(2), pen.posts(1), pen.posts(1));
    put(&store, first.clone()).await.unwrap();
    assert!(matches!(put(&store, late.clone()).await, Err(AppendError::Taken)));
    assert_eq!(all(&store, pen.stream).await, [first]);
    let nonces: Vec<_> = late.entries.iter().map(|entry| entry.nonce.clone()).collect();
    assert_eq!(store.find(pen.stream, &nonces).await.unwrap(), []);
    // Nothing of it stands in the way of what comes in order.
    put(&store, skipped).await.unwrap();
    put(&store, late.clone()).await.unwrap();
    assert_eq!(head(&store, pen.stream).await, late.head());
}

pub(super) async fn a_stream_has_one_first_append(store: Arc<dyn Store>) {
    let pen = Pen::room();
    let first = pen.clone().posts(1);
    put(&store, first.clone()).await.unwrap();
    assert!(matches!(put(&store, pen.clone().posts(3)).await, Err(AppendError::Taken)));
    assert_eq!(all(&store, pen.stream).await, [first]);
}

pub(super) async fn an_append_upon_another_history_is_refused(store: Arc<dyn Store>) {
    let mut pen = Pen::room();
    put(&store, pen.posts(1)).await.unwrap();
    pen.head = Head { rev: Rev(1), tag: Tag::random() };
    assert!(matches!(put(&store, pen.posts(1)).await, Err(AppendError::Taken)));
    assert_eq!(head(&store, pen.stream).await.rev, Rev(1));
}

pub(super) async fn an_append_with_a_known_nonce_is_refused_whole(store: Arc<dyn Store>) {
    let mut pen = Pen::room();
    let first = pen.posts(3);
    put(&store, first.clone()).await.unwrap();
    let mut again = pen.posts(3);
    again.entries[1].nonce = first.entries[2].nonce.clone();
    assert!(matches!(put(&store, again).await, Err(AppendError::Taken)));
    assert_eq!(all(&store, pen.stream).await, [first]);
}

pub(super) async fn an_append_that_holds_a_nonce_twice_is_refused_whole(store: Arc<dyn Store>) {
    let mut pen = Pen::room();
    let mut twice = pen.posts(3);
    twice.entries[2].nonce = twice.entries[0].nonce.clone();
    assert!(matches!(put(&store, twice).await, Err(AppendError::Taken)));
    assert_eq!(all(&store, pen.stream).await, []);
    assert_eq!(store.heads(&[pen.stream]).await.unwrap(), []);
}

pub(super) async fn a_nonce_is_known_in_its_own_stream_only(store: Arc<dyn Store>) {
    let (mut here, mut there) = (Pen::room(), Pen::of(Stream::Person(UserId::new())));
    let (one, mut other) = (here.posts(1), there.posts(1));
    other.entries[0].nonce = one.entries[0].nonce.clone();
    put(&store, one).await.unwrap();
    put(&store, other).await.unwrap();
}

pub(super) async fn an_append_may_be_as_large_as_is_allowed(store: Arc<dyn Store>) {
    let mut pen = Pen::room();
    // What is around a text in its entry takes less than 500 bytes.
    let text = "x".repeat(MAX_BYTES / MAX_ENTRIES - 500);
    let large = pen.write((1..=MAX_ENTRIES as u64).map(|n| post(n, &text)));
    put(&store, large.clone()).await.unwrap();
    assert_eq!(all(&store, pen.stream).await, [large]);
}

pub(super) async fn reading_begins_with_the_append_that_holds_the_next_entry(store: Arc<dyn Store>) {
    let mut pen = Pen::room();
    let appends = [pen.posts(3), pen.posts(4), pen.posts(1)];
    for append in &appends {
        put(&store, append.clone()).await.unwrap();
    }
    for (after, begins) in [(0, 0), (1, 0), (2, 0), (3, 1), (4, 1), (6, 1), (7, 2)] {
        let read = store.read(pen.stream, Rev(after), 100).await.unwrap();
        assert_eq!(read, appends[begins..], "after {after}");
    }
}

pub(super) async fn reading_ends_with_the_append_that_holds_the_last_entry_asked_for(store: Arc<dyn Store>) {
    let mut pen = Pen::room();
    let appends = [pen.posts(3), pen.posts(4), pen.posts(1)];
    for append in &appends {
        put(&store, append.clone()).await.unwrap();
    }
    for (after, limit, holds) in [
        (0, 0, 0..0),
        (0, 1, 0..1),
        (0, 3, 0..1),
        (0, 4, 0..2),
        (0, 7, 0..2),
        (0, 8, 0..3),
        (2, 1, 0..1),
        (2, 2, 0..2),
        (3, 1, 1..2),
        (3, 4, 1..2),
        (3, 5, 1..3),
        (7, 1, 2..3),
        (3, u64::MAX, 1..3),
    ] {
        let read = store.read(pen.stream, Rev(after), limit).await.unwrap();
        assert_eq!(read, appends[holds], "{limit} after {after}");
    }
}

pub(super) async fn reading_past_the_head_finds_nothing(store: Arc<dyn Store>) {
    let mut pen = Pen::room();
    put(&store, pen.posts(2)).await.unwrap();
    assert_eq!(store.read(pen.stream, Rev(2), 10).await.unwrap(), []);
    assert_eq!(store.read(pen.stream, Rev(99), 10).await.unwrap(), []);
    assert_eq!(store.read(Pen::room().stream, Rev(0), 10).await.unwrap(), []);
}

pub(super) async fn heads_of_many_streams_come_together(store: Arc<dyn Store>) {
    let mut expected = vec![];
    for count in 1..=5 {
        let mut pen = Pen::of(Stream::Person(UserId::new()));
        put(&store, pen.posts(count)).await.unwrap();
        expected.push((pen.stream, pen.head));
    }
    let mut asked: Vec<_> = expected.iter().map(|(stream, _)| *stream).collect();
    asked.insert(2, Stream::Room(RoomId::new()));
    let mut heads = store.heads(&asked).await.unwrap();
    heads.sort_by_key(|(stream, _)| *stream);
    expected.sort_by_key(|(stream, _)| *stream);
    assert_eq!(heads, expected);
    assert_eq!(store.heads(&[]).await.unwrap(), []);
}

pub(super) async fn what_was_acknowledged_is_read_behind_a_barrier(store: Arc<dyn Store>) {
    let mut pen = Pen::of(Stream::Room(RoomId::new()));
    for _ in 0..3 {
        put(&store, pen.posts(1)).await.unwrap();
        store.read_barrier().await.unwrap();
        assert_eq!(store.heads(&[pen.stream]).await.unwrap(), [(pen.stream, pen.head)]);
    }
    // Many at once do as well.
    let barriers = futures_util::future::join_all((0..50).map(|_| store.read_barrier())).await;
    assert!(barriers.into_iter().all(|done| done.is_ok()));
}

pub(super) async fn streams_come_page_by_page(store: Arc<dyn Store>) {
    let mut expected = vec![];
    for n in 0..7 {
        let stream = if n % 2 == 0 { Stream::Room(RoomId::new()) } else { Stream::Person(UserId::new()) };
        let mut pen = Pen::of(stream);
        for _ in 0..=n % 3 {
            put(&store, pen.posts(1)).await.unwrap();
        }
        expected.push(stream);
    }
    expected.sort_by_key(Stream::key);
    let (mut found, mut after) = (vec![], None);
    loop {
        let page = store.streams(after, 3).await.unwrap();
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        after = Some(*last);
        found.extend(page);
    }
    assert_eq!(found, expected);
}

pub(super) async fn entries_are_found_by_their_nonces(store: Arc<dyn Store>) {
    let mut pen = Pen::room();
    let (one, other) = (pen.posts(4), pen.write([What::Read { room: RoomId::new() }]));
    put(&store, one.clone()).await.unwrap();
    put(&store, other.clone()).await.unwrap();
    let nonces = [
        other.entries[0].nonce.clone(),
        NonceKey("nobody's".into()),
        one.entries[2].nonce.clone(),
        one.entries[0].nonce.clone(),
    ];
    let mut found = store.find(pen.stream, &nonces).await.unwrap();
    found.sort_by_key(|found| match found {
        Found::Entry { entry, .. } => entry.rev,
        Found::Ended(_) => Rev(0),
    });
    let expected = [(&one, 0), (&one, 2), (&other, 0)]
        .map(|(append, n)| Found::Entry { entry: append.entries[n].clone(), tag: append.tag });
    assert_eq!(found, expected);
    assert_eq!(store.find(Pen::room().stream, &nonces).await.unwrap(), []);
}
