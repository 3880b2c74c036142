//! What stands otherwise in one store than in the other.

use std::time::Duration;

use mongodb::bson::{Binary, doc, spec::BinarySubtype};
use parlor::{
    model::{
        InviteId, SessionId,
        account::{Invite, Session, SessionKind},
    },
    store::{AccountStore, FileStore},
};

use super::*;
use crate::{
    program::data_folder,
    store_contract::{accounts::new, files::file},
    store_mongo::Place,
};

const DAY: Duration = Duration::from_secs(86_400);

/// An invitation that is good for a day.
pub(super) fn invite(uses: u32) -> Invite {
    let now = Timestamp::now();
    Invite { id: InviteId::new(), secret: secret(), by: None, created: now, expires: now.plus(DAY), uses }
}

fn secret() -> [u8; 32] {
    let mut secret = [0; 32];
    secret[..16].copy_from_slice(UserId::new().as_bytes());
    secret
}

fn session(expires: Timestamp) -> Session {
    let (now, agent) = (Timestamp::now(), "a browser".to_owned());
    let kind = SessionKind::Browser;
    let (id, user, secret) = (SessionId::new(), UserId::new(), secret());
    Session { id, user, kind, secret, used: None, agent, created: now, seen: now, expires }
}

/// The URL of a place's database.
pub(super) fn url(place: &Place) -> String {
    let (hosts, options) = place.url.split_once('?').unwrap_or((&place.url, ""));
    format!("{}/{}?{options}", hosts.trim_end_matches('/'), place.name)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_left_half_done_is_settled() {
    let place = Place::new().await;
    let store = place.store().await;
    let (ann, invite) = (new("ann"), invite(3));
    store.create_account(ann.clone()).await.unwrap();
    store.create_invite(&invite).await.unwrap();
    let id = |bytes: &[u8; 16]| Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() };
    // Three uses are held: for her, whose account was made, and for two whose accounts never were.
    let holds: Vec<_> = [ann.id, UserId::new(), UserId::new()]
        .map(|user| doc! { "user": id(user.as_bytes()), "at": Timestamp::now().0 })
        .into();
    let held = doc! { "$set": { "uses": 0_i64, "holds": holds } };
    store_of(&place, "invites").update_one(doc! {}, held).await.unwrap();
    let (kept, half) = (file(ann.id, 1), file(ann.id, 2));
    for file in [&kept, &half] {
        store.keep_file(file).await.unwrap();
    }
    let placeless = doc! { "$unset": { "place": "" } };
    let of = doc! { "_id": id(half.about.id.as_bytes()) };
    store_of(&place, "files").update_one(of, placeless).await.unwrap();
    drop(store);

    let (_folder, data) = data_folder();
    migrated(&url(&place), text(&data)).await;
    let store = SqliteStore::open(&data).unwrap();
    let found = store.invite(&invite.secret, Timestamp::now()).await.unwrap();
    assert_eq!(found, Some(Invite { uses: 2, ..invite }));
    let found = store.files(&[kept.about.id, half.about.id]).await.unwrap();
    assert_eq!(found, [kept]);
}

fn store_of(place: &Place, collection: &str) -> mongodb::Collection<mongodb::bson::Document> {
    place.database.collection(collection)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_over_may_vanish_meanwhile() {
    let place = Place::new().await;
    let (_folder, data) = data_folder();
    let now = Timestamp::now();
    let (over, good) = (session(now.minus(DAY)), session(now.plus(DAY)));
    let store = SqliteStore::open(&data).unwrap();
    for session in [&over, &good] {
        assert!(store.create_session(session).await.unwrap());
    }
    drop(store);
    // MongoDB takes out what is over as soon as it sees it.
    migrated(text(&data), &url(&place)).await;
    let found = place.store().await.session(good.id, now).await.unwrap();
    assert_eq!(found, Some(good));
}
