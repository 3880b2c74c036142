//! Calls over the socket: what a page asks for and says, and the way back to it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::{
    allowance::Allowance,
    frame::Frame,
    frames::{CallRequest, CallWord, ErrorFrame, ServerFrame},
    hub::Hub,
    lane::Reader,
    mailbox::Mailbox,
    requests::refuse,
};
use crate::{
    calls::{Entering, Left, News, Outlet, RosterFields, SocketKey},
    error::Result,
    model::{RoomId, call::Signal},
};

/// Signals that a socket may send a second, and at once: three links come about with some 60.
const SIGNALS: Allowance = Allowance::new(60.0, 256.0);
/// What else it may say of itself.
const WORDS: Allowance = Allowance::new(10.0, 30.0);

/// A page that may be in a call.
pub(super) struct Page {
    mailbox: Arc<Mailbox>,
    seated: AtomicBool,
}

/// What a socket may say.
pub(super) struct Allowances {
    signals: Allowance,
    words: Allowance,
}

impl Default for Allowances {
    fn default() -> Self {
        Self { signals: SIGNALS, words: WORDS }
    }
}

impl Page {
    pub(super) fn new(mailbox: Arc<Mailbox>) -> Arc<Self> {
        Arc::new(Self { mailbox, seated: AtomicBool::new(false) })
    }

    /// Whether it is in a call.
    pub(super) fn is_seated(&self) -> bool {
        self.seated.load(Ordering::Relaxed)
    }
}

impl Outlet for Page {
    fn signal(&self, signal: &Signal) {
        self.mailbox.offer(ServerFrame::signal(signal).encode());
    }

    fn left(&self, left: Left) {
        self.seated.store(false, Ordering::Relaxed);
        let Left { room, call, peer, why } = left;
        self.mailbox.push(&[ServerFrame::CallLeft { room, call, peer, why }.encode()]);
    }
}

impl Reader {
    /// The socket, as calls name it.
    pub(super) fn key(&self) -> SocketKey {
        SocketKey(self.socket.0)
    }
}

/// Does what a page asks for, and returns the answer.
pub(super) async fn answer(hub: &Hub, reader: &Reader, page: &Arc<Page>, request: CallRequest) -> Frame {
    let nonce = request.nonce().to_owned();
    match try_answer(hub, reader, page, request).await {
        Ok(frame) => frame,
        Err(error) => refuse(&error, Some(&nonce)),
    }
}

async fn try_answer(hub: &Hub, reader: &Reader, page: &Arc<Page>, request: CallRequest) -> Result<Frame> {
    let calls = hub.calls();
    let (nonce, room) = match request {
        CallRequest::Join { room, nonce, page: name, place, media } => {
            // Before it is in: it may lose the place again before this returns.
            page.seated.store(true, Ordering::Relaxed);
            let entering = Entering {
                user: reader.user,
                socket: reader.key(),
                outlet: page.clone(),
                room,
                page: name,
                back: place,
                media,
            };
            let entered = match calls.enter(entering).await {
                Ok(entered) => entered,
                Err(error) => {
                    page.seated.store(calls.is_seated(reader.key()), Ordering::Relaxed);
                    return Err(error);
                }
            };
            let frame = ServerFrame::CallJoined {
                nonce: nonce.as_str(),
                room,
                peer: entered.seat.peer,
                entry: entered.seat.entry,
                moved: entered.moved,
                call: RosterFields::from(&*entered.call),
                ice: &calls.ice(reader.user),
            };
            return Ok(frame.encode());
        }
        CallRequest::Leave { room, call, nonce } => {
            calls.leave(reader.key(), call).await?;
            page.seated.store(calls.is_seated(reader.key()), Ordering::Relaxed);
            (nonce, room)
        }
        CallRequest::Decline { room, call, nonce } => {
            calls.decline(reader.user, room, call).await?;
            (nonce, room)
        }
        CallRequest::Ring { room, call, nonce, user } => {
            calls.ring(reader.key(), room, call, user).await?;
            (nonce, room)
        }
    };
    let ack = ServerFrame::Ack { nonce: nonce.as_str(), room: Some(room), rev: None, tag: None, seq: None };
    Ok(ack.encode())
}

/// Hands on what a page says; the frame is there when that is refused.
pub(super) fn hand_on(
    hub: &Hub,
    reader: &Reader,
    allowances: &mut Allowances,
    word: CallWord,
) -> Option<Frame> {
    let calls = hub.calls();
    let socket = reader.key();
    match word {
        CallWord::Signal(outgoing) => {
            let about = (outgoing.call, outgoing.to, outgoing.link.clone(), outgoing.n);
            let done = allowances.signals.take().and_then(|()| calls.signal(socket, outgoing));
            done.err().map(|error| ServerFrame::Error(ErrorFrame::of_signal(&error, about)).encode())
        }
        CallWord::Media { call, media } => {
            let done = allowances.words.take().and_then(|()| calls.send(socket, call, media));
            done.err().map(|error| ServerFrame::Error(ErrorFrame::of_call(&error, call)).encode())
        }
        CallWord::Speaking { call, on } => {
            // Too many of them are no harm: the next says how it is.
            allowances.words.take().ok()?;
            let done = calls.speak(socket, call, on);
            done.err().map(|error| ServerFrame::Error(ErrorFrame::of_call(&error, call)).encode())
        }
    }
}

/// What a room's readers are told.
pub(super) fn told(news: &News) -> (RoomId, Frame) {
    match news {
        News::Roster(call) => (call.room, ServerFrame::Call(RosterFields::from(&**call)).encode()),
        News::Over { room, call, term, n } => {
            (*room, ServerFrame::CallOver { room: *room, call: *call, term: *term, n: *n }.encode())
        }
        News::Speaking { room, call, peer, on } => {
            (*room, ServerFrame::CallSpeaking { room: *room, call: *call, peer: *peer, on: *on }.encode())
        }
    }
}
