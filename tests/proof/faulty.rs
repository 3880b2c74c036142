//! A store that fails when told to: appends whose answer is lost or that never arrive, and doors that hold a call up
//! until the test opens them.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use parlor::{
    model::Append,
    model::{
        Attachment, CallId, Doc, Ended, FileId, FileKind, Head, InviteId, Membership, Message, NonceKey,
        Person, Place, Rev, Room, RoomId, Seq, SessionId, StoredFile, Stream, Term, Timestamp, Upload,
        UserId,
        account::{Account, Invite, NewAccount, Session},
        file::ContentHash,
    },
    store::{
        AccountError, AccountStore, AppendError, Appended, Arrival, CallRecord, CallStore, FileStore, Found,
        Listed, LogStore, Page, RoomStore, Store, StoreError, Taken, Write,
    },
};
use tokio::{sync::watch, time::timeout};

use crate::services::PATIENCE;

/// What goes wrong with one append.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// It goes in, but nobody hears of it.
    AnswerLost,
    /// It doesn't go in, and nobody hears of it.
    NeverArrived,
    /// There is no room for it.
    Full,
}

/// Calls that can be held up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// Before an append goes in.
    Append,
    /// Before documents are written and a watermark moves.
    Fold,
}

/// A door: calls wait before it until it is opened.
pub(crate) struct Door {
    waiting: watch::Receiver<u32>,
    open: watch::Sender<bool>,
}

impl Door {
    /// Waits until a call stands before it.
    pub(crate) async fn reached(&mut self) {
        let reached = timeout(PATIENCE, self.waiting.wait_for(|waiting| *waiting > 0)).await;
        drop(reached.expect("a call in time").unwrap());
    }

    /// Lets all through, now and later.
    pub(crate) fn open(&self) {
        self.open.send_replace(true);
    }
}

struct Frame {
    waiting: watch::Sender<u32>,
    open: watch::Receiver<bool>,
}

/// The store, as one node sees it.
pub(crate) struct Faulty {
    inner: Arc<dyn Store>,
    script: Mutex<HashMap<Stream, VecDeque<Fault>>>,
    doors: Mutex<HashMap<(Step, Stream), Arc<Frame>>>,
    behind: Mutex<HashMap<Stream, Head>>,
}

impl Faulty {
    /// One that does as `inner` does.
    pub(crate) fn new(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self { inner, script: Mutex::default(), doors: Mutex::default(), behind: Mutex::default() })
    }

    /// What happens to the next appends of a stream.
    pub(crate) fn script(&self, stream: Stream, faults: impl IntoIterator<Item = Fault>) {
        self.script.lock().unwrap().entry(stream).or_default().extend(faults);
    }

    /// Holds up a stream's calls from now on.
    pub(crate) fn hold(&self, step: Step, stream: Stream) -> Door {
        let (waiting, seen) = watch::channel(0);
        let (open, opened) = watch::channel(false);
        self.doors.lock().unwrap().insert((step, stream), Arc::new(Frame { waiting, open: opened }));
        Door { waiting: seen, open }
    }

    /// Reads a stream's log as it was at `head`, as from a server that has just replaced another, until a barrier.
    pub(crate) fn fall_behind(&self, stream: Stream, head: Head) {
        self.behind.lock().unwrap().insert(stream, head);
    }

    fn at_most(&self, stream: Stream) -> Option<Head> {
        self.behind.lock().unwrap().get(&stream).copied()
    }

    async fn pass(&self, step: Step, stream: Stream) {
        let frame = self.doors.lock().unwrap().get(&(step, stream)).cloned();
        if let Some(frame) = frame {
            frame.waiting.send_modify(|waiting| *waiting += 1);
            // A door that is let go of stays shut: its node is dead.
            if frame.open.clone().wait_for(|open| *open).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

#[async_trait]
impl LogStore for Faulty {
    async fn append(&self, write: &Write) -> Result<Appended, AppendError> {
        let stream = write.append.stream;
        self.pass(Step::Append, stream).await;
        let fault = self.script.lock().unwrap().get_mut(&stream).and_then(VecDeque::pop_front);
        match fault {
            None => self.inner.append(write).await,
            Some(Fault::NeverArrived) => Err(AppendError::Unknown("it never arrived".to_owned())),
            Some(Fault::Full) => Err(AppendError::Full("no room".to_owned())),
            Some(Fault::AnswerLost) => {
                let _ = self.inner.append(write).await;
                Err(AppendError::Unknown("the answer was lost".to_owned()))
            }
        }
    }

    async fn read(&self, stream: Stream, after: Rev, limit: u64) -> Result<Vec<Append>, StoreError> {
        let mut appends = self.inner.read(stream, after, limit).await?;
        if let Some(head) = self.at_most(stream) {
            appends.retain(|append| append.head().rev <= head.rev);
        }
        Ok(appends)
    }

    async fn read_barrier(&self) -> Result<(), StoreError> {
        self.inner.read_barrier().await?;
        self.behind.lock().unwrap().clear();
        Ok(())
    }

    async fn heads(&self, streams: &[Stream]) -> Result<Vec<(Stream, Head)>, StoreError> {
        let heads = self.inner.heads(streams).await?;
        Ok(heads.into_iter().map(|(stream, head)| (stream, self.at_most(stream).unwrap_or(head))).collect())
    }

    async fn streams(&self, after: Option<Stream>, limit: usize) -> Result<Vec<Stream>, StoreError> {
        self.inner.streams(after, limit).await
    }

    async fn note_ended(&self, stream: Stream, ended: Vec<Ended>) -> Result<(), StoreError> {
        self.inner.note_ended(stream, ended).await
    }

    async fn find(&self, stream: Stream, nonces: &[NonceKey]) -> Result<Vec<Found>, StoreError> {
        self.inner.find(stream, nonces).await
    }

    async fn watermark(&self, stream: Stream) -> Result<Head, StoreError> {
        self.inner.watermark(stream).await
    }

    async fn fold(&self, stream: Stream, from: Rev, to: Head, docs: Vec<Doc>) -> Result<bool, StoreError> {
        self.pass(Step::Fold, stream).await;
        self.inner.fold(stream, from, to, docs).await
    }

    async fn unfolded(&self, since: Timestamp) -> Result<Vec<Stream>, StoreError> {
        self.inner.unfolded(since).await
    }

    async fn trim(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.inner.trim(before).await
    }
}

#[async_trait]
impl RoomStore for Faulty {
    async fn rooms(&self, rooms: &[RoomId]) -> Result<Vec<Room>, StoreError> {
        self.inner.rooms(rooms).await
    }

    async fn public_rooms(
        &self,
        query: &str,
        after: Option<RoomId>,
        limit: usize,
    ) -> Result<Page<Room>, StoreError> {
        self.inner.public_rooms(query, after, limit).await
    }

    async fn listed(&self, user: UserId, room: Option<RoomId>) -> Result<Vec<Listed>, StoreError> {
        self.inner.listed(user, room).await
    }

    async fn arrival(&self, user: UserId, session: SessionId, now: Timestamp) -> Result<Arrival, StoreError> {
        self.inner.arrival(user, session, now).await
    }

    async fn memberships(&self, room: RoomId, users: &[UserId]) -> Result<Vec<Membership>, StoreError> {
        self.inner.memberships(room, users).await
    }

    async fn members(
        &self,
        room: RoomId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Page<Membership>, StoreError> {
        self.inner.members(room, after, limit).await
    }

    async fn messages(
        &self,
        room: RoomId,
        from: Seq,
        to: Seq,
        limit: usize,
        last: bool,
    ) -> Result<Vec<Message>, StoreError> {
        self.inner.messages(room, from, to, limit, last).await
    }

    async fn messages_at(&self, room: RoomId, seqs: &[Seq]) -> Result<Vec<Message>, StoreError> {
        self.inner.messages_at(room, seqs).await
    }

    async fn pinned(
        &self,
        room: RoomId,
        before: Option<Seq>,
        limit: usize,
    ) -> Result<Page<Message>, StoreError> {
        self.inner.pinned(room, before, limit).await
    }

    async fn messages_with(
        &self,
        room: RoomId,
        file: FileId,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        self.inner.messages_with(room, file, limit).await
    }

    async fn messages_with_files(
        &self,
        room: RoomId,
        kinds: &[FileKind],
        before: Seq,
        limit: usize,
    ) -> Result<Page<Message>, StoreError> {
        self.inner.messages_with_files(room, kinds, before, limit).await
    }

    async fn mark_read(&self, user: UserId, room: RoomId, seq: Seq) -> Result<bool, StoreError> {
        self.inner.mark_read(user, room, seq).await
    }

    async fn set_draft(&self, user: UserId, room: RoomId, text: &str) -> Result<(), StoreError> {
        self.inner.set_draft(user, room, text).await
    }

    async fn drafts(&self, user: UserId) -> Result<Vec<(RoomId, String)>, StoreError> {
        self.inner.drafts(user).await
    }

    async fn people(&self, users: &[UserId]) -> Result<Vec<Person>, StoreError> {
        self.inner.people(users).await
    }

    async fn people_named(&self, names: &[String]) -> Result<Vec<Person>, StoreError> {
        self.inner.people_named(names).await
    }

    async fn find_people(
        &self,
        query: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Person>, StoreError> {
        self.inner.find_people(query, after, limit).await
    }
}

#[async_trait]
impl AccountStore for Faulty {
    async fn create_account(&self, account: NewAccount) -> Result<Account, AccountError> {
        self.inner.create_account(account).await
    }

    async fn account_named(&self, name: &str) -> Result<Option<Account>, StoreError> {
        self.inner.account_named(name).await
    }

    async fn account(&self, user: UserId) -> Result<Option<Account>, StoreError> {
        self.inner.account(user).await
    }

    async fn owner(&self) -> Result<Option<Account>, StoreError> {
        self.inner.owner().await
    }

    async fn complete_account(&self, user: UserId) -> Result<(), StoreError> {
        self.inner.complete_account(user).await
    }

    async fn set_password(&self, user: UserId, password: &str) -> Result<(), StoreError> {
        self.inner.set_password(user, password).await
    }

    async fn create_session(&self, session: &Session) -> Result<bool, StoreError> {
        self.inner.create_session(session).await
    }

    async fn session_by_secret(
        &self,
        secret: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        self.inner.session_by_secret(secret, now).await
    }

    async fn session(&self, id: SessionId, now: Timestamp) -> Result<Option<Session>, StoreError> {
        self.inner.session(id, now).await
    }

    async fn sessions_of(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        self.inner.sessions_of(user, now).await
    }

    async fn touch_session(
        &self,
        id: SessionId,
        seen: Timestamp,
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        self.inner.touch_session(id, seen, expires).await
    }

    async fn rotate_session(
        &self,
        id: SessionId,
        from: &[u8; 32],
        to: &[u8; 32],
        now: Timestamp,
        expires: Timestamp,
    ) -> Result<bool, StoreError> {
        self.inner.rotate_session(id, from, to, now, expires).await
    }

    async fn end_session(&self, id: SessionId) -> Result<bool, StoreError> {
        self.inner.end_session(id).await
    }

    async fn sweep_accounts(&self, now: Timestamp) -> Result<(), StoreError> {
        self.inner.sweep_accounts(now).await
    }

    async fn create_invite(&self, invite: &Invite) -> Result<(), StoreError> {
        self.inner.create_invite(invite).await
    }

    async fn invite(&self, secret: &[u8; 32], now: Timestamp) -> Result<Option<Invite>, StoreError> {
        self.inner.invite(secret, now).await
    }

    async fn invites(&self, now: Timestamp) -> Result<Vec<Invite>, StoreError> {
        self.inner.invites(now).await
    }

    async fn end_invite(&self, id: InviteId) -> Result<bool, StoreError> {
        self.inner.end_invite(id).await
    }
}

#[async_trait]
impl CallStore for Faulty {
    async fn call(&self, room: RoomId) -> Result<Option<CallRecord>, StoreError> {
        self.inner.call(room).await
    }

    async fn begin_call(&self, record: &CallRecord) -> Result<bool, StoreError> {
        self.inner.begin_call(record).await
    }

    async fn set_call(&self, record: &CallRecord, from: Term) -> Result<bool, StoreError> {
        self.inner.set_call(record, from).await
    }

    async fn end_call(&self, room: RoomId, call: CallId, term: Term) -> Result<bool, StoreError> {
        self.inner.end_call(room, call, term).await
    }

    async fn overdue_calls(&self, now: Timestamp, limit: usize) -> Result<Vec<CallRecord>, StoreError> {
        self.inner.overdue_calls(now, limit).await
    }
}

#[async_trait]
impl FileStore for Faulty {
    async fn begin_upload(&self, upload: &Upload) -> Result<(), StoreError> {
        self.inner.begin_upload(upload).await
    }

    async fn upload(&self, id: FileId) -> Result<Option<Upload>, StoreError> {
        self.inner.upload(id).await
    }

    async fn end_upload(&self, id: FileId) -> Result<bool, StoreError> {
        self.inner.end_upload(id).await
    }

    async fn expired_uploads(&self, now: Timestamp, limit: usize) -> Result<Vec<Upload>, StoreError> {
        self.inner.expired_uploads(now, limit).await
    }

    async fn keep_file(&self, file: &StoredFile) -> Result<Place, StoreError> {
        self.inner.keep_file(file).await
    }

    async fn files(&self, ids: &[FileId]) -> Result<Vec<StoredFile>, StoreError> {
        self.inner.files(ids).await
    }

    async fn taken(&self, owner: UserId) -> Result<Taken, StoreError> {
        self.inner.taken(owner).await
    }

    async fn taken_by_all(&self) -> Result<u64, StoreError> {
        self.inner.taken_by_all().await
    }

    async fn attach(
        &self,
        owner: UserId,
        ids: &[FileId],
        room: RoomId,
        due: Timestamp,
    ) -> Result<Vec<Attachment>, StoreError> {
        self.inner.attach(owner, ids, room, due).await
    }

    async fn loosen(&self, ids: &[FileId], due: Timestamp) -> Result<(), StoreError> {
        self.inner.loosen(ids, due).await
    }

    async fn due_files(&self, now: Timestamp, limit: usize) -> Result<Vec<StoredFile>, StoreError> {
        self.inner.due_files(now, limit).await
    }

    async fn settle(&self, id: FileId, due: Timestamp) -> Result<(), StoreError> {
        self.inner.settle(id, due).await
    }

    async fn remove_file(&self, id: FileId, due: Timestamp) -> Result<bool, StoreError> {
        self.inner.remove_file(id, due).await
    }

    async fn drop_content(&self, hash: ContentHash) -> Result<Option<Place>, StoreError> {
        self.inner.drop_content(hash).await
    }

    async fn places(&self, hashes: &[ContentHash]) -> Result<Vec<Place>, StoreError> {
        self.inner.places(hashes).await
    }
}
