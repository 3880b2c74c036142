//! The rules of a call. Each says whether something changed that others see; then the count has risen.

use std::time::Duration;

use super::{Call, Media, Mode, Outcome, PageId, Participant, Ring, RingState, Seat};
use crate::model::{Arrival, CallId, NodeId, PeerId, RoomId, RoomKind, Term, Timestamp, UserId};

/// How long who lost their socket is waited for.
pub const GRACE: Duration = Duration::from_secs(15);
/// How long it rings.
pub const RING: Duration = Duration::from_secs(45);
/// The most people that are remembered to have been in a call.
pub const MAX_WERE: usize = 50;
/// How many pages may come in during a term; the numbers of the next term begin after them, so that they are new whatever
/// was lost with a node.
const ARRIVALS_OF_TERM: u64 = 1 << 20;

/// Somebody who wants to come in.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Joining {
    /// Who.
    pub user: UserId,
    /// Their page.
    pub page: PageId,
    /// The node that has its socket.
    pub node: NodeId,
    /// The place to come back to; none to come in anew, or to move here from wherever one is.
    pub seat: Option<Seat>,
    /// What they send.
    pub media: Media,
}

/// Somebody who came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// Their place.
    pub seat: Seat,
    /// The page that had the place until now.
    pub before: Option<Lost>,
}

/// A page that lost its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    /// What it had.
    pub seat: Seat,
    /// The node that has its socket, or had it last.
    pub node: NodeId,
}

/// Why somebody can't come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// As many as may be are in it.
    Full,
    /// Another page took the place since.
    Moved,
    /// It isn't going on any more.
    Over,
}

impl Call {
    /// A call that nobody is in yet.
    pub fn new(
        id: CallId,
        (room, kind): (RoomId, RoomKind),
        by: UserId,
        owner: NodeId,
        limit: usize,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            room,
            kind,
            term: Term(1),
            n: 0,
            owner,
            mode: Mode::Mesh,
            limit,
            at: now,
            by,
            together: None,
            people: vec![],
            rings: vec![],
            were: vec![],
            arrived: Arrival(0),
        }
    }

    /// Somebody comes in, comes back, or moves here from another page.
    pub fn join(&mut self, joining: Joining, now: Timestamp) -> Result<Joined, Refused> {
        let Joining { user, page, node, seat, media } = joining;
        let place = self.people.iter().position(|participant| participant.user == user);
        let Some(place) = place else {
            if self.people.len() >= self.limit {
                return Err(Refused::Full);
            }
            return Ok(Joined { seat: self.enter(user, page, node, seat, media, now), before: None });
        };
        let there = &self.people[place];
        if seat.is_some_and(|seat| seat != there.seat()) {
            return Err(Refused::Moved);
        }
        let same = there.page == page;
        let before = (!same).then_some(Lost { seat: there.seat(), node: there.node });
        let entry = if same { there.entry } else { self.arrive() };
        let participant = &mut self.people[place];
        participant.away = None;
        participant.entry = entry;
        participant.node = node;
        participant.page = page;
        participant.speaking = false;
        participant.take(media, now);
        let seat = participant.seat();
        self.changed();
        Ok(Joined { seat, before })
    }

    fn enter(
        &mut self,
        user: UserId,
        page: PageId,
        node: NodeId,
        seat: Option<Seat>,
        media: Media,
        now: Timestamp,
    ) -> Seat {
        // Who comes back after all has the same peer, if nobody has it.
        let free = |seat: &Seat| self.people.iter().all(|other| other.peer != seat.peer);
        let peer = seat.filter(free).map_or_else(PeerId::random, |seat| seat.peer);
        let entry = self.arrive();
        let mut participant = Participant {
            peer,
            user,
            entry,
            page,
            node,
            at: now,
            away: None,
            media: Media::default(),
            hand: None,
            speaking: false,
        };
        participant.take(media, now);
        self.people.push(participant);
        if self.people.len() == 2 {
            self.together.get_or_insert(now);
        }
        if !self.were.contains(&user) && self.were.len() < MAX_WERE {
            self.were.push(user);
        }
        self.rings.retain(|ring| ring.user != user);
        self.changed();
        Seat { peer, entry }
    }

    fn arrive(&mut self) -> Arrival {
        self.arrived = self.arrived.next();
        self.arrived
    }

    /// A page leaves for good.
    pub fn leave(&mut self, seat: Seat) -> bool {
        self.take_out(|participant| participant.seat() == seat)
    }

    /// Somebody may not be in it any more, nor be rung.
    pub fn remove(&mut self, user: UserId) -> Option<Lost> {
        let lost = self.people.iter().find(|participant| participant.user == user);
        let lost = lost.map(|participant| Lost { seat: participant.seat(), node: participant.node });
        let rings = self.rings.len();
        self.rings.retain(|ring| ring.user != user);
        if !self.take_out(|participant| participant.user == user) && self.rings.len() != rings {
            self.changed();
        }
        lost
    }

    fn take_out(&mut self, out: impl Fn(&Participant) -> bool) -> bool {
        let before = self.people.len();
        self.people.retain(|participant| !out(participant));
        self.changed_if(self.people.len() != before)
    }

    /// A page's socket is gone from `node`: it's waited for.
    pub fn lose(&mut self, seat: Seat, node: NodeId, now: Timestamp) -> bool {
        let until = now.plus(GRACE);
        let Some(participant) = self.seated(seat).filter(|it| it.node == node && it.away.is_none()) else {
            return false;
        };
        participant.away = Some(until);
        participant.speaking = false;
        self.changed();
        true
    }

    /// All pages of a node that isn't heard of any more: they are waited for.
    pub fn lose_node(&mut self, node: NodeId, now: Timestamp) -> bool {
        let seats: Vec<Seat> =
            self.people.iter().filter(|it| it.node == node).map(Participant::seat).collect();
        seats.into_iter().filter(|seat| self.lose(*seat, node, now)).count() > 0
    }

    /// A node says that it has this page's socket, and what the page sends: what was lost on the way is made up for.
    pub fn hold(&mut self, seat: Seat, node: NodeId, media: &Media, now: Timestamp) -> bool {
        let Some(participant) = self.seated(seat).filter(|it| it.node == node) else { return false };
        let back = participant.away.take().is_some();
        let taken = participant.take(media.clone(), now);
        self.changed_if(back || taken)
    }

    /// A page sends something else than before.
    pub fn send(&mut self, seat: Seat, media: Media, now: Timestamp) -> bool {
        let taken = self.seated(seat).is_some_and(|participant| participant.take(media, now));
        self.changed_if(taken)
    }

    /// Somebody is heard, or not any more. It isn't counted: it's told by itself.
    pub fn speak(&mut self, seat: Seat, on: bool) -> bool {
        let Some(participant) = self.seated(seat) else { return false };
        let may = !participant.media.muted && participant.away.is_none();
        let before = std::mem::replace(&mut participant.speaking, on && may);
        participant.speaking != before
    }

    /// Rings somebody who isn't in it.
    pub fn ring(&mut self, user: UserId, busy: bool, now: Timestamp) -> bool {
        if !self.kind.is_talk() || self.people.iter().any(|participant| participant.user == user) {
            return false;
        }
        let state = if busy { RingState::Busy } else { RingState::Ringing };
        let ring = Ring { user, state, until: now.plus(RING) };
        match self.rings.iter_mut().find(|ring| ring.user == user) {
            Some(there) if there.state == RingState::Ringing => return false,
            Some(there) => *there = ring,
            None => self.rings.push(ring),
        }
        self.changed();
        true
    }

    /// Somebody who is rung doesn't come.
    pub fn decline(&mut self, user: UserId) -> bool {
        let ring = self.rings.iter_mut().find(|ring| ring.user == user);
        let Some(ring) = ring.filter(|ring| matches!(ring.state, RingState::Ringing | RingState::Busy))
        else {
            return false;
        };
        ring.state = RingState::Declined;
        self.changed();
        true
    }

    /// Time passes: who was waited for is gone, and who rang long enough has missed it. Says who is gone.
    pub fn tick(&mut self, now: Timestamp) -> Vec<Lost> {
        let late = |participant: &Participant| participant.away.is_some_and(|until| until <= now);
        let gone: Vec<Lost> = self
            .people
            .iter()
            .filter(|participant| late(participant))
            .map(|participant| Lost { seat: participant.seat(), node: participant.node })
            .collect();
        self.take_out(late);
        let mut missed = false;
        for ring in self.rings.iter_mut().filter(|it| it.state == RingState::Ringing && it.until <= now) {
            ring.state = RingState::Missed;
            missed = true;
        }
        self.changed_if(missed);
        gone
    }

    /// Another node takes it over, since the one that had it is gone, with all its sockets.
    pub fn take_over(&mut self, owner: NodeId, term: Term, now: Timestamp) {
        let before = self.owner;
        self.owner = owner;
        self.term = term;
        self.arrived = self.arrived.max(Arrival(term.0.saturating_mul(ARRIVALS_OF_TERM)));
        self.lose_node(before, now);
        self.changed();
    }

    /// Media goes another way from now on, and so many may be in it. Who is in it stays.
    pub fn set_mode(&mut self, mode: Mode, limit: usize) -> bool {
        let other = (self.mode, self.limit) != (mode, limit);
        (self.mode, self.limit) = (mode, limit);
        self.changed_if(other)
    }

    /// Whether nobody is in it any more.
    pub fn is_over(&self) -> bool {
        self.people.is_empty()
    }

    /// How it ended, and how long it was, when it ended at `now`.
    pub fn outcome(&self, now: Timestamp) -> (Outcome, Duration) {
        let alone = self.kind.is_talk() && self.were.len() < 2;
        let declined = |ring: &Ring| ring.state == RingState::Declined;
        let outcome = match alone {
            false => Outcome::Finished,
            true if !self.rings.is_empty() && self.rings.iter().all(declined) => Outcome::Declined,
            true => Outcome::Missed,
        };
        let from = self.together.unwrap_or(self.at);
        let length = u64::try_from(now.0.saturating_sub(from.0)).unwrap_or_default();
        (outcome, Duration::from_millis(length))
    }

    /// Whether `a` and `b` have a link: in a mesh, each has one to each; relayed, all have theirs to the server.
    pub fn linked(&self, a: PeerId, b: PeerId) -> bool {
        let here = |peer| self.people.iter().any(|participant| participant.peer == peer);
        self.mode == Mode::Mesh && a != b && here(a) && here(b)
    }

    /// The participant that has this place.
    pub fn participant(&self, peer: PeerId) -> Option<&Participant> {
        self.people.iter().find(|participant| participant.peer == peer)
    }

    /// Where it stands, to be compared with what is known of it.
    pub fn place(&self) -> (Term, u64) {
        (self.term, self.n)
    }

    fn seated(&mut self, seat: Seat) -> Option<&mut Participant> {
        self.people.iter_mut().find(|participant| participant.seat() == seat)
    }

    fn changed_if(&mut self, changed: bool) -> bool {
        if changed {
            self.changed();
        }
        changed
    }

    fn changed(&mut self) {
        self.n += 1;
    }
}

impl Participant {
    /// Takes what they send now; says whether it is another than before.
    fn take(&mut self, media: Media, now: Timestamp) -> bool {
        if self.media == media {
            return false;
        }
        self.hand = media.hand.then(|| self.hand.unwrap_or(now));
        self.speaking &= !media.muted;
        self.media = media;
        true
    }
}
