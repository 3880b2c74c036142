//! People, as programs: each with an account of their own, by HTTP and over sockets.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicU64, Ordering},
};

use futures_util::{SinkExt, StreamExt};
use reqwest::{Method, RequestBuilder, StatusCode, header::HeaderMap};
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest, handshake::client::Request, protocol::CloseFrame},
};

use crate::services::PATIENCE;

/// A password that is accepted for any name.
pub(crate) const PASSWORD: &str = "a horse, a battery and a staple";

/// A nonce that no other change has.
pub(crate) fn nonce() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("t{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Somebody with an account, logged in as a program.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// The id.
    pub(crate) user: String,
    /// The access token.
    pub(crate) token: String,
    /// The node they talk to.
    pub(crate) url: String,
    http: reqwest::Client,
}

/// An answer: its status and its body.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: StatusCode,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body as it came.
    pub(crate) text: String,
    /// The body as JSON, null when it isn't.
    pub(crate) body: Value,
}

impl Answer {
    /// The body of an answer that must be a good one.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.body);
        self.body
    }

    /// The code of an answer that must be an error.
    #[track_caller]
    pub(crate) fn code(&self) -> &str {
        assert!(self.status.as_u16() >= 400, "{} {}", self.status, self.body);
        self.body["error"]["code"].as_str().expect("an error has a code")
    }

    /// What an error says, with all that a second one of the same kind would say as well.
    #[track_caller]
    pub(crate) fn error(&self) -> (u16, Value) {
        self.code();
        let mut error = self.body["error"].clone();
        error.as_object_mut().unwrap().remove("request").expect("an error names its request");
        (self.status.as_u16(), error)
    }

    /// A header's text, empty where it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The answer to a request.
    pub(crate) async fn to(request: RequestBuilder) -> Self {
        let answer = timeout(PATIENCE, request.send()).await.expect("an answer in time").unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        Self { status, headers, body: serde_json::from_str(&text).unwrap_or_default(), text }
    }
}

/// Registers these people on the node at `url`, the first of all owning the server.
pub(crate) async fn people<const N: usize>(url: &str, names: [&str; N]) -> [Person; N] {
    let mut people = vec![];
    for name in names {
        people.push(Person::register(url, name).await);
    }
    people.try_into().expect("as many as names")
}

impl Person {
    /// Makes an account.
    pub(crate) async fn register(url: &str, name: &str) -> Self {
        Self::enter(url, "register", name).await
    }

    /// Logs in once more, maybe at another node.
    pub(crate) async fn login(url: &str, name: &str) -> Self {
        Self::enter(url, "login", name).await
    }

    async fn enter(url: &str, by: &str, name: &str) -> Self {
        let http = reqwest::Client::new();
        let request = http.post(format!("{url}/api/auth/{by}")).header("Idempotency-Key", nonce());
        let answer = request.json(&json!({ "name": name, "password": PASSWORD })).send().await.unwrap();
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{name} can't {by}: {body}");
        let text = |field: &str| body[field].as_str().unwrap().to_owned();
        Self { user: text("user"), token: text("access_token"), url: url.to_owned(), http }
    }

    /// Asks for something, with a nonce of its own.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.ask_again(method, path, body, &nonce()).await
    }

    /// Asks for something with this nonce.
    pub(crate) async fn ask_again(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        nonce: &str,
    ) -> Answer {
        let mut request = self.request(method, path).header("Idempotency-Key", nonce);
        if let Some(body) = body {
            request = request.json(&body);
        }
        Answer::to(request).await
    }

    /// A request to be made up further.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token)
    }

    /// Reads.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, None).await
    }

    /// Posts.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, Some(body)).await
    }

    /// Puts.
    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::PUT, path, Some(body)).await
    }

    /// Changes.
    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::PATCH, path, Some(body)).await
    }

    /// Removes.
    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.ask(Method::DELETE, path, None).await
    }

    /// The id of the room that everybody is in.
    pub(crate) async fn general(&self) -> String {
        let rooms = self.get("/api/rooms").await.ok();
        let rooms = rooms["rooms"].as_array().unwrap();
        let general = rooms.iter().find(|room| room["name"] == "general").expect("everybody is in general");
        general["room"].as_str().unwrap().to_owned()
    }

    /// Makes a room with others in it, and returns its id.
    pub(crate) async fn room(&self, kind: &str, name: &str, others: &[&Person]) -> String {
        let people: Vec<&str> = others.iter().map(|person| person.user.as_str()).collect();
        let mut body = json!({ "kind": kind, "people": people });
        if kind != "direct" {
            body["name"] = name.into();
        }
        self.post("/api/rooms", body).await.ok()["room"].as_str().unwrap().to_owned()
    }

    /// Says something, and returns its place.
    pub(crate) async fn say(&self, room: &str, text: &str) -> u64 {
        let answer = self.post(&format!("/api/rooms/{room}/messages"), json!({ "text": text })).await;
        answer.ok()["seq"].as_u64().unwrap()
    }

    /// Connects a socket that gets messages as fields.
    pub(crate) async fn socket(&self) -> Socket {
        self.socket_for("json").await
    }

    /// Connects a socket that gets messages in this format.
    pub(crate) async fn socket_for(&self, format: &str) -> Socket {
        let connected = timeout(PATIENCE, connect_async(self.upgrade(format))).await;
        let stream = connected.expect("a socket in time").unwrap().0;
        let mut socket = Socket { stream, heads: Value::Null, aside: VecDeque::new() };
        socket.heads = socket.next().await;
        assert_eq!(socket.heads["type"], "heads");
        socket
    }

    /// The request for a socket.
    pub(crate) fn upgrade(&self, format: &str) -> Request {
        let url = self.url.replacen("http", "ws", 1) + "/ws?format=" + format;
        let mut request = url.into_client_request().unwrap();
        let bearer = format!("Bearer {}", self.token).parse().unwrap();
        request.headers_mut().insert("authorization", bearer);
        request
    }
}

/// A socket of somebody's.
pub(crate) struct Socket {
    /// What it was told first.
    pub(crate) heads: Value,
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    aside: VecDeque<Value>,
}

impl Socket {
    /// Sends a frame.
    pub(crate) async fn send(&mut self, frame: &Value) {
        self.send_text(&frame.to_string()).await;
    }

    /// Sends a text, a frame or not.
    pub(crate) async fn send_text(&mut self, text: &str) {
        self.send_message(Message::text(text)).await;
    }

    /// Sends whatever a WebSocket carries.
    pub(crate) async fn send_message(&mut self, message: Message) {
        self.stream.send(message).await.unwrap();
    }

    /// What the first frame said of a room.
    pub(crate) fn head_of(&self, room: &str) -> Value {
        let rooms = self.heads["rooms"].as_array().unwrap();
        rooms.iter().find(|head| head["room"] == room).expect("a head of the room").clone()
    }

    /// All frames up to this rev of a room.
    pub(crate) async fn up_to(&mut self, room: &str, rev: u64) -> Vec<Value> {
        let mut frames = vec![];
        loop {
            frames.push(self.next().await);
            let last = &frames[frames.len() - 1];
            if last["room"] == room && last["rev"] == rev && last["type"] != "ack" {
                return frames;
            }
        }
    }

    /// The next frame that wasn't taken yet.
    pub(crate) async fn next(&mut self) -> Value {
        match self.aside.pop_front() {
            Some(frame) => frame,
            None => self.receive().await.unwrap_or_else(|close| panic!("the socket closed: {close:?}")),
        }
    }

    /// The next frame of this type; those before it stay to be taken.
    pub(crate) async fn expect(&mut self, kind: &str) -> Value {
        self.find(|frame| frame["type"] == kind).await
    }

    /// The next frame that is meant; those before it stay to be taken.
    pub(crate) async fn find(&mut self, mut meant: impl FnMut(&Value) -> bool) -> Value {
        if let Some(place) = self.aside.iter().position(&mut meant) {
            return self.aside.remove(place).unwrap();
        }
        loop {
            let frame = self.receive().await.unwrap_or_else(|close| panic!("the socket closed: {close:?}"));
            if meant(&frame) {
                return frame;
            }
            self.aside.push_back(frame);
        }
    }

    /// Sends a change with a nonce of its own, and returns its `ack` or `error`.
    pub(crate) async fn change(&mut self, frame: Value) -> Value {
        let mut frame = frame;
        if frame["nonce"].is_null() {
            frame["nonce"] = nonce().into();
        }
        let nonce = frame["nonce"].clone();
        self.send(&frame).await;
        self.find(|answer| (answer["type"] == "ack" || answer["type"] == "error") && answer["nonce"] == nonce)
            .await
    }

    /// All that has come before the answer to a `ping` sent now.
    pub(crate) async fn settled(&mut self) -> Vec<Value> {
        self.send(&json!({ "type": "ping" })).await;
        let pong = self.find(|frame| frame["type"] == "pong").await;
        assert_eq!(pong["type"], "pong");
        self.aside.drain(..).collect()
    }

    /// Waits until the server closes it, and says how.
    pub(crate) async fn closed(&mut self) -> Option<CloseFrame> {
        loop {
            if let Err(close) = self.receive().await {
                return close;
            }
        }
    }

    /// The next frame from the wire, or how it closed.
    async fn receive(&mut self) -> Result<Value, Option<CloseFrame>> {
        // Pings in between are no frames.
        let until = Instant::now() + PATIENCE;
        loop {
            let message = timeout_at(until, self.stream.next()).await.expect("a frame in time");
            match message {
                Some(Ok(Message::Text(text))) => {
                    assert!(text.starts_with(r#"{"type":""#), "a frame begins with its type: {text}");
                    return Ok(serde_json::from_str(&text).unwrap());
                }
                Some(Ok(Message::Close(close))) => return Err(close),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }
}
