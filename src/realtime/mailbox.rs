//! What waits for a socket: bounded, so that a slow reader neither slows a room nor takes memory.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::Notify;

/// Why a socket is to be closed, with the codes of `docs/protocol.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Close {
    /// The server stops.
    Restart,
    /// The session ended.
    SessionEnded,
    /// The reader can't keep up.
    TooSlow,
    /// The access token ran out.
    TokenExpired,
    /// Nothing was heard for too long.
    Silent,
    /// A frame was too large.
    TooLarge,
    /// A text frame wasn't UTF-8.
    NotText,
    /// The server can't serve now.
    TryAgain,
}

impl Close {
    /// The close code, and the reason that goes with it.
    pub(super) fn code(self) -> (u16, &'static str) {
        match self {
            Close::Restart => (1012, "restart"),
            Close::NotText => (1007, "not UTF-8"),
            Close::TooLarge => (1009, "frame too large"),
            Close::TryAgain => (1013, "try again later"),
            Close::SessionEnded => (4001, "session ended"),
            Close::TooSlow => (4002, "too slow"),
            Close::TokenExpired => (4003, "token expired"),
            Close::Silent => (4004, "nothing heard"),
        }
    }
}

/// The most bytes that wait for one socket.
const MAX_BYTES: usize = 4 << 20;

/// Frames on their way to one socket.
#[derive(Debug)]
pub(super) struct Mailbox {
    inside: Mutex<Inside>,
    more: Notify,
    max_frames: usize,
}

#[derive(Debug, Default)]
struct Inside {
    frames: VecDeque<Utf8Bytes>,
    bytes: usize,
    close: Option<Close>,
}

impl Mailbox {
    /// An empty one for at most `max_frames`.
    pub(super) fn new(max_frames: usize) -> Self {
        Self { inside: Mutex::default(), more: Notify::new(), max_frames }
    }

    /// Puts frames in, in order; when they don't fit, the socket is to be closed.
    pub(super) fn push(&self, frames: &[Utf8Bytes]) {
        let mut inside = self.inside();
        if inside.close.is_some() {
            return;
        }
        let bytes: usize = frames.iter().map(|frame| frame.len()).sum();
        if inside.frames.len() + frames.len() > self.max_frames || inside.bytes + bytes > MAX_BYTES {
            inside.close(Close::TooSlow);
        } else {
            inside.frames.extend(frames.iter().cloned());
            inside.bytes += bytes;
        }
        drop(inside);
        self.more.notify_one();
    }

    /// Puts in a frame that will be sent again when it is lost, unless the mailbox is half full: nobody else's haste closes
    /// the socket.
    pub(super) fn offer(&self, frame: Utf8Bytes) {
        let mut inside = self.inside();
        let half = inside.frames.len() >= self.max_frames / 2 || inside.bytes + frame.len() > MAX_BYTES / 2;
        if inside.close.is_some() || half {
            return;
        }
        inside.bytes += frame.len();
        inside.frames.push_back(frame);
        drop(inside);
        self.more.notify_one();
    }

    /// Closes the socket after what is in the mailbox.
    pub(super) fn close(&self, why: Close) {
        self.inside().close.get_or_insert(why);
        self.more.notify_one();
    }

    /// Waits until there is something to take, or to close for.
    pub(super) async fn wait(&self) {
        loop {
            let more = self.more.notified();
            {
                let inside = self.inside();
                if !inside.frames.is_empty() || inside.close.is_some() {
                    return;
                }
            }
            more.await;
        }
    }

    /// Takes all that is in it, and says whether to close after that.
    pub(super) fn take(&self, frames: &mut Vec<Utf8Bytes>) -> Option<Close> {
        let mut inside = self.inside();
        frames.extend(inside.frames.drain(..));
        inside.frames.shrink_to(8);
        inside.bytes = 0;
        inside.close
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn close(&mut self, why: Close) {
        self.frames = VecDeque::new();
        self.bytes = 0;
        self.close = Some(why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_mailbox_closes_its_socket_and_frees_what_waited() {
        let mailbox = Mailbox::new(2);
        let frame = Utf8Bytes::from_static("x");
        mailbox.push(&[frame.clone(), frame.clone()]);
        mailbox.push(std::slice::from_ref(&frame));
        mailbox.wait().await;
        let mut frames = vec![];
        assert_eq!(mailbox.take(&mut frames), Some(Close::TooSlow));
        assert!(frames.is_empty());
    }

    #[tokio::test]
    async fn what_is_only_offered_never_fills_it() {
        let mailbox = Mailbox::new(4);
        for _ in 0..9 {
            mailbox.offer(Utf8Bytes::from_static("x"));
        }
        let mut frames = vec![];
        assert_eq!(mailbox.take(&mut frames), None);
        assert_eq!(frames.len(), 2);
    }

    #[tokio::test]
    async fn what_was_put_in_comes_out_in_order_before_the_close() {
        let mailbox = Mailbox::new(10);
        mailbox.push(&[Utf8Bytes::from_static("1"), Utf8Bytes::from_static("2")]);
        mailbox.push(&[Utf8Bytes::from_static("3")]);
        mailbox.close(Close::Restart);
        mailbox.push(&[Utf8Bytes::from_static("4")]);
        let mut frames = vec![];
        assert_eq!(mailbox.take(&mut frames), Some(Close::Restart));
        assert_eq!(frames, ["1", "2", "3"].map(Utf8Bytes::from_static));
    }

    #[test]
    fn every_close_is_documented() {
        let closes = [
            Close::Restart,
            Close::SessionEnded,
            Close::TooSlow,
            Close::TokenExpired,
            Close::Silent,
            Close::TooLarge,
            Close::NotText,
            Close::TryAgain,
        ];
        let (_, table) =
            include_str!("../../docs/protocol.md").split_once("\n## Closing\n").unwrap_or_default();
        let mut codes = table.lines().filter_map(|line| line.split('|').nth(1));
        for close in closes {
            let code = close.code().0.to_string();
            assert!(codes.clone().any(|codes| codes.contains(&code)), "{close:?}");
        }
        assert!(codes.next().is_some());
    }
}
