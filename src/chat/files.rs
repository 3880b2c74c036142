//! Files of messages: posting them, listing a room's, letting go of them.

use std::time::Duration;

use super::{Chat, Readable};
use crate::{
    error::{Code, Error, Result},
    log::Pending,
    model::{
        Actor, Attachment, Change, Command, FileId, FileKind, Message, Nonce, NonceKey, Refusal, RoomCommand,
        RoomId, Seq, Stream, Timestamp,
        file::MAX_FILES,
        room::Touches,
        text::{Invalid, MessageText},
    },
};

/// How long after a file was about to be posted, or a message with it about to be deleted, somebody looks whether
/// anything uses it. Longer than any change may take.
const LOOK_AFTER: Duration = Duration::from_secs(60);

/// Something to say.
#[derive(Debug, Clone, Default)]
pub struct NewMessage {
    text: Option<MessageText>,
    reply_to: Option<Seq>,
    files: Vec<FileId>,
}

impl NewMessage {
    /// Words alone.
    pub fn words(text: MessageText, reply_to: Option<Seq>) -> Self {
        Self { text: Some(text), reply_to, files: vec![] }
    }

    /// Words, files, or both.
    ///
    /// # Errors
    /// `Invalid` when there is neither, or too much of one.
    pub fn new(text: &str, reply_to: Option<Seq>, files: Vec<FileId>) -> Result<Self, Invalid> {
        let invalid = |why: String| Err(Invalid { field: "files", why });
        if files.len() > MAX_FILES {
            return invalid(format!("At most {MAX_FILES} files; there are {}.", files.len()));
        }
        if (1..files.len()).any(|n| files[n..].contains(&files[n - 1])) {
            return invalid("A file can be there only once.".to_owned());
        }
        let silent = text.trim().is_empty() && !files.is_empty();
        Ok(Self { text: if silent { None } else { Some(text.parse()?) }, reply_to, files })
    }
}

/// New words for a message that may do without.
///
/// # Errors
/// `Invalid` when they are too many.
pub fn words(text: &str) -> Result<Option<MessageText>, Invalid> {
    if text.trim().is_empty() { Ok(None) } else { text.parse().map(Some) }
}

impl Chat {
    /// Says something in a room.
    ///
    /// # Errors
    /// `NotFound` when a file isn't there, or isn't of who posts.
    pub async fn post(&self, actor: Actor, room: RoomId, nonce: &Nonce, new: NewMessage) -> Result<Pending> {
        self.floods.check(actor.user)?;
        let NewMessage { text, reply_to, files } = new;
        let mentions = match &text {
            Some(text) => self.mentions(text).await?,
            None => Default::default(),
        };
        let attachments = self.attach(actor, room, &files).await?;
        let all = attachments.len() == files.len();
        let change = Change {
            stream: Stream::Room(room),
            actor,
            nonce: NonceKey::asked(actor.user, nonce),
            command: Command::Room(RoomCommand::Post { text, reply_to, mentions, files, attachments }),
        };
        if !all {
            // Of what was posted before, a file may be gone by now.
            let first = self.log.first_result(&change).await?;
            return first.map(Pending::known).ok_or_else(|| Error::new(Code::NotFound).at("files"));
        }
        Ok(self.log.enqueue(change).await?)
    }

    /// Notes that files are about to be posted to a room; returns those that can be, in their order.
    async fn attach(&self, actor: Actor, room: RoomId, files: &[FileId]) -> Result<Vec<Attachment>> {
        if files.is_empty() {
            return Ok(vec![]);
        }
        let due = Timestamp::now().plus(LOOK_AFTER);
        let mut found = self.log.store().attach(actor.user, files, room, due).await?;
        found.sort_by_key(|found| files.iter().position(|file| *file == found.id));
        Ok(found)
    }

    /// Has somebody look, once a message is deleted, whether anything else uses its files. Before it is deleted: who dies
    /// in between must not leave files that nobody looks at.
    pub(super) async fn loosen(&self, room: RoomId, seq: Seq) -> Result<()> {
        let touches = Touches { messages: [seq].into(), ..Touches::default() };
        let view = self.log.view(room, touches).await?;
        let files: Vec<FileId> = view
            .iter()
            .filter_map(|(_, view)| view.message(seq))
            .flat_map(Message::files)
            .map(|file| file.id)
            .collect();
        if !files.is_empty() {
            self.log.store().loosen(&files, Timestamp::now().plus(LOOK_AFTER)).await?;
        }
        Ok(())
    }

    /// Messages of a room that hold files, the newest first, and where to go on.
    ///
    /// # Errors
    /// `NotFound` for who isn't a member: a visitor may read a public room, but doesn't get its files.
    pub async fn messages_with_files(
        &self,
        room: &Readable,
        kinds: &[FileKind],
        before: Option<Seq>,
        limit: usize,
    ) -> Result<(Vec<Message>, Option<Seq>)> {
        if room.member.is_none() {
            return Err(Refusal::JoinFirst.into());
        }
        let before = before.unwrap_or(Seq(u64::MAX));
        Ok(self.log.messages_with_files(room.room.id, kinds, before, limit).await?)
    }
}
