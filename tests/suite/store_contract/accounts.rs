//! Accounts.

use std::sync::Arc;

use parlor::{
    model::{
        Timestamp, UserId,
        account::{Account, NewAccount},
    },
    store::{AccountError, Store},
};
use tokio::task::JoinSet;

/// An account to be made.
pub(crate) fn new(name: &str) -> NewAccount {
    NewAccount {
        id: UserId::new(),
        name: name.parse().unwrap(),
        password: format!("hash of {name}'s"),
        owner: false,
        invite: None,
        created: Timestamp(1_000),
    }
}

fn made(new: &NewAccount) -> Account {
    Account {
        id: new.id,
        name: new.name.as_str().to_owned(),
        password: new.password.clone(),
        owner: new.owner,
        complete: false,
        created: new.created,
    }
}

pub(super) async fn an_account_is_found_by_name_and_id(store: Arc<dyn Store>) {
    let (ann, bob) = (new("ann"), new("bob"));
    assert_eq!(store.create_account(ann.clone()).await.unwrap(), made(&ann));
    store.create_account(bob.clone()).await.unwrap();
    assert_eq!(store.account_named("ann").await.unwrap(), Some(made(&ann)));
    assert_eq!(store.account(bob.id).await.unwrap(), Some(made(&bob)));
    assert_eq!(store.account_named("an").await.unwrap(), None);
    assert_eq!(store.account(UserId::new()).await.unwrap(), None);
}

pub(super) async fn a_name_belongs_to_one_account(store: Arc<dyn Store>) {
    let mut trying = JoinSet::new();
    for _ in 0..8 {
        let (store, new) = (store.clone(), new("ann"));
        trying.spawn(async move { (new.id, store.create_account(new).await) });
    }
    let mut won = vec![];
    for (id, result) in trying.join_all().await {
        match result {
            Ok(account) => won.push((id, account)),
            Err(refused) => assert!(matches!(refused, AccountError::NameTaken), "{refused:?}"),
        }
    }
    assert_eq!(won.len(), 1);
    assert_eq!(won[0].0, won[0].1.id);
    assert_eq!(store.account_named("ann").await.unwrap().as_ref(), Some(&won[0].1));
}

pub(super) async fn a_repeated_registration_returns_the_first_account(store: Arc<dyn Store>) {
    let mut ann = new("ann");
    ann.owner = true;
    let first = store.create_account(ann.clone()).await.unwrap();
    let mut again = ann.clone();
    again.password = "hashed anew".to_owned();
    again.created = Timestamp(2_000);
    assert_eq!(store.create_account(again).await.unwrap(), first);
    store.complete_account(ann.id).await.unwrap();
    assert!(store.create_account(ann).await.unwrap().complete);
}

pub(super) async fn a_server_has_one_owner(store: Arc<dyn Store>) {
    assert_eq!(store.owner().await.unwrap(), None);
    let mut trying = JoinSet::new();
    for n in 0..8 {
        let (store, mut new) = (store.clone(), new(&format!("user{n}")));
        new.owner = true;
        trying.spawn(async move { store.create_account(new).await });
    }
    let mut won = vec![];
    for result in trying.join_all().await {
        match result {
            Ok(account) => won.push(account),
            Err(refused) => assert!(matches!(refused, AccountError::OwnerTaken), "{refused:?}"),
        }
    }
    assert_eq!(won.len(), 1);
    assert_eq!(store.owner().await.unwrap(), won.pop());
    // Who was refused has no account now, and may come as anybody.
    for n in 0..8 {
        let name = format!("user{n}");
        if store.account_named(&name).await.unwrap().is_none() {
            store.create_account(new(&name)).await.unwrap();
        }
    }
}

pub(super) async fn an_account_is_completed(store: Arc<dyn Store>) {
    let ann = new("ann");
    store.create_account(ann.clone()).await.unwrap();
    store.complete_account(ann.id).await.unwrap();
    store.complete_account(ann.id).await.unwrap();
    let mut complete = made(&ann);
    complete.complete = true;
    assert_eq!(store.account(ann.id).await.unwrap(), Some(complete));
}

pub(super) async fn a_password_is_replaced(store: Arc<dyn Store>) {
    let (ann, bob) = (new("ann"), new("bob"));
    store.create_account(ann.clone()).await.unwrap();
    store.create_account(bob.clone()).await.unwrap();
    store.set_password(ann.id, "another hash").await.unwrap();
    assert_eq!(store.account(ann.id).await.unwrap().unwrap().password, "another hash");
    assert_eq!(store.account(bob.id).await.unwrap(), Some(made(&bob)));
}
