//! What random runs share: nodes that die and come again, and the comparison at the end.

use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use parlor::{
    model::{Nonce, NonceKey, Rev, RoomId, Stream, Timestamp, UserId},
    store::{Store, mongo::MongoStore, sqlite::SqliteStore},
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::{
    audit::{self, Story},
    client::{Client, Of, Place, Settled, text},
    people::Person,
    program::{Program, data_folder},
    services::free_port,
    shell::{Shell, Town, Way},
};

/// How long nothing may get on while something is under way.
const SETTLES: Duration = Duration::from_secs(30);
/// The most differences that are told.
const TOLD: usize = 6;

/// A node, alive or not.
pub(crate) struct Node {
    settings: Vec<(String, String)>,
    data: PathBuf,
    _folder: TempDir,
    program: Option<Program>,
    address: String,
    url: String,
}

impl Node {
    /// Starts one with a folder of its own.
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        let (folder, data) = data_folder();
        let bind = format!("127.0.0.1:{}", free_port());
        let mut all = vec![
            ("PARLOR_BIND", bind.as_str()),
            ("PARLOR_POST_RATE", "1000000"),
            ("PARLOR_POST_BURST", "1000000"),
            ("PARLOR_LOGIN_RATE", "100000"),
            ("PARLOR_LOG", "warn"),
        ];
        all.extend(settings);
        let settings = all.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut node =
            Self { settings, data, _folder: folder, program: None, address: bind, url: String::new() };
        node.start_again().await;
        node
    }

    /// Starts it again, at the same place and upon the same data.
    pub(crate) async fn start_again(&mut self) {
        let settings: Vec<_> =
            self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let program = Program::start(&self.data, &settings).await;
        self.url.clone_from(&program.url);
        self.program = Some(program);
    }

    /// Ends it without warning.
    pub(crate) async fn kill(&mut self) {
        if let Some(program) = self.program.take() {
            program.kill().await;
        }
    }

    /// Makes it hang, or go on; nothing happens to a dead one.
    pub(crate) fn hang(&self, on: bool) {
        if let Some(program) = &self.program {
            program.signal(if on { "-STOP" } else { "-CONT" });
        }
    }

    /// Tells it to go down, and waits until it has.
    pub(crate) async fn go_down(&mut self) {
        if let Some(program) = self.program.take() {
            program.go_down().await;
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn way(&self) -> Way {
        Way { address: self.address.clone(), host: self.url.trim_start_matches("http://").to_owned() }
    }

    /// Its store, once it is dead.
    pub(crate) fn sqlite(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(&self.data).unwrap())
    }
}

/// The store that nodes with this URL use.
pub(crate) async fn mongo(url: &str) -> Arc<dyn Store> {
    Arc::new(MongoStore::connect(url, None).await.unwrap())
}

/// Waits until nothing is under way, and all clients stand where the streams do; then compares each with one that loads
/// anew, field for field. Returns the clients.
pub(crate) async fn compare(
    people: &[Person],
    town: &Arc<Town>,
    shells: Vec<Shell>,
    way: &Way,
) -> Vec<Client> {
    settle(people, &shells, way).await;
    let mut seen = vec![];
    for (person, shell) in people.iter().zip(shells) {
        let fresh = Shell::fresh(person, town, way).await;
        let (mine, anew) = (shell.client.lock().unwrap().shown(), fresh.client.lock().unwrap().shown());
        let mut differences = vec![];
        for key in mine.keys().chain(anew.keys()).collect::<BTreeSet<_>>() {
            let (mine, anew) = (mine.get(key), anew.get(key));
            if mine != anew {
                let told = |value: Option<&Value>| value.map(Value::to_string).unwrap_or_default();
                differences.push(format!("{key}\n  shown: {}\n  anew:  {}", told(mine), told(anew)));
            }
        }
        differences.truncate(TOLD);
        assert!(differences.is_empty(), "{} sees another thing:\n{}", person.user, differences.join("\n"));
        let client = std::mem::take(&mut *shell.client.lock().unwrap());
        assert!(client.broken.is_empty(), "{}: {:?}", person.user, client.broken);
        shell.stop();
        fresh.stop();
        seen.push(client);
    }
    seen
}

/// Waits until each client stands where its streams stand.
async fn settle(people: &[Person], shells: &[Shell], way: &Way) {
    let (mut start, mut before) = (Instant::now(), vec![]);
    let http = reqwest::Client::new();
    loop {
        let mut behind = vec![];
        for (person, shell) in people.iter().zip(shells) {
            if !shell.quiet() {
                behind.push(format!("{} is at work: {}", person.user, shell.busy()));
                continue;
            }
            let list =
                http.get(format!("http://{}/api/rooms", way.address)).bearer_auth(&person.token).send();
            let list = match list.await {
                Ok(list) => list.json().await.unwrap_or_default(),
                Err(_) => Value::Null,
            };
            let Some(rooms) = list["rooms"].as_array() else {
                behind.push("the server doesn't answer".to_owned());
                continue;
            };
            let client = shell.client.lock().unwrap();
            for room in rooms {
                let head = Place { rev: room["rev"].as_u64().unwrap(), tag: text(&room["tag"]) };
                let at = client.at(room["room"].as_str().unwrap());
                let id = room["room"].as_str().unwrap();
                if room["mentions"] != client.mentions(id) {
                    let (told, shown) = (&room["mentions"], client.mentions(id));
                    behind.push(format!("{} is told of {told} mentions in {id}, not {shown}", person.user));
                }
                if at != Some(&head) {
                    behind.push(format!("{} is at {at:?} of {}, not {head:?}", person.user, room["room"]));
                }
            }
            if client.rooms.len() != rooms.len() {
                behind.push(format!("{} has {} rooms, not {}", person.user, client.rooms.len(), rooms.len()));
            }
        }
        if behind.is_empty() {
            return;
        }
        if behind != before {
            (start, before) = (Instant::now(), behind.clone());
        }
        behind.truncate(TOLD);
        assert!(start.elapsed() < SETTLES, "not settled:\n{}", behind.join("\n"));
        sleep(Duration::from_millis(50)).await;
    }
}

/// Checks what is stored, and that it is what clients were told: what was acknowledged is there once, in its place;
/// what wasn't is there at most once; one order for all.
pub(crate) async fn audit(store: &Arc<dyn Store>, town: &Town, clients: &[Client]) -> Told {
    let rooms = town.rooms().into_iter().map(|room| room.parse::<RoomId>().unwrap());
    let stories = audit::all(store, rooms).await;
    let mut told = Told::default();
    for client in clients {
        let user: UserId = client.user.parse().unwrap();
        for ((of, rev), tag) in &client.seen {
            let stored = stories[&stream(of, user)].tag(Rev(*rev)).map(|tag| tag.to_string());
            assert_eq!(stored.as_ref(), Some(tag), "{user} was told of another entry {rev} of {of:?}");
            told.entries += 1;
        }
        for settled in &client.settled {
            check(settled, user, &stories, &mut told);
        }
        told.resumed += client.resumed;
        told.reloaded += client.reloaded;
    }
    let stuck = store.unfolded(Timestamp(0)).await.unwrap();
    assert!(stuck.is_empty(), "not folded: {stuck:?}");
    told
}

fn stream(of: &Of, user: UserId) -> Stream {
    match of {
        Some(room) => Stream::Room(room.parse().unwrap()),
        None => Stream::Person(user),
    }
}

/// How much was told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) entries: usize,
    pub(crate) acknowledged: usize,
    pub(crate) unchanged: usize,
    pub(crate) refused: usize,
    pub(crate) resumed: u64,
    pub(crate) reloaded: u64,
}

fn check(settled: &Settled, user: UserId, stories: &HashMap<Stream, Story>, told: &mut Told) {
    let (frame, answer) = (&settled.frame, &settled.answer);
    let nonce: Nonce = frame["nonce"].as_str().unwrap().parse().unwrap();
    let own = frame["type"] == "read" || frame["type"] == "draft";
    let of = (!own).then(|| text(&frame["room"]));
    let stored =
        stories.get(&stream(&of, user)).and_then(|story| story.places.get(&NonceKey::asked(user, &nonce)));
    let place = stored.map(|(rev, tag)| (rev.0, tag.to_string()));
    if settled.made() && answer["rev"].is_u64() {
        told.acknowledged += 1;
        let acknowledged = (answer["rev"].as_u64().unwrap(), text(&answer["tag"]));
        assert_eq!(place, Some(acknowledged), "acknowledged, and not there: {frame} {answer}");
    } else {
        told.unchanged += usize::from(settled.made());
        told.refused += usize::from(!settled.made());
        assert_eq!(place, None, "there, and said not to be: {frame} {answer}");
    }
}
