//! The network goes away, and comes back.

use serde_json::{Value, json};

use crate::{
    chromium::{Browser, browser},
    house::House,
    people::Person,
    relay::{Relay, Way},
    services::{RedisServer, free_port, mongodb_url, until},
};

/// A server behind a network that can be cut.
async fn behind_a_relay() -> (House, Relay) {
    let port = free_port();
    let relay = Relay::before(port).await;
    (House::behind(port, Some(relay.url.clone())).await, relay)
}

/// How often each of these stands in a room, as the server has it.
async fn stored(person: &Person, room: &str, text: &str) -> usize {
    let answer = person.get(&format!("/api/rooms/{room}/messages?limit=100")).await.ok();
    let messages = answer["messages"].as_array().unwrap();
    messages.iter().filter(|message| message["text"] == text).count()
}

impl Browser {
    async fn is_told_of_the_cut(&self) {
        self.until("the banner", "document.querySelector('#banner')?.hidden === false && document.querySelector('#app[data-offline]')").await;
    }

    /// Doesn't wait for the next attempt.
    async fn comes_back(&self) {
        self.until(
            "the connection is back",
            "document.querySelector('#banner').hidden || void document.querySelector('#banner button')?.click()",
        )
        .await;
    }

    async fn waits(&self, text: &str) {
        self.message_is(
            text,
            "li.dataset.state === 'pending' && !li.dataset.seq && li.querySelector('.status').textContent",
        )
        .await;
    }

    /// All on show is there once, in order, without a hole.
    async fn is_whole(&self) {
        let places = self.places().await;
        let whole = places.windows(2).all(|pair| pair[0] + 1 == pair[1]);
        assert!(whole, "{places:?}");
    }
}

#[tokio::test]
async fn what_is_written_while_the_network_is_cut_survives_a_reload_and_arrives_once() {
    let (house, relay) = behind_a_relay().await;
    let [_, bob] = house.people(["alice", "bob"]).await;
    let general = bob.general().await;
    let page = browser().await;
    house.seat(&page, "alice", "/").await;
    page.in_room("general").await;
    relay.set(Way::Cut);
    page.is_told_of_the_cut().await;
    page.say("First").await;
    page.say("Second").await;
    page.waits("First").await;
    page.waits("Second").await;
    bob.say(&general, "Meanwhile").await;

    relay.set(Way::PagesOnly);
    page.driver.refresh().await.unwrap();
    page.waits("First").await;
    page.waits("Second").await;
    page.sees("Meanwhile").await;
    page.is_told_of_the_cut().await;
    assert_eq!(stored(&bob, &general, "First").await, 0);

    relay.set(Way::Open);
    page.comes_back().await;
    page.sees("First").await;
    page.sees("Second").await;
    page.is_whole().await;
    for text in ["First", "Second"] {
        assert_eq!(stored(&bob, &general, text).await, 1);
    }
    page.driver.refresh().await.unwrap();
    page.in_room("general").await;
    for text in ["First", "Meanwhile", "Second"] {
        page.sees(text).await;
    }
}

#[tokio::test]
async fn what_others_wrote_meanwhile_comes_in_order_without_a_reload() {
    let (house, relay) = behind_a_relay().await;
    let [_, bob] = house.people(["alice", "bob"]).await;
    let general = bob.general().await;
    let page = browser().await;
    house.seat(&page, "alice", "/").await;
    page.in_room("general").await;
    let gone = bob.say(&general, "Soon gone").await;
    let changed = bob.say(&general, "Soon another").await;
    page.sees("Soon another").await;
    page.run::<Value>("window.same = true", &[]).await;

    relay.set(Way::Cut);
    for n in 1..=60 {
        bob.say(&general, &format!("Away {n}")).await;
    }
    let message = format!("/api/rooms/{general}/messages/{changed}");
    let base = bob.get(&message).await.ok()["base"].clone();
    let edit = json!({ "text": "Another", "base": base });
    bob.ask(reqwest::Method::PATCH, &message, Some(edit)).await.ok();
    bob.ask(reqwest::Method::DELETE, &format!("/api/rooms/{general}/messages/{gone}"), None).await.ok();
    page.say("Written in the dark").await;
    relay.set(Way::Open);
    page.comes_back().await;
    page.sees("Written in the dark").await;
    for n in [1, 30, 60] {
        page.sees(&format!("Away {n}")).await;
    }
    page.sees("Another").await;
    page.misses("Soon gone").await;
    page.misses("Soon another").await;
    page.is_whole().await;
    assert!(page.value::<bool>("window.same").await, "the page wasn't loaded anew");
}

#[tokio::test]
async fn a_message_whose_answer_is_lost_is_sent_again_and_stands_once() {
    let (house, relay) = behind_a_relay().await;
    let [_, bob] = house.people(["alice", "bob"]).await;
    let general = bob.general().await;
    let page = browser().await;
    house.seat(&page, "alice", "/").await;
    page.in_room("general").await;
    relay.set(Way::NoAnswers);
    page.say("Did you hear?").await;
    until("the server has it", async || stored(&bob, &general, "Did you hear?").await == 1).await;
    page.waits("Did you hear?").await;
    relay.set(Way::Cut);
    page.is_told_of_the_cut().await;
    relay.set(Way::Open);
    page.comes_back().await;
    page.sees("Did you hear?").await;
    page.say("And then").await;
    page.sees("And then").await;
    page.is_whole().await;
    assert_eq!(page.count("Did you hear?").await, 1);
    assert_eq!(stored(&bob, &general, "Did you hear?").await, 1);
}

#[tokio::test]
async fn a_server_that_was_killed_and_starts_again_is_come_back_to() {
    let mut house = House::open().await;
    let [bob] = house.people(["bob"]).await;
    house.people(["alice"]).await;
    let general = bob.general().await;
    let page = browser().await;
    house.seat(&page, "alice", "/").await;
    page.in_room("general").await;
    page.say("Before").await;
    page.sees("Before").await;
    house.kill().await;
    page.say("During").await;
    page.is_told_of_the_cut().await;
    page.waits("During").await;
    house.start().await;
    page.comes_back().await;
    page.sees("During").await;
    page.sees("Before").await;
    page.is_whole().await;
    assert_eq!(stored(&bob, &general, "During").await, 1);
    page.say("After").await;
    page.sees("After").await;
}

#[tokio::test]
async fn while_redis_is_away_the_page_says_that_others_come_late() {
    let (mongodb, mut redis) = (mongodb_url(), RedisServer::start().await);
    let house = House::in_a_cluster(&mongodb, &redis.url()).await;
    house.people(["alice"]).await;
    let page = browser().await;
    house.seat(&page, "alice", "/").await;
    page.in_room("general").await;
    redis.kill();
    let late = "document.querySelector('#banner')?.hidden === false \
         && document.querySelector('#banner b') && !document.querySelector('#app[data-offline]')";
    page.until("the page says so", late).await;
    page.say("On this node all is well").await;
    page.sees("On this node all is well").await;
    redis.start_again().await;
    page.until("all is as before", "document.querySelector('#banner').hidden").await;
}

#[tokio::test]
async fn a_refused_message_can_be_sent_again_or_discarded() {
    let (house, relay) = behind_a_relay().await;
    let [bob, alice] = house.people(["bob", "alice"]).await;
    let lounge = bob.room("public", "lounge", &[]).await;
    alice.post(&format!("/api/rooms/{lounge}/join"), json!({})).await.ok();
    let page = browser().await;
    house.seat(&page, "alice", &format!("/rooms/{lounge}")).await;
    page.in_room("lounge").await;
    relay.set(Way::Cut);
    page.is_told_of_the_cut().await;
    page.say("Too late").await;
    page.say("Never mind").await;
    bob.ask(reqwest::Method::DELETE, &format!("/api/rooms/{lounge}/members/{}", alice.user), None).await.ok();
    relay.set(Way::Open);
    page.comes_back().await;
    let failed = "li.dataset.state === 'failed' && li.querySelector('[data-retry]') && li.querySelector('[data-discard]')";
    let link = format!("{}/rooms/{lounge}", house.url);
    let kept = "Object.keys(localStorage).filter((key) => key.startsWith('parlor.outbox.') \
         && JSON.parse(localStorage[key]).state === 'failed').length === arguments[0]";
    page.until_with("both are refused", kept, &[json!(2)]).await;
    page.go(&link).await;
    page.message_is("Too late", failed).await;
    page.message_is("Never mind", failed).await;
    page.message_is("Too late", "li.querySelector('.status').textContent.includes('Not sent')").await;

    let button = async |text: &str, which: &str| {
        page.message(text).await;
        let press = "const li = [...document.querySelectorAll('li[data-pending]')]\
             .find((li) => li.querySelector('.text').textContent === arguments[0]); \
             li.querySelector(`[data-${arguments[1]}]`).click()";
        page.run::<Value>(press, &[json!(text), json!(which)]).await;
    };
    button("Never mind", "discard").await;
    page.misses("Never mind").await;
    page.press_button("Join this room").await;
    page.connected().await;
    page.message_is("Too late", failed).await;
    button("Too late", "retry").await;
    page.sees("Too late").await;
    page.go(&link).await;
    page.sees("Too late").await;
    page.misses("Never mind").await;
    assert_eq!(stored(&bob, &lounge, "Too late").await, 1);
    assert_eq!(stored(&bob, &lounge, "Never mind").await, 0);
}

#[tokio::test]
async fn two_tabs_of_one_person_are_in_step() {
    let (house, relay) = behind_a_relay().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let general = alice.general().await;
    let page = browser().await;
    house.seat(&page, "alice", "/").await;
    page.in_room("general").await;
    let first = page.this_tab().await;
    let second = page.tab(&house.url).await;
    page.in_room("general").await;
    page.say("From the second").await;
    page.sees("From the second").await;
    page.look_at(&first).await;
    page.sees("From the second").await;
    page.act("From the second", "edit").await;
    page.fill(".editing textarea", "From both").await;
    page.keys(thirtyfour::Key::Enter).await;
    for tab in [&first, &second] {
        page.look_at(tab).await;
        page.sees("From both").await;
    }
    // Each tab sends what it holds, once; a tab that is closed leaves it to the others.
    relay.set(Way::Cut);
    page.is_told_of_the_cut().await;
    page.say("Left behind").await;
    page.waits("Left behind").await;
    page.driver.close_window().await.unwrap();
    page.look_at(&first).await;
    page.say("Held").await;
    page.waits("Held").await;
    relay.set(Way::Open);
    page.comes_back().await;
    page.sees("Held").await;
    page.driver.refresh().await.unwrap();
    page.in_room("general").await;
    page.sees("Left behind").await;
    page.is_whole().await;
    for text in ["Held", "Left behind"] {
        assert_eq!(stored(&bob, &general, text).await, 1);
    }
}

#[tokio::test]
async fn a_draft_of_another_device_arrives_after_a_cut() {
    let (house, relay) = behind_a_relay().await;
    let [alice] = house.people(["alice"]).await;
    let general = alice.general().await;
    let draft = format!("/api/rooms/{general}/draft");
    let page = browser().await;
    house.seat(&page, "alice", "/").await;
    page.in_room("general").await;
    alice.put(&draft, json!({ "text": "From the phone" })).await.ok();
    page.until("it comes at once", "document.querySelector('#text').value === 'From the phone'").await;
    relay.set(Way::Cut);
    page.is_told_of_the_cut().await;
    alice.put(&draft, json!({ "text": "From the phone, later" })).await.ok();
    relay.set(Way::Open);
    page.comes_back().await;
    page.until("it comes", "document.querySelector('#text').value === 'From the phone, later'").await;
    // What is being written here goes first.
    page.fill("#text", "From here").await;
    alice.put(&draft, json!({ "text": "Too late" })).await.ok();
    page.say("Said from here").await;
    page.sees("Said from here").await;
}
