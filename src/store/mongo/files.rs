//! Files and uploads, without transactions.
//!
//! A content is used as long as a file has its hash. A file is kept in these steps:
//!
//! 1. Insert the file, without its place: from now on it has the hash.
//! 2. Count up the content's version, or put it anew at the place that was brought. This tells where it lies.
//! 3. Note the place with the file, which thereby is there, and forget the upload.
//!
//! Who takes a content out reads its version first, then looks for files that have its hash, and takes it out only at
//! that version: a file that was inserted before the look is seen, and one that comes after it finds the version
//! changed, or no content, which it then puts anew at its own place. Every step may be repeated; a file without a
//! place, whose node died in between, is due like any other.

use async_trait::async_trait;
use futures_util::future::try_join_all;
use mongodb::{
    bson::{Binary, Bson, Document, doc},
    options::{Hint, ReturnDocument},
};
use serde::{Deserialize, Serialize};

use super::{
    MongoStore,
    bson::{binary, hash_of, int, room_id, uint, user_id},
    errors::{BATCH, PATIENCE, bounded, broken, is_duplicate, refused},
};
use crate::{
    model::{Attachment, FileId, Place, RoomId, StoredFile, Timestamp, Upload, UserId, file::ContentHash},
    store::{FileStore, StoreError, Taken},
};

/// A file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FileDocument {
    #[serde(rename = "_id")]
    id: FileId,
    owner: UserId,
    hash: Binary,
    /// Absent until it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    size: i64,
    created: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due: Option<Timestamp>,
    rooms: Vec<RoomId>,
    about: Attachment,
}

impl FileDocument {
    /// With its place, or as it is before that is known.
    pub(super) fn new(file: &StoredFile, place: Option<&Place>) -> Self {
        Self {
            id: file.about.id,
            owner: file.owner,
            hash: binary(&file.place.hash.0),
            place: place.map(Place::to_string),
            size: int(file.about.size),
            created: file.created,
            due: file.due,
            rooms: file.rooms.clone(),
            about: file.about.clone(),
        }
    }

    pub(super) fn into_file(self) -> Result<StoredFile, StoreError> {
        let place = match &self.place {
            Some(place) => place.parse().map_err(broken)?,
            // Nothing lies there.
            None => Place::new(ContentHash(hash_of(&self.hash)?)),
        };
        let mut rooms = self.rooms;
        rooms.sort_unstable();
        Ok(StoredFile {
            about: self.about,
            owner: self.owner,
            place,
            created: self.created,
            due: self.due,
            rooms,
        })
    }
}

/// A content.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ContentDocument {
    #[serde(rename = "_id")]
    hash: Binary,
    place: String,
    /// Rises with each file that takes it.
    version: i64,
}

impl ContentDocument {
    /// Of a content that nothing is done to at the moment.
    pub(super) fn new(place: &Place) -> Self {
        Self { hash: binary(&place.hash.0), place: place.to_string(), version: 1 }
    }

    pub(super) fn into_place(self) -> Result<Place, StoreError> {
        self.place.parse().map_err(broken)
    }
}

/// An upload.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UploadDocument {
    #[serde(rename = "_id")]
    id: FileId,
    owner: UserId,
    length: i64,
    expires: Timestamp,
    pub(super) upload: Upload,
}

impl UploadDocument {
    pub(super) fn new(upload: &Upload) -> Self {
        Self {
            id: upload.id,
            owner: upload.owner,
            length: int(upload.length),
            expires: upload.expires,
            upload: upload.clone(),
        }
    }
}

/// A sum, and of how many.
#[derive(Debug, Default, Deserialize)]
struct Sum {
    sum: i64,
    count: i64,
}

fn key(id: FileId) -> Bson {
    Bson::Binary(binary(id.as_bytes()))
}

fn sum_of(field: &str, filter: Document) -> Vec<Document> {
    vec![
        doc! { "$match": filter },
        doc! { "$group": { "_id": null, "sum": { "$sum": format!("${field}") }, "count": { "$sum": 1_i64 } } },
    ]
}

impl MongoStore {
    async fn sums(&self, filter: Document) -> Result<(Sum, Sum), StoreError> {
        // Of all, too, the index alone is read.
        let index = |field: &str| Hint::Keys(doc! { "owner": 1, field: 1 });
        let files = self.collections.files.aggregate(sum_of("size", filter.clone())).hint(index("size"));
        let uploads = self.collections.uploads.aggregate(sum_of("length", filter)).hint(index("length"));
        let (files, uploads) = (files.with_type::<Sum>(), uploads.with_type::<Sum>());
        let (files, uploads) = tokio::try_join!(
            self.collections.read(files.max_time(PATIENCE)),
            self.collections.read(uploads.max_time(PATIENCE))
        )?;
        let only = |sums: Vec<Sum>| sums.into_iter().next().unwrap_or_default();
        Ok((only(files), only(uploads)))
    }

    /// Has one more file take a content, and tells where it lies.
    async fn take_content(&self, place: &Place) -> Result<Place, StoreError> {
        loop {
            let take = self
                .collections
                .contents
                .find_one_and_update(
                    doc! { "_id": binary(&place.hash.0) },
                    doc! { "$inc": { "version": 1_i64 }, "$setOnInsert": { "place": place.to_string() } },
                )
                .upsert(true)
                .return_document(ReturnDocument::After);
            let taken = bounded(async {
                match take.await {
                    // Another put it at the same moment: now it is there.
                    Err(error) if is_duplicate(&error) => Ok(None),
                    taken => taken,
                }
            });
            if let Some(content) = taken.await? {
                return content.into_place();
            }
        }
    }
}

#[async_trait]
impl FileStore for MongoStore {
    async fn begin_upload(&self, upload: &Upload) -> Result<(), StoreError> {
        bounded(self.collections.uploads.insert_one(UploadDocument::new(upload))).await.map(drop)
    }

    async fn upload(&self, id: FileId) -> Result<Option<Upload>, StoreError> {
        let found = self
            .collections
            .read(self.collections.uploads.find_one(doc! { "_id": key(id) }).max_time(PATIENCE));
        Ok(found.await?.map(|document| document.upload))
    }

    async fn end_upload(&self, id: FileId) -> Result<bool, StoreError> {
        Ok(bounded(self.collections.uploads.delete_one(doc! { "_id": key(id) })).await?.deleted_count > 0)
    }

    async fn expired_uploads(&self, now: Timestamp, limit: usize) -> Result<Vec<Upload>, StoreError> {
        let find = self.collections.uploads.find(doc! { "expires": { "$lt": now.0 } });
        let find = find.sort(doc! { "expires": 1 }).limit(int(limit as u64));
        Ok(self
            .collections
            .read(find.max_time(PATIENCE))
            .await?
            .into_iter()
            .map(|document| document.upload)
            .collect())
    }

    async fn keep_file(&self, file: &StoredFile) -> Result<Place, StoreError> {
        // A repeat finds it there.
        refused(self.collections.files.insert_one(FileDocument::new(file, None))).await?;
        let place = self.take_content(&file.place).await?;
        let noted = doc! { "$set": { "place": place.to_string() } };
        bounded(self.collections.files.update_one(doc! { "_id": key(file.about.id) }, noted)).await?;
        self.end_upload(file.about.id).await?;
        Ok(place)
    }

    async fn files(&self, ids: &[FileId]) -> Result<Vec<StoredFile>, StoreError> {
        let ids: Vec<_> = ids.iter().copied().map(key).collect();
        let find = self.collections.files.find(doc! { "_id": { "$in": ids }, "place": { "$exists": true } });
        let found = self.collections.read(find.batch_size(BATCH).max_time(PATIENCE)).await?;
        found.into_iter().map(FileDocument::into_file).collect()
    }

    async fn taken(&self, owner: UserId) -> Result<Taken, StoreError> {
        let (files, uploads) = self.sums(doc! { "owner": user_id(owner) }).await?;
        Ok(Taken { files: uint(files.sum)?, uploads: uint(uploads.sum)?, count: uint(uploads.count)? })
    }

    async fn taken_by_all(&self) -> Result<u64, StoreError> {
        let (files, uploads) = self.sums(Document::new()).await?;
        Ok(uint(files.sum)?.saturating_add(uint(uploads.sum)?))
    }

    async fn attach(
        &self,
        owner: UserId,
        ids: &[FileId],
        room: RoomId,
        due: Timestamp,
    ) -> Result<Vec<Attachment>, StoreError> {
        let notes = ids.iter().map(|id| async {
            let own = doc! { "_id": key(*id), "owner": user_id(owner), "place": { "$exists": true } };
            let note = doc! { "$addToSet": { "rooms": room_id(room) }, "$max": { "due": due.0 } };
            bounded(self.collections.files.find_one_and_update(own, note)).await
        });
        Ok(try_join_all(notes).await?.into_iter().flatten().map(|document| document.about).collect())
    }

    async fn loosen(&self, ids: &[FileId], due: Timestamp) -> Result<(), StoreError> {
        let ids: Vec<_> = ids.iter().copied().map(key).collect();
        let loosen = doc! { "$set": { "due": due.0 } };
        bounded(self.collections.files.update_many(doc! { "_id": { "$in": ids } }, loosen)).await.map(drop)
    }

    async fn due_files(&self, now: Timestamp, limit: usize) -> Result<Vec<StoredFile>, StoreError> {
        let find = self.collections.files.find(doc! { "due": { "$lte": now.0 } });
        let find = find.sort(doc! { "due": 1 }).limit(int(limit as u64)).batch_size(BATCH);
        self.collections
            .read(find.max_time(PATIENCE))
            .await?
            .into_iter()
            .map(FileDocument::into_file)
            .collect()
    }

    async fn settle(&self, id: FileId, due: Timestamp) -> Result<(), StoreError> {
        let settle = doc! { "$unset": { "due": "" } };
        bounded(self.collections.files.update_one(doc! { "_id": key(id), "due": due.0 }, settle))
            .await
            .map(drop)
    }

    async fn remove_file(&self, id: FileId, due: Timestamp) -> Result<bool, StoreError> {
        let removed =
            bounded(self.collections.files.delete_one(doc! { "_id": key(id), "due": due.0 })).await?;
        Ok(removed.deleted_count > 0)
    }

    async fn drop_content(&self, hash: ContentHash) -> Result<Option<Place>, StoreError> {
        let of = doc! { "_id": binary(&hash.0) };
        let Some(content) =
            self.collections.read(self.collections.contents.find_one(of.clone()).max_time(PATIENCE)).await?
        else {
            return Ok(None);
        };
        let user = self.collections.files.find_one(doc! { "hash": binary(&hash.0) }).max_time(PATIENCE);
        if self.collections.read(user).await?.is_some() {
            return Ok(None);
        }
        let mut unchanged = of;
        unchanged.insert("version", content.version);
        let dropped = bounded(self.collections.contents.find_one_and_delete(unchanged)).await?;
        dropped.map(ContentDocument::into_place).transpose()
    }

    async fn places(&self, hashes: &[ContentHash]) -> Result<Vec<Place>, StoreError> {
        let hashes: Vec<_> = hashes.iter().map(|hash| binary(&hash.0)).collect();
        let find = self.collections.contents.find(doc! { "_id": { "$in": hashes } }).batch_size(BATCH);
        let found = self.collections.read(find.max_time(PATIENCE)).await?;
        found.into_iter().map(ContentDocument::into_place).collect()
    }
}
