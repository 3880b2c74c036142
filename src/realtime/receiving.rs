//! The receiving half of a socket, which a library reads. What the library answers by itself (pongs) goes into the mailbox
//! like all that leaves.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::tcp::OwnedReadHalf,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::protocol::{Role, WebSocketConfig},
};

use super::{frame::Frame, mailbox::Mailbox};

/// The largest frame that a client may send.
pub(super) const MAX_FRAME: usize = 64 * 1024;
/// The reading buffer of a connection, which an idle one holds as well: a few changes at a time. The library's own is made for
/// bulk.
const READ_BUFFER: usize = 1024;

/// A connection as the library sees it.
#[derive(Debug)]
pub(super) struct Receiving {
    tcp: OwnedReadHalf,
    mailbox: Arc<Mailbox>,
}

/// What a client sends, message by message; `early` has come already.
pub(super) async fn messages(
    tcp: OwnedReadHalf,
    mailbox: Arc<Mailbox>,
    early: Vec<u8>,
) -> WebSocketStream<Receiving> {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(Some(MAX_FRAME))
        .max_frame_size(Some(MAX_FRAME));
    WebSocketStream::from_partially_read(Receiving { tcp, mailbox }, early, Role::Server, Some(config)).await
}

impl AsyncRead for Receiving {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buffer)
    }
}

/// The library writes whole frames, and all that it writes is taken.
impl AsyncWrite for Receiving {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.mailbox.send(&[Frame::made(bytes)]);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
