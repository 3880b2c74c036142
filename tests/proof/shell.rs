//! The thin shell around a [`Client`]: a socket that comes back, loads, and random wishes.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest},
};

use crate::{
    client::{Client, Effect, Loaded, text},
    dice::Dice,
    people::{Person, nonce},
    services::until,
};

/// How long a request or a connection may take before it is tried again.
const PATIENCE: Duration = Duration::from_secs(6);
/// After such a silence the shell asks for a sign of life, and after twice as long it comes anew.
const SILENCE: Duration = Duration::from_secs(2);
/// Rooms that are made besides the first.
const ROOMS: usize = 8;

/// A way to a node: where to knock, and what the node calls itself.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    /// Where to connect: the node, or something before it.
    pub(crate) address: String,
    /// The node's own host and port.
    pub(crate) host: String,
}

/// What all shells of a run know.
#[derive(Debug)]
pub(crate) struct Town {
    /// People, by name.
    pub(crate) people: Vec<(String, String)>,
    /// Rooms that were made, and whether anyone may join.
    rooms: Mutex<Vec<(String, bool)>>,
    made: AtomicU64,
}

impl Town {
    pub(crate) fn new(people: &[&Person], names: &[&str], general: &str) -> Arc<Self> {
        let people = people.iter().zip(names).map(|(person, name)| ((*name).to_owned(), person.user.clone()));
        Arc::new(Self {
            people: people.collect(),
            rooms: Mutex::new(vec![(general.to_owned(), true)]),
            made: AtomicU64::new(0),
        })
    }

    /// A room was made.
    pub(crate) fn made(&self, room: String, public: bool) {
        self.rooms.lock().unwrap().push((room, public));
    }

    /// All rooms.
    pub(crate) fn rooms(&self) -> Vec<String> {
        let mut rooms: Vec<String> =
            self.rooms.lock().unwrap().iter().map(|(room, _)| room.clone()).collect();
        rooms.sort();
        rooms.dedup();
        rooms
    }
}

/// What a shell does of itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Mix {
    /// Nothing.
    Nothing,
    /// Post, edit, delete, react.
    Messages,
    /// All that can be done.
    All,
}

/// How a shell behaves.
#[derive(Debug, Clone)]
pub(crate) struct Habits {
    pub(crate) mix: Mix,
    pub(crate) steps: u64,
    /// The longest pause between two steps, in milliseconds.
    pub(crate) pause: u64,
    /// One in so many steps it cuts its connection; never when 0.
    pub(crate) cuts: u64,
}

/// Somebody's client at work.
pub(crate) struct Shell {
    pub(crate) client: Arc<Mutex<Client>>,
    pub(crate) left: Arc<AtomicU64>,
    /// Requests by HTTP that have no answer yet.
    asking: Arc<AtomicI64>,
    lull: Arc<Mutex<Lull>>,
    task: JoinHandle<()>,
}

/// How long a shell heard nothing of what happens in rooms.
#[derive(Debug, Default)]
struct Lull {
    last: Option<Instant>,
    longest: Duration,
}

impl Lull {
    fn end(&mut self, kind: &str) {
        if matches!(kind, "message" | "reaction" | "resumed") {
            let now = Instant::now();
            self.longest = self.longest.max(self.last.map_or(Duration::ZERO, |last| now - last));
            self.last = Some(now);
        }
    }
}

impl Shell {
    /// Sets it to work.
    pub(crate) fn start(person: &Person, town: &Arc<Town>, ways: &[Way], habits: Habits, dice: Dice) -> Self {
        let client = Arc::new(Mutex::new(Client::new(&person.user)));
        let left = Arc::new(AtomicU64::new(habits.steps));
        let asking = Arc::new(AtomicI64::new(0));
        let lull = Arc::<Mutex<Lull>>::default();
        let api = Api { http: reqwest::Client::new(), token: person.token.clone(), ways: ways.to_vec() };
        let work = Work {
            client: client.clone(),
            left: left.clone(),
            asking: asking.clone(),
            lull: lull.clone(),
            town: town.clone(),
            api,
            habits,
            dice,
            loads: JoinSet::new(),
            asks: JoinSet::new(),
            laters: JoinSet::new(),
        };
        Self { client, left, asking, lull, task: tokio::spawn(work.run()) }
    }

    /// A client that does nothing, and has loaded all.
    pub(crate) async fn fresh(person: &Person, town: &Arc<Town>, way: &Way) -> Self {
        let habits = Habits { mix: Mix::Nothing, steps: 0, pause: 1, cuts: 0 };
        let shell = Self::start(person, town, std::slice::from_ref(way), habits, Dice::new(0));
        until("a fresh client has loaded all", async || shell.quiet()).await;
        shell
    }

    /// Whether nothing is under way.
    pub(crate) fn quiet(&self) -> bool {
        self.left.load(Ordering::Acquire) == 0
            && self.asking.load(Ordering::Acquire) == 0
            && self.client.lock().unwrap().quiet()
    }

    /// What is under way.
    pub(crate) fn busy(&self) -> String {
        let (left, asking) = (self.left.load(Ordering::Acquire), self.asking.load(Ordering::Acquire));
        format!("{left} steps, {asking} requests, {}", self.client.lock().unwrap().busy())
    }

    /// The longest time in which nothing of what happens in rooms came.
    pub(crate) fn longest_lull(&self) -> Duration {
        self.lull.lock().unwrap().longest
    }

    /// Stops it.
    pub(crate) fn stop(self) {
        self.task.abort();
    }
}

/// The API, through whichever node.
#[derive(Debug, Clone)]
struct Api {
    http: reqwest::Client,
    token: String,
    ways: Vec<Way>,
}

impl Api {
    /// Asks until there is an answer that counts.
    async fn ask(&self, mut dice: Dice, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let nonce = nonce();
        loop {
            let way = dice.pick(&self.ways).cloned().expect("a way");
            let url = format!("http://{}{path}", way.address);
            let request = self.http.request(method.clone(), url).timeout(PATIENCE);
            let mut request = request.bearer_auth(&self.token).header("Idempotency-Key", &nonce);
            if let Some(body) = &body {
                request = request.json(body);
            }
            let answer = async {
                let answer = request.send().await.ok()?;
                let status = answer.status().as_u16();
                let body = answer.bytes().await.ok()?;
                // A body that was cut short is no answer.
                let body =
                    if body.is_empty() { Some(Value::Null) } else { serde_json::from_slice(&body).ok() };
                body.map(|body| (status, body))
            };
            match answer.await {
                Some((status, body)) if status < 500 && status != 429 => return (status, body),
                _ => sleep(Duration::from_millis(dice.between(20, 150))).await,
            }
        }
    }

    /// A whole room; none when it isn't there, or isn't theirs. First where it stands, then all else, which is at least as new.
    async fn load(&self, dice: Dice, room: &str) -> Option<Loaded> {
        let get = async |path: String| {
            let (status, body) = self.ask(dice.clone(), Method::GET, &path, None).await;
            (status == 200).then_some(body)
        };
        let stands = get(format!("/api/rooms/{room}")).await?;
        let (mut members, mut after) = (vec![], String::new());
        loop {
            let page = get(format!("/api/rooms/{room}/members?limit=100{after}")).await?;
            members.extend(page["members"].as_array()?.iter().cloned());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        let (mut messages, mut before) = (vec![], String::new());
        loop {
            let page = get(format!("/api/rooms/{room}/messages?limit=100{before}")).await?;
            let page = page["messages"].as_array()?.clone();
            let first = page.first().and_then(|message| message["seq"].as_u64()).unwrap_or(1);
            messages.extend(page);
            if first <= 1 {
                break;
            }
            before = format!("&before={first}");
        }
        let draft = text(&get(format!("/api/rooms/{room}/draft")).await?["text"]);
        Some(Loaded { room: stands, members, messages, draft })
    }
}

/// What has been loaded.
enum Got {
    Room(String, u64, Option<Loaded>),
    Person(Value),
}

struct Work {
    client: Arc<Mutex<Client>>,
    left: Arc<AtomicU64>,
    asking: Arc<AtomicI64>,
    lull: Arc<Mutex<Lull>>,
    town: Arc<Town>,
    api: Api,
    habits: Habits,
    dice: Dice,
    loads: JoinSet<Got>,
    asks: JoinSet<()>,
    laters: JoinSet<String>,
}

type Stream = WebSocketStream<TcpStream>;

impl Work {
    async fn run(mut self) {
        loop {
            let way = self.dice.pick(&self.api.ways).cloned().expect("a way");
            let mut pause = self.dice.between(5, 100);
            if let Ok(Some(stream)) = timeout(PATIENCE, self.connect(&way)).await {
                let by_other = self.serve(stream).await;
                pause = self.client.lock().unwrap().cut(by_other).unwrap_or(pause);
            }
            sleep(Duration::from_millis(pause)).await;
        }
    }

    async fn connect(&self, way: &Way) -> Option<Stream> {
        let tcp = TcpStream::connect(&way.address).await.ok()?;
        let mut request = format!("ws://{}/ws?format=json", way.host).into_client_request().ok()?;
        let bearer = format!("Bearer {}", self.api.token).parse().ok()?;
        request.headers_mut().insert("authorization", bearer);
        Some(client_async(request, tcp).await.ok()?.0)
    }

    /// Until the connection ends; whether the other end closed it.
    async fn serve(&mut self, mut stream: Stream) -> bool {
        let mut heard = Instant::now();
        let mut asked = false;
        let mut next = Instant::now();
        loop {
            let effects = tokio::select! {
                message = stream.next() => match message {
                    Some(Ok(Message::Text(text))) => {
                        (heard, asked) = (Instant::now(), false);
                        let frame: Value = serde_json::from_str(&text).expect("frames are JSON");
                        self.lull.lock().unwrap().end(frame["type"].as_str().unwrap_or_default());
                        self.client.lock().unwrap().hear(frame)
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return true,
                    Some(Ok(_)) => vec![],
                },
                Some(got) = self.loads.join_next() => match got.unwrap() {
                    Got::Room(room, load, loaded) => self.client.lock().unwrap().loaded(&room, load, loaded),
                    Got::Person(me) => self.client.lock().unwrap().loaded_person(&me),
                },
                Some(nonce) = self.laters.join_next() => self.client.lock().unwrap().again(&nonce.unwrap()),
                Some(asked) = self.asks.join_next() => {
                    asked.unwrap();
                    vec![]
                }
                () = sleep_until(next), if self.left.load(Ordering::Acquire) > 0 => {
                    next = Instant::now() + Duration::from_millis(self.dice.below(self.habits.pause + 1));
                    if self.habits.cuts > 0 && self.dice.one_in(self.habits.cuts) {
                        return false;
                    }
                    let effects = self.step();
                    if effects.is_some() {
                        // It may have been told to stop in the meantime.
                        let fewer = |left: u64| left.checked_sub(1);
                        let _ = self.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, fewer);
                    }
                    effects.unwrap_or_default()
                }
                () = sleep_until(heard + SILENCE * (1 + u32::from(asked))) => {
                    if asked {
                        return false;
                    }
                    asked = true;
                    vec![Effect::Send(json!({ "type": "ping" }))]
                }
            };
            for effect in effects {
                match effect {
                    Effect::Send(frame) => {
                        let sent = timeout(PATIENCE, stream.send(Message::text(frame.to_string()))).await;
                        if !matches!(sent, Ok(Ok(()))) {
                            return false;
                        }
                    }
                    Effect::LoadRoom(room, load) => {
                        let (api, dice) = (self.api.clone(), self.dice.split(load));
                        self.loads.spawn(async move {
                            let loaded = api.load(dice, &room).await;
                            Got::Room(room, load, loaded)
                        });
                    }
                    Effect::LoadPerson => {
                        let (api, dice) = (self.api.clone(), self.dice.clone());
                        self.loads.spawn(async move {
                            Got::Person(api.ask(dice, Method::GET, "/api/me", None).await.1)
                        });
                    }
                    Effect::Later(nonce, after) => {
                        self.laters.spawn(async move {
                            sleep(Duration::from_millis(after)).await;
                            nonce
                        });
                    }
                }
            }
        }
    }

    /// Wishes for something; none where there is no room to do it in yet.
    fn step(&mut self) -> Option<Vec<Effect>> {
        let all = self.habits.mix == Mix::All;
        let known = {
            let client = self.client.lock().unwrap();
            let rooms: Vec<&String> =
                client.rooms.iter().filter(|(_, room)| !room.kind.is_empty()).map(|(id, _)| id).collect();
            self.dice.pick(&rooms).map(|id| (*id).clone())
        };
        let Some(room) = known else {
            if all && self.dice.one_in(8) {
                self.join();
            }
            return None;
        };
        Some(match self.dice.below(if all { 100 } else { 72 }) {
            0..36 => self.post(&room),
            36..48 => self.change_message(&room, "edit"),
            48..54 => self.change_message(&room, "delete"),
            54..72 => self.change_message(&room, "react"),
            72..75 => self.change_message(&room, "pin"),
            75..82 => {
                let seq = self.client.lock().unwrap().rooms[&room].seq;
                let seq = seq - self.dice.below(4).min(seq);
                self.wish(json!({ "type": "read", "room": room, "seq": seq }))
            }
            82..86 => {
                let words = if self.dice.one_in(3) { String::new() } else { self.words() };
                self.wish(json!({ "type": "draft", "room": room, "text": words }))
            }
            other => {
                self.ask_something(other, &room);
                vec![]
            }
        })
    }

    fn wish(&mut self, mut frame: Value) -> Vec<Effect> {
        frame["nonce"] = nonce().into();
        self.client.lock().unwrap().wish(frame)
    }

    fn words(&mut self) -> String {
        const WORDS: [&str; 8] = ["tea", "**loud**", "`code`", "<b>", "ferry", "grüße", "数学", "- item"];
        let count = self.dice.between(1, 6);
        let mut words: Vec<String> = vec![];
        for _ in 0..count {
            words.push(match self.dice.below(12) {
                0 => format!("@{}", self.dice.pick(&self.town.people).unwrap().0),
                1 if self.dice.one_in(4) => "@everyone".to_owned(),
                _ => (*self.dice.pick(&WORDS).unwrap()).to_owned(),
            });
        }
        words.join(" ")
    }

    fn post(&mut self, room: &str) -> Vec<Effect> {
        let mut frame = json!({ "type": "message", "room": room, "text": self.words() });
        if self.dice.one_in(6)
            && let Some((seq, _)) = self.some_message(room, false)
        {
            frame["reply_to"] = seq.into();
        }
        self.wish(frame)
    }

    /// A message of a room, rather a late one.
    fn some_message(&mut self, room: &str, mine: bool) -> Option<(u64, u64)> {
        let client = self.client.lock().unwrap();
        let (room, me) = (client.rooms.get(room)?, Value::from(client.user.as_str()));
        let late =
            room.messages.iter().rev().filter(|(_, message)| !mine || message["author"] == me).take(12);
        let late: Vec<(u64, u64)> =
            late.map(|(seq, m)| (*seq, m["base"].as_u64().unwrap_or_default())).collect();
        self.dice.pick(&late).copied()
    }

    fn change_message(&mut self, room: &str, how: &str) -> Vec<Effect> {
        let mine = how == "edit" || how == "delete" && !self.dice.one_in(5);
        let Some((seq, base)) = self.some_message(room, mine) else { return self.post(room) };
        let mut frame = json!({ "type": how, "room": room, "seq": seq });
        match how {
            "edit" => {
                frame["base"] = base.into();
                frame["text"] = self.words().into();
            }
            "react" => {
                frame["emoji"] = (*self.dice.pick(&["👍", "🎉", "❤️"]).unwrap()).into();
                frame["on"] = (!self.dice.one_in(3)).into();
            }
            "pin" => frame["on"] = self.dice.one_in(2).into(),
            _ => {}
        }
        self.wish(frame)
    }

    /// Asks by HTTP.
    fn ask(&mut self, method: Method, path: String, body: Option<Value>, public: bool) {
        let (api, dice, town) = (self.api.clone(), self.dice.split(1), self.town.clone());
        let asking = self.asking.clone();
        asking.fetch_add(1, Ordering::AcqRel);
        self.asks.spawn(async move {
            let made = method == Method::POST && path == "/api/rooms";
            let (status, answer) = api.ask(dice, method, &path, body).await;
            if made && (status == 200 || status == 201) {
                town.made(text(&answer["room"]), public);
            }
            asking.fetch_sub(1, Ordering::AcqRel);
        });
    }

    fn join(&mut self) {
        let rooms: Vec<String> = self
            .town
            .rooms
            .lock()
            .unwrap()
            .iter()
            .filter(|(_, public)| *public)
            .map(|(room, _)| room.clone())
            .collect();
        if let Some(room) = self.dice.pick(&rooms) {
            self.ask(Method::POST, format!("/api/rooms/{room}/join"), None, false);
        }
    }

    fn ask_something(&mut self, which: u64, room: &str) {
        let path = |rest: &str| format!("/api/rooms/{room}{rest}");
        let whom = self.dice.pick(&self.town.people).unwrap().1.clone();
        let words = self.words();
        match which {
            86..89 => self.join(),
            89..91 => self.ask(Method::POST, path("/leave"), None, false),
            91..94 => self.ask(Method::POST, path("/members"), Some(json!({ "user": whom })), false),
            94..95 => self.ask(Method::DELETE, path(&format!("/members/{whom}")), None, false),
            95 => {
                let role = *self.dice.pick(&["owner", "member"]).unwrap();
                self.ask(
                    Method::PATCH,
                    path(&format!("/members/{whom}")),
                    Some(json!({ "role": role })),
                    false,
                );
            }
            96 => {
                let body = json!({ "name": format!("room {}", self.dice.below(1_000)) });
                self.ask(Method::PATCH, path(""), Some(body), false);
            }
            97 => self.ask(Method::PATCH, path(""), Some(json!({ "topic": words })), false),
            98 => self.ask(Method::PATCH, "/api/me".to_owned(), Some(json!({ "bio": words })), false),
            _ => self.make(&whom),
        }
    }

    fn make(&mut self, whom: &str) {
        let made = self.town.made.fetch_add(1, Ordering::AcqRel);
        let direct = self.dice.one_in(3);
        if !direct && made >= ROOMS as u64 {
            return;
        }
        let kind = if direct { "direct" } else { *self.dice.pick(&["public", "private", "group"]).unwrap() };
        let mut body = json!({ "kind": kind, "people": [whom] });
        if !direct {
            body["name"] = format!("room {made}").into();
        }
        self.ask(Method::POST, "/api/rooms".to_owned(), Some(body), kind == "public");
    }
}
