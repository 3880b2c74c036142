//! The small things that make a day of talk pleasant.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    chromium::browser,
    house::{House, say_all},
};

#[tokio::test]
async fn from_an_answer_one_jumps_to_what_it_answers_and_back() {
    let house = House::open().await;
    let [_, bob] = house.people(["alice", "bob"]).await;
    let general = bob.general().await;
    bob.say(&general, "The question").await;
    let mut socket = bob.socket().await;
    say_all(&mut socket, &general, (1..=200).map(|n| format!("Line {n}"))).await;
    let path = format!("/api/rooms/{general}/messages");
    bob.post(&path, json!({ "text": "The answer", "reply_to": 1 })).await.ok();
    let page = browser().await;
    house.seat(&page, "alice", &format!("/rooms/{general}?at=202")).await;
    page.in_room("general").await;
    page.click("#m202 .quoted").await;
    page.sees("The question").await;
    page.until("it is in view", "document.querySelector('#m1[data-found]')").await;
    page.until("the way back", "document.querySelector('#jump')?.textContent === 'Back to the answer'").await;
    page.click("#jump").await;
    page.until("back", "document.querySelector('#m202[data-found]')").await;
    page.until(
        "no way back any more",
        "document.querySelector('#jump').textContent !== 'Back to the answer'",
    )
    .await;
}

#[tokio::test]
async fn who_reacted_is_told_and_what_is_long_unfolds() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let general = bob.general().await;
    let long = bob.say(&general, &"A long one. ".repeat(330)).await;
    let path = format!("/api/rooms/{general}/messages/{long}/reactions/🎉");
    for person in [&alice, &bob] {
        person.ask(Method::PUT, &path, None).await.ok();
    }
    let page = browser().await;
    page.size(820, 900).await;
    house.seat(&page, "alice", "/").await;
    page.in_room("general").await;
    page.until("the two", "document.querySelector('.reactions button').title === 'you, bob'").await;
    page.run::<Value>(
        "document.querySelector('#timeline li[data-seq=\"' + arguments[0] + '\"]').focus()",
        &[long.into()],
    )
    .await;
    page.keys("m").await;
    page.click(".sheet-menu [data-act=who]").await;
    page.until(
        "the same at length",
        "document.querySelector('dialog[open] .who dd')?.textContent === 'you, bob'",
    )
    .await;
    page.keys(thirtyfour::Key::Escape).await;
    let height = "document.querySelector('#timeline .text').offsetHeight";
    let folded: f64 = page.value(height).await;
    page.click("[data-unfold]").await;
    page.until(
        "all of it",
        &format!("{height} > {folded} + 100 && !document.querySelector('[data-unfold]')"),
    )
    .await;
}

#[tokio::test]
async fn pasted_code_stays_code_and_the_limit_is_told_near_its_end() {
    let house = House::open().await;
    house.people(["alice"]).await;
    let page = browser().await;
    house.seat(&page, "alice", "/").await;
    page.in_room("general").await;
    let paste = "const data = new DataTransfer(); \
        for (const [type, text] of Object.entries(arguments[0])) data.setData(type, text); \
        const field = document.querySelector('#text'); field.focus(); \
        field.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }))";
    let code =
        json!({ "text/plain": "if (a) {\n  b();\n}", "vscode-editor-data": "{\"mode\":\"javascript\"}" });
    page.run::<Value>(paste, &[code]).await;
    let text: String = page.value("document.querySelector('#text').value").await;
    assert_eq!(text, "```javascript\nif (a) {\n  b();\n}\n```\n");
    page.run::<Value>("document.querySelector('#compose').requestSubmit()", &[]).await;
    page.until("code", "document.querySelector('#timeline .codeblock code .k')").await;

    let write = "const field = document.querySelector('#text'); field.value = 'x'.repeat(arguments[0]); field.dispatchEvent(new Event('input'))";
    let left = "document.querySelector('#left')";
    page.run::<Value>(write, &[3_700.into()]).await;
    page.until("nothing yet", &format!("{left}.hidden")).await;
    page.run::<Value>(write, &[3_900.into()]).await;
    page.until("what is left", &format!("{left}.textContent === '100 left' && !{left}.hidden")).await;
    page.run::<Value>(write, &[4_001.into()]).await;
    page.until(
        "too much",
        &format!("{left}.textContent === '1 too many' && document.querySelector('.send').disabled"),
    )
    .await;
}

#[tokio::test]
async fn the_back_button_leads_through_the_rooms_as_they_were_visited() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    for name in ["Attic", "Cellar"] {
        alice.room("private", name, &[]).await;
    }
    let page = browser().await;
    house.seat(&page, "alice", &format!("/rooms/{}", alice.general().await)).await;
    page.in_room("general").await;
    let marked = "window.here = true";
    page.run::<Value>(marked, &[]).await;
    page.open("Attic").await;
    page.open("Cellar").await;
    for (go, room) in [("back", "Attic"), ("back", "general"), ("forward", "Attic")] {
        page.run::<Value>(&format!("history.{go}()"), &[]).await;
        page.in_room(room).await;
        page.until(
            "its row",
            &format!("document.querySelector('#rail [aria-current=page] .label').textContent === '{room}'"),
        )
        .await;
    }
    assert!(page.value::<bool>("window.here").await, "without a reload");
}
