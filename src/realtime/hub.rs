//! The hub: which streams have readers on this node, and how what comes over the bus finds them.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    calls,
    close::Close,
    frames::{Presence, ServerFrame},
    lane::{Job, Lane, Reader, SocketId},
    mailbox::Mailbox,
    presence::Presences,
};
use crate::{
    accounts::Accounts,
    bus::{Bus, Channel, Event, Events, Notice},
    calls::{Calls, News},
    chat::{Chat, PictureFields},
    log::Log,
    metrics::metrics,
    model::{Rev, RoomId, Stream, Timestamp, UserId},
};

/// What waits for a lane; what doesn't fit is read from the log later.
const QUEUE: usize = 1_024;
/// How often the heads of all streams with readers are compared with the store's.
const COMPARE: Duration = Duration::from_secs(1);
/// How many heads are asked for in one query.
const HEADS: usize = 1_000;
/// When the node stops, sockets are told to come back in steps of this length,
const STEP: Duration = Duration::from_millis(50);
/// over at least so long, and a millisecond more for each, so that they don't all come to another node at once,
const SPREAD: Duration = Duration::from_millis(500);
/// but no longer than this: the node wants to end.
const LONGEST_SPREAD: Duration = Duration::from_secs(7);
/// After how many milliseconds each comes back, at least and at most: for whoever is there it is a blink.
const BACK: (u64, u64) = (50, 250);

/// All lanes of this node.
#[derive(Clone)]
pub struct Hub {
    inner: Arc<Inner>,
}

struct Inner {
    accounts: Arc<Accounts>,
    chat: Chat,
    calls: Calls,
    lanes: Mutex<HashMap<Stream, mpsc::Sender<Job>>>,
    sockets: Mutex<HashMap<SocketId, Arc<Mailbox>>>,
    presences: Presences,
    next: AtomicU64,
    compare: tokio::sync::Notify,
    /// Whether other nodes are in reach, as sockets were told last.
    reach: Mutex<bool>,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").finish_non_exhaustive()
    }
}

impl Hub {
    /// A hub without readers.
    pub fn new(accounts: Arc<Accounts>, chat: Chat, calls: Calls) -> Self {
        let presences = Presences::new(chat.log().bus().clone());
        Self {
            inner: Arc::new(Inner {
                accounts,
                chat,
                calls,
                lanes: Mutex::default(),
                sockets: Mutex::default(),
                presences,
                next: AtomicU64::new(1),
                compare: tokio::sync::Notify::new(),
                reach: Mutex::new(true),
            }),
        }
    }

    /// Brings what comes over the bus to its lanes, compares heads, and tells who is here, until `stop`; then all sockets are told
    /// to come back, some at a time, and who is still here hears on.
    pub async fn run(self, mut events: Events, stop: CancellationToken) {
        let compare = tokio::spawn(self.clone().compare_heads(stop.clone()));
        let presence = tokio::spawn(self.clone().tell_presence(stop.clone()));
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                event = events.recv() => match event {
                    Some(event) => self.route(event),
                    None => break,
                }
            }
        }
        let _ = tokio::join!(compare, presence, self.dismiss_all(&mut events));
    }

    /// How many sockets are open on this node.
    pub fn sockets(&self) -> usize {
        lock(&self.inner.sockets).len()
    }

    /// How many streams have readers on this node.
    pub fn streams(&self) -> usize {
        lock(&self.inner.lanes).len()
    }

    /// Brings a live frame to a room's readers on all nodes.
    pub fn typing(&self, room: RoomId, user: UserId) {
        self.bus().publish(Channel::Stream(Stream::Room(room)), Notice::Typing { room, user });
    }

    /// Whether somebody is `online`, `idle` or `offline`, on whatever node.
    pub fn state_of(&self, user: UserId) -> &'static str {
        word(self.presence().of(user))
    }

    /// The same of each of these, at one moment.
    pub fn states_of(&self, users: impl Iterator<Item = UserId>) -> Vec<&'static str> {
        self.presence().of_each(users).into_iter().map(word).collect()
    }

    pub(super) fn chat(&self) -> &Chat {
        &self.inner.chat
    }

    pub(super) fn calls(&self) -> &Calls {
        &self.inner.calls
    }

    pub(super) fn log(&self) -> &Log {
        self.inner.chat.log()
    }

    pub(super) fn bus(&self) -> &Arc<dyn Bus> {
        self.log().bus()
    }

    pub(super) fn presence(&self) -> &Presences {
        &self.inner.presences
    }

    /// Takes in a socket.
    pub(super) fn enter(&self, mailbox: Arc<Mailbox>) -> SocketId {
        metrics().sockets_opened.increment(1);
        let socket = SocketId(self.inner.next.fetch_add(1, Ordering::Relaxed));
        lock(&self.inner.sockets).insert(socket, mailbox);
        socket
    }

    /// Tells a socket that came in when other nodes are out of reach.
    pub(super) fn tell_reach(&self, mailbox: &Mailbox) {
        // Held while it is told, so that no change is told before what it changes.
        let others = lock(&self.inner.reach);
        if !*others {
            mailbox.push(&[ServerFrame::Reach { others: false }.encode()]);
        }
    }

    /// Tells all sockets when other nodes come into reach or go out of it.
    fn look_around(&self) {
        let others = self.bus().connected();
        let mut told = lock(&self.inner.reach);
        if *told != others {
            *told = others;
            let frame = ServerFrame::Reach { others }.encode();
            for mailbox in lock(&self.inner.sockets).values() {
                mailbox.push(std::slice::from_ref(&frame));
            }
        }
    }

    /// Lets go of a socket.
    pub(super) fn leave(&self, reader: &Reader) {
        lock(&self.inner.sockets).remove(&reader.socket);
        self.presence().leave(reader.socket, reader.user);
        for stream in reader.follows.end() {
            self.unfollow(reader.socket, stream);
        }
    }

    /// Gives a reader all of a stream's entries from now on; returns when that is in force, with the place after which it gets
    /// all.
    pub(super) async fn follow(&self, reader: Reader, stream: Stream) -> Rev {
        let mut from = Rev::default();
        while reader.follows.add(stream) {
            let lane = self.lane(stream);
            let (done, followed) = oneshot::channel();
            let sent = lane.send(Job::Follow(reader.clone(), done)).await.is_ok();
            if sent && let Ok(at) = followed.await {
                from = at;
                break;
            }
        }
        if reader.follows.over() {
            // It went in the meantime, and may have said so before it was let in.
            self.unfollow(reader.socket, stream);
        }
        from
    }

    pub(super) fn unfollow(&self, socket: SocketId, stream: Stream) {
        self.let_go(stream, Job::Unfollow(socket));
    }

    /// The same, of a room that its reader wasn't in lately.
    pub(super) fn unfollow_stranger(&self, socket: SocketId, room: RoomId) {
        self.let_go(Stream::Room(room), Job::UnfollowStranger(socket));
    }

    fn let_go(&self, stream: Stream, job: Job) {
        let lane = lock(&self.inner.lanes).get(&stream).cloned();
        if let Some(lane) = lane
            && let Err(mpsc::error::TrySendError::Full(job)) = lane.try_send(job)
        {
            tokio::spawn(async move { lane.send(job).await });
        }
    }

    /// Ends a lane that nobody reads, unless somebody has just asked.
    pub(super) fn retire(&self, stream: Stream, jobs: &mpsc::Receiver<Job>) -> bool {
        let mut lanes = lock(&self.inner.lanes);
        if !jobs.is_empty() {
            return false;
        }
        lanes.remove(&stream);
        self.bus().unsubscribe(&[Channel::Stream(stream)]);
        true
    }

    fn lane(&self, stream: Stream) -> mpsc::Sender<Job> {
        let mut lanes = lock(&self.inner.lanes);
        let lane = lanes.entry(stream).or_insert_with(|| {
            let (sender, jobs) = mpsc::channel(QUEUE);
            tokio::spawn(Lane::run(self.clone(), stream, jobs));
            sender
        });
        lane.clone()
    }

    fn route(&self, event: Event) {
        let (from, channel, notice) = match event {
            Event::Lost => {
                self.inner.compare.notify_one();
                self.bus().publish(Channel::Everyone, Notice::PresenceWanted);
                self.calls().lost();
                return;
            }
            Event::Notice { from, channel, notice } => (from, channel, notice),
        };
        match notice {
            Notice::Appended(committed) => {
                if from != self.bus().node() {
                    metrics().bus_received.increment(1);
                    self.log().learn(committed.clone());
                }
                self.tell(committed.append.stream, Job::Committed(committed));
            }
            Notice::Typing { room, user } => {
                let frame = ServerFrame::Typing { room, user }.encode();
                if channel == Channel::Stream(Stream::Room(room)) {
                    self.tell(Stream::Room(room), Job::Live(frame, Some(user)));
                }
            }
            Notice::Profile(person) => {
                self.inner.chat.people().learn(person.clone());
                let frame = ServerFrame::Profile {
                    user: person.id,
                    name: &person.name,
                    display: &person.display,
                    picture: person.picture.as_ref().map(PictureFields::from),
                    status: person.status_at(Timestamp::now()),
                };
                let frame = frame.encode();
                for mailbox in lock(&self.inner.sockets).values() {
                    mailbox.push(std::slice::from_ref(&frame));
                }
            }
            Notice::Call(notice) => {
                if let Some(news) = self.calls().hear(from, notice) {
                    self.tell_of_call(&news);
                }
            }
            Notice::Presence { .. } | Notice::PresenceWanted | Notice::Leaving => {
                self.presence().hear(from, notice);
            }
            // What is counted here is counted already.
            _ if from == self.bus().node() => {}
            Notice::Tried(_) | Notice::TriedAs(_) | Notice::GotIn(_) => {
                self.inner.accounts.tries().hear(&notice, Instant::now());
            }
            Notice::Spent(spent) => self.inner.chat.floods().hear(&spent),
        }
    }

    /// How a call is comes to its room's readers even where the lane is busy: the next word of it may be long in coming.
    fn tell_of_call(&self, news: &News) {
        let (room, frame) = calls::told(news);
        let lane = lock(&self.inner.lanes).get(&Stream::Room(room)).cloned();
        if let Some(lane) = lane
            && let Err(mpsc::error::TrySendError::Full(job)) = lane.try_send(Job::Live(frame, None))
            && !matches!(news, News::Speaking { .. })
        {
            tokio::spawn(async move { lane.send(job).await });
        }
    }

    /// A lane that is too busy reads later from the log what it can't take now.
    fn tell(&self, stream: Stream, job: Job) {
        if let Some(lane) = lock(&self.inner.lanes).get(&stream) {
            let _ = lane.try_send(job);
        }
    }

    async fn compare_heads(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.inner.compare.notified() => {}
                () = tokio::time::sleep(COMPARE) => {}
            }
            self.look_around();
            let streams: Vec<Stream> = lock(&self.inner.lanes).keys().copied().collect();
            for streams in streams.chunks(HEADS) {
                match self.log().store().heads(streams).await {
                    Ok(heads) => {
                        heads.into_iter().for_each(|(stream, head)| self.tell(stream, Job::Check(head)))
                    }
                    Err(error) => warn!(%error, "heads can't be compared"),
                }
            }
        }
    }

    async fn tell_presence(self, stop: CancellationToken) {
        self.bus().publish(Channel::Everyone, Notice::PresenceWanted);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.presence().tick() => {}
            }
        }
        self.bus().publish(Channel::Everyone, Notice::Leaving);
    }

    /// Tells all sockets to come back, some at a time, until none is left.
    async fn dismiss_all(&self, events: &mut Events) {
        let each = Duration::from_millis(self.sockets() as u64);
        let end = Instant::now() + (SPREAD + each).min(LONGEST_SPREAD);
        let mut steps = tokio::time::interval(STEP);
        loop {
            tokio::select! {
                _ = steps.tick() => if self.dismiss_some(end) == 0 { return },
                event = events.recv() => match event {
                    Some(event) => self.route(event),
                    None => return,
                }
            }
        }
    }

    /// Tells as many as it takes to be done with all by then; returns how many there are still.
    fn dismiss_some(&self, end: Instant) -> usize {
        let sockets: Vec<_> = lock(&self.inner.sockets).values().cloned().collect();
        let left = end.saturating_duration_since(Instant::now());
        let steps = (left.as_millis() / STEP.as_millis()) as usize + 1;
        for mailbox in sockets.iter().take(sockets.len().div_ceil(steps)) {
            let after_ms = BACK.0 + getrandom::u64().unwrap_or_default() % (BACK.1 - BACK.0);
            mailbox.push(&[ServerFrame::Bye { after_ms, why: "restart" }.encode()]);
            mailbox.close(Close::Restart);
        }
        sockets.len()
    }
}

fn word(presence: Presence) -> &'static str {
    match presence {
        Presence::Online => "online",
        Presence::Idle => "idle",
        Presence::Offline => "offline",
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
