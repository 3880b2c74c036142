//! Calls across nodes, and after a node's death.

use serde_json::json;

use super::caller::{Caller, roster, users};
use crate::{
    cluster::two_nodes,
    people::{Person, people},
    services::RedisServer,
};

#[tokio::test]
async fn a_call_spans_nodes() {
    let redis = RedisServer::start().await;
    let (one, other) = two_nodes(&redis.url()).await;
    let [alice] = people(&one.url, ["alice"]).await;
    let [bob, carol] = people(&other.url, ["bob", "carol"]).await;
    let room = alice.general().await;
    let mut reader = carol.socket().await;
    let mut hers = Caller::join(&alice, &room).await;
    let mut his = Caller::join(&bob, &room).await;
    assert_eq!(hers.call(), his.call());
    hers.roster(|people| people.len() == 2).await;
    roster(&mut reader, |people| people.len() == 2).await;

    let there = hers.signal("webrtc-offer", &his, 1, json!({ "sdp": "v=0 there" }));
    hers.socket.send(&there).await;
    assert_eq!(his.socket.expect("webrtc-offer").await["sdp"], "v=0 there");
    let back = his.signal("webrtc-answer", &hers, 1, json!({ "sdp": "v=0 back" }));
    his.socket.send(&back).await;
    assert_eq!(hers.socket.expect("webrtc-answer").await["from"], his.peer());

    his.socket.send(&json!({ "type": "call-speaking", "call": his.call(), "on": true })).await;
    let heard = hers.socket.expect("call-speaking").await;
    assert_eq!((&heard["peer"], &heard["on"]), (&json!(his.peer()), &json!(true)));
    let media = json!({ "type": "call-media", "call": his.call(), "muted": true, "deafened": false,
        "camera": false, "shares": [], "hand": false });
    his.socket.send(&media).await;
    let seen = hers.roster(|people| people.len() == 2 && people[1]["muted"] == true).await;
    assert_eq!(seen["people"][1]["speaking"], false, "who is muted isn't heard");

    // They move to the other node, and back to their place from there.
    let elsewhere = Person::login(&other.url, "alice").await;
    let moved = Caller::join(&elsewhere, &room).await;
    assert_eq!((moved.peer(), &moved.joined["moved"]), (hers.peer(), &json!(true)));
    assert_eq!(hers.socket.expect("call-left").await["why"], "moved");
    his.roster(|people| people[0]["entry"] == moved.entry()).await;
    let there = his.signal("webrtc-offer", &moved, 1, json!({ "sdp": "v=0 moved" }));
    his.socket.send(&there).await;
    let mut moved = moved;
    assert_eq!(moved.socket.expect("webrtc-offer").await["sdp"], "v=0 moved");
    his.leave().await;
    moved.leave().await;
    reader.expect("call-over").await;
    reader.find(|frame| frame["change"] == "called").await;
}

#[tokio::test]
async fn a_node_that_dies_hands_its_calls_to_another_and_its_people_come_back() {
    let redis = RedisServer::start().await;
    let (one, other) = two_nodes(&redis.url()).await;
    let [alice] = people(&one.url, ["alice"]).await;
    let [bob, carol] = people(&other.url, ["bob", "carol"]).await;
    let room = alice.general().await;
    let mut reader = carol.socket().await;
    let hers = Caller::join(&alice, &room).await;
    let his = Caller::join(&bob, &room).await;
    roster(&mut reader, |people| people.len() == 2).await;
    // Both are at pages that go on by themselves: their sockets answer pings.
    let his = tokio::spawn(async move {
        let mut his = his;
        let roster = his.roster(|people| people.len() == 2 && people[0]["away"] == true).await;
        (his, roster)
    });
    let (page, place, entry) = (hers.page.clone(), hers.place(), hers.entry());
    drop(one);
    drop(hers);
    let (mut his, seen) = his.await.unwrap();
    assert!(seen["term"].as_u64() > Some(1) && seen["people"][1]["away"] == false, "{seen}");
    let again = Person::login(&other.url, "alice").await;
    let mut back = Caller::come(&again, &room, &page, Some(place)).await;
    assert_eq!(back.entry(), entry);
    his.roster(|people| people[0]["away"] == false && users(people).len() == 2).await;
    his.leave().await;
    back.leave().await;
    reader.find(|frame| frame["change"] == "called").await;
}

#[tokio::test]
async fn a_node_that_dies_with_all_its_people_leaves_no_call_behind() {
    let redis = RedisServer::start().await;
    let (one, other) = two_nodes(&redis.url()).await;
    let [alice] = people(&one.url, ["alice"]).await;
    let [bob] = people(&other.url, ["bob"]).await;
    let room = alice.general().await;
    let mut reader = bob.socket().await;
    let hers = Caller::join(&alice, &room).await;
    roster(&mut reader, |people| people.len() == 1).await;
    drop(one);
    roster(&mut reader, |people| people.first().is_some_and(|it| it["away"] == true)).await;
    reader.expect("call-over").await;
    let line = reader.find(|frame| frame["change"] == "called").await;
    assert_eq!(line["line"]["message"]["system"]["people"], json!([alice.user]));
    assert_eq!(bob.get("/api/calls").await.ok(), json!({ "calls": [] }));
    drop(hers);
}
