//! Nothing that somebody writes ever runs for somebody else: not with the policy that we serve, nor without it.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    chromium::{Browser, browsers},
    house::{House, say_all},
    people::{PASSWORD, Person},
};

/// In every page before all else: whatever runs is kept, over reloads too.
const WATCH: &str = "
    for (const name of ['alert', 'confirm', 'prompt', 'print']) {
        window[name] = (...said) => localStorage.setItem('ran', `${localStorage.getItem('ran') ?? ''}\\n${name} ${said} ${new Error().stack}`);
    }";

/// What stands in the page and should not: returns it as texts.
const SUSPECTS: &str = include_str!("suspects.js");

/// People whose names and words about themselves are vectors, some at a time.
const MASKS: usize = 12;

fn vectors() -> Vec<String> {
    let vectors: Vec<String> = serde_json::from_str(include_str!("vectors.json")).unwrap();
    assert!(vectors.len() >= 120, "{}", vectors.len());
    vectors
}

/// Those that fit, joined to as few texts as can be.
fn packed(max: usize) -> Vec<String> {
    let mut packs = vec![String::new()];
    for vector in vectors() {
        let length = vector.chars().count();
        if length > max || vector.contains(char::is_control) {
            continue;
        }
        if packs.last().unwrap().chars().count() + 1 + length > max {
            packs.push(String::new());
        }
        let pack = packs.last_mut().unwrap();
        if !pack.is_empty() {
            pack.push(' ');
        }
        pack.push_str(&vector);
    }
    packs
}

fn query(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

impl Browser {
    async fn on_guard(&self, policy: bool) {
        self.cdp("Page.addScriptToEvaluateOnNewDocument", json!({ "source": WATCH })).await;
        if !policy {
            self.cdp("Page.enable", json!({})).await;
            self.cdp("Page.setBypassCSP", json!({ "enabled": true })).await;
        }
    }

    async fn nothing_ran(&self, place: &str) {
        let found: Vec<String> = self.run(SUSPECTS, &[]).await;
        assert!(found.is_empty(), "{place}: {found:#?}");
    }

    /// Points at all that is there, and gives it the focus: handlers would have their chance.
    async fn rouse(&self) {
        self.run::<Value>(
            "for (const one of document.querySelectorAll('#main *, nav *')) {
                 for (const type of ['mouseover', 'pointerenter', 'mouseenter', 'animationstart', 'toggle', 'focus', 'load', 'error', 'begin'])
                     one.dispatchEvent(new Event(type));
             }",
            &[],
        )
        .await;
    }

    async fn visit(&self, url: &str) {
        self.go(url).await;
        self.until(url, "document.readyState === 'complete' && document.querySelector('h1')").await;
        self.rouse().await;
        self.nothing_ran(url).await;
    }
}

/// Sends a change that may be refused for what it says, but for nothing else.
async fn offer(person: &Person, method: Method, path: &str, body: Value) -> Option<Value> {
    let answer = person.ask(method, path, Some(body.clone())).await;
    if answer.status.is_success() {
        return Some(answer.body);
    }
    let code = answer.code().to_owned();
    assert!(code == "invalid" || code == "name_taken", "{body}: {}", answer.body);
    None
}

#[tokio::test]
async fn no_message_reply_or_edit_runs() {
    let house = House::open().await;
    let [alice, mallory] = house.people(["alice", "mallory"]).await;
    let general = mallory.general().await;
    let lounge = mallory.room("private", "lounge", &[&alice]).await;
    let pages: [Browser; 2] = browsers().await;
    for (page, policy) in pages.iter().zip([true, false]) {
        page.on_guard(policy).await;
        house.seat(page, "alice", &format!("/rooms/{general}")).await;
        page.in_room("general").await;
    }
    // Live, as they are posted.
    let mut socket = mallory.socket().await;
    say_all(&mut socket, &general, vectors()).await;
    mallory.say(&general, "That was all").await;
    for page in &pages {
        page.sees("That was all").await;
        page.rouse().await;
        page.nothing_ran("live").await;
    }
    // As answers to each, and edited into one.
    for (n, vector) in vectors().into_iter().enumerate() {
        let answer = json!({ "text": "Hm", "reply_to": n + 2 });
        offer(&mallory, Method::POST, &format!("/api/rooms/{general}/messages"), answer).await;
        if n % 3 == 0 {
            let said = mallory.say(&lounge, "Harmless").await;
            let path = format!("/api/rooms/{lounge}/messages/{said}");
            let base = mallory.get(&path).await.ok()["base"].clone();
            offer(&mallory, Method::PATCH, &path, json!({ "text": vector, "base": base })).await;
        }
    }
    for page in &pages {
        page.nothing_ran("answers").await;
        for at in [50, 150, 250, 350, 450] {
            page.visit(&format!("{}/rooms/{general}?at={at}", house.url)).await;
        }
        page.visit(&format!("{}/rooms/{lounge}", house.url)).await;
    }
    // What one writes oneself, before the server has it.
    let [page, _] = &pages;
    for vector in vectors().iter().filter(|vector| !vector.contains(char::is_control)).step_by(9) {
        let write = "const field = document.querySelector('#text'); field.value = arguments[0]; \
             field.dispatchEvent(new Event('input')); field.form.requestSubmit()";
        page.run::<Value>(write, &[json!(vector)]).await;
        page.nothing_ran("pending").await;
    }

    // That it would be noticed, with the policy and without.
    for (page, ran) in pages.iter().zip([false, true]) {
        let inject = "const one = document.createElement('p'); one.innerHTML = '<img src=x onerror=alert(1)>'; document.body.append(one)";
        page.run::<Value>(inject, &[]).await;
        let found: Vec<String> = page.run(SUSPECTS, &[]).await;
        assert!(found.iter().any(|one| one.starts_with("handler")), "{found:?}");
        if ran {
            page.until("it runs", "localStorage.getItem('ran')").await;
        }
    }
}

#[tokio::test]
async fn no_name_topic_or_draft_runs() {
    let house = House::open().await;
    let [_, alice, mallory] = house.people(["owner", "alice", "mallory"]).await;
    let mut rooms = vec![];
    let topics = packed(250);
    for (n, name) in packed(80).into_iter().enumerate() {
        let body = json!({ "kind": "public", "name": name, "topic": topics[n % topics.len()] });
        if let Some(room) = offer(&mallory, Method::POST, "/api/rooms", body).await {
            rooms.push(room["room"].as_str().unwrap().to_owned());
        }
    }
    assert!(rooms.len() > 40, "{}", rooms.len());
    for room in &rooms {
        alice.post(&format!("/api/rooms/{room}/join"), json!({})).await.ok();
    }
    let mut socket = alice.socket().await;
    let drafts = packed(4000);
    for (room, text) in rooms.iter().zip(&drafts) {
        socket.change(json!({ "type": "draft", "room": room, "text": format!("</textarea>{text}") })).await;
    }
    let pages: [Browser; 2] = browsers().await;
    for (page, policy) in pages.iter().zip([true, false]) {
        page.on_guard(policy).await;
        house.seat(page, "alice", &format!("/rooms/{}", rooms[0])).await;
        page.connected().await;
        page.rouse().await;
        page.nothing_ran("a room").await;
    }
    // New names and topics as they come, with their lines in the timeline.
    for text in topics.iter().chain(&packed(80)) {
        let field = if text.chars().count() > 80 { "topic" } else { "name" };
        offer(&mallory, Method::PATCH, &format!("/api/rooms/{}", rooms[0]), json!({ field: text })).await;
    }
    let last = mallory.say(&rooms[0], "That was all").await;
    for page in &pages {
        page.until_with("the last line", "document.querySelector(`#m${arguments[0]}`)", &[json!(last)]).await;
        page.rouse().await;
        page.nothing_ran("renamed").await;
        for path in
            [format!("/rooms/{}", rooms[1]), format!("/rooms/{}/settings", rooms[2]), "/browse".to_owned()]
        {
            page.visit(&format!("{}{path}", house.url)).await;
        }
        page.go(&format!("{}/rooms/{}", house.url, rooms[3])).await;
        page.connected().await;
        page.run::<Value>(
            "dispatchEvent(new KeyboardEvent('keydown', { key: 'k', ctrlKey: true, bubbles: true })); \
             document.dispatchEvent(new KeyboardEvent('keydown', { key: 'k', ctrlKey: true }))",
            &[],
        )
        .await;
        page.until("the switcher", "document.querySelector('dialog.switcher [role=option]')").await;
        page.nothing_ran("the switcher").await;
    }
}

#[tokio::test]
async fn no_persons_name_or_bio_runs() {
    let house = House::open().await;
    let [_, _] = house.people(["owner", "alice"]).await;
    let mut masks = vec![];
    for n in 0..MASKS {
        masks.push(Person::register(&house.direct, &format!("mask{n}")).await);
    }
    let general = masks[0].general().await;
    let pages: [Browser; 2] = browsers().await;
    for (page, policy) in pages.iter().zip([true, false]) {
        page.on_guard(policy).await;
        house.seat(page, "alice", "/").await;
        page.in_room("general").await;
    }
    let alice = Person::login(&house.direct, "alice").await;
    let (names, bios) = (packed(64), packed(500));
    for (round, some) in names.chunks(MASKS).enumerate() {
        for (n, (mask, name)) in masks.iter().zip(some).enumerate() {
            let bio = &bios[(round * MASKS + n) % bios.len()];
            offer(mask, Method::PATCH, "/api/me", json!({ "bio": bio })).await;
            offer(mask, Method::PATCH, "/api/me", json!({ "display": name })).await;
            mask.say(&general, &format!("I am @mask{n}, and so is @alice")).await;
        }
        // Read up to here, so that the next visit opens at the end of the room and not at an unread line far up.
        let last = masks[0].say(&general, "Next").await;
        let read = json!({ "seq": last });
        alice.ask(Method::PUT, &format!("/api/rooms/{general}/read"), Some(read)).await.ok();
        for page in &pages {
            page.until_with("the last line", "document.querySelector(`#m${arguments[0]}`)", &[json!(last)])
                .await;
            page.nothing_ran("live").await;
            page.visit(&format!("{}/people", house.url)).await;
            page.visit(&format!("{}/rooms/{general}", house.url)).await;
            page.in_room("general").await;
        }
    }
    for page in &pages {
        page.run::<Value>("document.querySelector('#timeline .author').click()", &[]).await;
        page.until("a card", "document.querySelector('.namecard')").await;
        page.rouse().await;
        page.nothing_ran("a card").await;
    }
    // One's own.
    let [page, _] = &pages;
    for (bio, name) in bios.iter().zip(&names) {
        offer(&alice, Method::PATCH, "/api/me", json!({ "bio": bio, "display": name })).await;
        page.visit(&format!("{}/settings", house.url)).await;
    }
}

#[tokio::test]
async fn no_search_and_no_way_onward_runs_or_leads_elsewhere() {
    let house = House::open().await;
    let [_] = house.people(["alice"]).await;
    let pages: [Browser; 2] = browsers().await;
    for (page, policy) in pages.iter().zip([true, false]) {
        page.on_guard(policy).await;
        for text in packed(400) {
            page.visit(&format!("{}/login?next={}", house.url, query(&text))).await;
            page.visit(&format!("{}/register?invite={}", house.url, query(&text))).await;
        }
        house.seat(page, "alice", "/").await;
        page.in_room("general").await;
        for text in packed(100).iter().step_by(2) {
            page.go(&format!("{}/browse?q={}", house.url, query(text))).await;
            page.nothing_ran(text).await;
        }
        for text in packed(100).iter().skip(1).step_by(4) {
            page.visit(&format!("{}/people?q={}", house.url, query(text))).await;
        }
        page.visit(&format!("{}/new?kind={}", house.url, query("\"><img src=x onerror=alert(1)>"))).await;
        page.visit(&format!("{}/{}", house.url, query("<img src=x onerror=alert(1)>"))).await;
    }
    let [page, _] = &pages;
    let elsewhere: BTreeSet<&str> = BTreeSet::from([
        "//evil.test",
        "/\\evil.test",
        "\\/evil.test",
        "https://evil.test",
        "https:evil.test",
        "/\t/evil.test",
        "/\n/evil.test",
        "///evil.test",
        "//evil.test/%2e%2e",
        "javascript:alert(1)",
        " javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "/%09/evil.test",
        "/..//evil.test",
        "/.//evil.test",
        "@evil.test",
        ".evil.test",
    ]);
    for next in elsewhere {
        page.driver.delete_all_cookies().await.unwrap();
        page.go(&format!("{}/login?next={}", house.url, query(next))).await;
        page.enter("alice", PASSWORD).await;
        page.until(next, "location.pathname !== '/login' && document.readyState === 'complete'").await;
        let origin: String = page.value("location.origin").await;
        assert_eq!(origin, house.url, "{next:?}");
        page.nothing_ran(next).await;
    }
}
