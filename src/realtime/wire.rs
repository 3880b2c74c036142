//! A connection's bytes. It holds the connection's place for as long as it is open, as a socket too, and breaks off
//! when the other end takes nothing for too long.

use std::{
    any::Any,
    io,
    pin::Pin,
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

/// A connection's bytes.
#[derive(Debug)]
pub struct Wire {
    tcp: TcpStream,
    /// Runs while bytes wait; made when that begins, so that an idle connection holds none.
    stalled: Option<Pin<Box<Sleep>>>,
    held: Held,
}

impl Wire {
    /// Of a connection; what it holds is dropped with it.
    pub fn new(tcp: TcpStream, held: impl Any + Send + Sync) -> Self {
        Self { tcp, stalled: None, held: Box::new(held) }
    }

    /// The connection itself, once it is a socket.
    pub(super) fn into_parts(self) -> (TcpStream, Held) {
        (self.tcp, self.held)
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
        let written = Pin::new(&mut self.tcp).poll_write(cx, bytes);
        self.progress(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
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
