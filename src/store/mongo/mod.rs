//! The store of a cluster: MongoDB, without transactions.
//!
//! An append is one document of `log`, so it is in whole or not at all; unique indexes decide who was faster
//! ([`log`], [`schema`]). Appends of many streams wait on the disk together ([`committer`]), and so do the
//! documents that are folded from them ([`folder`]). [`rooms`] and [`accounts`] read and write the rest.
//!
//! All writes wait for a majority and its journals, all reads go to the primary at majority and never further back than
//! before ([`causal`]): what is read can't be rolled back, and no node's picture runs backwards.

mod accounts;
mod bson;
mod calls;
mod causal;
mod committer;
mod dump;
mod errors;
mod files;
mod folder;
mod invites;
mod log;
mod people;
mod projection;
mod read;
mod rooms;
mod schema;
mod sessions;
mod statements;
mod trim;
mod watermarks;

use std::time::Duration;

use mongodb::{
    Client,
    options::{Acknowledgment, ClientOptions, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern},
};

use self::{
    committer::Committer,
    errors::{PATIENCE, away, bounded, broken},
    folder::Folder,
    log::Boundaries,
    schema::Collections,
};
use super::StoreError;

/// How long to look for a server that can be written to. A new primary is elected within about ten seconds; whoever
/// waits for it is told sooner, and tries again.
const SELECTION: Duration = Duration::from_secs(5);
/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Most connections to one server, where the URL doesn't say: enough that short reads don't queue behind each other.
const POOL: u32 = 32;
/// The database, where neither the caller nor the URL names one.
const DATABASE: &str = "parlor";

/// A community's data in MongoDB.
#[derive(Debug)]
pub struct MongoStore {
    collections: Collections,
    committer: Committer,
    boundaries: Boundaries,
    folder: Folder,
}

impl MongoStore {
    /// Connects to the servers that `url` names, and makes what is missing there: several nodes may do so at once. The
    /// database is `database`, or the one in the URL, or `parlor`. Runs within tokio, where its tasks live.
    ///
    /// # Errors
    /// `Away` when no server that can be written to answers within seconds; `Broken` when the URL isn't one, or when
    /// a newer Parlor wrote the database, or it isn't whole.
    pub async fn connect(url: &str, database: Option<&str>) -> Result<MongoStore, StoreError> {
        let store = Self::connect_to_fill(url, database).await?;
        match schema::underway(&store.collections).await? {
            None => Ok(store),
            Some(_) => Err(broken(
                "the database isn't whole: moving into it was cut short; go on with the same parlor migrate",
            )),
        }
    }

    /// The same, where it may be that not all is there yet.
    ///
    /// # Errors
    /// The same.
    pub async fn connect_to_fill(url: &str, database: Option<&str>) -> Result<MongoStore, StoreError> {
        let mut options = match tokio::time::timeout(PATIENCE, ClientOptions::parse(url)).await {
            Ok(Ok(options)) => options,
            Ok(Err(error)) => return Err(broken(format!("the MongoDB URL can't be used: {}", error.kind))),
            Err(_) => return Err(away("the name in the MongoDB URL could not be looked up in time")),
        };
        options.app_name.get_or_insert_with(|| "parlor".to_owned());
        options.max_pool_size.get_or_insert(POOL);
        options.server_selection_timeout.get_or_insert(SELECTION);
        options.connect_timeout.get_or_insert(CONNECT);
        options.read_concern = Some(ReadConcern::majority());
        options.selection_criteria = Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
        options.write_concern = Some(
            WriteConcern::builder().w(Acknowledgment::Majority).journal(true).w_timeout(PATIENCE).build(),
        );
        let name = database.map(str::to_owned).or_else(|| options.default_database.clone());
        let client = Client::with_options(options)
            .map_err(|error| broken(format!("the MongoDB URL can't be used: {}", error.kind)))?;
        let database = client.database(name.as_deref().unwrap_or(DATABASE));
        let collections = Collections::new(database);
        schema::prepare(&collections).await?;
        let committer = Committer::start(&collections);
        let folder = Folder::start(&collections);
        Ok(MongoStore { collections, committer, boundaries: log::boundaries(), folder })
    }

    /// Whether a server that can be written to answers now.
    ///
    /// # Errors
    /// Why it doesn't.
    pub async fn ping(&self) -> Result<(), StoreError> {
        bounded(self.collections.database.run_command(mongodb::bson::doc! { "ping": 1 })).await.map(drop)
    }
}
