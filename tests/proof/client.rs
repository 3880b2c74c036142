//! A client by the rules of `docs/protocol.md`: frames in, effects out, no I/O. It shows all of its rooms, whole.

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde_json::{Value, json};

/// What the shell has to do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Effect {
    /// Send a frame.
    Send(Value),
    /// Load a room anew, and hand it to [`Client::loaded`] with this number.
    LoadRoom(String, u64),
    /// Load one's profile, and hand it to [`Client::loaded_person`].
    LoadPerson,
    /// Call [`Client::again`] with this nonce after so many milliseconds.
    Later(String, u64),
}

/// A place in a stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Place {
    pub(crate) rev: u64,
    pub(crate) tag: String,
}

impl Place {
    fn of(value: &Value) -> Self {
        Self { rev: number(&value["rev"]), tag: text(&value["tag"]) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    Steady,
    Loading,
    Resuming,
}

/// How far a stream is followed.
#[derive(Debug)]
struct Track {
    at: Place,
    /// The stream is known to reach to here.
    want: u64,
    phase: Phase,
    aside: BTreeMap<u64, Value>,
}

impl Track {
    fn new(at: Place, phase: Phase) -> Self {
        Self { want: at.rev, at, phase, aside: BTreeMap::new() }
    }

    /// Takes the entries whose turn it is.
    fn due(&mut self) -> Vec<Value> {
        let mut due = vec![];
        if self.phase == Phase::Steady {
            while let Some(frame) = self.aside.remove(&(self.at.rev + 1)) {
                self.at = Place::of(&frame);
                due.push(frame);
            }
            self.aside = self.aside.split_off(&(self.at.rev + 1));
        }
        due
    }

    /// Whether something is missing that nobody has been asked for.
    fn gap(&self) -> bool {
        self.phase == Phase::Steady && (!self.aside.is_empty() || self.want > self.at.rev)
    }

    fn stands_at(&mut self, at: Place) {
        self.want = self.want.max(at.rev);
        self.at = at;
        self.phase = Phase::Steady;
    }
}

/// A room as the client shows it.
#[derive(Debug)]
pub(crate) struct Room {
    track: Track,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) topic: String,
    pub(crate) seq: u64,
    pub(crate) read: u64,
    /// Roles by user.
    pub(crate) members: BTreeMap<String, String>,
    /// Fields by seq.
    pub(crate) messages: BTreeMap<u64, Value>,
    /// Whether word of the draft came while the room was loading.
    drafted: bool,
    /// The number of the load that counts.
    load: u64,
}

/// A room, loaded: the answers of the API, the room's own first.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) room: Value,
    pub(crate) members: Vec<Value>,
    pub(crate) messages: Vec<Value>,
    pub(crate) draft: String,
}

/// A change that is settled: acknowledged, or refused for good.
#[derive(Debug, Clone)]
pub(crate) struct Settled {
    pub(crate) frame: Value,
    pub(crate) answer: Value,
}

impl Settled {
    /// Whether it was made.
    pub(crate) fn made(&self) -> bool {
        self.answer["type"] == "ack"
    }
}

/// A stream, as the client names it: a room, or its own.
pub(crate) type Of = Option<String>;

/// All that a client knows.
#[derive(Debug, Default)]
pub(crate) struct Client {
    pub(crate) user: String,
    connected: bool,
    person: Option<Track>,
    pub(crate) profile: Value,
    pub(crate) rooms: BTreeMap<String, Room>,
    pub(crate) drafts: BTreeMap<String, String>,
    /// What isn't acknowledged yet, in the order it was asked for.
    outbox: VecDeque<Value>,
    pub(crate) settled: Vec<Settled>,
    /// Streams to be resumed; the first has been asked for.
    resumes: VecDeque<Of>,
    /// The tag at each place that it was told of.
    pub(crate) seen: HashMap<(Of, u64), String>,
    /// What can't be.
    pub(crate) broken: Vec<String>,
    /// How many loads it asked for.
    loads: u64,
    /// How often it resumed, and loaded anew.
    pub(crate) resumed: u64,
    pub(crate) reloaded: u64,
    /// When it is to come back, in milliseconds, if it was told so.
    bye: Option<u64>,
    /// How often the other end closed a connection without such a word.
    pub(crate) surprised: u64,
    /// How often a change was put off.
    pub(crate) put_off: u64,
}

impl Client {
    /// Somebody's, which knows nothing yet.
    pub(crate) fn new(user: &str) -> Self {
        Self { user: user.to_owned(), ..Self::default() }
    }

    /// The connection is gone, by the other end or by one's own will. Returns the milliseconds after which to come back,
    /// where the server said so.
    pub(crate) fn cut(&mut self, by_other: bool) -> Option<u64> {
        let bye = self.bye.take();
        self.surprised += u64::from(self.connected && by_other && bye.is_none());
        self.connected = false;
        self.resumes.clear();
        let tracks = self.rooms.values_mut().map(|room| &mut room.track).chain(&mut self.person);
        for track in tracks {
            track.aside.clear();
            if track.phase == Phase::Resuming {
                track.phase = Phase::Steady;
            }
        }
        bye
    }

    /// Wants a change, which has a nonce; it is kept until it is settled.
    pub(crate) fn wish(&mut self, frame: Value) -> Vec<Effect> {
        self.outbox.push_back(frame.clone());
        if self.connected { vec![Effect::Send(frame)] } else { vec![] }
    }

    /// Sends a change again, if it still waits.
    pub(crate) fn again(&mut self, nonce: &str) -> Vec<Effect> {
        if let Some(of) = nonce.strip_prefix("resume:") {
            let first = self.resumes.front().is_some_and(|first| first.as_deref().unwrap_or_default() == of);
            return if self.connected && first { self.ask().into_iter().collect() } else { vec![] };
        }
        let waiting = self.outbox.iter().find(|frame| frame["nonce"] == nonce);
        waiting.filter(|_| self.connected).cloned().map(Effect::Send).into_iter().collect()
    }

    /// Gives up on what still waits; returns it.
    pub(crate) fn discard(&mut self) -> Vec<Value> {
        self.outbox.drain(..).collect()
    }

    /// Whether nothing is under way.
    pub(crate) fn quiet(&self) -> bool {
        let steady = |track: &Track| track.phase == Phase::Steady && track.aside.is_empty() && !track.gap();
        self.connected
            && self.outbox.is_empty()
            && self.resumes.is_empty()
            && self.person.as_ref().is_some_and(steady)
            && self.rooms.values().all(|room| steady(&room.track))
    }

    /// What is under way.
    pub(crate) fn busy(&self) -> String {
        let of_room =
            |room: &Room| format!("{:?} at {} of {}", room.track.phase, room.track.at.rev, room.track.want);
        let rooms: Vec<String> = self.rooms.values().map(of_room).collect();
        let first = self.outbox.front().map(Value::to_string).unwrap_or_default();
        format!(
            "connected {}, {} wishes ({first}), resumes {:?}, own {:?}, rooms {rooms:?}",
            self.connected,
            self.outbox.len(),
            self.resumes,
            self.person.as_ref().map(|track| (track.phase, track.at.rev, track.want)),
        )
    }

    /// Where it stands in a room.
    pub(crate) fn at(&self, room: &str) -> Option<&Place> {
        self.rooms.get(room).map(|room| &room.track.at)
    }

    /// Where it stands in its own stream.
    pub(crate) fn own(&self) -> Option<&Place> {
        self.person.as_ref().map(|track| &track.at)
    }

    /// Takes a frame.
    pub(crate) fn hear(&mut self, frame: Value) -> Vec<Effect> {
        match frame["type"].as_str().unwrap_or_default() {
            "heads" => self.heads(&frame),
            "message" | "reaction" | "room" | "person" => self.entry(frame),
            "ack" => self.ack(frame),
            "error" => self.error(frame),
            "resumed" => self.resumed(&frame),
            "reload" => self.reload(&frame),
            "bye" => {
                self.bye = frame["after_ms"].as_u64();
                vec![]
            }
            _ => vec![],
        }
    }

    fn heads(&mut self, frame: &Value) -> Vec<Effect> {
        self.connected = true;
        let mut effects = vec![];
        let head = Place::of(&frame["person"]);
        match &mut self.person {
            None => {
                self.person = Some(Track::new(head, Phase::Loading));
                effects.push(Effect::LoadPerson);
            }
            Some(track) => {
                track.want = track.want.max(head.rev);
                if track.phase == Phase::Steady && track.at != head {
                    effects.extend(self.resume(None));
                }
            }
        }
        effects.extend(self.list(&frame["rooms"]));
        effects.extend(self.outbox.iter().cloned().map(Effect::Send));
        effects
    }

    /// The whole list of rooms.
    fn list(&mut self, heads: &Value) -> Vec<Effect> {
        let heads = heads.as_array().cloned().unwrap_or_default();
        self.rooms.retain(|room, _| heads.iter().any(|head| head["room"] == *room.as_str()));
        heads.iter().flat_map(|head| self.room_head(head)).collect()
    }

    /// A room of the list.
    fn room_head(&mut self, head: &Value) -> Vec<Effect> {
        let (id, at, read) = (text(&head["room"]), Place::of(head), number(&head["read"]));
        let Some(room) = self.rooms.get_mut(&id) else {
            self.loads += 1;
            let room = Room {
                track: Track::new(at, Phase::Loading),
                kind: String::new(),
                name: String::new(),
                topic: String::new(),
                seq: number(&head["seq"]),
                read,
                members: BTreeMap::new(),
                messages: BTreeMap::new(),
                drafted: false,
                load: self.loads,
            };
            self.rooms.insert(id.clone(), room);
            return vec![Effect::LoadRoom(id, self.loads)];
        };
        room.read = room.read.max(read);
        room.track.want = room.track.want.max(at.rev);
        let parted = room.track.at.rev == at.rev && room.track.at.tag != at.tag;
        if room.track.phase == Phase::Steady && (room.track.at.rev < at.rev || parted) {
            return self.resume(Some(id));
        }
        vec![]
    }

    fn resume(&mut self, of: Of) -> Vec<Effect> {
        let track = match &of {
            Some(room) => self.rooms.get_mut(room).map(|room| &mut room.track),
            None => self.person.as_mut(),
        };
        let Some(track) = track.filter(|track| track.phase == Phase::Steady && self.connected) else {
            return vec![];
        };
        track.phase = Phase::Resuming;
        self.resumed += 1;
        self.resumes.push_back(of);
        if self.resumes.len() == 1 { self.ask().into_iter().collect() } else { vec![] }
    }

    /// Asks for the first stream that is to be resumed.
    fn ask(&mut self) -> Option<Effect> {
        loop {
            let of = self.resumes.front()?.clone();
            let at = match &of {
                Some(room) => self.rooms.get(room).map(|room| &room.track.at),
                None => self.person.as_ref().map(|track| &track.at),
            };
            if let Some(Place { rev, tag }) = at {
                let mut frame = json!({ "type": "resume", "rev": rev, "tag": tag });
                if let Some(room) = of {
                    frame["room"] = room.into();
                }
                return Some(Effect::Send(frame));
            }
            // The room went in the meantime.
            self.resumes.pop_front();
        }
    }

    /// The first resume has its answer.
    fn answered(&mut self, of: &Of) -> Option<Effect> {
        if self.resumes.front() != Some(of) {
            self.broken.push(format!("an answer to a resume that nobody asked for: {of:?}"));
            return None;
        }
        self.resumes.pop_front();
        self.ask()
    }

    fn resumed(&mut self, frame: &Value) -> Vec<Effect> {
        let of = frame["room"].as_str().map(str::to_owned);
        let mut effects: Vec<Effect> = self.answered(&of).into_iter().collect();
        let at = Place::of(frame);
        self.note(of.clone(), &at);
        match &of {
            None => {
                let Some(track) = &mut self.person else { return effects };
                track.stands_at(at);
                let person = &frame["person"];
                self.profile = json!({ "display": person["display"], "bio": person["bio"] });
                self.drafts.clear();
                for draft in frame["drafts"].as_array().into_iter().flatten() {
                    self.drafts.insert(text(&draft["room"]), text(&draft["text"]));
                }
                effects.extend(self.list(&frame["rooms"]));
            }
            Some(room) => {
                let Some(room) = self.rooms.get_mut(room) else { return effects };
                if room.track.phase != Phase::Resuming {
                    // It went and came again in the meantime, and is loading.
                    return effects;
                }
                if at.rev < room.track.at.rev {
                    self.broken.push(format!("a resume that goes back: {frame}"));
                }
                room.track.stands_at(at);
                room.seq = room.seq.max(number(&frame["seq"]));
                room.read = room.read.max(number(&frame["read"]));
                room.name = text(&frame["state"]["name"]);
                room.topic = text(&frame["state"]["topic"]);
                for message in frame["messages"].as_array().into_iter().flatten() {
                    room.put(message);
                }
                for member in frame["members"].as_array().into_iter().flatten() {
                    room.place(&member["user"], &member["role"]);
                }
            }
        }
        effects.extend(self.go_on(of));
        effects
    }

    fn reload(&mut self, frame: &Value) -> Vec<Effect> {
        let of = frame["room"].as_str().map(str::to_owned);
        let mut effects: Vec<Effect> =
            if self.resumes.front() == Some(&of) { self.answered(&of).into_iter().collect() } else { vec![] };
        self.reloaded += 1;
        if frame["why"] != "many" {
            self.broken.push(format!("the log is the same all along: {frame}"));
        }
        match of {
            Some(id) => {
                if let Some(room) = self.rooms.get_mut(&id) {
                    self.loads += 1;
                    room.load = self.loads;
                    room.track.phase = Phase::Loading;
                    effects.push(Effect::LoadRoom(id, self.loads));
                }
            }
            None => self.broken.push(format!("nothing calls for it: {frame}")),
        }
        effects
    }

    /// A room has been loaded; none when it isn't there, or isn't theirs.
    pub(crate) fn loaded(&mut self, id: &str, load: u64, loaded: Option<Loaded>) -> Vec<Effect> {
        let counts = |room: &&mut Room| room.track.phase == Phase::Loading && room.load == load;
        let Some(room) = self.rooms.get_mut(id).filter(counts) else {
            return vec![];
        };
        let Some(loaded) = loaded.filter(|loaded| !loaded.room["role"].is_null()) else {
            self.rooms.remove(id);
            return vec![];
        };
        room.track.stands_at(Place::of(&loaded.room));
        room.kind = text(&loaded.room["kind"]);
        room.name = text(&loaded.room["name"]);
        room.topic = text(&loaded.room["topic"]);
        room.seq = number(&loaded.room["seq"]);
        room.read = room.read.max(number(&loaded.room["read"]));
        room.members = loaded.members.iter().map(|m| (text(&m["user"]), text(&m["role"]))).collect();
        room.messages.clear();
        loaded.messages.iter().for_each(|message| room.put(message));
        if !std::mem::take(&mut room.drafted) {
            draft(&mut self.drafts, id, &loaded.draft);
        }
        self.note(Some(id.to_owned()), &Place::of(&loaded.room));
        self.go_on(Some(id.to_owned()))
    }

    /// One's profile has been loaded.
    pub(crate) fn loaded_person(&mut self, me: &Value) -> Vec<Effect> {
        self.profile = json!({ "display": me["display"], "bio": me["bio"] });
        if let Some(track) = &mut self.person {
            track.phase = Phase::Steady;
        }
        self.go_on(None)
    }

    fn entry(&mut self, frame: Value) -> Vec<Effect> {
        let of = (frame["type"] != "person").then(|| text(&frame["room"]));
        let at = Place::of(&frame);
        self.note(of.clone(), &at);
        let track = match &of {
            Some(room) => self.rooms.get_mut(room).map(|room| &mut room.track),
            None => self.person.as_mut(),
        };
        let Some(track) = track else { return vec![] };
        if at.rev > track.at.rev || track.phase == Phase::Loading {
            track.aside.insert(at.rev, frame);
        }
        self.go_on(of)
    }

    /// Applies what can be applied of a stream, and asks for what is missing.
    fn go_on(&mut self, of: Of) -> Vec<Effect> {
        let mut effects = vec![];
        let due = match &of {
            Some(room) => self.rooms.get_mut(room).map(|room| room.track.due()),
            None => self.person.as_mut().map(Track::due),
        };
        for frame in due.unwrap_or_default() {
            match &of {
                Some(room) => self.apply(room, &frame),
                None => effects.extend(self.apply_own(&frame)),
            }
        }
        let gap = match &of {
            Some(room) => self.rooms.get(room).is_some_and(|room| room.track.gap()),
            None => self.person.as_ref().is_some_and(Track::gap),
        };
        if gap {
            effects.extend(self.resume(of));
        }
        effects
    }

    fn apply(&mut self, id: &str, frame: &Value) {
        let Some(room) = self.rooms.get_mut(id) else { return };
        match frame["type"].as_str().unwrap_or_default() {
            "message" => {
                room.put(&frame["message"]);
                room.seq = room.seq.max(number(&frame["seq"]));
            }
            "reaction" => {
                if !room.react(frame) {
                    self.broken.push(format!("a reaction to a message that isn't there: {frame}"));
                }
            }
            _ => {
                match frame["change"].as_str().unwrap_or_default() {
                    "renamed" => room.name = text(&frame["name"]),
                    "topic" => room.topic = text(&frame["topic"]),
                    "joined" | "role" => room.place(&frame["user"], &frame["role"]),
                    "left" | "removed" => room.place(&frame["user"], &Value::Null),
                    _ => {}
                }
                if let Some(line) = frame.get("line") {
                    room.put(&line["message"]);
                    room.seq = room.seq.max(number(&line["seq"]));
                }
            }
        }
    }

    fn apply_own(&mut self, frame: &Value) -> Vec<Effect> {
        let id = text(&frame["room"]);
        match frame["change"].as_str().unwrap_or_default() {
            "room-added" => match frame.get("head") {
                Some(head) => return self.room_head(head),
                // They are out again by now, and will be told.
                None => return vec![],
            },
            "room-gone" => drop(self.rooms.remove(&id)),
            "read" => {
                if let Some(room) = self.rooms.get_mut(&id) {
                    room.read = room.read.max(number(&frame["read"]));
                }
            }
            "draft" => {
                draft(&mut self.drafts, &id, &text(&frame["text"]));
                if let Some(room) = self.rooms.get_mut(&id) {
                    room.drafted = room.track.phase == Phase::Loading;
                }
            }
            "profile" => self.profile = json!({ "display": frame["display"], "bio": frame["bio"] }),
            _ => {}
        }
        vec![]
    }

    fn ack(&mut self, answer: Value) -> Vec<Effect> {
        let Some(place) = self.outbox.iter().position(|frame| frame["nonce"] == answer["nonce"]) else {
            let first = self.settled.iter().find(|settled| settled.frame["nonce"] == answer["nonce"]);
            if first.is_some_and(|first| first.made() && first.answer != answer) {
                self.broken.push(format!("another answer to a repeat: {answer}, not {:?}", first.unwrap()));
            }
            return vec![];
        };
        let Some(frame) = self.outbox.remove(place) else { return vec![] };
        if answer["rev"].is_u64() {
            let own = frame["type"] == "read" || frame["type"] == "draft";
            self.note((!own).then(|| text(&frame["room"])), &Place::of(&answer));
        }
        self.settled.push(Settled { frame, answer });
        vec![]
    }

    fn error(&mut self, answer: Value) -> Vec<Effect> {
        let retry = answer["retry"] == true;
        let after = answer["retry_after_ms"].as_u64().unwrap_or(100).clamp(20, 2_000);
        let Some(nonce) = answer["nonce"].as_str() else {
            // The only frames that we send without a nonce and that can fail are resumes, one at a time.
            let Some(of) = self.resumes.front().cloned() else {
                self.broken.push(format!("an error out of nothing: {answer}"));
                return vec![];
            };
            if retry {
                return vec![Effect::Later(format!("resume:{}", of.unwrap_or_default()), after)];
            }
            let effect = self.answered(&of);
            if let Some(id) = &of
                && !self.resumes.contains(&of)
                && self.rooms.get(id).is_some_and(|room| room.track.phase == Phase::Resuming)
            {
                self.rooms.remove(id);
            }
            return effect.into_iter().collect();
        };
        if retry {
            self.put_off += 1;
            return vec![Effect::Later(nonce.to_owned(), after)];
        }
        if let Some(place) = self.outbox.iter().position(|frame| frame["nonce"] == nonce)
            && let Some(frame) = self.outbox.remove(place)
        {
            self.settled.push(Settled { frame, answer });
        }
        vec![]
    }

    /// Two tags at one place would be two histories.
    fn note(&mut self, of: Of, at: &Place) {
        if at.rev == 0 {
            return;
        }
        let known = self.seen.entry((of, at.rev)).or_insert_with(|| at.tag.clone());
        if *known != at.tag {
            self.broken.push(format!("two histories: {known} and {at:?}"));
        }
    }

    /// How many unread messages of a room mention this person.
    pub(crate) fn mentions(&self, id: &str) -> usize {
        let Some(room) = self.rooms.get(id) else { return 0 };
        let me = |message: &Value| {
            let named = message["mentions"]
                .as_array()
                .is_some_and(|m| m.iter().any(|user| *user == *self.user.as_str()));
            message["author"] != *self.user.as_str() && (named || message["everyone"] == true)
        };
        room.messages.range(room.read + 1..).filter(|(_, message)| me(message)).count()
    }

    /// All that it shows, to be compared.
    pub(crate) fn shown(&self) -> BTreeMap<String, Value> {
        let mut shown = BTreeMap::new();
        let own = self.own().cloned().unwrap_or_default();
        shown.insert("person".to_owned(), json!({ "rev": own.rev, "tag": own.tag, "profile": self.profile }));
        for (id, room) in &self.rooms {
            let draft = self.drafts.get(id).map(String::as_str).unwrap_or_default();
            let at = &room.track.at;
            shown.insert(
                id.clone(),
                json!({
                    "rev": at.rev, "tag": at.tag, "kind": room.kind, "name": room.name, "topic": room.topic,
                    "seq": room.seq, "read": room.read, "draft": draft, "members": room.members,
                    "mentions": self.mentions(id),
                }),
            );
            for (seq, message) in &room.messages {
                shown.insert(format!("{id} {seq:05}"), message.clone());
            }
        }
        shown
    }
}

impl Room {
    fn put(&mut self, message: &Value) {
        let seq = number(&message["seq"]);
        let newer =
            self.messages.get(&seq).is_none_or(|known| number(&known["rev"]) < number(&message["rev"]));
        if newer {
            self.messages.insert(seq, message.clone());
        }
    }

    fn place(&mut self, user: &Value, role: &Value) {
        match role.as_str() {
            Some(role) => drop(self.members.insert(text(user), role.to_owned())),
            None => drop(self.members.remove(&text(user))),
        }
    }

    /// False when the message isn't there.
    fn react(&mut self, frame: &Value) -> bool {
        let Some(message) = self.messages.get_mut(&number(&frame["seq"])) else { return false };
        if number(&message["rev"]) >= number(&frame["rev"]) {
            return true;
        }
        message["rev"] = frame["rev"].clone();
        let Some(reactions) = message["reactions"].as_array_mut() else { return true };
        let (emoji, user) = (&frame["emoji"], &frame["user"]);
        let place = reactions.iter().position(|reaction| reaction["emoji"] == *emoji);
        if frame["on"] == true {
            match place {
                None => reactions.push(json!({ "emoji": emoji, "users": [user] })),
                Some(place) => {
                    let users = reactions[place]["users"].as_array_mut().unwrap();
                    if !users.contains(user) {
                        users.push(user.clone());
                    }
                }
            }
        } else if let Some(place) = place {
            let users = reactions[place]["users"].as_array_mut().unwrap();
            users.retain(|it| it != user);
            if users.is_empty() {
                reactions.remove(place);
            }
        }
        true
    }
}

fn draft(drafts: &mut BTreeMap<String, String>, room: &str, text: &str) {
    match text {
        "" => drop(drafts.remove(room)),
        text => drop(drafts.insert(room.to_owned(), text.to_owned())),
    }
}

pub(crate) fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A client in one room, where it stands at rev 5.
fn at_five() -> Client {
    let mut client = Client::new("me");
    let heads = json!({ "type": "heads", "user": "me", "person": { "rev": 1, "tag": "p1" },
        "rooms": [{ "room": "r", "rev": 5, "tag": "t5", "seq": 1, "read": 0, "mentions": 0 }] });
    assert_eq!(client.hear(heads), [Effect::LoadPerson, Effect::LoadRoom("r".to_owned(), 1)]);
    assert_eq!(client.loaded_person(&json!({ "display": "Me", "bio": "" })), []);
    let room = json!({ "room": "r", "rev": 5, "tag": "t5", "seq": 1, "read": 0, "role": "member" });
    let messages = vec![json!({ "seq": 1, "rev": 5, "reactions": [] })];
    let loaded = Loaded { room, members: vec![], messages, draft: String::new() };
    assert_eq!(client.loaded("r", 1, Some(loaded)), []);
    assert!(client.quiet());
    client
}

fn posted(rev: u64, seq: u64) -> Value {
    json!({ "type": "message", "room": "r", "rev": rev, "tag": format!("t{rev}"), "change": "posted", "seq": seq,
        "message": { "seq": seq, "rev": rev, "reactions": [] } })
}

#[test]
fn an_ack_before_its_predecessors_then_a_cut_loses_nothing() {
    let mut client = at_five();
    let wish = json!({ "type": "message", "room": "r", "nonce": "n", "text": "mine" });
    assert_eq!(client.wish(wish.clone()), [Effect::Send(wish)]);
    // The ack of 7 is there before 6 is: it moves nothing.
    client.hear(json!({ "type": "ack", "nonce": "n", "room": "r", "rev": 7, "tag": "t7", "seq": 3 }));
    assert_eq!(client.at("r").unwrap().rev, 5);
    client.cut(true);
    let heads = json!({ "type": "heads", "user": "me", "person": { "rev": 1, "tag": "p1" },
        "rooms": [{ "room": "r", "rev": 7, "tag": "t7", "seq": 3, "read": 0, "mentions": 0 }] });
    let resume = json!({ "type": "resume", "room": "r", "rev": 5, "tag": "t5" });
    assert_eq!(client.hear(heads), [Effect::Send(resume)]);
    // What comes live meanwhile waits.
    assert_eq!(client.hear(posted(8, 4)), []);
    let messages = [2, 3].map(|seq| posted(seq + 4, seq)["message"].clone());
    let resumed = json!({ "type": "resumed", "room": "r", "rev": 7, "tag": "t7", "seq": 3, "read": 0, "mentions": 0,
        "state": {}, "messages": messages, "members": [] });
    assert_eq!(client.hear(resumed), []);
    assert_eq!(client.at("r").unwrap().rev, 8);
    assert_eq!(client.rooms["r"].messages.len(), 4);
    assert!(client.quiet() && client.broken.is_empty());
}

#[test]
fn a_gap_is_asked_for_once_and_what_came_after_it_is_kept() {
    let mut client = at_five();
    let resume = json!({ "type": "resume", "room": "r", "rev": 5, "tag": "t5" });
    assert_eq!(client.hear(posted(7, 3)), [Effect::Send(resume)]);
    assert_eq!(client.hear(posted(8, 4)), []);
    assert_eq!(client.rooms["r"].messages.len(), 1);
    let resumed = json!({ "type": "resumed", "room": "r", "rev": 6, "tag": "t6", "seq": 2, "read": 0, "mentions": 0,
        "state": {}, "messages": [posted(6, 2)["message"]], "members": [] });
    assert_eq!(client.hear(resumed), []);
    assert_eq!(client.at("r").unwrap().rev, 8);
    assert!(client.quiet());
}
