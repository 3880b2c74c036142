//! That nothing is forgotten: each table and collection is moved, or it is said here why not.

use parlor::store::Collection;
use rusqlite::Connection;

use super::*;
use crate::store_mongo::Place;

/// What isn't moved.
const LEFT_OUT: [(&str, &str); 8] = [
    ("nonces", "follow from the log"),
    ("ended", "matters to writers that are under way, and there are none"),
    ("mentions", "follow from the messages"),
    ("everyone", "follow from the messages"),
    ("message_files", "follow from the messages"),
    ("file_rooms", "go with the files"),
    ("sqlite_sequence", "is SQLite's own"),
    ("schema", "says which version made a database of MongoDB, and whether it is whole"),
];

/// Those that are neither moved nor left out for a reason.
fn forgotten(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let known = |name: &str| {
        // SQLite's name for read marks.
        let name = if name == "reads" { "marks" } else { name };
        Collection::ALL.iter().any(|collection| collection.name() == name)
            || LEFT_OUT.iter().any(|(left_out, _)| *left_out == name)
    };
    names.into_iter().filter(|name| !known(name)).collect()
}

#[test]
fn no_table_of_sqlite_is_forgotten() {
    let folder = tempfile::TempDir::new().unwrap();
    drop(SqliteStore::open(folder.path()).unwrap());
    let db = Connection::open(folder.path().join("parlor.db")).unwrap();
    let mut query = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
    let tables: Vec<_> = query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(tables.len() > 10, "{tables:?}");
    assert_eq!(forgotten(tables), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_collection_of_mongodb_is_forgotten() {
    let place = Place::new().await;
    drop(place.store().await);
    let names = place.database.list_collection_names().await.unwrap();
    assert_eq!(names.len(), Collection::ALL.len() + 1, "{names:?}");
    assert_eq!(forgotten(names), Vec::<String>::new());
}
