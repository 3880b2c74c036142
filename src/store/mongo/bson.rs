//! How ids, places and times are written in BSON: ids as their 16 bytes, unsigned numbers as 64-bit signed ones.

use mongodb::bson::{Binary, Bson, spec::BinarySubtype};

use super::errors::broken;
use crate::{
    model::{RoomId, Seq, Stream, Tag, UserId},
    store::StoreError,
};

/// Bytes as they are.
pub(super) fn binary(bytes: &[u8]) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() }
}

/// A person's id.
pub(super) fn user_id(user: UserId) -> Bson {
    Bson::Binary(binary(user.as_bytes()))
}

/// A room's id.
pub(super) fn room_id(room: RoomId) -> Bson {
    Bson::Binary(binary(room.as_bytes()))
}

/// A stream's key.
pub(super) fn stream_key(stream: Stream) -> Binary {
    binary(&stream.key())
}

/// The stream with this key.
pub(super) fn stream_of(key: &Binary) -> Result<Stream, StoreError> {
    Stream::from_key(&key.bytes).ok_or_else(|| broken("a stream's key can't be read"))
}

/// Two ids as one key; those with the same first sort by the second.
pub(super) fn pair(one: &[u8; 16], other: &[u8; 16]) -> Binary {
    binary(&[one.as_slice(), other.as_slice()].concat())
}

/// A message's key; those of a room sort by their place.
pub(super) fn message_key(room: RoomId, seq: Seq) -> Binary {
    binary(&[room.as_bytes().as_slice(), &seq.0.to_be_bytes()].concat())
}

/// A number as BSON has it. What is beyond (it would take ages to count up to it) is the highest.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number as it was before [`int`].
pub(super) fn uint(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| broken("a number that counts is negative"))
}

/// A tag's 64 bits.
pub(super) fn tag_bits(tag: Tag) -> i64 {
    tag.0.cast_signed()
}

/// The tag of these bits.
pub(super) fn tag_of(bits: i64) -> Tag {
    Tag(bits.cast_unsigned())
}

/// The 32 bytes of a hash.
pub(super) fn hash_of(hash: &Binary) -> Result<[u8; 32], StoreError> {
    hash.bytes.as_slice().try_into().map_err(|_| broken("a hash isn't 32 bytes long"))
}
