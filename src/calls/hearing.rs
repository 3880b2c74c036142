//! What other nodes say of calls, and this one to itself.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{Calls, State};
use crate::{
    bus::{CallNotice, Channel, Held, Notice, Place},
    model::{CallId, NodeId, PeerId, RoomId, Term, Timestamp, call::Call},
};

/// How long a call may go unnamed by its node before that one is asked: a sign of life may have overtaken it.
const UNNAMED: Duration = Duration::from_secs(4);

/// What the readers of a room are to be told.
#[derive(Debug)]
pub enum News {
    /// A call is so now.
    Roster(Arc<Call>),
    /// A call is over.
    Over {
        /// In which room.
        room: RoomId,
        /// Which.
        call: CallId,
        /// Its term,
        term: Term,
        /// and its last count.
        n: u64,
    },
    /// Somebody is heard, or not any more.
    Speaking {
        /// In which room.
        room: RoomId,
        /// In which call.
        call: CallId,
        /// Who.
        peer: PeerId,
        /// Heard, or not.
        on: bool,
    },
}

impl Calls {
    /// Takes in what a node says; what is new to a room's readers comes back.
    pub fn hear(&self, from: NodeId, notice: CallNotice) -> Option<News> {
        let directed = matches!(
            notice,
            CallNotice::Ask { .. }
                | CallNotice::Answer { .. }
                | CallNotice::Wanted(_)
                | CallNotice::Signal(_)
        );
        if directed && from == self.node() {
            // It went to another node; what is for this one is done without the bus.
            return None;
        }
        self.state().heard.insert(from, Instant::now());
        match notice {
            CallNotice::State(call) => self.learn(call),
            CallNotice::Over(place) => self.learn_over(place),
            CallNotice::Speaking { room, call, peer, on } => {
                self.state().known.speaks(room, call, peer, on);
                Some(News::Speaking { room, call, peer, on })
            }
            CallNotice::Beat { calls, seats } => {
                self.hear_beat(from, &calls, &seats);
                None
            }
            CallNotice::Wanted(place) => {
                self.tell_of(from, place);
                None
            }
            CallNotice::AllWanted => {
                self.tell_of_all(from);
                None
            }
            CallNotice::Ask { id, room, call, ask } => {
                let answer = self.serve(room, call, ask, from);
                let answer = Notice::Call(CallNotice::Answer { id, answer });
                self.bus().publish(Channel::Node(from), answer);
                None
            }
            CallNotice::Answer { id, answer } => {
                if let Some(waiting) = self.state().waiting.remove(&id) {
                    let _ = waiting.send(answer);
                }
                None
            }
            CallNotice::Signal(signal) => {
                self.state().seats.deliver(&signal);
                None
            }
        }
    }

    /// What was said may have been lost: all is asked for again.
    pub fn lost(&self) {
        self.tell_all(CallNotice::AllWanted);
        for owned in self.state().owned.values().filter(|owned| !owned.ending) {
            self.tell_all(CallNotice::State(Arc::new(owned.call.clone())));
        }
    }

    fn learn(&self, call: Arc<Call>) -> Option<News> {
        let mut state = self.state();
        if call.owner == self.node() {
            // One's own word: it was taken in when it was said. Those who read are told in the order of saying.
            state.seats.learn(&call);
            return Some(News::Roster(call));
        }
        if !state.known.learn(call.clone()) {
            return None;
        }
        if state.owned.get(&call.room).is_some_and(|it| it.call.id == call.id && it.call.term < call.term) {
            state.owned.remove(&call.room);
        }
        state.seats.learn(&call);
        Some(News::Roster(call))
    }

    pub(super) fn learn_over(&self, place: Place) -> Option<News> {
        let mut state = self.state();
        if !state.known.end(place) {
            return None;
        }
        state.seats.over(place.call);
        let Place { room, call, term, n } = place;
        Some(News::Over { room, call, term, n })
    }

    fn hear_beat(&self, from: NodeId, calls: &[Place], seats: &[Held]) {
        let now = Timestamp::now();
        let mut held: HashMap<(RoomId, CallId), Vec<&Held>> = HashMap::new();
        for it in seats {
            held.entry((it.room, it.call)).or_default().push(it);
        }
        let (mine, wanted) = {
            let state = self.state();
            (concerned(&state, from, &held), wanted(&state, from, calls))
        };
        for (room, call) in mine {
            let held = held.get(&(room, call)).map(Vec::as_slice).unwrap_or_default();
            self.change_owned(room, call, |owned| owned.reconcile(from, held, now));
        }
        if from != self.node() {
            for place in wanted {
                let wanted = Notice::Call(CallNotice::Wanted(place));
                self.bus().publish(Channel::Node(from), wanted);
            }
        }
    }

    fn tell_of(&self, node: NodeId, place: Place) {
        let state = self.state();
        let owned = state.owned.get(&place.room).filter(|it| it.call.id == place.call && !it.ending);
        let known = state.known.get(place.room).filter(|known| known.id == place.call);
        let notice = match (owned, known) {
            (Some(owned), _) => CallNotice::State(Arc::new(owned.call.clone())),
            // Another has it by now, and tells of it.
            (None, Some(known)) if known.owner != self.node() => return,
            (None, _) => CallNotice::Over(place),
        };
        self.bus().publish(Channel::Node(node), Notice::Call(notice));
    }

    fn tell_of_all(&self, node: NodeId) {
        if node == self.node() {
            return;
        }
        let state = self.state();
        for owned in state.owned.values().filter(|owned| !owned.ending) {
            let notice = CallNotice::State(Arc::new(owned.call.clone()));
            self.bus().publish(Channel::Node(node), Notice::Call(notice));
        }
    }
}

/// This node's calls that the sign of life of another has to do with.
fn concerned(
    state: &State,
    from: NodeId,
    held: &HashMap<(RoomId, CallId), Vec<&Held>>,
) -> Vec<(RoomId, CallId)> {
    let concerned = state.owned.values().filter(|owned| {
        let call = &owned.call;
        held.contains_key(&(call.room, call.id)) || call.people.iter().any(|it| it.node == from)
    });
    concerned.map(|owned| (owned.call.room, owned.call.id)).collect()
}

/// Calls of another node of which this one knows less than it says, or more.
fn wanted(state: &State, from: NodeId, calls: &[Place]) -> Vec<Place> {
    let newer = calls.iter().copied().filter(|place| {
        let known = state.known.get(place.room).filter(|known| known.id == place.call);
        known.is_none_or(|known| known.place() < (place.term, place.n))
    });
    let unnamed = state.known.all().filter(|(known, since)| {
        known.owner == from && since.elapsed() > UNNAMED && calls.iter().all(|it| it.call != known.id)
    });
    newer.chain(unnamed.map(|(known, _)| Place::from(&**known))).collect()
}
