//! The page as a program of its own: its icons, its service worker, and what it does without a network.

use serde_json::{Value, json};

use crate::{
    chromium::browser,
    house::House,
    relay::{Relay, Way},
    services::free_port,
};

#[tokio::test]
async fn without_a_network_there_is_a_page_that_says_so_and_never_an_old_room() {
    let port = free_port();
    let relay = Relay::before(port).await;
    let house = House::behind(port, Some(relay.url.clone())).await;
    let [_, bob] = house.people(["alice", "bob"]).await;
    let general = bob.general().await;
    bob.say(&general, "Between us").await;
    let page = browser().await;
    house.seat(&page, "alice", "/offline").await;
    // What another version kept.
    page.promised::<Value>(
        "await (await caches.open('parlor:/assets/old')).put('/assets/old/x', new Response('x'))",
        &[],
    )
    .await;
    page.go(&house.url).await;
    page.sees("Between us").await;
    page.until("the worker is at work", "navigator.serviceWorker.controller").await;
    let kept = "const names = await caches.keys(); const cache = await caches.open(names[0]); \
        return [names, (await cache.keys()).map(({ url }) => new URL(url).pathname)]";
    let (names, paths): (Vec<String>, Vec<String>) = page.promised(kept, &[]).await;
    assert!(names.len() == 1 && names[0] != "parlor:/assets/old", "{names:?}");
    assert!(paths.iter().all(|path| path == "/offline" || path.starts_with("/assets/")), "{paths:?}");

    relay.set(Way::Cut);
    page.driver.refresh().await.unwrap();
    page.until("that there is no network", "document.querySelector('h1')?.textContent === 'You’re offline'")
        .await;
    let room: bool = page.value("document.body.innerText.includes('Between us')").await;
    assert!(!room);
    page.until(
        "it looks like ours",
        "getComputedStyle(document.querySelector('.button.primary')).borderRadius !== '0px'",
    )
    .await;
    relay.set(Way::Open);
    page.in_room("general").await;
    page.sees("Between us").await;
}

#[tokio::test]
async fn the_page_can_be_installed() {
    let house = House::open().await;
    let page = browser().await;
    page.go(&format!("{}/login", house.url)).await;
    let icons: Vec<(u64, u64, String, String)> = page
        .promised(
            "const at = document.querySelector('link[rel=manifest]').href;
             const { icons } = await (await fetch(at)).json();
             return Promise.all(icons.map(async ({ src, sizes, purpose }) => {
                 const picture = new Image();
                 picture.src = new URL(src, at);
                 await picture.decode();
                 return [picture.naturalWidth, picture.naturalHeight, sizes, purpose];
             }))",
            &[],
        )
        .await;
    for (width, height, sizes, _) in &icons {
        assert!(sizes == "any" || *sizes == format!("{width}x{height}"), "{icons:?}");
    }
    for (size, purpose) in [("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")] {
        assert!(icons.iter().any(|(_, _, sizes, of)| sizes == size && of == purpose), "{icons:?}");
    }
    page.until("a worker", "navigator.serviceWorker.controller").await;
    let errors = page.cdp("Page.getInstallabilityErrors", json!({})).await;
    assert_eq!(errors["installabilityErrors"], json!([]));
}

#[tokio::test]
async fn who_signs_out_leaves_nothing_behind_and_is_asked_about_what_is_not_sent() {
    let port = free_port();
    let relay = Relay::before(port).await;
    let house = House::behind(port, Some(relay.url.clone())).await;
    house.people(["alice", "bob"]).await;
    let page = browser().await;
    house.seat(&page, "alice", "/").await;
    page.in_room("general").await;
    page.until("the worker is at work", "navigator.serviceWorker.controller").await;
    page.run::<Value>("localStorage.setItem('parlor.appearance', '{\"scheme\":\"dark\"}')", &[]).await;
    relay.set(Way::Cut);
    page.say("Never sent").await;
    page.fill("#text", "Half a thought").await;
    page.click("[popovertarget=server-menu]").await;
    page.press_button("Sign out").await;
    page.until("the question", "document.querySelector('dialog[open]')?.textContent.includes('1 message')")
        .await;
    page.press_button("Cancel").await;
    page.until(
        "it is still there",
        "Object.keys(localStorage).some((key) => key.startsWith('parlor.outbox.'))",
    )
    .await;
    relay.set(Way::PagesOnly);
    page.click("[popovertarget=server-menu]").await;
    page.press_button("Sign out").await;
    page.click("dialog[open] .button.danger").await;
    page.until("the door", "location.pathname === '/login'").await;
    let left: Vec<String> = page.value("Object.keys(localStorage)").await;
    assert_eq!(left, ["parlor.appearance"]);
}
