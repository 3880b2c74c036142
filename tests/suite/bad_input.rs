//! What is broken, too much, or too slow: refused in words, with nothing changed, and the rest goes on.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt, stream};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    client_async,
    tungstenite::{
        Message,
        protocol::frame::{
            Frame,
            coding::{Data, OpCode},
        },
    },
};

use crate::{
    people::{Answer, Person, nonce},
    program::House,
    services::PATIENCE,
};

/// How long a client that is let go of after one second may take to notice, on a busy machine. Less than the
/// times that hold where nothing is set.
const SOON: Duration = Duration::from_secs(10);

/// Checks all that `docs/api.md` says of an error, and returns its code.
#[track_caller]
fn whole(answer: &Answer) -> &str {
    let error =
        answer.body["error"].as_object().unwrap_or_else(|| panic!("{} {}", answer.status, answer.text));
    let code = answer.code();
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(error["request"], answer.header("x-request-id"));
    assert!(!answer.header("x-request-id").is_empty());
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with(char::is_uppercase) && message.ends_with('.'), "a sentence: {message:?}");
    assert!(message.len() < 400 && !message.contains(char::is_control), "{message:?}");
    let retry = matches!(code, "slow_down" | "unavailable" | "storage_full");
    assert_eq!(error["retry"], retry, "{code}");
    let documented = include_str!("../../docs/api.md").lines().any(|line| {
        line.starts_with(&format!("| {} |", answer.status.as_u16())) && line.contains(&format!("`{code}`"))
    });
    assert!(documented, "{} {code}", answer.status);
    let known = ["code", "message", "request", "field", "retry"];
    assert!(error.keys().all(|key| known.contains(&key.as_str())), "{error:?}");
    code
}

/// Sends these bytes on a connection of its own, and returns all that comes until it is closed.
async fn raw(house: &House, bytes: &[u8]) -> String {
    let mut connection = TcpStream::connect(house.address()).await.unwrap();
    connection.write_all(bytes).await.unwrap();
    let mut heard = vec![];
    // A reset says as well that it is over.
    let _ = timeout(SOON, connection.read_to_end(&mut heard)).await.expect("the server lets go");
    String::from_utf8(heard).unwrap()
}

#[tokio::test]
async fn a_frame_that_makes_no_sense_is_refused_and_the_socket_lives_on() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let room = alice.general().await;
    let mut socket = alice.socket().await;
    let message = |rest: &str| format!(r#"{{"type":"message","room":"{room}",{rest}}}"#);
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(6_000), close.repeat(6_000));
    let tag = "0123456789abcdef";
    let mut nasty: Vec<String> = [
        "",
        " ",
        "\0",
        "null",
        "true",
        "5",
        "\"ping\"",
        "[]",
        "{}",
        "{",
        "}",
        "{\"type\"",
        "ping",
        r#"["ping"]"#,
        r#"[{"type":"ping"}]"#,
        r#"{"type":null}"#,
        r#"{"type":5}"#,
        r#"{"type":["ping"]}"#,
        r#"{"type":{"type":"ping"}}"#,
        r#"{"type":""}"#,
        r#"{"type":"PING"}"#,
        r#"{"type":"ping "}"#,
        r#"{"type":"ping"}{"type":"ping"}"#,
        r#"{"type":"ping","type":"ping"}"#,
        r#"{"type":"ping",}"#,
        r#"{'type':'ping'}"#,
        r#"{"type":"ping","more":1}"#,
        r#"{"Type":"ping"}"#,
        "\u{feff}{\"type\":\"ping\"}",
        "{\"type\":\"ping\"}\0",
        r#"{"type":"heads"}"#,
        r#"{"type":"ack","nonce":"a"}"#,
        r#"{"type":"webrtc-offer","room":"x"}"#,
        r#"{"type":"presence","state":"offline"}"#,
        r#"{"type":"presence"}"#,
        r#"{"type":"presence","state":null}"#,
        r#"{"type":"token"}"#,
        r#"{"type":"token","token":5}"#,
        r#"{"type":"watch","room":"general"}"#,
        r#"{"type":"watch","room":5}"#,
        r#"{"type":"typing"}"#,
        r#"{"type":"typing","room":null}"#,
    ]
    .map(str::to_owned)
    .into();
    nasty.extend(
        ["1.5", "-1", "1e3", "\"1\"", "null", "18446744073709551616", "[1]", "true"]
            .map(|rev| format!(r#"{{"type":"resume","room":"{room}","rev":{rev},"tag":"{tag}"}}"#)),
    );
    nasty.extend(
        ["0123456789ABCDEF", "0123456789abcde", "0123456789abcdef0", "", "+123456789abcdef"]
            .map(|tag| format!(r#"{{"type":"resume","room":"{room}","rev":1,"tag":"{tag}"}}"#)),
    );
    let long = "n".repeat(65);
    nasty.extend(
        ["", "a b", "ä", "a/b", "a\\u0000", &long]
            .map(|nonce| message(&format!(r#""nonce":"{nonce}","text":"hi""#))),
    );
    nasty.extend(
        [
            r#""text":"hi""#,
            r#""nonce":null,"text":"hi""#,
            r#""nonce":5,"text":"hi""#,
            r#""nonce":"a""#,
            r#""nonce":"a","text":null"#,
            r#""nonce":"a","text":5"#,
            r#""nonce":"a","text":["hi"]"#,
            r#""nonce":"a","text":"hi","text":"ho""#,
            r#""nonce":"a","text":"\ud800""#,
            r#""nonce":"a","text":"\x""#,
            "\"nonce\":\"a\",\"text\":\"a\nb\"",
            r#""nonce":"a","text":"hi","reply_to":-1"#,
            r#""nonce":"a","text":"hi","reply_to":"1""#,
            r#""nonce":"a","text":"hi","html":"<b>""#,
            r#""nonce":"a","text":"hi","author":"me""#,
        ]
        .map(message),
    );
    nasty.extend([
        deep("[", "]"),
        deep("{\"type\":", "}"),
        format!(r#"{{"type":"watch","room":{}}}"#, deep("[", "]")),
    ]);
    nasty.push(format!(r#"{{"type":"{}"}}"#, "x".repeat(60_000)));
    nasty.push(format!(r#"{{"type":"ping","{}":1}}"#, "x".repeat(60_000)));
    for text in &nasty {
        socket.send_text(text).await;
        let error = socket.next().await;
        let shown: String = text.chars().take(120).collect();
        assert_eq!(
            (&error["type"], &error["code"]),
            (&json!("error"), &json!("malformed")),
            "{shown} {error}"
        );
        assert_eq!((&error["retry"], &error["retry_after_ms"]), (&json!(false), &Value::Null));
        let message = error["message"].as_str().unwrap();
        assert!(message.ends_with('.') && message.len() < 1_000, "{shown}: {message}");
    }
    let named = message(r#""nonce":"known","text":5"#);
    socket.send_text(&named).await;
    assert_eq!(socket.next().await["nonce"], "known", "so that its sender learns of it");
    for bytes in [&b""[..], b"{\"type\":\"ping\"}", b"\xff\xfe"] {
        socket.send_message(Message::binary(bytes.to_vec())).await;
        assert_eq!(socket.next().await["code"], "malformed");
    }
    assert_eq!(socket.settled().await, Vec::<Value>::new());
    assert_eq!(alice.get(&format!("/api/rooms/{room}")).await.ok()["seq"], 0, "nothing is changed");
}

#[tokio::test]
async fn a_value_out_of_its_limits_is_refused_in_a_frame_as_over_http() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let room = alice.general().await;
    alice.say(&room, "hello").await;
    let mut socket = alice.socket().await;
    let long = "a".repeat(4_001);
    let most = u64::MAX;
    for (frame, code) in [
        (json!({ "type": "message", "text": "" }), "invalid"),
        (json!({ "type": "message", "text": " \n" }), "invalid"),
        (json!({ "type": "message", "text": long }), "invalid"),
        (json!({ "type": "message", "text": "a\0b" }), "invalid"),
        (json!({ "type": "message", "text": "hi", "reply_to": most }), "not_found"),
        (json!({ "type": "edit", "seq": 1, "base": most, "text": "hi" }), "stale_edit"),
        (json!({ "type": "edit", "seq": most, "base": 1, "text": "hi" }), "not_found"),
        (json!({ "type": "delete", "seq": most }), "not_found"),
        (json!({ "type": "delete", "seq": 0 }), "not_found"),
        (json!({ "type": "react", "seq": 1, "emoji": "no", "on": true }), "not_an_emoji"),
        (json!({ "type": "react", "seq": most, "emoji": "👍", "on": true }), "not_found"),
        (json!({ "type": "pin", "seq": most, "on": true }), "not_found"),
        (json!({ "type": "read", "seq": most }), "invalid"),
        (json!({ "type": "draft", "text": long }), "invalid"),
    ] {
        let mut frame = frame;
        frame["room"] = room.as_str().into();
        let error = socket.change(frame.clone()).await;
        assert_eq!(
            (&error["type"], &error["code"], &error["retry"]),
            (&json!("error"), &json!(code), &json!(false))
        );
    }
}

#[tokio::test]
async fn a_frame_of_sixty_four_kibibytes_is_the_largest() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let mut socket = alice.socket().await;
    let ping = r#"{"type":"ping"}"#;
    let fits = format!("{ping}{}", " ".repeat(65_536 - ping.len()));
    socket.send_text(&fits).await;
    assert_eq!(socket.next().await["type"], "pong");
    socket.send_text(&format!("{fits} ")).await;
    let close = socket.closed().await.expect("a close frame");
    assert_eq!(u16::from(close.code), 1009, "{close:?}");
}

#[tokio::test]
async fn a_text_frame_that_is_no_text_ends_the_socket() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let mut socket = alice.socket().await;
    let broken = Frame::message(&b"{\"type\":\"\xff\xfe\"}"[..], OpCode::Data(Data::Text), true);
    socket.send_message(Message::Frame(broken)).await;
    let close = socket.closed().await.expect("a close frame");
    assert_eq!(u16::from(close.code), 1007, "{close:?}");
    alice.socket().await.settled().await;
}

#[tokio::test]
async fn a_body_that_makes_no_sense_is_refused() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let room = alice.general().await;
    let path = format!("/api/rooms/{room}/messages");
    let post = async |kind: Option<&str>, body: Vec<u8>| {
        let mut request = alice.request(Method::POST, &path).header("Idempotency-Key", nonce()).body(body);
        if let Some(kind) = kind {
            request = request.header("Content-Type", kind);
        }
        Answer::to(request).await
    };
    let deep = format!("{{\"text\":{}{}}}", "[".repeat(50_000), "]".repeat(50_000));
    let bodies: [&[u8]; 21] = [
        b"",
        b" ",
        b"{",
        b"null",
        b"5",
        b"\"hi\"",
        b"[]",
        b"hi",
        b"{\"text\":5}",
        b"{\"text\":null}",
        b"{\"text\":\"a\",\"more\":1}",
        b"{\"text\":\"a\",\"text\":\"b\"}",
        b"{\"text\":\"\xff\xfe\"}",
        b"{\"text\":\"\\ud800\"}",
        b"{\"text\":\"a\",\"reply_to\":-1}",
        b"{\"text\":\"a\",\"reply_to\":1.5}",
        b"{\"text\":\"a\",\"reply_to\":\"1\"}",
        b"\xef\xbb\xbf{\"text\":\"a\"}",
        b"{\"text\":\"a\"} b",
        b"{\"text\":\"a\",\"reply_to\":18446744073709551616}",
        deep.as_bytes(),
    ];
    for body in bodies {
        let answer = post(Some("application/json"), body.to_vec()).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        assert_eq!((answer.status.as_u16(), whole(&answer)), (400, "malformed"), "{shown}");
    }
    for kind in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("nonsense")] {
        let answer = post(kind, b"{\"text\":\"a\"}".to_vec()).await;
        assert_eq!((answer.status.as_u16(), whole(&answer)), (400, "malformed"), "{kind:?}");
    }
    let large = format!("{{\"text\":\"{}\"}}", "a".repeat(256 * 1024));
    let answer = post(Some("application/json"), large.into_bytes()).await;
    assert_eq!((answer.status.as_u16(), whole(&answer)), (413, "too_large"));
    assert_eq!(alice.get(&path).await.ok()["seq"], 0, "nothing is changed");
    post(Some("application/json; charset=utf-8"), b"{\"text\":\"a\"}".to_vec()).await.ok();
}

#[tokio::test]
async fn whatever_is_refused_is_refused_with_a_code_a_sentence_and_the_requests_name() {
    let house = House::with(&[("PARLOR_POST_RATE", "1"), ("PARLOR_POST_BURST", "2")]).await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let room = alice.general().await;
    let nobody = reqwest::Client::new();
    let bare = |method: Method, path: &str| -> RequestBuilder {
        nobody.request(method, format!("{}{path}", house.url))
    };
    let path = format!("/api/rooms/{room}/messages");
    alice.say(&room, "hello").await;
    let refused = [
        (alice.post(&format!("/api/rooms/{room}/leave"), Value::Null).await, "last_owner"),
        (alice.post(&path, json!({ "text": "again" })).await, "slow_down"),
        (alice.get("/api/rooms/nothing").await, "not_found"),
        (alice.get("/api/nothing").await, "not_found"),
        (alice.get("/nothing").await, "not_found"),
        (alice.delete("/api/rooms").await, "not_found"),
        (alice.get(&format!("{path}/-1")).await, "not_found"),
        (alice.get(&format!("{path}/99999999999999999999")).await, "not_found"),
        (alice.get("/api/rooms/%FF").await, "not_found"),
        (alice.get("/api/people/nobody").await, "not_found"),
        (alice.get(&format!("{path}?limit=0")).await, "invalid"),
        (alice.get(&format!("{path}?limit=x&x=%00%0a")).await, "malformed"),
        (alice.get(&format!("{path}?limit=1&limit=2")).await, "malformed"),
        (alice.get("/api/rooms/public?more=1").await, "malformed"),
        (bob.patch(&format!("/api/rooms/{room}"), json!({ "name": "Mine" })).await, "forbidden"),
        (bob.put(&format!("{path}/1/reactions/x"), Value::Null).await, "not_an_emoji"),
        (Answer::to(bare(Method::GET, "/api/rooms")).await, "unauthenticated"),
        (Answer::to(bare(Method::GET, "/api/rooms").bearer_auth("nonsense")).await, "unauthenticated"),
        (
            Answer::to(bare(Method::GET, "/api/rooms").header("Authorization", "Basic YTpi")).await,
            "unauthenticated",
        ),
        (Answer::to(bare(Method::GET, "/ws")).await, "unauthenticated"),
        (Answer::to(bare(Method::POST, "/logout")).await, "cross_site"),
        (
            Answer::to(
                bare(Method::POST, "/api/auth/login").json(&json!({ "name": "alice", "password": "x" })),
            )
            .await,
            "wrong_credentials",
        ),
        (Answer::to(bare(Method::POST, "/api/auth/login").json(&json!({ "name": 5 }))).await, "malformed"),
    ];
    for (answer, code) in &refused {
        assert_eq!(whole(answer), *code, "{}", answer.text);
    }
    let page = Answer::to(alice.request(Method::GET, "/rooms/nothing").header("Accept", "text/html")).await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (404, "text/html; charset=utf-8"));
    assert!(page.text.contains(page.header("x-request-id")), "a person may name it, too");
}

#[tokio::test]
async fn a_client_that_sends_its_head_too_slowly_is_let_go() {
    let house = House::with(&[("PARLOR_HEADER_TIMEOUT", "1")]).await;
    raw(&house, b"").await;
    raw(&house, b"GET /healthz HT").await;
    let heard =
        raw(&house, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz HTTP/1.1\r\nHo").await;
    assert!(heard.starts_with("HTTP/1.1 200") && heard.matches("HTTP/1.1").count() < 3, "{heard}");
    assert!(reqwest::get(format!("{}/healthz", house.url)).await.unwrap().status().is_success());
}

#[tokio::test]
async fn a_client_that_sends_its_body_too_slowly_is_let_go() {
    let house = House::with(&[("PARLOR_REQUEST_TIMEOUT", "1")]).await;
    let [alice] = house.people(["alice"]).await;
    let room = alice.general().await;
    let host = house.url.strip_prefix("http://").unwrap();
    let head = format!(
        "POST /api/rooms/{room}/messages HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\n\
         Idempotency-Key: slow\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{\"text\":",
        alice.token
    );
    let heard = raw(&house, head.as_bytes()).await;
    assert!(heard.starts_with("HTTP/1.1 503") && heard.contains("\"code\":\"unavailable\""), "{heard}");
    assert!(heard.contains("\"retry\":true"), "{heard}");
    assert_eq!(alice.get(&format!("/api/rooms/{room}")).await.ok()["seq"], 0);
}

#[tokio::test]
async fn a_request_that_is_no_http_is_refused() {
    let house = House::open().await;
    let huge = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: {}\r\n\r\n", "a".repeat(64 * 1024));
    for (bytes, status) in [
        (b"nonsense\r\n\r\n".to_vec(), "400"),
        (b"\x16\x03\x01\x00\r\n\r\n".to_vec(), "400"),
        (huge.into_bytes(), "431"),
    ] {
        let heard = raw(&house, &bytes).await;
        assert!(heard.is_empty() || heard.starts_with(&format!("HTTP/1.1 {status}")), "{heard}");
    }
    assert!(reqwest::get(format!("{}/healthz", house.url)).await.unwrap().status().is_success());
}

/// Posts large messages, a few at a time.
async fn chatter(who: &Person, room: &str, messages: usize) {
    let path = format!("/api/rooms/{room}/messages");
    let text = "😀".repeat(4_000);
    stream::iter(0..messages)
        .for_each_concurrent(8, async |_| drop(who.post(&path, json!({ "text": text })).await.ok()))
        .await;
}

#[tokio::test]
async fn a_socket_that_is_never_read_is_closed_and_slows_nobody() {
    let house = House::with(&[("PARLOR_MAILBOX", "32")]).await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let room = alice.general().await;
    let tcp = TcpSocket::new_v4().unwrap();
    tcp.set_recv_buffer_size(64 * 1024).unwrap();
    let tcp = tcp.connect(house.address().parse().unwrap()).await.unwrap();
    let (mut lazy, _) = client_async(alice.upgrade("json"), tcp).await.unwrap();
    let mut eager = alice.socket().await;
    let (_, last) = tokio::join!(chatter(&bob, &room, 400), async {
        loop {
            let said = eager.expect("message").await;
            if said["seq"] == 400 {
                return said;
            }
        }
    });
    assert_eq!(last["author"], bob.user.as_str(), "others get all of it");
    let close = async {
        loop {
            match lazy.next().await {
                Some(Ok(Message::Close(close))) => return close,
                Some(Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    };
    let close = timeout(PATIENCE, close).await.expect("it is closed").expect("with a code");
    assert_eq!(u16::from(close.code), 4002, "{close:?}");
    let _ = lazy.close(None).await;
    let _ = lazy.flush().await;
}
