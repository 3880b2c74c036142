//! Who is in a call: coming, going, coming back.

use std::time::{Duration, Instant};

use parlor::model::call::GRACE;
use serde_json::{Value, json};

use super::caller::{Caller, enter, roster, users};
use crate::{
    people::{Person, nonce},
    program::House,
    services::until,
};

/// How soon somebody who is gone for good is gone for all,
const GONE: Duration = Duration::from_secs(25);
/// and by how much a busy machine may be late.
const SLOW: Duration = Duration::from_secs(10);

async fn house<const N: usize>(names: [&str; N]) -> (House, [Person; N], String) {
    let house = House::open().await;
    let people = house.people(names).await;
    let room = people[0].general().await;
    (house, people, room)
}

#[tokio::test]
async fn everybody_in_the_room_sees_who_is_in_its_call_and_its_end_in_the_timeline() {
    let (_house, [alice, bob, carol], room) = house(["alice", "bob", "carol"]).await;
    let mut reader = carol.socket().await;
    assert_eq!(reader.heads["calls"], json!([]));
    let mut hers = Caller::join(&alice, &room).await;
    let mut his = Caller::join(&bob, &room).await;
    assert!(his.entry() > hers.entry() && his.call() == hers.call() && his.peer() != hers.peer());
    let seen = roster(&mut reader, |people| users(people) == [alice.user.as_str(), bob.user.as_str()]).await;
    assert_eq!(
        (&seen["room"], &seen["by"], &seen["mode"]),
        (&json!(room), &json!(alice.user), &json!("mesh"))
    );
    assert_eq!((&seen["limit"], &seen["rings"]), (&json!(4), &json!([])));

    let late = carol.socket().await;
    assert_eq!(late.heads["calls"][0]["call"], his.call());
    let listed = carol.get("/api/calls").await.ok();
    assert_eq!(listed["calls"][0]["people"], late.heads["calls"][0]["people"]);
    assert_eq!(carol.get("/api/calls/ice").await.ok()["ttl"], 3_600);

    let media = json!({ "type": "call-media", "call": hers.call(), "muted": true, "deafened": false,
        "camera": true, "shares": ["screen-1"], "hand": true });
    hers.socket.send(&media).await;
    let seen = roster(&mut reader, |people| people[0]["muted"] == true).await;
    let first = &seen["people"][0];
    assert_eq!((&first["camera"], &first["shares"]), (&json!(true), &json!(["screen-1"])));
    assert!(first["hand"].is_i64());
    his.socket.send(&json!({ "type": "call-speaking", "call": his.call(), "on": true })).await;
    let heard = reader.expect("call-speaking").await;
    assert_eq!((heard["peer"].as_str(), &heard["on"]), (Some(his.peer()), &json!(true)));

    hers.leave().await;
    roster(&mut reader, |people| users(people) == [bob.user.as_str()]).await;
    his.leave().await;
    let over = reader.expect("call-over").await;
    assert_eq!(over["call"], his.call());
    let line = reader.find(|frame| frame["change"] == "called").await;
    let told = &line["line"]["message"]["system"];
    assert_eq!((&told["what"], &told["outcome"]), (&json!("call"), &json!("finished")));
    assert_eq!(told["people"], json!([alice.user, bob.user]));
    assert_eq!((&line["by"], line["call"].as_str()), (&json!(alice.user), Some(his.call())));
    let again = Caller::join(&bob, &room).await;
    assert_ne!(again.call(), his.call());
}

#[tokio::test]
async fn the_fifth_is_told_that_the_call_is_full() {
    let (_house, people, room) = house(["alice", "bob", "carol", "dave", "eve"]).await;
    let mut callers = vec![];
    for person in &people[..4] {
        callers.push(Caller::join(person, &room).await);
    }
    let mut fifth = people[4].socket().await;
    let refused = enter(&mut fifth, &room, "p", None).await;
    assert_eq!((&refused["code"], &refused["retry"]), (&json!("call_full"), &json!(false)));
    callers[1].leave().await;
    assert_eq!(enter(&mut fifth, &room, "p", None).await["type"], "call-joined");
}

#[tokio::test]
async fn only_members_come_in() {
    let (_house, [alice, bob, eve], _) = house(["alice", "bob", "eve"]).await;
    let secret = alice.room("private", "Attic", &[&bob]).await;
    let open = alice.room("public", "Square", &[]).await;
    let mut outside = eve.socket().await;
    let caller = Caller::join(&alice, &secret).await;
    let hidden = enter(&mut outside, &secret, "p", None).await;
    assert_eq!(hidden["code"], "not_found");
    assert_eq!(enter(&mut outside, &open, "p", None).await["code"], "forbidden");
    let place = Some(caller.place());
    assert_eq!(enter(&mut outside, &secret, "p", place).await["code"], "not_found");
    let frames = outside.settled().await;
    assert!(frames.iter().all(|frame| frame["type"] != "call"), "{frames:?}");
}

#[tokio::test]
async fn a_page_that_lost_its_socket_comes_back_to_the_same_place() {
    let (_house, [alice, bob], room) = house(["alice", "bob"]).await;
    let hers = Caller::join(&alice, &room).await;
    let mut his = Caller::join(&bob, &room).await;
    let (place, page, entry) = (hers.place(), hers.page.clone(), hers.entry());
    drop(hers);
    his.roster(|people| people[0]["away"] == true).await;
    let back = Caller::come(&alice, &room, &page, Some(place)).await;
    assert_eq!((back.entry(), &back.joined["moved"]), (entry, &json!(false)));
    his.roster(|people| people.len() == 2 && people[0]["away"] == false).await;
}

#[tokio::test]
async fn a_reload_takes_the_same_place_with_a_number_of_its_own() {
    let (_house, [alice, bob], room) = house(["alice", "bob"]).await;
    let hers = Caller::join(&alice, &room).await;
    let mut his = Caller::join(&bob, &room).await;
    let (place, peer, entry) = (hers.place(), hers.peer().to_owned(), hers.entry());
    drop(hers);
    let back = Caller::come(&alice, &room, &nonce(), Some(place)).await;
    assert!(back.peer() == peer && back.entry() > entry);
    let seen = his.roster(|people| people[0]["entry"] == back.entry()).await;
    assert_eq!(seen["people"].as_array().unwrap().len(), 2, "no ghost beside them");
}

#[tokio::test]
async fn a_second_device_takes_the_place_and_the_first_does_not_take_it_back() {
    let (_house, [alice, bob], room) = house(["alice", "bob"]).await;
    let mut first = Caller::join(&alice, &room).await;
    let mut his = Caller::join(&bob, &room).await;
    let second = Caller::join(&alice, &room).await;
    assert_eq!((second.peer(), &second.joined["moved"]), (first.peer(), &json!(true)));
    let left = first.socket.expect("call-left").await;
    assert_eq!((&left["why"], left["peer"].as_str()), (&json!("moved"), Some(first.peer())));
    his.roster(|people| people.len() == 2 && people[0]["entry"] == second.entry()).await;

    // Its socket goes, and its page wants back: refused, however often. What it says is nobody's.
    let (page, place) = (first.page.clone(), first.place());
    let refused = enter(&mut first.socket, &room, &page, Some(place)).await;
    assert_eq!(refused["code"], "call_moved");
    let stale = first.signal("webrtc-ack", &his, 0, json!({}));
    first.socket.send(&stale).await;
    let error = first.socket.expect("error").await;
    assert_eq!((&error["code"], &error["answers"]), (&json!("not_in_call"), &json!("signal")));
    drop(first);
    let frames = his.socket.settled().await;
    assert!(frames.iter().filter(|it| it["type"] == "call").all(|it| it["people"][0]["away"] == false));
}

#[tokio::test]
async fn who_stays_away_is_gone_and_the_call_is_over_with_the_last() {
    let (_house, [alice, bob], room) = house(["alice", "bob"]).await;
    let mut reader = bob.socket().await;
    let hers = Caller::join(&alice, &room).await;
    let place = hers.place();
    drop(hers);
    roster(&mut reader, |people| people.first().is_some_and(|it| it["away"] == true)).await;
    reader.expect("call-over").await;
    let mut late = alice.socket().await;
    let refused = enter(&mut late, &room, "p", Some(place)).await;
    assert_eq!(refused["code"], "call_over");
}

#[tokio::test]
async fn who_falls_silent_is_gone_for_all_within_25_seconds() {
    let (_house, [alice, bob], room) = house(["alice", "bob"]).await;
    let mut his = Caller::join(&bob, &room).await;
    // Her connection stands, but nobody is there who answers.
    let _hers = Caller::join(&alice, &room).await;
    let since = Instant::now();
    his.roster(|people| people.len() == 2 && people[1]["away"] == true).await;
    his.roster(|people| people.len() == 1).await;
    assert!(since.elapsed() < GONE + SLOW, "{:?}", since.elapsed());
}

#[tokio::test]
async fn who_is_removed_from_the_room_is_out_of_the_call_at_once() {
    let (_house, [alice, bob, carol], _) = house(["alice", "bob", "carol"]).await;
    let room = alice.room("private", "Attic", &[&bob, &carol]).await;
    let mut hers = Caller::join(&alice, &room).await;
    let mut his = Caller::join(&bob, &room).await;
    hers.roster(|people| people.len() == 2).await;
    alice.delete(&format!("/api/rooms/{room}/members/{}", bob.user)).await.ok();
    let left = his.socket.expect("call-left").await;
    assert_eq!(left["why"], "removed");
    hers.roster(|people| users(people) == [alice.user.as_str()]).await;
    let signal = his.signal("webrtc-ack", &hers, 0, json!({}));
    his.socket.send(&signal).await;
    assert_eq!(his.socket.find(|frame| frame["answers"] == "signal").await["code"], "not_in_call");
}

#[tokio::test]
async fn an_ended_session_ends_its_place_at_once() {
    let (house, [alice, bob], room) = house(["alice", "bob"]).await;
    let phone = Person::login(&house.url, "alice").await;
    let _hers = Caller::join(&phone, &room).await;
    let mut his = Caller::join(&bob, &room).await;
    phone.post("/api/auth/logout", Value::Null).await.ok();
    let told = Instant::now();
    his.roster(|people| users(people) == [bob.user.as_str()]).await;
    assert!(told.elapsed() < GRACE, "one who is only away keeps the place for as long");
    drop(alice);
}

#[tokio::test]
async fn a_socket_is_in_one_call_at_a_time() {
    let (_house, [alice, bob], room) = house(["alice", "bob"]).await;
    let other = alice.room("public", "Square", &[&bob]).await;
    let mut reader = bob.socket().await;
    let mut hers = Caller::join(&alice, &room).await;
    assert_eq!(enter(&mut hers.socket, &other, "p", None).await["type"], "call-joined");
    let over = reader.expect("call-over").await;
    assert_eq!(over["room"], room);
}

#[tokio::test]
async fn a_voice_room_is_found_joined_and_stepped_into_and_leaves_no_line() {
    let (_house, [alice, bob], _) = house(["alice", "bob"]).await;
    let room = alice.room("voice", "Lounge", &[]).await;
    let found = bob.get("/api/rooms/public?q=loun").await.ok();
    assert_eq!(found["rooms"][0]["room"], room);
    let path = format!("/api/rooms/{room}");
    let joined = bob.post(&format!("{path}/join"), Value::Null).await.ok();
    assert_eq!(joined["kind"], "voice");
    let mut his = Caller::join(&bob, &room).await;
    his.leave().await;
    his.socket.expect("call-over").await;
    bob.say(&room, "that was short").await;
    let seq = bob.get(&path).await.ok()["seq"].clone();
    assert_eq!(seq, 1, "nothing but the words");
}

#[tokio::test]
async fn a_restart_keeps_calls_and_places() {
    let server = crate::support::TestServer::start().await;
    let [alice] = crate::people::people(&server.url, ["alice"]).await;
    let room = alice.general().await;
    let hers = Caller::join(&alice, &room).await;
    let (call, entry, place, page) = (hers.call().to_owned(), hers.entry(), hers.place(), hers.page.clone());
    let server = server.restart().await;
    drop(hers);
    let back = Caller::come(&alice, &room, &page, Some(place)).await;
    assert_eq!((back.call(), back.entry()), (call.as_str(), entry));
    assert!(back.joined["call"]["term"].as_u64() > Some(1));
    drop(server);
}

#[tokio::test]
async fn operators_see_how_many_calls_there_are_who_is_in_them_and_what_passes() {
    let (house, [alice, bob], room) = house(["alice", "bob"]).await;
    let metric = async |name: &str| -> f64 {
        let page = reqwest::get(format!("{}/metrics", house.url)).await.unwrap().text().await.unwrap();
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    };
    let mut hers = Caller::join(&alice, &room).await;
    let mut his = Caller::join(&bob, &room).await;
    let offer = his.signal("webrtc-offer", &hers, 1, json!({ "sdp": "v=0" }));
    his.socket.send(&offer).await;
    hers.socket.expect("webrtc-offer").await;
    until("two are counted", async || metric("parlor_call_people").await == 2.0).await;
    assert_eq!(metric("parlor_calls").await, 1.0);
    assert_eq!(metric("parlor_signals_total{kind=\"offer\"}").await, 1.0);
    his.leave().await;
    hers.leave().await;
    until("none is counted", async || metric("parlor_calls").await == 0.0).await;
    until("its end is", async || metric("parlor_calls_ended_total{outcome=\"finished\"}").await == 1.0).await;
}
