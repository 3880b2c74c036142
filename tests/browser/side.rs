//! What stands at the sides: the widths of the lists, who says what of the moment, what a room has pinned.

use reqwest::Method;
use serde_json::{Value, json};
use thirtyfour::{By, Key};

use crate::{
    chromium::{Browser, browser, browsers},
    house::House,
};

impl Browser {
    async fn width(&self, css: &str) -> f64 {
        self.value(&format!("document.querySelector('{css}').getBoundingClientRect().width")).await
    }

    /// What somebody says of the moment, where they stand.
    async fn says(&self, place: &str, user: &str, words: &str) {
        self.until_with(
            &format!("«{words}» at {place}"),
            "document.querySelector(`${arguments[0]} [data-says=\"${arguments[1]}\"]:not([hidden])`)?.textContent.trim().startsWith(arguments[2])",
            &[json!(place), json!(user), json!(words)],
        )
        .await;
    }
}

#[tokio::test]
async fn the_lists_are_made_wider_by_pointer_and_keys_and_stay_so() {
    let house = House::open().await;
    house.people(["alice"]).await;
    let page = browser().await;
    page.size(1440, 900).await;
    house.seat(&page, "alice", "/").await;
    page.in_room("general").await;
    let (rail, side) = (page.width("#rooms").await, page.width("#people").await);
    let handle = page.driver.find(By::Css(".splitter.rail")).await.unwrap();
    page.driver
        .action_chain()
        .click_and_hold_element(&handle)
        .move_by_offset(70, 0)
        .release()
        .perform()
        .await
        .unwrap();
    page.until(
        "a wider room list",
        &format!("Math.abs(document.querySelector('#rooms').offsetWidth - {rail} - 70) < 2"),
    )
    .await;
    page.until("and its value", "document.querySelector('.splitter.rail').ariaValueNow === String(document.querySelector('#rooms').offsetWidth)").await;

    page.run::<Value>("document.querySelector('.splitter.side').focus()", &[]).await;
    page.keys(Key::Left).await;
    page.keys(Key::Left).await;
    page.until("wider people", &format!("document.querySelector('#people').offsetWidth === {side} + 32"))
        .await;
    page.keys(Key::End).await;
    page.until("the widest", "document.querySelector('.splitter.side').ariaValueNow === '440' && document.querySelector('#people').offsetWidth === 440").await;
    page.keys(Key::Home).await;
    page.until("the narrowest", "document.querySelector('.splitter.side').ariaValueNow === '200'").await;
    page.driver.refresh().await.unwrap();
    page.in_room("general").await;
    page.until("kept", &format!("Math.abs(document.querySelector('#rooms').offsetWidth - {rail} - 70) < 2"))
        .await;
    page.until("kept", "document.querySelector('#people').offsetWidth === 200").await;
    for (handle, pane, width) in [(".splitter.rail", "#rooms", rail), (".splitter.side", "#people", side)] {
        let handle = page.driver.find(By::Css(handle)).await.unwrap();
        page.driver.action_chain().double_click_element(&handle).perform().await.unwrap();
        page.until("as it was", &format!("document.querySelector('{pane}').offsetWidth === {width}")).await;
    }

    // Out of the way, and still so after a reload.
    page.click("[data-open=people-side]").await;
    page.until("no people", "!document.querySelector('#people').checkVisibility()").await;
    page.driver.refresh().await.unwrap();
    page.until("the room", "document.querySelector('[data-open=people-side][aria-pressed=false]')").await;
    page.until("still none", "!document.querySelector('#people').checkVisibility()").await;
    page.click("[data-open=people-side]").await;
    page.until("people", "document.querySelector('#people').checkVisibility()").await;
}

#[tokio::test]
async fn what_one_says_of_the_moment_is_seen_by_all_until_its_time_is_over() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let talk = alice.room("direct", "", &[&bob]).await;
    bob.say(&talk, "A word").await;
    let [hers, his] = browsers().await;
    for page in [&hers, &his] {
        page.size(1440, 900).await;
    }
    house.seat(&hers, "alice", "/").await;
    house.seat(&his, "bob", "/").await;
    hers.open("general").await;
    his.open("general").await;
    hers.click(".me [data-open=status-form]").await;
    hers.click(".status-form .sign").await;
    hers.fill(".picker input", "palm").await;
    let palms = "document.querySelectorAll('.picker .grid button').length < 20 && document.querySelector('.picker:popover-open .grid button[data-emoji=\"🌴\"]')";
    hers.until("palms alone", palms).await;
    hers.click(".picker .grid button[data-emoji=\"🌴\"]").await;
    hers.fill("#status-text", "By the sea").await;
    hers.run::<Value>("document.querySelector('#status-until').value = 'half'", &[]).await;
    hers.click(".status-form .switch").await;
    hers.click(".status-form [type=submit]").await;
    for page in [&hers, &his] {
        page.says("#members", &alice.user, "🌴 By the sea").await;
    }
    hers.says(".me", &alice.user, "🌴 By the sea").await;
    his.says("#rail", &alice.user, "🌴").await;
    his.until(
        "a bar",
        &format!("document.querySelector('#members .avatar[data-avatar=\"{}\"][data-busy]')", alice.user),
    )
    .await;
    his.run::<Value>(
        "document.querySelector(`#members [data-person=\"${arguments[0]}\"]`).click()",
        &[json!(alice.user)],
    )
    .await;
    his.says(".namecard", &alice.user, "🌴 By the sea").await;
    his.keys(Key::Escape).await;
    // It stays over a reload, and when another room is shown.
    his.driver.refresh().await.unwrap();
    his.in_room("general").await;
    his.says("#members", &alice.user, "🌴 By the sea").await;

    hers.click(".me [data-open=status-form]").await;
    hers.until("as it was left", "document.querySelector('#status-text').value === 'By the sea' && document.querySelector('#status-until').value === 'kept'").await;
    hers.press_button("Clear the status").await;
    let gone = format!(
        "[...document.querySelectorAll('[data-says=\"{0}\"]')].every((one) => one.hidden) && !document.querySelector('.avatar[data-avatar=\"{0}\"][data-busy]')",
        alice.user
    );
    for page in [&hers, &his] {
        page.until("nothing", &gone).await;
    }
    let soon = parlor::model::Timestamp::now().0 + 1_500;
    let status = json!({ "text": "In a hurry", "emoji": "🏃", "until": soon });
    alice.ask(Method::PUT, "/api/me/status", Some(status)).await.ok();
    his.says("#members", &alice.user, "🏃 In a hurry").await;
    his.until("its time is over", &gone).await;
}

#[tokio::test]
async fn what_is_pinned_is_found_jumped_to_and_unpinned() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let general = bob.general().await;
    bob.say(&general, "The **address** is above the door").await;
    let mut socket = bob.socket().await;
    crate::house::say_all(&mut socket, &general, (1..=150).map(|n| format!("Line {n}"))).await;
    alice.ask(Method::PUT, &format!("/api/rooms/{general}/messages/140/pin"), None).await.ok();
    let [hers, his] = browsers().await;
    for page in [&hers, &his] {
        page.size(1440, 900).await;
    }
    house.seat(&hers, "alice", "/").await;
    house.seat(&his, "bob", &format!("/rooms/{general}?at=1")).await;
    let count = |n: u64| format!("document.querySelector('#pins-open .num').textContent === '{n}'");
    hers.in_room("general").await;
    hers.until("one", &count(1)).await;
    his.in_room("general").await;
    his.act("The address is above the door", "pin").await;
    for page in [&hers, &his] {
        page.until("two", &count(2)).await;
    }
    hers.click("#pins-open").await;
    hers.until(
        "the list, the newest first",
        "[...document.querySelectorAll('.pins [data-pin]')].map((one) => one.dataset.pin).join() === '140,1'",
    )
    .await;
    let bold: String =
        hers.value("document.querySelector('.pins [data-pin=\"1\"] strong').textContent").await;
    assert_eq!(bold, "address");
    hers.click(".pins [data-pin='1'] a.button").await;
    hers.sees("The address is above the door").await;
    hers.until(
        "it is in view",
        "document.querySelector('#m1[data-found]') && !document.querySelector('.pins-panel:popover-open')",
    )
    .await;
    hers.click("#pins-open").await;
    hers.click(".pins [data-unpin='1']").await;
    for page in [&hers, &his] {
        page.until("one", &count(1)).await;
    }
    hers.until("the list follows", "document.querySelectorAll('.pins [data-pin]').length === 1").await;
    his.message_is("The address is above the door", "!('pinned' in li.dataset)").await;
    hers.click(".pins [data-unpin]").await;
    hers.until("that there is none", "document.querySelector('.pins-panel .none')?.checkVisibility()").await;
}

#[tokio::test]
async fn rooms_that_a_message_names_are_links_for_who_knows_them() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let attic = alice.room("private", "Attic stairs", &[]).await;
    let general = bob.general().await;
    bob.say(&general, "Not `#attic stairs` but #attic stairs, and #general.").await;
    let [hers, his] = browsers().await;
    house.seat(&hers, "alice", &format!("/rooms/{general}")).await;
    house.seat(&his, "bob", &format!("/rooms/{general}")).await;
    let links =
        "[...document.querySelectorAll('#timeline .roomlink')].map((link) => link.textContent).join()";
    hers.until("two links", &format!("{links} === '#attic stairs,#general'")).await;
    his.until("one link", &format!("{links} === '#general'")).await;
    hers.connected().await;
    hers.click("#timeline .roomlink").await;
    hers.in_room("Attic stairs").await;
    assert_eq!(hers.path().await, format!("/rooms/{attic}"));
}

#[tokio::test]
async fn what_is_refused_is_said_in_the_readers_language() {
    let house = House::open().await;
    house.people(["alice"]).await;
    let page = browser().await;
    page.go(&format!("{}/offline", house.url)).await;
    page.run::<Value>("localStorage.setItem('parlor.appearance', '{\"lang\":\"de\"}')", &[]).await;
    page.go(&format!("{}/login", house.url)).await;
    page.enter("alice", "wrong").await;
    page.until(
        "why not",
        "document.querySelector('#error')?.textContent.trim() === 'Der Name oder das Passwort stimmt nicht.'",
    )
    .await;
    page.go(&format!("{}/register", house.url)).await;
    page.enter("alice", crate::people::PASSWORD).await;
    page.until(
        "why not",
        "document.querySelector('#name-error')?.textContent.trim() === 'Diesen Namen hat schon jemand.'",
    )
    .await;
    house.seat(&page, "alice", "/settings").await;
    page.fill("#current", "not the one").await;
    page.fill("#new", "a horse, a battery and another staple").await;
    page.click("#password-form [type=submit]").await;
    page.until("at its field", "document.querySelector('#current[aria-invalid=true]') && document.querySelector('#current-error').textContent === 'Das ist nicht dein jetziges Passwort.'").await;
    page.fill("#current", crate::people::PASSWORD).await;
    page.fill("#new", "alice1").await;
    page.click("#password-form [type=submit]").await;
    page.until("at the other", "document.querySelector('#new[aria-invalid=true]') && document.querySelector('#new-error').textContent.startsWith('Dieses Passwort ist zu leicht')").await;
}
