//! Sockets that read, and check what they read: each entry of their room once, in order.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    io,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::{net::TcpStream, sync::Notify, task::AbortHandle};

use crate::{
    Result,
    wire::{self, Frames, Socket},
};

/// What tells that a socket is ready, and what answers what was asked of it since.
const READY: [&str; 3] = ["{\"type\":\"heads\"", "{\"type\":\"pong\"", "{\"type\":\"call-joined\""];

/// What all readers of a run see together.
#[derive(Default)]
pub(crate) struct Seen {
    /// Deliveries so far.
    pub(crate) deliveries: Cell<u64>,
    /// Rings at each delivery.
    pub(crate) more: Notify,
    /// What went wrong, if something did.
    pub(crate) fault: RefCell<Option<String>>,
    /// When each message was to be sent, by its nonce.
    pub(crate) due: RefCell<HashMap<String, Instant>>,
    /// How long each delivery took from then.
    pub(crate) latencies: RefCell<Vec<Duration>>,
    /// Answers to posts: the nonce, and how long it took.
    pub(crate) acks: RefCell<Vec<Duration>>,
    /// The place that the last answer named: its rev and tag.
    pub(crate) place: RefCell<Option<(u64, String)>>,
    /// Answers to resumes.
    pub(crate) resumed: Cell<u64>,
    /// Rings at each answer.
    pub(crate) acked: Notify,
    /// Sockets that were told all heads, and answers to what was asked of them since.
    pub(crate) ready: Cell<usize>,
}

impl Seen {
    /// Waits until so many deliveries have come.
    pub(crate) async fn until(&self, deliveries: u64) -> Result<()> {
        let patience = Duration::from_secs(30);
        while self.deliveries.get() < deliveries {
            self.whole()?;
            let more = tokio::time::timeout(patience, self.more.notified()).await;
            more.map_err(|_| format!("{} of {deliveries} deliveries", self.deliveries.get()))?;
        }
        self.whole()
    }

    /// Waits until so many sockets are ready.
    pub(crate) async fn until_ready(&self, sockets: usize) -> Result<()> {
        let begun = Instant::now();
        while self.ready.get() < sockets {
            self.whole()?;
            if begun.elapsed() > Duration::from_secs(120) {
                return Err(format!("{} of {sockets} sockets are ready", self.ready.get()).into());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Whether nothing went wrong so far.
    pub(crate) fn whole(&self) -> Result<()> {
        match &*self.fault.borrow() {
            Some(fault) => Err(format!("void: {fault}").into()),
            None => Ok(()),
        }
    }

    fn take(&self, text: &str, last: &mut HashMap<String, u64>) -> Result<()> {
        if text.starts_with("{\"type\":\"message\"") {
            let room = string(text, "\"room\":\"").unwrap_or_default();
            let rev = number(text, "\"rev\":").ok_or("a message without a rev")?;
            match last.get_mut(room) {
                Some(last) if *last + 1 == rev => *last = rev,
                Some(last) => return Err(format!("rev {rev} after {last}").into()),
                None => drop(last.insert(room.to_owned(), rev)),
            }
            if let Some(due) =
                string(text, "\"nonce\":\"").and_then(|nonce| self.due.borrow().get(nonce).copied())
            {
                self.latencies.borrow_mut().push(due.elapsed());
            }
            self.deliveries.set(self.deliveries.get() + 1);
            self.more.notify_waiters();
        } else if text.starts_with("{\"type\":\"ack\"") {
            let nonce = string(text, "\"nonce\":\"").unwrap_or_default();
            if let Some(due) = self.due.borrow().get(nonce) {
                self.acks.borrow_mut().push(due.elapsed());
            }
            if let (Some(rev), Some(tag)) = (number(text, "\"rev\":"), string(text, "\"tag\":\"")) {
                *self.place.borrow_mut() = Some((rev, tag.to_owned()));
            }
            self.acked.notify_waiters();
        } else if text.starts_with("{\"type\":\"resumed\"") {
            self.resumed.set(self.resumed.get() + 1);
            self.acked.notify_waiters();
        } else if READY.iter().any(|ready| text.starts_with(ready)) {
            self.ready.set(self.ready.get() + 1);
        } else if text.starts_with("{\"type\":\"error\"") || text.starts_with("{\"type\":\"reload\"") {
            return Err(text.to_owned().into());
        }
        Ok(())
    }
}

/// A socket that is read; no longer than this lives.
pub(crate) struct Reading {
    stream: Rc<TcpStream>,
    task: AbortHandle,
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Reading {
    /// Reads a socket from now on.
    pub(crate) fn start(socket: Socket, seen: &Rc<Seen>) -> Self {
        let stream = Rc::new(socket.stream);
        let reading = read(Rc::clone(&stream), socket.frames, Rc::clone(seen));
        Self { stream, task: tokio::task::spawn_local(reading).abort_handle() }
    }

    /// Sends a text.
    pub(crate) async fn send(&self, text: &str) -> Result<()> {
        let frame = wire::masked(text);
        let mut bytes = frame.as_slice();
        while !bytes.is_empty() {
            self.stream.writable().await?;
            match self.stream.try_write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

async fn read(stream: Rc<TcpStream>, mut frames: Frames, seen: Rc<Seen>) {
    let mut last = HashMap::new();
    let wrong = RefCell::new(None);
    let mut take = |text: &str| {
        if let Err(error) = seen.take(text, &mut last) {
            wrong.borrow_mut().get_or_insert(error.to_string());
        }
    };
    let mut done = frames.first(&stream, &mut take).map(|()| 1);
    loop {
        let wrong = wrong.take().or_else(|| match done {
            Ok(0) => Some("a socket ended".to_owned()),
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        });
        if let Some(wrong) = wrong {
            seen.fault.borrow_mut().get_or_insert(wrong);
            seen.more.notify_waiters();
            seen.acked.notify_waiters();
            return;
        }
        done = match stream.readable().await {
            Ok(()) => frames.read(&stream, &mut take),
            Err(error) => Err(error.into()),
        };
    }
}

/// The number after a mark.
fn number(text: &str, mark: &str) -> Option<u64> {
    let rest = &text[text.find(mark)? + mark.len()..];
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// The text after a mark, up to the next quote.
fn string<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    let rest = &text[text.find(mark)? + mark.len()..];
    rest.split('"').next()
}
