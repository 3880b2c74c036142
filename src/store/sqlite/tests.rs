//! What can't be seen from outside: how the connections are set, what happens on a full disk, how queries are served.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use rusqlite::types::Value;
use tempfile::TempDir;

use super::*;
use crate::{
    model::{
        Append, Doc, Entry, Head, Nonce, NonceKey, RequestHash, Rev, Room, RoomId, RoomKind, Seq, Stream,
        Tag, Timestamp, UserId, What,
    },
    store::{AppendError, Found, LogStore, RoomStore, StoreError, Write},
};

fn open() -> (TempDir, SqliteStore) {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    (folder, store)
}

/// The next append after `head`, of one post with that text.
fn post(stream: Stream, head: Head, text: &str) -> Append {
    let what = What::Posted {
        seq: Seq(head.rev.0 + 1),
        text: text.to_owned(),
        reply_to: None,
        mentions: vec![],
        everyone: false,
        files: vec![],
    };
    let (at, by) = (Timestamp::now(), UserId::new());
    let (nonce, request) = (NonceKey::asked(by, &Nonce::random()), RequestHash::of(&what));
    let entry = Entry { rev: head.rev.next(), at, by, nonce, request, what };
    Append { stream, tag: Tag::random(), prev: head.tag, entries: vec![entry] }
}

async fn put(store: &SqliteStore, append: Append) -> Result<Head, AppendError> {
    let head = append.head();
    store.append(&Write { append, docs: vec![], follows: false }).await.map(|_| head)
}

fn pragma(db: &Connection, name: &str) -> Result<Value, Failure> {
    Ok(db.pragma_query_value(None, name, |row| row.get(0))?)
}

#[tokio::test]
async fn the_connections_are_set_as_they_have_to_be() {
    let (_folder, store) = open();
    let names = [
        "journal_mode",
        "synchronous",
        "wal_autocheckpoint",
        "busy_timeout",
        "journal_size_limit",
        "query_only",
        "trusted_schema",
    ];
    let read =
        move |db: &Connection| names.iter().map(|name| pragma(db, name)).collect::<Result<Vec<_>, _>>();
    let expected = |query_only| {
        let numbers = [2, 0, 10_000, 64 << 20, query_only, 0].map(Value::Integer);
        let mut all = vec![Value::Text("wal".to_owned())];
        all.extend(numbers);
        all
    };
    assert_eq!(store.commit(read).await.unwrap(), expected(0));
    assert_eq!(store.query(read).await.unwrap(), expected(1));
    assert_eq!(store.commit(|db| pragma(db, "temp_store")).await.unwrap(), Value::Integer(2));
    let written = store.query(|db| Ok(db.execute("DELETE FROM log", [])?)).await;
    assert!(written.is_err());
}

#[tokio::test]
async fn a_full_disk_refuses_what_does_not_fit_and_nothing_else() {
    let (_folder, store) = open();
    let stream = Stream::Room(RoomId::new());
    let mut head = put(&store, post(stream, Head::default(), "before")).await.unwrap();
    store
        .commit(|db| {
            let pages: i64 = db.pragma_query_value(None, "page_count", |row| row.get(0))?;
            Ok(db.pragma_update(None, "max_page_count", pages + 4)?)
        })
        .await
        .unwrap();
    let large = "x".repeat(100_000);
    // A large one fails, alone or among small ones; the small ones go in.
    assert!(matches!(put(&store, post(stream, head, &large)).await, Err(AppendError::Full(_))));
    let others: Vec<_> = (0..4).map(|_| Stream::Person(UserId::new())).collect();
    let mut waiting = vec![];
    for other in &others {
        waiting.push(put(&store, post(*other, Head::default(), "small")));
    }
    let (full, one, two) =
        tokio::join!(put(&store, post(stream, head, &large)), waiting.remove(0), waiting.remove(0));
    assert!(matches!(full, Err(AppendError::Full(_))), "{full:?}");
    assert!(one.is_ok() && two.is_ok(), "{one:?} {two:?}");
    // Reading goes on, and finds nothing of what was refused.
    assert_eq!(store.heads(&[stream]).await.unwrap(), [(stream, head)]);
    assert_eq!(store.read(stream, Rev(0), 10).await.unwrap().len(), 1);
    let draft = store.set_draft(UserId::new(), RoomId::new(), &large).await;
    assert!(matches!(draft, Err(StoreError::Full(_))), "{draft:?}");
    // What fits goes in, and everything does when there is room again.
    head = put(&store, post(stream, head, "small")).await.unwrap();
    store.commit(|db| Ok(db.pragma_update(None, "max_page_count", 1_000_000)?)).await.unwrap();
    put(&store, post(stream, head, &large)).await.unwrap();
    assert_eq!(store.read(stream, Rev(0), 10).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_job_that_fails_in_the_middle_takes_only_itself_out() {
    let (_folder, store) = open();
    let user = UserId::new();
    let draft = |text: &'static str, fails: bool| {
        store.commit(move |db| {
            db.execute(
                "INSERT INTO drafts (user, room, text) VALUES (?1, ?2, ?3)",
                rusqlite::params![user.as_bytes(), RoomId::new().as_bytes(), text],
            )?;
            if fails { Err(Failure::Broken("as it was told".to_owned())) } else { Ok(()) }
        })
    };
    let (one, wrong, two) = tokio::join!(draft("one", false), draft("wrong", true), draft("two", false));
    assert!(one.is_ok() && two.is_ok());
    assert!(matches!(wrong, Err(Failure::Broken(_))));
    let mut texts: Vec<_> = store.drafts(user).await.unwrap().into_iter().map(|(_, text)| text).collect();
    texts.sort();
    assert_eq!(texts, ["one", "two"]);
}

#[tokio::test]
async fn what_was_handed_over_is_written_even_if_nobody_waits() {
    let (folder, store) = open();
    let stream = Stream::Room(RoomId::new());
    let append = post(stream, Head::default(), "hello");
    {
        let mut writing = std::pin::pin!(put(&store, append.clone()));
        let polled =
            std::future::poll_fn(|context| std::task::Poll::Ready(writing.as_mut().poll(context))).await;
        assert!(polled.is_pending() || matches!(polled, std::task::Poll::Ready(Ok(_))));
    }
    drop(store);
    let store = SqliteStore::open(folder.path()).unwrap();
    assert_eq!(store.read(stream, Rev(0), 10).await.unwrap(), [append]);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let (folder, store) = open();
    store.commit(|db| Ok(db.pragma_update(None, "user_version", 99)?)).await.unwrap();
    drop(store);
    let refused = SqliteStore::open(folder.path()).err().unwrap();
    assert!(matches!(refused, OpenError::Newer(_)), "{refused:?}");
    assert!(refused.to_string().contains("newer version of Parlor"), "{refused}");
}

#[tokio::test]
async fn what_was_posted_to_an_older_version_is_not_posted_again() {
    let folder = TempDir::new().unwrap();
    let stream = Stream::Room(RoomId::new());
    let (first, mut second) = (post(stream, Head::default(), "one"), post(stream, Head::default(), "two"));
    // Of the two kinds that there are, this one doesn't say when it was made.
    second.entries[0].nonce = NonceKey::asked(UserId::new(), &"as-a-client-likes".parse().unwrap());
    second.entries[0].rev = Rev(2);
    let entries = [first.entries.clone(), second.entries.clone()].concat();
    let both = Append { entries, ..first.clone() };
    let mut db = Connection::open(folder.path().join(DATABASE)).unwrap();
    open::STEPS.to_version(&mut db, 4).unwrap();
    db.execute_batch("INSERT INTO nonces (stream, nonce, rev) VALUES (1, x'01', 1), (1, x'02', 2)").unwrap();
    let (tag, entries) = (both.tag.0.cast_signed(), serde_json::to_vec(&both.entries).unwrap());
    db.execute("INSERT INTO streams VALUES (1, ?1, 2, ?2, 0, 2, ?2)", rusqlite::params![stream.key(), tag])
        .unwrap();
    db.execute("INSERT INTO log VALUES (1, 1, 1, 2, ?1, 0, 0, ?2)", rusqlite::params![tag, entries]).unwrap();
    drop(db);
    let store = SqliteStore::open(folder.path()).unwrap();
    let nonces: Vec<_> = both.entries.iter().map(|entry| entry.nonce.clone()).collect();
    let found = store.find(stream, &nonces).await.unwrap();
    let known: Vec<_> = found.iter().map(Found::nonce).cloned().collect();
    assert_eq!(known, nonces);
    for entry in &both.entries {
        let mut again = post(stream, both.head(), "again");
        again.entries[0].nonce = entry.nonce.clone();
        assert!(matches!(put(&store, again).await, Err(AppendError::Taken)));
    }
    put(&store, post(stream, both.head(), "another")).await.unwrap();
}

#[tokio::test]
async fn nonces_of_one_moment_lie_together_whatever_their_streams() {
    let (_folder, store) = open();
    let mut posted = vec![];
    for _ in 0..20 {
        let post = post(Stream::Room(RoomId::new()), Head::default(), "hello");
        posted.push(post.entries[0].nonce.made().unwrap().to_vec());
        put(&store, post).await.unwrap();
    }
    let kept = store.query(|db| {
        let mut query = db.prepare("SELECT substr(nonce, 1, 6) FROM nonces ORDER BY nonce, stream")?;
        Ok(query.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<Vec<u8>>>>()?)
    });
    assert_eq!(kept.await.unwrap(), posted);
}

#[tokio::test]
async fn the_write_ahead_log_is_moved_and_started_anew() {
    let (folder, store) = open();
    let stream = Stream::Room(RoomId::new());
    let mut head = Head::default();
    let text = "x".repeat(900_000);
    // More than what starts it anew.
    for _ in 0..50 {
        head = put(&store, post(stream, head, &text)).await.unwrap();
    }
    let size = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().len();
    let patience = std::time::Instant::now();
    while size("parlor.db") < 40 << 20 {
        assert!(patience.elapsed().as_secs() < 20, "{} bytes are moved", size("parlor.db"));
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let before = size("parlor.db-wal");
    for _ in 0..10 {
        head = put(&store, post(stream, head, &text)).await.unwrap();
    }
    assert!(size("parlor.db-wal") <= before, "it is written over");
    assert_eq!(store.heads(&[stream]).await.unwrap(), [(stream, head)]);
}

#[tokio::test]
async fn a_query_is_planned_once_whatever_is_asked_for() {
    let (_folder, store) = open();
    let replanned = |sql: &'static str| {
        store.query(move |db| {
            let mut query = db.prepare(sql)?;
            for number in 1..=3 {
                let asked = vec![Value::Integer(number); query.parameter_count()];
                query.query(rusqlite::params_from_iter(asked))?.next()?;
            }
            Ok(query.get_status(rusqlite::StatementStatus::RePrepare))
        })
    };
    for sql in [rooms::LISTED, rooms::MEMBERS, rooms::PINNED, people::BEGINNING, files::HOLDING] {
        assert_eq!(replanned(sql).await.unwrap(), 0, "{sql}");
    }
}

#[tokio::test]
async fn queries_are_served_by_an_index() {
    let (_folder, store) = open();
    let (ann, room) = (UserId::new(), RoomId::new());
    let doc = Doc::Room(Room {
        id: room,
        rev: Rev(1),
        kind: RoomKind::Public,
        name: "one".to_owned(),
        topic: String::new(),
        created: Timestamp(0),
        at: Timestamp(0),
        seq: Seq(0),
        members: 0,
        owners: 0,
        people: vec![],
        picture: None,
    });
    store.fold(Stream::Room(room), Rev(0), Head::default(), vec![doc]).await.unwrap();
    let scans = |sql: &'static str| {
        store.query(move |db| {
            let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            let nothing = vec![Value::Null; plan.parameter_count()];
            let steps = plan.query_map(rusqlite::params_from_iter(nothing), |row| row.get::<_, String>(3))?;
            let steps: Vec<String> = steps.collect::<rusqlite::Result<_>>()?;
            // What is sought, and what a query made itself; in order of an index is a scan that stops early.
            let fine = |step: &String| {
                !step.starts_with("SCAN") || step.contains("USING INDEX") || step == "SCAN found"
            };
            Ok(steps.into_iter().filter(|step| !fine(step)).collect::<Vec<_>>())
        })
    };
    for sql in [
        rooms::LISTED,
        people::ALL,
        people::BEGINNING,
        log::STREAMS,
        log::TRIMMABLE,
        nonces::FORGET_NONCES,
        nonces::FORGET_ENDED,
        log::UNFOLDED,
        rooms::PUBLIC,
        rooms::MEMBERS,
        files::HOLDING,
        files::OF_KIND,
        files::OF_ANY_KIND,
        rooms::PINNED,
    ] {
        assert_eq!(scans(sql).await.unwrap(), [""; 0], "{sql}");
    }
    assert_eq!(store.listed(ann, None).await.unwrap(), []);
}
