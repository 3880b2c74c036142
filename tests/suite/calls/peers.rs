//! Headless peers that send each other words and voice: whatever is lost, doubled or late on the way.

use std::time::Duration;

use serde_json::json;

use super::peer::{Faults, Peer};
use crate::{people::Person, program::House, services::until};

async fn peers<const N: usize>(names: [&str; N], one_in: u64, seed: u64) -> (House, Vec<Peer>) {
    let house = House::open().await;
    let people: [Person; N] = house.people(names).await;
    let room = people[0].general().await;
    let mut peers = vec![];
    for (n, person) in people.iter().enumerate() {
        let faults = Faults { one_in, seed: seed.wrapping_add(n as u64 * 7_919) };
        peers.push(Peer::new(person, &room, faults).await);
    }
    (house, peers)
}

/// Each hears each other, over the link that the two have now.
async fn all_hear_all(peers: &[Peer]) {
    for (a, b) in
        peers.iter().flat_map(|a| peers.iter().map(move |b| (a, b))).filter(|(a, b)| a.user != b.user)
    {
        until("words and voice come", async || a.hears(b)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_then_three_then_four_hear_each_other() {
    let (_house, peers) = peers(["alice", "bob", "carol", "dave"], 0, 1).await;
    for count in 1..=4 {
        peers[count - 1].join().await;
        all_hear_all(&peers[..count]).await;
    }
    peers[0].leave().await;
    until("the others are told", async || {
        peers[1].seen().roster["people"].as_array().is_some_and(|people| people.len() == 3)
    })
    .await;
    let before: Vec<u64> =
        peers[1..].iter().map(|it| it.seen().heard.values().map(|h| h.packets).sum()).collect();
    until("the others go on", async || {
        let now = peers[1..].iter().map(|it| it.seen().heard.values().map(|h| h.packets).sum::<u64>());
        now.zip(&before).all(|(now, before)| now > before + 20)
    })
    .await;
    let signals: Vec<_> = peers.iter().map(|peer| peer.seen().signals).collect();
    println!("signals sent and received, by order of coming: {signals:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_comes_about_however_bad_the_way_is() {
    for seed in [3, 5] {
        let (_house, peers) = peers(["alice", "bob", "carol"], 3, seed).await;
        for peer in &peers {
            peer.join().await;
        }
        all_hear_all(&peers).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offers_that_cross_are_settled() {
    let (_house, peers) = peers(["alice", "bob"], 4, 11).await;
    peers[0].join().await;
    peers[1].join().await;
    // Both offer at the same time, before anything is settled, and once more when it is.
    peers[0].offer_all();
    peers[1].offer_all();
    all_hear_all(&peers).await;
    peers[0].offer_all();
    peers[1].offer_all();
    let before: Vec<u64> = peers.iter().map(|it| it.seen().heard.values().map(|h| h.packets).sum()).collect();
    until("voices go on", async || {
        let now = peers.iter().map(|it| it.seen().heard.values().map(|h| h.packets).sum::<u64>());
        now.zip(&before).all(|(now, before)| now > before + 50)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn media_goes_on_while_a_socket_is_away_and_a_reload_is_heard_again() {
    let (_house, peers) = peers(["alice", "bob"], 0, 1).await;
    for peer in &peers {
        peer.join().await;
    }
    all_hear_all(&peers).await;
    let entry = peers[0].seen().entry;
    let link = peers[1].seen().heard[&peers[0].user].clone();
    peers[0].cut().await;
    assert_eq!(peers[0].seen().entry, entry, "the same place");
    until("the voice goes on over the same link", async || {
        let now = peers[1].seen().heard[&peers[0].user].clone();
        now.link == link.link && now.packets > link.packets + 20
    })
    .await;
    peers[0].reload().await;
    assert!(peers[0].seen().entry > entry, "another page");
    all_hear_all(&peers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn joins_leaves_reloads_and_cuts_in_random_order_end_with_all_hearing_all() {
    let given = std::env::var("PARLOR_TEST_SEED").ok().map(|seed| seed.parse().expect("a seed is a number"));
    let seed: u64 = given.unwrap_or_else(|| parlor::model::Tag::random().0);
    println!("PARLOR_TEST_SEED={seed}");
    let (_house, peers) = peers(["alice", "bob", "carol", "dave"], 6, seed).await;
    let mut dice = seed;
    let mut roll = || {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        dice >> 33
    };
    for _ in 0..24 {
        let peer = &peers[(roll() % 4) as usize];
        match roll() % 6 {
            0..3 => peer.join().await,
            3 => peer.leave().await,
            4 => peer.reload().await,
            _ => peer.cut().await,
        }
        // A moment, so that some links come about and others are cut in the middle.
        let moment = Duration::from_millis(roll() % 120);
        let _ = tokio::time::timeout(moment, std::future::pending::<()>()).await;
    }
    for peer in &peers {
        peer.join().await;
    }
    all_hear_all(&peers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_description_that_is_none_harms_only_its_sender() {
    let (_house, peers) = peers(["alice", "bob", "carol"], 0, 1).await;
    for peer in &peers {
        peer.join().await;
    }
    all_hear_all(&peers).await;
    let seen = peers[2].seen();
    let of = |n: usize| {
        let people = seen.roster["people"].as_array().unwrap().clone();
        people.into_iter().find(|it| it["user"] == peers[n].user.as_str()).unwrap()
    };
    let (to, own) = (of(0), of(2));
    let link = json!({ "id": format!("{}-{}", to["entry"], own["entry"]), "generation": 1 });
    let bad = json!({ "type": "webrtc-offer", "call": seen.roster["call"], "to": to["peer"], "link": link,
        "n": 900, "sdp": "v=0 rubbish" });
    for n in 900..1_200 {
        let mut bad = bad.clone();
        bad["n"] = n.into();
        peers[2].say(bad);
    }
    let before = peers[0].seen().heard[&peers[1].user].packets;
    until("the others hear each other on", async || {
        peers[0].seen().heard[&peers[1].user].packets > before + 50
    })
    .await;
}
