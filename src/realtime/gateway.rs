//! One socket: it comes in, follows its person's streams, is told all heads, and then carries frames both ways until it ends.

use std::{collections::HashSet, future::Future, pin::Pin, sync::Arc, time::Duration};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use futures_util::{SinkExt, future::join_all};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::TaskTracker;
use tracing::{debug, info};

use super::{
    Format,
    calls::{self, Allowances, Page},
    frames::{Attention, CallRequest, CallWord, ClientFrame, RoomHead, ServerFrame},
    hub::Hub,
    lane::{Follows, Reader},
    mailbox::{Close, Mailbox},
    requests::{self, Begun},
    underway::Underway,
};
use crate::{
    calls::RosterFields,
    error::{Code, Error, Result},
    metrics::metrics,
    model::{Actor, RoomId, RoomKind, SessionId, Stream, Timestamp, UserId},
};

/// The largest frame that a client may send.
pub(super) const MAX_FRAME: usize = 64 * 1024;
/// The reading buffer of a connection, which an idle one holds as well: a few changes at a time. The library's own is made for
/// bulk.
const READ_BUFFER: usize = 1024;
/// Frames leave together up to this many bytes.
const WRITE_BUFFER: usize = 16 * 1024;
const MAX_WRITE_BUFFER: usize = 8 << 20;
/// How often the server asks for a sign of life.
const PING: Duration = Duration::from_secs(25);
/// How long a client may be silent.
const SILENCE: Duration = Duration::from_secs(60);
/// The same while its page is in a call: the others are told of a silent one within 10 s.
const PING_IN_CALL: Duration = Duration::from_secs(2);
const SILENCE_IN_CALL: Duration = Duration::from_secs(7);
/// How long one write may take.
const WRITE: Duration = Duration::from_secs(30);
/// How long coming in may take.
const ENTER: Duration = Duration::from_secs(20);
/// Typing in one room counts at most this often.
const TYPING: Duration = Duration::from_secs(3);

/// Checks a fresh access token: the time until which it is good, if it is one of this session.
pub type CheckToken = Arc<dyn Fn(&str, SessionId) -> Result<Timestamp> + Send + Sync>;

/// Who comes in, and how.
#[derive(Clone)]
pub struct Entrance {
    /// Who.
    pub actor: Actor,
    /// By which session.
    pub session: SessionId,
    /// When the access token runs out; none for a session's cookie.
    pub until: Option<Timestamp>,
    /// How messages are wanted.
    pub format: Format,
    /// How many frames may wait for it.
    pub mailbox: usize,
    /// Checks fresh tokens.
    pub check: CheckToken,
}

impl std::fmt::Debug for Entrance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entrance").field("actor", &self.actor).finish_non_exhaustive()
    }
}

/// Turns a request into a socket that lives on, as one of `tasks`.
pub fn serve(
    hub: Hub,
    upgrade: WebSocketUpgrade,
    entrance: Entrance,
    tasks: TaskTracker,
) -> axum::response::Response {
    upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(MAX_WRITE_BUFFER)
        .max_message_size(MAX_FRAME)
        .max_frame_size(MAX_FRAME)
        .on_upgrade(move |socket| tasks.track_future(Box::pin(run(hub, socket, entrance))))
}

async fn run(hub: Hub, socket: WebSocket, entrance: Entrance) {
    let mailbox = Arc::new(Mailbox::new(entrance.mailbox));
    let reader = Reader {
        socket: hub.enter(mailbox.clone()),
        user: entrance.actor.user,
        session: entrance.session,
        format: entrance.format,
        mailbox,
        follows: Arc::new(Follows::new()),
    };
    let mut gateway = Gateway {
        hub: hub.clone(),
        reader: reader.clone(),
        ends: entrance.until.map(instant),
        entrance,
        socket,
        page: Page::new(reader.mailbox.clone()),
        allowances: Allowances::default(),
        heard: Instant::now(),
        checked: Instant::now(),
        typed: None,
        visiting: None,
    };
    let close = match timeout(ENTER, gateway.enter()).await {
        Ok(Ok(heads)) => gateway.live(heads).await,
        Ok(Err(error)) if error.code() == Code::Unauthenticated => Some(Close::SessionEnded),
        Ok(Err(error)) => {
            info!(%error, "a socket can't come in");
            Some(Close::TryAgain)
        }
        Err(_) => Some(Close::TryAgain),
    };
    hub.calls().socket_gone(reader.key(), close == Some(Close::SessionEnded));
    hub.leave(&reader);
    metrics().closed(close.map_or("left", |close| close.code().1));
    if let Some(close) = close {
        let (code, reason) = close.code();
        let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
        let _ = timeout(WRITE, gateway.socket.send(Message::Close(Some(frame)))).await;
    }
}

struct Gateway {
    hub: Hub,
    reader: Reader,
    entrance: Entrance,
    socket: WebSocket,
    page: Arc<Page>,
    allowances: Allowances,
    heard: Instant,
    /// When its session was looked up last.
    checked: Instant,
    typed: Option<(RoomId, Instant)>,
    /// When the access token runs out.
    ends: Option<Instant>,
    /// A public room on show that the person isn't in.
    visiting: Option<RoomId>,
}

type Request = Pin<Box<dyn Future<Output = Begun> + Send>>;

impl Gateway {
    /// Follows first, then reads: whatever happens in between comes twice rather than never.
    async fn enter(&mut self) -> Result<Utf8Bytes> {
        let Reader { user, session, .. } = self.reader;
        let own = Stream::Person(user);
        self.follow([own]).await;
        check_session(&self.hub, &self.reader).await?;
        let rooms = self.hub.log().store().joined(user).await?;
        self.follow(rooms.iter().map(|room| Stream::Room(*room))).await;
        let person = self.hub.log().head(own).await?;
        let listings = self.hub.chat().rooms_of(user).await?;
        let still: HashSet<RoomId> = listings.iter().map(|listing| listing.listed.room.id).collect();
        for gone in rooms.into_iter().filter(|room| !still.contains(room)) {
            self.hub.unfollow_stranger(self.reader.socket, gone);
        }
        self.hub.presence().enter(self.reader.socket, user, true);
        let partners: Vec<UserId> = listings
            .iter()
            .filter(|listing| listing.listed.room.kind == RoomKind::Direct)
            .flat_map(|listing| listing.listed.room.people.iter().copied())
            .filter(|partner| *partner != user)
            .collect();
        let rooms = listings.iter().map(RoomHead::from).collect();
        self.hub.tell_reach(&self.reader.mailbox);
        let calls = self.hub.calls().of(listings.iter().map(|listing| listing.listed.room.id));
        let calls = calls.iter().map(|call| RosterFields::from(&**call)).collect();
        let heads = ServerFrame::Heads { user, session, person, rooms, calls }.encode();
        if !partners.is_empty() {
            let frame = self.hub.presence().partners(self.reader.socket, &self.reader.mailbox, &partners);
            self.reader.mailbox.push(&[frame]);
        }
        Ok(heads)
    }

    async fn follow(&mut self, streams: impl IntoIterator<Item = Stream>) {
        let streams: Vec<Stream> = streams.into_iter().collect();
        let (hub, reader) = (&self.hub, &self.reader);
        join_all(streams.into_iter().map(|stream| hub.follow(reader.clone(), stream))).await;
    }

    /// Carries frames both ways. One request at a time is begun: while that runs, no other is read, so that changes keep
    /// their order and a client that asks too much waits by itself. Those that are handed over wait for their end together.
    async fn live(&mut self, heads: Utf8Bytes) -> Option<Close> {
        let mut frames = vec![heads];
        if let Err(close) = self.write(&mut frames).await {
            return close;
        }
        let mut request: Option<Request> = None;
        let mut underway = Underway::new();
        let mut in_call = false;
        let mut alarm = std::pin::pin!(sleep(PING));
        let mut ping = Instant::now() + PING;
        let mailbox = self.reader.mailbox.clone();
        loop {
            if self.page.is_seated() != in_call {
                in_call = !in_call;
                ping = Instant::now() + pings(in_call);
            }
            // One timer is for both: an idle socket holds as little as it can.
            let due = self.ends.map_or(ping, |ends| ping.min(ends));
            if alarm.deadline() != due {
                alarm.as_mut().reset(due);
            }
            tokio::select! {
                () = mailbox.wait() => {
                    let close = mailbox.take(&mut frames);
                    if let Err(close) = self.write(&mut frames).await {
                        return close;
                    }
                    if close.is_some() {
                        return close;
                    }
                }
                begun = async { match request.as_mut() { Some(request) => request.await, None => std::future::pending().await } } => {
                    request = None;
                    match begun {
                        Begun::Done(frame) => mailbox.push(frame.as_slice()),
                        Begun::Underway(change) => underway.push(change),
                    }
                }
                answers = underway.next() => mailbox.push(&answers),
                message = self.socket.recv(), if request.is_none() && underway.has_room() => match self.hear(message).await {
                    Ok(heard) => request = heard,
                    Err(close) => return close,
                },
                () = alarm.as_mut() => {
                    if self.entrance.until.is_some_and(|until| until <= Timestamp::now()) {
                        return Some(Close::TokenExpired);
                    }
                    self.ends = self.entrance.until.map(instant);
                    if ping <= Instant::now() {
                        ping = Instant::now() + pings(in_call);
                        // While nothing is read, nothing is heard.
                        let reads = request.is_none() && underway.has_room();
                        let silence = if in_call && reads { SILENCE_IN_CALL } else { SILENCE };
                        if let Err(close) = self.look_alive(silence).await {
                            return close;
                        }
                    }
                }
            }
        }
    }

    /// Asks for a sign of life, of the client and of its session.
    async fn look_alive(&mut self, silence: Duration) -> Result<(), Option<Close>> {
        if self.heard.elapsed() > silence {
            return Err(Some(Close::Silent));
        }
        if self.checked.elapsed() >= PING {
            self.checked = Instant::now();
            if let Err(error) = check_session(&self.hub, &self.reader).await
                && error.code() == Code::Unauthenticated
            {
                return Err(Some(Close::SessionEnded));
            }
        }
        self.send(Message::Ping(Default::default())).await.map_err(|()| None)
    }

    async fn hear(
        &mut self,
        message: Option<Result<Message, axum::Error>>,
    ) -> Result<Option<Request>, Option<Close>> {
        let message = match message {
            Some(Ok(message)) => message,
            Some(Err(error)) => {
                debug!(%error, "a socket broke");
                return Err(broken(&error.to_string()));
            }
            None => return Err(None),
        };
        self.heard = Instant::now();
        match message {
            Message::Text(text) => match ClientFrame::parse(&text) {
                Ok(frame) => Ok(self.take(frame).await),
                Err((error, nonce)) => {
                    self.reader.mailbox.push(&[requests::refuse(&error, nonce.as_deref())]);
                    Ok(None)
                }
            },
            Message::Binary(_) => {
                let error = Error::malformed("Frames are text.");
                self.reader.mailbox.push(&[requests::refuse(&error, None)]);
                Ok(None)
            }
            Message::Close(_) => Err(None),
            Message::Ping(_) | Message::Pong(_) => Ok(None),
        }
    }

    /// Does at once what concerns this socket alone; the rest becomes a request.
    async fn take(&mut self, frame: ClientFrame) -> Option<Request> {
        let frame = match CallWord::of(frame) {
            Ok(word) => {
                let refused = calls::hand_on(&self.hub, &self.reader, &mut self.allowances, word);
                self.reader.mailbox.push(refused.as_slice());
                return None;
            }
            Err(frame) => frame,
        };
        let frame = match CallRequest::of(frame) {
            Ok(request) => {
                let (hub, reader, page) = (self.hub.clone(), self.reader.clone(), self.page.clone());
                return Some(Box::pin(async move {
                    Begun::Done(Some(calls::answer(&hub, &reader, &page, request).await))
                }));
            }
            Err(frame) => frame,
        };
        let nonce = frame.nonce().map(str::to_owned);
        let done = match frame {
            ClientFrame::Ping {} => Ok(Some(ServerFrame::Pong.encode())),
            ClientFrame::Presence { state } => {
                let active = state == Attention::Online;
                self.hub.presence().enter(self.reader.socket, self.reader.user, active);
                Ok(None)
            }
            ClientFrame::Token { token } => (self.entrance.check)(&token, self.reader.session).map(|until| {
                self.entrance.until = self.entrance.until.map(|_| until);
                self.ends = self.entrance.until.map(instant);
                let ack = ServerFrame::Ack { nonce: "token", room: None, rev: None, tag: None, seq: None };
                Some(ack.encode())
            }),
            ClientFrame::Watch { room } => self.watch(room).await.map(|()| None),
            ClientFrame::Typing { room } if self.typed_lately(room) => Ok(None),
            frame => {
                let (hub, actor, format) = (self.hub.clone(), self.entrance.actor, self.reader.format);
                return Some(Box::pin(async move { requests::begin(&hub, actor, format, frame).await }));
            }
        };
        match done {
            Ok(frame) => self.reader.mailbox.push(frame.as_slice()),
            Err(error) => self.reader.mailbox.push(&[requests::refuse(&error, nonce.as_deref())]),
        }
        None
    }

    fn typed_lately(&mut self, room: RoomId) -> bool {
        let lately = self.typed.is_some_and(|(of, at)| of == room && at.elapsed() < TYPING);
        if !lately {
            self.typed = Some((room, Instant::now()));
        }
        lately
    }

    /// Looks at a room: its people's presence comes, and where the person isn't in it, its entries too.
    async fn watch(&mut self, room: Option<RoomId>) -> Result<()> {
        if let Some(visited) = self.visiting.take() {
            self.hub.unfollow_stranger(self.reader.socket, visited);
        }
        let Some(room) = room else {
            self.hub.presence().unwatch(self.reader.socket);
            return Ok(());
        };
        if !requests::watch(&self.hub, &self.reader, room).await? {
            self.follow([Stream::Room(room)]).await;
            self.visiting = Some(room);
        }
        Ok(())
    }

    /// Writes frames so that they leave together.
    async fn write(&mut self, frames: &mut Vec<Utf8Bytes>) -> Result<(), Option<Close>> {
        let writing = async {
            for frame in frames.drain(..) {
                self.socket.feed(Message::Text(frame)).await?;
            }
            self.socket.flush().await
        };
        match timeout(WRITE, writing).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(None),
            Err(_) => Err(Some(Close::TooSlow)),
        }
    }

    async fn send(&mut self, message: Message) -> Result<(), ()> {
        match timeout(WRITE, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(()),
        }
    }
}

/// How often the server asks for a sign of life.
fn pings(in_call: bool) -> Duration {
    if in_call { PING_IN_CALL } else { PING }
}

/// What to tell a client whose frame couldn't be read, by what the library says about it; nothing when nobody is left to be
/// told.
fn broken(error: &str) -> Option<Close> {
    if error.contains("too long") {
        Some(Close::TooLarge)
    } else if error.contains("UTF-8") {
        Some(Close::NotText)
    } else {
        None
    }
}

/// Whether the session is still there: ended ones are told of, but word may be lost.
async fn check_session(hub: &Hub, reader: &Reader) -> Result<()> {
    match hub.log().store().session(reader.session, Timestamp::now()).await? {
        Some(session) if session.user == reader.user => Ok(()),
        _ => Err(Code::Unauthenticated.into()),
    }
}

/// When that will be, by the clock that timers go by.
fn instant(time: Timestamp) -> Instant {
    let left = time.0.saturating_sub(Timestamp::now().0).max(0);
    Instant::now() + Duration::from_millis(left.unsigned_abs())
}
