//! Asking the node whose call it is.

use std::{sync::atomic::Ordering, time::Duration};

use tokio::{sync::oneshot, time::timeout};

use super::{Calls, SocketKey};
use crate::{
    bus::{Answer, Ask, CallNotice, Channel, Notice},
    error::{Code, Error, Result},
    model::{CallId, NodeId, Refusal, RoomId, UserId},
};

/// How long another node may take to answer: it has nothing to wait for.
const ANSWER: Duration = Duration::from_secs(1);
/// How often the same is asked before it counts as undone.
const TRIES: u32 = 4;

impl Calls {
    /// Leaves a call.
    ///
    /// # Errors
    /// `Unavailable` when the call's node doesn't answer.
    pub async fn leave(&self, socket: SocketKey, call: CallId) -> Result<()> {
        let taken = {
            let mut state = self.state();
            let there = state.seats.at(socket).is_some_and(|taken| taken.call == call);
            if there { state.seats.remove(socket) } else { None }
        };
        match taken {
            // Where it is known nowhere, it is left.
            Some(taken) => self.insist(taken.room, call, Ask::Leave(taken.seat)).await,
            None => Ok(()),
        }
    }

    /// Doesn't come, where one is rung.
    ///
    /// # Errors
    /// `NotFound` when one may not know of that room, `Unavailable`.
    pub async fn decline(&self, user: UserId, room: RoomId, call: CallId) -> Result<()> {
        self.member(user, room).await?;
        self.insist(room, call, Ask::Decline(user)).await
    }

    /// Rings a member of a direct or group message that one is in a call of.
    ///
    /// # Errors
    /// `NotInCall`, `Forbidden` where nobody is rung, `NotFound` when they are no member, `Unavailable`.
    pub async fn ring(&self, socket: SocketKey, room: RoomId, call: CallId, user: UserId) -> Result<()> {
        let busy = {
            let mut state = self.state();
            state.seats.taken(socket, call)?;
            let known = state.known.get(room).filter(|known| known.id == call).ok_or(Code::NotInCall)?;
            if !known.kind.is_talk() {
                return Err(Code::Forbidden.into());
            }
            state.known.is_busy(user, call)
        };
        self.member(user, room).await?;
        self.insist(room, call, Ask::Ring(user, busy)).await
    }

    /// Whether somebody is a member of a room.
    pub(super) async fn member(&self, user: UserId, room: RoomId) -> Result<crate::chat::Readable> {
        let readable = self.chat().readable(user, room).await?;
        if readable.member.is_none() {
            return Err(Refusal::JoinFirst.into());
        }
        Ok(readable)
    }

    /// Asks until there is an answer. A call that nobody has is as good as left.
    async fn insist(&self, room: RoomId, call: CallId, ask: Ask) -> Result<()> {
        for _ in 0..TRIES {
            let Some(owner) = self.owner(room, call) else { return Ok(()) };
            if let Some(Answer::Done | Answer::Strange) = self.ask(owner, room, call, ask.clone()).await {
                return Ok(());
            }
        }
        Err(Error::unavailable("the node of the call doesn't answer"))
    }

    /// Tells the node of a call, and doesn't wait: what is lost is made up for by the signs of life.
    pub(super) fn tell_owner(&self, room: RoomId, call: CallId, ask: Ask) {
        match self.owner(room, call) {
            Some(owner) if owner == self.node() => drop(self.serve(room, call, ask, owner)),
            Some(owner) => {
                let id = self.inner.next.fetch_add(1, Ordering::Relaxed);
                let notice = CallNotice::Ask { id, room, call, ask };
                self.bus().publish(Channel::Node(owner), Notice::Call(notice));
            }
            None => {}
        }
    }

    /// Asks a node for a change of a call of its; nothing when no answer comes in time.
    pub(super) async fn ask(&self, owner: NodeId, room: RoomId, call: CallId, ask: Ask) -> Option<Answer> {
        if owner == self.node() {
            return Some(self.serve(room, call, ask, owner));
        }
        let id = self.inner.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answered) = oneshot::channel();
        self.state().waiting.insert(id, sender);
        let notice = CallNotice::Ask { id, room, call, ask };
        self.bus().publish(Channel::Node(owner), Notice::Call(notice));
        let answer = timeout(ANSWER, answered).await;
        self.state().waiting.remove(&id);
        answer.ok()?.ok()
    }

    fn owner(&self, room: RoomId, call: CallId) -> Option<NodeId> {
        let state = self.state();
        state.known.get(room).filter(|known| known.id == call).map(|known| known.owner)
    }
}
