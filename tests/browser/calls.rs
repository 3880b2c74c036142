//! Calls of two, three and four people: what each says and shows arrives at all the others, whatever happens meanwhile.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    house::House,
    party::{BOTH, Party, Sends},
    relay::{Relay, Way},
    services::free_port,
};

/// How long sockets are away, less than the grace.
const CUT: Duration = Duration::from_secs(10);
/// How long the place of somebody who isn't heard is kept, at least: 7 s until that is noticed, and 15.
const KEPT: Duration = Duration::from_secs(22);

/// The tile of somebody.
fn tile(user: &str) -> String {
    format!(".tile.person[data-user='{user}']")
}

/// Whether a tile bears a mark.
fn marked(user: &str, mark: &str) -> String {
    format!("document.querySelector(\"{} .marks use[href='#i-{mark}']\")", tile(user))
}

#[tokio::test]
async fn what_two_three_and_four_say_and_show_arrives_at_all_and_the_fifth_is_told_why_not() {
    let house = House::open().await;
    let names = ["alice", "bob", "carol", "dave", "erin"];
    let people = house.people(names).await;
    let room = format!("/rooms/{}", people[0].general().await);
    let mut party = Party::at(&house).await;
    let mut seats = vec![];
    for (i, name) in names.iter().enumerate().take(4) {
        let seat = party.comes(&house, name, &room).await;
        party.page.connected().await;
        if i > 0 {
            let inside = format!(
                "document.querySelectorAll('#rail .inside li').length === {i} && document.querySelector('#oncall:not([hidden])')"
            );
            party.page.until("who is inside is seen from outside", &inside).await;
        }
        party.joins().await;
        seats.push((seat, BOTH));
        if i > 0 {
            party.everybody_gets_everybody(&seats).await;
        }
    }

    party.comes(&house, "erin", &room).await;
    party.page.connected().await;
    party.to_the_mirror().await;
    party.page.click("#prejoin [type=submit]").await;
    party
        .page
        .until("why not", "document.querySelector('#toasts').textContent.includes('call is full')")
        .await;
    party.page.until("no stage", "!document.querySelector('#stage')").await;

    // A screen, with all the rest going on.
    let alice = &people[0].user;
    party.as_seen_by(&seats[0].0).await.click("#stage [data-do=share]").await;
    seats[0].1 = Sends { screen: true, ..BOTH };
    party.everybody_gets_everybody(&seats).await;
    for (seat, _) in &seats[1..] {
        let page = party.as_seen_by(seat).await;
        page.until(
            "the screen is large",
            "document.querySelector('.tile.screen.front video')?.videoWidth > 0",
        )
        .await;
    }

    // Mute, camera, hand: seen by all.
    let page = party.as_seen_by(&seats[0].0).await;
    page.click("#stage [data-do=share]").await;
    page.click("#stage [data-do=mute]").await;
    page.click("#stage [data-do=camera]").await;
    page.click("#stage [data-do=hand]").await;
    for (seat, _) in &seats[1..] {
        let page = party.as_seen_by(seat).await;
        page.until("muted", &marked(alice, "mic-off")).await;
        page.until("no camera", &format!("document.querySelector(\"{} video\").hidden", tile(alice))).await;
        page.until("a hand", &format!("document.querySelector(\"{} .corner:not([hidden])\")", tile(alice)))
            .await;
        page.until("no screen", "!document.querySelector('.tile.screen')").await;
    }
    seats[0].1 = Sends { voice: false, camera: false, screen: false };
    party.everybody_gets_everybody(&seats).await;
    let page = party.as_seen_by(&seats[0].0).await;
    page.click("#stage [data-do=mute]").await;
    page.click("#stage [data-do=camera]").await;
    seats[0].1 = BOTH;
    party.everybody_gets_everybody(&seats).await;

    // Who leaves is gone at once, and the fifth may come.
    party.as_seen_by(&seats[3].0).await.click("#stage [data-do=leave]").await;
    for (seat, _) in &seats[..3] {
        let page = party.as_seen_by(seat).await;
        page.until("three are left", "document.querySelectorAll('#stage .tile.person').length === 3").await;
    }
    let complaints = party.page.complaints().await;
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[tokio::test]
async fn who_reloads_has_the_same_place_and_who_dies_is_gone() {
    let house = House::open().await;
    let [alice, _, _] = house.people(["alice", "bob", "carol"]).await;
    let room = format!("/rooms/{}", alice.general().await);
    let mut party = Party::at(&house).await;
    let mut seats = vec![];
    for name in ["alice", "bob", "carol"] {
        let seat = party.comes(&house, name, &room).await;
        party.page.connected().await;
        party.joins().await;
        seats.push((seat, BOTH));
    }
    party.everybody_gets_everybody(&seats).await;

    let page = party.as_seen_by(&seats[0].0).await;
    let place = "document.querySelector('#stage .tile[data-own]')?.dataset.peer";
    let before: String = page.value(place).await;
    page.driver.refresh().await.unwrap();
    party.is_inside().await;
    assert_eq!(party.page.value::<String>(place).await, before, "the same place");
    party.everybody_gets_everybody(&seats).await;
    for (seat, _) in &seats {
        let tiles: u64 =
            party.as_seen_by(seat).await.value("document.querySelectorAll('#stage .tile').length").await;
        assert_eq!(tiles, 3, "no ghost");
    }

    let (carol, _) = seats.pop().unwrap();
    party.crash(&carol).await;
    for (seat, _) in &seats {
        let page = party.as_seen_by(seat).await;
        let away = "document.querySelectorAll('#stage .tile').length < 3 || [...document.querySelectorAll('#stage .tile .state')].some((one) => !one.hidden)";
        page.until("one isn't there", away).await;
        page.until("two are left", "document.querySelectorAll('#stage .tile').length === 2").await;
    }
    party.everybody_gets_everybody(&seats).await;
}

#[tokio::test]
async fn media_goes_on_while_the_sockets_are_away() {
    let port = free_port();
    let relay = Relay::before(port).await;
    let house = House::behind(port, Some(relay.url.clone())).await;
    let [alice, _] = house.people(["alice", "bob"]).await;
    let room = format!("/rooms/{}", alice.general().await);
    let mut party = Party::at(&house).await;
    let mut seats = vec![];
    for name in ["alice", "bob"] {
        let seat = party.comes(&house, name, &room).await;
        party.page.connected().await;
        party.joins().await;
        seats.push((seat, BOTH));
    }
    party.everybody_gets_everybody(&seats).await;

    // A busy machine may take so long to look that the places are lost; then it is not what this is about.
    for more in (0..3).rev() {
        let links: u64 = party.page.value("window.peers.length").await;
        relay.set(Way::Cut);
        let start = Instant::now();
        while start.elapsed() < CUT {
            party.everybody_gets_everybody(&seats).await;
        }
        relay.set(Way::Open);
        let mut still = vec![];
        for (seat, _) in &seats {
            let page = party.as_seen_by(seat).await;
            let back = "document.querySelector('#banner').hidden || void document.querySelector('#banner button')?.click()";
            page.until("the socket is back", back).await;
            page.until("both are there", "document.querySelectorAll('#stage .tile').length === 2 && [...document.querySelectorAll('#stage .tile .state')].every((one) => one.hidden)").await;
            still.push(page.value::<u64>("window.peers.length").await);
        }
        party.everybody_gets_everybody(&seats).await;
        if start.elapsed() < KEPT {
            assert_eq!(still, [links, links], "the links stayed");
            break;
        }
        assert!(more > 0, "never back in time");
    }
    let page = party.as_seen_by(&seats[0].0).await;
    page.click("#stage [data-do=mute]").await;
    party
        .as_seen_by(&seats[1].0)
        .await
        .until("what changes is told again", &marked(&alice.user, "mic-off"))
        .await;
}

#[tokio::test]
async fn a_call_stays_while_one_moves_and_a_second_tab_takes_it_over() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let general = alice.general().await;
    alice.room("private", "lounge", &[&bob]).await;
    let room = format!("/rooms/{general}");
    let mut party = Party::at(&house).await;
    let one = party.comes(&house, "alice", &room).await;
    party.page.connected().await;
    party.joins().await;
    let two = party.comes(&house, "bob", &room).await;
    party.page.connected().await;
    party.joins().await;
    party.everybody_gets_everybody(&[(one.clone(), BOTH), (two.clone(), BOTH)]).await;

    // Another room, and writing there: the call is a card in the rail.
    let page = party.as_seen_by(&two).await;
    page.open("lounge").await;
    page.until("the card", "document.querySelector('#callcard')?.checkVisibility() && !document.querySelector('#stage')?.checkVisibility()").await;
    page.say("Meanwhile").await;
    page.sees("Meanwhile").await;
    party.everybody_gets_everybody(&[(one.clone(), BOTH), (two.clone(), BOTH)]).await;
    let page = party.as_seen_by(&two).await;
    page.click("#callcard .tile").await;
    page.until("the stage again", "document.querySelector('#stage')?.checkVisibility()").await;

    // On another device of the same person.
    let three = party.comes(&house, "bob", &room).await;
    party.page.connected().await;
    party.joins().await;
    party
        .page
        .until("that it moved", "document.querySelector('#toasts').textContent.includes('moved here')")
        .await;
    party.everybody_gets_everybody(&[(one.clone(), BOTH), (three, BOTH)]).await;
    let page = party.as_seen_by(&two).await;
    page.until("the older is told", "document.querySelector('#toasts').textContent.includes('another page')")
        .await;
    page.until("and is out", "!document.querySelector('#stage, #callcard')").await;
    let tiles: Value =
        party.as_seen_by(&one).await.value("document.querySelectorAll('#stage .tile').length").await;
    assert_eq!(tiles, json!(2));
}

#[tokio::test]
async fn one_steps_into_a_voice_room_with_a_click_and_goes_by_keyboard() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let voice = alice.room("voice", "Workbench", &[]).await;
    bob.post(&format!("/api/rooms/{voice}/join"), json!({})).await.ok();
    let room = format!("/rooms/{}", alice.general().await);
    let mut party = Party::at(&house).await;
    let one = party.comes(&house, "alice", &room).await;
    party.page.in_room("general").await;
    party.page.click("#rail .room[data-kind=voice]").await;
    party
        .page
        .until(
            "the mirror, the first time",
            "document.querySelector('#prejoin [type=submit]')?.checkVisibility()",
        )
        .await;
    party.page.click("#prejoin [type=submit]").await;
    party.is_inside().await;
    let two = party.comes(&house, "bob", &room).await;
    party.page.in_room("general").await;
    party
        .page
        .until("who is inside", "document.querySelector('#rail .inside')?.textContent.includes('alice')")
        .await;
    party.page.until("who speaks", "document.querySelector('#rail .inside [data-speaking]')").await;
    party
        .page
        .run::<Value>(
            "localStorage.setItem('parlor.calls', JSON.stringify({ picture: 'small', known: true }))",
            &[],
        )
        .await;
    party.page.click("#rail .room[data-kind=voice]").await;
    party.is_inside().await;
    let voices = [&one, &two].map(|seat| (seat.clone(), Sends { voice: true, camera: false, screen: false }));
    party.everybody_gets_everybody(&voices).await;

    let page = party.as_seen_by(&two).await;
    let keys = "document.dispatchEvent(new KeyboardEvent('keydown', { code: arguments[0], ctrlKey: true, shiftKey: true, bubbles: true, cancelable: true }))";
    page.run::<Value>(keys, &[json!("KeyM")]).await;
    party.as_seen_by(&one).await.until("muted by a key", &marked(&bob.user, "mic-off")).await;
    let page = party.as_seen_by(&two).await;
    page.run::<Value>(keys, &[json!("KeyH")]).await;
    page.until("left by a key", "!document.querySelector('#stage')").await;
}

#[tokio::test]
async fn without_devices_permission_or_https_one_is_told_and_may_listen() {
    let house = House::open().await;
    let [alice, _] = house.people(["alice", "bob"]).await;
    let room = format!("/rooms/{}", alice.general().await);
    for (flags, words) in [
        (&["--use-fake-ui-for-media-stream"][..], "No microphone was found"),
        (
            &["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream=deny"][..],
            "doesn’t allow the microphone",
        ),
    ] {
        let mut party = Party::with(&house, flags).await;
        party.comes(&house, "bob", &room).await;
        party.page.connected().await;
        party.page.click("#calling [data-call]").await;
        let told = format!("document.querySelector('#prejoin .troubles').textContent.includes('{words}')");
        party.page.until(words, &told).await;
        party.page.click("#prejoin [data-listen]").await;
        party.is_inside().await;
        party.page.until("muted", "document.querySelector('#stage [data-do=mute].off')").await;
        party.page.click("#stage [data-do=leave]").await;
        party.page.until("out", "!document.querySelector('#stage')").await;
    }
    let port = free_port();
    let mut house = House::behind(port, None).await;
    let [alice] = house.people(["alice"]).await;
    let room = format!("/rooms/{}", alice.general().await);
    house.is_called(format!("http://parlor.test:{port}")).await;
    let mut party = Party::with(&house, &["--host-resolver-rules=MAP parlor.test 127.0.0.1"]).await;
    party.comes(&house, "alice", &room).await;
    party.page.connected().await;
    party.page.click("#calling [data-call]").await;
    let told = "document.querySelector('#prejoin .troubles').textContent.includes('no https')";
    party.page.until("why not", told).await;
    party.page.click("#prejoin [data-listen]").await;
    party.is_inside().await;
}
