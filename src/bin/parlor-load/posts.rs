//! Durable posts of many senders, closed loop: each has one on its way.

use std::{
    collections::HashMap,
    path::Path,
    rc::Rc,
    time::{Duration, Instant},
};

use futures_util::future::try_join_all;

use crate::{
    Options, Result,
    crowd::post,
    host::Host,
    people::{Person, nonce},
    readers::{Reading, Seen},
    report::Report,
    wire::connect,
};

/// How many send.
pub(crate) const SENDERS: usize = 64;
/// Messages of a sender on their way while a room is filled, so that filling doesn't take longer than measuring.
const FILLING: u64 = 4;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Somebody who posts in one room, and reads there.
pub(crate) struct Sender {
    seen: Rc<Seen>,
    socket: Reading,
    room: String,
}

impl Sender {
    /// Comes in.
    pub(crate) async fn new(address: &str, person: &Person, room: &str) -> Result<Self> {
        let seen = Rc::<Seen>::default();
        let socket = Reading::start(connect(address, "/ws", &person.authorization()).await?, &seen);
        seen.until_ready(1).await?;
        Ok(Self { seen, socket, room: room.to_owned() })
    }

    /// Posts, and waits for the answer: how long it took.
    pub(crate) async fn post(&self) -> Result<Duration> {
        let (nonce, begun) = (nonce(), Instant::now());
        self.seen.due.borrow_mut().insert(nonce.clone(), begun);
        self.socket.send(&post(&self.room, &nonce)).await?;
        loop {
            self.seen.whole()?;
            if let Some(time) = self.seen.acks.borrow_mut().pop() {
                self.seen.due.borrow_mut().clear();
                self.seen.latencies.borrow_mut().clear();
                return Ok(time);
            }
            tokio::time::timeout(PATIENCE, self.seen.acked.notified()).await?;
        }
    }

    /// Asks for a resume, and waits for the answer.
    pub(crate) async fn ask(&self, resume: &str) -> Result<()> {
        let resumed = self.seen.resumed.get();
        self.socket.send(resume).await?;
        while self.seen.resumed.get() == resumed {
            self.seen.whole()?;
            tokio::time::timeout(PATIENCE, self.seen.acked.notified()).await?;
        }
        Ok(())
    }

    /// The place of the last post that was acknowledged: its rev and tag.
    pub(crate) fn last(&self) -> Option<(u64, String)> {
        self.seen.place.borrow().clone()
    }

    /// Waits until so many messages have come by in the room.
    pub(crate) async fn until(&self, deliveries: u64) -> Result<()> {
        self.seen.until(deliveries).await
    }

    /// Posts until then.
    pub(crate) async fn post_until(self, until: Instant) -> Result<(Self, Vec<Duration>)> {
        let mut times = vec![];
        while Instant::now() < until {
            times.push(self.post().await?);
        }
        Ok((self, times))
    }

    /// Posts so many, several on their way at a time, and returns when so many have come by in the room.
    async fn fill(self, count: u64, of_all: u64) -> Result<()> {
        for n in 1..=count {
            self.socket.send(&post(&self.room, &nonce())).await?;
            self.seen.until((n * of_all / count).saturating_sub(FILLING * of_all / count)).await?;
        }
        self.seen.until(of_all).await
    }
}

/// Posts a second, the spread of their acknowledgements, and whether every reader got each of them.
pub(crate) async fn posts(options: &Options, data: &Path, report: &mut Report, rooms: usize) -> Result<()> {
    let host = Host::parlor(options, &data.join(rooms.to_string())).await?;
    let people = Person::some(&host, SENDERS).await?;
    let mut senders = vec![];
    for room in 0..rooms {
        let members: Vec<Person> = people.iter().skip(room).step_by(rooms).cloned().collect();
        let name = members[0].room(&host, &members[1..]).await?;
        for member in &members {
            senders.push(Sender::new(&host.address, member, &name).await?);
        }
    }
    let (begun, cpu) = (Instant::now(), host.cpu()?);
    let until = begun + Duration::from_secs(options.seconds);
    let posting = try_join_all(senders.into_iter().map(|sender| sender.post_until(until)));
    let mut times = vec![];
    let mut ended = vec![];
    let mut posted = HashMap::<String, u64>::new();
    for (sender, its) in posting.await? {
        *posted.entry(sender.room.clone()).or_default() += its.len() as u64;
        times.extend(its);
        ended.push(sender);
    }
    let (time, cpu) = (begun.elapsed(), host.cpu()? - cpu);
    for sender in ended {
        sender.seen.until(posted[&sender.room]).await?;
    }
    let count = times.len() as f64;
    let what = format!("{SENDERS} senders in {rooms} rooms");
    report.add(format!("{what}: durable posts acknowledged"), count / time.as_secs_f64(), "/s");
    report.add(format!("{what}: CPU a post"), cpu.as_secs_f64() * 1e6 / count, "µs");
    report.spread(&format!("{what}: ack"), &mut times, None);
    Ok(())
}

/// A room with so many messages, and somebody who is in it.
pub(crate) async fn filled(host: &Host, stored: u64) -> Result<(Person, String)> {
    let people = Person::some(host, SENDERS).await?;
    let room = people[0].room(host, &people[1..]).await?;
    let each = stored.div_ceil(SENDERS as u64);
    let fill = people.iter().map(async |person| {
        let sender = Sender::new(&host.address, person, &room).await?;
        sender.fill(each, each * SENDERS as u64).await
    });
    try_join_all(fill).await?;
    Ok((people[0].clone(), room))
}
