//! The content security policy is one that our own pages never meet.

use serde_json::json;
use thirtyfour::Key;

use crate::{chromium::browser, house::House, people::PASSWORD};

#[tokio::test]
async fn no_page_and_no_state_of_it_breaks_the_policy() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let general = alice.general().await;
    bob.say(&general, "Code:\n```rust\nfn main() { println!(\"hi\") }\n```").await;
    bob.say(&general, "[A link](https://example.test) and ![a picture](https://example.test/x.png)").await;
    let talk = alice.room("direct", "", &[&bob]).await;
    let page = browser().await;
    for path in ["/login", "/register", "/login?next=/x", "/nowhere", "/rooms/nothing"] {
        page.go(&format!("{}{path}", house.url)).await;
        page.until(path, "document.readyState === 'complete'").await;
    }
    page.go(&format!("{}/register", house.url)).await;
    page.enter("al", "weak").await;
    page.until("why not", "document.querySelector('#password-error')").await;
    page.click("[data-reveal]").await;
    house.seat(&page, "alice", "/").await;
    let quiet = async |place: &str| {
        let complaints = page.complaints().await;
        assert!(complaints.is_empty(), "{place}: {complaints:#?}");
    };
    page.go(&house.url).await;
    page.open("general").await;
    quiet("the door").await;
    page.size(1440, 900).await;
    page.say("**Bold** and :smile: and @bob").await;
    page.sees("Bold and :smile: and @bob").await;
    page.act("Bold and :smile: and @bob", "edit").await;
    page.fill(".editing textarea", "Edited").await;
    page.keys(Key::Enter).await;
    page.sees("Edited").await;
    page.act("Edited", "react").await;
    page.until("the picker", "document.querySelector('.picker:popover-open .grid button')").await;
    page.keys(Key::Escape).await;
    page.fill("#text", "@b").await;
    page.until("completions", "document.querySelector('#completion [role=option]')").await;
    page.keys(Key::Escape).await;
    page.chord(&[Key::Control], 'k').await;
    page.until("the switcher", "document.querySelector('dialog.switcher [role=option]')").await;
    page.keys(Key::Escape).await;
    page.click("#timeline .author").await;
    page.until("the card", "document.querySelector('.namecard')").await;
    page.keys(Key::Escape).await;
    page.act("Edited", "delete").await;
    page.click("dialog .button.danger").await;
    page.misses("Edited").await;
    quiet("a room").await;
    page.open("bob").await;
    page.say("Hello").await;
    page.sees("Hello").await;
    quiet("a talk").await;
    let settings = format!("/rooms/{general}/settings");
    let link = format!("/rooms/{talk}?at=1");
    for path in
        ["/browse", "/browse?q=x", "/people", "/new", "/new?kind=group", "/settings", &settings, &link]
    {
        page.go(&format!("{}{path}", house.url)).await;
        page.until(path, "document.readyState === 'complete' && document.querySelector('h1')").await;
        quiet(path).await;
    }
    page.go(&format!("{}/settings", house.url)).await;
    page.click("label:has([name=scheme][value=dark])").await;
    page.until("it is dark", "document.documentElement.dataset.scheme === 'dark'").await;
    page.fill("#current", PASSWORD).await;
    page.fill("#new", "short").await;
    page.click("#password-form [type=submit]").await;
    page.until("why not", "document.querySelector('#password-form .error:not([hidden])')?.textContent").await;
    quiet("settings").await;

    // That it would be heard of.
    page.run::<serde_json::Value>(
        "document.head.append(Object.assign(document.createElement('style'), { textContent: 'b{}' }))",
        &[],
    )
    .await;
    let heard = page.complaints().await;
    assert!(!heard.is_empty(), "a break of the policy is heard of");
    let policy: String = page
        .promised(
            "return (await fetch(args[0])).headers.get('content-security-policy')",
            &[json!("/settings")],
        )
        .await;
    for word in ["unsafe-inline", "unsafe-eval", "*", "http:"] {
        assert!(!policy.contains(word), "{policy}");
    }
}
