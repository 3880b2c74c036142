//! Sessions.

use std::sync::Arc;

use parlor::{
    model::{
        Head, InviteId, SessionId, Stream, Timestamp, UserId,
        account::{Invite, Session, SessionKind},
    },
    store::{Arrival, Store},
};
use tokio::task::JoinSet;

use super::stream::{self, Pen, Scene};

const NOW: Timestamp = at(1_000);
const LATE: Timestamp = at(2_001);

/// So much after a moment that is far ahead: a store may take out by itself what is over by the machine's own clock.
const fn at(ms: i64) -> Timestamp {
    Timestamp(4_000_000_000_000 + ms)
}

fn session(secret: u8, kind: SessionKind) -> Session {
    Session {
        id: SessionId::new(),
        user: UserId::new(),
        kind,
        secret: [secret; 32],
        used: None,
        agent: "a browser".to_owned(),
        created: at(100),
        seen: at(200),
        expires: at(2_000),
    }
}

async fn put(store: &Arc<dyn Store>, session: &Session) {
    assert!(store.create_session(session).await.unwrap());
}

pub(super) async fn a_session_is_found_by_secret_and_id(store: Arc<dyn Store>) {
    let (browser, mut program) = (session(1, SessionKind::Browser), session(2, SessionKind::Program));
    program.used = Some(([9; 32], at(150)));
    put(&store, &browser).await;
    put(&store, &program).await;
    assert_eq!(store.session_by_secret(&[1; 32], NOW).await.unwrap(), Some(browser.clone()));
    assert_eq!(store.session(program.id, NOW).await.unwrap(), Some(program.clone()));
    assert_eq!(store.session_by_secret(&[9; 32], NOW).await.unwrap(), Some(program));
    assert_eq!(store.session_by_secret(&[3; 32], NOW).await.unwrap(), None);
    assert_eq!(store.session(SessionId::new(), NOW).await.unwrap(), None);
}

pub(super) async fn a_secret_and_an_id_belong_to_one_session(store: Arc<dyn Store>) {
    let first = session(1, SessionKind::Browser);
    put(&store, &first).await;
    assert!(!store.create_session(&session(1, SessionKind::Program)).await.unwrap());
    let mut same_id = session(2, SessionKind::Browser);
    same_id.id = first.id;
    assert!(!store.create_session(&same_id).await.unwrap());
    assert_eq!(store.session_by_secret(&[2; 32], NOW).await.unwrap(), None);
    assert_eq!(store.session(first.id, NOW).await.unwrap(), Some(first));
}

pub(super) async fn an_expired_session_is_not_found(store: Arc<dyn Store>) {
    let session = session(1, SessionKind::Browser);
    put(&store, &session).await;
    assert_eq!(store.session_by_secret(&[1; 32], LATE).await.unwrap(), None);
    assert_eq!(store.session(session.id, LATE).await.unwrap(), None);
    assert_eq!(store.sessions_of(session.user, LATE).await.unwrap(), []);
}

pub(super) async fn a_used_session_lives_longer(store: Arc<dyn Store>) {
    let mut session = session(1, SessionKind::Browser);
    put(&store, &session).await;
    session.seen = at(900);
    session.expires = at(3_000);
    store.touch_session(session.id, session.seen, session.expires).await.unwrap();
    assert_eq!(store.session(session.id, LATE).await.unwrap(), Some(session));
    // One that is gone is no error.
    store.touch_session(SessionId::new(), NOW, LATE).await.unwrap();
}

pub(super) async fn a_rotated_secret_proves_the_session_as_used(store: Arc<dyn Store>) {
    let session = session(1, SessionKind::Program);
    put(&store, &session).await;
    let rotate = |from: u8, to: u8, now, expires| {
        let store = store.clone();
        async move { store.rotate_session(session.id, &[from; 32], &[to; 32], now, expires).await.unwrap() }
    };
    assert!(rotate(1, 2, NOW, at(3_000)).await);
    let turned = store.session(session.id, LATE).await.unwrap().unwrap();
    assert_eq!(turned.secret, [2; 32]);
    assert_eq!(turned.used, Some(([1; 32], NOW)));
    assert_eq!(turned.expires, at(3_000));
    for secret in [1, 2] {
        assert_eq!(store.session_by_secret(&[secret; 32], LATE).await.unwrap().as_ref(), Some(&turned));
    }
    // The used one turns nothing; the one before it proves nothing any more.
    assert!(!rotate(1, 3, LATE, at(4_000)).await);
    assert!(rotate(2, 3, LATE, at(4_000)).await);
    assert_eq!(store.session_by_secret(&[1; 32], LATE).await.unwrap(), None);
    assert_eq!(store.session_by_secret(&[2; 32], LATE).await.unwrap().unwrap().used, Some(([2; 32], LATE)));
}

pub(super) async fn of_many_who_rotate_one_wins(store: Arc<dyn Store>) {
    let session = session(1, SessionKind::Program);
    put(&store, &session).await;
    let mut trying = JoinSet::new();
    for to in 10..20 {
        let store = store.clone();
        trying.spawn(async move {
            (to, store.rotate_session(session.id, &[1; 32], &[to; 32], NOW, LATE).await.unwrap())
        });
    }
    let won: Vec<u8> =
        trying.join_all().await.into_iter().filter(|(_, won)| *won).map(|(to, _)| to).collect();
    assert_eq!(won.len(), 1);
    assert_eq!(store.session(session.id, NOW).await.unwrap().unwrap().secret, [won[0]; 32]);
}

pub(super) async fn an_ended_session_is_gone(store: Arc<dyn Store>) {
    let session = session(1, SessionKind::Program);
    put(&store, &session).await;
    assert!(store.rotate_session(session.id, &[1; 32], &[2; 32], NOW, LATE).await.unwrap());
    assert!(store.end_session(session.id).await.unwrap());
    assert!(!store.end_session(session.id).await.unwrap());
    assert_eq!(store.session(session.id, NOW).await.unwrap(), None);
    for secret in [1, 2] {
        assert_eq!(store.session_by_secret(&[secret; 32], NOW).await.unwrap(), None);
    }
    assert!(!store.rotate_session(session.id, &[2; 32], &[3; 32], NOW, LATE).await.unwrap());
}

pub(super) async fn sessions_of_a_person_come_the_last_used_first(store: Arc<dyn Store>) {
    let ann = UserId::new();
    let mut all = vec![];
    for (secret, seen) in [(1, 300), (2, 500), (3, 400)] {
        let mut session = session(secret, SessionKind::Browser);
        (session.user, session.seen) = (ann, Timestamp(seen));
        put(&store, &session).await;
        all.push(session);
    }
    put(&store, &session(4, SessionKind::Browser)).await;
    let [first, second, third] = [0, 1, 2].map(|n| all[n].clone());
    assert_eq!(store.sessions_of(ann, NOW).await.unwrap(), [second, third, first]);
}

pub(super) async fn a_sweep_takes_out_what_is_over(store: Arc<dyn Store>) {
    let (over, mut alive) = (session(1, SessionKind::Browser), session(2, SessionKind::Browser));
    alive.expires = at(9_000);
    put(&store, &over).await;
    put(&store, &alive).await;
    let invite = |secret: u8, expires| Invite {
        id: InviteId::new(),
        secret: [secret; 32],
        by: None,
        created: NOW,
        expires: at(expires),
        uses: 1,
    };
    let (gone, good) = (invite(1, 2_000), invite(2, 9_000));
    store.create_invite(&gone).await.unwrap();
    store.create_invite(&good).await.unwrap();
    store.sweep_accounts(at(5_000)).await.unwrap();
    assert_eq!(store.session(over.id, NOW).await.unwrap(), None);
    assert!(!store.end_session(over.id).await.unwrap());
    assert!(!store.end_invite(gone.id).await.unwrap());
    assert_eq!(store.session(alive.id, NOW).await.unwrap(), Some(alive));
    assert_eq!(store.invites(NOW).await.unwrap(), [good]);
}

pub(super) async fn an_arrival_is_what_the_single_looks_tell(store: Arc<dyn Store>) {
    let session = session(1, SessionKind::Program);
    let user = session.user;
    put(&store, &session).await;
    let nobody = store.arrival(user, SessionId::new(), NOW).await.unwrap();
    assert_eq!(nobody, Arrival { session: None, head: Head::default(), listed: vec![] });

    let mut pen = Pen::of(Stream::Person(user));
    stream::put(&store, pen.posts(2)).await.unwrap();
    Scene::with(&store, &[user]).await;
    let listed = store.listed(user, None).await.unwrap();
    assert_eq!(listed.len(), 1);
    let arrival = store.arrival(user, session.id, NOW).await.unwrap();
    assert_eq!(arrival, Arrival { session: Some(session.clone()), head: pen.head, listed });
    assert_eq!(store.arrival(user, session.id, LATE).await.unwrap().session, None);
}
