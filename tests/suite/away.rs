//! What people notice while MongoDB is away or elects: it is said, nothing is lost, and all is as before when it is back.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    cluster::{node, ready},
    mongod::Mongod,
    people::{Person, Socket, nonce, people},
    program::Program,
    services::{RedisServer, until},
};

/// How long a change may wait for a store that is away before whoever asked is told; the rest is for a busy machine.
const FAST: Duration = Duration::from_secs(18);

struct Scene {
    mongod: Mongod,
    _redis: RedisServer,
    node: Program,
    alice: Person,
    room: String,
    socket: Socket,
}

impl Scene {
    async fn with(members: usize) -> Self {
        let (mongod, redis) = (Mongod::start_of(members).await, RedisServer::start().await);
        let node = node(&mongod.url(), &redis.url(), &[]).await;
        let [alice] = people(&node.url, ["alice"]).await;
        let (room, socket) = (alice.general().await, alice.socket().await);
        Self { mongod, _redis: redis, node, alice, room, socket }
    }

    /// A change that isn't made yet.
    fn words(&self, text: &str) -> Value {
        json!({ "type": "message", "room": self.room, "text": text, "nonce": nonce() })
    }

    /// The store doesn't answer: what is asked for is put off, and that is said soon.
    async fn is_put_off(&mut self, change: &Value) {
        let begun = Instant::now();
        let answer = self.socket.change(change.clone()).await;
        assert_eq!((&answer["code"], &answer["retry"]), (&json!("unavailable"), &json!(true)), "{answer}");
        println!("put off after {:?}", begun.elapsed());
        assert!(begun.elapsed() < FAST, "{:?}", begun.elapsed());
        let read = self.alice.get(&format!("/api/rooms/{}/messages", self.room)).await;
        assert_eq!((read.status, read.code()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"));
        let url = self.node.url.clone();
        until("it says that it isn't ready", async || !ready(&url).await.0.is_success()).await;
    }

    /// What an outbox does: the same again, until it is made.
    async fn is_made(&mut self, change: &Value) {
        until("the change is made", async || {
            let answer = self.socket.change(change.clone()).await;
            assert!(answer["type"] == "ack" || answer["retry"] == true, "{answer}");
            answer["type"] == "ack"
        })
        .await;
    }

    async fn texts(&self) -> Vec<Value> {
        let page = self.alice.get(&format!("/api/rooms/{}/messages", self.room)).await.ok();
        page["messages"].as_array().unwrap().iter().map(|message| message["text"].clone()).collect()
    }
}

#[tokio::test]
async fn what_is_said_while_mongodb_is_away_is_kept_by_the_outbox_and_made_once() {
    let mut scene = Scene::with(1).await;
    scene.alice.say(&scene.room, "before").await;

    let killed = scene.words("while it was killed");
    scene.mongod.kill();
    scene.is_put_off(&killed).await;
    scene.mongod.start_again().await;
    scene.is_made(&killed).await;

    let hung = scene.words("while it hung");
    scene.mongod.hang(true);
    scene.is_put_off(&hung).await;
    scene.mongod.hang(false);
    scene.is_made(&hung).await;

    let url = scene.node.url.clone();
    until("it is ready again", async || ready(&url).await.1 == "ready\n").await;
    assert_eq!(scene.texts().await, ["before", "while it was killed", "while it hung"]);
}

#[tokio::test]
async fn another_mongod_takes_over_from_one_that_is_cut_off() {
    let mut scene = Scene::with(3).await;
    scene.alice.say(&scene.room, "before").await;
    for text in ["it was cut off", "it was told to step down"] {
        let first = scene.mongod.primary().await;
        let change = scene.words(text);
        if text.contains("cut off") {
            scene.mongod.member(first).hang(true);
            scene.is_made(&change).await;
            scene.mongod.member(first).hang(false);
        } else {
            let down = mongodb::bson::doc! { "replSetStepDown": 10, "force": true };
            // The connection may end before the answer.
            let _ = scene.mongod.member(first).run(down).await;
            scene.is_made(&change).await;
        }
    }
    assert_eq!(scene.texts().await, ["before", "it was cut off", "it was told to step down"]);
}
