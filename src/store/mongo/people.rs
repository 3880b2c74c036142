//! People's public profiles.

use mongodb::bson::{Document, doc};

use super::{
    bson::user_id,
    errors::{BATCH, PATIENCE},
    rooms::{one_more, page},
    schema::Collections,
};
use crate::{
    model::{Person, UserId, text::folded},
    store::{Page, StoreError},
};

/// The last of all characters: what begins with a text sorts before the text followed by it.
const LAST: char = char::MAX;

/// By id.
pub(super) async fn by_id(collections: &Collections, users: &[UserId]) -> Result<Vec<Person>, StoreError> {
    let ids: Vec<_> = users.iter().copied().map(user_id).collect();
    collections
        .read(collections.people.find(doc! { "_id": { "$in": ids } }).batch_size(BATCH).max_time(PATIENCE))
        .await
}

/// By login name.
pub(super) async fn by_name(collections: &Collections, names: &[String]) -> Result<Vec<Person>, StoreError> {
    collections
        .read(collections.people.find(doc! { "name": { "$in": names } }).batch_size(BATCH).max_time(PATIENCE))
        .await
}

/// By the beginning of a name, whichever.
pub(super) async fn find(
    collections: &Collections,
    query: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Page<Person>, StoreError> {
    let query = folded(query);
    let begins = doc! { "$gte": &query, "$lt": format!("{query}{LAST}") };
    let past = after.map(|after| doc! { "name": { "$gt": after } });
    let branch = |filter: Document| match &past {
        Some(past) => doc! { "$and": [filter, past] },
        None => filter,
    };
    let filter = if query.is_empty() {
        past.unwrap_or_default()
    } else {
        doc! { "$or": [branch(doc! { "name": &begins }), branch(doc! { "folded": &begins })] }
    };
    let find = collections.people.find(filter).sort(doc! { "name": 1 });
    let find = find.limit(one_more(limit)).batch_size(BATCH).max_time(PATIENCE);
    Ok(page(collections.read(find).await?, limit))
}
