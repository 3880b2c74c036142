//! Messages: said, changed, taken back, answered, reacted to, pinned, found again.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    people::{Answer, Person, nonce},
    program::House,
};

/// One message.
async fn message(who: &Person, room: &str, seq: u64) -> Value {
    who.get(&format!("/api/rooms/{room}/messages/{seq}")).await.ok()
}

/// How many unread messages of a room mention somebody.
async fn mentions(who: &Person, room: &str) -> u64 {
    let rooms = who.get("/api/rooms").await.ok();
    let row = rooms["rooms"].as_array().unwrap().iter().find(|row| row["room"] == room).unwrap().clone();
    let one = who.get(&format!("/api/rooms/{room}")).await.ok();
    assert_eq!(one["mentions"], row["mentions"]);
    row["mentions"].as_u64().unwrap()
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status.as_u16(), answer.code()), (status, code));
}

#[tokio::test]
async fn what_one_says_the_others_read() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let room = alice.room("private", "Attic", &[&bob]).await;
    let key = nonce();
    let path = format!("/api/rooms/{room}/messages");
    let text = "**Hello** `code` <b>&\nhttps://example.org";
    let said = alice.ask_again(Method::POST, &path, Some(json!({ "text": text })), &key).await;
    assert_eq!(said.status, 201);
    let said = said.ok();
    let mut read = message(&bob, &room, 1).await;
    let at = read["at"].take().as_i64().unwrap();
    assert!(at > 1_700_000_000_000, "{at}");
    let html = read["html"].take();
    let html = html.as_str().unwrap();
    for part in
        ["<strong>Hello</strong>", "<code>code</code>", "&lt;b&gt;&amp;<br>", "href=\"https://example.org\""]
    {
        assert!(html.contains(part), "{part} isn't in {html}");
    }
    let expected = json!({
        "seq": 1, "rev": said["rev"], "author": alice.user, "at": null, "kind": "text", "messageType": "text",
        "text": text, "html": null,
        "base": said["rev"], "edited_at": null, "reply_to": null, "mentions": [], "everyone": false, "pinned": false,
        "reactions": [], "nonce": key,
    });
    assert_eq!(read, expected);
    let all = bob.get(&path).await.ok();
    assert_eq!((&all["rev"], &all["tag"], &all["seq"]), (&said["rev"], &said["tag"], &json!(1)));
    assert_eq!(all["people"][0]["name"], "alice");
    assert_eq!(bob.get(&format!("{path}/2")).await.code(), "not_found");
}

#[tokio::test]
async fn a_message_has_one_to_four_thousand_characters() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let path = format!("/api/rooms/{}/messages", alice.general().await);
    for text in ["😀".repeat(4_000), "a".to_owned(), "\u{202e}\u{7}".to_owned()] {
        assert_eq!(alice.post(&path, json!({ "text": text })).await.status, 201, "{text}");
    }
    for text in ["".to_owned(), " \n\t ".to_owned(), "a\0b".to_owned(), "a".repeat(4_001)] {
        let answer = alice.post(&path, json!({ "text": text })).await;
        refused(&answer, 400, "invalid");
        assert_eq!(answer.body["error"]["field"], "text");
    }
}

#[tokio::test]
async fn an_edit_is_made_by_the_author_upon_the_newest_text() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let room = alice.room("private", "Attic", &[&bob]).await;
    alice.say(&room, "frist").await;
    let path = format!("/api/rooms/{room}/messages/1");
    let first = message(&bob, &room, 1).await["base"].clone();
    refused(&bob.patch(&path, json!({ "text": "mine", "base": first })).await, 403, "forbidden");
    let edited = alice.patch(&path, json!({ "text": "first", "base": first })).await.ok();
    assert_eq!(edited["seq"], 1);
    let now = message(&bob, &room, 1).await;
    assert_eq!((&now["text"], &now["base"], &now["rev"]), (&json!("first"), &edited["rev"], &edited["rev"]));
    assert!(now["edited_at"].as_i64() >= now["at"].as_i64());
    refused(&alice.patch(&path, json!({ "text": "last", "base": first })).await, 409, "stale_edit");
    let bases = [json!(0), json!(u64::MAX), json!(1)];
    for base in bases {
        refused(&alice.patch(&path, json!({ "text": "last", "base": base })).await, 409, "stale_edit");
    }

    bob.put(&format!("{path}/reactions/👍"), Value::Null).await.ok();
    bob.put(&format!("{path}/pin"), Value::Null).await.ok();
    let now = message(&bob, &room, 1).await;
    assert_eq!(now["base"], edited["rev"], "reactions and pins don't make an edit stale");
    assert!(now["rev"].as_u64() > now["base"].as_u64());
    let same = alice.patch(&path, json!({ "text": "first", "base": now["base"] })).await.ok();
    assert_eq!(same, json!({ "seq": 1 }), "nothing had to change");
    alice.patch(&path, json!({ "text": "1st", "base": now["base"] })).await.ok();
    let now = message(&bob, &room, 1).await;
    assert_eq!(
        (&now["text"], &now["pinned"], &now["reactions"][0]["emoji"]),
        (&json!("1st"), &json!(true), &json!("👍"))
    );

    alice.delete(&path).await.ok();
    refused(&alice.patch(&path, json!({ "text": "late", "base": now["base"] })).await, 409, "deleted");
    refused(
        &alice.patch(&path.replace("/1", "/9"), json!({ "text": "late", "base": 1 })).await,
        404,
        "not_found",
    );
}

#[tokio::test]
async fn the_text_of_a_deleted_message_is_gone_from_every_answer() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let room = alice.room("private", "Attic", &[&bob]).await;
    let path = format!("/api/rooms/{room}/messages");
    let before = bob.get(&format!("/api/rooms/{room}")).await.ok();
    alice.say(&room, "the zanzibar plan @bob").await;
    let base = message(&alice, &room, 1).await["base"].clone();
    alice.patch(&format!("{path}/1"), json!({ "text": "the ZANZIBAR plan, @bob", "base": base })).await.ok();
    bob.post(&path, json!({ "text": "which one?", "reply_to": 1 })).await.ok();
    bob.put(&format!("{path}/1/reactions/👍"), Value::Null).await.ok();
    bob.put(&format!("{path}/1/pin"), Value::Null).await.ok();
    let quoting = bob.get(&format!("/rooms/{room}")).await;
    assert_eq!(quoting.text.matches("the ZANZIBAR plan").count(), 2, "once itself, once quoted");

    let gone = alice.delete(&format!("{path}/1")).await.ok();
    assert_eq!(gone["seq"], 1);
    let again = alice.delete(&format!("{path}/1")).await.ok();
    assert_eq!(again, json!({ "seq": 1 }), "it is gone already");

    let left = message(&bob, &room, 1).await;
    assert_eq!((&left["kind"], &left["rev"]), (&json!("deleted"), &gone["rev"]));
    assert_eq!((left.get("text"), left.get("html")), (None, None));
    assert_eq!(
        (&left["reactions"], &left["mentions"], &left["pinned"]),
        (&json!([]), &json!([]), &json!(false))
    );
    assert_eq!(message(&bob, &room, 2).await["reply_to"], 1, "the answer stays an answer");
    assert_eq!(mentions(&bob, &room).await, 0);

    for path in [
        "/api/rooms/{}/messages",
        "/api/rooms/{}/messages?around=1",
        "/api/rooms/{}/messages/1",
        "/api/rooms/{}/messages/2",
        "/api/rooms",
        "/rooms/{}",
        "/rooms/{}?at=1",
        "/rooms/{}/view",
        "/rooms/{}/messages?before=2",
        "/rooms/{}/messages?after=1",
        "/rooms/{}/messages?around=2",
        "/rooms/{}/settings",
        "/rail",
    ] {
        let answer = bob.get(&path.replace("{}", &room)).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.status);
        assert!(!answer.text.to_lowercase().contains("zanzibar"), "{path} still has it: {}", answer.text);
    }
    for format in ["json", "html"] {
        let mut socket = bob.socket_for(format).await;
        let resume = json!({ "type": "resume", "room": room, "rev": before["rev"], "tag": before["tag"] });
        socket.send(&resume).await;
        let resumed = socket.expect("resumed").await;
        assert_eq!(resumed["messages"].as_array().unwrap().len(), 2);
        assert!(!resumed.to_string().to_lowercase().contains("zanzibar"), "{resumed}");
    }
}

#[tokio::test]
async fn others_messages_are_deleted_by_who_keeps_order_alone() {
    let house = House::open().await;
    let [root, alice, bob] = house.people(["root", "alice", "bob"]).await;
    let private = alice.room("private", "Attic", &[&root, &bob]).await;
    let public = alice.room("public", "Yard", &[&root, &bob]).await;
    for room in [&private, &public] {
        let path = format!("/api/rooms/{room}/messages");
        alice.say(room, "by alice").await;
        bob.say(room, "by bob").await;
        bob.say(room, "by bob again").await;
        refused(&bob.delete(&format!("{path}/1")).await, 403, "forbidden");
        assert!(alice.delete(&format!("{path}/2")).await.ok()["rev"].is_u64());
        assert_eq!(message(&bob, room, 2).await["author"], json!(bob.user), "it remains the author's");
    }
    refused(&root.delete(&format!("/api/rooms/{private}/messages/3")).await, 403, "forbidden");
    root.delete(&format!("/api/rooms/{public}/messages/3")).await.ok();
    alice.patch(&format!("/api/rooms/{private}"), json!({ "topic": "Dust" })).await.ok();
    refused(&alice.delete(&format!("/api/rooms/{private}/messages/4")).await, 403, "forbidden");
    refused(&alice.delete(&format!("/api/rooms/{private}/messages/5")).await, 404, "not_found");
}

#[tokio::test]
async fn a_reply_answers_words_that_are_there() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let room = alice.room("private", "Attic", &[&bob]).await;
    let path = format!("/api/rooms/{room}/messages");
    alice.say(&room, "What **about** tea?").await;
    let said = bob.post(&path, json!({ "text": "Yes!", "reply_to": 1 })).await.ok();
    assert_eq!(message(&alice, &room, said["seq"].as_u64().unwrap()).await["reply_to"], 1);
    let page = alice.get(&format!("/rooms/{room}")).await.text;
    assert!(page.contains("data-reply=\"1\"") && page.contains(">What about tea?</span>"), "{page}");
    alice.patch(&format!("/api/rooms/{room}"), json!({ "name": "Loft" })).await.ok();
    alice.delete(&format!("{path}/1")).await.ok();
    for (to, status, code) in
        [(1, 409, "deleted"), (3, 403, "forbidden"), (0, 404, "not_found"), (u64::MAX, 404, "not_found")]
    {
        refused(&bob.post(&path, json!({ "text": "Hm", "reply_to": to })).await, status, code);
    }
}

#[tokio::test]
async fn a_reaction_is_there_once_for_each_person() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let room = alice.room("private", "Attic", &[&bob]).await;
    alice.say(&room, "hello").await;
    let path = format!("/api/rooms/{room}/messages/1/reactions");
    assert!(bob.put(&format!("{path}/👍"), Value::Null).await.ok()["rev"].is_u64());
    assert_eq!(
        bob.put(&format!("{path}/👍"), Value::Null).await.ok(),
        json!({ "seq": 1 }),
        "it is there already"
    );
    alice.put(&format!("{path}/❤️"), Value::Null).await.ok();
    alice.put(&format!("{path}/👍"), Value::Null).await.ok();
    let two =
        json!([{ "emoji": "👍", "users": [bob.user, alice.user] }, { "emoji": "❤️", "users": [alice.user] }]);
    assert_eq!(message(&bob, &room, 1).await["reactions"], two);
    bob.delete(&format!("{path}/👍")).await.ok();
    assert_eq!(bob.delete(&format!("{path}/👍")).await.ok(), json!({ "seq": 1 }), "it is gone already");
    let left = json!([{ "emoji": "👍", "users": [alice.user] }, { "emoji": "❤️", "users": [alice.user] }]);
    assert_eq!(message(&bob, &room, 1).await["reactions"], left);
    for wrong in ["a", "👍👍", "%3Cb%3E", ":+1:", "1", "👍%20"] {
        let answer = bob.put(&format!("{path}/{wrong}"), Value::Null).await;
        refused(&answer, 422, "not_an_emoji");
        assert_eq!(answer.body["error"]["field"], "emoji");
    }
    refused(&bob.put(&format!("{path}/%FF"), Value::Null).await, 404, "not_found");
    refused(
        &bob.put(&path.replace("/1/", "/2/").replace("reactions", "reactions/👍"), Value::Null).await,
        404,
        "not_found",
    );
    for emoji in [
        "🍎", "🍐", "🍊", "🍋", "🍌", "🍉", "🍇", "🍓", "🍈", "🍒", "🍑", "🥭", "🍍", "🥥", "🥝", "🍅", "🍆",
        "🥑",
    ] {
        bob.put(&format!("{path}/{emoji}"), Value::Null).await.ok();
    }
    refused(&bob.put(&format!("{path}/🥦"), Value::Null).await, 422, "too_many");
    bob.put(&format!("{path}/👍"), Value::Null).await.ok();
}

#[tokio::test]
async fn mentions_are_counted_until_they_are_read() {
    let house = House::open().await;
    let [alice, bob, carol] = house.people(["alice", "bob", "carol"]).await;
    let room = alice.room("private", "Attic", &[&bob, &carol]).await;
    let path = format!("/api/rooms/{room}/messages");
    let counts = async || {
        let (one, two) = (mentions(&alice, &room).await, mentions(&bob, &room).await);
        (one, two, mentions(&carol, &room).await)
    };
    alice.say(&room, "hi @Bob, and @nobody, `@carol`").await;
    assert_eq!(counts().await, (0, 1, 0));
    let said = message(&carol, &room, 1).await;
    assert_eq!((&said["mentions"], &said["everyone"]), (&json!([bob.user]), &json!(false)));
    assert!(said["html"].as_str().unwrap().contains(&bob.user), "{said}");
    alice.say(&room, "@everyone and @alice").await;
    assert_eq!(counts().await, (0, 2, 1), "nobody calls oneself");
    let base = message(&alice, &room, 1).await["base"].clone();
    alice.patch(&format!("{path}/1"), json!({ "text": "hi @carol", "base": base })).await.ok();
    assert_eq!(counts().await, (0, 1, 2), "an edit calls others");
    alice.delete(&format!("{path}/2")).await.ok();
    assert_eq!(counts().await, (0, 0, 1), "what was taken back calls nobody");
    let read = carol.put(&format!("/api/rooms/{room}/read"), json!({ "seq": 1 })).await.ok();
    assert_eq!(read, json!({ "read": 1, "mentions": 0 }));
    assert_eq!(counts().await, (0, 0, 0));
    bob.say(&room, "@carol @carol").await;
    assert_eq!(counts().await, (0, 0, 1), "one message counts once");
}

#[tokio::test]
async fn a_read_mark_never_goes_back() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let room = alice.room("private", "Attic", &[&bob]).await;
    for n in 0..3 {
        alice.say(&room, &format!("message {n}")).await;
    }
    let path = format!("/api/rooms/{room}/read");
    let read = async |seq: u64| bob.put(&path, json!({ "seq": seq })).await;
    assert_eq!(read(2).await.ok()["read"], 2);
    assert_eq!(read(1).await.ok()["read"], 2);
    assert_eq!(read(0).await.ok()["read"], 2);
    for late in [4, u64::MAX] {
        let answer = read(late).await;
        refused(&answer, 400, "invalid");
        assert_eq!(answer.body["error"]["field"], "seq");
    }
    assert_eq!(bob.get(&format!("/api/rooms/{room}")).await.ok()["read"], 2);
    assert_eq!(alice.get(&format!("/api/rooms/{room}")).await.ok()["read"], 0, "each has their own");
}

#[tokio::test]
async fn a_draft_waits_for_its_author_alone() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let room = alice.room("private", "Attic", &[&bob]).await;
    let path = format!("/api/rooms/{room}/draft");
    assert_eq!(bob.get(&path).await.ok(), json!({ "text": "" }));
    assert_eq!(
        bob.put(&path, json!({ "text": " half a thou" })).await.ok(),
        json!({ "text": " half a thou" })
    );
    assert_eq!(bob.get(&path).await.ok(), json!({ "text": " half a thou" }));
    assert_eq!(alice.get(&path).await.ok(), json!({ "text": "" }));
    refused(&bob.put(&path, json!({ "text": "a".repeat(4_001) })).await, 400, "invalid");
    bob.put(&path, json!({ "text": "" })).await.ok();
    assert_eq!(bob.get(&path).await.ok(), json!({ "text": "" }));
    let yard = alice.room("public", "Yard", &[]).await;
    refused(&bob.put(&format!("/api/rooms/{yard}/draft"), json!({ "text": "hi" })).await, 403, "forbidden");
}

#[tokio::test]
async fn a_long_timeline_is_read_piece_by_piece() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let room = alice.room("private", "Attic", &[]).await;
    let mut socket = alice.socket().await;
    for n in 1..=250 {
        let key = nonce();
        socket
            .send(&json!({ "type": "message", "room": room, "nonce": key, "text": format!("number {n}") }))
            .await;
    }
    for n in 1..=250_u64 {
        assert_eq!(socket.expect("ack").await["seq"], n);
    }
    let seqs = async |query: &str| {
        let body = alice.get(&format!("/api/rooms/{room}/messages?{query}")).await.ok();
        assert_eq!(body["seq"], 250, "the room's last, whatever is asked for");
        let messages = body["messages"].as_array().unwrap().iter();
        messages.map(|message| message["seq"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let all = |from: u64, to: u64| (from..=to).collect::<Vec<_>>();
    assert_eq!(seqs("").await, all(201, 250));
    assert_eq!(seqs("limit=100").await, all(151, 250));
    assert_eq!(seqs("limit=1").await, [250]);
    assert_eq!(seqs("before=201").await, all(151, 200));
    assert_eq!(seqs("before=20&limit=50").await, all(1, 19));
    assert_eq!(seqs("before=1").await, Vec::<u64>::new());
    assert_eq!(seqs("before=0").await, Vec::<u64>::new());
    assert_eq!(seqs("before=1000&limit=2").await, [249, 250]);
    assert_eq!(seqs("after=0&limit=100").await, all(1, 100));
    assert_eq!(seqs("after=225").await, all(226, 250));
    assert_eq!(seqs("after=249").await, [250]);
    assert_eq!(seqs("after=250").await, Vec::<u64>::new());
    let around = seqs("around=100").await;
    assert!(around.len() == 50 && [80, 100, 120].iter().all(|seq| around.contains(seq)), "{around:?}");
    assert_eq!(seqs("around=100&limit=1").await, [100]);
    assert!(seqs("around=1").await.starts_with(&[1, 2, 3]));
    assert_eq!(seqs("around=250").await, all(201, 250));
    assert_eq!(seqs("around=251").await, all(201, 250));
    for far in [u64::MAX, u64::MAX / 2, i64::MAX as u64] {
        assert_eq!(seqs(&format!("before={far}")).await, all(201, 250));
        assert_eq!(seqs(&format!("after={far}")).await, Vec::<u64>::new());
        assert_eq!(seqs(&format!("around={far}")).await, all(201, 250));
    }
    for (query, code) in [
        ("before=5&after=3", "malformed"),
        ("before=-1", "malformed"),
        ("before=x", "malformed"),
        ("limit=0", "invalid"),
        ("limit=101", "invalid"),
        ("sort=up", "malformed"),
    ] {
        refused(&alice.get(&format!("/api/rooms/{room}/messages?{query}")).await, 400, code);
    }

    let shown = async |path: &str| {
        let page = alice.get(&format!("/rooms/{room}{path}")).await;
        assert_eq!(page.status, 200, "{path}");
        let ids = page.text.split("<li class=\"message").skip(1);
        ids.map(|item| item.split("data-seq=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap())
            .collect::<Vec<u64>>()
    };
    assert_eq!(shown("").await, all(151, 250));
    assert_eq!(shown("/view").await, all(151, 250));
    assert_eq!(shown("/messages?before=151").await, all(101, 150));
    assert_eq!(shown("/messages?after=100").await, all(101, 150));
    assert!(shown("?at=50").await.contains(&50));
    assert!(shown("/messages?around=100").await.contains(&100));
}

#[tokio::test]
async fn a_repeated_change_is_made_once_and_answered_as_the_first_time() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let room = alice.room("private", "Attic", &[&bob]).await;
    let path = format!("/api/rooms/{room}/messages");
    let (body, key) = (json!({ "text": "once" }), nonce());
    let post = async || bob.ask_again(Method::POST, &path, Some(body.clone()), &key).await;
    let answers = tokio::join!(post(), post(), post());
    let first = answers.0.ok();
    assert_eq!((&answers.1.ok(), &answers.2.ok()), (&first, &first));
    let mut socket = bob.socket().await;
    let frame = json!({ "type": "message", "room": room, "nonce": key, "text": "once" });
    let ack = socket.change(frame).await;
    assert_eq!(
        (&ack["type"], &ack["rev"], &ack["tag"], &ack["seq"]),
        (&json!("ack"), &first["rev"], &first["tag"], &json!(1))
    );

    let changes = [
        (Method::PATCH, format!("{path}/1"), json!({ "text": "twice", "base": first["rev"] })),
        (Method::PUT, format!("{path}/1/reactions/👍"), Value::Null),
        (Method::PUT, format!("{path}/1/pin"), Value::Null),
        (Method::DELETE, format!("{path}/1"), Value::Null),
    ];
    let mut made = vec![];
    for (method, path, body) in &changes {
        let key = nonce();
        let answer = bob.ask_again(method.clone(), path, Some(body.clone()), &key).await.ok();
        assert!(answer["rev"].is_u64(), "{method} {path}");
        made.push((key, answer));
    }
    let rev = alice.get(&format!("/api/rooms/{room}")).await.ok()["rev"].clone();
    alice.delete(&format!("/api/rooms/{room}/members/{}", bob.user)).await.ok();
    refused(&bob.post(&path, json!({ "text": "new" })).await, 404, "not_found");
    assert_eq!(post().await.ok(), first, "also when it would not be allowed any more");
    for ((method, path, body), (key, answer)) in changes.iter().zip(&made) {
        let again = bob.ask_again(method.clone(), path, Some(body.clone()), key).await.ok();
        assert_eq!(again, *answer, "{method} {path}");
    }
    let all = alice.get(&path).await.ok();
    assert_eq!(all["seq"], 2, "the message, and the line that bob was removed");
    assert_eq!(all["rev"].as_u64(), rev.as_u64().map(|rev| rev + 1));
}

#[tokio::test]
async fn a_nonce_used_again_with_another_request_is_refused() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let room = alice.room("private", "Attic", &[]).await;
    let path = format!("/api/rooms/{room}/messages");
    let key = nonce();
    let ask =
        async |method: Method, path: &str, body: Value| alice.ask_again(method, path, Some(body), &key).await;
    ask(Method::POST, &path, json!({ "text": "one" })).await.ok();
    alice.say(&room, "two").await;
    let base = message(&alice, &room, 2).await["base"].clone();
    let state = async || alice.get(&path).await.ok();
    let before = state().await;
    for (method, path, body) in [
        (Method::POST, path.clone(), json!({ "text": "two" })),
        (Method::POST, path.clone(), json!({ "text": "one", "reply_to": 1 })),
        (Method::PATCH, format!("{path}/2"), json!({ "text": "three", "base": base })),
        (Method::DELETE, format!("{path}/2"), Value::Null),
        (Method::PUT, format!("{path}/2/reactions/👍"), Value::Null),
        (Method::PUT, format!("{path}/2/pin"), Value::Null),
        (Method::PATCH, format!("/api/rooms/{room}"), json!({ "name": "Loft" })),
        (Method::POST, format!("/api/rooms/{room}/leave"), Value::Null),
    ] {
        refused(&ask(method, &path, body).await, 409, "nonce_reused");
        assert_eq!(state().await, before, "nothing is changed");
    }
    for bad in ["", "a b", "ä", &"a".repeat(65), "a/b"] {
        let request = alice.request(Method::POST, &path).header("Idempotency-Key", bad);
        refused(&Answer::to(request.json(&json!({ "text": "x" }))).await, 400, "nonce_missing");
    }
    let without = alice.request(Method::POST, &path).json(&json!({ "text": "x" }));
    refused(&Answer::to(without).await, 400, "nonce_missing");
    let longest = "a".repeat(64);
    alice.ask_again(Method::POST, &path, Some(json!({ "text": "x" })), &longest).await.ok();
}

#[tokio::test]
async fn read_marks_and_drafts_are_as_safe_to_repeat_as_messages() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let room = alice.room("private", "Attic", &[]).await;
    for n in 0..3 {
        alice.say(&room, &format!("message {n}")).await;
    }
    let mut socket = alice.socket().await;
    let (read, draft) = (nonce(), nonce());
    let read = |seq: u64| json!({ "type": "read", "room": room, "nonce": read, "seq": seq });
    let draft = |text: &str| json!({ "type": "draft", "room": room, "nonce": draft, "text": text });
    let first = socket.change(read(1)).await;
    assert!(first["rev"].is_u64(), "{first}");
    assert_eq!(socket.change(read(2)).await["code"], "nonce_reused");
    assert_eq!(alice.get(&format!("/api/rooms/{room}")).await.ok()["read"], 1, "nothing is changed");
    alice.put(&format!("/api/rooms/{room}/read"), json!({ "seq": 3 })).await.ok();
    assert_eq!(socket.change(read(1)).await, first, "also after the mark has moved on");

    let first = socket.change(draft("one")).await;
    assert!(first["rev"].is_u64(), "{first}");
    assert_eq!(socket.change(draft("two")).await["code"], "nonce_reused");
    let path = format!("/api/rooms/{room}/draft");
    assert_eq!(alice.get(&path).await.ok()["text"], "one", "nothing is changed");
    alice.put(&path, json!({ "text": "three" })).await.ok();
    assert_eq!(socket.change(draft("one")).await, first);
    assert_eq!(alice.get(&path).await.ok()["text"], "three", "a late repeat brings nothing back");
}

#[tokio::test]
async fn who_floods_is_told_when_to_go_on() {
    let house = House::with(&[("PARLOR_POST_RATE", "1"), ("PARLOR_POST_BURST", "3")]).await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let room = alice.general().await;
    let path = format!("/api/rooms/{room}/messages");
    for n in 0..3 {
        alice.say(&room, &format!("message {n}")).await;
    }
    let answer = alice.post(&path, json!({ "text": "one too many" })).await;
    refused(&answer, 429, "slow_down");
    assert_eq!(answer.body["error"]["retry"], true);
    let wait: u64 = answer.header("Retry-After").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    let mut socket = alice.socket().await;
    let error = socket.change(json!({ "type": "message", "room": room, "text": "one too many" })).await;
    assert_eq!((&error["code"], &error["retry"]), (&json!("slow_down"), &json!(true)));
    let wait = Duration::from_millis(error["retry_after_ms"].as_u64().unwrap());
    assert!(wait > Duration::ZERO && wait <= Duration::from_secs(60), "{wait:?}");
    assert_eq!(bob.say(&room, "others go on").await, 4);
    let read = socket.change(json!({ "type": "read", "room": room, "seq": 4 })).await;
    assert_eq!(read["type"], "ack", "reading goes on");
    let again = socket.change(json!({ "type": "read", "room": room, "seq": 4 })).await;
    assert_eq!(again["code"], "slow_down", "reading the same for ever doesn't");
    let yard = bob.room("public", "Yard", &[]).await;
    let member = format!("/api/rooms/{yard}/members/{}", bob.user);
    for answer in [
        alice.post(&format!("/api/rooms/{yard}/join"), Value::Null).await,
        alice.post(&format!("/api/rooms/{room}/leave"), Value::Null).await,
        alice.delete(&member).await,
        alice.patch(&member, json!({ "role": "member" })).await,
        alice.patch(&format!("/api/rooms/{yard}"), json!({ "name": "Mine" })).await,
        alice.post("/api/rooms", json!({ "kind": "direct", "people": [bob.user] })).await,
        alice.put(&format!("/api/rooms/{room}/draft"), json!({ "text": "hm" })).await,
        alice.put(&format!("{path}/1/pin"), Value::Null).await,
        alice.delete(&format!("{path}/1")).await,
    ] {
        refused(&answer, 429, "slow_down");
    }
}

#[tokio::test]
async fn a_pinned_message_stays_pinned_until_it_is_unpinned() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let room = alice.room("private", "Attic", &[&bob]).await;
    alice.say(&room, "house rules").await;
    let path = format!("/api/rooms/{room}/messages/1/pin");
    assert!(bob.put(&path, Value::Null).await.ok()["rev"].is_u64());
    assert_eq!(alice.put(&path, Value::Null).await.ok(), json!({ "seq": 1 }), "it is pinned already");
    assert_eq!(message(&alice, &room, 1).await["pinned"], true);
    alice.delete(&path).await.ok();
    assert_eq!(message(&alice, &room, 1).await["pinned"], false);
    alice.delete(&format!("/api/rooms/{room}/messages/1")).await.ok();
    refused(&bob.put(&path, Value::Null).await, 409, "deleted");
    refused(&bob.put(&path.replace("/1/", "/2/"), Value::Null).await, 404, "not_found");
}

#[tokio::test]
async fn what_a_room_has_pinned_is_listed_the_newest_first() {
    let house = House::open().await;
    let [alice, bob, carol] = house.people(["alice", "bob", "carol"]).await;
    let room = alice.room("private", "Attic", &[&bob]).await;
    let (path, pins) = (format!("/api/rooms/{room}/messages"), format!("/api/rooms/{room}/pins"));
    assert_eq!(bob.get(&pins).await.ok(), json!({ "messages": [], "people": [] }));
    for n in 1..=6 {
        alice.say(&room, &format!("message {n} for @bob")).await;
        bob.put(&format!("{path}/{n}/pin"), Value::Null).await.ok();
    }
    bob.delete(&format!("{path}/2/pin")).await.ok();
    alice.delete(&format!("{path}/5")).await.ok();
    let listed = async |query: &str| {
        let page = bob.get(&format!("{pins}{query}")).await.ok();
        let messages = page["messages"].as_array().unwrap().clone();
        assert!(messages.iter().all(|message| message["pinned"] == true));
        let seqs: Vec<u64> = messages.iter().map(|message| message["seq"].as_u64().unwrap()).collect();
        (seqs, page["next"].as_u64(), page["people"].as_array().unwrap().len())
    };
    assert_eq!(listed("").await, (vec![6, 4, 3, 1], None, 2));
    assert_eq!(listed("?limit=3").await, (vec![6, 4, 3], Some(3), 2));
    assert_eq!(listed("?limit=3&after=3").await, (vec![1], None, 2));
    for (query, code) in
        [("?limit=0", "invalid"), ("?limit=101", "invalid"), ("?after=x", "malformed"), ("?q=", "malformed")]
    {
        refused(&bob.get(&format!("{pins}{query}")).await, 400, code);
    }
    refused(&carol.get(&pins).await, 404, "not_found");
}
