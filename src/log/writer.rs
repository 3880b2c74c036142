//! The writer of one stream on this node: takes what waits, decides it upon the head, appends it, tells, acknowledges.
//!
//! Where another node was faster, what it appended is read; where the outcome of an append is unknown, the state is forgotten
//! and read again. Changes that the log holds get their first result, and the others are decided anew.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{join, sync::mpsc, task::yield_now, time::Instant};
use tracing::warn;

use super::{
    Job, Log, LogError, PATIENCE,
    draft::{Draft, Wish, answer, answer_if_found, decide, wishes_of},
    fold::Folder,
    state::{MAX_UNFOLDED, Standing, State},
};
use crate::{
    bus::{Channel, Committed, Notice},
    metrics::metrics,
    model::{
        Append, Command, Doc, Done, Ended, Head, NonceKey, Person, Refusal, RequestHash, Stream, Tag, What,
        entry::MAX_ENTRIES, room::Touches,
    },
    store::{AppendError, Appended, Write},
};

/// A writer with nothing to do for this long goes to rest.
const IDLE: Duration = Duration::from_secs(120);
/// The pause before the first repeat after a failure; it doubles up to [`MAX_PAUSE`].
const PAUSE: Duration = Duration::from_millis(5);
const MAX_PAUSE: Duration = Duration::from_millis(500);

pub(super) struct Writer {
    log: Log,
    stream: Stream,
    jobs: mpsc::Receiver<Job>,
    state: Option<State>,
    folder: Folder,
    /// How many changes it took.
    taken: u64,
}

impl Writer {
    pub(super) fn new(log: Log, stream: Stream, jobs: mpsc::Receiver<Job>) -> Self {
        let folder = Folder::new(log.clone(), stream);
        Self { log, stream, jobs, state: None, folder, taken: 0 }
    }

    pub(super) async fn run(mut self) {
        let mut wishes = vec![];
        loop {
            if wishes.is_empty() && !self.wait(&mut wishes).await {
                return;
            }
            // What has come by the network meanwhile is handed over before: more changes then go into one append.
            yield_now().await;
            while wishes.len() < MAX_ENTRIES {
                match self.jobs.try_recv() {
                    Ok(job) => self.take(job, &mut wishes),
                    Err(_) => break,
                }
            }
            wishes = self.make(wishes).await;
        }
    }

    /// Waits for the next job; false when the writer has gone to rest.
    async fn wait(&mut self, wishes: &mut Vec<Wish>) -> bool {
        match tokio::time::timeout(IDLE, self.jobs.recv()).await {
            Ok(Some(job)) => self.take(job, wishes),
            Ok(None) => return false,
            Err(_) => {
                self.log.inner.writers().remove(&self.stream);
                self.jobs.close();
                // What came before the door closed is done all the same.
                match self.jobs.recv().await {
                    Some(job) => self.take(job, wishes),
                    None => return false,
                }
            }
        }
        true
    }

    fn take(&mut self, job: Job, wishes: &mut Vec<Wish>) {
        match job {
            Job::Make(change, reply) => {
                let hash = RequestHash::of(&change.command);
                self.taken += 1;
                let (until, turn) = (Instant::now() + PATIENCE, self.taken);
                wishes.push(Wish { change, hash, reply, until, turn, maybe_in: false });
            }
            Job::Learn(committed) => {
                if let Some(state) = &mut self.state {
                    state.learn(&committed.append);
                    if state.unfolded.len() > MAX_UNFOLDED {
                        // Others write, and this node only listens: it reads the state again when it has something to write.
                        self.state = None;
                    }
                }
            }
        }
    }

    /// Makes what can be made; returns what has to be tried again, after a pause where that helps.
    async fn make(&mut self, wishes: Vec<Wish>) -> Vec<Wish> {
        let mut pause = PAUSE;
        let mut wishes = wishes;
        loop {
            let (left, failed) = match self.attempt(wishes).await {
                Ok(left) => (left, None),
                Err((left, why)) => (left, Some(why)),
            };
            let now = Instant::now();
            let (left, late): (Vec<_>, Vec<_>) = left.into_iter().partition(|wish| wish.until > now);
            for wish in late {
                let why = failed.clone().unwrap_or_else(|| "other nodes were faster".to_owned());
                let _ = wish.reply.send(Err(LogError::Unavailable(why)));
            }
            if failed.is_none() || left.is_empty() {
                return left;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
            wishes = left;
        }
    }

    /// One append. Returns what is left over for the next, or what must be tried again because the store failed.
    async fn attempt(&mut self, mut wishes: Vec<Wish>) -> Result<Vec<Wish>, (Vec<Wish>, String)> {
        wishes.sort_by_key(|wish| wish.turn);
        let waiting = wishes.len();
        let wishes = self.answer_those_in(wishes, |wish| wish.maybe_in).await?;
        if wishes.len() < waiting {
            // What went in unheard has nobody else who folds it before the sweep comes by.
            self.folder.catch_up();
        }
        // Whoever asked is gone, and asks again, maybe another node: this must not go in behind a refusal told there.
        let wishes: Vec<Wish> = wishes.into_iter().filter(|wish| !wish.reply.is_closed()).collect();
        if wishes.is_empty() {
            return Ok(wishes);
        }
        if let Err(error) = self.prepare(&wishes).await {
            self.state = None;
            return Err((wishes, error.to_string()));
        }
        let Some(state) = self.state.as_mut() else { return Err((wishes, "no state".to_owned())) };
        let before = state.standing();
        let (mut draft, left) = decide(state, wishes);
        let repeats = std::mem::take(&mut draft.repeats);
        let left = match self.append(draft, before).await {
            Ok(()) => left,
            Err((again, why)) => {
                let waiting = again.len();
                let (caught_up, again) =
                    join!(catch_up(&self.log, self.state.take()), self.answer_those_in(again, |_| true));
                self.state = caught_up;
                let mut again = again?;
                if again.len() < waiting {
                    self.folder.catch_up();
                }
                again.extend(repeats);
                again.extend(left);
                return match why {
                    Some(why) => Err((again, why)),
                    None => Ok(again),
                };
            }
        };
        self.answer_repeats(repeats, left).await
    }

    /// Reads the state, where it isn't held, and what the wishes touch of it.
    async fn prepare(&mut self, wishes: &[Wish]) -> Result<(), LogError> {
        if self.state.is_none() {
            let state = State::load(&self.log, self.stream).await?;
            if !state.unfolded.is_empty() {
                self.folder.catch_up();
            }
            self.state = Some(state);
        }
        let Some(state) = self.state.as_mut() else { return Ok(()) };
        state.folded_to(self.folder.folded());
        let mut touches = Touches::default();
        for wish in wishes {
            if let Command::Room(command) = &wish.change.command {
                touches.merge(Touches::of_command(wish.change.actor, command));
            }
        }
        state.look_up(&self.log, touches).await?;
        // What the reading folded in is the projections' business, not the next append's.
        state.take_changed();
        Ok(())
    }

    /// Appends a draft, tells it and answers it. On failure, returns the wishes, and why they must wait, if they must; the
    /// state is what it was before the draft, or none.
    async fn append(&mut self, draft: Draft, before: Standing) -> Result<(), (Vec<Wish>, Option<String>)> {
        let (Some(state), false) = (self.state.as_mut(), draft.entries.is_empty()) else { return Ok(()) };
        let base = state.head;
        let append =
            Append { stream: self.stream, tag: Tag::random(), prev: base.tag, entries: draft.entries };
        let follows = match self.stream {
            Stream::Room(room) => append.entries.iter().any(|entry| entry.follows(room).is_some()),
            Stream::Person(_) => false,
        };
        let write = Write { append, docs: state.take_changed(), follows };
        let begun = Instant::now();
        let appended = match self.log.store().append(&write).await {
            Ok(appended) => appended,
            Err(AppendError::Full(why)) => {
                self.state = None;
                for made in draft.made {
                    let _ = made.wish.reply.send(Err(LogError::Full(why.clone())));
                }
                return Ok(());
            }
            Err(AppendError::Taken) => {
                metrics().append_conflicts.increment(1);
                state.take_back(before, &write.docs);
                return Err((wishes_of(draft.made, false), None));
            }
            Err(AppendError::Unknown(why)) => {
                warn!(stream = %self.stream, why, "an append's outcome is unknown; reading again");
                self.state = None;
                return Err((wishes_of(draft.made, true), Some(why)));
            }
        };
        metrics().appends.record(begun.elapsed());
        let Write { append, docs, .. } = write;
        metrics().append_entries.record(append.entries.len() as f64);
        let head = append.head();
        state.head = head;
        let pending = (appended == Appended::Pending).then(|| (append.clone(), docs.clone()));
        let profile = new_profile(&append, &docs);
        let docs = docs_to_show(&append, docs);
        self.log
            .bus()
            .publish(Channel::Stream(self.stream), Notice::Appended(Arc::new(Committed { append, docs })));
        if let Some(person) = profile {
            self.log.bus().publish(Channel::Everyone, Notice::Profile(Arc::new(person)));
        }
        let followed = match pending {
            None => {
                self.folder.note(head.rev);
                None
            }
            Some((append, docs)) => {
                state.unfolded.push(append.clone());
                let followed = self.folder.add(append, docs, follows).await;
                followed.filter(|_| follows)
            }
        };
        answer(draft.made, head.tag, followed);
        Ok(())
    }

    /// Answers those of the wishes that the log holds already, looking up the ones that `which` picks; returns the others.
    async fn answer_those_in(
        &self,
        wishes: Vec<Wish>,
        which: impl Fn(&Wish) -> bool,
    ) -> Result<Vec<Wish>, (Vec<Wish>, String)> {
        let nonces: Vec<NonceKey> =
            wishes.iter().filter(|wish| which(wish)).map(|wish| wish.change.nonce.clone()).collect();
        if nonces.is_empty() {
            return Ok(wishes);
        }
        match self.log.store().find(self.stream, &nonces).await {
            Ok(found) => {
                let found: HashMap<_, _> =
                    found.into_iter().map(|found| (found.nonce().clone(), found)).collect();
                Ok(wishes.into_iter().filter_map(|wish| answer_if_found(wish, &found)).collect())
            }
            Err(error) => Err((wishes, error.to_string())),
        }
    }

    /// Answers what the rules refused or found to be so already: by its first result, where there is one.
    async fn answer_repeats(
        &mut self,
        repeats: Vec<Wish>,
        left: Vec<Wish>,
    ) -> Result<Vec<Wish>, (Vec<Wish>, String)> {
        let repeats = match self.answer_those_in(repeats, |_| true).await {
            Ok(repeats) => repeats,
            Err((mut again, why)) => {
                again.extend(left);
                return Err((again, why));
            }
        };
        if repeats.is_empty() {
            return Ok(left);
        }
        // A refusal counts only upon all that was acknowledged before, by other nodes, too.
        match self.come_up_to_date().await {
            Ok(true) => {}
            Ok(false) => return Ok(repeats.into_iter().chain(left).collect()),
            Err(error) => return Err((repeats.into_iter().chain(left).collect(), error.to_string())),
        }
        let Some(state) = self.state.as_ref() else { return Ok(repeats.into_iter().chain(left).collect()) };
        let head = state.head;
        let (mut left, mut ending) = (left, vec![]);
        for wish in repeats {
            match state.decide(wish.change.actor, &wish.change.command) {
                Ok(whats) if !whats.is_empty() => left.push(wish),
                Ok(_) => ending.push((wish, None)),
                Err(refusal) => ending.push((wish, Some(refusal))),
            }
        }
        match self.end(ending, head).await {
            Ok(again) => left.extend(again),
            Err((mut again, why)) => {
                again.extend(left);
                return Err((again, why));
            }
        }
        Ok(left)
    }

    /// Brings the held state to where the stream stands by now, at least; false when it has to be read anew.
    async fn come_up_to_date(&mut self) -> Result<bool, LogError> {
        let Some(mut state) = self.state.take() else { return Ok(false) };
        self.log.store().read_barrier().await?;
        if state.catch_up(&self.log).await?.is_some() {
            self.state = Some(state);
        }
        Ok(self.state.is_some())
    }

    /// Ends changes without an entry. How is kept before it is told: another node may have the same change on its way,
    /// from before its asker came here, and must find that it ended. Returns those that have to be decided again.
    async fn end(
        &self,
        ending: Vec<(Wish, Option<Refusal>)>,
        head: Head,
    ) -> Result<Vec<Wish>, (Vec<Wish>, String)> {
        let mut ended = Vec::with_capacity(ending.len());
        let mut wishes = Vec::with_capacity(ending.len());
        for (wish, refusal) in ending {
            if head == Head::default() {
                // Nobody has written to the stream, so no node has a change of it on its way.
                let _ = wish.reply.send(refusal.map_or(Ok(Done::UNCHANGED), |refusal| Err(refusal.into())));
                continue;
            }
            ended.push(Ended { nonce: wish.change.nonce.clone(), request: wish.hash, refusal });
            wishes.push(wish);
        }
        if ended.is_empty() {
            return Ok(wishes);
        }
        match self.log.store().note_ended(self.stream, ended).await {
            Ok(()) => self.answer_those_in(wishes, |_| true).await,
            Err(error) => Err((wishes, error.to_string())),
        }
    }
}

/// A state that goes on with what others appended; none where it can't, and has to be read anew.
async fn catch_up(log: &Log, state: Option<State>) -> Option<State> {
    let mut state = state?;
    let more = state.catch_up(log).await.ok().flatten();
    // Refused, and yet nothing new: what is held isn't what it should be.
    more.is_some_and(|more| more > 0).then_some(state)
}

/// Messages that were made or whose words changed; of a reaction all see what it says.
fn docs_to_show(append: &Append, docs: Vec<Doc>) -> Vec<Doc> {
    let shown = |doc: &Doc| match doc {
        Doc::Message(message) => append.entries.iter().any(|entry| {
            entry.what.message() == Some(message.seq) && !matches!(entry.what, What::Reacted { .. })
        }),
        _ => false,
    };
    docs.into_iter().filter(shown).collect()
}

/// The person whose public profile an append changes.
fn new_profile(append: &Append, docs: &[Doc]) -> Option<Person> {
    let public =
        |what: &What| matches!(what, What::Profile { .. } | What::Pictured { .. } | What::Status { .. });
    append.entries.iter().find(|entry| public(&entry.what))?;
    docs.iter().find_map(|doc| match doc {
        Doc::Person(person) => Some(person.clone()),
        _ => None,
    })
}
