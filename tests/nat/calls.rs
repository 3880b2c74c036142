//! Calls through the page, from behind routers.

use serde_json::json;

use crate::{
    TURNS,
    internet::{House, Internet, Place, Router},
    person::Person,
    routes::relayed,
};

/// Two people at home behind such routers, with the page open.
async fn two(routers: [Router; 2], relay: bool) -> (Internet, House, [Place; 2], [Person; 2]) {
    let mut internet = Internet::new();
    let house = House::open(&mut internet, &["alice", "bob"]).await;
    let homes = routers.map(|router| internet.home(router));
    let alice = Person::comes(&homes[0], &house, "alice", relay).await;
    let bob = Person::comes(&homes[1], &house, "bob", relay).await;
    (internet, house, homes, [alice, bob])
}

#[tokio::test]
async fn from_behind_symmetric_routers_the_page_finds_the_relay() {
    let _turn = TURNS.acquire().await.unwrap();
    let before = relayed();
    let (_internet, _house, _homes, people) = two([Router::Symmetric, Router::Symmetric], false).await;
    for person in &people {
        person.joins().await;
    }
    for person in &people {
        let link = person.sees_more("the other").await;
        assert!(link["local"] == "relay" || link["remote"] == "relay", "{link}");
    }
    assert!(relayed() - before > 10_000.0);
}

#[tokio::test]
async fn who_hides_their_address_is_reached_by_the_relay_alone_and_tells_no_other_way() {
    let _turn = TURNS.acquire().await.unwrap();
    let (_internet, house, _homes, people) = two([Router::Cone, Router::Cone], true).await;
    for person in &people {
        person.joins().await;
    }
    for person in &people {
        let link = person.sees_more("the other").await;
        assert_eq!((&link["local"], &link["remote"]), (&json!("relay"), &json!("relay")), "{link}");
        let told = link["told"].as_array().unwrap();
        assert!(!told.is_empty() && told.iter().all(|kind| kind == "relay"), "{link}");
    }
    assert!(house.app.turn.as_ref().unwrap().allocations() >= 2);

    // An hour on, in another network: what she was given when she came opens nothing any more, so she asks anew.
    let [alice, bob] = &people;
    let name = "window.peers.at(-1).getConfiguration().iceServers[0].username";
    let before = alice.browser.run(&format!("return {name}"), &[]).await;
    let later =
        "const now = Date.now; Date.now = () => now() + 3_700_000; window.dispatchEvent(new Event('online'))";
    alice.browser.run(later, &[]).await;
    alice.browser.until("fresh credentials", &format!("{name} !== {before}")).await;
    let link = bob.sees_more("her, an hour on").await;
    assert_eq!(link["remote"], "relay", "{link}");
}

#[tokio::test]
async fn media_comes_back_by_itself_when_the_network_is_another() {
    let _turn = TURNS.acquire().await.unwrap();
    let (internet, _house, homes, people) = two([Router::Cone, Router::Cone], false).await;
    for person in &people {
        person.joins().await;
    }
    for person in &people {
        person.sees_more("the other").await;
    }
    let [alice, _] = &people;
    let place = "return document.querySelector('#stage .tile[data-own]').dataset.peer";
    let seat = alice.browser.run(place, &[]).await;

    // From one network straight into another; then with nothing in between for a while.
    internet.loses_its_address(&homes[0]);
    internet.gets_another_address(&homes[0], 77);
    for person in &people {
        person.sees_more("the other, from another address").await;
    }
    assert_eq!(alice.browser.run(place, &[]).await, seat, "the same place");

    internet.loses_its_address(&homes[0]);
    let lost = "window.peers.every(({ connectionState }) => connectionState !== 'connected')";
    alice.browser.until("there is no way", lost).await;
    internet.gets_another_address(&homes[0], 99);
    for person in &people {
        person.sees_more("the other, after a while without a network").await;
    }
    let tiles = "return document.querySelectorAll('#stage .tile').length";
    for person in &people {
        assert_eq!(person.browser.run(tiles, &[]).await, 2, "nobody beside them");
    }
}

#[tokio::test]
async fn where_no_datagram_passes_the_page_says_so_and_a_call_goes_by_tcp() {
    let _turn = TURNS.acquire().await.unwrap();
    let (_internet, _house, _homes, people) = two([Router::NoUdp, Router::Cone], false).await;
    let [alice, bob] = &people;
    let ways = async |person: &Person| {
        person.to_the_mirror().await;
        person.browser.run("document.querySelector('#prejoin details').open = true", &[]).await;
        person.click("#prejoin [data-try]").await;
        person
            .browser
            .until("what was tried", "document.querySelector('#prejoin .ways [data-is=sum]')")
            .await;
        let words =
            "return [...document.querySelectorAll('#prejoin .ways li')].map((one) => one.textContent)";
        person.browser.run(words, &[]).await
    };
    assert_eq!(
        ways(alice).await,
        json!([
            "Calls work from here by way of the server.",
            "Direct: works",
            "Direct, through a router (STUN): blocked",
            "By way of the server, UDP: blocked",
            "By way of the server, TCP: works",
        ])
    );
    let all = ways(bob).await;
    assert_eq!(all.as_array().unwrap().len(), 5, "{all}");
    assert!(
        all.as_array().unwrap()[1..].iter().all(|way| way.as_str().unwrap().ends_with(": works")),
        "{all}"
    );
    for person in &people {
        person.click("#prejoin [type=submit]").await;
    }
    let link = alice.sees_more("the other").await;
    assert_eq!((&link["local"], &link["protocol"]), (&json!("relay"), &json!("tcp")), "{link}");
    bob.sees_more("the other").await;
}
