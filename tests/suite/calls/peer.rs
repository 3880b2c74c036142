//! A headless peer: a page's part in a call, without a page. Its socket may lose, double and delay signals both ways.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{Instant, interval},
};

use super::link::{Event, Key, Link};
use crate::people::{Person, Socket, nonce};

/// How often it looks what is due.
const TICK: Duration = Duration::from_millis(30);
/// How long a delayed signal is late at most.
const LATE: u64 = 400;

/// How bad the way is: of so many signals one is lost, one comes twice, one late; 0 for none.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Faults {
    pub(super) one_in: u64,
    pub(super) seed: u64,
}

/// What it was told to do.
enum Order {
    Join(oneshot::Sender<()>),
    Leave(oneshot::Sender<()>),
    /// The page is loaded anew: its links are gone, its place is kept.
    Reload(oneshot::Sender<()>),
    /// The socket is gone; the page goes on.
    Cut(oneshot::Sender<()>),
    /// Make an offer to all at once, whoever's turn it is.
    OfferAll,
    /// Send this as it is.
    Say(Value),
}

/// What it has of another: over which link, whether words came, and how many packets of their voice.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Heard {
    pub(super) link: Key,
    pub(super) words: bool,
    pub(super) packets: u64,
}

/// What others may look at.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// One's own number, and the roster, while one is in.
    pub(super) entry: Option<u64>,
    pub(super) roster: Value,
    /// By user.
    pub(super) heard: HashMap<String, Heard>,
    /// Signals sent and received.
    pub(super) signals: (u64, u64),
}

/// The peer, as a test holds it.
pub(super) struct Peer {
    pub(super) user: String,
    orders: mpsc::UnboundedSender<Order>,
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

impl Peer {
    pub(super) async fn new(person: &Person, room: &str, faults: Faults) -> Self {
        let (orders, given) = mpsc::unbounded_channel();
        let (sender, events) = mpsc::unbounded_channel();
        let seen = Arc::<Mutex<Seen>>::default();
        let page = Page {
            person: person.clone(),
            room: room.to_owned(),
            socket: person.socket().await,
            name: nonce(),
            place: None,
            call: String::new(),
            roster: Value::Null,
            links: BTreeMap::new(),
            users: HashMap::new(),
            events: sender,
            faults,
            dice: faults.seed,
            late: vec![],
            seen: seen.clone(),
        };
        let task = tokio::spawn(page.run(given, events));
        Self { user: person.user.clone(), orders, seen, task }
    }

    async fn order(&self, order: impl FnOnce(oneshot::Sender<()>) -> Order) {
        let (done, when) = oneshot::channel();
        self.orders.send(order(done)).ok().unwrap();
        when.await.unwrap();
    }

    pub(super) async fn join(&self) {
        self.order(Order::Join).await;
    }

    pub(super) async fn leave(&self) {
        self.order(Order::Leave).await;
    }

    pub(super) async fn reload(&self) {
        self.order(Order::Reload).await;
    }

    pub(super) async fn cut(&self) {
        self.order(Order::Cut).await;
    }

    pub(super) fn offer_all(&self) {
        self.orders.send(Order::OfferAll).ok().unwrap();
    }

    pub(super) fn say(&self, frame: Value) {
        self.orders.send(Order::Say(frame)).ok().unwrap();
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    /// Whether it hears words and voice of `other` over the link that the two have now.
    pub(super) fn hears(&self, other: &Peer) -> bool {
        let (mine, theirs) = (self.seen(), other.seen());
        let (Some(a), Some(b)) = (mine.entry, theirs.entry) else { return false };
        let id = format!("{}-{}", a.min(b), a.max(b));
        mine.heard.get(&other.user).is_some_and(|it| it.link.0 == id && it.words && it.packets > 5)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The page itself.
struct Page {
    person: Person,
    room: String,
    socket: Socket,
    name: String,
    place: Option<(String, u64)>,
    call: String,
    roster: Value,
    /// By peer.
    links: BTreeMap<String, Link>,
    /// Whose a peer is.
    users: HashMap<String, String>,
    events: mpsc::UnboundedSender<(Key, Event)>,
    faults: Faults,
    dice: u64,
    late: Vec<(Instant, Value, bool)>,
    seen: Arc<Mutex<Seen>>,
}

impl Page {
    async fn run(
        mut self,
        mut orders: mpsc::UnboundedReceiver<Order>,
        mut events: mpsc::UnboundedReceiver<(Key, Event)>,
    ) {
        let mut ticks = interval(TICK);
        loop {
            tokio::select! {
                Some(order) = orders.recv() => self.obey(order).await,
                Some((key, event)) = events.recv() => self.brought(key, event),
                frame = self.socket.next() => self.came(frame).await,
                _ = ticks.tick() => self.send_due().await,
            }
        }
    }

    async fn obey(&mut self, order: Order) {
        match order {
            Order::Join(done) => {
                if self.place.is_none() {
                    self.enter().await;
                }
                let _ = done.send(());
            }
            Order::Leave(done) => {
                if self.place.take().is_some() {
                    let leave = json!({ "type": "call-leave", "room": self.room, "call": self.call });
                    let answer = self.socket.change(leave).await;
                    assert_eq!(answer["type"], "ack", "{answer}");
                    self.forget().await;
                }
                let _ = done.send(());
            }
            Order::Reload(done) => {
                self.name = nonce();
                self.links_gone().await;
                self.reconnect().await;
                let _ = done.send(());
            }
            Order::Cut(done) => {
                self.reconnect().await;
                let _ = done.send(());
            }
            Order::OfferAll => {
                let (me, events) = (self.person.user.clone(), self.events.clone());
                for link in self.links.values_mut() {
                    link.offer(&me, &events).await;
                }
            }
            Order::Say(frame) => self.socket.send(&frame).await,
        }
    }

    async fn reconnect(&mut self) {
        self.socket = self.person.socket().await;
        self.late.clear();
        if self.place.is_some() {
            self.enter().await;
        }
    }

    async fn enter(&mut self) {
        let nonce = nonce();
        let mut frame = json!({ "type": "call-join", "room": self.room, "nonce": nonce, "page": self.name });
        if let Some((peer, entry)) = &self.place {
            frame["place"] = json!({ "call": self.call, "peer": peer, "entry": entry });
        }
        self.socket.send(&frame).await;
        let joined = self.socket.find(|frame| frame["nonce"] == nonce.as_str()).await;
        assert_eq!(joined["type"], "call-joined", "{joined}");
        let entry = joined["entry"].as_u64().unwrap();
        if self.place.as_ref().is_none_or(|place| place.1 != entry) {
            self.links_gone().await;
        }
        self.place = Some((joined["peer"].as_str().unwrap().to_owned(), entry));
        self.call = joined["call"]["call"].as_str().unwrap().to_owned();
        self.roster = Value::Null;
        self.seen.lock().unwrap().entry = Some(entry);
        self.see(joined["call"].clone()).await;
    }

    async fn links_gone(&mut self) {
        for link in std::mem::take(&mut self.links).into_values() {
            link.close().await;
        }
        self.seen.lock().unwrap().heard.clear();
    }

    async fn forget(&mut self) {
        self.links_gone().await;
        let mut seen = self.seen.lock().unwrap();
        seen.entry = None;
    }

    /// Takes in a roster: links come and go with it.
    async fn see(&mut self, roster: Value) {
        let place = |roster: &Value| (roster["term"].as_u64(), roster["n"].as_u64());
        if roster["call"] != self.call.as_str()
            || place(&roster) <= place(&self.roster) && self.roster != Value::Null
        {
            return;
        }
        let Some((me, entry)) = self.place.clone() else { return };
        self.seen.lock().unwrap().roster = roster.clone();
        let mut wanted = BTreeMap::new();
        for one in roster["people"].as_array().unwrap() {
            let (peer, theirs) = (one["peer"].as_str().unwrap(), one["entry"].as_u64().unwrap());
            self.users.insert(peer.to_owned(), one["user"].as_str().unwrap().to_owned());
            if peer != me {
                let id = format!("{}-{}", entry.min(theirs), entry.max(theirs));
                wanted.insert(peer.to_owned(), (id, entry > theirs));
            }
        }
        self.roster = roster;
        let stale: Vec<String> = self
            .links
            .iter()
            .filter(|(peer, link)| wanted.get(*peer).is_none_or(|(id, _)| *id != link.id))
            .map(|(peer, _)| peer.clone())
            .collect();
        for peer in stale {
            self.links.remove(&peer).unwrap().close().await;
        }
        for (peer, (id, newcomer)) in wanted {
            if !self.links.contains_key(&peer) {
                let user = &self.person.user;
                let mut link = Link::new(&id, 1, newcomer, user, self.events.clone()).await;
                if newcomer {
                    link.offer(user, &self.events).await;
                }
                self.links.insert(peer, link);
            }
        }
    }

    fn brought(&mut self, key: Key, event: Event) {
        let found =
            self.links.iter_mut().find(|(_, link)| (link.id.as_str(), link.generation) == (&key.0, key.1));
        let Some((peer, link)) = found else { return };
        if let Event::Candidate(candidate) = event {
            link.tell_candidate(candidate);
            return;
        }
        let Some(user) = self.users.get(peer) else { return };
        let mut seen = self.seen.lock().unwrap();
        let heard = seen.heard.entry(user.clone()).or_default();
        if heard.link != key {
            *heard = Heard { link: key, ..Heard::default() };
        }
        match event {
            Event::Data(words) => heard.words = words == *user,
            Event::Packet => heard.packets += 1,
            Event::Candidate(_) => {}
        }
    }

    async fn came(&mut self, frame: Value) {
        match frame["type"].as_str().unwrap() {
            "call" => self.see(frame).await,
            "call-left" if self.place.is_some() => panic!("lost the place: {frame}"),
            kind if kind.starts_with("webrtc") => {
                for frame in self.through(frame, true) {
                    self.take(frame).await;
                }
            }
            _ => {}
        }
    }

    async fn take(&mut self, frame: Value) {
        self.seen.lock().unwrap().signals.1 += 1;
        let from = frame["from"].as_str().unwrap();
        let Some(link) = self.links.get_mut(from) else { return };
        if frame["link"]["id"] == link.id.as_str() && frame["link"]["generation"] == link.generation {
            link.take(frame).await;
        }
    }

    async fn send_due(&mut self) {
        let Some(_) = self.place else { return };
        let mut frames = vec![];
        for (peer, link) in &mut self.links {
            for mut frame in link.due() {
                frame["call"] = self.call.as_str().into();
                frame["to"] = peer.as_str().into();
                frame["link"] = json!({ "id": link.id, "generation": link.generation });
                frames.push(frame);
            }
        }
        let now = Instant::now();
        let (due, later) = std::mem::take(&mut self.late).into_iter().partition(|it| it.0 <= now);
        self.late = later;
        let due: Vec<(Instant, Value, bool)> = due;
        for (_, frame, inward) in due {
            if inward { self.take(frame).await } else { self.put(frame).await }
        }
        for frame in frames {
            for frame in self.through(frame, false) {
                self.put(frame).await;
            }
        }
    }

    async fn put(&mut self, frame: Value) {
        self.seen.lock().unwrap().signals.0 += 1;
        self.socket.send(&frame).await;
    }

    /// What comes through a bad way at once: nothing, once, or twice.
    fn through(&mut self, frame: Value, inward: bool) -> Vec<Value> {
        let Faults { one_in, .. } = self.faults;
        if one_in == 0 {
            return vec![frame];
        }
        match self.roll() % (3 * one_in) {
            0..3 => match self.roll() % 3 {
                0 => vec![],
                1 => vec![frame.clone(), frame],
                _ => {
                    let late = Duration::from_millis(self.roll() % LATE);
                    self.late.push((Instant::now() + late, frame, inward));
                    vec![]
                }
            },
            _ => vec![frame],
        }
    }

    fn roll(&mut self) -> u64 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.dice >> 33
    }
}
