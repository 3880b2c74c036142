//! What the templates are filled with.
//!
//! Plain fields and no I/O: a handler gathers, fills one of the `…Page` or `…Fragment` structs, and renders it.
//! Pages are whole documents; fragments are parts that the page's script asks for or that live frames carry.
//! All times are RFC 3339 in UTC; the page's script shows them in the reader's language and zone.

use askama::Template;

use super::attachments::AttachmentView;
use crate::error::Error;

/// How many hues avatars have (`data-hue` in the style sheets).
const HUES: u32 = 12;

/// A person's hue, from their id: the same on every page and node. `static/js/names.js` does the same.
pub fn hue(id: &str) -> u32 {
    id.bytes().fold(7_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 65_521) % HUES
}

/// Up to two letters that stand for a name: of its first and last word.
pub fn initials(name: &str) -> String {
    let first = |word: &str| word.chars().find(|c| c.is_alphanumeric());
    let mut words = name.split_whitespace().filter_map(first);
    let start = words.next();
    let end = words.next_back();
    start.into_iter().chain(end).collect()
}

/// Where a page leaves room for a piece that many are shown, which is rendered apart and put in later. What people write is
/// escaped, and so is never one of these.
pub mod mark {
    /// The icons.
    pub const ICONS: &str = "<!--icons-->";
    /// A room's messages.
    pub const MESSAGES: &str = "<!--messages-->";
    /// What there is below where one writes.
    pub const TOOLS: &str = "<!--tools-->";
    /// A room's people.
    pub const PEOPLE: &str = "<!--people-->";
}

/// What every whole document needs.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Prefix of all assets, without a slash at its end: `/assets/1f3a…`.
    pub assets: String,
    /// The server's name, as people see it.
    pub server: String,
    /// Language of the page, for `<html lang>`: `en`.
    pub lang: String,
}

/// A person, wherever one is named.
#[derive(Debug, Clone, Default)]
pub struct PersonView {
    /// The id.
    pub user: String,
    /// The name that is written after `@`.
    pub name: String,
    /// The display name.
    pub display: String,
    /// What they say about themselves; may be empty.
    pub bio: String,
    /// `online`, `idle` or `offline`; where it isn't known yet, `offline`.
    pub state: String,
    /// Id of their picture; may be empty.
    pub picture: String,
    /// What they say of the moment.
    pub status: Option<StatusView>,
}

/// What somebody says of the moment.
#[derive(Debug, Clone, Default)]
pub struct StatusView {
    /// One emoji.
    pub emoji: Option<String>,
    /// A few words; may be empty.
    pub text: String,
    /// Whether they don't want to be disturbed.
    pub busy: bool,
    /// When it is over, in milliseconds since 1970.
    pub until_ms: Option<i64>,
}

impl PersonView {
    /// The avatar's hue.
    pub fn hue(&self) -> u32 {
        hue(&self.user)
    }
    /// The avatar's letters.
    pub fn initials(&self) -> String {
        initials(&self.display)
    }
    /// Whether they don't want to be disturbed.
    pub fn busy(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.busy)
    }
    /// The presence as the style sheets know it.
    pub fn presence(&self) -> &'static str {
        match self.state.as_str() {
            "online" => "here",
            "idle" => "away",
            _ => "off",
        }
    }
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MessageKind {
    /// Written by a person.
    #[default]
    Text,
    /// Written by a person, then deleted: nothing of it is left.
    Deleted,
    /// A line about the room itself.
    System,
}

impl MessageKind {
    /// As in the protocol and in `data-kind`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Deleted => "deleted",
            Self::System => "system",
        }
    }
}

/// What a reply answers.
#[derive(Debug, Clone, Default)]
pub struct ReplyView {
    /// Place of the message that is answered.
    pub seq: u64,
    /// Id of its author.
    pub author: String,
    /// Display name of its author.
    pub author_name: String,
    /// Id of its author's picture; may be empty.
    pub author_picture: String,
    /// Its beginning as plain text, one line; empty when it was deleted.
    pub excerpt: String,
}

impl ReplyView {
    /// The avatar's hue.
    pub fn hue(&self) -> u32 {
        hue(&self.author)
    }
    /// The avatar's letters.
    pub fn initials(&self) -> String {
        initials(&self.author_name)
    }
}

/// One emoji under a message and who chose it.
#[derive(Debug, Clone, Default)]
pub struct ReactionView {
    /// The emoji.
    pub emoji: String,
    /// Ids of those who chose it, the first first.
    pub users: Vec<String>,
}

impl ReactionView {
    /// The ids in one attribute.
    pub fn users_list(&self) -> String {
        self.users.join(" ")
    }
}

/// A line about the room: what happened. Who did it is the message's author.
#[derive(Debug, Clone, Default)]
pub struct SystemView {
    /// `created`, `renamed`, `topic`, `joined`, `left`, `removed` or `call`.
    pub what: String,
    /// Id of the person it happened to, where that isn't the author.
    pub user: Option<String>,
    /// Their display name.
    pub user_name: Option<String>,
    /// The room's new name.
    pub name: Option<String>,
    /// The room's new topic.
    pub topic: Option<String>,
    /// The call that is over.
    pub call: Option<CallView>,
}

/// A call that is over, in a system line.
#[derive(Debug, Clone)]
pub struct CallView {
    /// `finished`, `missed` or `declined`.
    pub outcome: &'static str,
    /// How long it was, in milliseconds.
    pub length_ms: u64,
    /// Ids of those who were in it, in the order of coming, blanks between.
    pub people: String,
}

/// A message, the same for all its readers.
#[derive(Debug, Clone, Default)]
pub struct MessageView {
    /// The room's id.
    pub room: String,
    /// Place in the room.
    pub seq: u64,
    /// Rev of its last entry.
    pub rev: u64,
    /// Rev of its text.
    pub base: u64,
    /// Id of the author.
    pub author: String,
    /// Display name of the author.
    pub author_name: String,
    /// Id of the author's picture; may be empty.
    pub author_picture: String,
    /// When it was posted: `2026-05-13T16:31:07Z`.
    pub at_iso: String,
    /// The same in milliseconds since 1970.
    pub at_ms: i64,
    /// What it is.
    pub kind: MessageKind,
    /// Sanitised markup of its text; it is not escaped again. Empty unless `kind` is `Text`.
    pub body_html: String,
    /// Its files.
    pub files: Vec<AttachmentView>,
    /// When it was last edited, if it was.
    pub edited_iso: Option<String>,
    /// What it answers.
    pub reply: Option<ReplyView>,
    /// Emoji and who chose them.
    pub reactions: Vec<ReactionView>,
    /// Ids of those it mentions.
    pub mentions: Vec<String>,
    /// Whether it addresses everybody in the room.
    pub everyone: bool,
    /// Whether it is pinned.
    pub pinned: bool,
    /// The author's nonce, so that their page finds its pending message.
    pub nonce: String,
    /// What happened, when `kind` is `System`.
    pub system: Option<SystemView>,
    /// Whether it follows one by the same author closely: see [`group`]. False in live frames.
    pub follows: bool,
}

impl MessageView {
    /// The avatar's hue.
    pub fn hue(&self) -> u32 {
        hue(&self.author)
    }
    /// The avatar's letters.
    pub fn initials(&self) -> String {
        initials(&self.author_name)
    }
    /// Those of its files that are shown in the grid of pictures.
    pub fn images(&self) -> Vec<&AttachmentView> {
        self.files.iter().filter(|file| file.is_image()).collect()
    }
    /// The ids it mentions in one attribute.
    pub fn mentions_list(&self) -> String {
        self.mentions.join(" ")
    }
    /// Hour and minute (UTC), shown until the script knows the reader's zone.
    pub fn clock(&self) -> &str {
        self.at_iso.get(11..16).unwrap_or_default()
    }
    /// What happened, for the attributes of a system line.
    pub fn line(&self) -> SystemView {
        self.system.clone().unwrap_or_default()
    }
}

/// Messages by one author within this time stand together, without name and picture. In milliseconds.
/// `static/js/grouping.js` has the same.
const TOGETHER_MS: i64 = 5 * 60 * 1000;

/// Marks the messages that follow one by the same author. A page groups again when it knows the reader's days.
pub fn group(messages: &mut [MessageView]) {
    let mut before: Option<(String, i64)> = None;
    for message in messages {
        let talk = message.kind != MessageKind::System;
        message.follows = talk
            && message.reply.is_none()
            && before
                .as_ref()
                .is_some_and(|(author, at)| *author == message.author && message.at_ms - at < TOGETHER_MS);
        before = talk.then(|| (message.author.clone(), message.at_ms));
    }
}

/// A row of the room list.
#[derive(Debug, Clone, Default)]
pub struct RailRoom {
    /// The room's id.
    pub room: String,
    /// `public`, `private`, `group` or `direct`.
    pub kind: String,
    /// Its name; of direct and group messages, the names of the others.
    pub name: String,
    /// Place of its last message.
    pub seq: u64,
    /// Place of the last one that was read.
    pub read: u64,
    /// Unread ones that mention this person.
    pub mentions: u64,
    /// The other person of a direct message.
    pub partner: Option<PersonView>,
    /// How many people a group message has.
    pub members: u64,
    /// Id of its picture; may be empty.
    pub picture: String,
}

impl RailRoom {
    /// How many messages are unread.
    pub fn unread(&self) -> u64 {
        self.seq.saturating_sub(self.read)
    }
    /// The number of the badge: mentions, else unread ones. All in direct messages are addressed to one.
    pub fn count(&self) -> String {
        let count = if self.mentions > 0 { self.mentions } else { self.unread() };
        if count > 99 { "99+".to_owned() } else { count.to_string() }
    }
    /// Whether the badge is lit.
    pub fn lit(&self) -> bool {
        self.mentions > 0 || (self.unread() > 0 && self.kind == "direct")
    }
}

/// The room list and the person's own panel.
#[derive(Debug, Clone, Default)]
pub struct RailView {
    /// Public and private rooms, by name.
    pub rooms: Vec<RailRoom>,
    /// Direct and group messages, the latest first.
    pub direct: Vec<RailRoom>,
    /// Who looks.
    pub me: PersonView,
    /// The room on show.
    pub current: Option<String>,
    /// Whether this person owns the server.
    pub owner: bool,
}

impl RailView {
    /// Whether this is the room on show.
    pub fn is_current(&self, room: &str) -> bool {
        self.current.as_deref() == Some(room)
    }
}

/// A member of a room.
#[derive(Debug, Clone, Default)]
pub struct MemberView {
    /// Who.
    pub person: PersonView,
    /// `owner` or `member`.
    pub role: String,
}

/// The people of a room.
#[derive(Debug, Clone, Default)]
pub struct PeopleView {
    /// The room's id.
    pub room: String,
    /// How many members it has.
    pub total: u64,
    /// Those on this page, by name.
    pub members: Vec<MemberView>,
    /// Where the next page begins, to be sent as `after`.
    pub next: Option<String>,
}

impl PeopleView {
    /// How many of those on this page are `here`, `away` or `off`.
    pub fn count(&self, presence: &str) -> usize {
        self.members.iter().filter(|m| m.person.presence() == presence).count()
    }
}

/// A page of a room's messages.
#[derive(Debug, Clone, Default)]
pub struct HistoryView {
    /// The messages, the oldest first.
    pub messages: Vec<MessageView>,
    /// Whether there are older ones.
    pub more_before: bool,
    /// Whether there are newer ones.
    pub more_after: bool,
}

impl HistoryView {
    /// Seq of the first message, or 0.
    pub fn first(&self) -> u64 {
        self.messages.first().map_or(0, |m| m.seq)
    }
    /// Seq of the last message, or 0.
    pub fn last(&self) -> u64 {
        self.messages.last().map_or(0, |m| m.seq)
    }
}

/// A room on show.
#[derive(Debug, Clone, Default)]
pub struct RoomView {
    /// The id.
    pub room: String,
    /// `public`, `private`, `group` or `direct`.
    pub kind: String,
    /// Its name; of direct and group messages, the names of the others.
    pub name: String,
    /// Its topic; may be empty.
    pub topic: String,
    /// Whether it is archived: nobody posts any more.
    pub archived: bool,
    /// How many members it has.
    pub members: u64,
    /// `owner`, `member`, or empty for somebody who isn't a member.
    pub role: String,
    /// Rev of the last entry that this view reflects.
    pub rev: u64,
    /// Tag of that entry.
    pub tag: String,
    /// Place of the last message.
    pub seq: u64,
    /// Place of the last one that was read.
    pub read: u64,
    /// Unread ones that mention this person.
    pub mentions: u64,
    /// This person's draft; may be empty.
    pub draft: String,
    /// Id of its picture; may be empty.
    pub picture: String,
    /// The most bytes of a file that is uploaded.
    pub upload_max: u64,
    /// The other person of a direct message.
    pub partner: Option<PersonView>,
    /// The message to open at (`?at=`).
    pub at: Option<u64>,
    /// Whether there are messages before those on show.
    pub more_before: bool,
    /// How many messages it has pinned, as far as they are counted: see [`crate::web::pages`].
    pub pins: usize,
}

impl RoomView {
    /// Whether the one who looks is a member.
    pub fn joined(&self) -> bool {
        !self.role.is_empty()
    }
    /// Whether the one who looks may write.
    pub fn writable(&self) -> bool {
        self.joined() && !self.archived
    }
    /// Whether this is a room with a name, not a direct or group message.
    pub fn named(&self) -> bool {
        matches!(self.kind.as_str(), "public" | "voice" | "private")
    }
    /// Whether the one who looks may rename it and change its people.
    pub fn owned(&self) -> bool {
        self.role == "owner"
    }
}

/// `GET /rooms/{room}`: the whole page, but for what is [`mark`]ed in it.
#[derive(Debug, Template)]
#[template(path = "room.html")]
pub struct RoomPage {
    /// The document.
    pub frame: Frame,
    /// The room list.
    pub rail: RailView,
    /// The room.
    pub room: RoomView,
}

/// `GET /rooms/{room}/view`: what changes when one moves to another room, but for what is [`mark`]ed in it.
#[derive(Debug, Template)]
#[template(path = "view.html")]
pub struct RoomFragment {
    /// The room.
    pub room: RoomView,
}

/// What there is below where one writes, the same for everybody.
#[derive(Debug, Template)]
#[template(path = "tools.html")]
pub struct ToolsFragment;

/// `GET /rooms/{room}/messages`: a page of messages.
#[derive(Debug, Template)]
#[template(path = "history.html")]
pub struct HistoryFragment {
    /// The messages.
    pub history: HistoryView,
}

/// One message, for live frames and `resumed`.
#[derive(Debug, Template)]
#[template(path = "message.html")]
pub struct MessageFragment {
    /// The message.
    pub m: MessageView,
}

/// `GET /rooms/{room}/pins`: a page of what a room has pinned.
#[derive(Debug, Template)]
#[template(path = "pins.html")]
pub struct PinsFragment {
    /// The messages, the newest first.
    pub messages: Vec<MessageView>,
    /// Whether the one who looks may unpin them.
    pub joined: bool,
    /// Where the next page begins, to be sent as `after`.
    pub next: Option<u64>,
}

/// `GET /rooms/{room}/people`.
#[derive(Debug, Template)]
#[template(path = "people.html")]
pub struct PeopleFragment {
    /// The people.
    pub people: PeopleView,
}

/// `GET /rail`.
#[derive(Debug, Template)]
#[template(path = "rail.html")]
pub struct RailFragment {
    /// The room list.
    pub rail: RailView,
}

/// `GET /people/{user}/card`.
#[derive(Debug, Template)]
#[template(path = "card.html")]
pub struct CardFragment {
    /// Who.
    pub person: PersonView,
    /// Whether that is the one who looks.
    pub me: bool,
    /// When they joined the server, if known.
    pub since_iso: Option<String>,
}

/// Why something was refused, as it is said to a person.
#[derive(Debug, Clone)]
pub struct ErrorView {
    /// The stable code; the page's script says it in the reader's language.
    pub code: &'static str,
    /// The field at fault; may be empty.
    pub field: String,
    /// One sentence, for who has no script.
    pub message: String,
}

impl From<&Error> for ErrorView {
    fn from(error: &Error) -> Self {
        let field = error.field().unwrap_or_default().to_owned();
        Self { code: error.code().as_str(), field, message: error.message().to_owned() }
    }
}

/// `GET /login`, and again after a refused `POST /login`.
#[derive(Debug, Template)]
#[template(path = "login.html")]
pub struct LoginPage {
    /// The document.
    pub frame: Frame,
    /// The name as typed.
    pub name: String,
    /// Where to go afterwards: a path of this server.
    pub next: String,
    /// Why it was refused.
    pub error: Option<ErrorView>,
    /// Whether anyone may register.
    pub open: bool,
}

/// `GET /register`, and again after a refused `POST /register`.
#[derive(Debug, Template)]
#[template(path = "register.html")]
pub struct RegisterPage {
    /// The document.
    pub frame: Frame,
    /// The name as typed.
    pub name: String,
    /// The display name as typed.
    pub display: String,
    /// The invitation from the link; may be empty.
    pub invite: String,
    /// A random value, made by the server for this form and kept when it is shown again.
    pub nonce: String,
    /// Whether this makes the server's owner.
    pub first: bool,
    /// Whether a person without an invitation can't register here.
    pub closed: bool,
    /// What is wrong as a whole.
    pub error: Option<ErrorView>,
    /// What is wrong with the name.
    pub name_error: Option<ErrorView>,
    /// What is wrong with the display name.
    pub display_error: Option<ErrorView>,
    /// What is wrong with the password.
    pub password_error: Option<ErrorView>,
}

/// A public room in the list of all.
#[derive(Debug, Clone, Default)]
pub struct PublicRoom {
    /// The id.
    pub room: String,
    /// The name.
    pub name: String,
    /// The topic; may be empty.
    pub topic: String,
    /// How many members it has.
    pub members: u64,
    /// Whether the one who looks is a member.
    pub joined: bool,
    /// Id of its picture; may be empty.
    pub picture: String,
}

/// `GET /browse`: public rooms.
#[derive(Debug, Template)]
#[template(path = "browse.html")]
pub struct BrowsePage {
    /// The document.
    pub frame: Frame,
    /// The room list.
    pub rail: RailView,
    /// What was searched for; may be empty.
    pub q: String,
    /// The rooms found.
    pub rooms: Vec<PublicRoom>,
    /// Where the next page begins, to be sent as `after`.
    pub next: Option<String>,
}

/// `GET /new`: a new room.
#[derive(Debug, Template)]
#[template(path = "new.html")]
pub struct NewRoomPage {
    /// The document.
    pub frame: Frame,
    /// The room list.
    pub rail: RailView,
    /// `public`, `private` or `group`, from `?kind=`.
    pub kind: String,
}

/// `GET /people`: find a person.
#[derive(Debug, Template)]
#[template(path = "find.html")]
pub struct FindPage {
    /// The document.
    pub frame: Frame,
    /// The room list.
    pub rail: RailView,
    /// What was searched for; may be empty.
    pub q: String,
    /// The people found.
    pub people: Vec<PersonView>,
    /// Where the next page begins, to be sent as `after`.
    pub next: Option<String>,
}

/// A session of one's own.
#[derive(Debug, Clone, Default)]
pub struct SessionView {
    /// The id.
    pub id: String,
    /// `browser` or `program`.
    pub kind: String,
    /// What it called itself: the browser's User-Agent, or a program's.
    pub agent: String,
    /// When it began.
    pub created_iso: String,
    /// When it was last seen.
    pub seen_iso: String,
    /// Whether it is this one.
    pub current: bool,
}

impl SessionView {
    /// Browser and system in a few words, from the agent: `Firefox on Linux`.
    pub fn title(&self) -> String {
        if self.agent.is_empty() {
            return "Unknown device".to_owned();
        }
        let has = |mark: &str| self.agent.contains(mark);
        let browser = [("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome")]
            .into_iter()
            .chain([("Safari/", "Safari")])
            .find(|(mark, _)| has(mark));
        let Some((_, browser)) = browser else {
            return self.agent.chars().take(60).collect();
        };
        let systems =
            [("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows")];
        let system =
            systems.into_iter().chain([("Mac OS X", "Mac"), ("Linux", "Linux")]).find(|(mark, _)| has(mark));
        system.map_or_else(|| browser.to_owned(), |(_, system)| format!("{browser} on {system}"))
    }
    /// Whether it looks like a phone.
    pub fn phone(&self) -> bool {
        ["Android", "iPhone", "Mobile"].iter().any(|mark| self.agent.contains(mark))
    }
}

/// An invitation to the server.
#[derive(Debug, Clone, Default)]
pub struct InviteView {
    /// The id.
    pub id: String,
    /// When it was made.
    pub created_iso: String,
    /// When it runs out.
    pub expires_iso: String,
    /// How many may still use it.
    pub uses_left: u64,
}

/// `GET /settings`.
#[derive(Debug, Template)]
#[template(path = "settings.html")]
pub struct SettingsPage {
    /// The document.
    pub frame: Frame,
    /// Who.
    pub me: PersonView,
    /// All their sessions, this one first.
    pub sessions: Vec<SessionView>,
    /// Open invitations; none unless they own the server.
    pub invites: Option<Vec<InviteView>>,
}

/// `GET /rooms/{room}/settings`.
#[derive(Debug, Template)]
#[template(path = "room_settings.html")]
pub struct RoomSettingsPage {
    /// The document.
    pub frame: Frame,
    /// The room list.
    pub rail: RailView,
    /// The room; its history may be empty.
    pub room: RoomView,
    /// Its people.
    pub people: PeopleView,
}

/// `GET /offline`: what a browser shows when there is no network.
#[derive(Debug, Template)]
#[template(path = "offline.html")]
pub struct OfflinePage {
    /// The document.
    pub frame: Frame,
}

/// What is shown instead of a page.
#[derive(Debug, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// The document.
    pub frame: Frame,
    /// The status: 404.
    pub status: u16,
    /// What went wrong.
    pub error: ErrorView,
    /// The request's id, to be told to the operator; may be empty.
    pub request: String,
}

impl ErrorPage {
    /// The heading.
    pub fn title(&self) -> &'static str {
        match self.status {
            401 => "Sign in first",
            403 => "This door is closed",
            404 => "There is nothing here",
            429 => "One moment",
            503 => "Not available just now",
            _ => "Something went wrong",
        }
    }
}
