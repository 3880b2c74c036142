//! Long histories: pages of them, places in them, and how little of them the page holds.

use serde_json::{Value, json};

use crate::{
    chromium::{Browser, browser},
    house::{House, say_all},
    people::Person,
};

/// What the page holds at most, and a page that has just come.
const BOUND: usize = 300 + 50;
/// How far a line may move on the screen while others come, in pixels.
const STILL: f64 = 2.0;

/// A room with alice and bob and this many messages, of different heights.
async fn long_room(house: &House, count: u64) -> (String, Person) {
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let room = alice.room("private", "archive", &[&bob]).await;
    let mut socket = bob.socket().await;
    let texts = (1..=count).map(|n| match n % 7 {
        0 => format!(
            "Message {n}\n\nwith a second paragraph that goes on for a while, so that it takes a line or two"
        ),
        3 => format!("```rust\nlet message = {n};\n```"),
        _ => format!("Message {n}"),
    });
    say_all(&mut socket, &room, texts).await;
    let seq = alice.get(&format!("/api/rooms/{room}")).await.ok()["seq"].clone();
    alice
        .ask(reqwest::Method::PUT, &format!("/api/rooms/{room}/read"), Some(json!({ "seq": seq })))
        .await
        .ok();
    (room, bob)
}

impl Browser {
    /// Scrolls so near to an end that the next page comes, and returns how far what is read has moved meanwhile.
    async fn scroll_on(&self, to: &str) -> f64 {
        let before = self.places().await;
        let script = "
            const box = document.querySelector('#timeline');
            const { scrollHeight, clientHeight } = box;
            box.scrollTop = args[0] === 'start' ? clientHeight - scrollHeight + 500 : -500;
            const { top, bottom } = box.getBoundingClientRect();
            const middle = (top + bottom) / 2;
            const lines = [...box.querySelectorAll('li[data-seq]')];
            const anchor = lines.find((line) => line.getBoundingClientRect().bottom > middle);
            const place = anchor.getBoundingClientRect().top;
            const ends = () => {
                const seqs = [...box.querySelectorAll('li[data-seq]')];
                return args[0] === 'start' ? seqs[0].dataset.seq : seqs.at(-1).dataset.seq;
            };
            const end = ends();
            const until = performance.now() + 15000;
            while (ends() === end) {
                if (performance.now() > until) throw new Error(`nothing came at the ${args[0]} after ${end}`);
                await new Promise(requestAnimationFrame);
            }
            for (let i = 0; i < 10; i++) await new Promise(requestAnimationFrame);
            return anchor.isConnected ? Math.abs(anchor.getBoundingClientRect().top - place) : 9999;";
        let moved = self.promised(script, &[json!(to)]).await;
        let after = self.places().await;
        assert_ne!(before, after);
        self.is_a_stretch(&after);
        moved
    }

    /// In order, without a hole, and not too many.
    fn is_a_stretch(&self, places: &[u64]) {
        assert!(places.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{places:?}");
        assert!(places.len() <= BOUND, "{} lines", places.len());
    }

    async fn in_view(&self, seq: u64) {
        let seen = "(() => { const line = document.querySelector(`#m${arguments[0]}`)?.getBoundingClientRect(); \
             const box = document.querySelector('#timeline').getBoundingClientRect(); \
             return line && line.bottom > box.top && line.top < box.bottom })()";
        self.until_with(&format!("message {seq} in view"), seen, &[json!(seq)]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_line_before_what_is_new_counts_what_comes_after_it() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let room = alice.general().await;
    // Her own words are before it, although no page has said that she read them.
    for (who, text) in [(&alice, "one"), (&alice, "two"), (&bob, "three"), (&bob, "four")] {
        who.say(&room, text).await;
    }
    let page = browser().await;
    house.seat(&page, "alice", &format!("/rooms/{room}")).await;
    page.until("the line", "document.querySelector('#fresh')").await;
    let said: String = page.value("document.querySelector('#fresh').textContent").await;
    assert!(said.contains("2 messages since"), "{said}");
}

#[tokio::test]
async fn a_room_opens_at_its_end_and_goes_on_both_ways_without_a_jump() {
    let house = House::open().await;
    let (room, bob) = long_room(&house, 400).await;
    let page = browser().await;
    house.seat(&page, "alice", &format!("/rooms/{room}")).await;
    page.in_room("archive").await;
    let places = page.places().await;
    let newest = *places.last().unwrap();
    assert_eq!(places.len(), 100, "{places:?}");
    page.in_view(newest).await;

    let mut moved = vec![];
    while page.places().await[0] > 1 {
        moved.push(page.scroll_on("start").await);
    }
    assert!(moved.len() >= 6, "{moved:?}");
    assert!(moved.iter().all(|pixels| *pixels <= STILL), "{moved:?}");
    page.until("the beginning", "document.querySelector('#opening')?.checkVisibility()").await;

    // The far end has gone from the page; it comes again.
    let mut moved = vec![];
    while page.places().await.last() < Some(&newest) {
        moved.push(page.scroll_on("end").await);
    }
    assert!(!moved.is_empty());
    assert!(moved.iter().all(|pixels| *pixels <= STILL), "{moved:?}");

    // News while one reads further up: nothing moves, the way down counts it.
    let place = "(() => { const box = document.querySelector('#timeline'); \
         return [...box.querySelectorAll('li[data-seq]')].at(-40).getBoundingClientRect().top })()";
    page.run::<Value>("document.querySelector('#timeline').scrollTop = -1500", &[]).await;
    let before: f64 = page.value(place).await;
    bob.say(&room, "News").await;
    page.until(
        "the way down counts it",
        "/1/.test(document.querySelector('#jump:not([hidden])')?.textContent)",
    )
    .await;
    page.sees("News").await;
    let after: f64 = page.value(&place.replace("at(-40)", "at(-41)")).await;
    assert!((before - after).abs() <= STILL, "{before} {after}");
    page.click("#jump").await;
    page.in_view(newest + 1).await;
}

#[tokio::test]
async fn a_message_that_changes_above_moves_nothing() {
    let house = House::open().await;
    let (room, bob) = long_room(&house, 80).await;
    let page = browser().await;
    house.seat(&page, "alice", &format!("/rooms/{room}")).await;
    page.in_room("archive").await;
    let above = page.places().await[20];
    page.run::<Value>("document.querySelector('#timeline').scrollTop = -300", &[]).await;
    let place =
        "[...document.querySelectorAll('#timeline li[data-seq]')].at(-14).getBoundingClientRect().top";
    let before: f64 = page.value(place).await;
    let message = format!("/api/rooms/{room}/messages/{above}");
    let base = bob.get(&message).await.ok()["base"].clone();
    let text = "Now\n\nit\n\nis\n\nmuch\n\nlonger";
    bob.ask(reqwest::Method::PATCH, &message, Some(json!({ "text": text, "base": base }))).await.ok();
    let longer = "document.querySelector(`#m${arguments[0]} .edited`)";
    page.until_with("it is longer", longer, &[json!(above)]).await;
    let after: f64 = page.value(place).await;
    assert!((before - after).abs() <= STILL, "{before} {after}");
}

#[tokio::test]
async fn a_link_to_a_message_opens_the_room_there() {
    let house = House::open().await;
    let (room, bob) = long_room(&house, 300).await;
    let page = browser().await;
    house.seat(&page, "alice", &format!("/rooms/{room}?at=150")).await;
    page.in_room("archive").await;
    page.in_view(150).await;
    page.until("it is shown", "document.activeElement?.id === 'm150'").await;
    let places = page.places().await;
    page.is_a_stretch(&places);
    assert!(places[0] > 1 && *places.last().unwrap() < 300, "it stands amid its own: {places:?}");
    let moved = page.scroll_on("end").await;
    assert!(moved <= STILL, "{moved}");
    let moved = page.scroll_on("start").await;
    assert!(moved <= STILL, "{moved}");

    // A reply leads to what it answers, wherever that is, and the history leads back.
    let answer = json!({ "text": "Remember?", "reply_to": 20 });
    bob.post(&format!("/api/rooms/{room}/messages"), answer).await.ok();
    page.until("the way down", "document.querySelector('#jump')?.hidden === false").await;
    page.click("#jump").await;
    page.sees("Remember?").await;
    page.click("#timeline .quoted").await;
    page.in_view(20).await;
    page.go(&format!("{}/rooms/{room}?at=99999", house.url)).await;
    page.in_room("archive").await;
}

#[tokio::test]
async fn ten_thousand_messages_are_scrolled_through_with_few_in_the_page() {
    let house = House::open().await;
    let (room, bob) = long_room(&house, 10_000).await;
    let newest = bob.get(&format!("/api/rooms/{room}")).await.ok()["seq"].as_u64().unwrap();
    assert!(newest >= 10_000);
    let page = browser().await;
    house.seat(&page, "alice", &format!("/rooms/{room}?at=5000")).await;
    page.in_room("archive").await;
    page.in_view(5000).await;
    for _ in 0..12 {
        assert!(page.scroll_on("start").await <= STILL);
    }
    for _ in 0..6 {
        assert!(page.scroll_on("end").await <= STILL);
    }
    page.click("#jump").await;
    page.in_view(newest).await;
    let places = page.places().await;
    page.is_a_stretch(&places);
    let nodes: usize = page.value("document.querySelectorAll('*').length").await;
    assert!(nodes < 12_000, "{nodes} elements");
}
