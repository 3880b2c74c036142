//! A call to one person rings on all of their devices: it is answered on one, declined, or missed.

use crate::{
    house::House,
    party::{BOTH, Party, Sends},
};

const RINGS: &str = "document.querySelector('dialog.ringing[open]')";

#[tokio::test]
async fn a_ring_is_answered_on_one_device_and_stops_on_the_other() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let talk = alice.room("direct", "", &[&bob]).await;
    let mut party = Party::at(&house).await;
    let general = format!("/rooms/{}", alice.general().await);
    let desk = party.comes(&house, "bob", &general).await;
    party.page.connected().await;
    let phone = party.comes(&house, "bob", &general).await;
    party.page.connected().await;
    let caller = party.comes(&house, "alice", &format!("/rooms/{talk}")).await;
    party.page.connected().await;
    party.joins().await;
    party
        .page
        .until("it rings there", "document.querySelector('.tile.rung .state')?.textContent === 'Ringing'")
        .await;
    party.as_seen_by(&desk).await.until("it rings", RINGS).await;
    let page = party.as_seen_by(&phone).await;
    page.until("it rings here too", &format!("{RINGS}?.textContent.includes('alice is calling you')")).await;
    page.click("dialog.ringing [data-answer=seen]").await;
    party.is_inside().await;
    party.as_seen_by(&desk).await.until("it is quiet", &format!("!{RINGS}")).await;
    party.everybody_gets_everybody(&[(caller.clone(), BOTH), (phone, BOTH)]).await;

    let page = party.as_seen_by(&caller).await;
    page.click("#stage [data-do=leave]").await;
    let page = party.as_seen_by(&desk).await;
    page.open("alice").await;
    page.until("it goes on without her", "document.querySelector('#oncall:not([hidden])')").await;
}

#[tokio::test]
async fn a_ring_that_nobody_answers_ends_by_itself_and_was_missed() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let talk = alice.room("direct", "", &[&bob]).await;
    let mut party = Party::at(&house).await;
    let called = party.comes(&house, "bob", &format!("/rooms/{}", alice.general().await)).await;
    party.page.connected().await;
    let caller = party.comes(&house, "alice", &format!("/rooms/{talk}")).await;
    party.page.connected().await;
    party.joins_unseen().await;
    let page = party.as_seen_by(&called).await;
    page.until("it rings", RINGS).await;
    page.until("time runs out", &format!("!{RINGS}")).await;
    let page = party.as_seen_by(&caller).await;
    let told = "document.querySelector('#stage .notice').textContent.includes('bob didn’t answer')";
    page.until("the caller is told", told).await;
    page.click("#stage [data-do=leave]").await;
    let page = party.as_seen_by(&called).await;
    page.open("alice").await;
    let missed = "document.querySelector('#timeline .event[data-is=missed]')?.textContent.includes('You missed a call from alice')";
    page.until("one missed it", missed).await;
}

#[tokio::test]
async fn a_ring_is_declined_or_missed_and_the_talk_tells_of_it() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let talk = alice.room("direct", "", &[&bob]).await;
    let path = format!("/rooms/{talk}");
    let mut party = Party::at(&house).await;
    let called = party.comes(&house, "bob", &path).await;
    party.page.connected().await;
    let caller = party.comes(&house, "alice", &path).await;
    party.page.connected().await;
    party.joins().await;
    let page = party.as_seen_by(&called).await;
    page.until("it rings", RINGS).await;
    page.click("dialog.ringing [data-answer=no]").await;
    page.until("it is quiet", &format!("!{RINGS}")).await;
    let page = party.as_seen_by(&caller).await;
    page.until(
        "the caller is told",
        "document.querySelector('#stage .notice').textContent.includes('bob declined')",
    )
    .await;
    page.click("#stage [data-do=leave]").await;
    let declined =
        "document.querySelector('#timeline .event[data-what=call]')?.textContent.includes('was declined')";
    page.until("and so does the talk", declined).await;

    // Once more; the caller gives up before it is answered.
    party.joins().await;
    let page = party.as_seen_by(&called).await;
    page.until("it rings again", RINGS).await;
    party.as_seen_by(&caller).await.click("#stage [data-do=leave]").await;
    let page = party.as_seen_by(&called).await;
    page.until("it is quiet", &format!("!{RINGS}")).await;
    page.until("one missed it", "document.querySelector('#timeline .event[data-is=missed]:last-child')?.textContent.includes('You missed a call from alice')").await;

    // Called back from there.
    page.click("#timeline .event:last-child [data-call]").await;
    page.until("the mirror", "document.querySelector('#prejoin .dock button:first-child:not(.off)')").await;
    page.click("#prejoin [type=submit]").await;
    party.is_inside().await;
    let page = party.as_seen_by(&caller).await;
    page.until("it rings at the other end", RINGS).await;
    page.click("dialog.ringing [data-answer=yes]").await;
    party.is_inside().await;
    let voice = Sends { voice: true, camera: false, screen: false };
    party.everybody_gets_everybody(&[(called.clone(), voice), (caller, voice)]).await;
    party.page.click("#stage [data-do=leave]").await;
    let page = party.as_seen_by(&called).await;
    page.click("#stage [data-do=leave]").await;
    page.until(
        "how long it was",
        "[...document.querySelectorAll('#timeline .event')].at(-1).textContent.includes('It lasted')",
    )
    .await;
}
