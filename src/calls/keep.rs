//! What happens by itself: time passes in calls, nodes give signs of life, leases are renewed, and what a dead node left
//! is taken over.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use tokio::time::{Instant, interval, sleep};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    Calls,
    owned::{LEASE, Owned},
};
use crate::{
    bus::{CallNotice, Channel, Place},
    model::{CallId, NodeId, RoomId, Timestamp, UserId, call::Call},
    store::CallRecord,
};

/// How often time passes in calls.
const TICK: Duration = Duration::from_secs(1);
/// How often a node that has to do with calls says so, and that its calls are its own.
const BEAT: Duration = Duration::from_secs(2);
/// How long a node may be silent before its sockets count as gone.
const SILENCE: Duration = Duration::from_secs(7);
/// How long a call's node may be silent before the store is asked about the call.
const DOUBT: Duration = Duration::from_secs(10);
/// How often those in calls are looked up among the rooms' members, and calls of silent nodes in the store.
const RECHECK: Duration = Duration::from_secs(5);
/// How soon a change is kept: what comes together is written once.
const SOON: Duration = Duration::from_millis(50);
/// Writes under way at once.
const TOGETHER: usize = 32;
/// Calls taken over in one sweep.
const SWEEP: usize = 64;

impl Calls {
    /// Keeps all this up until `stop`; then lets go of this node's calls, so that another takes them over at once.
    pub async fn run(self, stop: CancellationToken) {
        self.bus().subscribe(&[Channel::Node(self.node())]).await;
        self.tell_all(CallNotice::AllWanted);
        let all = async {
            tokio::join!(self.pass_time(), self.renew(), self.sweep(), self.recheck_all());
        };
        stop.run_until_cancelled(all).await;
        self.keep(true, |record| record.until = Timestamp::default()).await;
    }

    async fn pass_time(&self) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut beat = Instant::now();
        let mut silent = false;
        loop {
            ticks.tick().await;
            self.tick();
            if beat.elapsed() < BEAT {
                continue;
            }
            beat = Instant::now();
            let (calls, seats) = self.has();
            // The last one says that there is nothing any more.
            if !(silent && calls.is_empty() && seats.is_empty()) {
                silent = calls.is_empty() && seats.is_empty();
                self.tell_all(CallNotice::Beat { calls, seats });
            }
        }
    }

    fn tick(&self) {
        let now = Timestamp::now();
        let (mine, silent) = {
            let mut state = self.state();
            state.known.tidy();
            if !self.bus().connected() {
                // Nobody can be heard: that says nothing of them.
                state.heard.values_mut().for_each(|at| *at = Instant::now());
            }
            let silent: Vec<NodeId> = state
                .heard
                .iter()
                .filter(|(node, at)| **node != self.node() && at.elapsed() > SILENCE)
                .map(|(node, _)| *node)
                .collect();
            let mine: Vec<_> = state.owned.values().map(|it| (it.call.room, it.call.id)).collect();
            let people: usize = state.owned.values().map(|it| it.call.people.len()).sum();
            metrics::gauge!("parlor_calls").set(mine.len() as f64);
            metrics::gauge!("parlor_call_people").set(people as f64);
            (mine, silent)
        };
        for (room, call) in mine {
            self.change(room, call, |call| {
                for node in &silent {
                    call.lose_node(*node, now);
                }
                call.tick(now);
            });
        }
    }

    /// What this node has to do with.
    fn has(&self) -> (Vec<Place>, Vec<crate::bus::Held>) {
        let state = self.state();
        let calls = state.owned.values().filter(|it| !it.ending).map(|it| Place::from(&it.call));
        (calls.collect(), state.seats.held())
    }

    /// Says again and again that this node's calls are its own, and soon how they changed.
    async fn renew(&self) {
        let mut renewed = Instant::now();
        loop {
            tokio::select! {
                () = self.inner.wake.notified() => sleep(SOON).await,
                () = sleep(BEAT.saturating_sub(renewed.elapsed())) => {}
            }
            let all = renewed.elapsed() >= BEAT;
            if all {
                renewed = Instant::now();
            }
            self.keep(all, |_| ()).await;
        }
    }

    /// Keeps calls in the store: all, or those that changed.
    async fn keep(&self, all: bool, adjust: impl Fn(&mut CallRecord)) {
        let until = Timestamp::now().plus(LEASE);
        let due = |owned: &&Owned| !owned.ending && (all || !owned.kept);
        let calls: Vec<Arc<Call>> =
            self.state().owned.values().filter(due).map(|it| Arc::new(it.call.clone())).collect();
        let adjust = &adjust;
        stream::iter(calls)
            .for_each_concurrent(TOGETHER, async |call| {
                let mut record = super::owned::record(&call, until);
                adjust(&mut record);
                let kept = self.store().set_call(&record, call.term).await;
                self.was_kept(&call, kept);
            })
            .await;
    }

    fn was_kept(&self, call: &Call, kept: Result<bool, crate::store::StoreError>) {
        let mut state = self.state();
        let same = |owned: &&mut Owned| owned.call.id == call.id && owned.call.term == call.term;
        let Some(owned) = state.owned.get_mut(&call.room).filter(same) else { return };
        match kept {
            Ok(true) => owned.kept = owned.call.place() == call.place(),
            Ok(false) if !owned.ending => {
                warn!(call = %call.id, "a call isn't this node's any more");
                state.owned.remove(&call.room);
            }
            Ok(false) => {}
            Err(error) => warn!(call = %call.id, %error, "a call can't be kept"),
        }
    }

    /// Takes over what a dead node left.
    async fn sweep(&self) {
        loop {
            sleep(TICK).await;
            match self.store().overdue_calls(Timestamp::now(), SWEEP).await {
                Ok(overdue) => {
                    for record in overdue {
                        if let Err(error) = self.take_over_other(&record).await {
                            warn!(call = %record.call, ?error, "a call can't be taken over");
                        }
                    }
                }
                Err(error) => warn!(%error, "calls of dead nodes can't be looked for"),
            }
        }
    }

    async fn recheck_all(&self) {
        loop {
            sleep(RECHECK).await;
            let concerned: Vec<(RoomId, CallId, Vec<UserId>)> = {
                let state = self.state();
                let concerned = state.owned.values().map(|it| {
                    let (people, rings) = (it.call.people.iter(), it.call.rings.iter());
                    let users = people.map(|it| it.user).chain(rings.map(|it| it.user));
                    (it.call.room, it.call.id, users.collect())
                });
                concerned.collect()
            };
            for (room, call, users) in concerned {
                self.recheck(room, call, users).await;
            }
            self.doubt().await;
        }
    }

    /// Takes those out of a call who are no members of its room any more.
    pub(super) async fn recheck(&self, room: RoomId, call: CallId, users: Vec<UserId>) {
        let Ok(members) = self.store().memberships(room, &users).await else { return };
        for user in users {
            if members.iter().any(|member| member.user == user && member.role.is_some()) {
                continue;
            }
            // The projection may be behind the log.
            match self.chat().log().membership(room, user).await {
                Ok(Some((_, _, Some(_)))) | Err(_) => {}
                Ok(_) => drop(self.change(room, call, |call| call.remove(user))),
            }
        }
    }

    /// Asks the store about calls whose node isn't heard of any more.
    async fn doubt(&self) {
        let doubtful: Vec<Arc<Call>> = {
            let state = self.state();
            let heard = |node: &NodeId| state.heard.get(node).is_some_and(|at| at.elapsed() < DOUBT);
            let silent = state.known.all().filter(|(call, since)| {
                call.owner != self.node() && since.elapsed() > DOUBT && !heard(&call.owner)
            });
            silent.map(|(call, _)| call.clone()).collect()
        };
        for call in doubtful {
            match self.store().call(call.room).await {
                Ok(Some(found)) if found.call == call.id => {}
                // Told to all: this node hears it, too.
                Ok(_) => self.tell_all(CallNotice::Over(Place::from(&*call))),
                Err(error) => warn!(call = %call.id, %error, "a call can't be looked up"),
            }
        }
    }
}
