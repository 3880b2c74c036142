//! Two people talk.

use serde_json::json;
use thirtyfour::Key;

use crate::{
    chromium::{browser, browsers},
    house::House,
    people::PASSWORD,
    services::until,
};

#[tokio::test]
async fn two_people_register_by_the_form_and_talk_live() {
    let house = House::open().await;
    let [alice, bob] = browsers().await;
    for (person, name) in [(&alice, "alice"), (&bob, "bob")] {
        person.go(&format!("{}/register", house.url)).await;
        person.enter(name, PASSWORD).await;
        person.in_room("general").await;
    }
    alice.say("Is **anybody** there?").await;
    bob.sees("Is anybody there?").await;
    bob.message_is("Is anybody there?", "li.querySelector('strong')?.textContent === 'anybody'").await;
    bob.message_is("Is anybody there?", "li.querySelector('.author').textContent === 'alice'").await;
    bob.say("I am").await;
    alice.sees("I am").await;
    alice.sees("Is anybody there?").await;
    bob.sees("I am").await;
    assert_eq!(alice.places().await, bob.places().await);
    alice.message_is("I am", "!('own' in li.dataset)").await;
    bob.message_is("I am", "'own' in li.dataset").await;

    bob.fill("#text", "Well").await;
    until("bob is typing", async || {
        bob.keys("l").await;
        alice.value("document.querySelector('#typing').textContent.includes('bob')").await
    })
    .await;
    bob.fill("#text", "So").await;
    bob.keys(Key::Enter).await;
    alice.sees("So").await;
    alice.until("nobody is typing", "document.querySelector('#typing').textContent === ''").await;
}

#[tokio::test]
async fn a_direct_message_begins_at_a_name() {
    let house = House::open().await;
    let [alice_account, bob_account, _] = house.people(["alice", "bob", "carol"]).await;
    let general = bob_account.general().await;
    bob_account.say(&general, "Write to me").await;
    let [alice, bob] = browsers().await;
    house.seat(&alice, "alice", "/").await;
    house.seat(&bob, "bob", "/").await;
    alice.in_room("general").await;
    bob.in_room("general").await;

    alice.click("#timeline .author[data-person]").await;
    alice.click(".namecard [data-direct]").await;
    alice.in_room("bob").await;
    alice.say("Between us").await;
    alice.sees("Between us").await;
    bob.badge_is("alice", "1").await;
    bob.open("alice").await;
    bob.sees("Between us").await;
    bob.badge_is("alice", "").await;
    bob.say("Only us").await;
    alice.sees("Only us").await;

    // Begun once more, by the other one, it is the same.
    bob.open("general").await;
    bob.click(&format!(".person-row[data-person='{}']", alice_account.user)).await;
    bob.click(".namecard [data-direct]").await;
    bob.in_room("alice").await;
    bob.sees("Between us").await;
}

#[tokio::test]
async fn a_private_room_is_made_with_those_who_are_invited() {
    let house = House::open().await;
    let [_, bob_account, carol] = house.people(["alice", "bob", "carol"]).await;
    let [alice, bob] = browsers().await;
    house.seat(&alice, "alice", "/").await;
    house.seat(&bob, "bob", "/").await;
    bob.in_room("general").await;
    alice.in_room("general").await;
    alice.click("#rail [href='/new']").await;
    alice.click(".choice:has([value=private])").await;
    alice.fill("#room-name", "Ship's log").await;
    alice.fill("#room-topic", "What <b>happened</b>").await;
    alice.fill("#room-people", "bo").await;
    alice.click("#room-people-found [data-i='0']").await;
    alice.click("#new-room [type=submit]").await;
    alice.in_room("Ship's log").await;
    let shown = "document.querySelector('.bar .topic').textContent === 'What <b>happened</b>'";
    alice.until("the topic as it was written", shown).await;
    alice.say("Aye").await;
    bob.open("Ship's log").await;
    bob.sees("Aye").await;
    bob.say("Aye, aye").await;
    alice.sees("Aye, aye").await;

    let id = alice.path().await.replace("/rooms/", "");
    assert_eq!(carol.get(&format!("/api/rooms/{id}")).await.code(), "not_found");
    carol_is_let_in(&house, &alice, &id, &carol.user).await;
    assert_eq!(carol.get(&format!("/api/rooms/{id}")).await.ok()["name"], "Ship's log");

    // Who is removed is gone from it at once.
    alice.press_button("Remove").await;
    alice.click("dialog .button.danger").await;
    until("bob is out", async || bob_account.get(&format!("/api/rooms/{id}")).await.status == 404).await;
    bob.in_room("general").await;
    let gone =
        "![...document.querySelectorAll('#rail .label')].some((one) => one.textContent === \"Ship's log\")";
    bob.until("the room is gone from the list", gone).await;
}

/// From the room's settings.
async fn carol_is_let_in(house: &House, alice: &crate::chromium::Browser, room: &str, user: &str) {
    alice.go(&format!("{}/rooms/{room}/settings", house.url)).await;
    alice.fill("#add-person", "carol").await;
    alice.click("#add-person-found [data-i='0']").await;
    let shown = "document.querySelector(`#member-list [data-member='${arguments[0]}']`)";
    alice.until_with("carol is a member", shown, &[json!(user)]).await;
}

#[tokio::test]
async fn a_message_is_edited_answered_reacted_to_and_deleted() {
    let house = House::open().await;
    house.people(["alice", "bob"]).await;
    let [alice, bob] = browsers().await;
    house.seat(&alice, "alice", "/").await;
    house.seat(&bob, "bob", "/").await;
    alice.in_room("general").await;
    bob.in_room("general").await;
    alice.say("A mitsake").await;
    bob.sees("A mitsake").await;

    alice.act("A mitsake", "edit").await;
    alice.fill(".editing textarea", "A mistake").await;
    alice.keys(Key::Enter).await;
    for one in [&alice, &bob] {
        one.sees("A mistake").await;
        one.message_is("A mistake", "li.querySelector('.edited')").await;
        assert_eq!(one.count("A mitsake").await, 0);
    }
    // The arrow up edits the last one; Escape leaves it as it is.
    alice.click("#text").await;
    alice.keys(Key::Up).await;
    alice.fill(".editing textarea", "Nothing of that").await;
    alice.keys(Key::Escape).await;
    alice.until("the form is gone", "!document.querySelector('.editing')").await;
    alice.sees("A mistake").await;

    bob.act("A mistake", "reply").await;
    bob.until(
        "it says what is answered",
        "document.querySelector('#replying').innerText.includes('A mistake')",
    )
    .await;
    bob.say("No, two").await;
    alice.sees("No, two").await;
    alice.message_is("No, two", "li.querySelector('.quoted .excerpt').textContent === 'A mistake'").await;
    alice.message_is("No, two", "li.querySelector('.quoted b').textContent === 'alice'").await;

    react(&alice, &bob).await;

    // The picker finds emoji by name.
    bob.act("No, two", "react").await;
    bob.fill(".picker input", "rocket").await;
    bob.until("it is found", "document.querySelector('.picker .grid button')?.dataset.emoji === '🚀'").await;
    bob.keys(Key::Enter).await;
    alice.message_is("No, two", "li.querySelector('[data-emoji=\"🚀\"]')").await;

    alice.act("A mistake", "delete").await;
    alice.click("dialog .button.danger").await;
    for one in [&alice, &bob] {
        one.misses("A mistake").await;
        one.until(
            "that it was there stays visible",
            "document.querySelector('#timeline .gone')?.textContent",
        )
        .await;
    }
    let [_, reader] = house_readers(&house).await;
    let general = reader.general().await;
    let messages = reader.get(&format!("/api/rooms/{general}/messages")).await.ok().to_string();
    assert!(!messages.contains("mistake"), "{messages}");
}

async fn house_readers(house: &House) -> [crate::people::Person; 2] {
    let login = async |name| crate::people::Person::login(&house.direct, name).await;
    [login("alice").await, login("bob").await]
}

/// Reactions are counted for both, and taken back.
async fn react(alice: &crate::chromium::Browser, bob: &crate::chromium::Browser) {
    let count = async |of: &crate::chromium::Browser, n: u32| {
        let is = format!("li.querySelector('[data-emoji=\"👍\"] .num')?.textContent === '{n}'");
        of.message_is("A mistake", &is).await;
    };
    let message = bob.message("A mistake").await;
    bob.driver.action_chain().move_to_element_center(&message).perform().await.unwrap();
    bob.click(".actions [data-act=menu]").await;
    bob.click(".sheet-menu [data-quick='👍']").await;
    count(alice, 1).await;
    alice.message_is("A mistake", "li.querySelector('[data-emoji]').ariaPressed === 'false'").await;
    alice.click("#timeline .reactions [data-emoji]").await;
    count(bob, 2).await;
    count(alice, 2).await;
    alice.message_is("A mistake", "li.querySelector('[data-emoji]').ariaPressed === 'true'").await;
    alice.click("#timeline .reactions [data-emoji]").await;
    count(bob, 1).await;
    bob.message_is("A mistake", "li.querySelector('[data-emoji]').title === 'you'").await;
}

#[tokio::test]
async fn unread_messages_and_mentions_are_counted_in_step_over_two_tabs() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let lounge = alice.room("private", "lounge", &[&bob]).await;
    let page = browser().await;
    house.seat(&page, "alice", "/").await;
    page.open("general").await;
    let first = page.this_tab().await;
    let second = page.tab(&house.url).await;
    page.open("general").await;
    page.badge_is("lounge", "").await;

    bob.say(&lounge, "One").await;
    bob.say(&lounge, "Two").await;
    for tab in [&second, &first] {
        page.look_at(tab).await;
        page.badge_is("lounge", "2").await;
    }
    bob.say(&lounge, "@alice, three").await;
    let lit = "document.querySelector('#rail .badge.you')";
    for tab in [&second, &first] {
        page.look_at(tab).await;
        page.badge_is("lounge", "1").await;
        page.until("the badge is lit", lit).await;
        page.until("the title says so", "document.title.startsWith('(1)')").await;
    }
    page.open("lounge").await;
    page.message_is("@alice, three", "'you' in li.dataset && li.querySelector('.mention[data-me]')").await;
    page.until(
        "the first new one is marked",
        "document.querySelector('#fresh')?.nextElementSibling.innerText.includes('One')",
    )
    .await;
    for tab in [&first, &second] {
        page.look_at(tab).await;
        page.badge_is("lounge", "").await;
    }
    let read = async || alice.get(&format!("/api/rooms/{lounge}")).await.ok();
    until("the server knows what was read", async || {
        let room = read().await;
        room["read"] == room["seq"] && room["mentions"] == 0
    })
    .await;

    // What comes while one looks is read; what comes elsewhere isn't.
    page.look_at(&first).await;
    bob.say(&lounge, "Four").await;
    page.sees("Four").await;
    until("it was read", async || {
        let room = read().await;
        room["read"] == room["seq"]
    })
    .await;
    page.badge_is("lounge", "").await;
}

#[tokio::test]
async fn people_are_seen_to_come_and_go() {
    let house = House::open().await;
    let [_, bob] = house.people(["alice", "bob"]).await;
    let page = browser().await;
    house.seat(&page, "alice", "/").await;
    page.in_room("general").await;
    let is = async |state: &str| {
        let row = "document.querySelector(`.person-row[data-person='${arguments[0]}']`)";
        let condition = format!(
            "{row}?.dataset.is === arguments[1] && {row}.closest('[data-group]').dataset.group === arguments[1]"
        );
        page.until_with(&format!("bob is {state}"), &condition, &[json!(bob.user), json!(state)]).await;
    };
    is("off").await;
    let mut socket = bob.socket().await;
    is("here").await;
    socket.send(&json!({ "type": "presence", "state": "idle" })).await;
    is("away").await;
    let other = bob.socket().await;
    is("here").await;
    drop(other);
    is("away").await;
    drop(socket);
    is("off").await;
}

#[tokio::test]
async fn a_draft_waits_on_all_devices_and_over_rooms() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    alice.room("private", "lounge", &[&bob]).await;
    let page = browser().await;
    house.seat(&page, "alice", "/").await;
    page.open("general").await;
    page.fill("#text", "Not yet").await;
    page.open("lounge").await;
    assert_eq!(page.value::<String>("document.querySelector('#text').value").await, "");
    page.open("general").await;
    page.until("the draft is there", "document.querySelector('#text').value === 'Not yet'").await;
    page.driver.refresh().await.unwrap();
    page.in_room("general").await;
    page.until("the draft is there", "document.querySelector('#text').value === 'Not yet'").await;
    let general = alice.general().await;
    let draft = format!("/api/rooms/{general}/draft");
    until("the server has it", async || alice.get(&draft).await.ok()["text"] == "Not yet").await;
    page.click("#text").await;
    page.keys(Key::Enter).await;
    page.sees("Not yet").await;
    until("it is gone", async || alice.get(&draft).await.ok()["text"] == "").await;
}
