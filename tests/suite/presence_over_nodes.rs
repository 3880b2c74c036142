//! Who is here, when they are on several nodes.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    cluster::two_nodes,
    people::{Person, Socket, people},
    services::RedisServer,
};

/// The people of a killed node are gone within half a minute; the rest is for a busy machine.
const GONE: Duration = Duration::from_secs(45);

/// What a frame says of somebody; all that it doesn't name are offline when it names everybody.
fn state_in(frame: &Value, who: &Person) -> Option<String> {
    let people = frame["people"].as_array().filter(|_| frame["type"] == "presence")?;
    let named = people.iter().find(|here| here["user"] == who.user.as_str());
    let offline = (frame["full"] == true).then(|| "offline".to_owned());
    named.map(|here| here["state"].as_str().unwrap().to_owned()).or(offline)
}

/// Looks at a room until all of these have been seen in this state; what was told before is past.
async fn sees<const N: usize>(eyes: &mut Socket, who: [&Person; N], state: &str) {
    let mut left = who.to_vec();
    eyes.find(|frame| {
        left.retain(|person| state_in(frame, person).as_deref() != Some(state));
        left.is_empty()
    })
    .await;
    eyes.settled().await;
}

/// Somebody's eyes on the room that everybody is in.
async fn looks(person: &Person) -> Socket {
    let mut eyes = person.socket().await;
    let room = person.general().await;
    eyes.send(&json!({ "type": "watch", "room": room })).await;
    eyes
}

#[tokio::test]
async fn who_has_devices_on_two_nodes_is_here_until_the_last_goes() {
    let redis = RedisServer::start().await;
    let (one, other) = two_nodes(&redis.url()).await;
    let [alice, bob] = people(&one.url, ["alice", "bob"]).await;
    let mut eyes = looks(&alice).await;
    let elsewhere = Person::login(&other.url, "bob").await;
    let mut phone = elsewhere.socket().await;
    sees(&mut eyes, [&bob], "online").await;
    phone.send(&json!({ "type": "presence", "state": "idle" })).await;
    sees(&mut eyes, [&bob], "idle").await;
    let desk = bob.socket().await;
    sees(&mut eyes, [&bob], "online").await;
    drop(desk);
    sees(&mut eyes, [&bob], "idle").await;
    drop(phone);
    sees(&mut eyes, [&bob], "offline").await;
}

#[tokio::test]
async fn the_people_of_a_killed_node_are_gone_within_half_a_minute_and_nobody_else() {
    let redis = RedisServer::start().await;
    let (one, other) = two_nodes(&redis.url()).await;
    let [alice, bob, carol] = people(&one.url, ["alice", "bob", "carol"]).await;
    let mut eyes = looks(&alice).await;
    let there = [Person::login(&other.url, "bob").await, Person::login(&other.url, "carol").await];
    let _bobs = (bob.socket().await, there[0].socket().await);
    let _carols = there[1].socket().await;
    sees(&mut eyes, [&bob, &carol], "online").await;
    other.kill().await;
    let killed = Instant::now();
    let mut heard = vec![];
    while !heard.iter().any(|frame| state_in(frame, &carol).as_deref() == Some("offline")) {
        assert!(killed.elapsed() < GONE, "she is here still: {heard:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
        heard.extend(eyes.settled().await);
    }
    println!("gone after {:?}", killed.elapsed());
    let bobs: Vec<_> = heard.iter().filter_map(|frame| state_in(frame, &bob)).collect();
    assert!(!bobs.contains(&"offline".to_owned()), "he has a device on the node that lives: {heard:?}");
}

#[tokio::test]
async fn who_comes_back_to_another_node_when_theirs_stops_is_not_seen_to_go() {
    let redis = RedisServer::start().await;
    let (one, other) = two_nodes(&redis.url()).await;
    let [alice, bob, carol] = people(&one.url, ["alice", "bob", "carol"]).await;
    let mut eyes = looks(&alice).await;
    let mut there = Person::login(&other.url, "bob").await.socket().await;
    let carols = Person::login(&other.url, "carol").await.socket().await;
    sees(&mut eyes, [&bob, &carol], "online").await;
    let down = other.go_down();
    let moving = async {
        there.closed().await;
        drop(carols);
        bob.socket().await
    };
    let ((), _here) = tokio::join!(down, moving);
    let mut before = vec![];
    eyes.find(|frame| {
        before.extend(state_in(frame, &bob));
        state_in(frame, &carol).as_deref() == Some("offline")
    })
    .await;
    assert!(!before.contains(&"offline".to_owned()), "{before:?}");
}
