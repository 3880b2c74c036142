//! Invitations.

use std::sync::Arc;

use parlor::{
    model::{InviteId, Timestamp, UserId, account::Invite},
    store::{AccountError, Store},
};
use tokio::task::JoinSet;

use super::accounts::new;

const NOW: Timestamp = Timestamp(1_000);

fn invite(secret: u8, uses: u32) -> Invite {
    Invite {
        id: InviteId::new(),
        secret: [secret; 32],
        by: Some(UserId::new()),
        created: Timestamp(i64::from(secret)),
        expires: Timestamp(2_000),
        uses,
    }
}

async fn uses(store: &Arc<dyn Store>, secret: u8) -> Option<u32> {
    store.invite(&[secret; 32], NOW).await.unwrap().map(|invite| invite.uses)
}

pub(super) async fn an_invitation_is_used_up_exactly(store: Arc<dyn Store>) {
    store.create_invite(&invite(7, 3)).await.unwrap();
    let mut trying = JoinSet::new();
    for n in 0..10 {
        let (store, mut new) = (store.clone(), new(&format!("user{n}")));
        new.invite = Some([7; 32]);
        trying.spawn(async move { store.create_account(new).await });
    }
    let mut won = 0;
    for result in trying.join_all().await {
        match result {
            Ok(_) => won += 1,
            Err(refused) => assert!(matches!(refused, AccountError::InviteInvalid), "{refused:?}"),
        }
    }
    assert_eq!(won, 3);
    assert_eq!(uses(&store, 7).await, None);
    let mut made = 0;
    for n in 0..10 {
        made += usize::from(store.account_named(&format!("user{n}")).await.unwrap().is_some());
    }
    assert_eq!(made, 3);
}

pub(super) async fn a_refused_account_uses_nothing_up(store: Arc<dyn Store>) {
    store.create_invite(&invite(7, 3)).await.unwrap();
    let mut owner = new("ann");
    owner.owner = true;
    store.create_account(owner).await.unwrap();
    let mut same_name = new("ann");
    same_name.invite = Some([7; 32]);
    assert!(matches!(store.create_account(same_name).await, Err(AccountError::NameTaken)));
    let mut second_owner = new("bob");
    second_owner.owner = true;
    second_owner.invite = Some([7; 32]);
    assert!(matches!(store.create_account(second_owner).await, Err(AccountError::OwnerTaken)));
    assert_eq!(uses(&store, 7).await, Some(3));
}

pub(super) async fn a_repeated_registration_uses_nothing_up(store: Arc<dyn Store>) {
    store.create_invite(&invite(7, 3)).await.unwrap();
    let mut ann = new("ann");
    ann.invite = Some([7; 32]);
    for _ in 0..3 {
        store.create_account(ann.clone()).await.unwrap();
    }
    assert_eq!(uses(&store, 7).await, Some(2));
}

pub(super) async fn an_invitation_that_is_over_is_not_good(store: Arc<dyn Store>) {
    store.create_invite(&invite(7, 3)).await.unwrap();
    let late = Timestamp(2_001);
    assert_eq!(store.invite(&[7; 32], late).await.unwrap(), None);
    assert_eq!(store.invites(late).await.unwrap(), []);
    for (invite, created) in [([7; 32], late), ([8; 32], NOW)] {
        let mut ann = new("ann");
        ann.invite = Some(invite);
        ann.created = created;
        assert!(matches!(store.create_account(ann).await, Err(AccountError::InviteInvalid)));
    }
    assert_eq!(store.account_named("ann").await.unwrap(), None);
}

pub(super) async fn an_ended_invitation_is_not_good(store: Arc<dyn Store>) {
    let (ended, other) = (invite(7, 3), invite(8, 3));
    store.create_invite(&ended).await.unwrap();
    store.create_invite(&other).await.unwrap();
    assert!(store.end_invite(ended.id).await.unwrap());
    assert!(!store.end_invite(ended.id).await.unwrap());
    assert_eq!(uses(&store, 7).await, None);
    assert_eq!(store.invite(&[8; 32], NOW).await.unwrap(), Some(other));
    let mut ann = new("ann");
    ann.invite = Some([7; 32]);
    assert!(matches!(store.create_account(ann).await, Err(AccountError::InviteInvalid)));
}

pub(super) async fn invitations_are_listed_the_newest_first(store: Arc<dyn Store>) {
    let (oldest, mut middle, newest, used) = (invite(1, 1), invite(2, 5), invite(3, 1), invite(4, 1));
    middle.by = None;
    for invite in [&middle, &newest, &oldest, &used] {
        store.create_invite(invite).await.unwrap();
    }
    let mut ann = new("ann");
    ann.invite = Some(used.secret);
    store.create_account(ann).await.unwrap();
    assert_eq!(store.invites(NOW).await.unwrap(), [newest, middle, oldest]);
}
