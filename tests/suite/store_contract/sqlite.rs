//! What is SQLite's alone.

use std::sync::Arc;

use parlor::{
    model::{Doc, RoomKind},
    store::{
        Store,
        sqlite::{OpenError, SqliteStore},
    },
};
use tempfile::TempDir;

use super::{
    Fresh,
    stream::{Pen, all, put, put_docs, room},
};

/// A store in a folder of its own.
pub(super) async fn fresh() -> Fresh {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    Fresh { store: Arc::new(store), _needs: Box::new(folder) }
}

#[tokio::test]
async fn a_folder_is_open_once() {
    let folder = TempDir::new().unwrap();
    let first = SqliteStore::open(folder.path()).unwrap();
    let second = SqliteStore::open(folder.path()).err().unwrap();
    assert!(matches!(second, OpenError::InUse(_)), "{second:?}");
    assert!(second.to_string().contains("in use by another process"), "{second}");
    drop(first);
    SqliteStore::open(folder.path()).unwrap();
}

#[tokio::test]
async fn what_was_written_is_there_when_it_is_opened_again() {
    let folder = TempDir::new().unwrap();
    let deep = folder.path().join("data").join("parlor");
    let (mut pen, room) = (Pen::room(), room("one", RoomKind::Public));
    let append = pen.posts(3);
    {
        let store = SqliteStore::open(&deep).unwrap();
        assert!(store.created());
        let store: Arc<dyn Store> = Arc::new(store);
        put(&store, append.clone()).await.unwrap();
        put_docs(&store, [Doc::Room(room.clone())]).await;
    }
    let store = SqliteStore::open(&deep).unwrap();
    assert!(!store.created());
    let store: Arc<dyn Store> = Arc::new(store);
    assert_eq!(all(&store, pen.stream).await, [append]);
    assert_eq!(store.rooms(&[room.id]).await.unwrap(), [room]);
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_but_the_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt;

    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let _store = SqliteStore::open(&data).unwrap();
    assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    for file in std::fs::read_dir(&data).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{file:?}");
    }
}
