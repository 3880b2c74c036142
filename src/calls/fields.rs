//! A call as pages and programs get it: the fields of `docs/protocol.md`.

use serde::Serialize;
use utoipa::ToSchema;

use crate::model::{
    Arrival, CallId, PeerId, RoomId, Term, Timestamp, UserId,
    call::{Call, Mode, Participant, Ring},
};

/// A call: who is in it, and who is rung.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RosterFields<'a> {
    /// In which room.
    #[schema(value_type = uuid::Uuid)]
    pub room: RoomId,
    /// Which.
    #[schema(value_type = uuid::Uuid)]
    pub call: CallId,
    /// How often it changed hands between nodes.
    #[schema(value_type = u64)]
    pub term: Term,
    /// How often it changed: a higher one of the same term is newer.
    pub n: u64,
    /// `mesh` or `relay`.
    #[schema(value_type = String)]
    pub mode: Mode,
    /// How many may be in it.
    pub limit: usize,
    /// When it began.
    #[schema(value_type = i64)]
    pub at: Timestamp,
    /// Who began it.
    #[schema(value_type = uuid::Uuid)]
    pub by: UserId,
    /// Who is in it, in the order of coming.
    pub people: Vec<ParticipantFields<'a>>,
    /// Who is rung, or was: `user`, `state`, `until`.
    #[schema(value_type = Vec<Object>)]
    pub rings: &'a [Ring],
}

/// Somebody in a call.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ParticipantFields<'a> {
    /// Their place.
    #[schema(value_type = String)]
    pub peer: PeerId,
    /// Who.
    #[schema(value_type = uuid::Uuid)]
    pub user: UserId,
    /// The number of the page that has the place.
    #[schema(value_type = u64)]
    pub entry: Arrival,
    /// When they came in.
    #[schema(value_type = i64)]
    pub at: Timestamp,
    /// Whether their socket is gone, and they are waited for.
    pub away: bool,
    /// The microphone is off.
    pub muted: bool,
    /// They hear nothing.
    pub deafened: bool,
    /// The camera is on.
    pub camera: bool,
    /// The streams of the screens that they share.
    pub shares: &'a [String],
    /// When they raised their hand.
    #[schema(value_type = Option<i64>)]
    pub hand: Option<Timestamp>,
    /// They have no microphone.
    pub listening: bool,
    /// They are heard now.
    pub speaking: bool,
}

impl<'a> From<&'a Call> for RosterFields<'a> {
    fn from(call: &'a Call) -> Self {
        Self {
            room: call.room,
            call: call.id,
            term: call.term,
            n: call.n,
            mode: call.mode,
            limit: call.limit,
            at: call.at,
            by: call.by,
            people: call.people.iter().map(ParticipantFields::from).collect(),
            rings: &call.rings,
        }
    }
}

impl<'a> From<&'a Participant> for ParticipantFields<'a> {
    fn from(participant: &'a Participant) -> Self {
        let media = &participant.media;
        Self {
            peer: participant.peer,
            user: participant.user,
            entry: participant.entry,
            at: participant.at,
            away: participant.away.is_some(),
            muted: media.muted,
            deafened: media.deafened,
            camera: media.camera,
            shares: media.shares.names(),
            hand: participant.hand,
            listening: media.listening,
            speaking: participant.speaking,
        }
    }
}
