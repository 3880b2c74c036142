//! What a person does in a page, and sees there.

use serde_json::{Value, json};
use thirtyfour::{By, Key, TypingData, WebElement, WindowHandle};

use crate::chromium::Browser;

/// A message on show whose text is this, whatever marks follow it.
const MESSAGE: &str = "[...document.querySelectorAll('#timeline li.message')].filter((li) => { \
    const text = li.querySelector('.text'); \
    const words = text?.cloneNode(true); \
    words?.querySelectorAll('.edited, .pinned-mark').forEach((mark) => mark.remove()); \
    return words?.textContent.trim() === arguments[0]; })";

impl Browser {
    /// Goes to an address, and waits until the page stands there with its scripts at work.
    pub(crate) async fn go(&self, url: &str) {
        self.driver.goto(url).await.unwrap();
    }

    /// Waits until the page is connected, and all that waited has gone out.
    pub(crate) async fn connected(&self) {
        self.until(
            "the page is connected",
            "document.querySelector('#people, .settings') && document.querySelector('#banner')?.hidden !== false \
             && document.querySelector('main[data-room]') && document.querySelector('.person-row[data-is=here]')",
        )
        .await;
    }

    /// The first element that fits, when it can be clicked.
    pub(crate) async fn find(&self, css: &str) -> WebElement {
        self.until_with(
            css,
            "(() => { const it = document.querySelector(arguments[0]); return it?.checkVisibility() && !it.disabled })()",
            &[json!(css)],
        )
        .await;
        self.driver.find(By::Css(css)).await.unwrap_or_else(|error| panic!("{css}: {error}"))
    }

    /// Clicks it as a person does: where it is, if nothing lies above it.
    pub(crate) async fn click(&self, css: &str) {
        let element = self.find(css).await;
        element.click().await.unwrap_or_else(|error| panic!("{css}: {error}"));
    }

    /// Clicks a button or link by its words.
    pub(crate) async fn press_button(&self, words: &str) {
        const BUTTON: &str = "[...document.querySelectorAll('dialog[open] button, button, a, summary')]\
            .filter((one) => one.checkVisibility() && !one.disabled && (one.textContent.trim() === arguments[0] \
            || one.getAttribute('aria-label') === arguments[0]))";
        self.until_with(words, &format!("{BUTTON}[0]"), &[json!(words)]).await;
        let script = format!("return {BUTTON}[0]");
        let button =
            self.driver.execute(script.as_str(), vec![json!(words)]).await.unwrap().element().unwrap();
        button.click().await.unwrap_or_else(|error| panic!("{words}: {error}"));
    }

    /// Writes into a field, instead of what is there.
    pub(crate) async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Keys for whatever has the focus.
    pub(crate) async fn keys(&self, keys: impl Into<TypingData>) {
        self.driver.action_chain().send_keys(keys).perform().await.unwrap();
    }

    /// A key with others held down.
    pub(crate) async fn chord(&self, held: &[Key], key: char) {
        let mut chain = self.driver.action_chain();
        for one in held {
            chain = chain.key_down(one.clone());
        }
        chain = chain.key_down(key).key_up(key);
        for one in held {
            chain = chain.key_up(one.clone());
        }
        chain.perform().await.unwrap();
    }

    /// Fills the form at the door, and sends it.
    pub(crate) async fn enter(&self, name: &str, password: &str) {
        self.fill("#name", name).await;
        self.fill("#password", password).await;
        self.click("button[type=submit]").await;
    }

    /// Opens a room from the list.
    pub(crate) async fn open(&self, room: &str) {
        const LINK: &str = "[...document.querySelectorAll('#rail .room')]\
            .find((one) => one.querySelector('.label').textContent === arguments[0])";
        self.until_with(&format!("{room} in the list"), LINK, &[json!(room)]).await;
        let script = format!("return {LINK}");
        let link = self.driver.execute(script.as_str(), vec![json!(room)]).await.unwrap().element().unwrap();
        link.click().await.unwrap();
        self.in_room(room).await;
    }

    /// Waits until a room is on show and ready.
    pub(crate) async fn in_room(&self, room: &str) {
        self.until_with(
            &format!("{room} on show"),
            "document.querySelector('main[data-room] .bar h1')?.textContent === arguments[0]",
            &[json!(room)],
        )
        .await;
        self.connected().await;
    }

    /// Writes a message and sends it.
    pub(crate) async fn say(&self, text: &str) {
        self.fill("#text", text).await;
        self.keys(Key::Enter).await;
    }

    /// Waits until a message with this text is on show, stored, and there once.
    pub(crate) async fn sees(&self, text: &str) {
        let condition = format!(
            "(() => {{ const found = {MESSAGE}; return found.length === 1 && found[0].dataset.seq && !found[0].dataset.state }})()"
        );
        self.until_with(&format!("«{text}» on show"), &condition, &[json!(text)]).await;
    }

    /// Waits until no message with this text is on show.
    pub(crate) async fn misses(&self, text: &str) {
        self.until_with(&format!("«{text}» gone"), &format!("{MESSAGE}.length === 0"), &[json!(text)]).await;
    }

    /// How many messages with this text are on show, stored or not.
    pub(crate) async fn count(&self, text: &str) -> u64 {
        self.run(&format!("return {MESSAGE}.length"), &[json!(text)]).await
    }

    /// A message on show.
    pub(crate) async fn message(&self, text: &str) -> WebElement {
        self.until_with(&format!("«{text}» on show"), &format!("{MESSAGE}[0]"), &[json!(text)]).await;
        let script = format!("return {MESSAGE}[0]");
        self.driver.execute(script.as_str(), vec![json!(text)]).await.unwrap().element().unwrap()
    }

    /// Waits until something holds for a message on show: `li` in the condition.
    pub(crate) async fn message_is(&self, text: &str, condition: &str) {
        let condition = format!("{MESSAGE}.some((li) => {condition})");
        self.until_with(&format!("«{text}»"), &condition, &[json!(text)]).await;
    }

    /// Points at a message and does one of the things that its toolbar and its menu offer.
    pub(crate) async fn act(&self, text: &str, what: &str) {
        let message = self.message(text).await;
        // From elsewhere, since it is the coming that counts.
        let bar = self.driver.find(By::Css(".bar h1")).await.unwrap();
        self.driver
            .action_chain()
            .move_to_element_center(&bar)
            .move_to_element_center(&message)
            .perform()
            .await
            .unwrap();
        self.click(".actions [data-act=menu]").await;
        self.click(&format!(".sheet-menu [data-act={what}]")).await;
    }

    /// The badge of a room in the list, empty when there is none.
    pub(crate) async fn badge_is(&self, room: &str, badge: &str) {
        self.until_with(
            &format!("{room} has the badge «{badge}»"),
            "(() => { const link = [...document.querySelectorAll('#rail .room')]\
             .find((one) => one.querySelector('.label').textContent === arguments[0]); \
             const badge = link?.querySelector('.badge'); \
             return link && (badge ? (badge.querySelector('[aria-hidden]') ?? badge).textContent : '') === arguments[1] })()",
            &[json!(room), json!(badge)],
        )
        .await;
    }

    /// Places of the messages on show, in their order there.
    pub(crate) async fn places(&self) -> Vec<u64> {
        self.value(
            "[...document.querySelectorAll('#timeline li[data-seq]')].map((li) => Number(li.dataset.seq))",
        )
        .await
    }

    /// Another tab of the same person at this address; it is the one on show now.
    pub(crate) async fn tab(&self, url: &str) -> WindowHandle {
        let tab = self.driver.new_tab().await.unwrap();
        self.look_at(&tab).await;
        self.cdp("Emulation.setFocusEmulationEnabled", json!({ "enabled": true })).await;
        self.go(url).await;
        tab
    }

    /// The tab on show.
    pub(crate) async fn this_tab(&self) -> WindowHandle {
        self.driver.window().await.unwrap()
    }

    /// Goes over to a tab.
    pub(crate) async fn look_at(&self, tab: &WindowHandle) {
        self.driver.switch_to_window(tab.clone()).await.unwrap();
    }

    /// The address without the server.
    pub(crate) async fn path(&self) -> String {
        let path: Value = self.value("location.pathname + location.search").await;
        path.as_str().unwrap().to_owned()
    }
}
