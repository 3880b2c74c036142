//! Sockets that media go through: with room for what comes while the machine is at something else, and never waited for.

use std::{
    io,
    net::{SocketAddr, UdpSocket as Bound},
};

use socket2::SockRef;
use tokio::net::UdpSocket;

/// Bytes that may wait in the socket that all clients share, each way. What systems give by themselves is full after a
/// hundred packets, which is some 30 ms of a call of four; this lasts for a second of it. The system may give less
/// (`net.core.rmem_max`).
pub(super) const OF_ALL: usize = 4 << 20;
/// The same of the socket of one allocation: most of a second at the most that it may take.
pub(super) const OF_ONE: usize = 1 << 20;

/// Opens one with so much room.
pub(super) fn bind(address: SocketAddr, room: usize) -> io::Result<UdpSocket> {
    let socket = Bound::bind(address)?;
    socket.set_nonblocking(true)?;
    let options = SockRef::from(&socket);
    if let Err(error) = options.set_recv_buffer_size(room).and_then(|()| options.set_send_buffer_size(room)) {
        tracing::debug!(%error, "a socket keeps the room that the system gave it");
    }
    UdpSocket::from_std(socket)
}

/// Bytes of packets that may wait to be read.
pub(super) fn room(socket: &UdpSocket) -> usize {
    // Of what the system names, half is for its own books.
    SockRef::from(socket).recv_buffer_size().unwrap_or_default() / 2
}

/// Sends a packet now; what the network won't take is lost, as datagrams are. The system is asked each time: what the
/// runtime knows of the socket may be a whole batch of packets old.
pub(super) fn send(socket: &UdpSocket, packet: &[u8], to: SocketAddr) {
    if let Err(error) = SockRef::from(socket).send_to(packet, &to.into()) {
        tracing::trace!(%error, "a packet was lost");
    }
}
