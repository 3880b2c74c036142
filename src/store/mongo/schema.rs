//! The collections, their indexes, and the version of all that.
//!
//! | collection | `_id` | holds |
//! |---|---|---|
//! | `log` | time and tag | appends, one a document |
//! | `streams` | stream | watermarks |
//! | `rooms`, `people` | id | projections |
//! | `members` | room, user | projections and tombstones |
//! | `messages` | room, seq | projections |
//! | `marks`, `drafts` | user, room | read marks, unsent texts |
//! | `calls` | room | calls that are going on, each with the node whose it is |
//! | `accounts`, `sessions`, `invites` | id | see [`super::accounts`] |
//! | `files`, `uploads` | id | see [`super::files`] |
//! | `contents` | hash | where they lie |
//! | `schema` | `parlor`, `underway` | the version; how far it is filled from another store, for as long as it is |
//! |  | `barrier` | how many [read barriers](Collections::read_barrier) there were |

use std::{future::Future, time::Duration};

use futures_util::future::try_join_all;
use mongodb::{
    Collection, Database, IndexModel,
    bson::{Document, RawDocumentBuf, doc},
    error::{Error, ErrorKind},
    options::IndexOptions,
};

use super::{
    accounts::AccountDocument,
    calls::CallDocument,
    causal::Seen,
    errors::{PATIENCE, bounded, broken, refused},
    files::{ContentDocument, FileDocument, UploadDocument},
    invites::InviteDocument,
    log::LogDocument,
    sessions::SessionDocument,
};
use crate::{
    model::{Membership, Message, Person, Room},
    store::{StoreError, Underway},
};

/// The version that this program writes. One that is newer is refused; an older one is brought up in [`prepare`].
const VERSION: i32 = 1;
/// What the server answers while another node makes the same index, or the collection for it.
const AT_WORK: [i32; 4] = [112, 117, 276, 285];
/// What it answers when the collection is there.
const EXISTS: i32 = 48;
/// How often to ask again then, and after how long.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);

/// Where everything is.
#[derive(Debug, Clone)]
pub(super) struct Collections {
    pub(super) database: Database,
    pub(super) log: Collection<LogDocument>,
    pub(super) streams: Collection<Document>,
    pub(super) rooms: Collection<Room>,
    pub(super) members: Collection<Membership>,
    pub(super) messages: Collection<Message>,
    pub(super) people: Collection<Person>,
    pub(super) marks: Collection<Document>,
    pub(super) drafts: Collection<Document>,
    pub(super) calls: Collection<CallDocument>,
    pub(super) accounts: Collection<AccountDocument>,
    pub(super) sessions: Collection<SessionDocument>,
    pub(super) invites: Collection<InviteDocument>,
    pub(super) files: Collection<FileDocument>,
    pub(super) contents: Collection<ContentDocument>,
    pub(super) uploads: Collection<UploadDocument>,
    pub(super) schema: Collection<Document>,
    /// How far reads have seen.
    pub(super) seen: Seen,
}

impl Collections {
    /// Those of this database.
    pub(super) fn new(database: Database) -> Self {
        Self {
            log: database.collection("log"),
            streams: database.collection("streams"),
            rooms: database.collection("rooms"),
            members: database.collection("members"),
            messages: database.collection("messages"),
            people: database.collection("people"),
            marks: database.collection("marks"),
            drafts: database.collection("drafts"),
            calls: database.collection("calls"),
            accounts: database.collection("accounts"),
            sessions: database.collection("sessions"),
            invites: database.collection("invites"),
            files: database.collection("files"),
            contents: database.collection("contents"),
            uploads: database.collection("uploads"),
            schema: database.collection("schema"),
            seen: Seen::default(),
            database,
        }
    }
}

/// An index; `partial` says which documents it holds, all when it is empty.
fn index(keys: Document, unique: bool, partial: Document) -> IndexModel {
    let partial = (!partial.is_empty()).then_some(partial);
    let unique = unique.then_some(true);
    let options = IndexOptions::builder().unique(unique).partial_filter_expression(partial).build();
    IndexModel::builder().keys(keys).options(options).build()
}

/// The indexes of every collection, each with what it serves.
fn indexes() -> Vec<(&'static str, Vec<IndexModel>)> {
    let all = Document::new;
    let expiry = IndexOptions::builder().expire_after(Duration::ZERO).build();
    vec![
        (
            "log",
            vec![
                // Who was first after a head; reading a stream; its newest append.
                index(doc! { "stream": 1, "first": 1 }, true, all()),
                // Nothing twice; what a nonce brought. Multikey: it doesn't see two alike in one document.
                index(doc! { "stream": 1, "nonces": 1 }, true, all()),
            ],
        ),
        ("streams", vec![]),
        (
            "rooms",
            // The list of open rooms, in its order.
            vec![index(doc! { "open": 1, "folded": 1, "_id": 1 }, false, doc! { "open": true })],
        ),
        (
            "members",
            vec![
                // Who is in a room.
                index(doc! { "room": 1, "user": 1 }, false, doc! { "present": true }),
                // In which rooms somebody is.
                index(doc! { "user": 1 }, false, doc! { "present": true }),
            ],
        ),
        (
            "messages",
            vec![
                // Unread mentions.
                index(
                    doc! { "room": 1, "mentioned": 1, "seq": 1 },
                    false,
                    doc! { "mentioned": { "$exists": true } },
                ),
                // A room's files: all, and of one kind.
                index(doc! { "room": 1, "seq": -1 }, false, doc! { "attached": { "$exists": true } }),
                index(
                    doc! { "room": 1, "attached.kind": 1, "seq": -1 },
                    false,
                    doc! { "attached": { "$exists": true } },
                ),
                // Where a file is.
                index(
                    doc! { "attached.file": 1, "room": 1, "seq": -1 },
                    false,
                    doc! { "attached": { "$exists": true } },
                ),
                // What a room has pinned.
                index(doc! { "room": 1, "seq": 1 }, false, doc! { "pinned": true }),
            ],
        ),
        (
            "people",
            vec![
                index(doc! { "name": 1 }, false, all()),
                index(doc! { "folded": 1, "name": 1 }, false, all()),
            ],
        ),
        // Whose node says nothing any more.
        ("calls", vec![index(doc! { "until": 1 }, false, all())]),
        ("marks", vec![]),
        ("drafts", vec![]),
        (
            "accounts",
            vec![
                index(doc! { "name": 1 }, true, all()),
                // At most one owner.
                index(doc! { "owner": 1 }, true, doc! { "owner": true }),
            ],
        ),
        (
            "sessions",
            vec![
                index(doc! { "secret": 1 }, true, all()),
                index(doc! { "used": 1 }, false, doc! { "used": { "$exists": true } }),
                index(doc! { "user": 1 }, false, all()),
                // The server takes out what is over by itself.
                IndexModel::builder().keys(doc! { "expires": 1 }).options(expiry).build(),
            ],
        ),
        (
            "invites",
            vec![
                index(doc! { "secret": 1 }, true, all()),
                index(doc! { "expires": 1 }, false, all()),
                // Uses that were begun with, and not finished.
                index(doc! { "holds.at": 1 }, false, doc! { "holds.at": { "$exists": true } }),
            ],
        ),
        (
            "files",
            vec![
                // How much somebody keeps.
                index(doc! { "owner": 1, "size": 1 }, false, all()),
                // Whether anything has a content.
                index(doc! { "hash": 1 }, false, all()),
                // What is to be looked at.
                index(doc! { "due": 1 }, false, doc! { "due": { "$exists": true } }),
            ],
        ),
        ("contents", vec![]),
        (
            "uploads",
            vec![
                index(doc! { "owner": 1, "length": 1 }, false, all()),
                index(doc! { "expires": 1 }, false, all()),
            ],
        ),
    ]
}

/// Makes what is missing. Any number of nodes may do so at once: each step may be repeated, and the version is written
/// last.
pub(super) async fn prepare(collections: &Collections) -> Result<(), StoreError> {
    let database = &collections.database;
    if let Some(found) =
        collections.read(collections.schema.find_one(doc! { "_id": "parlor" }).max_time(PATIENCE)).await?
    {
        let version = found.get_i32("version").map_err(|_| broken("the schema's version can't be read"))?;
        if version > VERSION {
            return Err(broken(format!(
                "a newer Parlor wrote this database: its schema is version {version}, this program knows {VERSION}"
            )));
        }
    }
    try_join_all(indexes().into_iter().map(|(name, indexes)| async move {
        if indexes.is_empty() {
            return patiently(|| async { database.create_collection(name).await }).await;
        }
        // The first index makes its collection.
        let collection: Collection<RawDocumentBuf> = database.collection(name);
        patiently(|| async { collection.create_indexes(indexes.clone()).await.map(drop) }).await
    }))
    .await?;
    // Whoever is the second finds it written.
    refused(collections.schema.insert_one(doc! { "_id": "parlor", "version": VERSION })).await.map(drop)
}

/// How far the database is filled from another store; none when it isn't being filled.
pub(super) async fn underway(collections: &Collections) -> Result<Option<Underway>, StoreError> {
    let noted = collections.schema.clone_with_type::<Underway>();
    collections.read(noted.find_one(doc! { "_id": "underway" }).max_time(PATIENCE)).await
}

/// Does a step, again while another node is at it.
async fn patiently<F: Future<Output = mongodb::error::Result<()>> + Send>(
    step: impl Fn() -> F,
) -> Result<(), StoreError> {
    let mut tries = 1;
    loop {
        let done = bounded(async {
            match step().await {
                Err(error) if code(&error) == Some(EXISTS) => Ok(true),
                Err(error) if tries < TRIES && code(&error).is_some_and(|code| AT_WORK.contains(&code)) => {
                    Ok(false)
                }
                done => done.map(|()| true),
            }
        });
        if done.await? {
            return Ok(());
        }
        tries += 1;
        tokio::time::sleep(PAUSE).await;
    }
}

fn code(error: &Error) -> Option<i32> {
    match &*error.kind {
        ErrorKind::Command(command) => Some(command.code),
        _ => None,
    }
}
