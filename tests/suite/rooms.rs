//! Rooms: how they are found, entered and left, and who may do what there.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    people::{Answer, Person, nonce},
    program::House,
};

/// The field `of` of each row in `list`.
fn column<'a>(body: &'a Value, list: &str, of: &str) -> Vec<&'a str> {
    body[list].as_array().unwrap().iter().map(|row| row[of].as_str().unwrap()).collect()
}

/// The system lines of a room, as `what` and whom they are about.
async fn lines(who: &Person, room: &str) -> Vec<(String, String)> {
    let body = who.get(&format!("/api/rooms/{room}/messages")).await.ok();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let lines = body["messages"].as_array().unwrap().iter().filter(|message| message["kind"] == "system");
    lines.map(|line| (text(&line["system"]["what"]), text(&line["system"]["user"]))).collect()
}

#[tokio::test]
async fn everybody_is_in_general() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let room = alice.general().await;
    assert_eq!(bob.general().await, room);
    let seen = bob.get(&format!("/api/rooms/{room}")).await.ok();
    assert_eq!(
        (&seen["kind"], &seen["members"], &seen["role"]),
        (&json!("public"), &json!(2), &json!("member"))
    );
    assert_eq!(alice.get(&format!("/api/rooms/{room}")).await.ok()["role"], "owner");
}

#[tokio::test]
async fn a_public_room_is_found_and_read_by_anyone_and_written_in_after_joining() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let body = json!({ "kind": "public", "name": " Tea & Talk ", "topic": "Leaves" });
    let made = alice.post("/api/rooms", body).await;
    assert_eq!(made.status, 201);
    let made = made.ok();
    assert_eq!(
        (&made["name"], &made["topic"], &made["role"]),
        (&json!("Tea & Talk"), &json!("Leaves"), &json!("owner"))
    );
    let room = made["room"].as_str().unwrap();
    alice.say(room, "hello").await;

    let found = bob.get("/api/rooms/public?q=TEA").await.ok();
    let row = json!({ "room": room, "name": "Tea & Talk", "topic": "Leaves", "members": 1, "joined": false,
        "picture": null });
    assert_eq!(found, json!({ "rooms": [row] }));
    assert_eq!(bob.get("/api/rooms/public?q=coffee").await.ok(), json!({ "rooms": [] }));

    let seen = bob.get(&format!("/api/rooms/{room}")).await.ok();
    assert_eq!((&seen["role"], &seen["seq"], &seen["read"]), (&Value::Null, &json!(1), &json!(1)));
    let messages = bob.get(&format!("/api/rooms/{room}/messages")).await.ok();
    assert_eq!(messages["messages"][0]["text"], "hello");
    assert_eq!(bob.get(&format!("/api/rooms/{room}/messages/1")).await.ok()["text"], "hello");
    assert_eq!(
        column(&bob.get(&format!("/api/rooms/{room}/members")).await.ok(), "members", "name"),
        ["alice"]
    );
    let refused = bob.post(&format!("/api/rooms/{room}/messages"), json!({ "text": "hi" })).await;
    assert_eq!((refused.code(), refused.status.as_u16()), ("forbidden", 403));

    let joined = bob.post(&format!("/api/rooms/{room}/join"), Value::Null).await.ok();
    assert_eq!((&joined["role"], &joined["members"]), (&json!("member"), &json!(2)));
    let again = bob.post(&format!("/api/rooms/{room}/join"), Value::Null).await.ok();
    assert_eq!(again["rev"], joined["rev"], "joining twice is joining once");
    assert_eq!(bob.say(room, "hi").await, 2);
    assert_eq!(bob.get("/api/rooms/public?q=tea").await.ok()["rooms"][0]["joined"], true);
    assert_eq!(lines(&bob, room).await, [], "people come to public rooms without a word");
}

#[tokio::test]
async fn a_private_room_is_entered_by_being_added() {
    let house = House::open().await;
    let [alice, bob, carol] = house.people(["alice", "bob", "carol"]).await;
    let room = alice.room("private", "Attic", &[&bob]).await;
    alice.say(&room, "one").await;
    assert_eq!(carol.post(&format!("/api/rooms/{room}/join"), Value::Null).await.code(), "not_found");
    assert_eq!(carol.get("/api/rooms/public?q=attic").await.ok(), json!({ "rooms": [] }));
    let rooms = carol.get("/api/rooms").await.ok();
    assert_eq!(column(&rooms, "rooms", "name"), ["general"]);

    let path = format!("/api/rooms/{room}/members");
    assert_eq!(bob.post(&path, json!({ "user": carol.user })).await.status, 204);
    assert_eq!(bob.post(&path, json!({ "user": carol.user })).await.status, 204, "twice is once");
    let seen = carol.get(&format!("/api/rooms/{room}")).await.ok();
    assert_eq!((&seen["role"], &seen["members"], &seen["seq"]), (&json!("member"), &json!(3), &json!(2)));
    assert_eq!(seen["read"], seen["seq"], "what was there before isn't unread");
    assert_eq!(lines(&carol, &room).await, [("joined".to_owned(), carol.user.clone())]);
    let unknown = bob.post(&path, json!({ "user": Uuid::now_v7() })).await;
    assert_eq!(unknown.code(), "not_found");
}

#[tokio::test]
async fn two_who_begin_direct_messages_at_once_find_one_room() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let begin = async |who: &Person, with: &Person| {
        who.post("/api/rooms", json!({ "kind": "direct", "people": [with.user] })).await
    };
    let begun =
        tokio::join!(begin(&alice, &bob), begin(&bob, &alice), begin(&alice, &bob), begin(&bob, &alice),);
    let begun = [begun.0, begun.1, begun.2, begun.3];
    let mut statuses = begun.each_ref().map(|answer| answer.status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 201], "one made it, the others found it");
    let rooms = begun.map(|answer| answer.ok()["room"].clone());
    assert!(rooms.iter().all(|room| *room == rooms[0]), "{rooms:?}");
    let room = rooms[0].as_str().unwrap();

    bob.say(room, "hello").await;
    let mine = alice.get("/api/rooms").await.ok();
    let row = mine["rooms"].as_array().unwrap().iter().find(|row| row["room"] == room).unwrap();
    assert_eq!((&row["kind"], &row["name"], &row["members"]), (&json!("direct"), &json!(""), &json!(2)));
    let mut people: Vec<_> =
        row["people"].as_array().unwrap().iter().map(|user| user.as_str().unwrap()).collect();
    people.sort_unstable();
    let mut both = [alice.user.as_str(), bob.user.as_str()];
    both.sort_unstable();
    assert_eq!(people, both);
    assert_eq!((&row["seq"], &row["read"]), (&json!(1), &json!(0)));
}

#[tokio::test]
async fn direct_messages_stay_with_their_two_people() {
    let house = House::open().await;
    let [alice, bob, carol] = house.people(["alice", "bob", "carol"]).await;
    let room = alice.room("direct", "", &[&bob]).await;
    let path = format!("/api/rooms/{room}");
    let refused = [
        alice.post(&format!("{path}/members"), json!({ "user": carol.user })).await,
        alice.post(&format!("{path}/leave"), Value::Null).await,
        alice.patch(&path, json!({ "name": "Ours" })).await,
        alice.patch(&path, json!({ "topic": "Us" })).await,
        alice.delete(&format!("{path}/members/{}", bob.user)).await,
        alice.patch(&format!("{path}/members/{}", bob.user), json!({ "role": "owner" })).await,
    ];
    for answer in refused {
        assert_eq!(answer.code(), "forbidden");
    }
    for people in [json!([]), json!([alice.user]), json!([bob.user, carol.user])] {
        let refused = alice.post("/api/rooms", json!({ "kind": "direct", "people": people })).await;
        assert_eq!((refused.code(), &refused.body["error"]["field"]), ("invalid", &json!("people")));
    }
    let unknown = alice.post("/api/rooms", json!({ "kind": "direct", "people": [Uuid::now_v7()] })).await;
    assert_eq!(unknown.code(), "not_found");
    for (field, text) in [("name", "Ours"), ("topic", "Us")] {
        let refused =
            alice.post("/api/rooms", json!({ "kind": "direct", "people": [carol.user], field: text })).await;
        assert_eq!((refused.code(), &refused.body["error"]["field"]), ("invalid", &json!(field)));
    }
}

#[tokio::test]
async fn any_of_its_people_may_name_a_group_add_to_it_and_leave_it() {
    let house = House::open().await;
    let [alice, bob, carol, dave] = house.people(["alice", "bob", "carol", "dave"]).await;
    let people = json!([bob.user, carol.user, carol.user, alice.user]);
    let made = alice.post("/api/rooms", json!({ "kind": "group", "people": people })).await.ok();
    assert_eq!((&made["name"], &made["members"], &made["role"]), (&json!(""), &json!(3), &json!("member")));
    let room = made["room"].as_str().unwrap();
    let path = format!("/api/rooms/{room}");
    assert_eq!(bob.patch(&path, json!({ "name": "Trip" })).await.ok()["name"], "Trip");
    assert_eq!(carol.post(&format!("{path}/members"), json!({ "user": dave.user })).await.status, 204);
    assert_eq!(alice.post(&format!("{path}/leave"), Value::Null).await.status, 204);
    assert_eq!(alice.get(&path).await.code(), "not_found");
    let seen = dave.get(&path).await.ok();
    let mut people: Vec<_> =
        seen["people"].as_array().unwrap().iter().map(|user| user.as_str().unwrap()).collect();
    people.sort_unstable();
    let mut left = [&bob, &carol, &dave].map(|person| person.user.as_str());
    left.sort_unstable();
    assert_eq!(people, left);
    assert_eq!(bob.delete(&format!("{path}/members/{}", carol.user)).await.code(), "forbidden");
    let alone = alice.post("/api/rooms", json!({ "kind": "group", "people": [alice.user] })).await;
    assert_eq!((alone.code(), &alone.body["error"]["field"]), ("invalid", &json!("people")));
    let again =
        alice.post("/api/rooms", json!({ "kind": "group", "people": [bob.user, carol.user] })).await.ok();
    assert_ne!(again["room"], room, "the same people may have several groups");
}

#[tokio::test]
async fn a_group_holds_twenty_people() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let names: Vec<String> = (0..20).map(|n| format!("guest{n}")).collect();
    let guests = join_all(names.iter().map(|name| Person::register(&house.url, name))).await;
    let users: Vec<_> = guests.iter().map(|guest| guest.user.as_str()).collect();
    let group =
        async |people: &[&str]| alice.post("/api/rooms", json!({ "kind": "group", "people": people })).await;
    let refused = group(&users).await;
    assert_eq!((refused.code(), refused.status.as_u16()), ("too_many", 422));
    let room = group(&users[..19]).await.ok();
    assert_eq!(room["members"], 20);
    let path = format!("/api/rooms/{}/members", room["room"].as_str().unwrap());
    assert_eq!(alice.post(&path, json!({ "user": users[19] })).await.code(), "too_many");
}

#[tokio::test]
async fn a_room_made_again_with_the_same_key_is_the_same_room() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let body = json!({ "kind": "private", "name": "Once", "people": [bob.user] });
    let key = nonce();
    let make =
        async |body: &Value| alice.ask_again(Method::POST, "/api/rooms", Some(body.clone()), &key).await;
    let (one, other) = tokio::join!(make(&body), make(&body));
    assert_eq!((one.status.as_u16(), other.status.as_u16()), (201, 201));
    let (one, other) = (one.ok(), other.ok());
    assert_eq!(one["room"], other["room"]);
    let other = make(&json!({ "kind": "private", "name": "Twice", "people": [bob.user] })).await;
    assert_eq!((other.code(), other.status.as_u16()), ("nonce_reused", 409));
    assert_eq!(column(&alice.get("/api/rooms").await.ok(), "rooms", "name").len(), 2);
    let room = one["room"].as_str().unwrap();
    assert_eq!(alice.get(&format!("/api/rooms/{room}")).await.ok()["name"], "Once");
    let missing = alice.request(Method::POST, "/api/rooms").json(&body);
    assert_eq!(Answer::to(missing).await.code(), "nonce_missing");
}

#[tokio::test]
async fn its_owner_names_a_room_and_says_what_it_is_about() {
    let house = House::open().await;
    let [alice, bob, carol] = house.people(["alice", "bob", "carol"]).await;
    let room = bob.room("private", "Old", &[&carol]).await;
    let path = format!("/api/rooms/{room}");
    assert_eq!(carol.patch(&path, json!({ "name": "Mine" })).await.code(), "forbidden");
    assert_eq!(alice.patch(&path, json!({ "name": "Mine" })).await.code(), "not_found");
    let named = bob.patch(&path, json!({ "name": "New" })).await.ok();
    assert_eq!((&named["name"], &named["seq"]), (&json!("New"), &json!(1)));
    let again = bob.patch(&path, json!({ "name": "New" })).await.ok();
    assert_eq!(again["rev"], named["rev"], "nothing had to change");
    let about = bob.patch(&path, json!({ "topic": "Things" })).await.ok();
    assert_eq!(about["topic"], "Things");
    assert_eq!(bob.patch(&path, json!({ "topic": "" })).await.ok()["topic"], "");
    let whats: Vec<_> = lines(&carol, &room).await.into_iter().map(|(what, _)| what).collect();
    assert_eq!(whats, ["renamed", "topic", "topic"]);
    for both in [json!({}), json!({ "name": "A", "topic": "B" })] {
        assert_eq!(bob.patch(&path, both).await.code(), "malformed");
    }

    let public = bob.room("public", "Yard", &[]).await;
    let path = format!("/api/rooms/{public}");
    assert_eq!(carol.patch(&path, json!({ "name": "Mine" })).await.code(), "forbidden");
    let by_owner = alice.patch(&path, json!({ "name": "Garden" })).await.ok();
    assert_eq!(by_owner["name"], "Garden", "who owns the server keeps order in its public rooms");
    assert_eq!(column(&carol.get("/api/rooms/public?q=garden").await.ok(), "rooms", "name"), ["Garden"]);
    assert_eq!(carol.get("/api/rooms/public?q=yard").await.ok(), json!({ "rooms": [] }));
}

#[tokio::test]
async fn who_is_removed_or_leaves_a_private_room_sees_it_no_more() {
    let house = House::open().await;
    let [alice, bob, carol] = house.people(["alice", "bob", "carol"]).await;
    let room = alice.room("private", "Attic", &[&bob, &carol]).await;
    let path = format!("/api/rooms/{room}");
    assert_eq!(bob.delete(&format!("{path}/members/{}", carol.user)).await.code(), "forbidden");
    assert_eq!(alice.delete(&format!("{path}/members/{}", alice.user)).await.code(), "forbidden");
    assert_eq!(alice.delete(&format!("{path}/members/{}", bob.user)).await.status, 204);
    assert_eq!(alice.delete(&format!("{path}/members/{}", bob.user)).await.status, 204, "twice is once");
    assert_eq!(bob.get(&path).await.code(), "not_found");
    assert_eq!(column(&bob.get("/api/rooms").await.ok(), "rooms", "name"), ["general"]);

    let key = nonce();
    let leave = format!("{path}/leave");
    assert_eq!(carol.ask_again(Method::POST, &leave, None, &key).await.status, 204);
    assert_eq!(carol.get(&path).await.code(), "not_found");
    assert_eq!(
        carol.ask_again(Method::POST, &leave, None, &key).await.status,
        204,
        "a repeat is answered as before"
    );
    assert_eq!(carol.post(&leave, Value::Null).await.code(), "not_found");
    let said = [("removed".to_owned(), bob.user.clone()), ("left".to_owned(), carol.user.clone())];
    assert_eq!(lines(&alice, &room).await, said);
    assert_eq!(alice.get(&path).await.ok()["members"], 1);

    assert_eq!(alice.post(&format!("{path}/members"), json!({ "user": bob.user })).await.status, 204);
    let back = bob.get(&path).await.ok();
    assert_eq!(back["read"], back["seq"], "what happened in between isn't unread");
}

#[tokio::test]
async fn a_room_keeps_an_owner_for_as_long_as_somebody_is_in_it() {
    let house = House::open().await;
    let [_, alice, bob] = house.people(["root", "alice", "bob"]).await;
    let room = alice.room("public", "Yard", &[&bob]).await;
    let path = format!("/api/rooms/{room}");
    let role = async |by: &Person, of: &Person, role: &str| {
        by.patch(&format!("{path}/members/{}", of.user), json!({ "role": role })).await
    };
    let last = alice.post(&format!("{path}/leave"), Value::Null).await;
    assert_eq!((last.code(), last.status.as_u16()), ("last_owner", 409));
    assert_eq!(role(&alice, &alice, "member").await.code(), "last_owner");
    assert_eq!(role(&bob, &bob, "owner").await.code(), "forbidden");
    assert_eq!(role(&alice, &bob, "king").await.code(), "malformed");
    assert_eq!(role(&alice, &bob, "owner").await.status, 204);
    assert_eq!(role(&alice, &bob, "owner").await.status, 204, "twice is once");
    assert_eq!(alice.post(&format!("{path}/leave"), Value::Null).await.status, 204);
    assert_eq!(role(&bob, &alice, "owner").await.code(), "not_found", "only members have a role");
    assert_eq!(bob.get(&path).await.ok()["role"], "owner");
    assert_eq!(bob.post(&format!("{path}/leave"), Value::Null).await.status, 204, "the last of all may go");
    let joined = alice.post(&format!("{path}/join"), Value::Null).await.ok();
    assert_eq!(joined["role"], "owner", "who joins a room that nobody owns, owns it");
}

#[tokio::test]
async fn a_room_that_is_not_ones_own_answers_like_one_that_is_not_there() {
    let house = House::open().await;
    let [alice, bob, carol] = house.people(["alice", "bob", "carol"]).await;
    let private = bob.room("private", "Attic", &[&carol]).await;
    bob.say(&private, "secret").await;
    let direct = bob.room("direct", "", &[&carol]).await;
    let group = bob.room("group", "Trip", &[&carol]).await;
    let missing = Uuid::now_v7().to_string();
    let user = &carol.user;
    let asked: Vec<(Method, String, Value)> = vec![
        (Method::GET, String::new(), Value::Null),
        (Method::PATCH, String::new(), json!({ "name": "Mine" })),
        (Method::PATCH, String::new(), json!({ "topic": "Mine" })),
        (Method::POST, "/join".into(), Value::Null),
        (Method::POST, "/leave".into(), Value::Null),
        (Method::GET, "/members".into(), Value::Null),
        (Method::POST, "/members".into(), json!({ "user": alice.user })),
        (Method::PATCH, format!("/members/{user}"), json!({ "role": "owner" })),
        (Method::DELETE, format!("/members/{user}"), Value::Null),
        (Method::GET, "/messages".into(), Value::Null),
        (Method::GET, "/messages/1".into(), Value::Null),
        (Method::POST, "/messages".into(), json!({ "text": "hi" })),
        (Method::POST, "/messages".into(), json!({ "text": "hi", "reply_to": 1 })),
        (Method::PATCH, "/messages/1".into(), json!({ "text": "hi", "base": 4 })),
        (Method::DELETE, "/messages/1".into(), Value::Null),
        (Method::PUT, "/messages/1/reactions/👍".into(), Value::Null),
        (Method::DELETE, "/messages/1/reactions/👍".into(), Value::Null),
        (Method::PUT, "/messages/1/pin".into(), Value::Null),
        (Method::DELETE, "/messages/1/pin".into(), Value::Null),
        (Method::PUT, "/read".into(), json!({ "seq": 1 })),
        (Method::PUT, "/read".into(), json!({ "seq": 1_000 })),
        (Method::GET, "/draft".into(), Value::Null),
        (Method::PUT, "/draft".into(), json!({ "text": "hi" })),
        (Method::POST, "/typing".into(), Value::Null),
    ];
    for (method, rest, body) in asked {
        let ask = async |room: &str| {
            let answer =
                alice.ask(method.clone(), &format!("/api/rooms/{room}{rest}"), Some(body.clone())).await;
            assert_eq!(answer.code(), "not_found", "{method} {rest}");
            answer.error()
        };
        let expected = ask(&missing).await;
        for room in [&private, &direct, &group] {
            assert_eq!(ask(room).await, expected, "{method} {rest}");
        }
        ask("attic").await;
    }
    for rest in ["", "/view", "/messages?before=5", "/people", "/settings", "?at=1"] {
        let page = async |room: &str| alice.get(&format!("/rooms/{room}{rest}")).await.error();
        let expected = page(&missing).await;
        assert_eq!(expected.0, 404);
        assert_eq!(page(&private).await, expected, "{rest}");
    }
    let mut socket = alice.socket().await;
    let frames = [
        json!({ "type": "message", "text": "hi" }),
        json!({ "type": "edit", "seq": 1, "base": 4, "text": "hi" }),
        json!({ "type": "delete", "seq": 1 }),
        json!({ "type": "react", "seq": 1, "emoji": "👍", "on": true }),
        json!({ "type": "pin", "seq": 1, "on": true }),
        json!({ "type": "read", "seq": 1 }),
        json!({ "type": "draft", "text": "hi" }),
    ];
    for mut frame in frames {
        let mut answers = vec![];
        for room in [&missing, &private, &direct, &group] {
            frame["room"] = room.as_str().into();
            let mut answer = socket.change(frame.clone()).await;
            answer.as_object_mut().unwrap().remove("nonce");
            answers.push(answer);
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{frame} {answers:?}");
        assert_eq!(answers[0]["code"], "not_found", "{frame}");
    }
    for frame in [json!({ "type": "watch" }), json!({ "type": "typing" })] {
        for room in [&missing, &private] {
            let mut frame = frame.clone();
            frame["room"] = room.as_str().into();
            socket.send(&frame).await;
            assert_eq!(socket.expect("error").await["code"], "not_found", "{frame}");
        }
    }
}

#[tokio::test]
async fn all_public_rooms_come_by_name_page_after_page() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    for name in ["delta", "Bravo", "alpha", "charlie", "alpha", "Echo"] {
        alice.room("public", name, &[]).await;
    }
    let hidden = alice.room("private", "bravissimo", &[]).await;
    let (mut names, mut ids, mut after) = (vec![], vec![], String::new());
    loop {
        let page = bob.get(&format!("/api/rooms/public?limit=3{after}")).await.ok();
        assert!(page["rooms"].as_array().unwrap().len() <= 3);
        names.extend(column(&page, "rooms", "name").into_iter().map(str::to_lowercase));
        ids.extend(column(&page, "rooms", "room").into_iter().map(str::to_owned));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(names, ["alpha", "alpha", "bravo", "charlie", "delta", "echo", "general"]);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 7, "each once");
    let page = bob.get("/api/rooms/public?q=a&limit=2").await.ok();
    assert_eq!(column(&page, "rooms", "name"), ["alpha", "alpha"]);
    let next = page["next"].as_str().unwrap();
    let page = bob.get(&format!("/api/rooms/public?q=a&limit=10&after={next}")).await.ok();
    assert_eq!(column(&page, "rooms", "name"), ["Bravo", "charlie", "delta", "general"]);
    assert_eq!(page.get("next"), None);

    for (query, code, field) in [
        ("limit=0", "invalid", json!("limit")),
        ("limit=101", "invalid", json!("limit")),
        ("limit=-1", "malformed", Value::Null),
        ("limit=ten", "malformed", Value::Null),
        ("after=delta", "invalid", json!("after")),
        (&format!("after={}", Uuid::now_v7()), "invalid", json!("after")),
        // A hidden room's place among the others would tell its name.
        (&format!("after={hidden}"), "invalid", json!("after")),
        ("before=1", "malformed", Value::Null),
    ] {
        let refused = bob.get(&format!("/api/rooms/public?{query}")).await;
        assert_eq!((refused.code(), &refused.body["error"]["field"]), (code, &field), "{query}");
    }
}

#[tokio::test]
async fn all_members_come_page_after_page() {
    let house = House::open().await;
    let [alice, ..] = house.people(["alice", "bob", "carol", "dave", "erin"]).await;
    let path = format!("/api/rooms/{}/members?limit=2", alice.general().await);
    let (mut names, mut after) = (vec![], String::new());
    loop {
        let page = alice.get(&format!("{path}{after}")).await.ok();
        names.extend(column(&page, "members", "name").into_iter().map(str::to_owned));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    names.sort_unstable();
    assert_eq!(names, ["alice", "bob", "carol", "dave", "erin"]);
    let refused = alice.get(&format!("{path}&after=bob")).await;
    assert_eq!((refused.code(), &refused.body["error"]["field"]), ("invalid", &json!("after")));
}

#[tokio::test]
async fn every_field_of_a_room_has_its_limits() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let make = async |name: &str, topic: &str| {
        alice.post("/api/rooms", json!({ "kind": "private", "name": name, "topic": topic })).await
    };
    let longest = make(&"ä".repeat(80), &"ö".repeat(250)).await;
    assert_eq!(longest.status, 201);
    let room = longest.ok()["room"].as_str().unwrap().to_owned();
    let path = format!("/api/rooms/{room}");
    let names = ["", "   ", "a\nb", "a\u{202e}b", "\u{200b}", "a\0b", &"ä".repeat(81)];
    let topics = ["a\nb", "a\u{202e}b", "a\0b", &"ö".repeat(251)];
    for name in names {
        for refused in [make(name, "").await, alice.patch(&path, json!({ "name": name })).await] {
            assert_eq!(
                (refused.code(), &refused.body["error"]["field"]),
                ("invalid", &json!("name")),
                "{name:?}"
            );
        }
    }
    for topic in topics {
        for refused in [make("Attic", topic).await, alice.patch(&path, json!({ "topic": topic })).await] {
            assert_eq!(
                (refused.code(), &refused.body["error"]["field"]),
                ("invalid", &json!("topic")),
                "{topic:?}"
            );
        }
    }
    for kind in ["public", "private"] {
        let nameless = alice.post("/api/rooms", json!({ "kind": kind })).await;
        assert_eq!((nameless.code(), &nameless.body["error"]["field"]), ("invalid", &json!("name")));
    }
    for wrong in [
        json!({ "kind": "secret", "name": "Attic" }),
        json!({ "name": "Attic" }),
        json!({ "kind": "private", "name": "Attic", "color": "red" }),
        json!({ "kind": "private", "name": 5 }),
        json!({ "kind": "private", "name": "Attic", "people": bob.user }),
        json!({ "kind": "private", "name": "Attic", "people": ["bob"] }),
        json!([]),
        Value::Null,
    ] {
        assert_eq!(alice.post("/api/rooms", wrong.clone()).await.code(), "malformed", "{wrong}");
    }
    let unknown = json!({ "kind": "private", "name": "Attic", "people": [bob.user, Uuid::now_v7()] });
    assert_eq!(alice.post("/api/rooms", unknown).await.code(), "not_found");
    assert_eq!(column(&alice.get("/api/rooms").await.ok(), "rooms", "name").len(), 2, "nothing was made");
}
