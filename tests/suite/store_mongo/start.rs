//! What happens to the database when nodes start.

use mongodb::bson::{Document, doc};
use parlor::store::{StoreError, mongo::MongoStore};

use super::place::Place;

#[tokio::test(flavor = "multi_thread")]
async fn many_nodes_start_at_once_on_an_empty_database() {
    let place = Place::new().await;
    let nodes = futures_util::future::join_all((0..6).map(|_| place.store())).await;
    for node in nodes {
        node.ping().await.unwrap();
    }
    let indexes = place.database.collection::<Document>("log").list_index_names().await.unwrap();
    assert_eq!(indexes, ["_id_", "stream_1_first_1", "stream_1_nonces_1"]);
    let version = place.database.collection::<Document>("schema").find_one(doc! {}).await.unwrap();
    assert_eq!(version, Some(doc! { "_id": "parlor", "version": 1 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_a_newer_parlor_is_refused() {
    let place = Place::new().await;
    drop(place.store().await);
    let schema = place.database.collection::<Document>("schema");
    schema.update_one(doc! {}, doc! { "$set": { "version": 2 } }).await.unwrap();
    let refused = MongoStore::connect(&place.url, Some(&place.name)).await.unwrap_err();
    assert!(matches!(&refused, StoreError::Broken(why) if why.contains("a newer Parlor")), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_that_is_none_is_refused_without_telling_what_is_in_it() {
    let refused = MongoStore::connect("redis://ann:secret@localhost", None).await.unwrap_err();
    assert!(matches!(refused, StoreError::Broken(_)), "{refused}");
    assert!(!refused.to_string().contains("secret"), "{refused}");
}
