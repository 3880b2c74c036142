//! `docs/protocol.md` says what the server does: nothing more, nothing less.

use std::collections::{BTreeMap, BTreeSet};

use parlor::realtime::ClientFrame;
use serde_json::{Value, json};

use crate::{
    people::{Person, Socket},
    program::{House, Program, data_folder},
    services::{RedisServer, mongodb_url},
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

    /// Whether a part of a frame has only fields that are described, at every depth; `message` describes a message's.
    fn covers(&self, part: &Value, examples: &[&Value], message: &Described) {
        let known = words(self.text);
        match part {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let like: Vec<&Value> = examples.iter().filter_map(|example| example.get(name)).collect();
                    let described = !like.is_empty() || known.contains(name.as_str());
                    assert!(described, "`{name}` is not described: {part}");
                    if matches!(name.as_str(), "message" | "messages") && !value.is_string() {
                        let example = [&message.examples[1]];
                        each(value).for_each(|value| message.covers(value, &example, message));
                    } else {
                        self.covers(value, &like, message);
                    }
                }
            }
            Value::Array(items) => {
                let like: Vec<&Value> = examples.iter().flat_map(|example| each(example)).collect();
                items.iter().for_each(|item| self.covers(item, &like, message));
            }
            _ => {}
        }
    }
}

/// The items of a list, or the one thing that isn't a list.
fn each(value: &Value) -> impl Iterator<Item = &Value> {
    let list = value.as_array();
    list.into_iter().flatten().chain(Some(value).filter(|_| list.is_none()))
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
        "room" | "call" | "user" => json!(uuid::Uuid::now_v7()),
        "nonce" | "text" | "token" | "page" => json!("abc"),
        "seq" | "base" | "rev" | "reply_to" | "n" => json!(1),
        "to" => json!("0123456789abcdef"),
        "place" => json!({ "call": uuid::Uuid::now_v7(), "peer": "0123456789abcdef", "entry": 1 }),
        "media" => json!({ "muted": true }),
        "link" => json!({ "id": "1-2", "generation": 1 }),
        "sdp" => json!("v=0"),
        "candidates" => json!([{ "candidate": "", "mid": "0", "line": 0, "ufrag": "x" }]),
        "shares" => json!(["a"]),
        "muted" | "deafened" | "camera" | "hand" | "listening" => json!(false),
        "tag" => json!("0123456789abcdef"),
        "emoji" => json!("👍"),
        "on" => json!(true),
        "files" => json!([uuid::Uuid::now_v7()]),
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
    let until = parlor::model::Timestamp::now().0 + 60_000;
    let status = json!({ "emoji": "🌴", "text": "By the sea", "busy": true, "until": until });
    carol.put("/api/me/status", status).await.ok();
    carol.delete("/api/me/status").await.ok();
    show(&alice, &format!("{path}/picture")).await;
    show(&carol, "/api/me/picture").await;
    let phone = Person::login(&house.url, "carol").await;
    phone.post("/api/auth/logout", Value::Null).await.ok();
    alice.delete(&format!("{path}/members/{}", carol.user)).await.ok();
    alice.room("group", "Trip", &[&carol]).await;
    heard.push(third.find(|frame| frame["change"] == "room-added").await);
    calls(&mut hers, &mut his, &room, &alice.user, &mut heard).await;
    let direct = alice.room("direct", "", &[&bob]).await;
    rings(&mut hers, &mut alice.socket().await, &direct, &mut heard).await;
    resumes(&mut his, &room, &head, &person, &mut heard).await;
    resumes(&mut page, &room, &head, &person, &mut heard).await;
    bob.post(&format!("{path}/leave"), Value::Null).await.ok();
    heard.push(his.find(|frame| frame["change"] == "left").await);
    for socket in [&mut hers, &mut his, &mut page, &mut third] {
        heard.extend(socket.settled().await);
    }
    house.terminate();
    heard.push(hers.expect("bye").await);
    heard.push(out_of_reach().await);
    heard
}

/// Has two in a call, who say to each other what pages do, and leave.
async fn calls(hers: &mut Socket, his: &mut Socket, room: &str, alice: &str, heard: &mut Vec<Value>) {
    let mut seats = vec![];
    for (socket, page) in [(&mut *hers, "p1"), (&mut *his, "p2")] {
        socket.send(&json!({ "type": "call-join", "room": room, "nonce": page, "page": page })).await;
        seats.push(socket.expect("call-joined").await);
    }
    let call = seats[0]["call"]["call"].clone();
    let media = json!({ "type": "call-media", "call": call, "muted": false, "deafened": false, "camera": true,
        "shares": ["s"], "hand": true });
    his.send(&media).await;
    his.send(&json!({ "type": "call-speaking", "call": call, "on": true })).await;
    heard.push(hers.expect("call-speaking").await);
    for (kind, field, value) in [
        ("webrtc-offer", "sdp", json!("v=0")),
        ("webrtc-answer", "sdp", json!("v=0")),
        ("webrtc-ice", "candidates", good("candidates")),
        ("webrtc-ack", "n", json!(3)),
    ] {
        let mut frame =
            json!({ "type": kind, "call": call, "to": seats[0]["peer"], "link": good("link"), "n": 1 });
        frame[field] = value;
        his.send(&frame).await;
        heard.push(hers.expect(kind).await);
        frame["to"] = good("to");
        his.send(&frame).await;
        heard.push(his.expect("error").await);
    }
    his.send(&json!({ "type": "call-speaking", "call": good("call"), "on": true })).await;
    heard.push(his.expect("error").await);
    hers.send(&json!({ "type": "call-join", "room": room, "nonce": "p3", "page": "p3",
        "place": { "call": call, "peer": seats[0]["peer"], "entry": seats[0]["entry"] } }))
        .await;
    let again = hers.expect("call-joined").await;
    assert_eq!(again["call"]["by"], alice);
    for (socket, nonce) in [(&mut *his, "l1"), (&mut *hers, "l2")] {
        let leave = json!({ "type": "call-leave", "room": room, "call": call, "nonce": nonce });
        heard.push(socket.change(leave).await);
    }
    heard.extend([seats.remove(0), again]);
    heard.push(his.expect("call-over").await);
    heard.push(hers.find(|frame| frame["change"] == "called").await);
}

/// Rings somebody, and is moved away to another page.
async fn rings(hers: &mut Socket, second: &mut Socket, direct: &str, heard: &mut Vec<Value>) {
    for (socket, page) in [(&mut *hers, "p4"), (second, "p5")] {
        socket
            .send(&json!({ "type": "call-join", "room": direct, "nonce": page, "page": page,
                "media": { "camera": true, "shares": ["s"] } }))
            .await;
        heard.push(socket.expect("call-joined").await);
    }
    heard.push(hers.expect("call-left").await);
}

/// Gives somebody, or a room of theirs, a picture.
async fn show(person: &Person, path: &str) {
    let mut png = std::io::Cursor::new(vec![]);
    image::DynamicImage::new_rgb8(4, 4).write_to(&mut png, image::ImageFormat::Png).unwrap();
    let request = reqwest::Client::new().put(format!("{}{path}", person.url)).bearer_auth(&person.token);
    let answer = request.header("idempotency-key", "picture").body(png.into_inner()).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

/// What somebody hears whose node has lost the others.
async fn out_of_reach() -> Value {
    let (mongodb, mut redis) = (mongodb_url(), RedisServer::start().await);
    let redis_url = redis.url();
    let settings = [
        ("PARLOR_MONGODB_URL", mongodb.as_str()),
        ("PARLOR_REDIS_URL", redis_url.as_str()),
        ("PARLOR_SECRET", "0123456789abcdef0123456789abcdef"),
    ];
    let (_folder, data) = data_folder();
    let node = Program::start(&data, &settings).await;
    let mut socket = Person::register(&node.url, "alice").await.socket().await;
    redis.kill();
    socket.expect("reach").await
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
        section.covers(frame, &section.examples.iter().collect::<Vec<_>>(), &described["message"]);
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
