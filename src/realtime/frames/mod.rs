//! The frames of `docs/protocol.md`, each a variant of one enum a direction.

mod call;
mod client;
mod server;

pub(super) use call::{CallRequest, CallWord};
pub(super) use client::Attention;
pub use client::ClientFrame;
pub(super) use server::{
    DraftState, ErrorFrame, Here, Line, MemberState, PersonChange, Presence, Profile, Resumed,
    ResumedMessage, RoomChange, RoomHead, RoomState, ServerFrame, Shown,
};
