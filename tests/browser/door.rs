//! Coming in, being refused, and going out.

use serde_json::json;
use thirtyfour::Key;

use crate::{
    chromium::{browser, browsers},
    house::House,
    people::PASSWORD,
};

#[tokio::test]
async fn the_door_says_why_it_stays_shut() {
    let house = House::open().await;
    let page = browser().await;
    let register = format!("{}/register", house.url);
    page.go(&register).await;
    page.enter("alice", "password1").await;
    let said = async |what: &str, css: &str| {
        page.until_with(
            what,
            "document.querySelector(arguments[0])?.textContent.trim().length > 10",
            &[json!(css)],
        )
        .await;
    };
    said("why the password is weak", "#password-error").await;
    assert_eq!(page.value::<String>("document.querySelector('#name').value").await, "alice");
    assert_eq!(page.value::<String>("document.querySelector('#password').value").await, "");
    page.enter("alice", PASSWORD).await;
    page.in_room("general").await;

    // Out again: the page is no more, and what it knew is asked for anew.
    let room = page.path().await;
    page.click("[popovertarget=server-menu]").await;
    page.press_button("Sign out").await;
    page.until("the door", "location.pathname === '/login'").await;
    page.go(&format!("{}{room}", house.url)).await;
    page.until("the door", "location.pathname === '/login'").await;
    page.enter("alice", "not the password").await;
    said("why one may not come in", "#error").await;
    assert_eq!(page.value::<String>("document.querySelector('#name').value").await, "alice");
    page.fill("#password", PASSWORD).await;
    page.keys(Key::Enter).await;
    page.in_room("general").await;
    assert_eq!(page.path().await, room, "one comes to where one wanted to go");

    page.driver.delete_all_cookies().await.unwrap();
    page.go(&register).await;
    page.fill("#display", "Älice <3").await;
    page.enter("Alice", PASSWORD).await;
    said("the name is taken", "#name-error").await;
    assert_eq!(page.value::<String>("document.querySelector('#name').value").await, "Alice");
    assert_eq!(page.value::<String>("document.querySelector('#display').value").await, "Älice <3");
}

#[tokio::test]
async fn a_session_that_is_ended_elsewhere_ends_here_too() {
    let house = House::open().await;
    house.people(["alice"]).await;
    let [here, there] = browsers().await;
    house.seat(&here, "alice", "/").await;
    house.seat(&there, "alice", "/settings").await;
    here.in_room("general").await;
    there.click("[data-end-others]").await;
    here.until(
        "one is told",
        "location.pathname === '/login' || document.querySelector('#banner [href^=\"/login\"]')",
    )
    .await;
}
