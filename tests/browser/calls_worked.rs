//! What one does in a call, by keys and by pointer: how one is heard, with which devices, and how one looks at the others.

use std::time::Instant;

use serde_json::{Value, json};
use thirtyfour::{Key, WindowHandle};

use crate::{
    chromium::{Browser, PATIENCE},
    house::House,
    party::{BOTH, Party, Sends},
};

const VOICE: Sends = Sends { voice: true, camera: false, screen: false };
const SILENCE: Sends = Sends { voice: false, camera: false, screen: false };

/// Packets of voice that come in while one listens whether there is anything in them: some two seconds.
const PACKETS: u64 = 100;

/// Energy of what comes when nobody is heard: the codec makes a little of its own.
const SILENT: f64 = 1e-3;

/// What the page gets of the browser's devices from now on, in `window.got`: what was asked, and the track.
const GOT: &str = "
    window.got = [];
    const { mediaDevices } = navigator;
    const ask = mediaDevices.getUserMedia.bind(mediaDevices);
    mediaDevices.getUserMedia = async (wanted) => {
        const stream = await ask(wanted);
        for (const track of stream.getTracks()) window.got.push({ wanted, track });
        return stream;
    };";

/// What the page asks for when a screen is shared, in `window.shared`.
const SHARED: &str = "
    const { mediaDevices } = navigator;
    const share = mediaDevices.getDisplayMedia.bind(mediaDevices);
    mediaDevices.getDisplayMedia = (wanted) => share((window.shared = wanted));";

/// The tile of somebody.
fn tile(user: &str) -> String {
    format!("#stage .tile.person[data-user='{user}']")
}

/// Two in the call of `general`, each at a seat of their own; the second is on show.
async fn two(house: &House, how: Sends) -> (Party, [WindowHandle; 2], [String; 2]) {
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let room = format!("/rooms/{}", alice.general().await);
    let mut party = Party::at(house).await;
    let mut seats = vec![];
    for name in ["alice", "bob"] {
        seats.push(party.comes(house, name, &room).await);
        party.page.connected().await;
        if how.camera {
            party.joins().await;
        } else {
            party.joins_unseen().await;
        }
    }
    let seats: [WindowHandle; 2] = seats.try_into().unwrap();
    party.everybody_gets_everybody(&seats.clone().map(|seat| (seat, how))).await;
    (party, seats, [alice.user, bob.user])
}

/// Waits until a good deal of the other's packets has come, and says how much voice there was in them.
async fn heard(page: &Browser) -> f64 {
    const COUNT: &str = "
        const one = window.peers.findLast(({ connectionState }) => connectionState === 'connected');
        const voice = [...(await one.getStats()).values()].find(({ type, mid }) => type === 'inbound-rtp' && mid === '0');
        return [voice.packetsReceived, voice.totalAudioEnergy];";
    let (first, before): (u64, f64) = page.promised(COUNT, &[]).await;
    loop {
        let (now, energy): (u64, f64) = page.promised(COUNT, &[]).await;
        if now >= first + PACKETS {
            return energy - before;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

/// Nothing of the other's voice comes any more, though packets do. What was said before may be on its way for a moment.
async fn is_silent(page: &Browser, what: &str) {
    let start = Instant::now();
    loop {
        let energy = heard(page).await;
        if energy < SILENT {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{what}: {energy}");
    }
}

/// Sets something in the settings of the call on show.
async fn settings(page: &Browser, script: &str, args: &[Value]) {
    page.click("#stage [data-do=settings]").await;
    page.until("the settings", "document.querySelector('.call-settings[open] #call-microphone option')")
        .await;
    page.run::<Value>(script, args).await;
    page.click(".call-settings .shut").await;
    page.until("they are shut", "!document.querySelector('.call-settings')").await;
}

async fn talks(page: &Browser, how: &str) {
    let choose = "document.querySelector(`.call-settings [name=call-talk][value=${arguments[0]}]`).click()";
    settings(page, choose, &[json!(how)]).await;
}

#[tokio::test]
async fn a_call_is_entered_worked_and_left_by_keyboard_alone() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let room = format!("/rooms/{}", alice.general().await);
    let mut party = Party::at(&house).await;
    let other = party.comes(&house, "alice", &room).await;
    party.page.connected().await;
    party.joins().await;
    let own = party.comes(&house, "bob", &room).await;
    let page = &party.page;
    page.connected().await;

    page.tab_to("#calling [data-call]", true).await;
    page.keys(Key::Enter).await;
    page.until("the mirror", "document.activeElement?.id === 'prejoin'").await;
    page.until("the microphone", "document.querySelector('#prejoin .dock button:first-child:not(.off)')")
        .await;
    page.tab_to("#prejoin .dock button:last-child", false).await;
    page.keys(Key::Space).await;
    page.until("the camera", "document.querySelector('#prejoin video:not([hidden])')?.videoWidth > 0").await;
    page.tab_to("#prejoin select#call-microphone", false).await;
    page.tab_to("#prejoin [type=submit]", false).await;
    page.keys(Key::Enter).await;
    party.is_inside().await;
    page.until("one stands on the stage", "document.activeElement?.id === 'stage'").await;
    party.everybody_gets_everybody(&[(other.clone(), BOTH), (own.clone(), BOTH)]).await;

    let his = tile(&bob.user);
    let sees = async |what: &str, condition: &str| {
        party.as_seen_by(&other).await.until(what, condition).await;
        party.as_seen_by(&own).await;
    };
    let mark = |name: &str| format!("document.querySelector(\"{his} .marks use[href='#i-{name}']\")");
    let held = [Key::Control, Key::Shift];
    party.as_seen_by(&own).await;
    page.chord(&held, 'm').await;
    sees("muted", &mark("mic-off")).await;
    page.chord(&held, 'm').await;
    sees("not muted", &format!("!{}", mark("mic-off"))).await;
    page.chord(&held, 'o').await;
    sees("no camera", &format!("document.querySelector(\"{his} video\").hidden")).await;
    page.chord(&held, 'o').await;
    sees("a camera", &format!("!document.querySelector(\"{his} video\").hidden")).await;
    page.chord(&held, 'k').await;
    sees("a hand", &format!("document.querySelector(\"{his} .corner:not([hidden])\")")).await;
    page.chord(&held, 'k').await;
    sees("no hand", &format!("document.querySelector(\"{his} .corner[hidden]\")")).await;
    page.chord(&held, 'd').await;
    sees("deaf", &mark("headset-off")).await;
    page.chord(&held, 'd').await;
    sees("not deaf", &format!("!{}", mark("headset-off"))).await;
    page.chord(&held, 'e').await;
    sees("a screen", "document.querySelector('.tile.screen video')?.videoWidth > 0").await;
    page.chord(&held, 'e').await;
    sees("no screen", "!document.querySelector('.tile.screen')").await;
    page.chord(&held, 'l').await;
    page.until("small", "document.querySelector('#stage').hidden").await;
    page.chord(&held, 'l').await;
    page.until("large", "document.activeElement?.id === 'stage'").await;

    // What can be done with somebody's tile.
    let hers = format!("{} .more", tile(&alice.user));
    page.tab_to(&hers, false).await;
    page.keys(Key::Enter).await;
    page.focus_is(".tile-menu:popover-open #tile-volume").await;
    page.keys(Key::Home).await;
    page.until("unheard", "[...document.querySelectorAll('audio')].some(({ volume }) => volume === 0)").await;
    page.keys(Key::End).await;
    page.until("heard", "[...document.querySelectorAll('audio')].every(({ volume }) => volume === 1)").await;
    page.keys(Key::Tab).await;
    page.keys(Key::Enter).await;
    page.until("she is large", &format!("document.querySelector(\"{}.front\")", tile(&alice.user))).await;
    page.focus_is(&hers).await;
    page.keys(Key::Enter).await;
    page.focus_is(".tile-menu:popover-open #tile-volume").await;
    page.keys(Key::Escape).await;
    page.focus_is(&hers).await;

    page.chord(&held, 'h').await;
    page.until("out", "!document.querySelector('#stage, #callcard')").await;
    page.until("one is back in the room", "document.activeElement?.id === 'main'").await;
    sees("gone at once", "document.querySelectorAll('#stage .tile.person').length === 1").await;
}

#[tokio::test]
async fn one_is_heard_while_a_key_is_held_or_when_one_speaks() {
    let house = House::open().await;
    let (party, [alice, bob], _) = two(&house, VOICE).await;
    let speaks = "document.querySelector('#stage .tile:not([data-own])[data-speaking]')";

    let page = party.as_seen_by(&bob).await;
    talks(page, "push").await;
    let page = party.as_seen_by(&alice).await;
    page.until("nobody speaks", &format!("!{speaks}")).await;
    is_silent(page, "nothing while the key is up").await;
    let page = party.as_seen_by(&bob).await;
    page.run::<Value>("document.querySelector('#stage').focus()", &[]).await;
    page.driver.action_chain().key_down(' ').perform().await.unwrap();
    let page = party.as_seen_by(&alice).await;
    party.gets("while the key is held", &[VOICE]).await;
    page.until("one sees who speaks", speaks).await;
    let page = party.as_seen_by(&bob).await;
    page.driver.action_chain().key_up(' ').perform().await.unwrap();
    let page = party.as_seen_by(&alice).await;
    page.until("nobody speaks any more", &format!("!{speaks}")).await;
    is_silent(page, "nothing when it is up again").await;

    // Another key, learned in the settings; where one writes, it writes.
    let page = party.as_seen_by(&bob).await;
    page.click("#stage [data-do=settings]").await;
    page.click("#call-key").await;
    page.keys("v").await;
    page.until("it is learned", "document.querySelector('#call-key').textContent === 'V'").await;
    page.click(".call-settings .shut").await;
    page.click("#stage [data-do=chat]").await;
    page.fill("#text", "").await;
    page.keys("vv").await;
    page.until("written", "document.querySelector('#text').value === 'vv'").await;
    page.run::<Value>("document.querySelector('#stage').focus()", &[]).await;
    page.driver.action_chain().key_down('v').perform().await.unwrap();
    party.as_seen_by(&alice).await;
    party.gets("while the other key is held", &[VOICE]).await;
    let page = party.as_seen_by(&bob).await;
    page.driver.action_chain().key_up('v').perform().await.unwrap();

    // By voice: what is louder than one's mark opens the microphone, what isn't doesn't.
    talks(page, "voice").await;
    let loud = "const slider = document.querySelector('#call-loudness'); slider.max = 500; slider.value = arguments[0]; \
        slider.dispatchEvent(new Event('input'))";
    settings(page, loud, &[json!(500)]).await;
    let page = party.as_seen_by(&alice).await;
    page.until("nobody speaks loud enough", &format!("!{speaks}")).await;
    is_silent(page, "nothing is as loud as that").await;
    let page = party.as_seen_by(&bob).await;
    settings(page, loud, &[json!(1)]).await;
    party.as_seen_by(&alice).await;
    party.gets("when one speaks", &[VOICE]).await;
    let page = party.as_seen_by(&bob).await;
    talks(page, "open").await;
    page.click("#stage [data-do=mute]").await;
    party.as_seen_by(&alice).await;
    is_silent(&party.page, "muted is muted, however one talks").await;
    party.gets("the line stands", &[SILENCE]).await;
}

#[tokio::test]
async fn devices_and_their_treatment_change_without_joining_anew() {
    let house = House::open().await;
    let (party, [alice, bob], _) = two(&house, BOTH).await;
    let everybody = [(alice.clone(), BOTH), (bob.clone(), BOTH)];
    let page = party.as_seen_by(&bob).await;
    page.run::<Value>(GOT, &[]).await;
    let place = "document.querySelector('#stage .tile[data-own]').dataset.peer";
    let before: String = page.value(place).await;
    let last = "window.got.findLast(({ track }) => track.kind === arguments[0])";

    for (kind, field) in [("audio", "call-microphone"), ("video", "call-camera")] {
        let other = "const select = document.getElementById(arguments[0]); \
            select.selectedIndex = select.options.length - 1; \
            window.chosen = select.value; select.dispatchEvent(new Event('change'))";
        settings(page, other, &[json!(field)]).await;
        page.until_with(&format!("another {field}"), last, &[json!(kind)]).await;
        let which = format!("return [{last}.track.getSettings().deviceId, window.chosen, {last}.wanted]");
        let (got, chosen, wanted): (String, String, Value) = page.run(&which, &[json!(kind)]).await;
        assert_eq!(got, chosen, "{wanted}");
        party.everybody_gets_everybody(&everybody).await;
    }
    party.as_seen_by(&bob).await;
    for on in [false, true] {
        settings(page, "document.querySelector('#call-noise').click()", &[]).await;
        let asked = format!("{last}?.wanted.audio.noiseSuppression === {on}");
        page.until_with("noise is treated otherwise", &asked, &[json!("audio")]).await;
    }
    party.everybody_gets_everybody(&everybody).await;
    let page = party.as_seen_by(&bob).await;
    assert_eq!(page.value::<String>(place).await, before, "the same place");
    assert_eq!(page.value::<u64>("window.peers.length").await, 1, "the same link");

    // They are remembered.
    page.driver.refresh().await.unwrap();
    party.is_inside().await;
    let kept = "(() => { const kept = JSON.parse(localStorage.getItem('parlor.calls')); \
        const sent = window.peers.at(-1)?.getSenders().slice(0, 2).map(({ track }) => track?.getSettings().deviceId); \
        return sent && kept.microphone && kept.camera && sent[0] === kept.microphone && sent[1] === kept.camera; })()";
    page.until("the same devices", kept).await;
    party.everybody_gets_everybody(&everybody).await;
    let page = party.as_seen_by(&bob).await;
    // Where they are gone, others serve.
    let gone = "localStorage.setItem('parlor.calls', JSON.stringify({ ...JSON.parse(localStorage.getItem('parlor.calls')), microphone: 'gone', camera: 'gone' }))";
    page.run::<Value>(gone, &[]).await;
    page.driver.refresh().await.unwrap();
    party.is_inside().await;
    party.everybody_gets_everybody(&everybody).await;
    let page = party.as_seen_by(&bob).await;
    page.run::<Value>(GOT, &[]).await;
    page.click("#stage [data-do=camera]").await;
    page.click("#stage [data-do=camera]").await;
    page.until_with("the camera again", last, &[json!("video")]).await;

    // A device that is gone: the others are told, and it can be had again.
    page.run::<Value>(&format!("{last}.track.dispatchEvent(new Event('ended'))"), &[json!("video")]).await;
    page.until("that it is gone", "document.querySelector('#toasts').textContent.includes('camera')").await;
    party.everybody_gets_everybody(&[(alice.clone(), BOTH), (bob.clone(), VOICE)]).await;
    let page = party.as_seen_by(&bob).await;
    page.click("#stage [data-do=camera]").await;
    party.everybody_gets_everybody(&everybody).await;
}

#[tokio::test]
async fn screens_stand_beside_each_other_and_a_tile_is_pinned_enlarged_and_taken_out() {
    let house = House::open().await;
    let (party, [alice, bob], [her, him]) = two(&house, BOTH).await;
    let both = Sends { screen: true, ..BOTH };
    party.page.run::<Value>(SHARED, &[]).await;
    for seat in [&alice, &bob] {
        party.as_seen_by(seat).await.click("#stage [data-do=share]").await;
    }
    party.everybody_gets_everybody(&[(alice.clone(), both), (bob.clone(), both)]).await;
    let page = party.as_seen_by(&bob).await;
    // A film's sound is no voice: nothing is to be taken out of it.
    let sound: Value = page.value("window.shared.audio").await;
    let untouched = json!({ "echoCancellation": false, "noiseSuppression": false, "autoGainControl": false });
    assert_eq!(sound, untouched);
    page.until("two screens", "document.querySelectorAll('#stage .tile.screen').length === 2").await;
    let others = "document.querySelector('#stage .tile.screen.front:not([data-own]) video')?.videoWidth > 0";
    page.until("the other's is large", others).await;

    let menu = async |of: &str, words: &str| {
        page.click(&format!("{} .more", tile(of))).await;
        page.until("its menu", "document.querySelector('.tile-menu:popover-open')").await;
        page.press_button(words).await;
    };
    let front = |of: &str| format!("document.querySelector(\"{}.front\")", tile(of));
    menu(&her, "Keep large").await;
    page.until("she is large", &front(&her)).await;
    page.click("#stage [data-do=quality]").await;
    let figures = "[...document.querySelectorAll('.quality-panel tbody tr')].map((row) => row.textContent)";
    for flow in ["↑ Camera", "↓ Camera", "↑ Screen", "↓ Screen", "↓ Microphone"] {
        let flows =
            format!("{figures}.some((row) => row.startsWith(arguments[0]) && /[1-9]\\d* kbit/.test(row))");
        page.until_with(flow, &flows, &[json!(flow)]).await;
    }
    page.click(".quality-panel .shut").await;
    menu(&her, "Don’t keep large").await;
    page.until("the screen is large again", others).await;

    // How loud she is: for her alone, and for as long as this browser knows her.
    page.click(&format!("{} .more", tile(&her))).await;
    page.until("the slider", "document.querySelector('#tile-volume')").await;
    let quiet = "const slider = document.querySelector('#tile-volume'); slider.value = 30; slider.dispatchEvent(new Event('input'))";
    page.run::<Value>(quiet, &[]).await;
    page.keys(Key::Escape).await;
    let volumes = "[...document.querySelectorAll('audio')].map(({ volume }) => volume)";
    page.until("quiet", &format!("{volumes}.every((one) => one === 0.3)")).await;
    page.driver.refresh().await.unwrap();
    party.is_inside().await;
    page.until("quiet still", &format!("{volumes}.length && {volumes}.every((one) => one === 0.3)")).await;

    menu(&her, "Full screen").await;
    let full = format!("document.fullscreenElement?.matches(\"{}\")", tile(&her));
    page.until("as large as the screen", &full).await;
    menu(&her, "Leave full screen").await;
    page.until("on the stage again", "!document.fullscreenElement").await;
    if page.value::<bool>("document.pictureInPictureEnabled").await {
        menu(&her, "In a window of its own").await;
        page.until("out of the page", "document.pictureInPictureElement?.closest('.tile')").await;
        menu(&her, "Back from its window").await;
        page.until("back", "!document.pictureInPictureElement").await;
    }

    // Without a screen, the layout is one's own.
    party.as_seen_by(&alice).await.click("#stage [data-do=share]").await;
    let page = party.as_seen_by(&bob).await;
    page.until("side by side", "!document.querySelector('#stage .tile.screen, #stage .tiles[data-front]')")
        .await;
    page.click("#stage [data-do=layout]").await;
    page.until("who speaks is large", &front(&her)).await;
    page.click("#stage [data-do=layout]").await;
    page.until("side by side again", "!document.querySelector('#stage .tiles[data-front]')").await;
    party.gets("the reloaded page sees her", &[BOTH]).await;
    let own = page.value::<u64>(&format!("document.querySelectorAll(\"{}\").length", tile(&him))).await;
    assert_eq!(own, 1);
}
