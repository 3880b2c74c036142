//! A house that was lived in moves, and nobody in it notices.

use image::ImageFormat;
use reqwest::Method;
use serde_json::{Value, json};

use super::*;
use crate::{
    calls::caller::Caller,
    files::{begin, encoded, picture, upload},
    people,
    program::data_folder,
    services::redis_url,
    store_mongo::Place,
    support::{
        Person,
        client::{Client, people_at, send},
    },
};

/// A room, and where bob held it.
struct Lived {
    people: [Person; 2],
    room: String,
    rev: u64,
    tag: Value,
    /// What was posted after that, and the nonce it was posted with.
    late: u64,
    nonce: String,
    /// What bob sees of it.
    seen: Vec<Value>,
    /// Somebody in a call, which goes on.
    _call: Caller,
}

/// What is seen at these addresses.
async fn seen(client: &Client, room: &str) -> Vec<Value> {
    let mut seen = vec![];
    for path in ["", "/messages", "/members", "/pins", "/files", "/draft"] {
        seen.push(client.get(&format!("/api/rooms/{room}{path}")).await.expect(200));
    }
    for path in ["/api/me", "/api/people", "/api/rooms/public"] {
        seen.push(client.get(path).await.expect(200));
    }
    seen
}

/// Has people live in a house.
async fn live(url: &str) -> Lived {
    let [mut alice, mut bob, _carol] = people_at(url, ["alice", "bob", "carol"]).await;
    let [hers, his, carols] = [
        people::Person::login(url, "alice").await,
        people::Person::login(url, "bob").await,
        people::Person::login(url, "carol").await,
    ];
    let room = hers.room("private", "Attic", &[&his, &carols]).await;
    let path = format!("/api/rooms/{room}");
    let photo = encoded(&picture(300, 200), ImageFormat::Png);
    hers.say(&room, "hello @bob, and **everybody**").await;
    his.say(&room, "@everyone, hello").await;
    // A refusal stays behind.
    let deleted = his.delete(&format!("{path}/messages/1")).await;
    assert_eq!(deleted.code(), "forbidden");
    carols.say(&room, "a word too much").await;
    hers.say(&room, "to be edited").await;
    let base = hers.get(&format!("{path}/messages/4")).await.ok()["base"].clone();
    hers.patch(&format!("{path}/messages/4"), json!({ "text": "edited, @carol", "base": base })).await.ok();
    carols.delete(&format!("{path}/messages/3")).await.ok();
    hers.put(&format!("{path}/messages/2/reactions/👍"), Value::Null).await.ok();
    carols.put(&format!("{path}/messages/2/reactions/👍"), Value::Null).await.ok();
    carols.delete(&format!("{path}/messages/2/reactions/👍")).await.ok();
    his.put(&format!("{path}/messages/1/pin"), Value::Null).await.ok();
    let (shown, taken_back) =
        (upload(&alice.api, "sea.png", &photo).await, upload(&alice.api, "low.txt", b"tide").await);
    upload(&alice.api, "unposted.txt", b"tide").await;
    let ids = json!([shown["id"], taken_back["id"]]);
    hers.post(&format!("{path}/messages"), json!({ "text": "", "files": ids })).await.ok();
    let gone = hers.post(&format!("{path}/messages"), json!({ "files": [taken_back["id"]] })).await.ok();
    hers.delete(&format!("{path}/messages/{}", gone["seq"])).await.ok();
    begin(&bob.api, "film.mp4", 5_000_000).await;
    hers.post(&format!("{path}/messages"), json!({ "text": "an answer", "reply_to": 1 })).await.ok();
    carols.post(&format!("{path}/leave"), Value::Null).await.ok();
    hers.patch(&path, json!({ "topic": "the tide" })).await.ok();
    his.put(&format!("{path}/read"), json!({ "seq": 2 })).await.ok();
    his.put(&format!("{path}/draft"), json!({ "text": "half a thou" })).await.ok();
    his.patch("/api/me", json!({ "display": "Bob B.", "bio": "likes tea" })).await.ok();
    his.put("/api/me/status", json!({ "emoji": "🍵", "text": "tea" })).await.ok();
    let portrait = alice.api.request(Method::PUT, "/api/me/picture").header("content-type", "image/png");
    send(portrait.body(photo)).await.expect(200);
    for (kind, name) in [("public", "Yard"), ("voice", "Porch")] {
        let other = hers.room(kind, name, &[&his]).await;
        his.say(&other, "here").await;
    }
    let group = json!({ "kind": "group", "people": [&his.user, &carols.user] });
    hers.post("/api/rooms", group).await.ok();
    let direct = hers.room("direct", "", &[&his]).await;
    hers.post("/api/invites", json!({ "uses": 3 })).await.ok();
    // A refresh token that was used, and one that is good.
    for person in [&mut alice, &mut bob] {
        person.pass = refresh(&person.api, &person.pass).await;
    }
    let call = Caller::join(&hers, &direct).await;

    let held = his.get(&path).await.ok();
    let nonce = people::nonce();
    let words = Some(json!({ "text": "while he was away" }));
    let late = hers.ask_again(Method::POST, &format!("{path}/messages"), words, &nonce).await.ok();
    let seen = seen(&bob.api, &room).await;
    Lived {
        people: [alice, bob],
        rev: held["rev"].as_u64().unwrap(),
        tag: held["tag"].clone(),
        late: late["seq"].as_u64().unwrap(),
        room,
        nonce,
        seen,
        _call: call,
    }
}

async fn refresh(client: &Client, pass: &Value) -> Value {
    client.post("/api/auth/refresh", json!({ "refresh_token": pass["refresh_token"] })).await.expect(200)
}

impl Lived {
    /// That all goes on at another server.
    async fn goes_on(&mut self, url: &str) {
        for person in &mut self.people {
            (person.page.url, person.api.url) = (url.to_owned(), url.to_owned());
            let me = person.page.get("/api/me").await.expect(200);
            assert_eq!(me["user"], person.id.as_str(), "the cookie is good");
            let pass = refresh(&Client::program(url), &person.pass).await;
            person.api.token = pass["access_token"].as_str().map(str::to_owned);
            assert_eq!(pass["session"], person.pass["session"], "the refresh token is good");
        }
        let [alice, bob] = &self.people;
        assert_eq!(seen(&bob.api, &self.room).await, self.seen);
        assert_eq!(alice.api.get("/api/invites").await.expect(200)["invites"][0]["uses_left"], 3);
        let files = bob.api.get(&format!("/api/rooms/{}/files", self.room)).await.expect(200);
        for file in files["files"].as_array().unwrap() {
            assert_eq!(bob.api.get(file["fileUrl"].as_str().unwrap()).await.status, 200, "{file}");
        }

        let [hers, his] =
            [people::Person::login(url, "alice").await, people::Person::login(url, "bob").await];
        let mut socket = his.socket().await;
        socket.send(&json!({ "type": "resume", "room": self.room, "rev": self.rev, "tag": self.tag })).await;
        let resumed = socket.find(|frame| frame["type"] == "resumed" || frame["type"] == "reload").await;
        let messages = resumed["messages"].as_array().expect("no reload").iter();
        assert_eq!(messages.map(|message| &message["seq"]).collect::<Vec<_>>(), [self.late]);
        let path = format!("/api/rooms/{}/messages", self.room);
        let words = Some(json!({ "text": "while he was away" }));
        let again = hers.ask_again(Method::POST, &path, words, &self.nonce).await.ok();
        assert_eq!(again["seq"], self.late, "a repeat is known");
        assert_eq!(hers.say(&self.room, "and on it goes").await, self.late + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_house_that_was_lived_in_goes_on_in_mongodb_and_back_in_sqlite() {
    let rates =
        [("PARLOR_LOGIN_RATE", "100000"), ("PARLOR_POST_RATE", "1000000"), ("PARLOR_POST_BURST", "100000")];
    let place = Place::new().await;
    let (_here, data) = data_folder();
    let (_there, back) = data_folder();
    let server = Program::start(&data, &rates).await;
    let mut lived = live(&server.url).await;
    server.kill().await;

    let (url, redis) = (kept::url(&place), redis_url());
    let said = migrated(text(&data), &url).await;
    assert!(said.contains("the same on both sides") && said.contains("PARLOR_SECRET"), "{said}");
    migrated(&url, text(&back)).await;
    assert_same(&data, &back);
    for (table, rows) in rows(&back) {
        assert!(!rows.is_empty(), "{table} was lived in");
    }

    let keys = std::fs::read_to_string(data.join("keys")).unwrap();
    let key = keys.lines().rfind(|line| !line.starts_with('#')).unwrap();
    let secret = format!("0123456789abcdef0123456789abcdef,{key}");
    assert!(!said.contains(key), "no secret is told");
    let uploads = data.with_file_name("uploads");
    let alone = [("PARLOR_SECRET", secret.as_str()), ("PARLOR_UPLOADS", text(&uploads))];
    let node = [("PARLOR_MONGODB_URL", url.as_str()), ("PARLOR_REDIS_URL", redis.as_str())];
    let server = Program::start(&back, &[&alone[..], &rates].concat()).await;
    lived.goes_on(&server.url).await;
    server.kill().await;
    let elsewhere = tempfile::TempDir::new().unwrap();
    let server = Program::start(elsewhere.path(), &[&alone[..], &node, &rates].concat()).await;
    lived.goes_on(&server.url).await;
    drop(server);
}
