//! Two nodes of which neither hears what the other tells: what must act everywhere does so within seconds all the same,
//! from the store. (The only other thing that would end a socket, the look at its session, comes later than anything here
//! waits.)

use serde_json::json;

use crate::{
    cluster::node,
    people::{Person, people},
    program::Program,
    services::{RedisServer, mongodb_url},
};

/// Databases of Redis keep what is told apart.
async fn two_deaf_nodes() -> (RedisServer, Program, Program) {
    let (redis, mongodb) = (RedisServer::start().await, mongodb_url());
    let one = node(&mongodb, &format!("{}/1", redis.url()), &[]).await;
    let other = node(&mongodb, &format!("{}/2", redis.url()), &[]).await;
    (redis, one, other)
}

#[tokio::test]
async fn a_session_that_is_ended_elsewhere_ends() {
    let (_redis, one, other) = two_deaf_nodes().await;
    let [alice] = people(&one.url, ["alice"]).await;
    let phone = Person::login(&other.url, "alice").await;
    let mut socket = phone.socket().await;
    let session = socket.heads["session"].as_str().unwrap().to_owned();
    alice.delete(&format!("/api/sessions/{session}")).await.ok();
    let close = socket.closed().await.expect("a close frame");
    assert_eq!(u16::from(close.code), 4001, "{close:?}");
    assert_eq!(phone.get("/api/me").await.code(), "unauthenticated");
}

#[tokio::test]
async fn who_is_removed_elsewhere_hears_that_and_nothing_after() {
    let (_redis, one, other) = two_deaf_nodes().await;
    let [alice] = people(&one.url, ["alice"]).await;
    let [bob] = people(&other.url, ["bob"]).await;
    let room = alice.room("private", "Attic", &[&bob]).await;
    let mut his = bob.socket().await;
    alice.delete(&format!("/api/rooms/{room}/members/{}", bob.user)).await.ok();
    let change = json!({ "type": "message", "room": room, "text": "may I?" });
    assert_eq!(his.change(change).await["code"], "not_found", "the log decides at once");
    let gone = his.find(|frame| frame["change"] == "room-gone").await;
    assert_eq!(gone["room"], room);
    his.find(|frame| frame["change"] == "removed").await;

    alice.say(&room, "he is gone").await;
    let other_room = alice.general().await;
    alice.say(&other_room, "this comes later").await;
    his.find(|frame| frame["message"]["text"] == "this comes later").await;
    let more = his.settled().await;
    assert_eq!(more.iter().find(|frame| frame["room"] == room.as_str()), None);
}

#[tokio::test]
async fn a_role_that_is_given_elsewhere_can_be_used() {
    let (_redis, one, other) = two_deaf_nodes().await;
    let [alice] = people(&one.url, ["alice"]).await;
    let [bob] = people(&other.url, ["bob"]).await;
    let room = alice.room("private", "Attic", &[&bob]).await;
    let mut his = bob.socket().await;
    alice.patch(&format!("/api/rooms/{room}/members/{}", bob.user), json!({ "role": "owner" })).await.ok();
    let role = his.find(|frame| frame["change"] == "role").await;
    assert_eq!((&role["user"], &role["role"]), (&json!(bob.user), &json!("owner")));
    bob.patch(&format!("/api/rooms/{room}"), json!({ "topic": "his" })).await.ok();
}

#[tokio::test]
async fn what_is_said_elsewhere_comes() {
    let (_redis, one, other) = two_deaf_nodes().await;
    let [alice] = people(&one.url, ["alice"]).await;
    let [bob] = people(&other.url, ["bob"]).await;
    let room = alice.general().await;
    let mut his = bob.socket().await;
    for text in ["one", "two", "three"] {
        alice.say(&room, text).await;
        assert_eq!(his.find(|frame| frame["change"] == "posted").await["message"]["text"], text);
    }
}
