//! What a client asks for over its socket: translated, done by a capability, answered.

use std::{
    collections::HashSet,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::timeout;

use super::{
    Format,
    encode::Messages,
    frame::Frame,
    frames::{
        ClientFrame, DraftState, ErrorFrame, MemberState, Profile, Resumed, ResumedMessage, RoomHead,
        RoomState, ServerFrame, Shown,
    },
    hub::Hub,
    lane::Reader,
};
use crate::{
    chat::{NewMessage, PictureFields, words},
    error::{Code, Error, Result},
    log::{Pending, Resume, Since, Why},
    model::{Actor, Done, Head, Nonce, Refusal, RoomId, Timestamp, UserId, What},
};

/// A resume of more bytes than this is a reload.
const MAX_RESUME: usize = 1 << 20;
/// Members whose presence is followed in one room.
const MAX_WATCHED: usize = 20_000;
/// Members read in one go.
const CHUNK: usize = 1_000;
/// How long to wait for somebody else who reads the members of the same room.
const TURN: Duration = Duration::from_secs(10);

/// How far a frame's request is.
pub(super) enum Begun {
    /// It is done, and this is the answer, if it has one.
    Done(Option<Frame>),
    /// The change that it asks for is on its way.
    Underway(Underway),
}

/// A change on its way, and what its answer names.
pub(super) struct Underway {
    room: RoomId,
    nonce: Nonce,
    pending: Pending,
}

impl Future for Underway {
    type Output = Frame;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Frame> {
        let made = ready!(Pin::new(&mut self.pending).poll(cx));
        Poll::Ready(match made {
            Ok(done) => ack(self.room, &self.nonce, done),
            Err(error) => refuse(&error.into(), Some(self.nonce.as_str())),
        })
    }
}

/// Begins what a frame asks for. `Watch`, `Presence`, `Token` and `Ping` concern the socket itself: they are the gateway's.
pub(super) async fn begin(hub: &Hub, actor: Actor, format: Format, frame: ClientFrame) -> Begun {
    let nonce = frame.nonce().map(str::to_owned);
    let resumed = match &frame {
        ClientFrame::Resume { room, .. } => Some(*room),
        _ => None,
    };
    match try_begin(hub, actor, format, frame).await {
        Ok(begun) => begun,
        Err(error) => Begun::Done(Some(match resumed {
            Some(room) => {
                log(&error);
                ServerFrame::Error(ErrorFrame::of_resume(&error, room)).encode()
            }
            None => refuse(&error, nonce.as_deref()),
        })),
    }
}

/// The frame that tells of an error.
pub(super) fn refuse(error: &Error, nonce: Option<&str>) -> Frame {
    log(error);
    ServerFrame::Error(ErrorFrame::new(error, nonce)).encode()
}

/// What the client isn't told.
fn log(error: &Error) {
    if let Some(cause) = error.cause() {
        tracing::warn!(code = error.code().as_str(), %cause, "a frame failed");
    }
}

async fn try_begin(hub: &Hub, actor: Actor, format: Format, frame: ClientFrame) -> Result<Begun> {
    let chat = hub.chat();
    let (room, nonce, pending) = match frame {
        ClientFrame::Message { room, nonce, text, reply_to, files } => {
            let new = NewMessage::new(&text, reply_to, files)?;
            let pending = chat.post(actor, room, &nonce, new).await?;
            (room, nonce, pending)
        }
        ClientFrame::Edit { room, nonce, seq, base, text } => {
            let pending = chat.edit(actor, room, &nonce, seq, base, words(&text)?).await?;
            (room, nonce, pending)
        }
        ClientFrame::Delete { room, nonce, seq } => {
            let pending = chat.delete(actor, room, &nonce, seq).await?;
            (room, nonce, pending)
        }
        ClientFrame::React { room, nonce, seq, emoji, on } => {
            let pending = chat.react(actor, room, &nonce, seq, emoji.parse()?, on).await?;
            (room, nonce, pending)
        }
        ClientFrame::Pin { room, nonce, seq, on } => {
            let pending = chat.pin(actor, room, &nonce, seq, on).await?;
            (room, nonce, pending)
        }
        ClientFrame::Read { room, nonce, seq } => {
            let done = chat.read(actor, room, &nonce, seq).await?;
            return Ok(Begun::Done(Some(ack(room, &nonce, done))));
        }
        ClientFrame::Draft { room, nonce, text } => {
            let done = chat.draft(actor, room, &nonce, text.parse()?).await?;
            return Ok(Begun::Done(Some(ack(room, &nonce, done))));
        }
        ClientFrame::Resume { room, rev, tag } => {
            let from = Head { rev, tag };
            let frame = match room {
                Some(room) => resume_room(hub, actor.user, format, room, from).await?,
                None => resume_person(hub, actor.user, from).await?,
            };
            return Ok(Begun::Done(Some(frame)));
        }
        ClientFrame::Typing { room } => {
            if chat.readable(actor.user, room).await?.member.is_some() {
                hub.typing(room, actor.user);
            }
            return Ok(Begun::Done(None));
        }
        ClientFrame::Watch { .. }
        | ClientFrame::Presence { .. }
        | ClientFrame::Token { .. }
        | ClientFrame::Ping {} => return Ok(Begun::Done(None)),
        // Those about calls are told apart before.
        ClientFrame::CallJoin { .. }
        | ClientFrame::CallLeave { .. }
        | ClientFrame::CallDecline { .. }
        | ClientFrame::CallRing { .. }
        | ClientFrame::CallMedia { .. }
        | ClientFrame::CallSpeaking { .. }
        | ClientFrame::WebrtcOffer { .. }
        | ClientFrame::WebrtcAnswer { .. }
        | ClientFrame::WebrtcIce { .. }
        | ClientFrame::WebrtcAck { .. } => return Ok(Begun::Done(None)),
    };
    Ok(Begun::Underway(Underway { room, nonce, pending }))
}

fn ack(room: RoomId, nonce: &Nonce, done: Done) -> Frame {
    let Done { rev, tag, seq } = done;
    ServerFrame::Ack { nonce: nonce.as_str(), room: Some(room), rev, tag, seq }.encode()
}

async fn resume_room(hub: &Hub, user: UserId, format: Format, room: RoomId, from: Head) -> Result<Frame> {
    let chat = hub.chat();
    chat.readable(user, room).await?;
    let since = match hub.log().resume_room(room, from).await? {
        Resume::Since(since) => since,
        Resume::Reload(why) => return Ok(ServerFrame::Reload { room: Some(room), why }.encode()),
    };
    let mine = chat.room_of(user, room).await?;
    // Nothing is unread for who only looks.
    let (read, mentions) = mine.map_or((since.room.seq, 0), |l| (l.listed.read, l.listed.mentions));
    let Since { head, room: now, messages, members } = &since;
    let shown = Messages::show(chat, messages, format).await?;
    let messages = messages.iter().filter_map(|message| {
        Some(match shown.get(message.seq)?.1 {
            Shown::Html(html) => ResumedMessage::Html { seq: message.seq, html },
            Shown::Message(fields) => ResumedMessage::Fields(fields),
        })
    });
    let frame = ServerFrame::Resumed {
        room: Some(room),
        rev: head.rev,
        tag: head.tag,
        state: Resumed::Room {
            seq: now.seq,
            read,
            mentions,
            state: RoomState {
                name: &now.name,
                topic: &now.topic,
                kind: now.kind,
                members: now.members,
                picture: now.picture.as_ref().map(PictureFields::from),
            },
            messages: messages.collect(),
            members: members.iter().map(|m| MemberState { user: m.user, role: m.role }).collect(),
        },
    };
    let frame = frame.encode();
    if frame.bytes().len() > MAX_RESUME {
        return Ok(ServerFrame::Reload { room: Some(room), why: Why::Many }.encode());
    }
    Ok(frame)
}

async fn resume_person(hub: &Hub, user: UserId, from: Head) -> Result<Frame> {
    let (head, since) = match hub.log().resume_person(user, from).await? {
        Resume::Since(since) => since,
        Resume::Reload(why) => return Ok(ServerFrame::Reload { room: None, why }.encode()),
    };
    let rooms = hub.chat().rooms_of(user).await?;
    let drafts = hub.log().store().drafts(user).await?;
    let mut person = hub.log().store().people(&[user]).await?.pop().ok_or(Refusal::NotFound)?;
    // What was changed since may not be folded yet.
    for what in since {
        match what {
            What::Profile { display, bio } => (person.display, person.bio) = (display, bio),
            What::Status { status } => person.status = status,
            What::Pictured { picture } => person.picture = picture,
            _ => {}
        }
    }
    let status = person.status_at(Timestamp::now());
    let frame = ServerFrame::Resumed {
        room: None,
        rev: head.rev,
        tag: head.tag,
        state: Resumed::Person {
            person: Profile {
                display: &person.display,
                bio: &person.bio,
                picture: person.picture.as_ref().map(PictureFields::from),
                status,
            },
            rooms: rooms.iter().map(RoomHead::from).collect(),
            drafts: drafts.iter().map(|(room, text)| DraftState { room: *room, text }).collect(),
        },
    };
    Ok(frame.encode())
}

/// Begins to tell a reader who is here of a room's people. Says whether they are a member of it.
pub(super) async fn watch(hub: &Hub, reader: &Reader, room: RoomId) -> Result<bool> {
    let chat = hub.chat();
    let readable = chat.readable(reader.user, room).await?;
    let frame = match hub.presence().watch(reader.socket, &reader.mailbox, room) {
        Some(frame) => Ok(Some(frame)),
        None => watch_these(hub, reader, room).await,
    };
    // Who was removed meanwhile may not look, and the removal may have found nothing to shut.
    let frame = match (frame, chat.readable(reader.user, room).await) {
        (Ok(frame), Ok(_)) => frame,
        (Err(error), _) | (_, Err(error)) => {
            hub.presence().unwatch(reader.socket);
            return Err(error);
        }
    };
    reader.mailbox.push(frame.as_slice());
    Ok(readable.member.is_some())
}

/// Reads a room's members for all who look at it, unless somebody else just did.
async fn watch_these(hub: &Hub, reader: &Reader, room: RoomId) -> Result<Option<Frame>> {
    let turn = hub.presence().turn(room);
    let _mine = match &turn {
        // Those before may all have found the store away.
        Some(turn) => Some(timeout(TURN, turn.lock()).await.map_err(|_| Error::from(Code::Unavailable))?),
        None => None,
    };
    if let Some(frame) = hub.presence().watch(reader.socket, &reader.mailbox, room) {
        return Ok(Some(frame));
    }
    let mut members = HashSet::new();
    let mut after = None;
    loop {
        let page = hub.log().members(room, after, CHUNK).await?;
        after = page.items.last().map(|member| member.user);
        members.extend(page.items.into_iter().map(|member| member.user));
        if !page.more || members.len() >= MAX_WATCHED {
            break;
        }
    }
    Ok(hub.presence().watch_these(reader.socket, &reader.mailbox, room, members))
}
