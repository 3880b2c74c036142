//! The lane of one stream on this node: a task that brings its entries to its readers, in order, without a gap.

mod healing;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};
use tracing::warn;

use super::{Format, close::Close, encode, frame::Frame, hub::Hub, mailbox::Mailbox, order::Order};
use crate::{
    bus::{Channel, Committed},
    error::Result,
    metrics::metrics,
    model::{Entry, Head, Rev, RoomId, RoomKind, SessionId, Stream, Tag, UserId, What},
};

/// The pause after a failed look into the log.
const PAUSE: Duration = Duration::from_millis(500);
/// Jobs taken in one go: entries that came while the readers were served go out together.
const JOBS: usize = 64;
/// Readers served in one go: before the next ones, whoever else has something to do has a turn. So a room of very many readers
/// takes longer to hear, but holds up nobody else.
const TOGETHER: usize = 16;

/// A socket, for as long as it lives on this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct SocketId(pub(super) u64);

/// One who reads a stream: a socket.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    pub(super) socket: SocketId,
    pub(super) user: UserId,
    pub(super) session: SessionId,
    pub(super) format: Format,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) follows: Arc<Follows>,
}

/// The streams that a socket follows; none once it is gone.
#[derive(Debug)]
pub(super) struct Follows(Mutex<Option<HashSet<Stream>>>);

impl Follows {
    /// No stream yet.
    pub(super) fn new() -> Self {
        Self(Mutex::new(Some(HashSet::new())))
    }

    /// Notes one more; false when the socket is gone.
    pub(super) fn add(&self, stream: Stream) -> bool {
        self.inside().as_mut().map(|streams| streams.insert(stream)).is_some()
    }

    /// Whether the socket is gone.
    pub(super) fn over(&self) -> bool {
        self.inside().is_none()
    }

    /// The socket goes: all that it followed.
    pub(super) fn end(&self) -> HashSet<Stream> {
        self.inside().take().unwrap_or_default()
    }

    fn inside(&self) -> MutexGuard<'_, Option<HashSet<Stream>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a lane is told.
pub(super) enum Job {
    /// Something was committed.
    Committed(Arc<Committed>),
    /// A live frame for all readers, but maybe one person.
    Live(Frame, Option<UserId>),
    /// A reader wants all from now on; answered when that is in force, with the place after which it gets all.
    Follow(Reader, oneshot::Sender<Rev>),
    /// A reader wants no more.
    Unfollow(SocketId),
    /// A reader who isn't a member wants no more; who is one by now goes on.
    UnfollowStranger(SocketId),
    /// The store's head of this stream.
    Check(Head),
}

pub(super) struct Lane {
    hub: Hub,
    stream: Stream,
    jobs: mpsc::Receiver<Job>,
    readers: HashMap<SocketId, Reader>,
    order: Order,
    heal_at: Option<Instant>,
    /// Whether the log has to be looked into even if nothing seems to be missing.
    doubtful: bool,
}

impl Lane {
    /// Subscribes, then finds where the stream stands, then serves until nobody reads it any more.
    pub(super) async fn run(hub: Hub, stream: Stream, jobs: mpsc::Receiver<Job>) {
        hub.bus().subscribe(&[Channel::Stream(stream)]).await;
        let head = loop {
            match hub.log().head(stream).await {
                Ok(head) => break head,
                Err(error) => warn!(%stream, %error, "a stream's head can't be read"),
            }
            tokio::time::sleep(PAUSE).await;
        };
        let mut lane = Self {
            hub,
            stream,
            jobs,
            readers: HashMap::new(),
            order: Order::new(head),
            heal_at: None,
            doubtful: false,
        };
        loop {
            lane.step().await;
            if lane.idle() {
                return;
            }
        }
    }

    /// Whether the lane is over: nobody reads, and nobody has asked to.
    fn idle(&self) -> bool {
        self.readers.is_empty() && self.hub.retire(self.stream, &self.jobs)
    }

    async fn step(&mut self) {
        let heal = async {
            match self.heal_at {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let mut jobs = vec![];
        tokio::select! {
            _ = self.jobs.recv_many(&mut jobs, JOBS) => {
                let mut due = vec![];
                for job in jobs {
                    if let Job::Committed(committed) = job {
                        due.extend(self.order.offer(committed));
                    } else {
                        self.show(std::mem::take(&mut due)).await;
                        self.take(job).await;
                    }
                }
                self.show(due).await;
                if self.order.lacks() {
                    self.heal_soon();
                }
            }
            () = heal => {
                self.heal_at = None;
                if self.doubtful || self.order.lacks() {
                    self.heal().await;
                }
            }
        }
    }

    async fn show(&mut self, due: Vec<Arc<Committed>>) {
        if let Err(error) = self.deliver_all(due).await {
            warn!(stream = %self.stream, %error, "an append can't be shown yet");
            self.doubt();
        }
    }

    async fn take(&mut self, job: Job) {
        match job {
            Job::Committed(committed) => {
                let due = self.order.offer(committed);
                self.show(due).await;
            }
            Job::Live(frame, but) => {
                for (n, reader) in self.readers.values().enumerate() {
                    if Some(reader.user) != but {
                        reader.mailbox.send(std::slice::from_ref(&frame));
                    }
                    give_way(n).await;
                }
                metrics().deliveries.increment(self.readers.len() as u64);
            }
            Job::Follow(reader, done) => {
                self.readers.insert(reader.socket, reader);
                let _ = done.send(self.order.at().rev);
            }
            Job::Unfollow(socket) => drop(self.readers.remove(&socket)),
            Job::UnfollowStranger(socket) => self.unfollow_stranger(socket).await,
            Job::Check(head) => {
                if self.order.compare(head) {
                    self.doubt();
                }
            }
        }
    }

    /// Delivers what is due. What can't be shown now isn't passed over: the readers stay before it, and the log tells it
    /// again; what they have of it they know by its rev.
    async fn deliver_all(&mut self, due: Vec<Arc<Committed>>) -> Result<()> {
        let Some(first) = due.first() else { return Ok(()) };
        let base = first.append.base();
        let delivered = match self.stream {
            Stream::Room(room) => self.deliver_room(room, &due).await,
            Stream::Person(user) => self.deliver_person(user, &due).await,
        };
        if delivered.is_err() {
            self.order = Order::new(base);
        }
        delivered
    }

    /// The frames of these appends for readers of this format, one an entry; none if nobody reads it.
    async fn frames(&self, room: RoomId, due: &[Arc<Committed>], format: Format) -> Result<Vec<Frame>> {
        let mut frames = vec![];
        if self.readers.values().any(|reader| reader.format == format) {
            for committed in due {
                frames.extend(encode::room(self.hub.chat(), room, committed, format).await?);
            }
        }
        Ok(frames)
    }

    /// Appends may end memberships: who is gone gets no entry after the one that says so.
    async fn deliver_room(&mut self, room: RoomId, due: &[Arc<Committed>]) -> Result<()> {
        let html = self.frames(room, due, Format::Html).await?;
        let json = self.frames(room, due, Format::Json).await?;
        let entries: Vec<&Entry> = due.iter().flat_map(|committed| &committed.append.entries).collect();
        let mut from = 0;
        for to in 1..=entries.len() {
            let entry = entries[to - 1];
            let gone = match &entry.what {
                What::Left { .. } => Some(entry.by),
                What::Removed { user, .. } => Some(*user),
                _ => None,
            };
            if gone.is_none() && to < entries.len() {
                continue;
            }
            for (n, reader) in self.readers.values().enumerate() {
                let frames = match reader.format {
                    Format::Html => &html,
                    Format::Json => &json,
                };
                if let Some(frames) = frames.get(from..to) {
                    reader.mailbox.send(frames);
                }
                give_way(n).await;
            }
            metrics().deliveries.increment(((to - from) * self.readers.len()) as u64);
            if let Some(user) = gone
                && !self.is_back(room, user).await?
            {
                let theirs = self.readers.values().filter(|reader| reader.user == user);
                self.hub.presence().shut(room, theirs.map(|reader| reader.socket));
                self.readers.retain(|_, reader| reader.user != user);
                self.hub.calls().member_gone(room, user);
            }
            from = to;
        }
        for entry in entries {
            if let Some(user) = entry.member() {
                let member = matches!(entry.what, What::Joined { .. } | What::Role { .. });
                self.hub.presence().member(room, user, member);
            }
        }
        Ok(())
    }

    /// Who joined after the one who asks looked has followed already, or does so after this.
    async fn unfollow_stranger(&mut self, socket: SocketId) {
        let Some(reader) = self.readers.get(&socket).cloned() else { return };
        let back = match self.stream {
            Stream::Room(room) => self.is_back(room, reader.user).await,
            Stream::Person(_) => Ok(false),
        };
        if matches!(back, Ok(true)) {
            return;
        }
        self.readers.remove(&socket);
        if back.is_err() {
            // It isn't known whether they are in: they come anew.
            reader.mailbox.close(Close::TryAgain);
        }
    }

    /// Whether somebody who went is a member again by now. Their sockets follow anew when they are told that they are in,
    /// which may be before this lane comes to where they went.
    async fn is_back(&self, room: RoomId, user: UserId) -> Result<bool> {
        if !self.readers.values().any(|reader| reader.user == user) {
            return Ok(false);
        }
        Ok(self.hub.log().membership(room, user).await?.is_some_and(|(_, _, member)| member.is_some()))
    }

    /// Where direct messages begin, each side gets to know whether the other is here.
    async fn greet_partner(&self, user: UserId, room: RoomId) {
        let rooms = self.hub.log().store().rooms(&[room]).await.unwrap_or_default();
        let direct = rooms.first().filter(|room| room.kind == RoomKind::Direct);
        let Some(partner) = direct.and_then(|room| room.people.iter().find(|other| **other != user)) else {
            return;
        };
        for reader in self.readers.values() {
            self.hub.presence().partner(reader.socket, &reader.mailbox, *partner);
        }
    }

    async fn deliver_person(&mut self, user: UserId, due: &[Arc<Committed>]) -> Result<()> {
        for committed in due {
            for entry in &committed.append.entries {
                self.deliver_own(user, committed.append.tag, entry).await?;
            }
        }
        Ok(())
    }

    async fn deliver_own(&mut self, user: UserId, tag: Tag, entry: &Entry) -> Result<()> {
        if let What::RoomAdded { room } = &entry.what {
            let readers = self.readers.values().cloned();
            let follow = readers.map(|reader| self.hub.follow(reader, Stream::Room(*room)));
            futures_util::future::join_all(follow).await;
            self.greet_partner(user, *room).await;
        }
        let frame = encode::person(self.hub.chat(), user, tag, entry).await?;
        for reader in self.readers.values() {
            reader.mailbox.send(std::slice::from_ref(&frame));
        }
        metrics().deliveries.increment(self.readers.len() as u64);
        if let What::SessionEnded { session } = &entry.what {
            for reader in self.readers.values().filter(|reader| reader.session == *session) {
                reader.mailbox.close(Close::SessionEnded);
            }
        }
        Ok(())
    }
}

/// Lets others have their turn after every so many readers: other tasks, and where cores are few, other threads, too. The store's
/// has to get a core just for a moment, several times a write, and would wait for the system to take one away from here.
async fn give_way(served: usize) {
    if served % TOGETHER == TOGETHER - 1 {
        std::thread::yield_now();
        tokio::task::yield_now().await;
    }
}
