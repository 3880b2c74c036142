//! STUN messages (RFC 8489) and channel data (RFC 8656), as bytes and back.
//!
//! Reading borrows, and trusts no length: what isn't whole and well-formed is no message.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha1::Sha1;

/// Bytes before the attributes.
const HEAD: usize = 20;
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// What the checksum of a fingerprint is mixed with.
const FINGERPRINT_MASK: u32 = 0x5354_554e;
/// Bytes before a channel's data.
pub(super) const CHANNEL_HEAD: usize = 4;

/// Kinds of message, method and class in one.
pub(super) mod kind {
    pub(in super::super) const BINDING: u16 = 0x0001;
    pub(in super::super) const ALLOCATE: u16 = 0x0003;
    pub(in super::super) const REFRESH: u16 = 0x0004;
    pub(in super::super) const CREATE_PERMISSION: u16 = 0x0008;
    pub(in super::super) const CHANNEL_BIND: u16 = 0x0009;
    /// An indication.
    pub(in super::super) const SEND: u16 = 0x0016;
    /// An indication.
    pub(in super::super) const DATA: u16 = 0x0017;
    /// Makes an answer of a request's kind.
    pub(in super::super) const SUCCESS: u16 = 0x0100;
    /// Makes a refusal of a request's kind.
    pub(super) const ERROR: u16 = 0x0110;
}

/// Kinds of attribute.
pub(super) mod attribute {
    pub(in super::super) const USERNAME: u16 = 0x0006;
    pub(super) const INTEGRITY: u16 = 0x0008;
    pub(in super::super) const ERROR_CODE: u16 = 0x0009;
    pub(in super::super) const UNKNOWN: u16 = 0x000a;
    pub(in super::super) const CHANNEL: u16 = 0x000c;
    pub(in super::super) const LIFETIME: u16 = 0x000d;
    pub(in super::super) const PEER: u16 = 0x0012;
    pub(in super::super) const DATA: u16 = 0x0013;
    pub(in super::super) const REALM: u16 = 0x0014;
    pub(in super::super) const NONCE: u16 = 0x0015;
    pub(in super::super) const RELAYED: u16 = 0x0016;
    pub(in super::super) const FAMILY: u16 = 0x0017;
    pub(in super::super) const EVEN_PORT: u16 = 0x0018;
    pub(in super::super) const TRANSPORT: u16 = 0x0019;
    pub(in super::super) const MAPPED: u16 = 0x0020;
    pub(in super::super) const RESERVATION: u16 = 0x0022;
    pub(super) const FINGERPRINT: u16 = 0x8028;
    /// Those below must be understood or the message refused.
    pub(in super::super) const OPTIONAL: u16 = 0x8000;
}

/// Which request an answer is to.
pub(super) type Transaction = [u8; 12];

/// What messages are signed with: the hash of name, realm and password.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key([u8; 16]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    pub(super) fn new(name: &str, realm: &str, password: &str) -> Self {
        Self(Md5::digest(format!("{name}:{realm}:{password}")).into())
    }

    fn sign(&self, parts: [&[u8]; 3]) -> Hmac<Sha1> {
        let mut block = [0; 64];
        block[..16].copy_from_slice(&self.0);
        parts.into_iter().fold(Hmac::new(&block.into()), Hmac::chain_update)
    }
}

/// A message that was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    bytes: &'a [u8],
    /// Where the attributes end that may be believed: before the signature, the fingerprint, or at the end.
    end: usize,
    signature: Option<&'a [u8]>,
}

impl<'a> Message<'a> {
    /// The message that these bytes are, if they are exactly one.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (head, body) = bytes.split_at_checked(HEAD)?;
        let length = usize::from(number(head, 2)?);
        if head[0] & 0xc0 != 0 || head[4..8] != COOKIE || length % 4 != 0 || length != body.len() {
            return None;
        }
        let (mut end, mut signature) = (None, None);
        let mut at = HEAD;
        while at < bytes.len() {
            let (kind, value, next) = attribute_at(bytes, at)?;
            match kind {
                attribute::INTEGRITY if end.is_none() => {
                    signature = Some(value);
                    end = Some(at);
                }
                attribute::FINGERPRINT => {
                    if next != bytes.len() || value != fingerprint(&bytes[..at]).to_be_bytes() {
                        return None;
                    }
                    end = end.or(Some(at));
                }
                _ => {}
            }
            at = next;
        }
        Some(Self { bytes, end: end.unwrap_or(bytes.len()), signature })
    }

    /// Method and class.
    pub(super) fn kind(&self) -> u16 {
        u16::from_be_bytes([self.bytes[0], self.bytes[1]])
    }

    pub(super) fn transaction(&self) -> Transaction {
        let mut transaction = [0; 12];
        transaction.copy_from_slice(&self.bytes[8..HEAD]);
        transaction
    }

    /// Those that may be believed: what follows a signature isn't covered by it.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (u16, &'a [u8])> {
        let bytes = &self.bytes[..self.end];
        let mut at = HEAD;
        std::iter::from_fn(move || {
            let (kind, value, next) = attribute_at(bytes, at)?;
            at = next;
            Some((kind, value))
        })
    }

    /// The first of a kind.
    pub(super) fn attribute(&self, kind: u16) -> Option<&'a [u8]> {
        self.attributes().find_map(|(found, value)| (found == kind).then_some(value))
    }

    /// The first of a kind, as text.
    pub(super) fn text(&self, kind: u16) -> Option<&'a str> {
        std::str::from_utf8(self.attribute(kind)?).ok()
    }

    /// An address that was mixed with the cookie and the transaction.
    pub(super) fn address(&self, value: &[u8]) -> Option<SocketAddr> {
        let port = number(value, 2)? ^ 0x2112;
        let mask = mask(&self.transaction());
        let mixed = |byte: usize| Some(value.get(4 + byte)? ^ mask[byte]);
        let ip: IpAddr = match (value.get(1)?, value.len()) {
            (1, 8) => Ipv4Addr::from([mixed(0)?, mixed(1)?, mixed(2)?, mixed(3)?]).into(),
            (2, 20) => {
                let mut octets = [0; 16];
                for (byte, octet) in octets.iter_mut().enumerate() {
                    *octet = mixed(byte)?;
                }
                Ipv6Addr::from(octets).into()
            }
            _ => return None,
        };
        Some(SocketAddr::new(ip, port))
    }

    pub(super) fn is_signed(&self) -> bool {
        self.signature.is_some()
    }

    /// Whether who has this key signed it; takes as long for a wrong one.
    pub(super) fn is_signed_by(&self, key: &Key) -> bool {
        let Some(signature) = self.signature else { return false };
        // Signed is the message as it would be if it ended with the signature.
        let length = signed_length(self.end);
        key.sign([&self.bytes[..2], &length, &self.bytes[4..self.end]]).verify_slice(signature).is_ok()
    }
}

/// A message that is written.
#[derive(Debug)]
pub(super) struct Draft {
    bytes: Vec<u8>,
}

impl Draft {
    /// The answer to a request.
    pub(super) fn success(request: &Message<'_>) -> Self {
        Self::new(request.kind() | kind::SUCCESS, request.transaction())
    }

    /// The refusal of a request.
    pub(super) fn error(request: &Message<'_>, code: u16, reason: &str) -> Self {
        Self::refusal(request.kind(), request.transaction(), code, reason)
    }

    /// The same, where the request isn't at hand.
    pub(super) fn refusal(kind: u16, transaction: Transaction, code: u16, reason: &str) -> Self {
        let class = (code / 100).to_be_bytes()[1];
        let number = (code % 100).to_be_bytes()[1];
        let value = [&[0, 0, class, number], reason.as_bytes()].concat();
        Self::new(kind | kind::ERROR, transaction).with(attribute::ERROR_CODE, &value)
    }

    pub(super) fn new(kind: u16, transaction: Transaction) -> Self {
        Self::begin(Vec::with_capacity(160), kind, transaction)
    }

    fn begin(mut bytes: Vec<u8>, kind: u16, transaction: Transaction) -> Self {
        bytes.extend(kind.to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(COOKIE);
        bytes.extend(transaction);
        Self { bytes }
    }

    /// Adds an attribute of at most 65,000 bytes.
    pub(super) fn with(mut self, kind: u16, value: &[u8]) -> Self {
        self.bytes.extend(kind.to_be_bytes());
        self.bytes.extend((value.len() as u16).to_be_bytes());
        self.bytes.extend(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self.set_length(0);
        self
    }

    /// Adds an address, mixed with the cookie and the transaction, as some routers rewrite those that they recognise.
    pub(super) fn with_address(self, kind: u16, address: SocketAddr) -> Self {
        let mut transaction = [0; 12];
        transaction.copy_from_slice(&self.bytes[8..HEAD]);
        let mask = mask(&transaction);
        let mix =
            |octets: &[u8]| octets.iter().zip(mask).map(|(octet, mask)| octet ^ mask).collect::<Vec<u8>>();
        let (family, octets) = match address.ip() {
            IpAddr::V4(ip) => (1, mix(&ip.octets())),
            IpAddr::V6(ip) => (2, mix(&ip.octets())),
        };
        let port = (address.port() ^ 0x2112).to_be_bytes();
        let value = [&[0, family], port.as_slice(), &octets].concat();
        self.with(kind, &value)
    }

    /// Signs what was added so far.
    pub(super) fn signed(mut self, key: &Key) -> Self {
        self.set_length(24);
        let bytes = &self.bytes;
        let signature = key.sign([&bytes[..2], &bytes[2..4], &bytes[4..]]).finalize().into_bytes();
        self.with(attribute::INTEGRITY, &signature)
    }

    /// The whole, with a fingerprint.
    pub(super) fn bytes(mut self) -> Vec<u8> {
        self.set_length(8);
        let fingerprint = fingerprint(&self.bytes).to_be_bytes();
        self.with(attribute::FINGERPRINT, &fingerprint).bytes
    }

    fn set_length(&mut self, more: usize) {
        let length = (self.bytes.len() - HEAD + more) as u16;
        self.bytes[2..4].copy_from_slice(&length.to_be_bytes());
    }
}

/// What a peer sent, as an indication, in `frame`.
pub(super) fn write_data(frame: &mut Vec<u8>, count: u64, peer: SocketAddr, data: &[u8]) {
    let mut transaction = [0; 12];
    transaction[4..].copy_from_slice(&count.to_be_bytes());
    let mut bytes = std::mem::take(frame);
    bytes.clear();
    let draft = Draft::begin(bytes, kind::DATA, transaction);
    *frame = draft.with_address(attribute::PEER, peer).with(attribute::DATA, data).bytes;
}

/// A channel's number and data, of a frame that begins with them.
pub(super) fn read_channel(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let length = usize::from(number(bytes, 2)?);
    let data = bytes.get(CHANNEL_HEAD..CHANNEL_HEAD + length)?;
    Some((number(bytes, 0).filter(|channel| is_channel(*channel))?, data))
}

/// A channel's data, in `frame`; filled up to whole words, as streams need it and datagrams may have it.
pub(super) fn write_channel(frame: &mut Vec<u8>, channel: u16, data: &[u8]) {
    frame.clear();
    frame.extend(channel.to_be_bytes());
    frame.extend((data.len() as u16).to_be_bytes());
    frame.extend(data);
    frame.resize(frame.len().next_multiple_of(4), 0);
}

/// The numbers that channels may have. RFC 8656 keeps the upper ones for later; older clients use them.
pub(super) fn is_channel(number: u16) -> bool {
    (0x4000..0x8000).contains(&number)
}

/// How many bytes a frame has in a stream, by its first four; none when it is no frame.
pub(super) fn frame_length(head: [u8; 4]) -> Option<usize> {
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    match head[0] >> 6 {
        0 if length % 4 == 0 => Some(HEAD + length),
        1 => Some((CHANNEL_HEAD + length).next_multiple_of(4)),
        _ => None,
    }
}

/// Kind, value, and where the next one begins.
fn attribute_at(bytes: &[u8], at: usize) -> Option<(u16, &[u8], usize)> {
    let kind = number(bytes, at)?;
    let length = usize::from(number(bytes, at + 2)?);
    let begin = at + 4;
    let value = bytes.get(begin..begin + length)?;
    let next = begin + length.next_multiple_of(4);
    (next <= bytes.len()).then_some((kind, value, next))
}

fn number(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

/// What addresses are mixed with.
fn mask(transaction: &Transaction) -> [u8; 16] {
    let mut mask = [0; 16];
    mask[..4].copy_from_slice(&COOKIE);
    mask[4..].copy_from_slice(transaction);
    mask
}

/// The length of a message that ends with a signature which begins at `end`.
fn signed_length(end: usize) -> [u8; 2] {
    ((end - HEAD + 24) as u16).to_be_bytes()
}

/// The checksum of what stands before a fingerprint; the length must count the fingerprint by then.
fn fingerprint(before: &[u8]) -> u32 {
    crc32fast::hash(before) ^ FINGERPRINT_MASK
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        hex::decode(hex.split_whitespace().collect::<String>()).unwrap()
    }

    /// RFC 5769, section 2.4.
    const SIGNED: &str = "0001 0060 2112a442 78ad3433c6ad72c029da412e
        0006 0012 e3839ee38388e383aae38383e382afe382b9 0000
        0015 001c 662f2f3439396b393534643 64f4c33346f4c39465354767936347341
        0014 000b 6578616d706c652e6f7267 00
        0008 0014 f67024656dd64a3e02b8e0712e85c9a28ca89666";
    /// RFC 5769, section 2.2.
    const MAPPED: &str = "0101 003c 2112a442 b7e7a701bc34d686fa87dfae
        8022 000b 7465737420766563746f72 20
        0020 0008 0001 a147 e112a643
        0008 0014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7
        8028 0004 c07d4c96";

    #[test]
    fn the_examples_of_the_standard_are_read_and_proved() {
        let signed = bytes(SIGNED);
        let message = Message::read(&signed).unwrap();
        let name = message.text(attribute::USERNAME).unwrap();
        assert_eq!((name, message.text(attribute::REALM)), ("マトリックス", Some("example.org")));
        assert!(message.is_signed_by(&Key::new(name, "example.org", "TheMatrIX")));
        assert!(!message.is_signed_by(&Key::new(name, "example.org", "TheMatrIx")));
        let mapped = bytes(MAPPED);
        let message = Message::read(&mapped).unwrap();
        let address = message.address(message.attribute(attribute::MAPPED).unwrap()).unwrap();
        assert_eq!(address.to_string(), "192.0.2.1:32853");
    }

    #[test]
    fn a_message_with_a_wrong_fingerprint_is_none() {
        let mut mapped = bytes(MAPPED);
        mapped[25] ^= 1;
        assert!(Message::read(&mapped).is_none());
    }

    #[test]
    fn what_follows_a_signature_is_not_believed() {
        let key = Key::new("name", "realm", "password");
        let request = Draft::new(kind::REFRESH, [7; 12]).with(attribute::LIFETIME, &[0, 0, 0, 1]);
        let forged =
            request.signed(&key).with(attribute::LIFETIME, &[0, 0, 0, 9]).with(attribute::DATA, b"x");
        let forged = forged.bytes();
        let message = Message::read(&forged).unwrap();
        assert!(message.is_signed_by(&key));
        assert_eq!(message.attribute(attribute::LIFETIME), Some(&[0, 0, 0, 1][..]));
        assert_eq!(message.attributes().count(), 1);
    }

    #[test]
    fn frames_in_a_stream_tell_their_length() {
        assert_eq!(frame_length([0x00, 0x01, 0, 8]), Some(28));
        assert_eq!(frame_length([0x40, 0x01, 0, 5]), Some(12));
        for nonsense in [[0x00, 0x01, 0, 7], [0x80, 0, 0, 4], [0xff; 4], *b"GET "] {
            let length = frame_length(nonsense);
            assert!(length.is_none_or(|length| nonsense == *b"GET " && length > 4_352), "{nonsense:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            kind in 0_u16..0x3fff,
            transaction: [u8; 12],
            attributes in proptest::collection::vec((1_u16..0x20, proptest::collection::vec(any::<u8>(), 0..50)), 0..6),
            address: (std::net::IpAddr, u16),
            sign: bool,
        ) {
            let attributes: Vec<_> =
                attributes.into_iter().filter(|(kind, _)| *kind != attribute::INTEGRITY).collect();
            let key = Key::new("name", "realm", "password");
            let address = SocketAddr::from(address);
            let mut draft = Draft::new(kind, transaction).with_address(attribute::MAPPED, address);
            for (kind, value) in &attributes {
                draft = draft.with(*kind, value);
            }
            let written = if sign { draft.signed(&key).bytes() } else { draft.bytes() };
            let message = Message::read(&written).unwrap();
            prop_assert_eq!(message.kind(), kind);
            prop_assert_eq!(message.transaction(), transaction);
            prop_assert_eq!(message.is_signed_by(&key), sign);
            let read: Vec<_> = message.attributes().skip(1).map(|(kind, value)| (kind, value.to_vec())).collect();
            prop_assert_eq!(read, attributes);
            prop_assert_eq!(message.address(message.attribute(attribute::MAPPED).unwrap()), Some(address));
        }

        #[test]
        fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(message) = Message::read(&bytes) {
                for (_, value) in message.attributes() {
                    let _ = message.address(value);
                }
            }
            let _ = read_channel(&bytes);
        }

        #[test]
        fn a_channels_data_come_back(channel in 0x4000_u16..0x8000, data in proptest::collection::vec(any::<u8>(), 0..100)) {
            let mut frame = vec![1, 2, 3];
            write_channel(&mut frame, channel, &data);
            prop_assert_eq!(frame.len() % 4, 0);
            prop_assert_eq!(frame_length(*frame.first_chunk().unwrap()), Some(frame.len()));
            prop_assert_eq!(read_channel(&frame), Some((channel, data.as_slice())));
        }
    }
}
