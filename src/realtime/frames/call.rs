//! The client's frames about calls, parted into what is asked for and what is said.

use super::ClientFrame;
use crate::{
    calls::{Outgoing, Return},
    model::{
        CallId, Nonce, RoomId, UserId,
        call::{Media, PageId, Signalled},
    },
};

/// What a page asks for, and waits for the answer.
#[derive(Debug)]
pub(in crate::realtime) enum CallRequest {
    Join { room: RoomId, nonce: Nonce, page: PageId, place: Option<Return>, media: Media },
    Leave { room: RoomId, call: CallId, nonce: Nonce },
    Decline { room: RoomId, call: CallId, nonce: Nonce },
    Ring { room: RoomId, call: CallId, nonce: Nonce, user: UserId },
}

/// What a page says, and hears of only when it is refused.
#[derive(Debug)]
pub(in crate::realtime) enum CallWord {
    Signal(Outgoing),
    Media { call: CallId, media: Media },
    Speaking { call: CallId, on: bool },
}

impl CallRequest {
    /// Finds the answer.
    pub(in crate::realtime) fn nonce(&self) -> &str {
        match self {
            CallRequest::Join { nonce, .. }
            | CallRequest::Leave { nonce, .. }
            | CallRequest::Decline { nonce, .. }
            | CallRequest::Ring { nonce, .. } => nonce.as_str(),
        }
    }

    /// The request that a frame is, or the frame back.
    pub(in crate::realtime) fn of(frame: ClientFrame) -> Result<Self, ClientFrame> {
        Ok(match frame {
            ClientFrame::CallJoin { room, nonce, page, place, media } => {
                CallRequest::Join { room, nonce, page, place, media }
            }
            ClientFrame::CallLeave { room, call, nonce } => CallRequest::Leave { room, call, nonce },
            ClientFrame::CallDecline { room, call, nonce } => CallRequest::Decline { room, call, nonce },
            ClientFrame::CallRing { room, call, nonce, user } => {
                CallRequest::Ring { room, call, nonce, user }
            }
            other => return Err(other),
        })
    }
}

impl CallWord {
    /// The word that a frame is, or the frame back.
    pub(in crate::realtime) fn of(frame: ClientFrame) -> Result<Self, ClientFrame> {
        let signal = |call, to, link, n, says| CallWord::Signal(Outgoing { call, to, link, n, says });
        Ok(match frame {
            ClientFrame::CallMedia { call, muted, deafened, camera, shares, hand, listening } => {
                CallWord::Media { call, media: Media { muted, deafened, camera, shares, hand, listening } }
            }
            ClientFrame::CallSpeaking { call, on } => CallWord::Speaking { call, on },
            ClientFrame::WebrtcOffer { call, to, link, n, sdp } => {
                signal(call, to, link, n, Signalled::Offer(sdp))
            }
            ClientFrame::WebrtcAnswer { call, to, link, n, sdp } => {
                signal(call, to, link, n, Signalled::Answer(sdp))
            }
            ClientFrame::WebrtcIce { call, to, link, n, candidates } => {
                signal(call, to, link, n, Signalled::Ice(candidates))
            }
            ClientFrame::WebrtcAck { call, to, link, n } => signal(call, to, link, n, Signalled::Ack),
            other => return Err(other),
        })
    }
}
