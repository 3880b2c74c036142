//! Without script, one gets in and reads.

use serde_json::json;

use crate::{
    chromium::browser,
    house::{House, say_all},
    people::PASSWORD,
};

#[tokio::test]
async fn without_script_one_logs_in_and_reads_what_was_said() {
    let house = House::open().await;
    let [_, bob] = house.people(["alice", "bob"]).await;
    let general = bob.general().await;
    let mut socket = bob.socket().await;
    say_all(&mut socket, &general, (1..=150).map(|n| format!("Line *{n}*"))).await;
    let page = browser().await;
    page.cdp("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
    page.go(&format!("{}/rooms/{general}", house.url)).await;
    page.until("the door", "location.pathname === '/login'").await;
    page.enter("alice", "wrong").await;
    page.until("why not", "document.querySelector('#error')?.textContent").await;
    page.fill("#password", PASSWORD).await;
    page.click("button[type=submit]").await;
    page.until("the room", "document.querySelector('main[data-room] h1')?.textContent === 'general'").await;
    assert_eq!(page.path().await, format!("/rooms/{general}"));
    let shown: Vec<String> =
        page.value("[...document.querySelectorAll('#timeline .text')].map((text) => text.innerText)").await;
    assert_eq!(shown.len(), 100);
    assert_eq!(shown.last().unwrap(), "Line 150");
    let in_view = "(() => { const line = [...document.querySelectorAll('#timeline .text')].at(-1).getBoundingClientRect(); \
         return line.top > 0 && line.bottom < innerHeight })()";
    page.until("the newest line is in view", in_view).await;
    page.until("that writing needs script", "document.querySelector('.noscript')?.checkVisibility()").await;
    let readable = "[...document.querySelectorAll('#timeline .author, #timeline time')].every((one) => one.textContent.trim())";
    page.until("who and when", readable).await;
    // Older ones by their place; rooms by their links.
    page.go(&format!("{}/rooms/{general}?at=20", house.url)).await;
    page.until("an older line", "document.querySelector('#m20 .text').innerText.startsWith('Line')").await;
    page.click("#rail [href='/browse']").await;
    page.until("rooms to find", "document.querySelector('.directory a').textContent === 'general'").await;
    for path in ["/people", "/settings", "/new"] {
        page.go(&format!("{}{path}", house.url)).await;
        page.until(path, "document.querySelector('main h1')?.textContent.trim()").await;
    }
}
