//! Files come in: by the button, a paste, a drop; they may be cancelled, tried again, and cut.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use thirtyfour::Key;

use crate::{
    chromium::{Browser, browser, browsers},
    house::House,
    relay::{Relay, Way},
    samples::{Desk, noise, photo, picture},
    services::free_port,
};

/// The last message with files that is stored.
const FILES: &str =
    "[...document.querySelectorAll('#timeline li[data-seq][data-files]')].at(-1)?.querySelector('.files')";

/// Keeps, for each request that sends bytes, where it begins.
const OFFSETS: &str = "
    window.offsets = [];
    const set = XMLHttpRequest.prototype.setRequestHeader;
    XMLHttpRequest.prototype.setRequestHeader = function (name, value) {
        if (name === 'Upload-Offset') window.offsets.push(Number(value));
        return set.call(this, name, value);
    };";

/// What lies at a message's first link, as the page gets it.
async fn content(page: &Browser) -> Vec<u8> {
    let script = "
        const answer = await fetch(document.querySelector('#timeline .files a[href]').href);
        const bytes = new Uint8Array(await answer.arrayBuffer());
        let text = '';
        for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
        return btoa(text);";
    let base64: String = page.promised(script, &[]).await;
    BASE64_STANDARD.decode(base64).unwrap()
}

#[tokio::test]
async fn several_files_by_the_button_go_with_words_and_everybody_sees_them() {
    let house = House::open().await;
    house.people(["alice", "bob"]).await;
    let desk = Desk::new();
    let [alice, bob] = browsers().await;
    for (page, name) in [(&alice, "alice"), (&bob, "bob")] {
        house.seat(page, name, "/").await;
        page.connected().await;
    }
    let files = [
        desk.lay("harbour.png", &picture(900, 600, [200, 120, 40])),
        desk.lay("tide tables.pdf", b"%PDF-1.7\n%%EOF"),
        desk.lay("tides.rs", b"fn main() {\n    // high water\n}\n"),
    ];
    alice.choose("#pick", &files).await;
    alice.all_up(3).await;
    let names: Vec<String> =
        alice.value("[...document.querySelectorAll('#tray b')].map((one) => one.textContent)").await;
    assert_eq!(names, ["harbour.png", "tide tables.pdf", "tides.rs"]);
    alice.until("a look at the picture", "document.querySelector('#tray li img')?.naturalWidth").await;
    alice.fill("#text", "From the harbour").await;
    alice.keys(Key::Enter).await;
    for page in [&alice, &bob] {
        page.sees("From the harbour").await;
        page.message_is("From the harbour", "li.querySelectorAll('.images .image').length === 1").await;
        page.message_is("From the harbour", "li.querySelectorAll('.card').length === 2").await;
        page.until("the picture", &format!("{FILES}?.querySelector('img').naturalWidth > 0")).await;
        page.until("the code", &format!("{FILES}?.querySelector('.codeblock .k')?.textContent === 'fn'"))
            .await;
    }
    alice.until("the tray is empty", "document.querySelector('#tray').hidden").await;
}

#[tokio::test]
async fn a_picture_is_pasted_and_goes_without_a_word() {
    let house = House::open().await;
    house.people(["alice"]).await;
    let page = browser().await;
    house.seat(&page, "alice", "/").await;
    page.connected().await;
    page.bring("paste", "#text", "image.png", "image/png", &picture(64, 64, [10, 90, 200])).await;
    page.all_up(1).await;
    page.click(".send").await;
    page.until("it is there", &format!("{FILES}?.querySelector('img')?.naturalWidth === 64")).await;
    page.until("nothing is left pending", "!document.querySelector('#timeline li[data-state]')").await;
}

#[tokio::test]
async fn what_is_held_over_the_room_shows_where_it_would_land_and_a_drop_lands() {
    let house = House::open().await;
    house.people(["alice"]).await;
    let page = browser().await;
    house.seat(&page, "alice", "/").await;
    page.connected().await;
    let bytes = noise(300);
    page.bring("dragenter", "#timeline", "a.bin", "", &bytes).await;
    page.until("the target", "document.querySelector('.drop')?.checkVisibility()").await;
    page.bring("drop", "#timeline", "a.bin", "", &bytes).await;
    page.until("no target", "!document.querySelector('.drop').checkVisibility()").await;
    page.all_up(1).await;
    page.click(".send").await;
    page.until("it is there", &format!("{FILES}?.querySelector('.card')")).await;
    assert_eq!(content(&page).await, bytes);
}

#[tokio::test]
async fn what_breaks_the_limits_is_told_before_anything_is_sent() {
    let house = House::open().await;
    house.people(["alice"]).await;
    let page = browser().await;
    house.seat(&page, "alice", "/").await;
    page.connected().await;
    page.run::<Value>("document.querySelector('#compose').dataset.uploadMax = '1000'", &[]).await;
    page.cdp("Page.enable", json!({})).await;
    page.run::<Value>(OFFSETS, &[]).await;
    page.bring("drop", "#timeline", "large.bin", "", &noise(1001)).await;
    page.until("why not", "document.querySelector('.toast')?.textContent.includes('large.bin is too large')")
        .await;
    page.bring("drop", "#timeline", "nothing.txt", "text/plain", b"").await;
    page.until("why not", "[...document.querySelectorAll('.toast')].some((one) => one.textContent.includes('nothing.txt is empty'))").await;
    let sent: Vec<u64> = page.value("window.offsets").await;
    assert!(sent.is_empty(), "{sent:?}");
    page.until("no tray", "document.querySelector('#tray').hidden").await;
    for i in 0..11 {
        page.bring("drop", "#timeline", &format!("{i}.bin"), "", &noise(5)).await;
    }
    page.until(
        "ten and no more",
        "[...document.querySelectorAll('.toast')].some((one) => one.textContent.includes('at most 10'))",
    )
    .await;
    page.all_up(10).await;
}

/// Makes sending so slow that a test can meddle with it, or as fast as it is.
async fn throttle(page: &Browser, bytes_a_second: i64) {
    page.cdp("Network.enable", json!({})).await;
    let slow = json!({ "offline": false, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_a_second });
    page.cdp("Network.emulateNetworkConditions", slow).await;
}

#[tokio::test]
async fn an_upload_is_cancelled_and_nothing_of_it_stays() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let page = browser().await;
    house.seat(&page, "alice", "/").await;
    page.connected().await;
    throttle(&page, 50_000).await;
    page.bring("drop", "#timeline", "slow.bin", "", &noise(500_000)).await;
    page.until(
        "it is on its way",
        "Number(document.querySelector('#tray [role=progressbar]')?.getAttribute('aria-valuenow')) > 0",
    )
    .await;
    page.press_button("Take slow.bin out").await;
    page.until(
        "it is gone",
        "document.querySelector('#tray').hidden && document.querySelector('.send').disabled",
    )
    .await;
    throttle(&page, -1).await;
    page.bring("drop", "#timeline", "quick.bin", "", &noise(5)).await;
    page.all_up(1).await;
    page.press_button("Take quick.bin out").await;
    page.until("it is gone", "document.querySelector('#tray').hidden").await;
    let used = async || alice.get("/api/uploads/limits").await.ok()["person_used"].clone();
    crate::services::until("nothing is kept", async || used().await == 0).await;
}

#[tokio::test]
async fn an_upload_that_is_cut_goes_on_where_it_stopped() {
    let port = free_port();
    let relay = Relay::before(port).await;
    let house = House::behind(port, Some(relay.url.clone())).await;
    house.people(["alice"]).await;
    let page = browser().await;
    house.seat(&page, "alice", "/").await;
    page.connected().await;
    page.run::<Value>(OFFSETS, &[]).await;
    throttle(&page, 400_000).await;
    let bytes = noise(1_500_000);
    page.bring("drop", "#timeline", "long.bin", "", &bytes).await;
    page.until(
        "a part of it is there",
        "Number(document.querySelector('#tray [role=progressbar]')?.getAttribute('aria-valuenow')) > 40",
    )
    .await;
    relay.set(Way::Cut);
    page.until("it waits", "document.querySelector('#tray li').dataset.state === 'waiting'").await;
    throttle(&page, -1).await;
    relay.set(Way::Open);
    page.all_up(1).await;
    let offsets: Vec<u64> = page.value("window.offsets").await;
    assert!(offsets.len() >= 2 && offsets[0] == 0, "{offsets:?}");
    assert!(offsets[offsets.len() - 1] > 0, "it began anew: {offsets:?}");
    page.until(
        "connected",
        "document.querySelector('#banner').hidden || void document.querySelector('#banner button')?.click()",
    )
    .await;
    page.click(".send").await;
    page.until("it is there", &format!("{FILES}?.querySelector('.card')")).await;
    assert!(content(&page).await == bytes, "it arrived as it was");
}

#[tokio::test]
async fn a_message_is_sent_before_its_files_are_up_and_survives_moving_about() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    alice.room("private", "elsewhere", &[]).await;
    let page = browser().await;
    house.seat(&page, "alice", "/").await;
    page.open("general").await;
    page.connected().await;
    throttle(&page, 100_000).await;
    page.bring("drop", "#timeline", "slow.bin", "", &noise(300_000)).await;
    page.until("it is on its way", "document.querySelector('#tray li')?.dataset.state === 'sending'").await;
    page.fill("#text", "It comes").await;
    page.keys(Key::Enter).await;
    page.until("it is shown at once", "document.querySelector('li[data-pending] .files .card') && document.querySelector('li[data-pending] [role=progressbar]')").await;
    page.open("elsewhere").await;
    page.open("general").await;
    page.until("it is still shown", "document.querySelector('li[data-pending] .files .card')").await;
    throttle(&page, -1).await;
    page.sees("It comes").await;
    page.message_is("It comes", "li.querySelector('.card')?.dataset.name === 'slow.bin'").await;
}

#[tokio::test]
async fn a_message_whose_files_are_up_waits_for_the_connection_over_a_reload() {
    let port = free_port();
    let relay = Relay::before(port).await;
    let house = House::behind(port, Some(relay.url.clone())).await;
    house.people(["alice"]).await;
    let page = browser().await;
    house.seat(&page, "alice", "/").await;
    page.connected().await;
    page.bring("drop", "#timeline", "kept.png", "image/png", &picture(40, 40, [1, 2, 3])).await;
    page.all_up(1).await;
    relay.set(Way::PagesOnly);
    page.until("the banner", "document.querySelector('#banner').hidden === false").await;
    page.fill("#text", "Written in the dark").await;
    page.click(".send").await;
    page.until("it shows its file", "document.querySelector('li[data-pending] .image img')").await;
    page.driver.refresh().await.unwrap();
    page.until("it still does", "document.querySelector('li[data-pending] .image img')").await;
    relay.set(Way::Open);
    page.until(
        "back",
        "document.querySelector('#banner').hidden || void document.querySelector('#banner button')?.click()",
    )
    .await;
    page.sees("Written in the dark").await;
    page.message_is("Written in the dark", "li.querySelector('.image img').alt === 'kept.png'").await;
    assert_eq!(page.count("Written in the dark").await, 1);
}

#[tokio::test]
async fn what_is_up_but_not_sent_is_still_there_after_a_reload() {
    let house = House::open().await;
    house.people(["alice"]).await;
    let page = browser().await;
    house.seat(&page, "alice", "/").await;
    page.connected().await;
    page.bring("drop", "#timeline", "kept.txt", "text/plain", b"kept").await;
    page.all_up(1).await;
    page.driver.refresh().await.unwrap();
    page.connected().await;
    page.all_up(1).await;
    page.click(".send").await;
    page.until("it is there", &format!("{FILES}?.querySelector('.card')")).await;
    page.driver.refresh().await.unwrap();
    page.connected().await;
    page.until("nothing waits", "document.querySelector('#tray').hidden").await;
}

#[tokio::test]
async fn a_large_photo_is_made_smaller_unless_one_wants_the_whole() {
    let house = House::open().await;
    house.people(["alice"]).await;
    let desk = Desk::new();
    let page = browser().await;
    house.seat(&page, "alice", "/").await;
    page.connected().await;
    let whole = photo(3200, 2400);
    page.choose("#pick", &[desk.lay("holiday.jpg", &whole)]).await;
    page.all_up(1).await;
    page.click(".send").await;
    page.until("it is there", &format!("{FILES}?.querySelector('.image')?.dataset.width === '2560'")).await;
    page.choose("#pick", &[desk.lay("holiday.jpg", &whole)]).await;
    page.click("#tray .whole input").await;
    page.all_up(1).await;
    page.click(".send").await;
    page.until("the whole", &format!("{FILES}?.querySelector('.image')?.dataset.width === '3200'")).await;
}
