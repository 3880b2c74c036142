//! What is on its way to a socket: written at once by whoever has it, kept only while the connection takes no more, and
//! bounded, so that a slow reader neither slows a room nor takes memory.

use std::{
    collections::VecDeque,
    io::{ErrorKind, IoSlice, Result},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    net::tcp::OwnedWriteHalf,
    sync::Notify,
    task::yield_now,
    time::{Instant, timeout, timeout_at},
};

use super::{close::Close, frame::Frame};

/// The most bytes that wait for one socket.
const MAX_BYTES: usize = 4 << 20;
/// How long a connection may take nothing of what waits for it.
const STALLED: Duration = Duration::from_secs(30);
/// The most frames that leave in one system call.
const TOGETHER: usize = 64;
/// Room for frames that an idle mailbox keeps.
const KEPT: usize = 8;

/// Frames on their way to one socket.
#[derive(Debug)]
pub(super) struct Mailbox {
    inside: Mutex<Inside>,
    /// There is something for [`Mailbox::serve`] to do.
    more: Notify,
    max_frames: usize,
}

#[derive(Debug, Default)]
struct Inside {
    waiting: VecDeque<Frame>,
    /// How many bytes wait.
    bytes: usize,
    /// How many bytes of the first frame have left.
    left: usize,
    /// Where frames go; none before the mailbox is opened, and when the connection is lost.
    tcp: Option<Arc<OwnedWriteHalf>>,
    /// Since the connection takes nothing: when that has lasted too long.
    stalled: Option<Instant>,
    close: Option<Close>,
    /// Nothing goes in any more.
    shut: bool,
}

/// What there is to do for a socket.
enum Due {
    Nothing,
    Wait(Arc<OwnedWriteHalf>, Instant),
    End(Option<Close>),
}

impl Mailbox {
    /// An empty one for at most `max_frames`, which wait until it is opened.
    pub(super) fn new(max_frames: usize) -> Self {
        Self { inside: Mutex::default(), more: Notify::new(), max_frames }
    }

    /// From now on frames leave by this connection: the handshake's answer, `first`, and then all others; without `first`, those
    /// that wait are forgotten.
    pub(super) fn open(&self, tcp: Arc<OwnedWriteHalf>, handshake: Frame, first: Option<Frame>) {
        let mut inside = self.inside();
        inside.tcp = Some(tcp);
        if first.is_none() {
            inside.drop_waiting();
        }
        for frame in first.into_iter().chain([handshake]) {
            inside.bytes += frame.bytes().len();
            inside.waiting.push_front(frame);
        }
        inside.flush();
    }

    /// Puts frames in, in order; the socket's task sends them, or whoever sends something sooner. When they don't fit, the
    /// socket is to be closed.
    pub(super) fn push(&self, frames: &[Frame]) {
        let mut inside = self.inside();
        if inside.admits(frames, self.max_frames) {
            inside.keep(frames, 0);
        }
        drop(inside);
        self.more.notify_one();
    }

    /// The same, and sends them at once as far as the connection takes them, so that nobody has to be woken: for who is on
    /// no other errand, since it costs a system call.
    pub(super) fn send(&self, frames: &[Frame]) {
        let mut inside = self.inside();
        if inside.admits(frames, self.max_frames) {
            inside.pass(frames);
        }
        let all_gone = inside.waiting.is_empty() && inside.close.is_none() && !inside.shut;
        drop(inside);
        if !all_gone {
            self.more.notify_one();
        }
    }

    /// Puts in a frame that will be sent again when it is lost, unless the mailbox is half full: nobody else's haste closes
    /// the socket.
    pub(super) fn offer(&self, frame: Frame) {
        let mut inside = self.inside();
        let bytes = inside.bytes + frame.bytes().len();
        if inside.waiting.len() >= self.max_frames / 2 || bytes > MAX_BYTES / 2 {
            return;
        }
        if inside.admits(std::slice::from_ref(&frame), self.max_frames) {
            inside.keep(&[frame], 0);
        }
        drop(inside);
        self.more.notify_one();
    }

    /// Closes the socket after what is in the mailbox.
    pub(super) fn close(&self, why: Close) {
        self.inside().close.get_or_insert(why);
        self.more.notify_one();
    }

    /// Sends what waits, until the socket is to be closed; none when the connection is lost. It may be dropped and called
    /// again at any time.
    pub(super) async fn serve(&self) -> Option<Close> {
        loop {
            let more = self.more.notified();
            if self.inside().has_news() {
                // Who is about to send more does so before: then all of it leaves together.
                yield_now().await;
            }
            let due = self.inside().due();
            match due {
                Due::Nothing => more.await,
                Due::End(close) => return close,
                Due::Wait(tcp, until) => {
                    if timeout_at(until, tcp.writable()).await.is_err() {
                        return Some(Close::TooSlow);
                    }
                }
            }
        }
    }

    /// Sends what waits and a last frame that says why, as long as the connection takes them; then lets go of it.
    pub(super) async fn end(&self, why: Option<Close>) {
        let (code, reason) = why.map_or((1000, ""), Close::code);
        {
            let mut inside = self.inside();
            if why == Some(Close::TooSlow) {
                inside.drop_waiting();
            }
            inside.shut = true;
            inside.keep(&[Frame::close(code, reason)], 0);
        }
        let all = async {
            loop {
                let rest = self.inside().rest();
                match rest {
                    Some(tcp) if tcp.writable().await.is_ok() => {}
                    _ => break,
                }
            }
        };
        let _ = timeout(STALLED, all).await;
        self.inside().lose();
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    /// Whether these go in.
    fn admits(&mut self, frames: &[Frame], max_frames: usize) -> bool {
        if self.close.is_some() || self.shut {
            return false;
        }
        let fits =
            self.waiting.len() + frames.len() <= max_frames && self.bytes + length(frames) <= MAX_BYTES;
        if !fits {
            self.close = Some(Close::TooSlow);
            self.drop_waiting();
        }
        fits
    }

    /// Keeps frames, of the first of which so many bytes have left.
    fn keep(&mut self, frames: &[Frame], left: usize) {
        if self.waiting.is_empty() {
            self.left = left;
        }
        self.bytes += length(frames);
        self.waiting.extend(frames.iter().cloned());
    }

    /// Sends frames, and keeps what doesn't go.
    fn pass(&mut self, mut frames: &[Frame]) {
        let mut left = 0;
        if let (Some(tcp), true) = (&self.tcp, self.waiting.is_empty())
            && let Ok(written) = write(tcp, frames.iter(), 0)
        {
            left = written;
            while let Some((first, others)) = frames.split_first()
                && left >= first.bytes().len()
            {
                left -= first.bytes().len();
                frames = others;
            }
        }
        if !frames.is_empty() {
            self.keep(frames, left);
            self.flush();
        }
    }

    /// Sends what waits, as far as the connection takes it.
    fn flush(&mut self) {
        while let (Some(tcp), false) = (&self.tcp, self.waiting.is_empty()) {
            match write(tcp, self.waiting.iter(), self.left) {
                Ok(written) => {
                    self.stalled = None;
                    self.gone(written);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.stalled.get_or_insert_with(|| Instant::now() + STALLED);
                    return;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.lose(),
            }
        }
    }

    /// So many bytes more have left.
    fn gone(&mut self, written: usize) {
        self.left += written;
        while let Some(first) = self.waiting.front().map(|first| first.bytes().len())
            && self.left >= first
        {
            self.left -= first;
            self.bytes -= first;
            self.waiting.pop_front();
        }
        if self.waiting.is_empty() {
            self.waiting.shrink_to(KEPT);
        }
    }

    /// Whether something waits that the connection wasn't asked to take yet.
    fn has_news(&self) -> bool {
        !self.waiting.is_empty() && self.stalled.is_none() && self.tcp.is_some()
    }

    fn due(&mut self) -> Due {
        self.flush();
        match (&self.tcp, self.stalled) {
            _ if self.shut => Due::End(None),
            _ if self.close == Some(Close::TooSlow) => Due::End(self.close),
            _ if self.waiting.is_empty() => self.close.map_or(Due::Nothing, |close| Due::End(Some(close))),
            (Some(tcp), Some(until)) => Due::Wait(tcp.clone(), until),
            _ => Due::Nothing,
        }
    }

    /// The connection to wait for, while something still waits.
    fn rest(&mut self) -> Option<Arc<OwnedWriteHalf>> {
        self.flush();
        self.tcp.clone().filter(|_| !self.waiting.is_empty())
    }

    /// Forgets what waits, but for a frame that has left in part: something may follow it still.
    fn drop_waiting(&mut self) {
        self.waiting.truncate(usize::from(self.left > 0));
        self.waiting.shrink_to(KEPT);
        self.bytes = self.waiting.iter().map(|frame| frame.bytes().len()).sum();
    }

    /// The connection is lost.
    fn lose(&mut self) {
        *self = Self { shut: true, close: self.close, ..Self::default() };
    }
}

fn length(frames: &[Frame]) -> usize {
    frames.iter().map(|frame| frame.bytes().len()).sum()
}

/// Writes frames, the first without those of its bytes that have left; says how many bytes went.
fn write<'a>(
    tcp: &OwnedWriteHalf,
    mut frames: impl ExactSizeIterator<Item = &'a Frame>,
    left: usize,
) -> Result<usize> {
    let Some(first) = frames.next() else { return Ok(0) };
    let first = &first.bytes()[left..];
    let written = if frames.len() == 0 {
        tcp.try_write(first)?
    } else {
        let mut slices = [IoSlice::new(&[]); TOGETHER];
        slices[0] = IoSlice::new(first);
        let mut count = 1;
        for (slice, frame) in slices[1..].iter_mut().zip(frames) {
            *slice = IoSlice::new(frame.bytes());
            count += 1;
        }
        tcp.try_write_vectored(&slices[..count])?
    };
    // Something was there to be written.
    if written == 0 { Err(ErrorKind::WriteZero.into()) } else { Ok(written) }
}

#[cfg(test)]
impl Mailbox {
    /// Takes all that waits.
    pub(super) fn take(&self) -> Vec<Frame> {
        self.inside().waiting.drain(..).collect()
    }
}

#[cfg(test)]
mod tests;
