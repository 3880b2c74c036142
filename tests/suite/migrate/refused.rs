//! What isn't moved, and why.

use parlor::store::{AccountStore, Collection, mongo::MongoStore};
use tempfile::TempDir;

use super::*;
use crate::{
    program::{House, data_folder},
    services::{mongodb_url, redis_url},
};

/// That moving is refused with these words.
async fn refused(from: &str, to: &str, why: &str) {
    let (succeeded, said) = migrate(from, to).await;
    assert!(!succeeded && said.starts_with("parlor: ") && said.contains(why), "{from} to {to}: {said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[tokio::test]
async fn what_is_no_place_or_the_wrong_one_is_refused() {
    let (_folder, data) = data_folder();
    fill(&data, 1, 1).await;
    let (data, mongodb) = (text(&data), mongodb_url());
    refused("postgres://localhost/parlor", &mongodb, "--from: expected a data folder, or a URL").await;
    refused(data, "redis://localhost", "--to: expected a data folder, or a URL").await;
    refused("/nowhere", &mongodb, "--from: there is no parlor.db in /nowhere").await;
    refused(&mongodb_url(), "/nowhere", "--from: there is nothing in mongodb://").await;
    let one_kind = "one of --from and --to has to be a data folder";
    refused(data, data, one_kind).await;
    refused(&mongodb, &mongodb, one_kind).await;
    assert!(!Path::new("/nowhere").exists());
    let (_, help) = Program::order(Path::new(data), &[], &["--help"]).await;
    assert!(help.contains("\n  migrate "), "{help}");
}

#[tokio::test]
async fn what_a_server_serves_is_left_alone() {
    let house = House::open().await;
    house.people(["alice"]).await;
    refused(text(&house.data()), &mongodb_url(), "is in use by another process").await;
    let (_folder, data) = data_folder();
    fill(&data, 1, 1).await;
    let mongodb = mongodb_url();
    migrated(text(&data), &mongodb).await;
    refused(&mongodb, text(&house.data()), "is in use by another process").await;
}

#[tokio::test]
async fn nothing_is_put_where_something_is() {
    let (_folder, data) = data_folder();
    fill(&data, 1, 10).await;
    let mongodb = mongodb_url();
    migrated(text(&data), &mongodb).await;
    refused(text(&data), &mongodb, "isn't empty").await;
    refused(&mongodb, text(&data), "isn't empty").await;
    let (_other, another) = data_folder();
    fill(&another, 1, 10).await;
    refused(text(&another), &mongodb, "isn't empty").await;
}

#[tokio::test]
async fn what_is_not_whole_is_neither_served_nor_moved_nor_filled_from_elsewhere() {
    let (_folder, data) = data_folder();
    fill(&data, 1, 10).await;
    let (mongodb, redis) = (mongodb_url(), redis_url());
    let underway = Underway { from: "/somewhere/else".to_owned(), last: None };
    let filled = MongoStore::connect_to_fill(&mongodb, None).await.unwrap();
    filled.put(vec![], &underway).await.unwrap();
    drop(filled);
    refused(text(&data), &mongodb, "holds the beginning of what is in /somewhere/else").await;
    let elsewhere = TempDir::new().unwrap();
    refused(&mongodb, text(elsewhere.path()), "isn't whole").await;
    let settings = [
        ("PARLOR_MONGODB_URL", mongodb.as_str()),
        ("PARLOR_REDIS_URL", redis.as_str()),
        ("PARLOR_SECRET", "0123456789abcdef0123456789abcdef"),
    ];
    let ended = Program::refused(elsewhere.path(), &settings).await;
    assert!(ended.said.concat().contains("isn't whole: moving into it was cut short"), "{ended:?}");

    let store = SqliteStore::open(&data).unwrap();
    store.put(vec![], &underway).await.unwrap();
    drop(store);
    let ended = Program::refused(&data, &[]).await;
    assert!(ended.said.concat().contains("isn't whole: moving into it was cut short"), "{ended:?}");
    refused(text(&data), &mongodb_url(), "isn't whole").await;
}

#[tokio::test]
async fn what_differs_in_the_end_is_told_and_stays_unserved() {
    let (_folder, data) = data_folder();
    fill(&data, 2, 30).await;
    let mongodb = mongodb_url();
    // As if all but the calls had been copied, and then lost.
    let from = std::fs::canonicalize(&data).unwrap();
    let underway = Underway { from: text(&from).to_owned(), last: Some((Collection::Calls, vec![])) };
    let filled = MongoStore::connect_to_fill(&mongodb, None).await.unwrap();
    filled.put(vec![], &underway).await.unwrap();
    filled.create_invite(&kept::invite(1)).await.unwrap();
    drop(filled);
    for _ in 0..2 {
        let (succeeded, said) = migrate(text(&data), &mongodb).await;
        assert!(!succeeded && said.contains("log 72") && said.contains(" isn't in --to"), "{said}");
        // 45 appends, 2 streams, 2 rooms, 60 messages; and the invitation.
        assert!(said.contains("110 records of "), "{said}");
        assert_eq!(said.lines().count(), 21, "{said}");
    }
    assert!(MongoStore::connect(&mongodb, None).await.is_err());
}
