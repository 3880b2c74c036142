//! How calls look to a machine: axe-core finds nothing in any state of one; and how soon one sees the others.

use std::env;

use serde_json::{Value, json};
use thirtyfour::WindowHandle;

use crate::{
    accessibility::{Look, SIZES, axe},
    house::House,
    party::{BOTH, Party},
};

/// Joins that the middle and the slowest are found among, where nobody asks for more.
const JOINS: usize = 3;

/// Looks at one's own page in all states of a call, at one size.
async fn looks(
    party: &Party,
    other: &WindowHandle,
    own: &WindowHandle,
    place: &str,
    width: u32,
) -> Vec<String> {
    let page = &party.page;
    let mut look = Look { page, place: place.to_owned(), found: vec![] };
    look.at("a room with a call").await;
    party.to_the_mirror().await;
    look.at("the mirror").await;
    page.click("#prejoin summary").await;
    page.click("#prejoin [data-try]").await;
    page.until("what was tried", "document.querySelector('#prejoin .ways [data-is=sum]')").await;
    look.at("the mirror with all settings").await;
    page.run::<Value>("document.querySelector('#prejoin form').requestSubmit()", &[]).await;
    party.is_inside().await;
    party.gets("a call", &[BOTH]).await;
    look.at("a call").await;
    page.click("#stage .tile .more").await;
    page.until("a tile's menu", "document.querySelector('.tile-menu:popover-open')").await;
    look.at("a tile's menu").await;
    page.run::<Value>("document.querySelector('.tile-menu').hidePopover()", &[]).await;
    page.click("#stage [data-do=layout]").await;
    look.at("one large").await;
    page.click("#stage [data-do=layout]").await;
    for (what, dialog) in [("settings", ".call-settings"), ("quality", ".quality-panel")] {
        page.click(&format!("#stage [data-do={what}]")).await;
        page.until(what, &format!("document.querySelector('{dialog}[open]')")).await;
        look.at(what).await;
        page.click(&format!("{dialog} .shut")).await;
    }
    page.look_at(other).await;
    page.click("#stage [data-do=share]").await;
    page.look_at(own).await;
    page.until("a screen", "document.querySelector('.tile.screen.front video')?.videoWidth > 0").await;
    look.at("a shared screen").await;
    page.look_at(other).await;
    page.click("#stage [data-do=share]").await;
    page.look_at(own).await;
    page.until("no screen", "!document.querySelector('.tile.screen')").await;
    page.click("#stage [data-do=chat]").await;
    look.at("the conversation").await;
    if width >= 1024 {
        page.click("#stage [data-do=small]").await;
    }
    page.until("it is small", "document.querySelector('#stage').hidden").await;
    look.at("a small call").await;
    let leave = "[...document.querySelectorAll('#callcard [data-do=leave], #callstrip [data-do=leave]')].find((one) => one.checkVisibility()).click()";
    page.run::<Value>(leave, &[]).await;
    page.until("out", "!document.querySelector('#stage, #callcard')").await;
    look.found
}

async fn nothing_is_found(scheme: &str) {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let talk = alice.room("direct", "", &[&bob]).await;
    let room = format!("/rooms/{}", alice.general().await);
    let mut party = Party::at(&house).await;
    let other = party.comes(&house, "bob", &room).await;
    party.page.connected().await;
    party.joins().await;
    let own = party.comes(&house, "alice", &room).await;
    party.page.cdp("Page.addScriptToEvaluateOnNewDocument", json!({ "source": axe() })).await;
    party.page.scheme(scheme).await;
    let mut found = vec![];
    for (width, height) in SIZES {
        party.page.size(width, height).await;
        party.page.driver.refresh().await.unwrap();
        party.page.connected().await;
        found.extend(looks(&party, &other, &own, &format!("{scheme} {width}"), width).await);
    }
    party.page.look_at(&other).await;
    party.page.click("#stage [data-do=leave]").await;
    party.page.go(&format!("{}/rooms/{talk}", house.url)).await;
    party.page.connected().await;
    party.page.press_button("Start a call").await;
    party.page.click("#prejoin [type=submit]").await;
    party.is_inside().await;
    party.page.look_at(&own).await;
    party.page.until("it rings", "document.querySelector('dialog.ringing[open]')").await;
    for (width, height) in SIZES {
        party.page.size(width, height).await;
        let mut look = Look { page: &party.page, place: format!("{scheme} {width}"), found: vec![] };
        look.at("it rings").await;
        found.extend(look.found);
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[tokio::test]
async fn axe_finds_nothing_in_calls_in_the_light() {
    nothing_is_found("light").await;
}

#[tokio::test]
async fn axe_finds_nothing_in_calls_in_the_dark() {
    nothing_is_found("dark").await;
}

/// How many signals a server has handed on so far.
async fn signals(house: &House) -> f64 {
    let page = reqwest::get(format!("{}/metrics", house.direct)).await.unwrap().text().await.unwrap();
    let counts = page.lines().filter(|line| line.starts_with("parlor_signals_total{"));
    counts.map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()).sum()
}

/// From the press of the button to the first picture of the other that is decoded. `PARLOR_TEST_JOINS` says how often.
#[tokio::test]
#[expect(clippy::print_stdout, reason = "figures, for those who ask for them with --nocapture")]
async fn who_joins_sees_the_others_soon() {
    let joins = env::var("PARLOR_TEST_JOINS").map_or(JOINS, |joins| joins.parse().expect("a number"));
    let house = House::open().await;
    let [alice, _] = house.people(["alice", "bob"]).await;
    let room = format!("/rooms/{}", alice.general().await);
    let mut party = Party::at(&house).await;
    party.comes(&house, "alice", &room).await;
    party.page.connected().await;
    party.joins().await;
    party.comes(&house, "bob", &room).await;
    party.page.connected().await;
    let mut took: Vec<f64> = vec![];
    let before = signals(&house).await;
    for _ in 0..joins {
        party.to_the_mirror().await;
        let script = "
            const from = window.peers.length, start = performance.now();
            document.querySelector('#prejoin form').requestSubmit();
            for (;;) {
                for (const one of window.peers.slice(from)) {
                    const all = one.connectionState === 'closed' ? [] : [...(await one.getStats()).values()];
                    if (all.some(({ type, mid, framesDecoded }) => type === 'inbound-rtp' && mid === '1' && framesDecoded > 0)) return performance.now() - start;
                }
                await new Promise((done) => setTimeout(done, 5));
            }";
        took.push(party.page.promised(script, &[]).await);
        party.page.click("#stage [data-do=leave]").await;
        party.page.until("out", "!document.querySelector('#stage')").await;
    }
    let signals = (signals(&house).await - before) / joins as f64;
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took[((took.len() as f64 * share).ceil() as usize).clamp(1, took.len()) - 1];
    println!("{joins} joins, first picture after: p50 {:.0} ms, p95 {:.0} ms, {took:.0?}", at(0.5), at(0.95));
    println!("signals that the server handed on for each, with what tells that they came: {signals:.1}");
    assert!(at(0.5) < 5_000.0, "{took:?}");
}
