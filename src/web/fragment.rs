//! A message's markup, from the one partial that is its source: for pages and for live frames alike.

use std::{collections::HashMap, sync::Arc};

use askama::Template;

use super::attachments::AttachmentView;
use super::views::{
    CallView, MessageFragment, MessageKind, MessageView, ReactionView, ReplyView, SystemView,
};
use crate::{
    chat::Chat,
    error::{Error, Result},
    model::{
        Message, Person, PictureId, Seq, SystemLine, UserId,
        markdown::excerpt,
        room::{Body, Touches},
    },
};

/// How many characters of a message are shown where another answers it.
const EXCERPT: usize = 120;

/// Messages that others answer, by their places.
pub type Quoted = HashMap<Seq, Message>;

/// What a message's partial is filled with.
pub fn view(
    chat: &Chat,
    message: &Message,
    people: &HashMap<UserId, Arc<Person>>,
    quoted: &Quoted,
) -> MessageView {
    let name = |user: &UserId| people.get(user).map(|person| person.display.clone()).unwrap_or_default();
    let picture =
        |user: &UserId| people.get(user).map(|person| picture_of(&person.picture)).unwrap_or_default();
    let reply = message.reply_to.filter(|_| message.body != Body::Deleted).map(|seq| {
        let quoted = quoted.get(&seq);
        ReplyView {
            seq: seq.0,
            author: quoted.map(|message| message.by.to_string()).unwrap_or_default(),
            author_name: quoted.map(|message| name(&message.by)).unwrap_or_default(),
            author_picture: quoted.map(|message| picture(&message.by)).unwrap_or_default(),
            excerpt: quoted.map(first_words).unwrap_or_default(),
        }
    });
    MessageView {
        room: message.room.to_string(),
        seq: message.seq.0,
        rev: message.rev.0,
        base: message.base.0,
        author: message.by.to_string(),
        author_name: name(&message.by),
        author_picture: picture(&message.by),
        at_iso: message.at.iso(),
        at_ms: message.at.0,
        kind: match message.body {
            Body::Text { .. } => MessageKind::Text,
            Body::Deleted => MessageKind::Deleted,
            Body::System(_) => MessageKind::System,
        },
        body_html: chat.markup(message, people).into_string(),
        files: message.files().iter().map(AttachmentView::from).collect(),
        edited_iso: message.edited.map(|at| at.iso()),
        reply,
        reactions: message
            .reactions
            .iter()
            .map(|reaction| ReactionView {
                emoji: reaction.emoji.clone(),
                users: reaction.users.iter().map(UserId::to_string).collect(),
            })
            .collect(),
        mentions: message.mentions().iter().map(UserId::to_string).collect(),
        everyone: message.everyone(),
        pinned: message.pinned,
        nonce: message.nonce.clone(),
        system: match &message.body {
            Body::System(line) => Some(system(line, name)),
            _ => None,
        },
        follows: false,
    }
}

/// The views of messages, all of one room.
pub async fn views(chat: &Chat, messages: &[Message]) -> Result<Vec<MessageView>> {
    let quoted = quoted(chat, messages).await?;
    let people = {
        let shown: Vec<&Message> = messages.iter().chain(quoted.values()).collect();
        chat.people_of(&shown).await?
    };
    Ok(messages.iter().map(|message| view(chat, message, &people, &quoted)).collect())
}

/// The messages that these answer, as far as they aren't among them.
async fn quoted(chat: &Chat, messages: &[Message]) -> Result<Quoted> {
    let Some(room) = messages.first().map(|message| message.room) else { return Ok(Quoted::new()) };
    let wanted: Vec<Seq> = messages.iter().filter_map(|message| message.reply_to).collect();
    if wanted.is_empty() {
        return Ok(Quoted::new());
    }
    let mut quoted: Quoted = messages
        .iter()
        .map(|message| (message.seq, message.clone()))
        .filter(|(seq, _)| wanted.contains(seq))
        .collect();
    let missing: Vec<Seq> = wanted.into_iter().filter(|seq| !quoted.contains_key(seq)).collect();
    if !missing.is_empty() {
        // Through the log: what was deleted a moment ago must not be quoted from a projection that lags.
        let touches = Touches { messages: missing.into_iter().collect(), ..Touches::default() };
        let view = chat.log().view(room, touches).await?;
        let found = view.into_iter().flat_map(|(_, view)| view.messages.into_values().flatten());
        quoted.extend(found.map(|message| (message.seq, message)));
    }
    Ok(quoted)
}

/// A picture's id, as templates take it.
pub fn picture_of(picture: &Option<PictureId>) -> String {
    picture.as_ref().map(|id| id.as_str().to_owned()).unwrap_or_default()
}

/// The markup of one message.
pub fn html(view: MessageView) -> Result<String> {
    MessageFragment { m: view }.render().map_err(Error::internal)
}

fn first_words(message: &Message) -> String {
    match &message.body {
        Body::Text { text, files, .. } if text.is_empty() => {
            files.first().map(|file| file.name.to_string()).unwrap_or_default()
        }
        Body::Text { text, .. } => excerpt(text, EXCERPT),
        Body::Deleted | Body::System(_) => String::new(),
    }
}

fn system(line: &SystemLine, name: impl Fn(&UserId) -> String) -> SystemView {
    let about = |what: &str, user: &UserId| SystemView {
        what: what.to_owned(),
        user: Some(user.to_string()),
        user_name: Some(name(user)),
        ..SystemView::default()
    };
    match line {
        SystemLine::Renamed { name } => {
            SystemView { what: "renamed".to_owned(), name: Some(name.clone()), ..SystemView::default() }
        }
        SystemLine::Topic { topic } => {
            SystemView { what: "topic".to_owned(), topic: Some(topic.clone()), ..SystemView::default() }
        }
        SystemLine::Joined { user } => about("joined", user),
        SystemLine::Left { user } => about("left", user),
        SystemLine::Removed { user } => about("removed", user),
        SystemLine::Call { call: _, outcome, length_ms, people } => SystemView {
            what: "call".to_owned(),
            call: Some(CallView {
                outcome: outcome.as_str(),
                length_ms: *length_ms,
                people: people.iter().map(UserId::to_string).collect::<Vec<_>>().join(" "),
            }),
            ..SystemView::default()
        },
    }
}
