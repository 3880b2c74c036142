//! Coming back: what happened meanwhile, whole or not at all.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    people::{Person, Socket, nonce},
    program::House,
};

/// What is answered to a client that stands here in a room, or in its own stream.
async fn resume(socket: &mut Socket, room: Option<&str>, rev: u64, tag: &Value) -> Value {
    let mut frame = json!({ "type": "resume", "rev": rev, "tag": tag });
    if let Some(room) = room {
        frame["room"] = room.into();
    }
    socket.send(&frame).await;
    let answers = ["resumed", "reload", "error"];
    socket.find(|frame| answers.iter().any(|kind| frame["type"] == *kind)).await
}

/// Where somebody sees a room stand.
async fn place(who: &Person, room: &str) -> (u64, Value) {
    let seen = who.get(&format!("/api/rooms/{room}")).await.ok();
    (seen["rev"].as_u64().unwrap(), seen["tag"].clone())
}

#[tokio::test]
async fn what_happened_while_one_was_away_comes_once_as_it_is_now() {
    let house = House::open().await;
    let [alice, bob, carol] = house.people(["alice", "bob", "carol"]).await;
    let room = alice.room("private", "Attic", &[&bob]).await;
    let path = format!("/api/rooms/{room}");
    alice.say(&room, "seen, and left alone").await;
    alice.say(&room, "seen, and edited later").await;
    let (rev, tag) = place(&bob, &room).await;

    alice.say(&room, "edited").await;
    alice.say(&room, "deleted").await;
    alice.say(&room, "reacted to, @bob").await;
    for seq in [2, 3] {
        let base = alice.get(&format!("{path}/messages/{seq}")).await.ok()["base"].clone();
        let edit = json!({ "text": format!("{seq} as it is now"), "base": base });
        alice.patch(&format!("{path}/messages/{seq}"), edit).await.ok();
    }
    alice.delete(&format!("{path}/messages/4")).await.ok();
    alice.put(&format!("{path}/messages/5/reactions/👍"), Value::Null).await.ok();
    alice.patch(&path, json!({ "name": "Loft" })).await.ok();
    alice.post(&format!("{path}/members"), json!({ "user": carol.user })).await.ok();

    let mut socket = bob.socket().await;
    let resumed = resume(&mut socket, Some(&room), rev, &tag).await;
    let seen = bob.get(&path).await.ok();
    assert_eq!(resumed["type"], "resumed");
    for same in ["room", "rev", "tag", "seq", "read", "mentions"] {
        assert_eq!(resumed[same], seen[same], "{same}");
    }
    let state = json!({ "name": "Loft", "topic": "", "kind": "private", "members": 3, "picture": null });
    assert_eq!(resumed["state"], state);
    assert_eq!(resumed["members"], json!([{ "user": carol.user, "role": "member" }]));
    let fresh = bob.get(&format!("{path}/messages")).await.ok();
    let changed: Vec<_> =
        fresh["messages"].as_array().unwrap().iter().filter(|message| message["seq"] != 1).cloned().collect();
    assert_eq!(changed.len(), 6);
    assert_eq!(resumed["messages"], json!(changed));

    let (rev, tag) = (resumed["rev"].as_u64().unwrap(), resumed["tag"].clone());
    let nothing = resume(&mut socket, Some(&room), rev, &tag).await;
    assert_eq!(
        (&nothing["rev"], &nothing["messages"], &nothing["members"]),
        (&json!(rev), &json!([]), &json!([]))
    );
    alice.delete(&format!("{path}/members/{}", carol.user)).await.ok();
    let gone = resume(&mut socket, Some(&room), rev, &tag).await;
    assert_eq!(gone["members"], json!([{ "user": carol.user, "role": null }]));

    let mut page = bob.socket_for("html").await;
    let shown = resume(&mut page, Some(&room), rev, &tag).await;
    let line = shown["messages"][0].as_object().unwrap();
    assert_eq!(line.keys().collect::<Vec<_>>(), ["seq", "html"]);
    assert!(line["html"].as_str().unwrap().starts_with("<li "), "{line:?}");
}

#[tokio::test]
async fn one_may_stand_between_entries_that_came_together() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let room = alice.room("private", "Attic", &[&bob]).await;
    let (head, tag) = place(&alice, &room).await;
    assert_eq!(head, 3, "made, and two who joined");
    let mut socket = alice.socket().await;
    for (rev, members) in [(1, 2), (2, 1), (3, 0)] {
        let resumed = resume(&mut socket, Some(&room), rev, &tag).await;
        assert_eq!((&resumed["rev"], &resumed["tag"]), (&json!(3), &tag), "{resumed}");
        assert_eq!(resumed["members"].as_array().unwrap().len(), members, "{resumed}");
    }
    let whole = resume(&mut socket, Some(&room), 0, &json!("0000000000000000")).await;
    assert_eq!((&whole["rev"], whole["members"].as_array().unwrap().len()), (&json!(3), 2));
}

#[tokio::test]
async fn a_client_that_cannot_go_on_is_told_to_load_anew() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let room = alice.room("private", "Attic", &[]).await;
    alice.say(&room, "one").await;
    let (rev, tag) = place(&alice, &room).await;
    let other = json!("00000000deadbeef");
    let mut socket = alice.socket().await;
    let reload = |why: &str| json!({ "type": "reload", "room": room, "why": why });
    assert_eq!(resume(&mut socket, Some(&room), rev, &other).await, reload("tag"));
    assert_eq!(resume(&mut socket, Some(&room), rev - 1, &other).await, reload("tag"));
    assert_eq!(resume(&mut socket, Some(&room), 0, &other).await, reload("tag"));
    for ahead in [rev + 1, rev + 2, rev + 1_000, i64::MAX as u64, u64::MAX] {
        assert_eq!(resume(&mut socket, Some(&room), ahead, &tag).await, reload("future"), "{ahead}");
    }
    let person = socket.heads["person"].clone();
    let (at, mark) = (person["rev"].as_u64().unwrap(), person["tag"].clone());
    assert_eq!(resume(&mut socket, None, at, &other).await, json!({ "type": "reload", "why": "tag" }));
    assert_eq!(resume(&mut socket, None, at + 1, &mark).await, json!({ "type": "reload", "why": "future" }));
    assert_eq!(resume(&mut socket, Some(&room), rev, &tag).await["type"], "resumed", "the socket goes on");
}

#[tokio::test]
async fn more_than_five_hundred_entries_are_loaded_anew() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let room = alice.room("private", "Attic", &[]).await;
    let (rev, tag) = place(&alice, &room).await;
    let mut socket = alice.socket().await;
    for n in 0..500 {
        let frame = json!({ "type": "message", "room": room, "nonce": nonce(), "text": format!("{n}") });
        socket.send(&frame).await;
        if n % 100 == 99 {
            for _ in 0..100 {
                socket.expect("ack").await;
            }
        }
    }
    let all = resume(&mut socket, Some(&room), rev, &tag).await;
    assert_eq!(all["messages"].as_array().unwrap().len(), 500);
    alice.say(&room, "one too many").await;
    let reload = json!({ "type": "reload", "room": room, "why": "many" });
    assert_eq!(resume(&mut socket, Some(&room), rev, &tag).await, reload);
}

#[tokio::test]
async fn more_than_a_mebibyte_is_loaded_anew() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let room = alice.room("private", "Attic", &[]).await;
    let (rev, tag) = place(&alice, &room).await;
    for _ in 0..40 {
        alice.say(&room, &"😀".repeat(4_000)).await;
    }
    let mut socket = alice.socket().await;
    let reload = json!({ "type": "reload", "room": room, "why": "many" });
    assert_eq!(resume(&mut socket, Some(&room), rev, &tag).await, reload);
}

#[tokio::test]
async fn ones_own_stream_is_resumed_with_all_ones_rooms() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let before = bob.socket().await.heads["person"].clone();
    let room = alice.room("private", "Attic", &[&bob]).await;
    alice.say(&room, "hi @bob").await;
    bob.patch("/api/me", json!({ "display": "Bob B.", "bio": "Hm." })).await.ok();
    bob.put("/api/me/status", json!({ "busy": true })).await.ok();
    let mut socket = bob.socket().await;
    let resumed = resume(&mut socket, None, before["rev"].as_u64().unwrap(), &before["tag"]).await;
    assert_eq!(
        (&resumed["rev"], &resumed["tag"]),
        (&socket.heads["person"]["rev"], &socket.heads["person"]["tag"])
    );
    let status = json!({ "emoji": null, "text": "", "busy": true, "until": null });
    assert_eq!(
        resumed["person"],
        json!({ "display": "Bob B.", "bio": "Hm.", "picture": null, "status": status })
    );
    assert_eq!(resumed["rooms"], socket.heads["rooms"]);
    assert_eq!(resumed.get("room"), None);
}

#[tokio::test]
async fn a_room_that_is_not_ones_own_is_not_resumed() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let private = alice.room("private", "Attic", &[]).await;
    let public = alice.room("public", "Yard", &[]).await;
    alice.say(&public, "hello").await;
    let (rev, tag) = place(&alice, &private).await;
    let mut socket = bob.socket().await;
    let nowhere = Uuid::now_v7().to_string();
    let mut hidden = resume(&mut socket, Some(&private), rev, &tag).await;
    let mut missing = resume(&mut socket, Some(&nowhere), rev, &tag).await;
    assert_eq!((&hidden["code"], &hidden["answers"]), (&json!("not_found"), &json!("resume")));
    assert_eq!((hidden["room"].take(), missing["room"].take()), (json!(private), json!(nowhere)));
    assert_eq!(hidden, missing, "both answers say the same");
    let (rev, tag) = place(&alice, &public).await;
    let resumed = resume(&mut socket, Some(&public), rev, &tag).await;
    assert_eq!((&resumed["type"], &resumed["seq"]), (&json!("resumed"), &json!(1)));
    let read = (&resumed["read"], &resumed["mentions"]);
    assert_eq!(read, (&json!(1), &json!(0)), "nothing is unread for who only looks");
}

/// What a client makes of a room from frames alone, by the rules of the protocol.
#[derive(Default)]
struct Client {
    rev: u64,
    messages: BTreeMap<u64, Value>,
    members: BTreeMap<String, String>,
    name: String,
    topic: String,
}

impl Client {
    fn message(&mut self, message: &Value) {
        let seq = message["seq"].as_u64().unwrap();
        let newer =
            self.messages.get(&seq).is_none_or(|known| known["rev"].as_u64() < message["rev"].as_u64());
        if newer {
            self.messages.insert(seq, message.clone());
        }
    }

    fn apply(&mut self, frame: &Value) {
        let Some(rev) = frame["rev"].as_u64().filter(|rev| *rev > self.rev) else { return };
        assert_eq!(rev, self.rev + 1, "a gap before {frame}");
        self.rev = rev;
        let text = |field: &str| frame[field].as_str().unwrap_or_default().to_owned();
        match frame["type"].as_str().unwrap() {
            "message" => self.message(&frame["message"]),
            "reaction" => self.react(frame),
            "room" => {
                if let Some(line) = frame.get("line") {
                    self.message(&line["message"]);
                }
                match text("change").as_str() {
                    "renamed" => self.name = text("name"),
                    "topic" => self.topic = text("topic"),
                    "joined" | "role" => drop(self.members.insert(text("user"), text("role"))),
                    "left" | "removed" => drop(self.members.remove(&text("user"))),
                    other => panic!("unknown change {other}"),
                }
            }
            other => panic!("unknown frame {other}"),
        }
    }

    fn react(&mut self, frame: &Value) {
        let message = self.messages.get_mut(&frame["seq"].as_u64().unwrap()).unwrap();
        message["rev"] = frame["rev"].clone();
        let reactions = message["reactions"].as_array_mut().unwrap();
        let place = reactions.iter().position(|reaction| reaction["emoji"] == frame["emoji"]);
        match (place, frame["on"].as_bool().unwrap()) {
            (Some(place), true) => {
                reactions[place]["users"].as_array_mut().unwrap().push(frame["user"].clone())
            }
            (None, true) => reactions.push(json!({ "emoji": frame["emoji"], "users": [frame["user"]] })),
            (Some(place), false) => {
                let users = reactions[place]["users"].as_array_mut().unwrap();
                users.retain(|user| *user != frame["user"]);
                if users.is_empty() {
                    reactions.remove(place);
                }
            }
            (None, false) => panic!("nothing to take away: {frame}"),
        }
    }

    fn resume(&mut self, resumed: &Value) {
        self.rev = resumed["rev"].as_u64().unwrap();
        for message in resumed["messages"].as_array().unwrap() {
            self.message(message);
        }
        for member in resumed["members"].as_array().unwrap() {
            let user = member["user"].as_str().unwrap().to_owned();
            match member["role"].as_str() {
                Some(role) => drop(self.members.insert(user, role.to_owned())),
                None => drop(self.members.remove(&user)),
            }
        }
        let text = |field: &str| resumed["state"][field].as_str().unwrap().to_owned();
        (self.name, self.topic) = (text("name"), text("topic"));
    }

    /// Whether all of it is what somebody finds who loads the room now.
    async fn is_like_a_fresh_load(&self, who: &Person, room: &str) {
        let path = format!("/api/rooms/{room}");
        let fresh = who.get(&format!("{path}/messages?limit=100")).await.ok();
        let messages: Vec<_> = self.messages.values().cloned().collect();
        assert_eq!(json!(messages), fresh["messages"]);
        assert_eq!(Some(self.rev), fresh["rev"].as_u64());
        let members = who.get(&format!("{path}/members?limit=100")).await.ok();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let members = members["members"].as_array().unwrap();
        let members: BTreeMap<_, _> =
            members.iter().map(|one| (text(&one["user"]), text(&one["role"]))).collect();
        assert_eq!(self.members, members);
        let seen = who.get(&path).await.ok();
        assert_eq!(
            (self.name.as_str(), self.topic.as_str()),
            (seen["name"].as_str().unwrap(), seen["topic"].as_str().unwrap())
        );
        assert_eq!(seen["members"].as_u64(), Some(self.members.len() as u64));
    }
}

/// A bit of everything that happens in a room.
async fn happen(room: &str, alice: &Person, bob: &Person, carol: &Person) {
    let path = format!("/api/rooms/{room}");
    let first = alice.say(room, "one @bob").await;
    let second = bob.say(room, "two").await;
    for (who, emoji) in [(alice, "👍"), (bob, "👍"), (bob, "❤️")] {
        who.put(&format!("{path}/messages/{first}/reactions/{emoji}"), Value::Null).await.ok();
    }
    alice.delete(&format!("{path}/messages/{first}/reactions/👍")).await.ok();
    bob.delete(&format!("{path}/messages/{first}/reactions/❤️")).await.ok();
    let base = alice.get(&format!("{path}/messages/{first}")).await.ok()["base"].clone();
    alice
        .patch(&format!("{path}/messages/{first}"), json!({ "text": "won @carol", "base": base }))
        .await
        .ok();
    alice.put(&format!("{path}/messages/{first}/pin"), Value::Null).await.ok();
    let reply = json!({ "text": "a reply", "reply_to": second });
    bob.post(&format!("{path}/messages"), reply).await.ok();
    bob.delete(&format!("{path}/messages/{second}")).await.ok();
    alice.patch(&path, json!({ "name": format!("after {second}") })).await.ok();
    alice.patch(&path, json!({ "topic": format!("about {second}") })).await.ok();
    alice.post(&format!("{path}/members"), json!({ "user": carol.user })).await.ok();
    carol.say(room, "hello").await;
    alice.patch(&format!("{path}/members/{}", bob.user), json!({ "role": "owner" })).await.ok();
    bob.delete(&format!("{path}/members/{}", carol.user)).await.ok();
    alice.patch(&format!("{path}/members/{}", bob.user), json!({ "role": "member" })).await.ok();
}

#[tokio::test]
async fn what_frames_add_up_to_is_what_a_fresh_load_finds() {
    let house = House::open().await;
    let [alice, bob, carol] = house.people(["alice", "bob", "carol"]).await;
    let room = alice.room("private", "Attic", &[&bob]).await;
    let mut client = Client::default();

    let mut socket = bob.socket().await;
    let whole = resume(&mut socket, Some(&room), 0, &json!("0000000000000000")).await;
    client.resume(&whole);
    happen(&room, &alice, &bob, &carol).await;
    let (head, _) = place(&bob, &room).await;
    for frame in socket.up_to(&room, head).await {
        if frame["type"] != "person" {
            client.apply(&frame);
        }
    }
    client.is_like_a_fresh_load(&bob, &room).await;

    drop(socket);
    let (_, tag) = place(&bob, &room).await;
    happen(&room, &alice, &bob, &carol).await;
    let mut socket = bob.socket().await;
    let resumed = resume(&mut socket, Some(&room), client.rev, &tag).await;
    assert_eq!(resumed["type"], "resumed");
    client.resume(&resumed);
    client.is_like_a_fresh_load(&bob, &room).await;

    let (rev, tag) = (client.rev, resumed["tag"].clone());
    alice.say(&room, "live").await;
    let again = resume(&mut socket, Some(&room), rev, &tag).await;
    client.resume(&again);
    // What came live as well was seen already: it does no harm.
    for frame in socket.settled().await {
        if frame["room"] == room.as_str()
            && matches!(frame["type"].as_str(), Some("message" | "room" | "reaction"))
        {
            client.apply(&frame);
        }
    }
    client.is_like_a_fresh_load(&bob, &room).await;
}
