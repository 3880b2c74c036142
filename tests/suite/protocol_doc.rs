//! `docs/protocol.md` says what the server does: nothing more, nothing less.

use std::collections::{BTreeMap, BTreeSet};

use parlor::realtime::ClientFrame;
use serde_json::{Value, json};

use crate::{
    people::{Person, Socket},
    program::House,
};

const PAGE: &str = include_str!("../../docs/protocol.md");

/// Changes that are in the log before anybody can listen.
const UNHEARD: [&str; 2] = ["created", "registered"];

/// The page between two headings.
fn part(from: &str, to: &str) -> &'static str {
    PAGE.split(&format!("\n## {from}\n")).nth(1).unwrap().split(&format!("\n## {to}\n")).next().unwrap()
}

/// What stands between backticks, as far as it could be a field's name or value.
fn words(text: &str) -> BTreeSet<&str> {
    let name = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '_' | '-'));
    text.split('`').skip(1).step_by(2).filter(name).collect()
}

/// The pieces of a list, not parted where a parenthesis is open.
fn pieces(list: &str) -> Vec<String> {
    let (mut pieces, mut depth) = (vec![String::new()], 0);
    for c in list.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' | ';' if depth == 0 => {
                pieces.push(String::new());
                continue;
            }
            _ => {}
        }
        pieces.last_mut().unwrap().push(c);
    }
    pieces
}

/// A frame from the server, as the page describes it.
struct Described {
    text: &'static str,
    examples: Vec<Value>,
}

impl Described {
    /// The page's sections on the server's frames.
    fn all() -> BTreeMap<&'static str, Self> {
        let sections = part("From the server", "From the client").split("\n### `").skip(1);
        sections
            .map(|section| {
                let (name, text) = section.split_once("`\n").unwrap();
                (name, Self { text, examples: examples(text) })
            })
            .collect()
    }

    /// Each kind of change, and the fields that come with it.
    fn changes(&self) -> BTreeMap<String, BTreeSet<String>> {
        let Some((_, list)) = self.text.split_once("`change` with its fields: ") else {
            return BTreeMap::new();
        };
        let list = list.split(".\n").next().unwrap();
        let changes = pieces(list).into_iter().map(|piece| {
            let (name, fields) = piece.split_once('(').unwrap_or((&piece, ""));
            let field = |piece: String| words(&piece).into_iter().next().map(str::to_owned);
            let fields = pieces(fields.trim_end_matches(')')).into_iter().filter_map(field).collect();
            (words(name).into_iter().next().unwrap_or_else(|| panic!("{piece}")).to_owned(), fields)
        });
        changes.collect()
    }

    /// Whether a frame has only fields that are described, at every depth.
    fn covers(&self, frame: &Value) {
        let known = words(self.text);
        let examples: Vec<&Value> = self.examples.iter().collect();
        covers(&known, &examples, frame, frame);
    }
}

fn covers(known: &BTreeSet<&str>, examples: &[&Value], part: &Value, frame: &Value) {
    match part {
        Value::Object(fields) => {
            for (name, value) in fields {
                let like: Vec<&Value> = examples.iter().filter_map(|example| example.get(name)).collect();
                assert!(
                    !like.is_empty() || known.contains(name.as_str()),
                    "`{name}` is not described: {frame}"
                );
                covers(known, &like, value, frame);
            }
        }
        Value::Array(items) => {
            let like: Vec<&Value> =
                examples.iter().filter_map(|example| example.as_array()).flatten().collect();
            items.iter().for_each(|item| covers(known, &like, item, frame));
        }
        _ => {}
    }
}

/// All JSON objects in a text.
fn examples(text: &str) -> Vec<Value> {
    let mut examples = vec![];
    let mut rest = text;
    while let Some(start) = rest.find("{\"") {
        rest = &rest[start..];
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        match values.next() {
            Some(Ok(value)) => {
                rest = &rest[values.byte_offset()..];
                examples.push(value);
            }
            _ => rest = &rest[2..],
        }
    }
    examples
}

/// A client frame's fields as the page's table has them, with whether each may be left out.
fn client_frames() -> BTreeMap<&'static str, BTreeMap<String, bool>> {
    let rows = part("From the client", "Closing").lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let (name, rest) = row.split_once("` |").unwrap();
        let fields = rest.split('|').next().unwrap();
        let field = |piece: String| {
            let name = piece.split('`').nth(1)?.to_owned();
            Some((name, piece.contains("`?") || piece.contains("or null")))
        };
        (name, pieces(fields).into_iter().filter_map(field).collect())
    })
    .collect()
}

/// A value that is good for a field of a client frame.
fn good(field: &str) -> Value {
    match field {
        "room" => json!(uuid::Uuid::now_v7()),
        "nonce" | "text" | "token" => json!("abc"),
        "seq" | "base" | "rev" | "reply_to" => json!(1),
        "tag" => json!("0123456789abcdef"),
        "emoji" => json!("👍"),
        "on" => json!(true),
        "state" => json!("idle"),
        other => panic!("what is good for {other}?"),
    }
}

#[test]
fn every_frame_of_a_client_is_read_as_it_is_described() {
    let frames = client_frames();
    let (error, _) = ClientFrame::parse(r#"{"type":"nonsense"}"#).unwrap_err();
    let (_, expected) = error.message().split_once("expected one of ").unwrap();
    assert_eq!(words(expected), frames.keys().copied().collect(), "the same frames");
    for (name, fields) in &frames {
        let mut frame = json!({ "type": name });
        for field in fields.keys() {
            frame[field] = good(field);
        }
        let reads = |frame: &Value| ClientFrame::parse(&frame.to_string()).is_ok();
        assert!(reads(&frame), "{frame}");
        for (field, optional) in fields {
            let mut without = frame.clone();
            without.as_object_mut().unwrap().remove(field);
            assert_eq!(reads(&without), *optional, "without {field}: {without}");
        }
        let mut more = frame.clone();
        more["more"] = json!(1);
        assert!(!reads(&more), "{more}");
    }
    for reserved in ["webrtc-offer", "webrtc-answer", "webrtc-ice"] {
        assert!(PAGE.contains(&format!("`{reserved}`")) && !frames.contains_key(reserved));
    }
}

/// Lets everything happen that a socket can hear of; returns all that was heard.
async fn everything() -> Vec<Value> {
    let house = House::open().await;
    let [alice, bob, carol] = house.people(["alice", "bob", "carol"]).await;
    let room = alice.room("private", "Attic", &[&bob]).await;
    let path = format!("/api/rooms/{room}");
    let (mut hers, mut his, mut page) =
        (alice.socket().await, bob.socket().await, bob.socket_for("html").await);
    let mut heard: Vec<Value> = [&hers, &his, &page].map(|socket| socket.heads.clone()).into();
    let (head, person) = (his.head_of(&room), his.heads["person"].clone());

    for socket in [&mut hers, &mut his] {
        socket.send(&json!({ "type": "watch", "room": room })).await;
        heard.push(socket.expect("presence").await);
    }
    let key = "said";
    let said = json!({ "type": "message", "room": room, "nonce": key, "text": "hi @bob and @everyone" });
    heard.push(hers.change(said).await);
    heard.push(his.change(json!({ "type": "message", "room": room, "text": "hm", "reply_to": 1 })).await);
    let base = heard[heard.len() - 2]["rev"].clone();
    let change = |mut frame: Value| {
        frame["room"] = room.as_str().into();
        frame["seq"] = 1.into();
        frame
    };
    for frame in [
        json!({ "type": "edit", "base": base, "text": "ho @bob" }),
        json!({ "type": "edit", "base": base, "text": "ha" }),
        json!({ "type": "react", "emoji": "👍", "on": true }),
        json!({ "type": "react", "emoji": "👍", "on": true }),
        json!({ "type": "pin", "on": true }),
        json!({ "type": "pin", "on": false }),
    ] {
        heard.push(hers.change(change(frame)).await);
    }
    heard.push(his.change(change(json!({ "type": "read" }))).await);
    heard.push(his.change(json!({ "type": "draft", "room": room, "text": "half a" })).await);
    heard.push(hers.change(change(json!({ "type": "delete" }))).await);
    his.send(&json!({ "type": "typing", "room": room })).await;
    heard.push(hers.expect("typing").await);
    his.send(&json!({ "type": "ping" })).await;
    heard.push(his.expect("pong").await);

    alice.patch(&path, json!({ "name": "Loft" })).await.ok();
    alice.patch(&path, json!({ "topic": "Dust" })).await.ok();
    alice.post(&format!("{path}/members"), json!({ "user": carol.user })).await.ok();
    let mut third = carol.socket().await;
    let comes = |frame: &Value| frame["type"] == "presence" && frame.to_string().contains(&carol.user);
    heard.push(hers.find(comes).await);
    alice.patch(&format!("{path}/members/{}", carol.user), json!({ "role": "owner" })).await.ok();
    carol.patch("/api/me", json!({ "display": "Carol", "bio": "Hm." })).await.ok();
    let phone = Person::login(&house.url, "carol").await;
    phone.post("/api/auth/logout", Value::Null).await.ok();
    alice.delete(&format!("{path}/members/{}", carol.user)).await.ok();
    alice.room("group", "Trip", &[&carol]).await;
    heard.push(third.find(|frame| frame["change"] == "room-added").await);
    resumes(&mut his, &room, &head, &person, &mut heard).await;
    resumes(&mut page, &room, &head, &person, &mut heard).await;
    bob.post(&format!("{path}/leave"), Value::Null).await.ok();
    heard.push(his.find(|frame| frame["change"] == "left").await);
    for socket in [&mut hers, &mut his, &mut page, &mut third] {
        heard.extend(socket.settled().await);
    }
    house.terminate();
    heard.push(hers.expect("bye").await);
    heard
}

/// Continues a room and a stream of one's own, each as it can be and as it can't.
async fn resumes(socket: &mut Socket, room: &str, head: &Value, person: &Value, heard: &mut Vec<Value>) {
    for tag in [None, Some("0123456789abcdef")] {
        for (room, from) in [(Some(room), head), (None, person)] {
            let mut frame = json!({ "type": "resume", "rev": from["rev"], "tag": from["tag"] });
            if let Some(tag) = tag {
                frame["tag"] = tag.into();
            }
            if let Some(room) = room {
                frame["room"] = room.into();
            }
            socket.send(&frame).await;
            heard.push(socket.expect(if tag.is_none() { "resumed" } else { "reload" }).await);
        }
    }
}

#[tokio::test]
async fn every_frame_of_the_server_is_as_it_is_described() {
    let described = Described::all();
    let heard = everything().await;
    let mut fields: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut changes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for frame in &heard {
        let kind = frame["type"].as_str().unwrap();
        let section = described.get(kind).unwrap_or_else(|| panic!("`{kind}` is not described: {frame}"));
        section.covers(frame);
        let names = frame.as_object().unwrap().keys().map(String::as_str);
        fields.entry(kind).or_default().extend(names.clone());
        let Some(change) = frame["change"].as_str() else { continue };
        changes.entry(kind).or_default().insert(change);
        if let Some(own) = section.changes().get(change) {
            let usual = ["type", "room", "rev", "tag", "change", "by", "line"];
            let room = kind == "person" && own.contains("room");
            let extra: BTreeSet<String> = names
                .filter(|name| !usual.contains(name) || room && *name == "room")
                .map(str::to_owned)
                .collect();
            assert_eq!(extra, *own, "{frame}");
        } else {
            assert!(
                kind == "message" && words(section.text).contains(change),
                "`{change}` is not described: {frame}"
            );
        }
    }
    let kinds: BTreeSet<_> = fields.keys().copied().collect();
    assert_eq!(kinds, described.keys().copied().collect(), "every described frame comes");
    for (kind, section) in &described {
        let own = section.examples.iter().filter(|example| example["type"] == *kind);
        for name in own.flat_map(|example| example.as_object().unwrap().keys()) {
            // Only rooms of over 200 people are counted.
            let rare = (*kind, name.as_str()) == ("presence", "count");
            assert!(rare || fields[kind].contains(name.as_str()), "{kind} never has `{name}`");
        }
        let told = section.changes().into_keys().filter(|change| !UNHEARD.contains(&change.as_str()));
        for change in told {
            assert!(changes[kind].contains(change.as_str()), "{kind} never tells of `{change}`");
        }
    }
    let told: BTreeSet<_> = ["posted", "edited", "deleted", "pinned", "unpinned"].into();
    assert_eq!(changes["message"], told);
}
