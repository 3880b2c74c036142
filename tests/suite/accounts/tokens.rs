use std::time::Duration;

use futures_util::future::join_all;
use parlor::{
    accounts::{ACCESS, GRACE, IDLE},
    model::{SessionId, Timestamp, UserId},
};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Answer, TestServer, client::send};

async fn refresh(server: &TestServer, pass: &Value) -> Answer {
    server.program().post("/api/auth/refresh", json!({"refresh_token": pass["refresh_token"]})).await
}

async fn me(server: &TestServer, token: &str) -> Answer {
    send(server.program().request(Method::GET, "/api/me").bearer_auth(token)).await
}

fn access(pass: &Value) -> &str {
    pass["access_token"].as_str().unwrap()
}

fn ids(pass: &Value) -> (UserId, SessionId) {
    let id = |field: &str| pass[field].as_str().unwrap();
    (id("user").parse().unwrap(), id("session").parse().unwrap())
}

#[tokio::test]
async fn a_refresh_token_is_exchanged_for_a_new_pair_of_the_same_session() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    let next = refresh(&server, &alice.pass).await.expect(200);
    assert_eq!(ids(&next), ids(&alice.pass));
    assert_ne!(next["refresh_token"], alice.pass["refresh_token"]);
    me(&server, access(&next)).await.expect(200);
    let third = refresh(&server, &next).await.expect(200);
    assert_ne!(third["refresh_token"], next["refresh_token"]);
}

#[tokio::test]
async fn who_repeats_a_refresh_after_a_lost_answer_stays_in() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    let lost = refresh(&server, &alice.pass).await.expect(200);
    for _ in 0..3 {
        let again = refresh(&server, &alice.pass).await.expect(200);
        assert_eq!(again["refresh_token"], lost["refresh_token"]);
        me(&server, access(&again)).await.expect(200);
    }
    refresh(&server, &lost).await.expect(200);
}

#[tokio::test]
async fn one_refresh_token_sent_many_times_at_once_gives_one_successor() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    let passes = join_all((0..8).map(|_| refresh(&server, &alice.pass))).await;
    let passes: Vec<Value> = passes.into_iter().map(|answer| answer.expect(200)).collect();
    assert!(passes.iter().all(|pass| pass["refresh_token"] == passes[0]["refresh_token"]));
    refresh(&server, &passes[0]).await.expect(200);
}

#[tokio::test]
async fn a_used_refresh_token_that_comes_back_ends_the_session() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    let stolen = &alice.pass;
    let second = refresh(&server, stolen).await.expect(200);
    let third = refresh(&server, &second).await.expect(200);
    me(&server, access(&third)).await.expect(200);

    refresh(&server, stolen).await.refused(401, "unauthenticated");
    me(&server, access(&third)).await.refused(401, "unauthenticated");
    refresh(&server, &third).await.refused(401, "unauthenticated");
    alice.page.get("/api/me").await.expect(200);
}

#[tokio::test]
async fn the_grace_for_a_lost_answer_has_an_end() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    let (_, session) = ids(&alice.pass);
    let hash: [u8; 32] = Sha256::digest(alice.pass["refresh_token"].as_str().unwrap()).into();
    let (now, then) = (Timestamp::now(), Timestamp::now().minus(GRACE + Duration::from_secs(1)));
    let rotated =
        server.app.store.rotate_session(session, &hash, &[7; 32], then, now.plus(IDLE)).await.unwrap();
    assert!(rotated);
    refresh(&server, &alice.pass).await.refused(401, "unauthenticated");
    me(&server, access(&alice.pass)).await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn an_invented_refresh_token_ends_nobodys_session() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    let good = alice.pass["refresh_token"].as_str().unwrap();
    let flipped = format!("{}{}", if good.starts_with('A') { 'B' } else { 'A' }, &good[1..]);
    let last = format!("{}{}", &good[..good.len() - 1], if good.ends_with('A') { 'Q' } else { 'A' });
    for token in [flipped.as_str(), &last, "", "x", access(&alice.pass)] {
        refresh(&server, &json!({"refresh_token": token})).await.refused(401, "unauthenticated");
    }
    me(&server, access(&alice.pass)).await.expect(200);
    refresh(&server, &alice.pass).await.expect(200);
}

#[tokio::test]
async fn an_access_token_runs_out_and_says_so() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    let (user, session) = ids(&alice.pass);
    let tokens = server.app.accounts.tokens();
    let old = Timestamp::now().minus(ACCESS + Duration::from_secs(60));
    let answer = me(&server, &tokens.access(user, session, old).unwrap()).await;
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    answer.refused(401, "token_expired");
}

#[tokio::test]
async fn a_token_is_worth_nothing_without_its_session() {
    let server = TestServer::start().await;
    let [alice, bob] = server.people(["alice", "bob"]).await;
    let tokens = server.app.accounts.tokens();
    let ((user, _), (_, others)) = (ids(&alice.pass), ids(&bob.pass));
    let now = Timestamp::now();
    let browser: SessionId =
        alice.page.get("/api/me").await.expect(200)["session"].as_str().unwrap().parse().unwrap();
    for session in [SessionId::new(), others, browser] {
        let token = tokens.access(user, session, now).unwrap();
        me(&server, &token).await.refused(401, "unauthenticated");
    }
}

#[tokio::test]
async fn a_token_of_another_server_is_not_taken() {
    let (ours, theirs) = tokio::join!(TestServer::start(), TestServer::start());
    let [alice] = theirs.people(["alice"]).await;
    me(&ours, access(&alice.pass)).await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn who_shows_something_else_than_a_good_token_is_not_let_in_by_the_cookie() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    for value in ["Bearer", "Bearer ", "Basic YWxpY2U6eA==", "Bearer x.y.z"] {
        let request = alice.page.request(Method::GET, "/api/me").header("authorization", value);
        send(request).await.refused(401, "unauthenticated");
    }
}
