//! What a node that died in the midst of making an account leaves behind.

use std::time::Duration;

use mongodb::bson::{Binary, Document, doc, spec::BinarySubtype};
use parlor::{
    model::{
        InviteId, Timestamp, UserId,
        account::{Invite, NewAccount},
    },
    store::{AccountError, AccountStore},
};

use super::Place;

const SECRET: [u8; 32] = [7; 32];

fn bytes(bytes: &[u8]) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() }
}

fn invite(now: Timestamp) -> Invite {
    let expires = now.plus(Duration::from_secs(86_400));
    Invite { id: InviteId::new(), secret: SECRET, by: None, created: now, expires, uses: 2 }
}

fn account(name: &str, now: Timestamp) -> NewAccount {
    NewAccount {
        id: UserId::new(),
        name: name.parse().unwrap(),
        password: "$argon2id$".to_owned(),
        owner: false,
        invite: Some(SECRET),
        created: now,
    }
}

/// Takes a use for an account, as a node does before it makes it.
async fn dies_holding(place: &Place, user: UserId, at: Timestamp) {
    let hold = doc! { "user": bytes(user.as_bytes()), "at": at.0 };
    let update = doc! { "$inc": { "uses": -1_i64 }, "$push": { "holds": hold } };
    let invites = place.database.collection::<Document>("invites");
    invites.update_one(doc! { "secret": bytes(&SECRET) }, update).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_again_completes_an_account_with_one_use() {
    let place = Place::new().await;
    let store = place.store().await;
    let now = Timestamp::now();
    store.create_invite(&invite(now)).await.unwrap();
    let ann = account("ann", now);
    dies_holding(&place, ann.id, now).await;
    assert_eq!(store.invite(&SECRET, now).await.unwrap().unwrap().uses, 1);
    for _ in 0..2 {
        assert_eq!(store.create_account(ann.clone()).await.unwrap().id, ann.id);
    }
    assert_eq!(store.invite(&SECRET, now).await.unwrap().unwrap().uses, 1);
    let later = now.plus(Duration::from_secs(2 * 3_600));
    store.sweep_accounts(later).await.unwrap();
    assert_eq!(store.invite(&SECRET, later).await.unwrap().unwrap().uses, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_use_held_in_vain_is_given_back_after_an_hour() {
    let place = Place::new().await;
    let store = place.store().await;
    let now = Timestamp::now();
    store.create_invite(&invite(now)).await.unwrap();
    let (ann, bob) = (account("ann", now), account("bob", now));
    dies_holding(&place, ann.id, now).await;
    dies_holding(&place, bob.id, now).await;
    // Ann's account was made all the same; it was only not said.
    let made = doc! {
        "_id": bytes(ann.id.as_bytes()), "name": "ann", "password": "", "owner": false, "complete": false,
        "created": now.0,
    };
    place.database.collection::<Document>("accounts").insert_one(made).await.unwrap();
    let refused = store.create_account(account("eve", now)).await;
    assert!(matches!(refused, Err(AccountError::InviteInvalid)), "{refused:?}");
    store.sweep_accounts(now.plus(Duration::from_secs(60))).await.unwrap();
    assert_eq!(store.invite(&SECRET, now).await.unwrap(), None);
    let later = now.plus(Duration::from_secs(2 * 3_600));
    for _ in 0..2 {
        store.sweep_accounts(later).await.unwrap();
        assert_eq!(store.invite(&SECRET, later).await.unwrap().unwrap().uses, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_take_one_name_the_others_give_their_use_back() {
    let place = Place::new().await;
    let store = place.store().await;
    let now = Timestamp::now();
    let mut many = invite(now);
    many.uses = 20;
    store.create_invite(&many).await.unwrap();
    let asked: Vec<_> = (0..10).map(|_| account("ann", now)).collect();
    let outcomes =
        futures_util::future::join_all(asked.into_iter().map(|ann| store.create_account(ann))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(store.invite(&SECRET, now).await.unwrap().unwrap().uses, 19);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_first_owners_one_owns_the_server() {
    let place = Place::new().await;
    let store = place.store().await;
    let now = Timestamp::now();
    let asked =
        (0..10).map(|n| NewAccount { owner: true, invite: None, ..account(&format!("user{n}"), now) });
    let outcomes = futures_util::future::join_all(asked.map(|owner| store.create_account(owner))).await;
    let (made, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 1);
    assert!(refused.iter().all(|refused| matches!(refused, Err(AccountError::OwnerTaken))));
    assert!(store.owner().await.unwrap().is_some());
}
