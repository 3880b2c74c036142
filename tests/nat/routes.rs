//! Which way two people find to each other, from behind which routers.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    TURNS,
    browser::Browser,
    internet::{House, Internet, Router},
};

/// How long two browsers may take to see each other.
const MEETING: Duration = Duration::from_secs(40);
/// Frames that count as seeing.
const FRAMES: u64 = 10;

/// How each end of a call reaches the other.
struct Met {
    ends: [Value; 2],
    /// Bytes that the relay carried.
    relayed: f64,
}

impl Met {
    /// Whether the media of one end go by the relay.
    fn is_relayed(&self) -> bool {
        self.ends.iter().any(|end| end["local"] == "relay" || end["remote"] == "relay")
    }

    fn protocols(&self) -> [&str; 2] {
        self.ends.each_ref().map(|end| end["protocol"].as_str().unwrap_or_default())
    }
}

/// Lets two people call each other from behind these routers, until each sees a moving picture and heard a word.
async fn meet(routers: [Router; 2], policy: &str) -> Met {
    let _turn = TURNS.acquire().await.unwrap();
    let before = relayed();
    let mut internet = Internet::new();
    let house = House::open(&mut internet, &[]).await;
    let page = "http://20.0.0.1:8080/login";
    let homes = routers.map(|router| internet.home(router));
    let [alice, bob] = homes.each_ref().map(|home| Browser::start(home, page));
    let ice = || json!(house.credentials());
    let offer =
        "const peer = open_(args[0], args[1]); await peer.setLocalDescription(); return gathered(peer)";
    let offer = alice.run(offer, &[ice(), json!(policy)]).await;
    let answer = "const peer = open_(args[0], args[1]);
        await peer.setRemoteDescription({ type: 'offer', sdp: args[2] });
        await peer.setLocalDescription(); return gathered(peer)";
    let answer = bob.run(answer, &[ice(), json!(policy), offer]).await;
    alice.run("await peer.setRemoteDescription({ type: 'answer', sdp: args[0] })", &[answer]).await;
    let start = Instant::now();
    let ends = loop {
        let ends = [alice.run("return pair(peer)", &[]).await, bob.run("return pair(peer)", &[]).await];
        let sees = |end: &Value| end["frames"].as_u64().unwrap_or_default() >= FRAMES;
        let hears = |end: &Value| end["heard"].as_array().is_some_and(|heard| heard.len() == 2);
        if ends.iter().all(|end| sees(end) && hears(end)) {
            break ends;
        }
        assert!(start.elapsed() < MEETING, "they didn't meet from behind {routers:?}: {ends:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    Met { ends, relayed: relayed() - before }
}

/// Bytes that were relayed by whatever server of this process.
pub(crate) fn relayed() -> f64 {
    let page = parlor::metrics::metrics().page();
    let line = page.lines().find_map(|line| line.strip_prefix("parlor_turn_sent_bytes_total "));
    line.map_or(0.0, |bytes| bytes.parse().unwrap())
}

#[tokio::test]
async fn from_behind_cones_people_meet_without_the_relay() {
    let met = meet([Router::Cone, Router::Cone], "all").await;
    assert!(!met.is_relayed(), "{:?}", met.ends);
}

#[tokio::test]
async fn a_cone_and_a_symmetric_router_meet() {
    meet([Router::Symmetric, Router::Cone], "all").await;
}

#[tokio::test]
async fn from_behind_symmetric_routers_people_meet_by_the_relay() {
    let met = meet([Router::Symmetric, Router::Symmetric], "all").await;
    assert!(met.is_relayed() && met.relayed > 1_000.0, "{:?}", met.ends);
}

#[tokio::test]
async fn where_no_datagram_passes_people_meet_by_tcp() {
    let met = meet([Router::NoUdp, Router::NoUdp], "all").await;
    assert!(met.is_relayed(), "{:?}", met.ends);
    assert_eq!(met.protocols(), ["tcp", "tcp"], "{:?}", met.ends);
}

#[tokio::test]
async fn who_has_datagrams_and_who_has_none_meet() {
    let met = meet([Router::NoUdp, Router::Symmetric], "all").await;
    assert!(met.is_relayed(), "{:?}", met.ends);
}

#[tokio::test]
async fn who_hides_their_address_meets_who_does_too() {
    let met = meet([Router::Cone, Router::Cone], "relay").await;
    let types = met.ends.each_ref().map(|end| (end["local"].clone(), end["remote"].clone()));
    assert_eq!(types, [(json!("relay"), json!("relay")), (json!("relay"), json!("relay"))]);
    assert!(met.relayed > 1_000.0);
}
