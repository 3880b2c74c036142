//! Everything by keyboard alone, and one sees where one is.

use thirtyfour::Key;

use crate::{
    chromium::{Browser, browser},
    house::House,
    people::PASSWORD,
};

/// Whether what has the focus shows it: an outline on it or right around it, or the light of the field that it is in.
const VISIBLE: &str = "(() => {
    let one = document.activeElement;
    if (!one || one === document.body || !one.checkVisibility()) return false;
    for (let up = 0; one && up < 4; up++, one = one.parentElement) {
        const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(one);
        if (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2) return true;
        if (boxShadow !== 'none' && one.matches('input, select, textarea, .composer, .ask, label')) return true;
    }
    return false;
})()";

impl Browser {
    pub(crate) async fn focus_is(&self, css: &str) {
        let condition = format!("document.activeElement?.matches(`{css}`) && {VISIBLE}");
        self.until(&format!("{css} has the focus, visibly"), &condition).await;
    }

    /// Tab, until this has the focus.
    pub(crate) async fn tab_to(&self, css: &str, back: bool) {
        for _ in 0..60 {
            if back {
                self.chord(&[Key::Shift], Key::Tab.into()).await;
            } else {
                self.keys(Key::Tab).await;
            }
            if self.value::<bool>(&format!("!!document.activeElement?.matches(`{css}`)")).await {
                return self.focus_is(css).await;
            }
        }
        panic!("{css} is not reached by Tab");
    }
}

#[tokio::test]
async fn one_logs_in_writes_edits_and_moves_about_without_a_pointer() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    alice.room("private", "lounge", &[&bob]).await;
    let page = browser().await;
    page.go(&format!("{}/login", house.url)).await;
    page.focus_is("#name").await;
    page.keys("alice").await;
    page.keys(Key::Tab).await;
    page.focus_is("#password").await;
    page.keys(PASSWORD).await;
    page.keys(Key::Enter).await;
    page.until("a room", "document.querySelector('main[data-room]')").await;

    page.connected().await;
    page.chord(&[Key::Control], 'k').await;
    page.until("the switcher", "document.activeElement?.matches('dialog.switcher input')").await;
    page.keys("gen").await;
    page.until(
        "it is found",
        "document.querySelector('dialog.switcher [aria-selected=true] .lines')?.textContent === 'general'",
    )
    .await;
    page.keys(Key::Enter).await;
    page.in_room("general").await;
    page.focus_is("#text").await;
    page.keys("Frist").await;
    page.keys(Key::Enter).await;
    page.sees("Frist").await;
    page.focus_is("#text").await;
    page.keys(Key::Up).await;
    page.focus_is(".editing textarea").await;
    for _ in 0..5 {
        page.keys(Key::Backspace).await;
    }
    page.keys("First").await;
    page.keys(Key::Enter).await;
    page.sees("First").await;
    page.focus_is("#text").await;

    // Into the timeline, to a message, into its menu and out.
    page.tab_to("#timeline", true).await;
    page.keys(Key::Up).await;
    page.focus_is("#timeline li[data-seq]").await;
    page.keys(Key::Enter).await;
    page.focus_is(".sheet-menu:popover-open button").await;
    page.keys(Key::Down).await;
    page.focus_is(".sheet-menu:popover-open button").await;
    page.keys(Key::Escape).await;
    page.until("the menu is gone", "!document.querySelector('.sheet-menu:popover-open')").await;
    page.focus_is("#timeline li[data-seq]").await;
    page.keys("r").await;
    page.focus_is("#text").await;
    page.until("what is answered", "document.querySelector('#replying').hidden === false").await;
    page.keys(Key::Escape).await;
    page.until("nothing is answered", "document.querySelector('#replying').hidden").await;
    page.tab_to("#timeline", true).await;
    page.keys(Key::Up).await;
    page.keys("+").await;
    page.until("the picker", "document.activeElement?.matches('.picker input')").await;
    // Whoever types fast doesn't wait for what is found.
    page.keys("party").await;
    page.keys(Key::Down).await;
    page.focus_is(".picker .grid button[aria-label='partying face']").await;
    page.keys(Key::Enter).await;
    page.message_is("First", "li.querySelector('.reactions [data-emoji]')").await;
    page.tab_to("#timeline", true).await;
    page.keys(Key::Up).await;
    page.keys(Key::Delete).await;
    page.focus_is("dialog button").await;
    page.keys(Key::Escape).await;
    page.sees("First").await;

    // Rooms by Alt and the arrows, all keys on a sheet.
    page.chord(&[Key::Alt], Key::Down.into()).await;
    page.in_room("lounge").await;
    page.chord(&[Key::Alt], Key::Up.into()).await;
    page.in_room("general").await;
    page.tab_to("#timeline", true).await;
    page.keys("?").await;
    page.until("the sheet", "document.querySelector('dialog[open] .shortcut-list')").await;
    page.keys(Key::Escape).await;
    page.until("it is gone", "!document.querySelector('dialog[open]')").await;
    page.focus_is("#timeline").await;

    // The menu of the server.
    page.tab_to("[popovertarget=server-menu]", true).await;
    page.keys(Key::Enter).await;
    page.tab_to("#server-menu [href='/browse']", false).await;
    page.keys(Key::Escape).await;
    page.focus_is("[popovertarget=server-menu]").await;
}

#[tokio::test]
async fn what_tab_comes_to_shows_that_it_has_the_focus() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let general = bob.general().await;
    bob.say(&general, "With a [link](https://example.test) and `code`").await;
    alice.say(&general, "Mine").await;
    let page = browser().await;
    house.seat(&page, "alice", "/").await;
    for path in ["/", "/browse", "/people", "/new", "/settings", &format!("/rooms/{general}/settings")] {
        page.go(&format!("{}{path}", house.url)).await;
        page.until(path, "document.readyState === 'complete' && document.querySelector('h1')").await;
        page.run::<serde_json::Value>("document.querySelector('.skip').focus()", &[]).await;
        let mut ways = 0;
        for step in 0..50 {
            page.keys(Key::Tab).await;
            if page.value::<bool>("!document.activeElement || document.activeElement === document.body").await
            {
                break;
            }
            let shown: bool = page.value(VISIBLE).await;
            let what: String = page.value("document.activeElement.outerHTML.slice(0, 200)").await;
            assert!(shown, "{path}, {step}: {what}");
            ways += 1;
        }
        assert!(ways > 8, "{path}: {ways}");
    }
}
