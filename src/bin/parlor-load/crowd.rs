//! Many readers of rooms, and who writes there; of Parlor, or of the bare broadcaster.

use std::{path::Path, rc::Rc, time::Instant};

use crate::{
    Options, Result,
    host::Host,
    people::{Person, nonce},
    readers::{Reading, Seen},
    wire::connect,
};

/// People behind the readers: each has many sockets, as a person with many tabs.
const PEOPLE: usize = 50;
/// As many rooms as one person writes in, where there are many: no more messages than the server lets one socket have on
/// their way.
const ROOMS_OF_ONE: usize = 64;
/// A message's text: with all else about as many bytes as a short line takes.
const TEXT: &str = "The quick brown fox jumps over the lazy dog, and is back before anybody has noticed it.";

/// Rooms with readers, of one server.
pub(crate) struct Crowd {
    pub(crate) host: Host,
    pub(crate) seen: Rc<Seen>,
    pub(crate) rooms: Vec<Room>,
    /// Deliveries of one message.
    pub(crate) readers: usize,
    bare: bool,
    sockets: Vec<Rc<Reading>>,
    /// Another node, where the sender is, if they aren't with the readers.
    elsewhere: Option<Host>,
}

/// One of them.
pub(crate) struct Room {
    pub(crate) name: String,
    sender: Rc<Reading>,
    sent: u64,
}

impl Crowd {
    /// On Parlor, people who are logged in, each with many sockets. Of one room they are members. Of many they are not, or
    /// each of their sockets would read all: a socket looks at one public room, as a page does. In each a member writes, who
    /// does so in some others as well.
    pub(crate) async fn of_parlor(
        options: &Options,
        data: &Path,
        rooms: usize,
        readers: usize,
    ) -> Result<Self> {
        let host = Host::parlor(options, data).await?;
        let people = Person::some(&host, PEOPLE.min(rooms * readers)).await?;
        let mut crowd = Self::empty(host, readers, false);
        if rooms == 1 {
            let name = people[0].room(&crowd.host, &people[1..]).await?;
            for n in 0..readers {
                crowd.open("/ws", &people[n % people.len()].authorization()).await?;
            }
            crowd.add(name, Rc::clone(&crowd.sockets[0]));
        } else {
            let (writers, visitors) = people.split_at(rooms.div_ceil(ROOMS_OF_ONE).min(people.len() - 1));
            let mut senders = vec![];
            for writer in writers {
                senders.push(crowd.open("/ws", &writer.authorization()).await?);
            }
            for room in 0..rooms {
                let name = writers[room % writers.len()].room(&crowd.host, &[]).await?;
                for n in 1..readers {
                    let visitor = &visitors[(room * readers + n) % visitors.len()];
                    let socket = crowd.open("/ws", &visitor.authorization()).await?;
                    socket.send(&format!(r#"{{"type":"watch","room":"{name}"}}"#)).await?;
                    // What is asked for is done in order: who has this answer looks at the room.
                    socket.send(r#"{"type":"ping"}"#).await?;
                }
                crowd.add(name, Rc::clone(&senders[room % senders.len()]));
            }
            crowd.seen.until_ready(senders.len() + 2 * rooms * (readers - 1)).await?;
        }
        crowd.seen.until_ready(crowd.sockets.len()).await?;
        Ok(crowd)
    }

    /// On the bare broadcaster.
    pub(crate) async fn of_bare(rooms: usize, readers: usize) -> Result<Self> {
        let mut crowd = Self::empty(Host::bare().await?, readers, true);
        for room in 0..rooms {
            for n in 0..readers {
                let socket = crowd.open(&format!("/{room}"), "").await?;
                if n == 0 {
                    crowd.add(room.to_string(), socket);
                }
            }
        }
        crowd.seen.until_ready(rooms * readers).await?;
        Ok(crowd)
    }

    /// On one node of two the readers of a room, on the other its sender, who reads as well: one delivery more.
    pub(crate) async fn of_two_nodes(options: &Options, data: &Path, readers: usize) -> Result<Self> {
        let mut nodes = Host::cluster(options, data, 2).await?;
        let (host, elsewhere) = (nodes.remove(1), nodes.remove(0));
        let people = Person::some(&elsewhere, PEOPLE.min(readers)).await?;
        let name = people[0].room(&elsewhere, &people[1..]).await?;
        let mut crowd = Self::empty(host, readers + 1, false);
        let socket = connect(&elsewhere.address, "/ws", &people[0].authorization()).await?;
        let sender = Rc::new(Reading::start(socket, &crowd.seen));
        crowd.add(name, sender);
        crowd.elsewhere = Some(elsewhere);
        for n in 0..readers {
            crowd.open("/ws", &people[n % people.len()].authorization()).await?;
        }
        crowd.seen.until_ready(readers + 1).await?;
        Ok(crowd)
    }

    fn empty(host: Host, readers: usize, bare: bool) -> Self {
        Self { host, seen: Rc::default(), rooms: vec![], readers, bare, sockets: vec![], elsewhere: None }
    }

    async fn open(&mut self, path: &str, headers: &str) -> Result<Rc<Reading>> {
        let socket = connect(&self.host.address, path, headers).await?;
        let reading = Rc::new(Reading::start(socket, &self.seen));
        self.sockets.push(Rc::clone(&reading));
        Ok(reading)
    }

    fn add(&mut self, name: String, sender: Rc<Reading>) {
        self.rooms.push(Room { name, sender, sent: 0 });
    }

    /// Sends a message to a room: Parlor's own frame, or to the bare broadcaster what Parlor would make of it.
    pub(crate) async fn send(&mut self, room: usize, due: Instant) -> Result<()> {
        let nonce = nonce();
        self.seen.due.borrow_mut().insert(nonce.clone(), due);
        let room = &mut self.rooms[room];
        room.sent += 1;
        let frame = match self.bare {
            true => as_parlor_would(&room.name, room.sent, &nonce),
            false => post(&room.name, &nonce),
        };
        room.sender.send(&frame).await
    }
}

/// A message that a client sends.
pub(crate) fn post(room: &str, nonce: &str) -> String {
    format!(r#"{{"type":"message","room":"{room}","nonce":"{nonce}","text":"{TEXT}"}}"#)
}

/// A frame with as many bytes as Parlor's, and what a reader checks at the same places.
fn as_parlor_would(room: &str, rev: u64, nonce: &str) -> String {
    let id = "0198c0de-0000-7000-8000-000000000000";
    format!(
        r#"{{"type":"message","room":"{id}{room}","rev":{rev},"tag":"0123456789abcdef","change":"posted","seq":{rev},"author":"{id}","nonce":"{nonce}","mentions":[],"everyone":false,"message":{{"seq":{rev},"rev":{rev},"author":"{id}","at":1790000000000,"kind":"text","text":"{TEXT}","html":"<p>{TEXT}</p>","base":{rev},"edited_at":null,"reply_to":null,"mentions":[],"everyone":false,"pinned":false,"reactions":[],"nonce":"{nonce}"}}}}"#
    )
}
