//! What is kept. The traits say what a store must do; [`sqlite`] and [`mongo`] do it, and pass one suite of
//! contract tests. A store keeps and finds; it never decides a rule.
//!
//! Every method returns only after what it wrote is durable, and reads see all that was acknowledged before they
//! began, but for the moments in which one server replaces another ([`LogStore::read_barrier`]).
//!
//! [`Dump`] carries all of it from one store into another: what is newly kept has to become a [`Collection`] of it, or to
//! follow from one.

mod dump;
mod files;
pub mod mongo;
pub mod sqlite;

use async_trait::async_trait;

pub use dump::{Collection, Dump, Record, Underway};
pub use files::{FileStore, Taken};

use crate::model::{
    Append, CallId, Doc, Ended, Entry, FileId, FileKind, Head, InviteId, Membership, Message, NodeId,
    NonceKey, Person, Rev, Room, RoomId, Seq, SessionId, Stream, Tag, Term, Timestamp, UserId,
    account::{Account, Invite, NewAccount, Session},
};

/// Why a store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It can't be reached, or took too long. Of a write, the outcome is unknown.
    #[error("the store is away: {0}")]
    Away(String),
    /// There is no room for it. Nothing was written.
    #[error("the store is full: {0}")]
    Full(String),
    /// What it holds can't be read, or the request can't be served.
    #[error("the store failed: {0}")]
    Broken(String),
}

/// Why an append did not go in for sure.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The stream's head has moved on, or one of the nonces is known. Nothing of it went in.
    #[error("the head has moved, or a nonce is known")]
    Taken,
    /// There is no room for it. Nothing of it went in.
    #[error("the store is full: {0}")]
    Full(String),
    /// Whether it went in is not known: read again.
    #[error("unknown whether it went in: {0}")]
    Unknown(String),
}

/// An append, and what becomes of the projections by it.
#[derive(Debug, Clone)]
pub struct Write {
    /// What goes into the log.
    pub append: Append,
    /// Documents after it: whole state, each with the rev it reflects.
    pub docs: Vec<Doc>,
    /// Whether something has to follow in other streams before the watermark may pass. Then the watermark stays, even
    /// where the documents go in together with the append; [`LogStore::fold`] moves it.
    pub follows: bool,
}

/// How far an append got with its projections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// Its documents are in, and the watermark has passed it.
    Folded,
    /// It has to be folded by [`LogStore::fold`].
    Pending,
}

/// What is known of a nonce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// An entry of the log bears it.
    Entry {
        /// The entry.
        entry: Entry,
        /// Its append's tag.
        tag: Tag,
    },
    /// Its change ended without an entry.
    Ended(Ended),
}

impl Found {
    /// Which.
    pub fn nonce(&self) -> &NonceKey {
        match self {
            Found::Entry { entry, .. } => &entry.nonce,
            Found::Ended(ended) => &ended.nonce,
        }
    }
}

/// The log of all streams, and how far it is folded.
#[async_trait]
pub trait LogStore: Send + Sync + 'static {
    /// Puts an append right after its stream's head, if the head is still `append.base()` and none of its nonces is known
    /// in the stream yet: all of it or nothing. Concurrent calls share a wait on the disk.
    ///
    /// # Errors
    /// [`AppendError`]; only `Unknown` leaves open whether it went in.
    async fn append(&self, write: &Write) -> Result<Appended, AppendError>;

    /// Whole appends, in order: those that hold the first `limit` entries after `after`. When the log was trimmed past
    /// `after`, they begin where it begins now.
    async fn read(&self, stream: Stream, after: Rev, limit: u64) -> Result<Vec<Append>, StoreError>;

    /// The heads of these streams, in one query; a stream without entries is left out.
    async fn heads(&self, streams: &[Stream]) -> Result<Vec<(Stream, Head)>, StoreError>;

    /// Reads that begin after this see all that was acknowledged before it, on whatever node. Without it that holds only as a
    /// rule, where a server is just being replaced by another: a read may then show what was true a moment ago. It costs
    /// a write, so it is for what can't be taken back.
    async fn read_barrier(&self) -> Result<(), StoreError>;

    /// Keeps how changes ended that brought no entry to a stream that has a log; one whose nonce is known by then is left
    /// as it is. Whichever is first counts, this or an append: [`LogStore::find`] tells.
    async fn note_ended(&self, stream: Stream, ended: Vec<Ended>) -> Result<(), StoreError>;

    /// What is known of these nonces in a stream.
    async fn find(&self, stream: Stream, nonces: &[NonceKey]) -> Result<Vec<Found>, StoreError>;

    /// How far the stream is folded.
    async fn watermark(&self, stream: Stream) -> Result<Head, StoreError>;

    /// Writes documents (each replaced only by one of a higher rev), and then moves the watermark from `from` to `to`.
    /// Returns false, with the documents written all the same, when the watermark wasn't at `from`.
    async fn fold(&self, stream: Stream, from: Rev, to: Head, docs: Vec<Doc>) -> Result<bool, StoreError>;

    /// Streams that have a log, by [`Stream::key`], after `after`; at most `limit`.
    async fn streams(&self, after: Option<Stream>, limit: usize) -> Result<Vec<Stream>, StoreError>;

    /// Streams that were appended to since `since` and whose watermark is behind their head.
    async fn unfolded(&self, since: Timestamp) -> Result<Vec<Stream>, StoreError>;

    /// Takes out whole folded appends whose last entry is older than `before`, never a stream's last, and how
    /// changes ended before then. Returns how many appends.
    async fn trim(&self, before: Timestamp) -> Result<u64, StoreError>;
}

/// A room of somebody's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The room, as far as it is folded.
    pub room: Room,
    /// Their place in it.
    pub member: Membership,
    /// The last message they read; never before `member.since`.
    pub read: Seq,
    /// Unread messages that mention them, or everyone; not their own.
    pub mentions: u32,
    /// The head of the room's stream; never before the room.
    pub head: Head,
}

/// What is looked up of somebody who comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The session that they come by; none when it has expired or ended.
    pub session: Option<Session>,
    /// The head of their own stream.
    pub head: Head,
    /// The rooms of their list.
    pub listed: Vec<Listed>,
}

/// A page's worth of a longer list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// In the list's order.
    pub items: Vec<T>,
    /// Whether there is more after them.
    pub more: bool,
}

/// The projections of rooms and persons.
#[async_trait]
pub trait RoomStore: Send + Sync + 'static {
    /// Rooms by id; those that don't exist are left out.
    async fn rooms(&self, rooms: &[RoomId]) -> Result<Vec<Room>, StoreError>;

    /// Public rooms whose folded name holds `query` (all when empty), by folded name and id, after the room `after`.
    async fn public_rooms(
        &self,
        query: &str,
        after: Option<RoomId>,
        limit: usize,
    ) -> Result<Page<Room>, StoreError>;

    /// The rooms that `user` is a member of, with what they have read, in no particular order; only `room` when it is
    /// named.
    async fn listed(&self, user: UserId, room: Option<RoomId>) -> Result<Vec<Listed>, StoreError>;

    /// What [`AccountStore::session`], [`LogStore::heads`] and [`RoomStore::listed`] tell of somebody who comes in, in one
    /// look: very many may come at once. The list is at least as new as the head.
    async fn arrival(&self, user: UserId, session: SessionId, now: Timestamp) -> Result<Arrival, StoreError>;

    /// Memberships and tombstones of these people in a room; those who never were members are left out.
    async fn memberships(&self, room: RoomId, users: &[UserId]) -> Result<Vec<Membership>, StoreError>;

    /// Present members of a room by user id, after `after`.
    async fn members(
        &self,
        room: RoomId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Page<Membership>, StoreError>;

    /// Messages of a room with `from <= seq <= to`, rising; at most `limit`, from the end of the range when `last`.
    async fn messages(
        &self,
        room: RoomId,
        from: Seq,
        to: Seq,
        limit: usize,
        last: bool,
    ) -> Result<Vec<Message>, StoreError>;

    /// Messages by their places; those that don't exist are left out.
    async fn messages_at(&self, room: RoomId, seqs: &[Seq]) -> Result<Vec<Message>, StoreError>;

    /// The newest messages of a room that hold a file; at most `limit`.
    async fn messages_with(
        &self,
        room: RoomId,
        file: FileId,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError>;

    /// Messages of a room with `seq < before` that hold files of one of `kinds` (any kind, when there are none), the
    /// newest first.
    async fn messages_with_files(
        &self,
        room: RoomId,
        kinds: &[FileKind],
        before: Seq,
        limit: usize,
    ) -> Result<Page<Message>, StoreError>;

    /// Pinned messages of a room, falling by seq, before `before`.
    async fn pinned(
        &self,
        room: RoomId,
        before: Option<Seq>,
        limit: usize,
    ) -> Result<Page<Message>, StoreError>;

    /// Moves a read mark forward, never back. Returns whether it moved.
    async fn mark_read(&self, user: UserId, room: RoomId, seq: Seq) -> Result<bool, StoreError>;

    /// Keeps an unsent text; an empty one is forgotten.
    async fn set_draft(&self, user: UserId, room: RoomId, text: &str) -> Result<(), StoreError>;

    /// The unsent texts of somebody, by room.
    async fn drafts(&self, user: UserId) -> Result<Vec<(RoomId, String)>, StoreError>;

    /// People by id; those who don't exist are left out.
    async fn people(&self, users: &[UserId]) -> Result<Vec<Person>, StoreError>;

    /// People by login name (folded), for mentions; names that nobody has are left out.
    async fn people_named(&self, names: &[String]) -> Result<Vec<Person>, StoreError>;

    /// People whose login name or folded display name begins with `query` (all when empty), by login name, after the
    /// person with the login name `after`.
    async fn find_people(
        &self,
        query: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Person>, StoreError>;
}

/// Why an account could not be made.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Another account has the name.
    #[error("the name is taken")]
    NameTaken,
    /// The server has an owner already.
    #[error("the server has an owner")]
    OwnerTaken,
    /// The invitation is used up, over, or never was.
    #[error("the invitation isn't good")]
    InviteInvalid,
    /// See there.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Accounts, sessions and invitations.
#[async_trait]
pub trait AccountStore: Send + Sync + 'static {
    /// Makes an account; its name and the first ownership are unique, and a use of the invitation is used up with it. With
    /// the id and name of an account that is there already, it returns that one and uses nothing up.
    async fn create_account(&self, account: NewAccount) -> Result<Account, AccountError>;

    /// The account of this name.
    async fn account_named(&self, name: &str) -> Result<Option<Account>, StoreError>;

    /// The account of this person.
    async fn account(&self, user: UserId) -> Result<Option<Account>, StoreError>;

    /// The account that owns the server.
    async fn owner(&self) -> Result<Option<Account>, StoreError>;

    /// Remembers that an account's stream and first rooms are made.
    async fn complete_account(&self, user: UserId) -> Result<(), StoreError>;

    /// Replaces a password's hash.
    async fn set_password(&self, user: UserId, password: &str) -> Result<(), StoreError>;

    /// Keeps a session; false when one with this id or secret is there already.
    async fn create_session(&self, session: &Session) -> Result<bool, StoreError>;

    /// The session that this secret proves, current or used last; expired ones are not found.
    async fn session_by_secret(
        &self,
        secret: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError>;

    /// A session by its public id; expired ones are not found.
    async fn session(&self, id: SessionId, now: Timestamp) -> Result<Option<Session>, StoreError>;

    /// All of a person's sessions that are not expired, the last used first.
    async fn sessions_of(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError>;

    /// Notes that a session was used: moves `seen` and `expires`, nothing else.
    async fn touch_session(
        &self,
        id: SessionId,
        seen: Timestamp,
        expires: Timestamp,
    ) -> Result<(), StoreError>;

    /// Replaces a session's secret `from` by `to`, and remembers `from` as used at `now`, which is when it was last seen
    /// then. False when its secret isn't `from` (any more) or it is gone.
    async fn rotate_session(
        &self,
        id: SessionId,
        from: &[u8; 32],
        to: &[u8; 32],
        now: Timestamp,
        expires: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Ends a session; false when it wasn't there.
    async fn end_session(&self, id: SessionId) -> Result<bool, StoreError>;

    /// Takes out sessions and invitations that expired before `now`.
    async fn sweep_accounts(&self, now: Timestamp) -> Result<(), StoreError>;

    /// Keeps an invitation.
    async fn create_invite(&self, invite: &Invite) -> Result<(), StoreError>;

    /// The invitation with this secret, if it is good at `now`.
    async fn invite(&self, secret: &[u8; 32], now: Timestamp) -> Result<Option<Invite>, StoreError>;

    /// All invitations that are good at `now`, the newest first.
    async fn invites(&self, now: Timestamp) -> Result<Vec<Invite>, StoreError>;

    /// Ends an invitation; false when it wasn't there.
    async fn end_invite(&self, id: InviteId) -> Result<bool, StoreError>;
}

/// A call that is going on: whose it is, and for how long unless it says so again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// In which room; one has at most one.
    pub room: RoomId,
    /// Which.
    pub call: CallId,
    /// How often it changed hands.
    pub term: Term,
    /// The node whose it is.
    pub owner: NodeId,
    /// Until when, by the nodes' clocks. Then any other may take it over.
    pub until: Timestamp,
    /// How it was lately, for who takes it over. A store doesn't read it.
    pub state: String,
}

/// The calls that are going on.
#[async_trait]
pub trait CallStore: Send + Sync + 'static {
    /// The room's call.
    async fn call(&self, room: RoomId) -> Result<Option<CallRecord>, StoreError>;

    /// Begins a call; false when the room has one.
    async fn begin_call(&self, record: &CallRecord) -> Result<bool, StoreError>;

    /// Replaces the record of this call if it is of the term `from` still; false when it isn't, or is gone.
    async fn set_call(&self, record: &CallRecord, from: Term) -> Result<bool, StoreError>;

    /// Ends a call if it is of this term still; false when it isn't, or is gone.
    async fn end_call(&self, room: RoomId, call: CallId, term: Term) -> Result<bool, StoreError>;

    /// Calls whose node has not said for too long that they are its, the longest first.
    async fn overdue_calls(&self, now: Timestamp, limit: usize) -> Result<Vec<CallRecord>, StoreError>;
}

/// All that a server keeps.
pub trait Store: LogStore + RoomStore + AccountStore + FileStore + CallStore {}

impl<T: LogStore + RoomStore + AccountStore + FileStore + CallStore> Store for T {}
