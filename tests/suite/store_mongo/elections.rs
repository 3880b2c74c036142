//! What is read while one server replaces another.

use std::time::Duration;

use mongodb::bson::{Timestamp, doc};
use parlor::{
    model::{Head, RoomId, Stream},
    store::{LogStore, StoreError, mongo::MongoStore},
};
use tokio::{join, time::sleep};

use super::{append, write};
use crate::{mongod::Mongod, services::until};

/// How long the new primary doesn't know what the majority has: long enough for a read to be answered.
const UNAWARE: Duration = Duration::from_millis(500);

async fn head(store: &MongoStore, stream: Stream) -> Result<Head, StoreError> {
    Ok(store.heads(&[stream]).await?.first().map(|(_, head)| *head).unwrap_or_default())
}

async fn head_behind_barrier(store: &MongoStore, stream: Stream) -> Result<Head, StoreError> {
    store.read_barrier().await?;
    head(store, stream).await
}

/// When that was made which a member knows the majority to have.
async fn committed(mongod: &mut Mongod, member: usize) -> Option<Timestamp> {
    let status = mongod.member(member).run(doc! { "replSetGetStatus": 1 }).await.unwrap();
    let optime = status.get_document("optimes").unwrap().get_document("readConcernMajorityOpTime");
    optime.ok()?.get_timestamp("ts").ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_primary_that_does_not_know_yet_what_was_acknowledged_is_waited_for() {
    let mut mongod = Mongod::start_of(3).await;
    let connect = async || MongoStore::connect(&mongod.url(), None).await.unwrap();
    let (one, two, three) = (connect().await, connect().await, connect().await);
    let room = Stream::Room(RoomId::new());
    let first = append(room, Head::default(), &["first"]);
    one.append(&write(&first)).await.unwrap();
    assert_eq!(head(&three, room).await.unwrap(), first.head());

    let old = mongod.primary().await;
    let new = (old + 1) % 3;
    let read_until_now = committed(&mut mongod, old).await;
    until("the other knows that too", async || committed(&mut mongod, new).await >= read_until_now).await;
    let unaware = |mode: &str| doc! { "configureFailPoint": "disableSnapshotting", "mode": mode };
    mongod.member(new).run(unaware("alwaysOn")).await.unwrap();
    let second = append(room, first.head(), &["second"]);
    one.append(&write(&second)).await.unwrap();
    // Node one has read it, the others haven't.
    assert_eq!(head(&one, room).await.unwrap(), second.head());
    mongod.member(new).run(doc! { "replSetStepUp": 1 }).await.unwrap();
    mongod.member(old).run(doc! { "replSetFreeze": 60 }).await.unwrap();
    let mut leads = None;
    until("the other leads", async || {
        leads = Some(mongod.primary().await);
        leads == Some(new)
    })
    .await;
    assert_eq!(head(&three, room).await.unwrap(), first.head(), "this is what it is about");

    let aware = async {
        sleep(UNAWARE).await;
        mongod.member(new).run(unaware("off")).await.unwrap();
    };
    let (mine, theirs, ()) = join!(head(&one, room), head_behind_barrier(&two, room), aware);
    assert_eq!(mine.unwrap(), second.head(), "what was read before is read again");
    assert_eq!(theirs.unwrap(), second.head(), "what was acknowledged is read behind a barrier");
}
