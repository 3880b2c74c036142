//! Reading all that is kept, and being filled from elsewhere. Each record is one document, whose `_id` follows from it; so
//! what was put before the note of how far that is, is put again over the same.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::{TryStreamExt, future::try_join_all};
use mongodb::{
    Collection as Documents,
    action::Find,
    bson::{
        Binary, Document, RawDocumentBuf, deserialize_from_slice, doc, rawdoc, serialize_to_document,
        serialize_to_raw_document_buf,
    },
    options::Hint,
};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    MongoStore,
    accounts::AccountDocument,
    bson::{binary, int, pair, stream_key, uint},
    calls::CallDocument,
    errors::{BATCH as READ, PATIENCE, bounded, broken},
    files::{ContentDocument, FileDocument, UploadDocument},
    invites::{self, InviteDocument},
    log::LogDocument,
    projection::Projected,
    rooms::{Draft, Mark},
    schema,
    sessions::SessionDocument,
    statements,
    watermarks::Watermark,
};
use crate::{
    model::{Doc, Head, Seq, Stream, UserId},
    store::{
        CallRecord, Collection, Dump, LogStore, Record, StoreError, Underway,
        dump::{BATCH, BATCH_BYTES},
    },
};

#[async_trait]
impl Dump for MongoStore {
    async fn count(&self, collection: Collection) -> Result<u64, StoreError> {
        bounded(self.documents(collection).estimated_document_count().max_time(PATIENCE)).await
    }

    async fn batch(&self, collection: Collection, after: &[u8]) -> Result<Vec<Record>, StoreError> {
        match collection {
            Collection::Log => self.log_after(after).await,
            Collection::Streams => self.standings(after).await,
            Collection::Rooms => self.read(collection, after, |room| doc_of(Doc::Room(room))).await,
            Collection::Members => self.read(collection, after, |member| doc_of(Doc::Member(member))).await,
            Collection::Messages => {
                self.read(collection, after, |message| doc_of(Doc::Message(message))).await
            }
            Collection::People => self.read(collection, after, |person| doc_of(Doc::Person(person))).await,
            Collection::Marks => self.read(collection, after, mark).await,
            Collection::Drafts => self.read(collection, after, draft).await,
            Collection::Accounts => self.read(collection, after, account).await,
            Collection::Sessions => self.read(collection, after, session).await,
            Collection::Invites => {
                let found = self.read(collection, after, Ok).await?;
                let at_rest = found.into_iter().map(|invite| invites::at_rest(&self.collections, invite));
                Ok(try_join_all(at_rest).await?.into_iter().map(Record::Invite).collect())
            }
            Collection::Contents => self.read(collection, after, content).await,
            Collection::Files => self.read(collection, after, file).await,
            Collection::Uploads => self.read(collection, after, upload).await,
            Collection::Calls => self.read(collection, after, call).await,
        }
    }

    async fn put(&self, records: Vec<Record>, underway: &Underway) -> Result<(), StoreError> {
        if let Some(first) = records.first() {
            let name = first.collection().name();
            let statements = records
                .iter()
                .filter_map(|record| statement(record).transpose())
                .collect::<Result<_, _>>()?;
            let done = statements::update(&self.collections.database, name, statements).await?;
            if !done.duplicates.is_empty() {
                return Err(broken(format!("two of the {name} share what only one may have")));
            }
        }
        let mut note = serialize_to_document(underway).map_err(unwritable)?;
        note.insert("_id", "underway");
        let put = self.collections.schema.replace_one(doc! { "_id": "underway" }, note).upsert(true);
        bounded(put).await.map(drop)
    }

    async fn underway(&self) -> Result<Option<Underway>, StoreError> {
        schema::underway(&self.collections).await
    }

    async fn finish(&self) -> Result<(), StoreError> {
        bounded(self.collections.schema.delete_one(doc! { "_id": "underway" })).await.map(drop)
    }
}

impl MongoStore {
    fn documents(&self, collection: Collection) -> Documents<RawDocumentBuf> {
        self.collections.database.collection(collection.name())
    }

    /// What is found by an `_id` that is the record's key.
    async fn read<T: DeserializeOwned, R>(
        &self,
        collection: Collection,
        after: &[u8],
        record: impl Fn(T) -> Result<R, StoreError>,
    ) -> Result<Vec<R>, StoreError> {
        let mut filter = Document::new();
        if !after.is_empty() {
            filter.insert("_id", doc! { "$gt": binary(after) });
        }
        if collection == Collection::Files {
            // One without a place isn't there yet, and whoever brought it is gone.
            filter.insert("place", doc! { "$exists": true });
        }
        let documents = self.documents(collection);
        let find = documents.find(filter).sort(doc! { "_id": 1 });
        first(find).await?.into_iter().map(record).collect()
    }

    async fn log_after(&self, after: &[u8]) -> Result<Vec<Record>, StoreError> {
        let order = doc! { "stream": 1, "first": 1 };
        let documents = self.documents(Collection::Log);
        // How changes ended without an entry matters to writers that are under way, and there are none.
        let mut find = documents.find(doc! { "first": { "$gt": 0 } }).sort(order.clone());
        if let Some((stream, rev)) = after.split_at_checked(17) {
            let rev = rev.try_into().map(i64::from_be_bytes).map_err(|_| broken("not a key of the log"))?;
            // Along the index, beginning there.
            find = find
                .hint(Hint::Keys(order))
                .min(doc! { "stream": binary(stream), "first": rev.saturating_add(1) });
        }
        let appends = first::<LogDocument>(find).await?.into_iter().map(LogDocument::into_append);
        appends.map(|append| append.map(Record::Append)).collect()
    }

    async fn standings(&self, after: &[u8]) -> Result<Vec<Record>, StoreError> {
        let streams = self.streams_after(Stream::from_key(after), BATCH).await?;
        let keys: Vec<_> = streams.iter().copied().map(stream_key).collect();
        let watermarks = self.collections.streams.clone_with_type::<Watermark>();
        let watermarks = watermarks.find(doc! { "_id": { "$in": keys } }).batch_size(READ);
        let (heads, watermarks) =
            tokio::try_join!(self.heads(&streams), self.collections.read(watermarks.max_time(PATIENCE)))?;
        let heads: HashMap<_, _> = heads.into_iter().collect();
        let watermarks: HashMap<_, _> =
            watermarks.into_iter().map(|found| (found.stream.bytes.clone(), found)).collect();
        let standings = streams.into_iter().map(|stream| {
            let head = heads.get(&stream).copied().unwrap_or_default();
            let folded = watermarks.get(stream.key().as_slice()).map(Watermark::head).transpose()?;
            Ok(Record::Standing { stream, head, folded: folded.unwrap_or_default() })
        });
        standings.collect()
    }
}

/// The first documents of a query that make a batch.
async fn first<T: DeserializeOwned>(find: Find<'_, RawDocumentBuf>) -> Result<Vec<T>, StoreError> {
    let find = find.limit(int(BATCH as u64)).batch_size(READ).max_time(PATIENCE);
    let found = bounded(async {
        let mut cursor = find.await?;
        let (mut found, mut bytes) = (Vec::new(), 0);
        while found.len() < BATCH
            && bytes < BATCH_BYTES
            && let Some(document) = cursor.try_next().await?
        {
            bytes += document.as_bytes().len();
            found.push(document);
        }
        Ok(found)
    });
    let read = |document: RawDocumentBuf| {
        deserialize_from_slice(document.as_bytes())
            .map_err(|error| broken(format!("a document can't be read: {error}")))
    };
    found.await?.into_iter().map(read).collect()
}

fn doc_of(doc: Doc) -> Result<Record, StoreError> {
    Ok(Record::Doc(doc))
}

fn mark(mark: Mark) -> Result<Record, StoreError> {
    Ok(Record::Mark { user: user_of(&mark.key)?, room: mark.room, seq: Seq(uint(mark.seq)?) })
}

fn draft(draft: Draft) -> Result<Record, StoreError> {
    Ok(Record::Draft { user: user_of(&draft.key)?, room: draft.room, text: draft.text })
}

/// The person in a key of person and room.
fn user_of(key: &Binary) -> Result<UserId, StoreError> {
    let user = key.bytes.first_chunk().ok_or_else(|| broken("not a key of a person and a room"))?;
    Ok(UserId::from_bytes(*user))
}

fn account(account: AccountDocument) -> Result<Record, StoreError> {
    Ok(Record::Account(account.into()))
}

fn session(session: SessionDocument) -> Result<Record, StoreError> {
    session.into_session().map(Record::Session)
}

fn content(content: ContentDocument) -> Result<Record, StoreError> {
    content.into_place().map(Record::Content)
}

fn file(file: FileDocument) -> Result<Record, StoreError> {
    file.into_file().map(Record::File)
}

fn upload(upload: UploadDocument) -> Result<Record, StoreError> {
    Ok(Record::Upload(upload.upload))
}

fn call(call: CallDocument) -> Result<Record, StoreError> {
    Ok(Record::Call(CallRecord::from(call)))
}

/// The document that a record is kept as; none for a stream that nothing is folded of.
fn document(record: &Record) -> Result<Option<RawDocumentBuf>, StoreError> {
    let document = match record {
        Record::Append(append) => raw(&LogDocument::new(append.clone()))?,
        Record::Standing { folded, .. } if *folded == Head::default() => return Ok(None),
        Record::Standing { stream, folded, .. } => raw(&Watermark::new(*stream, *folded))?,
        Record::Doc(doc) => Projected::new(doc)?.body,
        Record::Mark { user, room, seq } => {
            let key = pair(user.as_bytes(), room.as_bytes());
            raw(&Mark { key, room: *room, seq: int(seq.0) })?
        }
        Record::Draft { user, room, text } => {
            let key = pair(user.as_bytes(), room.as_bytes());
            raw(&Draft { key, room: *room, text: text.clone() })?
        }
        Record::Account(account) => raw(&AccountDocument::from(account))?,
        Record::Session(session) => raw(&SessionDocument::new(session))?,
        Record::Invite(invite) => raw(&InviteDocument::new(invite))?,
        Record::Content(place) => raw(&ContentDocument::new(place))?,
        Record::File(file) => raw(&FileDocument::new(file, Some(&file.place)))?,
        Record::Upload(upload) => raw(&UploadDocument::new(upload))?,
        Record::Call(call) => raw(&CallDocument::from(call))?,
    };
    Ok(Some(document))
}

fn raw(document: &impl Serialize) -> Result<RawDocumentBuf, StoreError> {
    serialize_to_raw_document_buf(document).map_err(unwritable)
}

/// The statement that puts a record's document, over itself where it is there already.
fn statement(record: &Record) -> Result<Option<RawDocumentBuf>, StoreError> {
    let Some(document) = document(record)? else { return Ok(None) };
    let key = document.get_binary("_id").map_err(|error| broken(error.to_string()))?.to_binary();
    Ok(Some(rawdoc! { "q": { "_id": key }, "u": document, "upsert": true }))
}

fn unwritable(error: mongodb::bson::error::Error) -> StoreError {
    broken(format!("a document can't be written as BSON: {error}"))
}
