//! Ringing in direct and group messages.

use serde_json::{Value, json};

use super::caller::Caller;
use crate::{
    people::{Person, Socket},
    program::House,
};

async fn two() -> (House, [Person; 2], String) {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let room = alice.room("direct", "", &[&bob]).await;
    (house, [alice, bob], room)
}

/// The next roster in which this person is rung so; `none` when they aren't (any more).
async fn rung(socket: &mut Socket, user: &str, state: &str) -> Value {
    let so = |frame: &Value| {
        let rings = frame["rings"].as_array().unwrap();
        let state_of = rings.iter().find(|ring| ring["user"] == user).map(|ring| ring["state"].clone());
        state_of.map_or(state == "none", |it| it == state)
    };
    socket.find(|frame| frame["type"] == "call" && so(frame)).await
}

async fn line(socket: &mut Socket) -> Value {
    let frame = socket.find(|frame| frame["change"] == "called").await;
    frame["line"]["message"]["system"].clone()
}

#[tokio::test]
async fn all_devices_ring_until_one_answers() {
    let (_house, [alice, bob], room) = two().await;
    let (mut phone, mut laptop) = (bob.socket().await, bob.socket().await);
    let mut hers = Caller::join(&alice, &room).await;
    for device in [&mut phone, &mut laptop] {
        let ring = rung(device, &bob.user, "ringing").await;
        assert!(ring["rings"][0]["until"].as_i64() > ring["at"].as_i64());
    }
    let late = bob.socket().await;
    assert_eq!(late.heads["calls"][0]["rings"][0]["state"], "ringing", "who comes while it rings, too");
    let mut his = Caller::join(&bob, &room).await;
    for device in [&mut phone, &mut laptop, &mut hers.socket] {
        rung(device, &bob.user, "none").await;
    }
    hers.leave().await;
    his.leave().await;
    let told = line(&mut phone).await;
    assert_eq!(told["outcome"], "finished");
    assert!(told["length_ms"].is_u64());
}

#[tokio::test]
async fn a_decline_stops_the_ring_on_all_devices_and_the_caller_is_told() {
    let (_house, [alice, bob], room) = two().await;
    let (mut phone, mut laptop) = (bob.socket().await, bob.socket().await);
    let mut hers = Caller::join(&alice, &room).await;
    let ring = rung(&mut phone, &bob.user, "ringing").await;
    let decline = json!({ "type": "call-decline", "room": room, "call": ring["call"] });
    assert_eq!(phone.change(decline).await["type"], "ack");
    rung(&mut laptop, &bob.user, "declined").await;
    rung(&mut hers.socket, &bob.user, "declined").await;
    let again = json!({ "type": "call-ring", "room": room, "call": ring["call"], "user": bob.user });
    assert_eq!(hers.socket.change(again).await["type"], "ack");
    rung(&mut laptop, &bob.user, "ringing").await;
    let decline = json!({ "type": "call-decline", "room": room, "call": ring["call"] });
    laptop.change(decline).await;
    hers.leave().await;
    assert_eq!(line(&mut phone).await["outcome"], "declined");
}

#[tokio::test]
async fn a_call_that_nobody_answered_is_missed() {
    let (_house, [alice, bob], room) = two().await;
    let mut his = bob.socket().await;
    let mut hers = Caller::join(&alice, &room).await;
    rung(&mut his, &bob.user, "ringing").await;
    hers.leave().await;
    his.expect("call-over").await;
    let told = line(&mut his).await;
    assert_eq!((&told["outcome"], &told["people"]), (&json!("missed"), &json!([alice.user])));
    let html = bob.socket_for("html").await;
    drop(html);
    let missed = bob.get("/api/rooms").await.ok();
    let direct = missed["rooms"].as_array().unwrap().iter().find(|it| it["room"] == room.as_str());
    assert_eq!(direct.unwrap()["seq"], 1, "and is unread");
}

#[tokio::test]
async fn who_is_in_another_call_is_busy() {
    let (_house, [alice, bob], room) = two().await;
    let general = alice.general().await;
    let mut his = Caller::join(&bob, &general).await;
    let mut hers = Caller::join(&alice, &room).await;
    rung(&mut hers.socket, &bob.user, "busy").await;
    rung(&mut his.socket, &bob.user, "busy").await;
    let refused = json!({ "type": "call-ring", "room": general, "call": his.call(), "user": alice.user });
    assert_eq!(his.socket.change(refused).await["code"], "forbidden", "nobody is rung to a room");
}
