//! A room's page: what is kept of it between two who open it is never what was.

use std::io::Read;

use reqwest::Method;
use serde_json::json;

use crate::{people::Person, program::House, services::until};

async fn page(who: &Person, room: &str) -> String {
    let answer = who.get(&format!("/rooms/{room}")).await;
    assert!(answer.status.is_success(), "{}", answer.text);
    answer.text
}

#[tokio::test]
async fn a_page_shows_all_that_happened_before_it_was_asked_for() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let room = alice.room("private", "Attic", &[&bob]).await;
    let path = format!("/api/rooms/{room}/messages");
    alice.say(&room, "first words").await;
    for who in [&alice, &bob, &alice] {
        assert!(page(who, &room).await.contains("first words"));
    }
    alice.say(&room, "second words").await;
    assert!(page(&bob, &room).await.contains("second words"));
    alice.put(&format!("{path}/1/reactions/👍"), json!(null)).await.ok();
    assert!(page(&bob, &room).await.contains("data-emoji=\"👍\""));
    alice.delete(&format!("{path}/1")).await.ok();
    let shown = page(&bob, &room).await;
    assert!(!shown.contains("first words") && shown.contains("second words"));
    alice.patch(&format!("/api/rooms/{room}"), json!({ "name": "Loft" })).await.ok();
    assert!(page(&bob, &room).await.contains("data-name=\"Loft\""));
}

#[tokio::test]
async fn a_page_shows_what_people_are_called_now() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let room = alice.room("private", "Attic", &[&bob]).await;
    alice.say(&room, "words").await;
    assert!(!page(&bob, &room).await.contains("Alice L."));
    alice.patch("/api/me", json!({ "display": "Alice L." })).await.ok();
    until("the new name shows", async || {
        let shown = page(&bob, &room).await;
        let by = shown.split("class=\"author\"").nth(1).expect("a message").split('<').next();
        by.is_some_and(|by| by.contains("Alice L."))
    })
    .await;
}

/// Of the people beside a room: how somebody is, as the page says.
async fn shown_as(who: &Person, room: &str, of: &Person) -> String {
    let shown = page(who, room).await;
    let (_, row) = shown.split_once(&format!("data-person=\"{}\" data-role", of.user)).expect("their row");
    row.split('"').nth(3).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_page_shows_who_is_here_now_and_who_is_in_the_room_now() {
    let house = House::open().await;
    let [alice, bob, carol] = house.people(["alice", "bob", "carol"]).await;
    let room = alice.room("private", "Attic", &[&bob]).await;
    assert_eq!(shown_as(&alice, &room, &bob).await, "off");
    let _socket = bob.socket().await;
    until("bob is here", async || shown_as(&alice, &room, &bob).await == "here").await;
    assert!(!page(&alice, &room).await.contains(&carol.user));
    alice.post(&format!("/api/rooms/{room}/members"), json!({ "user": carol.user })).await.ok();
    assert_eq!(shown_as(&alice, &room, &carol).await, "off");
    alice.delete(&format!("/api/rooms/{room}/members/{}", carol.user)).await.ok();
    assert!(!page(&alice, &room).await.contains(&format!("data-person=\"{}\" data-role", carol.user)));
}

#[tokio::test]
async fn what_is_kept_shows_nothing_to_who_may_not_look_any_more() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let room = alice.room("private", "Attic", &[&bob]).await;
    alice.say(&room, "words").await;
    page(&bob, &room).await;
    alice.delete(&format!("/api/rooms/{room}/members/{}", bob.user)).await.ok();
    assert_eq!(bob.get(&format!("/rooms/{room}")).await.status, 404);
    assert!(page(&alice, &room).await.contains("words"));
}

#[tokio::test]
async fn a_compressed_page_says_the_same() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let room = alice.room("private", "Attic", &[]).await;
    for n in 0..30 {
        alice.say(&room, &format!("message {n} with an <ol class=\"log\"> that is no list")).await;
    }
    for path in [format!("/rooms/{room}"), format!("/rooms/{room}/view"), format!("/rooms/{room}?at=3")] {
        let plain = alice.get(&path).await;
        let asked = alice.request(Method::GET, &path).header("accept-encoding", "br, gzip");
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.headers()["content-encoding"], "gzip");
        assert_eq!(answer.headers()["vary"], "accept-encoding");
        assert_eq!(answer.headers()["content-type"], plain.headers["content-type"]);
        let packed = answer.bytes().await.unwrap();
        let mut text = String::new();
        flate2::read::GzDecoder::new(&*packed).read_to_string(&mut text).unwrap();
        assert_eq!(text, plain.text);
        assert!(packed.len() < text.len() / 2, "{} of {}", packed.len(), text.len());
    }
}
