//! Calls: who is in one, and what pages tell each other to link up.
//!
//! A call has one node whose it is: the one that took its `term` by compare-and-set in the store, and says every few
//! seconds that it is there still. Only that node changes the call, by the rules of [`crate::model::call`], and tells
//! all nodes how it is, whole and counted. A node that has a participant's socket keeps their [`seats`] and asks the
//! call's node for changes ([`asking`]); signals go straight from the sender's node to the receiver's. [`keep`] is
//! what happens by itself: signs of life, leases, the sweep of calls whose node died.
//!
//! Sockets are the edge's: a place in a call reaches its page through an [`Outlet`].

mod asking;
mod entering;
mod fields;
mod hearing;
mod ice;
mod keep;
mod known;
mod owned;
mod seats;
pub mod turn;

pub use entering::{Entered, Entering, Return};
pub use fields::{ParticipantFields, RosterFields};
pub use hearing::News;
pub use ice::IceServers;
pub use seats::{Left, Outlet, SocketKey, Why};

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
};

use tokio::{
    sync::{Notify, oneshot},
    time::Instant,
};

use crate::{
    bus::{Answer, Ask, Bus, CallNotice, Channel, Notice},
    chat::Chat,
    error::{Code, Result},
    model::{
        CallId, NodeId, PeerId, RoomId, Stream, UserId,
        call::{Call, Link, Media, Signal, Signalled},
    },
    store::Store,
};
use known::Known;
use owned::Owned;
use seats::Seats;
use turn::Turn;

/// The calls of all rooms, as one node takes part in them.
#[derive(Clone)]
pub struct Calls {
    inner: Arc<Inner>,
}

struct Inner {
    chat: Chat,
    /// How many may be in a mesh call.
    limit: usize,
    /// STUN and TURN of this node.
    turn: Option<Turn>,
    state: Mutex<State>,
    /// Something is to be kept soon.
    wake: Notify,
    next: AtomicU64,
}

#[derive(Default)]
struct State {
    /// This node's own calls.
    owned: HashMap<RoomId, Owned>,
    /// All calls there are, as their nodes told of them last.
    known: Known,
    /// Places whose pages have their sockets here.
    seats: Seats,
    /// When each node that has to do with calls was heard of last.
    heard: HashMap<NodeId, Instant>,
    /// Who waits for another node's answer.
    waiting: HashMap<u64, oneshot::Sender<Answer>>,
}

impl std::fmt::Debug for Calls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Calls").finish_non_exhaustive()
    }
}

/// A signal as its sender's page has it.
#[derive(Debug)]
pub struct Outgoing {
    /// In which call.
    pub call: CallId,
    /// Whom it is for.
    pub to: PeerId,
    /// Which connection it is about.
    pub link: Link,
    /// Its number.
    pub n: u32,
    /// What it says.
    pub says: Signalled,
}

impl Calls {
    /// No call yet; at most `limit` people in one.
    pub fn new(chat: Chat, limit: usize, turn: Option<Turn>) -> Self {
        Self {
            inner: Arc::new(Inner {
                chat,
                limit,
                turn,
                state: Mutex::default(),
                wake: Notify::new(),
                next: AtomicU64::new(1),
            }),
        }
    }

    /// The calls that are going on in these rooms.
    pub fn of(&self, rooms: impl IntoIterator<Item = RoomId>) -> Vec<Arc<Call>> {
        let state = self.state();
        rooms.into_iter().filter_map(|room| state.known.get(room).cloned()).collect()
    }

    /// Hands a signal on to its receiver, wherever their socket is.
    ///
    /// # Errors
    /// `NotInCall` when the socket has no place in that call, `PeerGone` when the receiver has none.
    pub fn signal(&self, socket: SocketKey, outgoing: Outgoing) -> Result<()> {
        let Outgoing { call, to, link, n, says } = outgoing;
        let mut state = self.state();
        let sender = state.seats.at(socket).filter(|it| it.call == call).ok_or(Code::NotInCall)?;
        let (room, seat) = (sender.room, sender.seat);
        let known = state.known.get(room).filter(|known| known.id == call).ok_or(Code::NotInCall)?;
        if known.participant(seat.peer).is_none_or(|it| it.entry != seat.entry) {
            return Err(Code::NotInCall.into());
        }
        if !known.linked(seat.peer, to) {
            return Err(Code::PeerGone.into());
        }
        let Some(node) = known.participant(to).map(|receiver| receiver.node) else {
            return Err(Code::PeerGone.into());
        };
        let signal = Signal { room, call, from: seat.peer, entry: seat.entry, to, link, n, says };
        count(&signal.says);
        if node == self.node() {
            state.seats.deliver(&signal);
        } else {
            let notice = CallNotice::Signal(Arc::new(signal));
            self.bus().publish(Channel::Node(node), Notice::Call(notice));
        }
        Ok(())
    }

    /// A page sends something else than before.
    ///
    /// # Errors
    /// `NotInCall`.
    pub fn send(&self, socket: SocketKey, call: CallId, media: Media) -> Result<()> {
        let place = {
            let mut state = self.state();
            let taken = state.seats.taken(socket, call)?;
            taken.media = media.clone();
            taken.place()
        };
        self.tell_owner(place.0, call, Ask::Send(place.1, media));
        Ok(())
    }

    /// Somebody is heard, or not any more.
    ///
    /// # Errors
    /// `NotInCall`.
    pub fn speak(&self, socket: SocketKey, call: CallId, on: bool) -> Result<()> {
        let place = self.state().seats.taken(socket, call)?.place();
        self.tell_owner(place.0, call, Ask::Speak(place.1, on));
        Ok(())
    }

    /// A socket is gone. Whoever sat there is waited for, or with `for_good`, not.
    pub fn socket_gone(&self, socket: SocketKey, for_good: bool) {
        let Some(taken) = self.state().seats.remove(socket) else { return };
        let (room, seat) = taken.place();
        let ask = if for_good { Ask::Leave(seat) } else { Ask::Lose(seat) };
        self.tell_owner(room, taken.call, ask);
    }

    /// Whether a socket has a place in a call.
    pub fn is_seated(&self, socket: SocketKey) -> bool {
        self.state().seats.at(socket).is_some()
    }

    /// Somebody is no member of a room any more.
    pub fn member_gone(&self, room: RoomId, user: UserId) {
        let call = {
            let mut state = self.state();
            state.seats.removed(room, user);
            let known = state.known.get(room);
            let concerned = known.filter(|call| {
                call.people.iter().any(|it| it.user == user) || call.rings.iter().any(|it| it.user == user)
            });
            concerned.map(|call| call.id)
        };
        if let Some(call) = call {
            self.tell_owner(room, call, Ask::Remove(user));
        }
    }

    /// The servers by which this person's page finds ways to others.
    pub fn ice(&self, user: UserId) -> IceServers {
        IceServers::of(self.inner.turn.as_ref().map(|turn| turn.credentials(user)))
    }

    fn chat(&self) -> &Chat {
        &self.inner.chat
    }

    fn store(&self) -> &Arc<dyn Store> {
        self.inner.chat.log().store()
    }

    fn bus(&self) -> &Arc<dyn Bus> {
        self.inner.chat.log().bus()
    }

    fn node(&self) -> NodeId {
        self.bus().node()
    }

    fn tell_all(&self, notice: CallNotice) {
        self.bus().publish(Channel::Everyone, Notice::Call(notice));
    }

    fn tell_room(&self, room: RoomId, notice: CallNotice) {
        self.bus().publish(Channel::Stream(Stream::Room(room)), Notice::Call(notice));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(says: &Signalled) {
    let kind = match says {
        Signalled::Offer(_) => "offer",
        Signalled::Answer(_) => "answer",
        Signalled::Ice(_) => "ice",
        Signalled::Ack => "ack",
    };
    metrics::counter!("parlor_signals_total", "kind" => kind).increment(1);
}
