//! The calls that are this node's own: changed by the rules, told to all, kept in the store, ended with a line in the timeline.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tracing::warn;

use super::{Calls, State};
use crate::{
    bus::{Answer, Ask, CallNotice, Held, Place},
    log::LogError,
    model::{
        Actor, CallId, Change, Command, NodeId, NonceKey, Refusal, RoomCommand, RoomId, RoomKind, Stream,
        Timestamp,
        call::{Call, Participant, Seat},
    },
    store::CallRecord,
};

/// For how long a call is its node's without a further word: after that another takes it over.
pub(super) const LEASE: Duration = Duration::from_secs(8);
/// How often a participant whose node doesn't name them may go unnamed: a sign of life may have overtaken their coming in.
const UNNAMED: u8 = 2;
/// The pauses between two tries to end a call in the store.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A call of this node's own.
pub(super) struct Owned {
    pub(super) call: Call,
    /// Whether the store has it as it is.
    pub(super) kept: bool,
    /// Whether it is over, and about to be ended in the store.
    pub(super) ending: bool,
    /// How often a participant's node didn't name them.
    unnamed: HashMap<Seat, u8>,
}

impl Owned {
    pub(super) fn new(call: Call) -> Self {
        Self { call, kept: true, ending: false, unnamed: HashMap::new() }
    }

    /// What a node says that it has of this call.
    pub(super) fn reconcile(&mut self, node: NodeId, held: &[&Held], now: Timestamp) {
        let of_node = |it: &&Participant| it.node == node && it.away.is_none();
        let mut unnamed: Vec<Seat> = self.call.people.iter().filter(of_node).map(Participant::seat).collect();
        unnamed.retain(|seat| held.iter().all(|it| it.seat != *seat));
        let elsewhere = |seat: &Seat| self.call.people.iter().any(|it| it.seat() == *seat && it.node != node);
        self.unnamed.retain(|seat, _| unnamed.contains(seat) || elsewhere(seat));
        for seat in unnamed {
            let count = self.unnamed.entry(seat).or_default();
            *count += 1;
            if *count >= UNNAMED {
                self.unnamed.remove(&seat);
                self.call.lose(seat, node, now);
            }
        }
        for it in held {
            self.call.hold(it.seat, node, &it.media, now);
        }
    }
}

/// A call as the store keeps it.
pub(super) fn record(call: &Call, until: Timestamp) -> CallRecord {
    CallRecord {
        room: call.room,
        call: call.id,
        term: call.term,
        owner: call.owner,
        until,
        state: serde_json::to_string(call).unwrap_or_default(),
    }
}

impl Calls {
    /// Changes a call of this node's own, and tells all of it; nothing when it isn't this node's.
    pub(super) fn change<T>(
        &self,
        room: RoomId,
        call: CallId,
        change: impl FnOnce(&mut Call) -> T,
    ) -> Option<T> {
        self.change_owned(room, call, |owned| change(&mut owned.call))
    }

    pub(super) fn change_owned<T>(
        &self,
        room: RoomId,
        call: CallId,
        change: impl FnOnce(&mut Owned) -> T,
    ) -> Option<T> {
        let mut guard = self.state();
        let state = &mut *guard;
        let owned = state.owned.get_mut(&room).filter(|it| it.call.id == call && !it.ending)?;
        let before = owned.call.place();
        let done = change(owned);
        if owned.call.place() == before {
            return Some(done);
        }
        owned.kept = false;
        owned.ending = owned.call.is_over();
        let over = owned.ending;
        let now = Arc::new(owned.call.clone());
        self.inner.wake.notify_one();
        self.tell(state, now, over);
        Some(done)
    }

    /// Takes in a call that the store says is this node's now. One that nobody is in any more is ended.
    pub(super) fn own(&self, call: Call) {
        let now = Arc::new(call.clone());
        let mut state = self.state();
        let mut owned = Owned::new(call);
        owned.ending = now.is_over();
        let over = owned.ending;
        state.owned.insert(now.room, owned);
        self.tell(&mut state, now, over);
    }

    /// Tells all how a call is. With the state locked, so that it leaves in the order in which it happened.
    fn tell(&self, state: &mut State, now: Arc<Call>, over: bool) {
        if over {
            self.tell_all(CallNotice::Over(Place::from(&*now)));
            tokio::spawn(self.clone().end(now));
        } else {
            state.known.learn(now.clone());
            self.tell_all(CallNotice::State(now));
        }
    }

    /// Does what another node, or this one, asks for.
    pub(super) fn serve(&self, room: RoomId, call: CallId, ask: Ask, from: NodeId) -> Answer {
        let now = Timestamp::now();
        let done = |changed: Option<bool>| changed.map_or(Answer::Strange, |_| Answer::Done);
        match ask {
            Ask::Join(joining) => {
                let joined = self.change(room, call, |call| {
                    let joined = call.join(joining, now);
                    joined.map(|joined| (joined, Arc::new(call.clone())))
                });
                match joined {
                    Some(Ok((joined, call))) => {
                        Answer::Joined { seat: joined.seat, moved: joined.before.is_some(), call }
                    }
                    Some(Err(refused)) => Answer::Refused(refused),
                    None => Answer::Strange,
                }
            }
            Ask::Leave(seat) => done(self.change(room, call, |call| call.leave(seat))),
            Ask::Lose(seat) => done(self.change(room, call, |call| call.lose(seat, from, now))),
            Ask::Send(seat, media) => done(self.change(room, call, |call| call.send(seat, media, now))),
            Ask::Speak(seat, on) => {
                let changed = self.change(room, call, |call| call.speak(seat, on));
                if changed == Some(true) {
                    self.tell_room(room, CallNotice::Speaking { room, call, peer: seat.peer, on });
                }
                done(changed)
            }
            Ask::Decline(user) => done(self.change(room, call, |call| call.decline(user))),
            Ask::Ring(user, busy) => done(self.change(room, call, |call| call.ring(user, busy, now))),
            Ask::Remove(user) => {
                // They may be a member again by now.
                let calls = self.clone();
                tokio::spawn(async move { calls.recheck(room, call, vec![user]).await });
                Answer::Done
            }
        }
    }

    /// Ends a call that nobody is in any more: its line in the timeline first, so that who finds it in the store knows that
    /// the line may be missing still.
    pub(super) async fn end(self, call: Arc<Call>) {
        let ended = Timestamp::now();
        let mut pause = PAUSE;
        while let Err(why) = self.try_end(&call, ended).await {
            warn!(call = %call.id, %why, "a call can't be ended yet");
            tokio::time::sleep(pause).await;
            pause = LONGEST_PAUSE.min(pause * 2);
        }
        let mut state = self.state();
        if state.owned.get(&call.room).is_some_and(|owned| owned.call.id == call.id) {
            state.owned.remove(&call.room);
        }
    }

    async fn try_end(&self, call: &Call, ended: Timestamp) -> Result<(), LogError> {
        let (outcome, length) = call.outcome(ended);
        if call.kind != RoomKind::Voice && !call.were.is_empty() {
            let change = Change {
                stream: Stream::Room(call.room),
                actor: Actor { user: call.by, owns_server: false },
                nonce: NonceKey(format!("call/{}", call.id).into()),
                command: Command::Room(RoomCommand::Call {
                    call: call.id,
                    outcome,
                    length_ms: u64::try_from(length.as_millis()).unwrap_or(u64::MAX),
                    people: call.were.clone(),
                }),
            };
            match self.chat().log().submit(change).await {
                // Another node has said so, a moment earlier; or the room is gone.
                Ok(_) | Err(LogError::Refused(Refusal::NonceReused | Refusal::NotFound)) => {}
                Err(error) => return Err(error),
            }
        }
        if self.store().end_call(call.room, call.id, call.term).await? {
            metrics::counter!("parlor_calls_ended_total", "outcome" => outcome.as_str()).increment(1);
        }
        Ok(())
    }
}
