//! Where files are: told by the messages that hold them, with what isn't folded yet laid over.

use super::{Log, LogError};
use crate::model::{
    FileId, FileKind, Message, RoomId, Seq, Stream, UserId,
    room::{RoomView, Touches},
};

/// Messages of one room that are looked at for one file. Of a file that was posted more often there, and whose last
/// posts were all deleted a moment ago, the others are found once that is folded.
const LOOKED_AT: usize = 50;

impl Log {
    /// Whether a message of a room holds a file now; for `reader`, where one is named, only if they are a member.
    pub async fn holds(&self, room: RoomId, file: FileId, reader: Option<UserId>) -> Result<bool, LogError> {
        let stream = Stream::Room(room);
        let watermark = self.store().watermark(stream).await?;
        let mut view = RoomView::new(room);
        if let Some(user) = reader {
            let found = self.store().memberships(room, &[user]).await?.pop();
            view.members.insert(user, found);
        }
        let messages = self.store().messages_with(room, file, LOOKED_AT).await?;
        view.messages.extend(messages.into_iter().map(|message| (message.seq, Some(message))));
        let (_, past) = self.past(stream, watermark).await?;
        for entry in &past {
            view.apply(entry);
        }
        let here = reader.is_none_or(|user| view.member(user).is_some());
        let mut messages = view.messages.values().flatten();
        Ok(here && messages.any(|message| message.files().iter().any(|held| held.id == file)))
    }

    /// Messages of a room with `seq < before` that hold files of one of `kinds` (any kind, when there are none), the
    /// newest first; and where to go on, when there are more than `limit`.
    pub async fn messages_with_files(
        &self,
        room: RoomId,
        kinds: &[FileKind],
        before: Seq,
        limit: usize,
    ) -> Result<(Vec<Message>, Option<Seq>), LogError> {
        let stored = self.store().messages_with_files(room, kinds, before, limit).await?;
        let oldest = stored.items.last().map(|message| message.seq).filter(|_| stored.more);
        let touches = Touches {
            messages: stored.items.iter().map(|message| message.seq).collect(),
            ..Touches::default()
        };
        // With them come the messages that aren't folded yet.
        let Some((_, view)) = self.view(room, touches).await? else { return Ok((vec![], None)) };
        let wanted = |message: &Message| {
            let of_kind = |kind| kinds.is_empty() || kinds.contains(&kind);
            message.seq < before && message.files().iter().any(|file| of_kind(file.kind))
        };
        let mut messages: Vec<Message> = view.messages.into_values().flatten().filter(wanted).collect();
        messages.sort_unstable_by_key(|message| std::cmp::Reverse(message.seq));
        let cut = messages.len() > limit;
        messages.truncate(limit);
        let next = if cut { messages.last().map(|message| message.seq) } else { oldest };
        Ok((messages, next))
    }
}
