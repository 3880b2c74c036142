//! Stores of a test's own, of both kinds.

use std::{any::Any, sync::Arc};

use mongodb::Client;
use parlor::{
    model::Tag,
    store::{Store, mongo::MongoStore, sqlite::SqliteStore},
};
use tempfile::TempDir;

use crate::services::provided;

/// An empty store, and what it needs for as long as it is used.
pub(crate) struct Place {
    pub(crate) store: Arc<dyn Store>,
    _needs: Box<dyn Any + Send>,
}

/// One in a folder.
pub(crate) fn sqlite() -> Place {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    Place { store: Arc::new(store), _needs: Box::new(folder) }
}

/// One in a database of the shared MongoDB.
pub(crate) async fn mongodb() -> Place {
    let database =
        Database { url: provided("PARLOR_TEST_MONGODB_URL"), name: format!("proof_{}", Tag::random()) };
    let store = MongoStore::connect(&database.url, Some(&database.name)).await.unwrap();
    Place { store: Arc::new(store), _needs: Box::new(database) }
}

/// A database that goes with the test.
pub(crate) struct Database {
    pub(crate) url: String,
    pub(crate) name: String,
}

impl Drop for Database {
    fn drop(&mut self) {
        let (url, name) = (self.url.clone(), self.name.clone());
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let dropping = async { Client::with_uri_str(url).await?.database(&name).drop().await };
            runtime.map(|runtime| runtime.block_on(dropping))
        });
        let _ = dropped.join();
    }
}
