//! Two nodes, one community: over MongoDB and Redis, as an operator starts them.

use serde_json::{Value, json};

use crate::{
    people::{Answer, PASSWORD, Person, Socket, people},
    program::{Program, data_folder},
    services::{RedisServer, mongodb_url, until},
};

/// Two nodes that share what `redis` carries.
pub(crate) async fn two_nodes(redis: &str) -> (Program, Program) {
    two_nodes_with(redis, &[]).await
}

/// The same, with these settings besides.
async fn two_nodes_with(redis: &str, settings: &[(&str, &str)]) -> (Program, Program) {
    let mongodb = mongodb_url();
    (node(&mongodb, redis, settings).await, node(&mongodb, redis, settings).await)
}

/// A node that shares what is kept there, with those that are of the same MongoDB, and what is told there.
pub(crate) async fn node(mongodb: &str, redis: &str, settings: &[(&str, &str)]) -> Program {
    let usual = [
        ("PARLOR_MONGODB_URL", mongodb),
        ("PARLOR_REDIS_URL", redis),
        ("PARLOR_SECRET", "0123456789abcdef0123456789abcdef"),
    ];
    let (_folder, data) = data_folder();
    Program::start(&data, &[&usual, settings].concat()).await
}

#[tokio::test]
async fn people_on_two_nodes_hear_each_other() {
    let redis = RedisServer::start().await;
    let (one, other) = two_nodes(&redis.url()).await;
    let [alice] = people(&one.url, ["alice"]).await;
    let [bob] = people(&other.url, ["bob"]).await;
    let room = alice.general().await;
    let (mut hers, mut his) = (alice.socket().await, bob.socket().await);

    alice.say(&room, "from one").await;
    let heard = his.find(|frame| frame["change"] == "posted" && frame["author"] == alice.user.as_str()).await;
    assert_eq!(heard["message"]["text"], "from one");

    his.send(&json!({ "type": "typing", "room": room })).await;
    let typing = hers.expect("typing").await;
    assert_eq!(typing["user"], bob.user.as_str());

    bob.say(&room, "from the other").await;
    let heard = hers.find(|frame| frame["change"] == "posted" && frame["author"] == bob.user.as_str()).await;
    assert_eq!(heard["message"]["text"], "from the other");

    let again = Person::login(&other.url, "alice").await;
    assert_eq!(again.user, alice.user);
}

#[tokio::test]
async fn nothing_is_lost_between_nodes_while_redis_is_away() {
    let mut redis = RedisServer::start().await;
    let (one, other) = two_nodes(&redis.url()).await;
    let [alice] = people(&one.url, ["alice"]).await;
    let [bob] = people(&other.url, ["bob"]).await;
    let room = alice.general().await;
    let mut his = bob.socket().await;

    redis.kill();
    assert_eq!(his.expect("reach").await["others"], false);
    for text in ["one", "two", "three"] {
        alice.say(&room, text).await;
        let heard = his.find(|frame| frame["change"] == "posted").await;
        assert_eq!(heard["message"]["text"], text);
    }

    for node in [&one, &other] {
        let (status, says) = ready(&node.url).await;
        assert!(status.is_success() && says.contains("out of reach"), "{status} {says}");
    }
    let mut late = bob.socket().await;
    assert_eq!(late.expect("reach").await["others"], false, "who comes now is told, too");

    redis.start_again().await;
    for node in [&one, &other] {
        until("it reaches the other again", async || ready(&node.url).await.1 == "ready\n").await;
    }
    for socket in [&mut his, &mut late] {
        assert_eq!(socket.expect("reach").await["others"], true);
    }
    alice.say(&room, "four").await;
    let heard = his.find(|frame| frame["change"] == "posted").await;
    assert_eq!(heard["message"]["text"], "four");
}

/// One's client writes through a node that hangs, comes back through another, and is refused there.
#[tokio::test]
async fn what_was_refused_on_one_node_goes_in_on_no_other() {
    let redis = RedisServer::start().await;
    let (one, other) = two_nodes(&redis.url()).await;
    let [alice] = people(&one.url, ["alice"]).await;
    let [bob] = people(&other.url, ["bob"]).await;
    let room = alice.general().await;
    let path = format!("/api/rooms/{room}");
    let (mut hangs, mut heard) = (Person::login(&one.url, "bob").await.socket().await, alice.socket().await);
    let post = json!({ "type": "message", "room": room, "nonce": "late", "text": "from outside" });

    one.signal("-STOP");
    hangs.send(&post).await;
    assert_eq!(bob.post(&format!("{path}/leave"), Value::Null).await.status, 204);
    let mut his = bob.socket().await;
    his.send(&post).await;
    assert_eq!(his.expect("error").await["code"], "forbidden");
    bob.post(&format!("{path}/join"), Value::Null).await.ok();
    one.signal("-CONT");

    let told = hangs.find(|frame| frame["nonce"] == "late").await;
    assert_eq!(told["code"], "forbidden", "as it was told there");
    bob.say(&room, "from inside").await;
    let first = heard.find(|frame| frame["change"] == "posted").await;
    assert_eq!(first["message"]["text"], "from inside");
}

#[tokio::test]
async fn wrong_passwords_tried_on_one_node_make_the_other_wait() {
    let redis = RedisServer::start().await;
    let (one, other) = two_nodes_with(&redis.url(), &[("PARLOR_LOGIN_TRIES", "3")]).await;
    let [alice] = people(&one.url, ["alice"]).await;
    let [bob] = people(&other.url, ["bob"]).await;
    let room = alice.general().await;
    let mut his = bob.socket().await;

    for _ in 0..3 {
        assert_eq!(try_to_log_in(&one.url, "alice", "not her password").await.code(), "wrong_credentials");
    }
    // What comes from the same node comes in order.
    alice.say(&room, "after the tries").await;
    his.find(|frame| frame["change"] == "posted").await;
    assert_eq!(try_to_log_in(&other.url, "alice", PASSWORD).await.code(), "slow_down");
    assert_eq!(try_to_log_in(&other.url, "bob", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_node_that_is_alone_counts_wrong_passwords_by_itself() {
    let mut redis = RedisServer::start().await;
    let (one, _other) = two_nodes_with(&redis.url(), &[("PARLOR_LOGIN_TRIES", "3")]).await;
    let [alice] = people(&one.url, ["alice"]).await;
    let mut socket = alice.socket().await;
    redis.kill();
    assert_eq!(socket.expect("reach").await["others"], false);
    for _ in 0..3 {
        assert_eq!(try_to_log_in(&one.url, "alice", "not her password").await.code(), "wrong_credentials");
    }
    assert_eq!(try_to_log_in(&one.url, "alice", PASSWORD).await.code(), "slow_down");
}

#[tokio::test]
async fn who_writes_through_two_nodes_may_write_no_more() {
    const BURST: usize = 400;
    let redis = RedisServer::start().await;
    let settings = [("PARLOR_POST_RATE", "1"), ("PARLOR_POST_BURST", &BURST.to_string())];
    let (one, other) = two_nodes_with(&redis.url(), &settings).await;
    let [alice] = people(&one.url, ["alice"]).await;
    let room = alice.general().await;
    let (mut here, mut there) =
        (alice.socket().await, Person::login(&other.url, "alice").await.socket().await);

    for _ in 0..BURST {
        assert_eq!(post(&mut here, &room).await, None);
    }
    assert_eq!(post(&mut here, &room).await.as_deref(), Some("slow_down"));
    let mut more = 0;
    until("the other node has heard of it", async || {
        let refused = post(&mut there, &room).await;
        more += usize::from(refused.is_none());
        refused.is_some_and(|code| code == "slow_down")
    })
    .await;
    assert!(more < BURST / 2, "{more} more of {BURST}");
}

/// What a node says of itself.
pub(crate) async fn ready(url: &str) -> (reqwest::StatusCode, String) {
    let answer = reqwest::get(format!("{url}/readyz")).await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

async fn try_to_log_in(url: &str, name: &str, password: &str) -> Answer {
    let asked = json!({ "name": name, "password": password });
    Answer::to(reqwest::Client::new().post(format!("{url}/api/auth/login")).json(&asked)).await
}

/// Says something, and tells the code of the error, where that's the answer.
async fn post(socket: &mut Socket, room: &str) -> Option<String> {
    let answer = socket.change(json!({ "type": "message", "room": room, "text": "on and on" })).await;
    answer["code"].as_str().map(str::to_owned)
}
