//! One socket: it comes in, follows its person's streams, is told all heads, and then carries frames both ways until it ends.

use std::{collections::HashSet, future::Future, pin::Pin, sync::Arc, time::Duration};

use futures_util::{StreamExt, future::join_all};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::{
    net::tcp::OwnedWriteHalf,
    time::{Instant, sleep, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{self, Message, error::CapacityError},
};
use tracing::{debug, info, warn};

use super::{
    Format,
    calls::{self, Allowances, Page},
    close::Close,
    frame::Frame,
    frames::{Attention, CallRequest, CallWord, ClientFrame, RoomHead, ServerFrame},
    hub::Hub,
    lane::{Follows, Reader},
    mailbox::Mailbox,
    receiving::{Receiving, messages},
    requests::{self, Begun},
    underway::Underway,
    wire::Wire,
};
use crate::{
    calls::RosterFields,
    error::{Code, Error, Result},
    log::{Arrival, Listing},
    metrics::metrics,
    model::{Actor, Rev, RoomId, RoomKind, SessionId, Stream, Timestamp, UserId},
};

/// How often the server asks for a sign of life.
const PING: Duration = Duration::from_secs(25);
/// How long a client may be silent.
const SILENCE: Duration = Duration::from_secs(60);
/// The same while its page is in a call: the others are told of a silent one within 10 s.
const PING_IN_CALL: Duration = Duration::from_secs(2);
const SILENCE_IN_CALL: Duration = Duration::from_secs(7);
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

/// Serves a socket, from its handshake's end to its own.
pub async fn serve(hub: Hub, connection: OnUpgrade, entrance: Entrance) {
    let connection = match connection.await {
        Ok(connection) => connection,
        Err(error) => return debug!(%error, "a connection went in the handshake"),
    };
    let Ok(parts) = connection.downcast::<TokioIo<Wire>>() else {
        return warn!("a socket came by another way than the listener's connections");
    };
    let (tcp, _held, answer) = parts.io.into_inner().into_parts();
    let (receiving, sending) = tcp.into_split();
    // What has come early lies in a large buffer, which ends here.
    let early = parts.read_buf.to_vec();
    drop(parts.read_buf);
    let mailbox = Arc::new(Mailbox::new(entrance.mailbox));
    let socket = messages(receiving, mailbox.clone(), early).await;
    // On the heap, and not part of what the connection's first moments need.
    Box::pin(run(hub, Arc::new(sending), Frame::handshake(answer), socket, mailbox, entrance)).await;
}

async fn run(
    hub: Hub,
    tcp: Arc<OwnedWriteHalf>,
    handshake: Frame,
    socket: WebSocketStream<Receiving>,
    mailbox: Arc<Mailbox>,
    entrance: Entrance,
) {
    let reader = Reader {
        socket: hub.enter(mailbox.clone()),
        user: entrance.actor.user,
        session: entrance.session,
        format: entrance.format,
        mailbox: mailbox.clone(),
        follows: Arc::new(Follows::new()),
    };
    let mut gateway = Gateway {
        hub: hub.clone(),
        reader: reader.clone(),
        ends: entrance.until.map(instant),
        entrance,
        socket,
        page: Page::new(mailbox.clone()),
        allowances: Allowances::default(),
        heard: Instant::now(),
        checked: Instant::now(),
        typed: None,
        visiting: None,
    };
    let entered = timeout(ENTER, gateway.enter()).await;
    let heads = entered.as_ref().ok().and_then(|entered| entered.as_ref().ok()).cloned();
    mailbox.open(tcp, handshake, heads);
    let close = match entered {
        Ok(Ok(_)) => gateway.live().await,
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
    mailbox.end(close).await;
}

struct Gateway {
    hub: Hub,
    reader: Reader,
    entrance: Entrance,
    socket: WebSocketStream<Receiving>,
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
    /// Follows its person, then reads: whatever happens in between comes twice rather than never.
    async fn enter(&mut self) -> Result<Frame> {
        let Reader { user, session, .. } = self.reader;
        let own = Stream::Person(user);
        self.follow([own]).await;
        let Arrival { head: person, rooms } = self.hub.chat().arrival(user, session).await?;
        let listings = self.follow_rooms(rooms).await?;
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

    /// Follows the person's rooms, `before` as they were read, and says how they were then or later. Where nothing happened
    /// in a room while that came into force, it is as it was read.
    async fn follow_rooms(&mut self, before: Vec<Listing>) -> Result<Vec<Listing>> {
        let from = self.follow(before.iter().map(|it| Stream::Room(it.listed.room.id))).await;
        if before.iter().zip(from).all(|(listing, from)| from <= listing.head.rev) {
            return Ok(before);
        }
        let now = self.hub.chat().rooms_of(self.reader.user).await?;
        let still: HashSet<RoomId> = now.iter().map(|listing| listing.listed.room.id).collect();
        for gone in before.iter().map(|it| it.listed.room.id).filter(|room| !still.contains(room)) {
            self.hub.unfollow_stranger(self.reader.socket, gone);
        }
        Ok(now)
    }

    /// Gives it all of these streams' entries from now on; returns the place of each after which it gets all.
    async fn follow(&mut self, streams: impl IntoIterator<Item = Stream>) -> Vec<Rev> {
        let streams: Vec<Stream> = streams.into_iter().collect();
        let (hub, reader) = (&self.hub, &self.reader);
        join_all(streams.into_iter().map(|stream| hub.follow(reader.clone(), stream))).await
    }

    /// Carries frames both ways. One request at a time is begun: while that runs, no other is read, so that changes keep
    /// their order and a client that asks too much waits by itself. Those that are handed over wait for their end together.
    async fn live(&mut self) -> Option<Close> {
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
                close = mailbox.serve() => return close,
                begun = async { match request.as_mut() { Some(request) => request.await, None => std::future::pending().await } } => {
                    request = None;
                    match begun {
                        Begun::Done(frame) => mailbox.send(frame.as_slice()),
                        Begun::Underway(change) => underway.push(change),
                    }
                }
                answers = underway.next() => mailbox.push(&answers),
                message = self.socket.next(), if request.is_none() && underway.has_room() => match self.hear(message).await {
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
                            return Some(close);
                        }
                    }
                }
            }
        }
    }

    /// Asks for a sign of life, of the client and of its session.
    async fn look_alive(&mut self, silence: Duration) -> Result<(), Close> {
        if self.heard.elapsed() > silence {
            return Err(Close::Silent);
        }
        if self.checked.elapsed() >= PING {
            self.checked = Instant::now();
            if let Err(error) = check_session(&self.hub, &self.reader).await
                && error.code() == Code::Unauthenticated
            {
                return Err(Close::SessionEnded);
            }
        }
        self.reader.mailbox.send(&[Frame::ping()]);
        Ok(())
    }

    async fn hear(
        &mut self,
        message: Option<Result<Message, tungstenite::Error>>,
    ) -> Result<Option<Request>, Option<Close>> {
        let message = match message {
            Some(Ok(message)) => message,
            Some(Err(error)) => {
                debug!(%error, "a socket broke");
                return Err(broken(&error));
            }
            None => return Err(None),
        };
        self.heard = Instant::now();
        match message {
            Message::Text(text) => match ClientFrame::parse(&text) {
                Ok(frame) => Ok(self.take(frame).await),
                Err((error, nonce)) => {
                    self.reader.mailbox.send(&[requests::refuse(&error, nonce.as_deref())]);
                    Ok(None)
                }
            },
            Message::Binary(_) => {
                let error = Error::malformed("Frames are text.");
                self.reader.mailbox.send(&[requests::refuse(&error, None)]);
                Ok(None)
            }
            Message::Close(_) => Err(None),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(None),
        }
    }

    /// Does at once what concerns this socket alone; the rest becomes a request.
    async fn take(&mut self, frame: ClientFrame) -> Option<Request> {
        let frame = match CallWord::of(frame) {
            Ok(word) => {
                let refused = calls::hand_on(&self.hub, &self.reader, &mut self.allowances, word);
                self.reader.mailbox.send(refused.as_slice());
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
            Ok(frame) => self.reader.mailbox.send(frame.as_slice()),
            Err(error) => self.reader.mailbox.send(&[requests::refuse(&error, nonce.as_deref())]),
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
}

/// How often the server asks for a sign of life.
fn pings(in_call: bool) -> Duration {
    if in_call { PING_IN_CALL } else { PING }
}

/// What to tell a client whose frame couldn't be read; nothing when nobody is left to be told.
fn broken(error: &tungstenite::Error) -> Option<Close> {
    match error {
        tungstenite::Error::Capacity(CapacityError::MessageTooLong { .. }) => Some(Close::TooLarge),
        tungstenite::Error::Utf8(_) => Some(Close::NotText),
        _ => None,
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
