//! WebSocket (RFC 6455) as a load generator needs it: few bytes a socket, and no work beyond the frame.

use std::io;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::Result;

const KEY: &str = "cGFybG9yLWxvYWQtdGVzdA==";
/// What is read from a socket in one go.
const READ: usize = 64 * 1024;
/// The bit that says that a client masked its frame.
const MASKED: u8 = 0x80;
/// What a handshake's head ends with.
const END: &[u8] = b"\r\n\r\n";
const TEXT: u8 = 0x81;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;
const CLOSE: u8 = 0x88;

thread_local! {
    static SCRATCH: std::cell::RefCell<Vec<u8>> = std::cell::RefCell::new(vec![0; READ]);
}

/// A socket, and what came behind its handshake.
pub(crate) struct Socket {
    pub(crate) stream: TcpStream,
    pub(crate) frames: Frames,
}

/// Opens a socket; `headers` are whole lines, each with its end.
pub(crate) async fn connect(address: &str, path: &str, headers: &str) -> Result<Socket> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::with_capacity(2_048);
    let end = loop {
        if let Some(at) = head.windows(END.len()).position(|bytes| bytes == END) {
            break at + END.len();
        }
        if stream.read_buf(&mut head).await? == 0 {
            return Err(format!("no socket at {path}: the server hung up").into());
        }
    };
    if !head.starts_with(b"HTTP/1.1 101") {
        let line = String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned();
        return Err(format!("no socket at {path}: {line}").into());
    }
    Ok(Socket { stream, frames: Frames { rest: head.split_off(end) } })
}

/// A server's answer to a handshake, without the proof that a real one needs: our own client doesn't ask for it.
pub(crate) const ACCEPTED: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

/// A text frame as a server sends it.
pub(crate) fn frame(text: &str) -> Vec<u8> {
    head(TEXT, text.len(), false).into_iter().chain(text.bytes()).collect()
}

/// A text frame as a client sends it: masked with zeros, which the RFC allows nobody to rely on and no server minds.
pub(crate) fn masked(text: &str) -> Vec<u8> {
    let mut frame = head(TEXT, text.len(), true);
    frame.extend([0; 4]);
    frame.extend(text.bytes());
    frame
}

fn head(kind: u8, length: usize, masked: bool) -> Vec<u8> {
    let mask = if masked { MASKED } else { 0 };
    let mut head = vec![kind];
    match length {
        0..=125 => head.push(mask | length as u8),
        126..=65_535 => {
            head.push(mask | 126);
            head.extend((length as u16).to_be_bytes());
        }
        _ => {
            head.push(mask | 127);
            head.extend((length as u64).to_be_bytes());
        }
    }
    head
}

/// The frames of one socket, as they come in.
#[derive(Default)]
pub(crate) struct Frames {
    /// The beginning of a frame whose end hasn't come.
    rest: Vec<u8>,
}

impl Frames {
    /// Hands out each text that came already.
    pub(crate) fn first(&mut self, stream: &TcpStream, mut text: impl FnMut(&str)) -> Result<()> {
        let mut rest = std::mem::take(&mut self.rest);
        let used = take(stream, &mut rest, &mut text)?;
        self.rest.extend_from_slice(&rest[used..]);
        Ok(())
    }

    /// Reads what is there and hands out each text; returns how many bytes came, 0 at the end. A ping is answered.
    pub(crate) fn read(&mut self, stream: &TcpStream, mut text: impl FnMut(&str)) -> Result<usize> {
        SCRATCH.with_borrow_mut(|scratch| {
            let read = match stream.try_read(scratch) {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(usize::MAX),
                Err(error) => return Err(error.into()),
            };
            if self.rest.is_empty() {
                let used = take(stream, &mut scratch[..read], &mut text)?;
                self.rest.extend_from_slice(&scratch[used..read]);
            } else {
                self.rest.extend_from_slice(&scratch[..read]);
                let mut rest = std::mem::take(&mut self.rest);
                let used = take(stream, &mut rest, &mut text)?;
                rest.drain(..used);
                self.rest = rest;
            }
            Ok(read)
        })
    }
}

/// Takes whole frames from the front; returns how many bytes they were.
fn take(stream: &TcpStream, bytes: &mut [u8], text: &mut impl FnMut(&str)) -> Result<usize> {
    let mut at = 0;
    while let Some((kind, from, to)) = whole(&mut bytes[at..]) {
        let payload = &bytes[at + from..at + to];
        match kind {
            TEXT => text(std::str::from_utf8(payload)?),
            PING => {
                let mut pong = head(PONG, payload.len(), true);
                pong.extend([0; 4]);
                pong.extend_from_slice(payload);
                stream.try_write(&pong)?;
            }
            CLOSE => return Err(format!("the server closed: {}", String::from_utf8_lossy(payload)).into()),
            _ => {}
        }
        at += to;
    }
    Ok(at)
}

/// The first frame, if it is whole: its kind, and where its payload is. A masked one is unmasked in place.
fn whole(bytes: &mut [u8]) -> Option<(u8, usize, usize)> {
    let (kind, second) = (*bytes.first()?, *bytes.get(1)?);
    let (length, mut from) = match second & !MASKED {
        126 => (u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?) as usize, 4),
        127 => (u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?) as usize, 10),
        length => (length as usize, 2),
    };
    let mask = second & MASKED != 0;
    from += if mask { 4 } else { 0 };
    let to = from + length;
    if bytes.len() < to {
        return None;
    }
    if mask {
        let key: [u8; 4] = bytes[from - 4..from].try_into().ok()?;
        bytes[from..to].iter_mut().zip(key.into_iter().cycle()).for_each(|(byte, key)| *byte ^= key);
    }
    Some((kind, from, to))
}
