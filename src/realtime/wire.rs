//! A connection's bytes. It holds the connection's place for as long as it is open, as a socket too, and breaks off
//! when the other end takes nothing for too long. The answer that makes it a socket it keeps, to leave with the first frames.

use std::{
    any::Any,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep},
};

/// How long the other end may take nothing of what waits for it.
const STALLED: Duration = Duration::from_secs(30);

/// What a connection holds, to be dropped with it.
pub(super) type Held = Box<dyn Any + Send + Sync>;

/// Tells a connection that the answer it is about to write makes it a socket.
#[derive(Debug, Clone, Default)]
pub struct Switching(Arc<AtomicBool>);

impl Switching {
    /// The next answer does.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A connection's bytes.
#[derive(Debug)]
pub struct Wire {
    tcp: TcpStream,
    /// Runs while bytes wait; made when that begins, so that an idle connection holds none.
    stalled: Option<Pin<Box<Sleep>>>,
    held: Held,
    switching: Switching,
    /// The answer that makes it a socket.
    answer: Vec<u8>,
}

impl Wire {
    /// Of a connection; what it holds is dropped with it.
    pub fn new(tcp: TcpStream, held: impl Any + Send + Sync, switching: Switching) -> Self {
        Self { tcp, stalled: None, held: Box::new(held), switching, answer: vec![] }
    }

    /// The connection itself, once it is a socket, and the answer that made it one, which has to leave before all else.
    pub(super) fn into_parts(self) -> (TcpStream, Held, Vec<u8>) {
        (self.tcp, self.held, self.answer)
    }

    /// Keeps these bytes, if they belong to the answer that makes it a socket.
    fn keep(&mut self, bytes: &[u8]) -> bool {
        let keeps = self.switching.0.load(Ordering::Acquire);
        if keeps {
            self.answer.extend_from_slice(bytes);
        }
        keeps
    }

    fn progress<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(STALLED)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.keep(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut self.tcp).poll_write(cx, bytes);
        self.progress(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(first) = slices.iter().find(|slice| !slice.is_empty())
            && self.keep(first)
        {
            return Poll::Ready(Ok(first.len()));
        }
        let written = Pin::new(&mut self.tcp).poll_write_vectored(cx, slices);
        self.progress(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    #[tokio::test]
    async fn only_the_answer_that_makes_it_a_socket_is_kept() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (near, far) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        let switching = Switching::default();
        let mut wire = Wire::new(near.unwrap(), (), switching.clone());
        wire.write_all(b"a page").await.unwrap();
        switching.begin();
        let answer = [io::IoSlice::new(b""), io::IoSlice::new(b"welcome "), io::IoSlice::new(b"in")];
        assert_eq!(wire.write_vectored(&answer).await.unwrap(), 8);
        wire.write_all(b"in").await.unwrap();
        wire.flush().await.unwrap();
        let (tcp, _, answer) = wire.into_parts();
        assert_eq!(answer, b"welcome in");
        drop(tcp);
        let mut all = vec![];
        far.unwrap().0.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"a page");
    }
}
