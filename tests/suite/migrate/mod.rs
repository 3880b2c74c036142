//! Moving all that is kept from SQLite into MongoDB, and back.

mod cut_short;
mod kept;
mod lived;
mod refused;
mod whole;

use std::{collections::BTreeMap, path::Path};

use parlor::{
    model::{
        Append, Body, Doc, Entry, Head, Message, Nonce, NonceKey, RequestHash, Rev, Room, RoomId, RoomKind,
        Seq, Stream, Tag, Timestamp, UserId, What,
    },
    store::{Dump, Record, Underway, sqlite::SqliteStore},
};
use rusqlite::{Connection, types::Value};

use crate::program::Program;

/// Moves, and returns whether that succeeded, and all that was said.
async fn migrate(from: &str, to: &str) -> (bool, String) {
    let elsewhere = tempfile::TempDir::new().unwrap();
    Program::order(elsewhere.path(), &[], &["migrate", "--from", from, "--to", to]).await
}

async fn migrated(from: &str, to: &str) -> String {
    let (succeeded, said) = migrate(from, to).await;
    assert!(succeeded, "{from} to {to}: {said}");
    said
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// All rows of a database, by table. The short ids of streams, which a database gives by itself, are the streams' keys here.
fn rows(data: &Path) -> BTreeMap<String, Vec<String>> {
    let db = Connection::open(data.join("parlor.db")).unwrap();
    // How changes ended without an entry isn't moved.
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name != 'ended'";
    let mut query = db.prepare(tables).unwrap();
    let tables = query.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let tables: Vec<_> = tables.map(Result::unwrap).collect();
    let all = |table: &str| {
        let sql = match table {
            "streams" => "SELECT key, rev, tag, at, folded, folded_tag FROM streams".to_owned(),
            "log" => "SELECT key, first, last, log.tag, prev, log.at, entries FROM log JOIN streams ON streams.id = stream"
                .to_owned(),
            "nonces" => "SELECT key, nonce, nonces.rev FROM nonces JOIN streams ON streams.id = stream WHERE nonces.rev > 0"
                .to_owned(),
            other => format!("SELECT * FROM {other}"),
        };
        let mut query = db.prepare(&sql).unwrap();
        let columns = query.column_count();
        let found = query
            .query_map([], |row| (0..columns).map(|n| row.get::<_, Value>(n)).collect::<Result<Vec<_>, _>>());
        let mut rows: Vec<_> = found.unwrap().map(|row| format!("{:?}", row.unwrap())).collect();
        rows.sort_unstable();
        rows
    };
    tables.into_iter().map(|table| (table.clone(), all(&table))).collect()
}

/// That two databases hold the same, table by table.
#[track_caller]
fn assert_same(one: &Path, other: &Path) {
    let (one, other) = (rows(one), rows(other));
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (table, rows) in &one {
        for (this, that) in rows.iter().zip(&other[table]) {
            assert_eq!(this, that, "{table}");
        }
        assert_eq!(rows.len(), other[table].len(), "{table}");
    }
}

/// Fills a data folder with rooms of so many messages each. The log of every second one was trimmed.
async fn fill(data: &Path, rooms: u64, messages: u64) {
    const TOGETHER: usize = 1_000;
    let store = SqliteStore::open(data).unwrap();
    let underway = Underway { from: "a test".to_owned(), last: None };
    for n in 0..rooms {
        let mut records = room(n, messages);
        while !records.is_empty() {
            let rest = records.split_off(records.len().min(TOGETHER));
            store.put(std::mem::replace(&mut records, rest), &underway).await.unwrap();
        }
    }
    store.finish().await.unwrap();
}

/// All that is kept of a room.
fn room(n: u64, messages: u64) -> Vec<Record> {
    let (id, by, at) = (RoomId::new(), UserId::new(), Timestamp::now());
    let trimmed = if n.is_multiple_of(2) { 0 } else { messages / 2 };
    let (mut records, mut head) = (vec![], Head { rev: Rev(trimmed), tag: Tag(trimmed) });
    for seq in 1..=messages {
        let text = format!("message {seq} of room {n}, which is as long as messages are as a rule");
        let body = Body::Text { text: text.clone(), mentions: vec![], everyone: false, files: vec![] };
        records.push(Record::Doc(Doc::Message(Message {
            room: id,
            seq: Seq(seq),
            rev: Rev(seq),
            base: Rev(seq),
            by,
            at,
            edited: None,
            body,
            reply_to: None,
            reactions: vec![],
            pinned: false,
            nonce: "n".to_owned(),
        })));
        if seq <= trimmed {
            continue;
        }
        let (seq, mentions, files) = (Seq(seq), vec![], vec![]);
        let what = What::Posted { seq, text, reply_to: None, mentions, everyone: false, files };
        let nonce = NonceKey::asked(by, &Nonce::random());
        let entry = Entry { rev: head.rev.next(), at, by, nonce, request: RequestHash::of(&seq), what };
        let append =
            Append { stream: Stream::Room(id), tag: Tag::random(), prev: head.tag, entries: vec![entry] };
        head = append.head();
        records.push(Record::Append(append));
    }
    records.push(Record::Standing { stream: Stream::Room(id), head, folded: head });
    records.push(Record::Doc(Doc::Room(Room {
        id,
        rev: head.rev,
        kind: RoomKind::Public,
        name: format!("room {n}"),
        topic: String::new(),
        created: at,
        at,
        seq: Seq(messages),
        members: 0,
        owners: 0,
        people: vec![],
        picture: None,
    })));
    records
}
