//! Signals from page to page: handed on as they are, with the server's word on who sends.

use serde_json::{Value, json};

use super::caller::Caller;
use crate::{people::nonce, program::House};

async fn three() -> (House, [Caller; 3]) {
    let house = House::open().await;
    let [alice, bob, carol] = house.people(["alice", "bob", "carol"]).await;
    let room = alice.general().await;
    let hers = Caller::join(&alice, &room).await;
    let his = Caller::join(&bob, &room).await;
    let third = Caller::join(&carol, &room).await;
    (house, [hers, his, third])
}

#[tokio::test]
async fn a_signal_comes_to_its_receiver_alone_with_who_sent_it() {
    let (_house, [mut hers, mut his, mut third]) = three().await;
    let offer = json!({ "sdp": "v=0\r\nnobody reads this \u{1f355}" });
    let candidates = json!({ "candidates": [{ "candidate": "candidate:1", "mid": "0", "line": 0, "ufrag": "x" },
        { "candidate": "" }] });
    for (kind, n, more) in [
        ("webrtc-offer", 1, offer.clone()),
        ("webrtc-answer", 2, offer),
        ("webrtc-ice", 3, candidates),
        ("webrtc-ack", 0, json!({})),
    ] {
        let frame = his.signal(kind, &hers, n, more.clone());
        his.socket.send(&frame).await;
        let come = hers.socket.expect(kind).await;
        for (name, value) in frame.as_object().unwrap() {
            assert_eq!(&come[name], value, "{name} of {come}");
        }
        assert_eq!((come["from"].as_str(), come["entry"].as_u64()), (Some(his.peer()), Some(his.entry())));
        assert_eq!(come["room"], hers.room);
    }
    let others = third.socket.settled().await;
    assert!(others.iter().all(|frame| !frame["type"].as_str().unwrap().starts_with("webrtc")));
}

#[tokio::test]
async fn a_signal_from_or_to_somebody_who_is_not_in_the_call_is_refused() {
    let (_house, [mut hers, mut his, third]) = three().await;
    let refused = async |caller: &mut Caller, frame: Value| {
        caller.socket.send(&frame).await;
        let error = caller.socket.expect("error").await;
        assert_eq!(
            (&error["answers"], &error["link"], &error["n"]),
            (&json!("signal"), &frame["link"], &frame["n"])
        );
        error["code"].as_str().unwrap().to_owned()
    };
    let mut forged = his.signal("webrtc-ack", &hers, 1, json!({}));
    forged["to"] = "0123456789abcdef".into();
    assert_eq!(refused(&mut his, forged).await, "peer_gone");
    let own = his.signal("webrtc-ack", &his, 1, json!({}));
    assert_eq!(refused(&mut his, own).await, "peer_gone");
    let mut other = his.signal("webrtc-ack", &hers, 1, json!({}));
    other["call"] = uuid::Uuid::now_v7().to_string().into();
    assert_eq!(refused(&mut his, other).await, "not_in_call");
    let gone = his.signal("webrtc-ack", &third, 1, json!({}));
    let mut third = third;
    third.leave().await;
    his.roster(|people| people.len() == 2).await;
    assert_eq!(refused(&mut his, gone).await, "peer_gone");
    let frame = third.signal("webrtc-ack", &hers, 1, json!({}));
    assert_eq!(refused(&mut third, frame).await, "not_in_call");
    let mut forged = his.signal("webrtc-ack", &hers, 1, json!({}));
    forged["from"] = hers.peer().into();
    his.socket.send(&forged).await;
    assert_eq!(his.socket.expect("error").await["code"], "malformed", "nobody says who they are");
    assert!(hers.socket.settled().await.iter().all(|frame| frame["type"] != "webrtc-ack"));
}

#[tokio::test]
async fn what_is_malformed_or_too_large_harms_nobody_but_its_sender() {
    let (_house, [mut hers, mut his, _third]) = three().await;
    let long = "x".repeat(49 * 1024);
    let candidate = json!({ "candidate": "x".repeat(1_025) });
    for (kind, n, more) in [
        ("webrtc-offer", 1, json!({ "sdp": format!("v=0{long}") })),
        ("webrtc-offer", 1, json!({ "sdp": "o=- 1 1 IN IP4 0.0.0.0" })),
        ("webrtc-offer", 0, json!({ "sdp": "v=0" })),
        ("webrtc-offer", 1, json!({ "sdp": 5 })),
        ("webrtc-answer", 1, json!({})),
        ("webrtc-ice", 1, json!({ "candidates": [] })),
        ("webrtc-ice", 1, json!({ "candidates": [candidate] })),
        ("webrtc-ice", 1, json!({ "candidates": vec![json!({ "candidate": "" }); 33] })),
        ("webrtc-ack", 1, json!({ "link": { "id": "no blanks", "generation": 1 } })),
        ("webrtc-ack", 1, json!({ "link": { "id": "1-2", "generation": 0 } })),
    ] {
        let frame = his.signal(kind, &hers, n, more);
        his.socket.send(&frame).await;
        let error = his.socket.expect("error").await;
        assert_eq!(error["code"], "malformed", "{kind} {error}");
    }
    // What only looks like a description is the receiver's to refuse; it gets it as it is.
    let frame = his.signal("webrtc-offer", &hers, 1, json!({ "sdp": "v=0 and nothing else" }));
    his.socket.send(&frame).await;
    assert_eq!(hers.socket.expect("webrtc-offer").await["sdp"], "v=0 and nothing else");
    assert!(hers.socket.settled().await.iter().all(|frame| frame["type"] != "error"));
}

#[tokio::test]
async fn too_many_signals_are_refused_for_a_while() {
    let (_house, [mut hers, mut his, _third]) = three().await;
    let frame = his.signal("webrtc-ack", &hers, 1, json!({}));
    for _ in 0..500 {
        his.socket.send(&frame).await;
    }
    let slow = his.socket.expect("error").await;
    assert_eq!((&slow["code"], &slow["retry"]), (&json!("slow_down"), &json!(true)));
    assert!(slow["retry_after_ms"].as_u64() > Some(0));
    let come = hers.socket.settled().await.iter().filter(|frame| frame["type"] == "webrtc-ack").count();
    assert!((1..490).contains(&come), "{come}");
    // The sockets are none the worse for it.
    let room = his.room.clone();
    let said = json!({ "type": "message", "room": room, "nonce": nonce(), "text": "still here" });
    assert_eq!(his.socket.change(said).await["type"], "ack");
}
