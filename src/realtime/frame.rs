//! Frames as they leave (RFC 6455, section 5.2): header and payload in one piece, made once and shared by all who get it.

use bytes::Bytes;

/// The longest header of a frame that the server sends.
const MAX_HEADER: usize = 10;
/// Room for most frames: one that grew to its size would be copied several times.
const ROOM: usize = 1024;
/// The first byte: a whole message in one frame, of this kind.
const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;

/// A whole frame, or some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame(Bytes);

impl Frame {
    /// A text frame; `write` adds its payload, which has to be UTF-8.
    pub(super) fn text(write: impl FnOnce(&mut Vec<u8>)) -> Self {
        Self::new(TEXT, write)
    }

    /// Asks for a sign of life.
    pub(super) fn ping() -> Self {
        Self(Bytes::from_static(&[PING, 0]))
    }

    /// The last frame: why the connection ends. A reason has at most 123 bytes.
    pub(super) fn close(code: u16, reason: &'static str) -> Self {
        Self::new(CLOSE, |payload| {
            payload.extend_from_slice(&code.to_be_bytes());
            payload.extend_from_slice(reason.as_bytes());
        })
    }

    /// The handshake's answer, which leaves before all frames.
    pub(super) fn handshake(answer: Vec<u8>) -> Self {
        Self(answer.into())
    }

    /// Frames that are made already.
    pub(super) fn made(frames: &[u8]) -> Self {
        Self(Bytes::copy_from_slice(frames))
    }

    /// As it goes out.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The payload comes behind room for the longest header; the header is then put right before it.
    fn new(kind: u8, write: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut bytes = Vec::with_capacity(ROOM);
        bytes.resize(MAX_HEADER, 0);
        write(&mut bytes);
        let length = (bytes.len() - MAX_HEADER) as u64;
        let mut header = [0; MAX_HEADER];
        header[0] = kind;
        let size = match length {
            0..=125 => {
                header[1] = length as u8;
                2
            }
            126..=0xffff => {
                header[1] = 126;
                header[2..4].copy_from_slice(&(length as u16).to_be_bytes());
                4
            }
            _ => {
                header[1] = 127;
                header[2..].copy_from_slice(&length.to_be_bytes());
                MAX_HEADER
            }
        };
        bytes[MAX_HEADER - size..MAX_HEADER].copy_from_slice(&header[..size]);
        Self(Bytes::from(bytes).slice(MAX_HEADER - size..))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
impl Frame {
    /// The payload of a text frame.
    pub(super) fn as_str(&self) -> &str {
        let header = match self.0[1] {
            126 => 4,
            127 => MAX_HEADER,
            _ => 2,
        };
        std::str::from_utf8(&self.0[header..]).unwrap()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use tokio_tungstenite::tungstenite::{
        Message, WebSocket,
        protocol::{CloseFrame, Role},
    };

    use super::*;

    /// What a client reads.
    fn read(frame: &Frame) -> Message {
        let stream = std::io::Cursor::new(frame.bytes().to_vec());
        WebSocket::from_raw_socket(stream, Role::Client, None).read().unwrap()
    }

    #[test]
    fn a_client_reads_what_was_written_whatever_its_length() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 200_000] {
            let text = "x".repeat(length);
            let frame = Frame::text(|payload| payload.extend_from_slice(text.as_bytes()));
            assert_eq!(read(&frame), Message::text(text.clone()));
            assert_eq!(frame.as_str(), text);
        }
    }

    #[test]
    fn a_client_reads_pings_and_why_it_is_closed() {
        assert_eq!(read(&Frame::ping()), Message::Ping(Bytes::new()));
        let close = CloseFrame { code: 4002.into(), reason: "too slow".into() };
        assert_eq!(read(&Frame::close(4002, "too slow")), Message::Close(Some(close)));
    }
}
