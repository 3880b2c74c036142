//! Reading: projections, with what isn't folded yet laid over them.
//!
//! Always in this order: the watermark, then the documents, then the entries past the watermark. A document is then at least
//! as new as the watermark, and the entries bring it to the head or beyond; folding is idempotent by rev.

use std::collections::HashSet;

use super::{Log, LogError};
use crate::{
    model::{
        Entry, Head, Membership, Message, Room, RoomId, Seq, SessionId, Stream, Timestamp, UserId,
        room::{RoomView, Touches},
    },
    store::{Listed, Page},
};

/// Entries read in one go.
const CHUNK: u64 = 1_000;

/// A stretch of a room's timeline, and where the room stands.
#[derive(Debug, Clone)]
pub struct Timeline {
    /// The head that all of this is at least as new as.
    pub head: Head,
    /// The room.
    pub room: Room,
    /// Rising by seq.
    pub messages: Vec<Message>,
}

/// A room of somebody's list, and where it stands.
#[derive(Debug, Clone)]
pub struct Listing {
    /// The room's head.
    pub head: Head,
    /// The room, the person's place in it, and what they have read.
    pub listed: Listed,
}

/// What somebody who comes in is told.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Where their own stream stands.
    pub head: Head,
    /// The rooms of their list.
    pub rooms: Vec<Listing>,
}

/// Which messages of a timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// The last ones.
    Last,
    /// Those before a message.
    Before(Seq),
    /// Those after a message.
    After(Seq),
    /// A message and those around it.
    Around(Seq),
}

impl Log {
    /// A room, with those of its people and messages that `touches` names; none when there is no such room.
    pub async fn view(&self, room: RoomId, touches: Touches) -> Result<Option<(Head, RoomView)>, LogError> {
        let (watermark, mut view) = self.begin_view(room).await?;
        let (users, seqs): (Vec<_>, Vec<_>) =
            (touches.members.into_iter().collect(), touches.messages.into_iter().collect());
        if !users.is_empty() {
            let members = self.store().memberships(room, &users).await?;
            view.members.extend(users.into_iter().map(|user| (user, None)));
            view.members.extend(members.into_iter().map(|member| (member.user, Some(member))));
        }
        if !seqs.is_empty() {
            let messages = self.store().messages_at(room, &seqs).await?;
            view.messages.extend(messages.into_iter().map(|message| (message.seq, Some(message))));
        }
        let (head, past) = self.past(Stream::Room(room), watermark).await?;
        for entry in &past {
            view.apply(entry);
        }
        view.take_changed();
        Ok(view.room.is_some().then_some((head, view)))
    }

    /// At most `limit` messages of a room; none when there is no such room.
    pub async fn timeline(
        &self,
        room: RoomId,
        span: Span,
        limit: usize,
    ) -> Result<Option<Timeline>, LogError> {
        let (watermark, mut view) = self.begin_view(room).await?;
        let (head, past) = self.past(Stream::Room(room), watermark).await?;
        for entry in &past {
            view.apply(entry);
        }
        let Some(room_now) = view.room.clone() else { return Ok(None) };
        let (from, to, last) = range(span, room_now.seq, limit);
        let stored = self.store().messages(room, from, to, limit, last).await?;
        let inside = |seq: Seq| from <= seq && seq <= to;
        view.messages.retain(|seq, _| inside(*seq));
        view.messages.extend(stored.into_iter().map(|message| (message.seq, Some(message))));
        for entry in &past {
            view.apply(entry);
        }
        let mut messages: Vec<Message> = view.messages.into_values().flatten().collect();
        messages.retain(|message| inside(message.seq));
        messages.sort_unstable_by_key(|message| message.seq);
        if last {
            messages.drain(..messages.len().saturating_sub(limit));
        } else {
            messages.truncate(limit);
        }
        Ok(Some(Timeline { head, room: room_now, messages }))
    }

    /// The rooms of somebody's list, in no particular order; only `room` when it is named.
    pub async fn listing(&self, user: UserId, room: Option<RoomId>) -> Result<Vec<Listing>, LogError> {
        let listed = self.store().listed(user, room).await?;
        self.bring_up(listed, user).await
    }

    /// What somebody who comes in by a session is told; none when that isn't theirs, or has ended.
    pub async fn arrival(&self, user: UserId, session: SessionId) -> Result<Option<Arrival>, LogError> {
        let found = self.store().arrival(user, session, Timestamp::now()).await?;
        if found.session.is_none_or(|session| session.user != user) {
            return Ok(None);
        }
        Ok(Some(Arrival { head: found.head, rooms: self.bring_up(found.listed, user).await? }))
    }

    /// Brings the rooms of a list up to their heads; those that the person left by then are left out.
    async fn bring_up(&self, listed: Vec<Listed>, user: UserId) -> Result<Vec<Listing>, LogError> {
        let mut listing = Vec::with_capacity(listed.len());
        for mut listed in listed {
            let mut head = listed.head;
            if listed.room.rev < head.rev {
                head = self.catch_up(&mut listed, user).await?;
            }
            if listed.member.role.is_none() {
                continue;
            }
            listing.push(Listing { head, listed });
        }
        Ok(listing)
    }

    /// Present members of a room by user id, after `after`.
    pub async fn members(
        &self,
        room: RoomId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Page<Membership>, LogError> {
        let stream = Stream::Room(room);
        let watermark = self.store().watermark(stream).await?;
        let page = self.store().members(room, after, limit).await?;
        let (_, past) = self.past(stream, watermark).await?;
        let moved: HashSet<UserId> = past.iter().filter_map(Entry::member).collect();
        if moved.is_empty() {
            return Ok(page);
        }
        let last = page.items.last().map(|member| member.user).filter(|_| page.more);
        let mut view = RoomView::new(room);
        view.members.extend(moved.iter().map(|user| (*user, None)));
        let moved: Vec<UserId> = moved.into_iter().collect();
        let stored = self.store().memberships(room, &moved).await?;
        view.members.extend(page.items.into_iter().chain(stored).map(|member| (member.user, Some(member))));
        for entry in &past {
            view.apply(entry);
        }
        // Who comes after a full page's last is the next page's.
        let here =
            |user: UserId| after.is_none_or(|after| user > after) && last.is_none_or(|last| user <= last);
        let mut items: Vec<Membership> = view.members.into_values().flatten().collect();
        items.retain(|member| member.role.is_some() && here(member.user));
        items.sort_unstable_by_key(|member| member.user);
        let more = page.more || items.len() > limit;
        items.truncate(limit);
        Ok(Page { items, more })
    }

    /// Pinned messages of a room, falling by seq, before `before`.
    pub async fn pinned(
        &self,
        room: RoomId,
        before: Option<Seq>,
        limit: usize,
    ) -> Result<Page<Message>, LogError> {
        let stream = Stream::Room(room);
        let watermark = self.store().watermark(stream).await?;
        let page = self.store().pinned(room, before, limit).await?;
        let (_, past) = self.past(stream, watermark).await?;
        let moved: HashSet<Seq> = past.iter().filter_map(|entry| entry.what.message()).collect();
        if moved.is_empty() {
            return Ok(page);
        }
        let last = page.items.last().map(|message| message.seq).filter(|_| page.more);
        let moved: Vec<Seq> = moved.into_iter().collect();
        let stored = self.store().messages_at(room, &moved).await?;
        let mut view = RoomView::new(room);
        let found = page.items.into_iter().chain(stored);
        view.messages.extend(found.map(|message| (message.seq, Some(message))));
        for entry in &past {
            view.apply(entry);
        }
        // What comes after a full page's last is the next page's.
        let here = |seq: Seq| before.is_none_or(|before| seq < before) && last.is_none_or(|last| seq >= last);
        let mut items: Vec<Message> = view.messages.into_values().flatten().collect();
        items.retain(|message| message.pinned && here(message.seq));
        items.sort_unstable_by_key(|message| std::cmp::Reverse(message.seq));
        let more = page.more || items.len() > limit;
        items.truncate(limit);
        Ok(Page { items, more })
    }

    /// Somebody's place in a room as it is now, with the room.
    pub async fn membership(
        &self,
        room: RoomId,
        user: UserId,
    ) -> Result<Option<(Head, Room, Option<Membership>)>, LogError> {
        let touches = Touches { members: [user].into(), ..Touches::default() };
        let Some((head, mut view)) = self.view(room, touches).await? else { return Ok(None) };
        let member = view.members.remove(&user).flatten().filter(|member| member.role.is_some());
        Ok(view.room.map(|room| (head, room, member)))
    }

    /// The head of a stream.
    pub async fn head(&self, stream: Stream) -> Result<Head, LogError> {
        Ok(self.store().heads(&[stream]).await?.first().map(|(_, head)| *head).unwrap_or_default())
    }

    async fn begin_view(&self, room: RoomId) -> Result<(Head, RoomView), LogError> {
        let watermark = self.store().watermark(Stream::Room(room)).await?;
        let mut view = RoomView::new(room);
        view.room = self.store().rooms(&[room]).await?.pop();
        Ok((watermark, view))
    }

    /// The entries past a place, and the head that they lead to.
    pub(super) async fn past(&self, stream: Stream, from: Head) -> Result<(Head, Vec<Entry>), LogError> {
        let (mut head, mut entries) = (from, vec![]);
        loop {
            let appends = self.store().read(stream, head.rev, CHUNK).await?;
            let Some(last) = appends.last() else { return Ok((head, entries)) };
            head = last.head();
            entries.extend(appends.into_iter().flat_map(|append| append.entries));
        }
    }

    /// Brings a listed room up to its head.
    async fn catch_up(&self, listed: &mut Listed, user: UserId) -> Result<Head, LogError> {
        let from = Head { rev: listed.room.rev, ..Head::default() };
        let known = listed.room.seq;
        let (head, past) = self.past(Stream::Room(listed.room.id), from).await?;
        let mut view = RoomView::new(listed.room.id);
        view.room = Some(listed.room.clone());
        view.members.insert(user, Some(listed.member.clone()));
        for entry in past.iter().filter(|entry| entry.rev > listed.room.rev) {
            view.apply(entry);
        }
        if let Some(room) = view.room {
            listed.room = room;
        }
        if let Some(member) = view.members.remove(&user).flatten() {
            listed.member = member;
        }
        let fresh: HashSet<Seq> = view
            .messages
            .values()
            .flatten()
            .filter(|message| message.seq > known.max(listed.read) && message.by != user)
            .filter(|message| message.everyone() || message.mentions().contains(&user))
            .map(|message| message.seq)
            .collect();
        listed.mentions += fresh.len() as u32;
        Ok(head)
    }
}

/// The range of seqs that a span means in a room whose last message is `last`, and whether what is cut off is at its beginning.
fn range(span: Span, last: Seq, limit: usize) -> (Seq, Seq, bool) {
    let limit = limit as u64;
    match span {
        Span::Last => (Seq(last.0.saturating_sub(limit - 1).max(1)), last, true),
        Span::Before(seq) => {
            let to = seq.0.saturating_sub(1).min(last.0);
            (Seq((to + 1).saturating_sub(limit).max(1)), Seq(to), true)
        }
        Span::After(seq) => (seq.next(), Seq(seq.0.saturating_add(limit).min(last.0)), false),
        Span::Around(seq) => {
            let middle = seq.0.min(last.0);
            let to = middle.saturating_add(limit / 2).min(last.0);
            (Seq((to + 1).saturating_sub(limit).max(1)), Seq(to), true)
        }
    }
}
