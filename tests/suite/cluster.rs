//! Two nodes, one community: over MongoDB and Redis, as an operator starts them.

use serde_json::json;

use crate::{
    people::{Person, people},
    program::{Program, data_folder},
    services::{RedisServer, mongodb_url, until},
};

/// Two nodes that share what `redis` carries.
async fn two_nodes(redis: &str) -> (Program, Program) {
    let mongodb = mongodb_url();
    let settings = [
        ("PARLOR_MONGODB_URL", mongodb.as_str()),
        ("PARLOR_REDIS_URL", redis),
        ("PARLOR_SECRET", "0123456789abcdef0123456789abcdef"),
    ];
    let (_folder, data) = data_folder();
    (Program::start(&data, &settings).await, Program::start(&data, &settings).await)
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
    for text in ["one", "two", "three"] {
        alice.say(&room, text).await;
        let heard = his.find(|frame| frame["change"] == "posted").await;
        assert_eq!(heard["message"]["text"], text);
    }

    redis.start_again().await;
    for node in [&one, &other] {
        let ready = format!("{}/readyz", node.url);
        until("the node is ready again", async || {
            reqwest::get(&ready).await.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
    }
    alice.say(&room, "four").await;
    let heard = his.find(|frame| frame["change"] == "posted").await;
    assert_eq!(heard["message"]["text"], "four");
}
