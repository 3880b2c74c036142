//! Coming into a call: the store says whose it is; that node lets one in. Where there is none, one begins it; where its
//! node is gone, one takes it over.

use std::{sync::Arc, time::Duration};

use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::{
    Calls, Outlet, SocketKey,
    owned::{LEASE, record},
    seats::Taken,
};
use crate::{
    bus::{Answer, Ask},
    chat::Readable,
    error::{Code, Error, Result},
    model::{
        CallId, Room, RoomId, Timestamp, UserId,
        call::{Call, Joining, Media, PageId, Refused, Seat},
    },
    store::CallRecord,
};

/// How long coming in may take: longer than a call is without a node at the longest.
const PATIENCE: Duration = Duration::from_secs(12);
/// The pause before one looks again.
const PAUSE: Duration = Duration::from_millis(100);

/// Somebody who wants to come in.
pub struct Entering {
    /// Who.
    pub user: UserId,
    /// Over which socket.
    pub socket: SocketKey,
    /// The way to its page.
    pub outlet: Arc<dyn Outlet>,
    /// Where.
    pub room: RoomId,
    /// The page.
    pub page: PageId,
    /// The place to come back to.
    pub back: Option<Return>,
    /// What they send.
    pub media: Media,
}

/// The place that a page had before it lost its socket or was loaded anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Return {
    /// In which call.
    pub call: CallId,
    /// The place,
    pub peer: crate::model::PeerId,
    /// and the page's number in it.
    pub entry: crate::model::Arrival,
}

/// Somebody who came in.
#[derive(Debug)]
pub struct Entered {
    /// Their place.
    pub seat: Seat,
    /// Whether another page had it until now.
    pub moved: bool,
    /// The call with them in it.
    pub call: Arc<Call>,
}

impl Calls {
    /// Comes into the call of a room.
    ///
    /// # Errors
    /// `NotFound` or `Forbidden` for who isn't a member, `CallFull`, `CallMoved`, `CallOver`, `Unavailable`.
    pub async fn enter(&self, entering: Entering) -> Result<Entered> {
        let readable = self.member(entering.user, entering.room).await?;
        let until = Instant::now() + PATIENCE;
        let entered = loop {
            if let Some(entered) = self.try_enter(&entering, &readable.room).await? {
                break entered;
            }
            if Instant::now() > until {
                return Err(Error::unavailable("the node of the call doesn't answer"));
            }
            sleep(PAUSE).await;
        };
        self.sit(&entering, &entered);
        self.still_member(&entering, readable, &entered).await?;
        Ok(entered)
    }

    /// One look at whose the call is, and one try; nothing when it has to be looked at again.
    async fn try_enter(&self, entering: &Entering, room: &Room) -> Result<Option<Entered>> {
        let Entering { user, page, back, media, .. } = entering;
        let seat = back.map(|back| Seat { peer: back.peer, entry: back.entry });
        let joining =
            Joining { user: *user, page: page.clone(), node: self.node(), seat, media: media.clone() };
        let Some(record) = self.store().call(room.id).await? else {
            return match back {
                Some(_) => Err(Code::CallOver.into()),
                None => self.begin(room, joining).await,
            };
        };
        if back.is_some_and(|back| back.call != record.call) {
            return Err(Code::CallOver.into());
        }
        if record.until <= Timestamp::now() && !self.is_own(&record) {
            self.take_over(&record).await?;
            return Ok(None);
        }
        match self.ask(record.owner, room.id, record.call, Ask::Join(joining)).await {
            Some(Answer::Joined { seat, moved, call }) => Ok(Some(Entered { seat, moved, call })),
            Some(Answer::Refused(refused)) => Err(refused.into()),
            Some(Answer::Done | Answer::Strange) | None => Ok(None),
        }
    }

    /// Begins a call; nothing when somebody was faster.
    async fn begin(&self, room: &Room, joining: Joining) -> Result<Option<Entered>> {
        let now = Timestamp::now();
        let (user, place) = (joining.user, (room.id, room.kind));
        let mut call = Call::new(CallId::new(), place, user, self.node(), self.inner.limit, now);
        let seat = call.join(joining, now)?.seat;
        for other in room.people.iter().filter(|other| **other != user) {
            let busy = self.state().known.is_busy(*other, call.id);
            call.ring(*other, busy, now);
        }
        if !self.store().begin_call(&record(&call, now.plus(LEASE))).await? {
            return Ok(None);
        }
        self.own(call.clone());
        Ok(Some(Entered { seat, moved: false, call: Arc::new(call) }))
    }

    /// The same, unless it is this node's own.
    pub(super) async fn take_over_other(&self, found: &CallRecord) -> Result<()> {
        if self.is_own(found) {
            return Ok(());
        }
        self.take_over(found).await
    }

    /// Takes a call over whose node says nothing any more; another may be faster.
    pub(super) async fn take_over(&self, found: &CallRecord) -> Result<()> {
        let now = Timestamp::now();
        let Ok(mut call) = serde_json::from_str::<Call>(&found.state) else {
            // Nobody can be found in it; it can only be ended.
            tracing::error!(room = %found.room, call = %found.call, "a call that can't be read is ended");
            self.store().end_call(found.room, found.call, found.term).await?;
            return Ok(());
        };
        // What its node did in its last moment it told, but hadn't kept yet.
        let newer = |known: &&Arc<Call>| known.id == call.id && known.term == call.term && known.n > call.n;
        let told = self.state().known.get(found.room).filter(newer).cloned();
        if let Some(told) = told {
            call = Arc::unwrap_or_clone(told);
        }
        call.take_over(self.node(), found.term.next(), now);
        if !self.store().set_call(&record(&call, now.plus(LEASE)), found.term).await? {
            return Ok(());
        }
        tracing::info!(room = %call.room, call = %call.id, term = call.term.0, "took a call over");
        {
            // Those who have its other sockets are given time to say so.
            let mut state = self.state();
            for participant in &call.people {
                state.heard.entry(participant.node).or_insert_with(Instant::now);
            }
        }
        self.own(call);
        Ok(())
    }

    fn is_own(&self, record: &CallRecord) -> bool {
        let state = self.state();
        state
            .owned
            .get(&record.room)
            .is_some_and(|it| it.call.id == record.call && it.call.term == record.term)
    }

    /// The socket has the place from now on.
    fn sit(&self, entering: &Entering, entered: &Entered) {
        let Entering { user, socket, outlet, room, media, .. } = entering;
        let taken = Taken {
            room: *room,
            call: entered.call.id,
            seat: entered.seat,
            user: *user,
            media: media.clone(),
            since: entered.call.place(),
            outlet: outlet.clone(),
        };
        let before = {
            let mut state = self.state();
            state.known.learn(entered.call.clone());
            state.seats.take(*socket, taken)
        };
        if let Some(before) = before {
            self.tell_owner(before.room, before.call, Ask::Leave(before.seat));
        }
    }

    /// Who was removed from the room meanwhile isn't in: the word of it may have come before they were.
    async fn still_member(&self, entering: &Entering, before: Readable, entered: &Entered) -> Result<()> {
        match self.member(entering.user, before.room.id).await {
            Ok(_) => Ok(()),
            Err(error) => {
                self.state().seats.remove(entering.socket);
                self.tell_owner(before.room.id, entered.call.id, Ask::Leave(entered.seat));
                Err(error)
            }
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Error::new(match refused {
            Refused::Full => Code::CallFull,
            Refused::Moved => Code::CallMoved,
            Refused::Over => Code::CallOver,
        })
    }
}
