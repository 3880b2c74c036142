//! axe-core finds nothing: on no page, in no state, at no size, neither light nor dark.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};
use thirtyfour::Key;

use crate::{
    chromium::{Browser, browser},
    house::House,
    people::Person,
    relay::{Relay, Way},
    samples::{Desk, hum, picture, share},
    services::free_port,
};

const AXE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/node_modules/axe-core/axe.min.js");
/// A desk, a tablet, a phone.
pub(crate) const SIZES: [(u32, u32); 3] = [(1440, 900), (820, 1180), (390, 844)];

pub(crate) fn axe() -> String {
    fs::read_to_string(AXE).unwrap_or_else(|error| {
        panic!("axe-core is missing ({error}): run the tests with ./test, or `npm ci` first")
    })
}

/// A look at all states, with what was found.
pub(crate) struct Look<'a> {
    pub(crate) page: &'a Browser,
    pub(crate) place: String,
    pub(crate) found: Vec<String>,
}

impl Look<'_> {
    pub(crate) async fn at(&mut self, state: &str) {
        let script = "
            await Promise.all(document.getAnimations().filter((one) => one.effect.getTiming().iterations !== Infinity)
                .map((one) => one.finished.catch(() => {})));
            const { violations } = await axe.run(document, { resultTypes: ['violations'] });
            return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 4).map(({ target, any, all }) =>
                `${target.join(' ')} (${[...any, ...all].map(({ message }) => message).join('; ')})`).join(' | ')}`);";
        let found: Vec<String> = self.page.promised(script, &[]).await;
        self.found.extend(found.into_iter().map(|one| format!("{} {state}: {one}", self.place)));
    }

    async fn on(&mut self, house: &House, path: &str) {
        self.page.go(&format!("{}{path}", house.url)).await;
        self.page.until(path, "document.readyState === 'complete' && document.querySelector('h1')").await;
        self.at(path).await;
    }
}

/// A community in which there is something of everything.
struct Scene {
    house: House,
    relay: Relay,
    general: String,
    empty: String,
    talk: String,
    closed: String,
    files: String,
}

impl Scene {
    async fn set() -> Self {
        let port = free_port();
        let relay = Relay::before(port).await;
        let house = House::behind(port, Some(relay.url.clone())).await;
        let [alice, bob, carol] = house.people(["alice", "bob", "carol"]).await;
        let general = alice.general().await;
        Self::talk(&alice, &bob, &general).await;
        let name = json!({ "display": "Carol שלום", "bio": "Writes from the right" });
        carol.ask(Method::PATCH, "/api/me", Some(name)).await.ok();
        carol.say(&general, "مرحبا، كيف الحال؟").await;
        let status = json!({ "emoji": "🌴", "text": "By the sea", "busy": true });
        bob.ask(Method::PUT, "/api/me/status", Some(status)).await.ok();
        carol.ask(Method::PUT, "/api/me/status", Some(json!({ "busy": true }))).await.ok();
        let empty = alice.room("private", "Nothing yet", &[&bob]).await;
        let talk = alice.room("direct", "", &[&bob]).await;
        bob.say(&talk, "A word with you").await;
        let closed = bob.room("public", "Doorway", &[]).await;
        bob.say(&closed, "Come in").await;
        let files = alice.room("private", "Files", &[&bob]).await;
        let shared = vec![
            ("cover.png", picture(600, 400, [240, 180, 60])),
            ("plate.png", picture(300, 500, [60, 90, 200])),
            ("tides.rs", b"fn main() {}\n".to_vec()),
            ("almanac.pdf", b"%PDF-1.7".to_vec()),
            ("hum.wav", hum(1)),
        ];
        share(&bob, &files, "Two covers, and the rest", shared).await;
        Self { house, relay, general, empty, talk, closed, files }
    }

    async fn talk(alice: &Person, bob: &Person, general: &str) {
        let texts = [
            "Good morning, @alice and @everyone",
            "# A heading\n\n**Bold**, _italic_, ~~struck~~, `code`, [a link](https://example.test)",
            "> A quotation\n\n- one\n- two\n\n1. first\n2. second",
            "```rust\nfn main() {\n    // why\n    let answer = \"42\";\n}\n```",
            "| a | b |\n|---|---|\n| 1 | 2 |",
            "👍",
        ];
        for text in texts {
            bob.say(general, text).await;
        }
        alice.say(general, &"A long one. ".repeat(300)).await;
        let mine = alice.say(general, "My own words").await;
        let path = format!("/api/rooms/{general}/messages");
        bob.post(&path, json!({ "text": "An answer", "reply_to": mine })).await.ok();
        for (who, emoji) in [(alice, "🎉"), (bob, "🎉"), (bob, "👀")] {
            who.ask(Method::PUT, &format!("{path}/{mine}/reactions/{emoji}"), None).await.ok();
        }
        bob.ask(Method::PUT, &format!("{path}/{mine}/pin"), None).await.ok();
        let base = alice.get(&format!("{path}/{mine}")).await.ok()["base"].clone();
        let edit = json!({ "text": "My own words, better", "base": base });
        alice.ask(Method::PATCH, &format!("{path}/{mine}"), Some(edit)).await.ok();
        let gone = bob.say(general, "Not for long").await;
        bob.ask(Method::DELETE, &format!("{path}/{gone}"), None).await.ok();
    }

    async fn doors(&self, look: &mut Look<'_>) {
        look.page.driver.delete_all_cookies().await.unwrap();
        look.on(&self.house, "/login").await;
        look.page.enter("alice", "wrong").await;
        look.page.until("why not", "document.querySelector('#error')").await;
        look.at("refused at the door").await;
        look.on(&self.house, "/register").await;
        look.page.enter("alice", "password").await;
        look.page.until("why not", "document.querySelector('#name-error, #password-error')").await;
        look.at("refused to register").await;
        self.house.seat(look.page, "alice", "/nowhere").await;
        look.on(&self.house, "/nowhere").await;
    }

    async fn pages(&self, look: &mut Look<'_>) {
        let settings = format!("/rooms/{}/settings", self.empty);
        let [empty, talk, closed] =
            [&self.empty, &self.talk, &self.closed].map(|room| format!("/rooms/{room}"));
        let paths = [
            "/offline",
            "/browse",
            "/browse?q=nothing",
            "/people",
            "/new",
            "/new?kind=group",
            "/settings",
            &settings,
            &closed,
            &empty,
            &talk,
        ];
        for path in paths {
            look.on(&self.house, path).await;
        }
    }

    async fn room(&self, look: &mut Look<'_>, width: u32) {
        let page = look.page;
        look.on(&self.house, &format!("/rooms/{}", self.general)).await;
        page.connected().await;
        look.at("a room, connected").await;
        let focus = "[...document.querySelectorAll('#timeline li[data-own][data-kind=text]')].at(-1).focus()";
        page.run::<Value>(focus, &[]).await;
        page.keys(Key::Enter).await;
        page.until("the menu", "document.querySelector('.sheet-menu:popover-open')").await;
        look.at("a message's menu").await;
        page.click(".sheet-menu [data-act=delete]").await;
        page.until("the question", "document.querySelector('dialog[open]')").await;
        look.at("a question").await;
        page.keys(Key::Escape).await;
        page.click("#emoji").await;
        page.until("the picker", "document.querySelector('.picker:popover-open .grid button')").await;
        look.at("the picker").await;
        page.keys(Key::Escape).await;
        page.run::<Value>(focus, &[]).await;
        page.keys("e").await;
        page.until("the form", "document.querySelector('.editing textarea')").await;
        look.at("editing").await;
        page.keys(Key::Escape).await;
        page.run::<Value>(focus, &[]).await;
        page.keys("r").await;
        page.until("what is answered", "document.querySelector('#replying:not([hidden])')").await;
        page.fill("#text", "@b").await;
        page.until("completions", "document.querySelector('#completion [role=option]')").await;
        look.at("answering, with completions").await;
        page.keys(Key::Escape).await;
        page.fill("#text", "").await;
        page.chord(&[Key::Control], 'k').await;
        page.until("the switcher", "document.querySelector('dialog.switcher [role=option]')").await;
        look.at("the switcher").await;
        page.keys(Key::Escape).await;
        page.run::<Value>("document.querySelector('#timeline .author').click()", &[]).await;
        page.until("a card", "document.querySelector('.namecard')?.checkVisibility()").await;
        look.at("a card").await;
        page.run::<Value>("document.querySelector('.holder').hidePopover()", &[]).await;
        let reacted = "[...document.querySelectorAll('#timeline li:has(.reactions)')].at(-1).focus()";
        page.run::<Value>(reacted, &[]).await;
        page.keys("m").await;
        page.click(".sheet-menu [data-act=who]").await;
        page.until("who reacted", "document.querySelector('dialog[open] .who dd')?.textContent").await;
        look.at("who reacted").await;
        page.keys(Key::Escape).await;
        page.run::<Value>("document.querySelector('#pins-open').click()", &[]).await;
        page.until("what is pinned", "document.querySelector('.pins-panel:popover-open .pins li')").await;
        look.at("what is pinned").await;
        page.keys(Key::Escape).await;
        page.run::<Value>("document.querySelector('.me [data-open]').click()", &[]).await;
        page.until("one's status", "document.querySelector('dialog[open] .status-form')").await;
        look.at("one's status").await;
        page.keys(Key::Escape).await;
        if width > 1000 {
            page.run::<Value>("document.querySelector('.splitter.side').focus()", &[]).await;
            look.at("a splitter").await;
        }
        if width < 900 {
            page.click("[popovertarget=people]").await;
            look.at("people").await;
            page.run::<Value>("document.querySelector('#people').hidePopover()", &[]).await;
        }
        if width < 600 {
            page.click("[popovertarget=rooms]").await;
            look.at("rooms").await;
            page.click("[popovertarget=server-menu]").await;
            look.at("the server's menu").await;
            page.go(&format!("{}/rooms/{}", self.house.url, self.general)).await;
            page.connected().await;
        }
        self.offline(look).await;
    }

    /// What comes with files: in the timeline, in the tray, large, in a list, recorded, cut.
    async fn files(&self, look: &mut Look<'_>) {
        let page = look.page;
        let desk = Desk::new();
        look.on(&self.house, &format!("/rooms/{}", self.files)).await;
        page.connected().await;
        page.until("the code", "document.querySelector('.reading code')").await;
        look.at("files in a room").await;
        let files = [desk.lay("wide.png", &picture(400, 200, [200, 90, 10])), desk.lay("a.pdf", b"%PDF-1.7")];
        page.choose("#pick", &files).await;
        page.all_up(2).await;
        look.at("the tray").await;
        page.bring("dragenter", "#timeline", "a", "", b"a").await;
        look.at("something held over the room").await;
        page.run::<Value>("document.querySelector('.drop').hidden = true", &[]).await;
        page.click("#timeline .image").await;
        page.until("a picture", "document.querySelector('.lightbox[open]')").await;
        look.at("a picture, large").await;
        page.keys(Key::Escape).await;
        page.click("[data-open=files]").await;
        page.until("the files", "document.querySelector('.shelf .found li')").await;
        look.at("the room's files").await;
        page.press_button("Pictures").await;
        page.until("the pictures", "document.querySelector('.shelf [data-grid] li')").await;
        look.at("the room's pictures").await;
        page.keys(Key::Escape).await;
        for button in [1, 2] {
            page.click(&format!("#tray li:nth-child({}) .tool:not(.again)", 3 - button)).await;
        }
        page.until("an empty tray", "document.querySelector('#tray').hidden").await;
        page.click("#record").await;
        page.until("it records", "document.querySelector('.recorder [role=meter][aria-valuenow]')").await;
        look.at("recording").await;
        page.press_button("Stop, and listen to it").await;
        page.until("it is made", "document.querySelector('.recorder[data-made]')").await;
        look.at("recorded").await;
        look.on(&self.house, "/settings").await;
        page.choose(".photo input", &files[..1]).await;
        page.until("the cropper", "document.querySelector('canvas.cropper')").await;
        look.at("the cropper").await;
        page.keys(Key::Escape).await;
    }

    async fn offline(&self, look: &mut Look<'_>) {
        let page = look.page;
        self.relay.set(Way::Cut);
        page.until("the banner", "document.querySelector('#banner').hidden === false").await;
        let write = "const field = document.querySelector('#text'); field.value = arguments[0]; \
             field.dispatchEvent(new Event('input')); field.form.requestSubmit()";
        page.run::<Value>(write, &[json!("Written in the dark")]).await;
        page.until("it waits", "document.querySelector('li[data-state=pending] .status')").await;
        look.at("offline").await;
        self.relay.set(Way::Open);
        page.until("back", "document.querySelector('#banner').hidden || void document.querySelector('#banner button')?.click()").await;
    }
}

async fn nothing_is_found(scheme: &str) {
    let scene = Scene::set().await;
    let page = browser().await;
    page.cdp("Page.addScriptToEvaluateOnNewDocument", json!({ "source": axe() })).await;
    page.scheme(scheme).await;
    let mut look = Look { page: &page, place: String::new(), found: vec![] };
    for (width, height) in SIZES {
        look.place = format!("{scheme} {width}");
        page.size(width, height).await;
        scene.doors(&mut look).await;
        scene.pages(&mut look).await;
        scene.room(&mut look, width).await;
        scene.files(&mut look).await;
    }
    assert!(look.found.is_empty(), "{:#?}", look.found);
    // That it would find something.
    page.run::<Value>("document.querySelector('#main').append(document.createElement('img'))", &[]).await;
    look.at("with a picture of nothing").await;
    assert!(look.found.iter().any(|one| one.contains("image-alt")), "{:#?}", look.found);
}

#[tokio::test]
async fn axe_finds_nothing_in_the_light() {
    nothing_is_found("light").await;
}

#[tokio::test]
async fn axe_finds_nothing_in_the_dark() {
    nothing_is_found("dark").await;
}
