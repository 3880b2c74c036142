//! Moving that is killed, again and again, and goes on.

use std::time::Duration;

use mongodb::bson::{Document, doc};
use tokio::time::timeout;

use super::*;
use crate::{
    program::{data_folder, ordered},
    services::PATIENCE,
    store_mongo::Place,
};

/// Kills after which it may come to its end undisturbed.
const KILLS: usize = 12;
/// Of rooms, and of messages in each.
const ROOMS: u64 = 20;
const MESSAGES: u64 = 250;

/// How long it may take to come a few steps further, or to the end.
const STEPS: Duration = PATIENCE.saturating_mul(3);

/// Moves, killing the program each time it has come one to three steps further, or as far as it comes until the kill arrives.
/// Returns how often it was killed.
async fn killed_again_and_again(from: &str, to: &str, noted: impl AsyncFn() -> Option<String>) -> usize {
    let elsewhere = tempfile::TempDir::new().unwrap();
    let mut kills = 0;
    while kills < KILLS {
        let (mut last, mut steps) = (noted().await, 1 + kills % 3);
        let order = ["migrate", "--from", from, "--to", to];
        let mut moving = ordered(elsewhere.path(), &[], &order).spawn().unwrap();
        let on_its_way = async {
            while steps > 0 && moving.try_wait().unwrap().is_none() {
                let now = noted().await;
                if now.is_some() && now != last {
                    (last, steps) = (now, steps - 1);
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(STEPS, on_its_way).await.expect("it comes further in time");
        if moving.try_wait().unwrap().is_some() {
            break;
        }
        moving.kill().await.unwrap();
        kills += 1;
    }
    // It may have come to its end before a kill arrived.
    let (succeeded, said) = migrate(from, to).await;
    assert!(succeeded || said.contains("isn't empty"), "{said}");
    kills
}

async fn noted_in_mongodb(place: &Place) -> Option<String> {
    let schema = place.database.collection::<Document>("schema");
    schema.find_one(doc! { "_id": "underway" }).await.unwrap().map(|noted| noted.to_string())
}

fn noted_in_sqlite(data: &Path) -> Option<String> {
    let db = Connection::open_with_flags(data.join("parlor.db"), rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)
        .ok()?;
    let noted: Vec<u8> = db.query_row("SELECT doc FROM underway", [], |row| row.get(0)).ok()?;
    Some(String::from_utf8(noted).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_cut_short_goes_on_both_ways() {
    let place = Place::new().await;
    let (_here, from) = data_folder();
    let (_there, back) = data_folder();
    fill(&from, ROOMS, MESSAGES).await;
    let url = kept::url(&place);

    let kills = killed_again_and_again(text(&from), &url, async || noted_in_mongodb(&place).await).await;
    assert!(kills > 0, "it was never killed");
    let kills = killed_again_and_again(&url, text(&back), async || noted_in_sqlite(&back)).await;
    assert!(kills > 0, "it was never killed on the way back");
    assert_same(&from, &back);
}
