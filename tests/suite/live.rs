//! What comes over the socket while it is open.

use std::time::Duration;

use parlor::{
    accounts::{ACCESS, Keys, Tokens},
    config::PublicUrl,
    model::Timestamp,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    people::{Answer, Person, Socket, nonce},
    program::House,
    services::until,
};

/// What tells an entry's frame from others.
fn gist(frame: &Value) -> (String, String) {
    let text = |field: &str| frame[field].as_str().unwrap_or_default().to_owned();
    let change = if frame["type"] == "reaction" { frame["on"].to_string() } else { text("change") };
    (text("type"), change)
}

fn number(frame: &Value, field: &str) -> u64 {
    frame[field].as_u64().unwrap_or_else(|| panic!("no {field} in {frame}"))
}

/// Waits until a socket hears that somebody is in this state.
async fn sees(socket: &mut Socket, who: &Person, state: &str) -> Value {
    let is = |here: &Value| here["user"] == who.user.as_str() && here["state"] == state;
    socket
        .find(|frame| {
            frame["type"] == "presence"
                && frame["people"].as_array().is_some_and(|people| people.iter().any(is))
        })
        .await
}

#[tokio::test]
async fn the_first_frame_says_where_all_ones_rooms_stand() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let room = alice.room("private", "Attic", &[&bob]).await;
    alice.room("private", "Cellar", &[]).await;
    alice.say(&room, "hi @bob").await;
    alice.say(&room, "there").await;
    let socket = bob.socket().await;
    assert_eq!(socket.heads["user"], bob.user.as_str());
    assert_eq!(socket.heads["session"], bob.get("/api/me").await.ok()["session"]);
    assert!(socket.heads["person"]["rev"].is_u64() && socket.heads["person"]["tag"].is_string());
    assert_eq!(socket.heads["rooms"].as_array().unwrap().len(), 2, "general, and the one he is in");
    let seen = bob.get(&format!("/api/rooms/{room}")).await.ok();
    let expected = json!({
        "room": room, "rev": seen["rev"], "tag": seen["tag"], "seq": 2, "read": 0, "mentions": 1,
    });
    assert_eq!(socket.head_of(&room), expected);
}

#[tokio::test]
async fn every_entry_of_a_room_comes_once_in_order_with_the_tag_of_its_ack() {
    let house = House::open().await;
    let [alice, bob, carol] = house.people(["alice", "bob", "carol"]).await;
    let room = alice.room("private", "Attic", &[&bob]).await;
    let (mut hers, mut his) = (alice.socket().await, bob.socket().await);
    let start = number(&his.head_of(&room), "rev");
    let path = format!("/api/rooms/{room}");

    let key = nonce();
    let posted = hers
        .change(json!({ "type": "message", "room": room, "text": "hi @everyone @bob", "nonce": key }))
        .await;
    assert_eq!((&posted["type"], &posted["seq"], &posted["room"]), (&json!("ack"), &json!(1), &json!(room)));
    let acks = [
        posted.clone(),
        hers.change(json!({ "type": "edit", "room": room, "seq": 1, "base": posted["rev"], "text": "ho" }))
            .await,
        hers.change(json!({ "type": "react", "room": room, "seq": 1, "emoji": "👍", "on": true })).await,
        hers.change(json!({ "type": "react", "room": room, "seq": 1, "emoji": "👍", "on": false })).await,
        hers.change(json!({ "type": "pin", "room": room, "seq": 1, "on": true })).await,
        hers.change(json!({ "type": "pin", "room": room, "seq": 1, "on": false })).await,
        hers.change(json!({ "type": "delete", "room": room, "seq": 1 })).await,
    ];
    let unchanged = hers.change(json!({ "type": "pin", "room": room, "seq": 1, "on": false })).await;
    assert_eq!(unchanged["code"], "deleted");
    alice.patch(&path, json!({ "name": "Loft" })).await.ok();
    alice.patch(&path, json!({ "topic": "Dust" })).await.ok();
    alice.post(&format!("{path}/members"), json!({ "user": carol.user })).await.ok();
    let carols = format!("{path}/members/{}", carol.user);
    alice.patch(&carols, json!({ "role": "owner" })).await.ok();
    alice.patch(&carols, json!({ "role": "member" })).await.ok();
    alice.delete(&carols).await.ok();
    bob.post(&format!("{path}/leave"), Value::Null).await.ok();

    let frames = his.up_to(&room, start + 14).await;
    let frames: Vec<_> = frames.into_iter().filter(|frame| frame["type"] != "person").collect();
    let gists: Vec<_> = frames.iter().map(gist).collect();
    let expected = [
        ("message", "posted"),
        ("message", "edited"),
        ("reaction", "true"),
        ("reaction", "false"),
        ("message", "pinned"),
        ("message", "unpinned"),
        ("message", "deleted"),
        ("room", "renamed"),
        ("room", "topic"),
        ("room", "joined"),
        ("room", "role"),
        ("room", "role"),
        ("room", "removed"),
        ("room", "left"),
    ];
    assert_eq!(gists, expected.map(|(kind, change)| (kind.to_owned(), change.to_owned())));
    let revs: Vec<_> = frames.iter().map(|frame| number(frame, "rev")).collect();
    assert_eq!(revs, (start + 1..=start + 14).collect::<Vec<_>>());
    assert!(frames.iter().all(|frame| frame["room"] == room.as_str()));
    for (frame, ack) in frames.iter().zip(&acks) {
        assert_eq!((&frame["rev"], &frame["tag"]), (&ack["rev"], &ack["tag"]), "{frame} {ack}");
    }

    let said = &frames[0];
    let head = (&said["seq"], &said["author"], &said["nonce"], &said["mentions"], &said["everyone"]);
    let bobs = json!([bob.user]);
    assert_eq!(head, (&json!(1), &json!(alice.user), &json!(key), &bobs, &json!(true)));
    let shown = (&said["message"]["text"], &said["message"]["rev"], &said["message"]["base"]);
    assert_eq!(shown, (&json!("hi @everyone @bob"), &said["rev"], &said["rev"]));
    assert_eq!(
        (&frames[1]["message"]["text"], &frames[1]["message"]["base"]),
        (&json!("ho"), &acks[1]["rev"])
    );
    let reaction = json!({
        "type": "reaction", "room": room, "rev": start + 3, "tag": acks[2]["tag"], "seq": 1, "emoji": "👍",
        "user": alice.user, "on": true,
    });
    assert_eq!(frames[2], reaction);
    assert_eq!(
        (&frames[4]["message"]["pinned"], &frames[5]["message"]["pinned"]),
        (&json!(true), &json!(false))
    );
    assert_eq!((&frames[6]["message"]["kind"], frames[6]["message"].get("text")), (&json!("deleted"), None));
    assert_eq!((&frames[6]["author"], &frames[6]["nonce"]), (&json!(alice.user), &json!(key)));
    let renamed = &frames[7];
    assert_eq!(
        (&renamed["name"], &renamed["by"], &renamed["line"]["seq"]),
        (&json!("Loft"), &json!(alice.user), &json!(2))
    );
    assert_eq!(renamed["line"]["message"]["system"], json!({ "what": "renamed", "name": "Loft" }));
    assert_eq!((&frames[8]["topic"], &frames[8]["line"]["seq"]), (&json!("Dust"), &json!(3)));
    let joined = &frames[9];
    assert_eq!(
        (&joined["user"], &joined["role"], &joined["line"]["seq"]),
        (&json!(carol.user), &json!("member"), &json!(4))
    );
    assert_eq!((&frames[10]["role"], &frames[11]["role"]), (&json!("owner"), &json!("member")));
    assert_eq!(frames[10].get("line"), None);
    assert_eq!((&frames[12]["user"], &frames[12]["line"]["seq"]), (&json!(carol.user), &json!(5)));
    assert_eq!((&frames[13]["user"], &frames[13]["line"]["seq"]), (&json!(bob.user), &json!(6)));
}

#[tokio::test]
async fn a_page_gets_messages_as_markup_with_the_same_places() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let room = alice.room("private", "Attic", &[]).await;
    let (mut page, mut program) = (alice.socket_for("html").await, alice.socket().await);
    alice.say(&room, "hello **there**").await;
    alice.patch(&format!("/api/rooms/{room}"), json!({ "name": "Loft" })).await.ok();
    let (shown, fields) = (page.expect("message").await, program.expect("message").await);
    let html = shown["html"].as_str().unwrap();
    assert!(html.starts_with("<li ") && html.contains("<strong>there</strong>"), "{html}");
    assert_eq!((shown.get("message"), fields.get("html")), (None, None));
    for same in ["rev", "tag", "seq", "author", "nonce", "change", "mentions", "everyone"] {
        assert_eq!(shown[same], fields[same], "{same}");
    }
    let served = alice.get(&format!("/rooms/{room}")).await.text;
    assert!(served.contains(html), "the page's history has the same markup");
    let (shown, fields) = (page.expect("room").await, program.expect("room").await);
    assert!(shown["line"]["html"].as_str().unwrap().starts_with("<li "), "{shown}");
    assert_eq!((&shown["line"]["seq"], &fields["line"]["message"]["seq"]), (&json!(2), &json!(2)));
}

#[tokio::test]
async fn what_comes_and_goes_in_a_public_room_is_told_without_a_line() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let room = alice.room("public", "Yard", &[]).await;
    let mut socket = alice.socket().await;
    bob.post(&format!("/api/rooms/{room}/join"), Value::Null).await.ok();
    bob.post(&format!("/api/rooms/{room}/leave"), Value::Null).await.ok();
    let (joined, left) = (socket.expect("room").await, socket.expect("room").await);
    assert_eq!((gist(&joined).1, gist(&left).1), ("joined".to_owned(), "left".to_owned()));
    assert_eq!((&joined["user"], &left["user"]), (&json!(bob.user), &json!(bob.user)));
    assert_eq!((joined.get("line"), left.get("line")), (None, None));
}

#[tokio::test]
async fn others_see_that_somebody_writes() {
    let house = House::open().await;
    let [alice, bob, carol] = house.people(["alice", "bob", "carol"]).await;
    let room = alice.room("public", "Yard", &[&bob]).await;
    let (mut hers, mut his, mut other) = (alice.socket().await, bob.socket().await, bob.socket().await);
    let typing = json!({ "type": "typing", "room": room });
    his.send(&typing).await;
    his.send(&typing).await;
    let seq = bob.say(&room, "done").await;
    let told = json!({ "type": "typing", "room": room, "user": bob.user });
    assert_eq!(hers.next().await, told);
    assert_eq!(number(&hers.next().await, "seq"), seq, "once in three seconds is enough");
    alice.post(&format!("/api/rooms/{room}/typing"), Value::Null).await.ok();
    carol.post(&format!("/api/rooms/{room}/typing"), Value::Null).await.ok();
    alice.say(&room, "me too").await;
    for socket in [&mut his, &mut other] {
        let typed = socket.expect("typing").await;
        assert_eq!(typed["user"], alice.user.as_str(), "nobody is told of oneself");
        socket.find(|frame| frame["message"]["text"] == "me too").await;
        let more = socket.settled().await;
        assert!(
            more.iter().all(|frame| frame["type"] != "typing"),
            "who isn't in the room doesn't write there: {more:?}"
        );
    }
}

#[tokio::test]
async fn a_new_profile_reaches_everybody() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let (mut hers, mut his) = (alice.socket().await, bob.socket().await);
    let person = number(&hers.heads["person"], "rev");
    alice.patch("/api/me", json!({ "display": "Alice L.", "bio": "Tea." })).await.ok();
    let told = json!({ "type": "profile", "user": alice.user, "name": "alice", "display": "Alice L.", "picture": null,
        "status": null });
    assert_eq!(his.expect("profile").await, told);
    let own = hers.expect("person").await;
    assert_eq!(
        (&own["change"], &own["display"], &own["bio"]),
        (&json!("profile"), &json!("Alice L."), &json!("Tea."))
    );
    assert_eq!(number(&own, "rev"), person + 1);
    assert!(his.settled().await.iter().all(|frame| frame["type"] != "person"));
}

#[tokio::test]
async fn what_somebody_says_of_the_moment_reaches_everybody_and_ends_by_itself() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let (mut hers, mut his) = (alice.socket().await, bob.socket().await);
    let status =
        json!({ "emoji": "🌴", "text": "By the sea", "busy": true, "until": Timestamp::now().0 + 900_000 });
    let me = alice.put("/api/me/status", status.clone()).await.ok();
    assert_eq!(me["status"], status);
    assert_eq!(his.expect("profile").await["status"], status);
    let own = hers.expect("person").await;
    assert_eq!((&own["change"], &own["status"]), (&json!("status"), &status));
    let seen = async || bob.get(&format!("/api/people/{}", alice.user)).await.ok()["status"].clone();
    assert_eq!(seen().await, status);
    // Said again, nothing changes; a name doesn't take it away.
    alice.put("/api/me/status", status.clone()).await.ok();
    alice.patch("/api/me", json!({ "display": "Alice L." })).await.ok();
    let renamed = his.expect("profile").await;
    assert_eq!((&renamed["display"], &renamed["status"]), (&json!("Alice L."), &status));
    // Over is over, for whoever asks then.
    let soon = Timestamp::now().0 + 300;
    alice.put("/api/me/status", json!({ "text": "In a hurry", "until": soon })).await.ok();
    until("it is over", async || seen().await.is_null()).await;
    assert!(Timestamp::now().0 >= soon);
    assert_eq!(alice.get("/api/me").await.ok().get("status"), None);
    alice.put("/api/me/status", json!({ "busy": true })).await.ok();
    assert_eq!(seen().await, json!({ "emoji": null, "text": "", "busy": true, "until": null }));
    alice.delete("/api/me/status").await.ok();
    assert!(seen().await.is_null());
    alice.put("/api/me/status", json!({ "text": "  " })).await.ok();
    assert!(seen().await.is_null(), "nothing said is nothing");
    for (wrong, code, field) in [
        (json!({ "emoji": "x" }), "not_an_emoji", "emoji"),
        (json!({ "text": "x".repeat(101) }), "invalid", "text"),
        (json!({ "text": "a\nb" }), "invalid", "text"),
        (json!({ "text": "x", "until": i64::MAX }), "invalid", "until"),
        (json!({ "text": "x", "until": -1 }), "invalid", "until"),
    ] {
        let answer = alice.put("/api/me/status", wrong.clone()).await;
        assert_eq!((answer.code(), &answer.body["error"]["field"]), (code, &json!(field)), "{wrong}");
    }
}

#[tokio::test]
async fn read_marks_and_drafts_reach_ones_other_devices() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let room = alice.room("private", "Attic", &[&bob]).await;
    for text in ["one @bob", "two", "three @bob"] {
        alice.say(&room, text).await;
    }
    let (mut desk, mut phone, mut hers) = (bob.socket().await, bob.socket().await, alice.socket().await);
    let start = number(&phone.heads["person"], "rev");
    let ack = desk.change(json!({ "type": "read", "room": room, "seq": 2 })).await;
    assert_eq!(number(&ack, "rev"), start + 1, "{ack}");
    let read = phone.expect("person").await;
    let expected = json!({
        "type": "person", "rev": start + 1, "tag": ack["tag"], "change": "read", "room": room, "read": 2, "mentions": 1,
    });
    assert_eq!(read, expected);
    let back = desk.change(json!({ "type": "read", "room": room, "seq": 1 })).await;
    assert_eq!((back.get("rev"), &back["type"]), (None, &json!("ack")), "the mark never goes back");
    desk.change(json!({ "type": "draft", "room": room, "text": "half a" })).await;
    let draft = phone.expect("person").await;
    assert_eq!(
        (&draft["change"], &draft["text"], &draft["room"]),
        (&json!("draft"), &json!("half a"), &json!(room))
    );
    assert_eq!(number(&draft, "rev"), start + 2);
    bob.put(&format!("/api/rooms/{room}/draft"), json!({ "text": "" })).await.ok();
    assert_eq!(phone.expect("person").await["text"], "");
    assert!(
        hers.settled().await.iter().all(|frame| frame["type"] != "person"),
        "that is nobody else's business"
    );
}

#[tokio::test]
async fn who_is_added_gets_the_rooms_head_and_then_what_happens_there() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let room = alice.room("private", "Attic", &[]).await;
    alice.say(&room, "before @bob").await;
    let mut socket = bob.socket().await;
    alice.post(&format!("/api/rooms/{room}/members"), json!({ "user": bob.user })).await.ok();
    let added = socket.expect("person").await;
    assert_eq!((&added["change"], &added["room"]), (&json!("room-added"), &json!(room)));
    let seen = bob.get(&format!("/api/rooms/{room}")).await.ok();
    let head = json!({
        "room": room, "rev": seen["rev"], "tag": seen["tag"], "seq": 2, "read": 2, "mentions": 0,
    });
    assert_eq!(added["head"], head);
    alice.say(&room, "after").await;
    let said = socket.find(|frame| frame["type"] == "message").await;
    assert_eq!((&said["message"]["text"], number(&said, "rev")), (&json!("after"), number(&head, "rev") + 1));

    let direct = alice.room("direct", "", &[&bob]).await;
    let added = socket.expect("person").await;
    assert_eq!((&added["change"], &added["room"]), (&json!("room-added"), &json!(direct)));
    alice.say(&direct, "hello").await;
    assert_eq!(socket.find(|frame| frame["room"] == direct.as_str()).await["message"]["text"], "hello");
}

#[tokio::test]
async fn who_is_removed_gets_that_word_and_nothing_after() {
    let house = House::open().await;
    let [alice, bob, carol] = house.people(["alice", "bob", "carol"]).await;
    let room = alice.room("private", "Attic", &[&bob, &carol]).await;
    let (mut hers, mut his) = (alice.socket().await, bob.socket().await);
    for socket in [&mut hers, &mut his] {
        socket.send(&json!({ "type": "watch", "room": room })).await;
        socket.expect("presence").await;
    }
    alice.delete(&format!("/api/rooms/{room}/members/{}", bob.user)).await.ok();
    let removed = his.expect("room").await;
    assert_eq!((&removed["change"], &removed["user"]), (&json!("removed"), &json!(bob.user)));
    let gone = his.expect("person").await;
    assert_eq!((&gone["change"], &gone["room"]), (&json!("room-gone"), &json!(room)));

    alice.say(&room, "he is gone").await;
    alice.post(&format!("/api/rooms/{room}/typing"), Value::Null).await.ok();
    let _here = carol.socket().await;
    sees(&mut hers, &carol, "online").await;
    let more = his.settled().await;
    let about = |frame: &&Value| frame["room"] == room.as_str();
    assert_eq!(more.iter().find(about), None, "neither words nor who is there");
    let resume = json!({ "type": "resume", "room": room, "rev": removed["rev"], "tag": removed["tag"] });
    his.send(&resume).await;
    assert_eq!(his.expect("error").await["code"], "not_found");

    alice.post(&format!("/api/rooms/{room}/members"), json!({ "user": bob.user })).await.ok();
    assert_eq!(his.expect("person").await["change"], "room-added");
    alice.say(&room, "he is back").await;
    his.find(|frame| frame["message"]["text"] == "he is back").await;
}

#[tokio::test]
async fn the_sockets_of_an_ended_session_close() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let phone = Person::login(&house.url, "alice").await;
    let (mut here, mut there, mut also) = (alice.socket().await, phone.socket().await, phone.socket().await);
    let session = there.heads["session"].as_str().unwrap().to_owned();
    alice.delete(&format!("/api/sessions/{session}")).await.ok();
    for socket in [&mut there, &mut also] {
        let close = socket.closed().await.expect("a close frame");
        assert_eq!(u16::from(close.code), 4001, "{close:?}");
    }
    let told = here.expect("person").await;
    assert_eq!((&told["change"], &told["session"]), (&json!("session-ended"), &json!(session)));
    here.settled().await;
    assert_eq!(phone.get("/api/me").await.code(), "unauthenticated");
    alice.post("/api/auth/logout", Value::Null).await.ok();
    assert_eq!(here.closed().await.map(|close| u16::from(close.code)), Some(4001));
}

#[tokio::test]
async fn a_socket_takes_fresh_tokens_of_its_own_session_only() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let phone = Person::login(&house.url, "alice").await;
    let mut socket = alice.socket().await;
    let mut token = async |token: &str| {
        socket.send(&json!({ "type": "token", "token": token })).await;
        let answer = socket.next().await;
        assert_eq!(answer["nonce"], "token");
        answer
    };
    for wrong in ["", "nonsense", "a.b.c", &phone.token, &bob.token, &format!("{}x", alice.token)] {
        let answer = token(wrong).await;
        assert_eq!(
            (&answer["type"], &answer["code"]),
            (&json!("error"), &json!("unauthenticated")),
            "{wrong}"
        );
    }
    assert_eq!(token(&alice.token).await, json!({ "type": "ack", "nonce": "token" }));
}

/// A token of somebody's session that runs out in a second.
async fn short_token(house: &House, who: &Person) -> String {
    let (keys, _) = Keys::kept_in(&house.data()).unwrap();
    let tokens = Tokens::new(keys, &PublicUrl::parse(&house.url).unwrap());
    let me = who.get("/api/me").await.ok();
    let [user, session] = ["user", "session"].map(|field| me[field].as_str().unwrap());
    let made = Timestamp::now().minus(ACCESS).plus(Duration::from_secs(1));
    tokens.access(user.parse().unwrap(), session.parse().unwrap(), made).unwrap()
}

#[tokio::test]
async fn a_socket_whose_token_runs_out_is_closed() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let mut late = alice.clone();
    late.token = short_token(&house, &alice).await;
    let close = late.socket().await.closed().await.expect("a close frame");
    assert_eq!(u16::from(close.code), 4003, "{close:?}");
    alice.socket().await.settled().await;
}

#[tokio::test]
async fn a_socket_that_got_a_fresh_token_outlives_the_old_one() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let mut late = alice.clone();
    late.token = short_token(&house, &alice).await;
    let over = Timestamp::now().plus(Duration::from_secs(2));
    let mut socket = late.socket().await;
    socket.send(&json!({ "type": "token", "token": alice.token })).await;
    assert_eq!(socket.expect("ack").await["nonce"], "token");
    until("the old token has run out", async || Timestamp::now() > over).await;
    socket.settled().await;
}

#[tokio::test]
async fn who_looks_at_a_public_room_sees_what_happens_there() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let (yard, shed) = (alice.room("public", "Yard", &[]).await, alice.room("public", "Shed", &[]).await);
    let mut socket = bob.socket().await;
    let watch = async |socket: &mut Socket, room: Value| {
        let wanted = room.is_string();
        socket.send(&json!({ "type": "watch", "room": room })).await;
        if wanted {
            let full = socket.find(|frame| frame["full"] == true).await;
            assert_eq!(full["room"], room);
        }
        // The next answer comes when it is in force.
        socket.send(&json!({ "type": "ping" })).await;
        socket.expect("pong").await;
    };
    alice.say(&yard, "unheard").await;
    watch(&mut socket, json!(yard)).await;
    alice.say(&yard, "one").await;
    assert_eq!(socket.expect("message").await["message"]["text"], "one");
    watch(&mut socket, json!(shed)).await;
    alice.say(&yard, "unheard").await;
    alice.say(&shed, "two").await;
    assert_eq!(socket.expect("message").await["message"]["text"], "two");
    bob.post(&format!("/api/rooms/{shed}/join"), Value::Null).await.ok();
    watch(&mut socket, Value::Null).await;
    alice.say(&yard, "unheard").await;
    alice.say(&shed, "three").await;
    assert_eq!(socket.expect("message").await["message"]["text"], "three", "he is a member by now");
}

#[tokio::test]
async fn several_sockets_are_one_person_who_is_here_or_not() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let room = alice.general().await;
    let mut eyes = alice.socket().await;
    eyes.send(&json!({ "type": "watch", "room": room })).await;
    let full = eyes.find(|frame| frame["full"] == true).await;
    assert_eq!(full["people"], json!([{ "user": alice.user, "state": "online" }]));
    let mut desk = bob.socket().await;
    let delta = sees(&mut eyes, &bob, "online").await;
    assert_eq!((&delta["room"], delta.get("full")), (&json!(room), None));
    desk.send(&json!({ "type": "presence", "state": "idle" })).await;
    sees(&mut eyes, &bob, "idle").await;
    let mut phone = bob.socket().await;
    sees(&mut eyes, &bob, "online").await;
    phone.send(&json!({ "type": "presence", "state": "idle" })).await;
    sees(&mut eyes, &bob, "idle").await;
    drop(phone);
    desk.send(&json!({ "type": "presence", "state": "online" })).await;
    sees(&mut eyes, &bob, "online").await;
    drop(desk);
    sees(&mut eyes, &bob, "offline").await;
}

#[tokio::test]
async fn ones_partners_in_direct_messages_are_seen_from_anywhere() {
    let house = House::open().await;
    let [alice, bob, carol] = house.people(["alice", "bob", "carol"]).await;
    alice.room("direct", "", &[&bob]).await;
    let _carols = carol.socket().await;
    let mut eyes = alice.socket().await;
    let full = eyes.expect("presence").await;
    assert_eq!(full, json!({ "type": "presence", "full": true, "people": [] }), "bob isn't here");
    let _bobs = bob.socket().await;
    let delta = sees(&mut eyes, &bob, "online").await;
    assert_eq!(delta, json!({ "type": "presence", "people": [{ "user": bob.user, "state": "online" }] }));
    alice.room("direct", "", &[&carol]).await;
    let delta = sees(&mut eyes, &carol, "online").await;
    assert_eq!((delta.get("room"), delta.get("full")), (None, None), "also when they began later");
}

#[tokio::test]
async fn a_server_that_stops_says_when_to_come_back() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let mut socket = alice.socket().await;
    house.terminate();
    let bye = socket.expect("bye").await;
    assert_eq!(bye["why"], "restart");
    assert!((1..=30_000).contains(&number(&bye, "after_ms")), "{bye}");
    let close = socket.closed().await.expect("a close frame");
    assert!(matches!(u16::from(close.code), 1001 | 1012), "{close:?}");
}

#[tokio::test]
async fn a_socket_needs_to_know_who_asks() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let open = async |token: Option<&str>, origin: Option<&str>| {
        let mut request = reqwest::Client::new().request(Method::GET, format!("{}/ws", house.url));
        request = request.header("connection", "upgrade").header("upgrade", "websocket");
        request = request
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        Answer::to(request).await
    };
    for (token, origin) in [(None, None), (None, Some(house.url.as_str())), (Some("nonsense"), None)] {
        let refused = open(token, origin).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (401, "unauthenticated"));
    }
    let plain = alice.get("/ws").await;
    assert_eq!((plain.status.as_u16(), plain.code()), (400, "malformed"), "a socket, or nothing");
    let strange = alice.get("/ws?format=xml").await;
    assert_eq!((strange.status.as_u16(), strange.code()), (400, "malformed"));
}

/// Sends messages without waiting for answers, with the nonces `n0`, `n1` and so on.
async fn rattle(socket: &mut Socket, room: &str, count: usize) {
    for n in 0..count {
        let frame =
            json!({ "type": "message", "room": room, "nonce": format!("n{n}"), "text": format!("{n}") });
        socket.send(&frame).await;
    }
}

/// The answers to so many changes, by their nonces.
async fn answers(socket: &mut Socket, count: usize) -> std::collections::HashMap<String, Value> {
    let mut answers = std::collections::HashMap::new();
    while answers.len() < count {
        let answer = socket.find(|frame| frame["type"] == "ack" || frame["type"] == "error").await;
        answers.insert(answer["nonce"].as_str().expect("an answer names its nonce").to_owned(), answer);
    }
    answers
}

#[tokio::test]
async fn changes_sent_without_waiting_are_made_in_order_and_answered_each() {
    const MANY: usize = 300;
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let room = alice.room("private", "Attic", &[&bob]).await;
    let (mut hers, mut his) = (alice.socket().await, bob.socket().await);
    rattle(&mut hers, &room, MANY).await;
    let answers = answers(&mut hers, MANY).await;
    for n in 0..MANY {
        let seq = his.find(|frame| frame["type"] == "message").await;
        assert_eq!((number(&seq, "seq"), &seq["nonce"]), (n as u64 + 1, &json!(format!("n{n}"))));
        let ack = &answers[&format!("n{n}")];
        assert_eq!((&ack["type"], &ack["rev"]), (&json!("ack"), &seq["rev"]));
    }
}

#[tokio::test]
async fn a_refused_change_among_those_on_their_way_takes_out_only_itself() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let room = alice.room("private", "Attic", &[]).await;
    let mut socket = alice.socket().await;
    rattle(&mut socket, &room, 2).await;
    socket
        .send(
            &json!({ "type": "react", "room": room, "nonce": "wrong", "seq": 99, "emoji": "👍", "on": true }),
        )
        .await;
    socket.send(&json!({ "type": "message", "room": room, "nonce": "n1", "text": "another" })).await;
    socket.send(&json!({ "type": "message", "room": room, "nonce": "last", "text": "last" })).await;
    socket.send(&json!({ "type": "message", "room": room, "nonce": "last", "text": "last" })).await;
    let mut codes = vec![];
    for _ in 0..6 {
        let answer = socket.find(|frame| frame["type"] == "ack" || frame["type"] == "error").await;
        let text = |field: &str| answer[field].as_str().unwrap_or_default().to_owned();
        codes.push((text("nonce"), text("code"), answer["seq"].as_u64()));
    }
    codes.sort_unstable();
    let made = |nonce: &str, seq| (nonce.to_owned(), String::new(), Some(seq));
    let refused = |nonce: &str, code: &str| (nonce.to_owned(), code.to_owned(), None);
    let expected = [
        made("last", 3),
        made("last", 3),
        made("n0", 1),
        made("n1", 2),
        refused("n1", "nonce_reused"),
        refused("wrong", "not_found"),
    ];
    assert_eq!(codes, expected);
}

#[tokio::test]
async fn a_flood_sent_without_waiting_is_stopped_all_the_same() {
    let house = House::with(&[("PARLOR_POST_RATE", "1"), ("PARLOR_POST_BURST", "5")]).await;
    let [alice] = house.people(["alice"]).await;
    let room = alice.general().await;
    let mut socket = alice.socket().await;
    rattle(&mut socket, &room, 20).await;
    let answers = answers(&mut socket, 20).await;
    for n in 0..20 {
        let answer = &answers[&format!("n{n}")];
        match n {
            0..5 => assert_eq!(number(answer, "seq"), n as u64 + 1),
            _ => assert_eq!((&answer["code"], &answer["retry"]), (&json!("slow_down"), &json!(true))),
        }
    }
}
