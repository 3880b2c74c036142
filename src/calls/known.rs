//! The calls there are, as their nodes told of them last.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    bus::Place,
    model::{CallId, PeerId, RoomId, UserId, call::Call},
};

/// How long a call is remembered to be over: longer than any word of it may be on its way.
const REMEMBERED: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Known {
    calls: HashMap<RoomId, (Arc<Call>, Instant)>,
    over: HashMap<CallId, Instant>,
}

impl Known {
    pub(super) fn get(&self, room: RoomId) -> Option<&Arc<Call>> {
        self.calls.get(&room).map(|(call, _)| call)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&Arc<Call>, Instant)> {
        self.calls.values().map(|(call, since)| (call, *since))
    }

    /// Takes in how a call is; says whether that is news.
    pub(super) fn learn(&mut self, call: Arc<Call>) -> bool {
        if self.over.contains_key(&call.id) {
            return false;
        }
        let older = |known: &Arc<Call>| match known.id == call.id {
            true => known.place() < call.place(),
            false => known.at <= call.at,
        };
        let news = self.get(call.room).is_none_or(older);
        if news {
            self.calls.insert(call.room, (call, Instant::now()));
        }
        news
    }

    /// Takes in that somebody is heard, or not any more: whoever comes later is told by the call itself.
    pub(super) fn speaks(&mut self, room: RoomId, call: CallId, peer: PeerId, on: bool) {
        let known = self.calls.get_mut(&room).map(|(known, _)| known).filter(|known| known.id == call);
        let Some(known) = known else { return };
        let people = Arc::make_mut(known).people.iter_mut();
        people.filter(|it| it.peer == peer).for_each(|it| it.speaking = on);
    }

    /// Takes in that a call is over; says whether it was known to go on. One of an older term doesn't count.
    pub(super) fn end(&mut self, place: Place) -> bool {
        let known = self.get(place.room).filter(|known| known.id == place.call);
        if known.is_some_and(|known| known.term > place.term) {
            return false;
        }
        let went_on = known.is_some();
        self.over.insert(place.call, Instant::now());
        if went_on {
            self.calls.remove(&place.room);
        }
        went_on
    }

    /// Whether somebody is in another call than this.
    pub(super) fn is_busy(&self, user: UserId, call: CallId) -> bool {
        self.all().any(|(other, _)| other.id != call && other.people.iter().any(|it| it.user == user))
    }

    pub(super) fn tidy(&mut self) {
        self.over.retain(|_, since| since.elapsed() < REMEMBERED);
    }
}
