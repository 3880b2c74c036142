//! Pictures of people and rooms: cut in the page, seen everywhere, taken away again.

use serde_json::Value;
use thirtyfour::Key;

use crate::{
    chromium::browsers,
    house::House,
    samples::{Desk, picture},
};

#[tokio::test]
async fn a_profile_picture_is_cut_and_seen_by_everybody_at_once() {
    let house = House::open().await;
    let [alice_account, _] = house.people(["alice", "bob"]).await;
    let general = alice_account.general().await;
    alice_account.say(&general, "Here I am").await;
    let desk = Desk::new();
    let [alice, bob] = browsers().await;
    house.seat(&bob, "bob", "/").await;
    bob.connected().await;
    bob.until("initials", "document.querySelector('.message .avatar').textContent === 'a'").await;
    house.seat(&alice, "alice", "/settings").await;
    alice.choose(".photo input", &[desk.lay("me.png", &picture(600, 300, [240, 30, 30]))]).await;
    alice.until("the cropper", "document.activeElement?.matches('canvas.cropper')").await;
    // From the middle to the left: all of it is of the brighter half.
    let red = "document.querySelector('.cropper').getContext('2d').getImageData(500, 256, 1, 1).data[0]";
    let before: u64 = alice.value(red).await;
    for _ in 0..20 {
        alice.keys(Key::Left).await;
    }
    let after: u64 = alice.value(red).await;
    assert!(before < 150 && after > 200, "{before} {after}");
    alice.keys("+").await;
    alice.until("closer", "Number(document.querySelector('#crop-zoom').value) > 0").await;
    alice.press_button("Use it").await;
    alice.until("it is there", "document.querySelector('.photo .avatar img')?.naturalWidth > 0").await;
    bob.until("in the timeline", "document.querySelector('.message .avatar img')?.naturalWidth === 64 || document.querySelector('.message .avatar img')?.naturalWidth === 128").await;
    bob.until(
        "among people",
        &format!(
            "document.querySelector('.person-row[data-person=\"{}\"] .avatar img')?.naturalWidth > 0",
            alice_account.user
        ),
    )
    .await;
    bob.click("#timeline .author").await;
    bob.until("on the card", "document.querySelector('.namecard .avatar img')?.naturalWidth > 0").await;
    assert!(alice.complaints().await.is_empty() && bob.complaints().await.is_empty());

    alice.press_button("Remove").await;
    alice.until("initials", "document.querySelector('.photo .avatar').textContent.startsWith('a') && !document.querySelector('.photo .avatar img')").await;
    bob.until("initials again", "!document.querySelector('.message .avatar img') && document.querySelector('.message .avatar').textContent === 'a'").await;
}

#[tokio::test]
async fn a_room_has_a_picture_and_what_is_none_is_refused() {
    let house = House::open().await;
    let [alice_account, bob_account] = house.people(["alice", "bob"]).await;
    let room = alice_account.room("private", "Harbour", &[&bob_account]).await;
    let desk = Desk::new();
    let [alice, bob] = browsers().await;
    house.seat(&bob, "bob", &format!("/rooms/{room}")).await;
    bob.connected().await;
    house.seat(&alice, "alice", &format!("/rooms/{room}/settings")).await;
    alice.choose(".photo input", &[desk.lay("no.png", b"not a picture")]).await;
    alice.until("why not", "document.querySelector('.toast')?.textContent.includes('isn’t a picture')").await;
    alice.choose(".photo input", &[desk.lay("harbour.png", &picture(300, 300, [20, 120, 200]))]).await;
    alice.press_button("Use it").await;
    alice.until("it is there", "document.querySelector('.photo .avatar img')?.naturalWidth > 0").await;
    bob.until_with(
        "in the list",
        "document.querySelector(`#rail .room[data-room=\"${arguments[0]}\"] .room-picture img`)?.naturalWidth > 0",
        &[Value::from(room)],
    )
    .await;
}
