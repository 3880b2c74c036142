//! Voice messages: recorded, listened to, sent, and heard while one moves about.

use serde_json::{Value, json};

use crate::{chromium::browsers, house::House};

#[tokio::test]
async fn a_voice_message_is_recorded_sent_and_heard_on_the_way() {
    let house = House::open().await;
    let [alice_account, bob_account] = house.people(["alice", "bob"]).await;
    alice_account.room("private", "elsewhere", &[&bob_account]).await;
    let [alice, bob] = browsers().await;
    for (page, name) in [(&alice, "alice"), (&bob, "bob")] {
        house.seat(page, name, "/").await;
        page.open("general").await;
        page.connected().await;
    }
    // What one thinks better of leaves nothing.
    alice.click("#record").await;
    alice
        .until(
            "it hears",
            "Number(document.querySelector('.recorder [role=meter]')?.getAttribute('aria-valuenow')) > 0",
        )
        .await;
    alice.press_button("Discard").await;
    alice
        .until("as before", "!document.querySelector('.recorder') && document.activeElement?.id === 'text'")
        .await;

    alice.click("#record").await;
    alice
        .until("two seconds", "/0:0[2-9]/.test(document.querySelector('.recorder time')?.textContent)")
        .await;
    alice.press_button("Stop, and listen to it").await;
    alice.press_button("Listen").await;
    alice.until("it sounds", "document.querySelector('.recorder [data-heard]')").await;
    alice.press_button("Send the voice message").await;
    for page in [&alice, &bob] {
        page.until("it is there", "document.querySelector('#timeline li[data-seq] .voice .play')").await;
        page.until("its waveform", "document.querySelectorAll('.voice .wave rect').length > 10").await;
        page.until("its length", "/^0:0[2-9]$/.test(document.querySelector('.voice time').textContent)")
            .await;
    }
    assert!(bob.complaints().await.is_empty());

    // By keys: to its end and back, faster, and on.
    bob.run::<Value>("document.querySelector('.voice .seek').focus()", &[]).await;
    bob.keys(thirtyfour::Key::End).await;
    bob.until(
        "at its end",
        "Number(document.querySelector('.voice .seek').getAttribute('aria-valuenow')) >= 2",
    )
    .await;
    bob.keys(thirtyfour::Key::Home).await;
    for rate in ["1.5×", "2×", "1×"] {
        bob.click(".voice .rate").await;
        bob.until_with(
            rate,
            "document.querySelector('.voice .rate').textContent === arguments[0]",
            &[json!(rate)],
        )
        .await;
    }
    bob.run::<Value>("document.querySelector('.voice .seek').focus()", &[]).await;
    bob.keys(thirtyfour::Key::Home).await;
    bob.until("it plays", "document.querySelector('.voice .play').getAttribute('aria-label').startsWith('Pause') || void document.querySelector('.voice .play').click()").await;
    bob.open("elsewhere").await;
    bob.until("it goes on", "document.querySelector('.nowplaying')?.textContent.includes('alice')").await;
    bob.open("general").await;
    bob.until("back at the message", "document.querySelector('.voice .play')").await;
    bob.until("it was heard", "document.querySelector('.voice .heard')").await;
}

#[tokio::test]
async fn a_microphone_that_is_refused_is_told() {
    let house = House::open().await;
    house.people(["alice"]).await;
    let page = crate::chromium::browser().await;
    // The browser of these tests allows all: this is what another one's answer looks like.
    let source =
        "MediaDevices.prototype.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError') }";
    page.cdp("Page.addScriptToEvaluateOnNewDocument", json!({ "source": source })).await;
    house.seat(&page, "alice", "/").await;
    page.connected().await;
    page.click("#record").await;
    page.until("why not", "document.querySelector('.toast')?.textContent.includes('isn’t allowed')").await;
    page.until("one may write on", "document.querySelector('#text').checkVisibility()").await;
}
