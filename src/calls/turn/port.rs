//! The ports that allocations have: where their peers' packets come in and their clients' leave.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket as Bound},
    ops::RangeInclusive,
    sync::{Arc, Weak},
};

use tokio::net::UdpSocket;
use tokio_util::task::AbortOnDropHandle;

use super::{MAX_PACKET, Node, REST, relay::Now, sockets};

/// How many ports are tried before there is none.
const TRIES: u32 = 64;
/// An address for documentation, which no machine has.
const NOBODYS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// An open port; closed when it is dropped.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) socket: Arc<UdpSocket>,
    _receiving: AbortOnDropHandle<()>,
}

/// Where ports are taken from.
#[derive(Debug)]
pub(super) struct Ports {
    range: RangeInclusive<u16>,
    /// Where the relay listens: its ports are open there, too.
    bound: IpAddr,
}

impl Ports {
    pub(super) fn new(range: RangeInclusive<u16>, bound: IpAddr) -> Self {
        Self { range, bound }
    }

    /// Opens a port that nobody can guess, and its address as others see it.
    pub(super) fn open(&self, node: &Arc<Node>, public: IpAddr, even: bool) -> Option<(SocketAddr, Port)> {
        let local = match (self.bound, public) {
            (IpAddr::V4(bound), IpAddr::V4(_)) => bound.into(),
            (IpAddr::V6(bound), IpAddr::V6(_)) => bound.into(),
            (_, IpAddr::V4(_)) => Ipv4Addr::UNSPECIFIED.into(),
            (_, IpAddr::V6(_)) => Ipv6Addr::UNSPECIFIED.into(),
        };
        for _ in 0..TRIES {
            let port = self.any()?;
            let relayed = SocketAddr::new(public, port);
            if even && port % 2 == 1 || node.relay().is_taken(relayed) {
                continue;
            }
            let Ok(socket) = sockets::bind(SocketAddr::new(local, port), sockets::OF_ONE) else { continue };
            let socket = Arc::new(socket);
            let receiving = tokio::spawn(receive(Arc::downgrade(node), Arc::clone(&socket), relayed));
            return Some((relayed, Port { socket, _receiving: AbortOnDropHandle::new(receiving) }));
        }
        None
    }

    fn any(&self) -> Option<u16> {
        let count = u32::from(self.range.end() - self.range.start()) + 1;
        Some(self.range.start() + u16::try_from(getrandom::u32().ok()? % count).ok()?)
    }
}

/// Brings what peers send to the client, until it is dropped.
async fn receive(node: Weak<Node>, socket: Arc<UdpSocket>, relayed: SocketAddr) {
    let mut buffer = vec![0; MAX_PACKET + 1];
    let mut frame = Vec::new();
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((length, peer)) if length <= MAX_PACKET => {
                let Some(node) = node.upgrade() else { return };
                let client = node.relay().arrive(Now::read(), relayed, peer, &buffer[..length], &mut frame);
                if let Some(client) = client {
                    node.tell(client, &frame);
                }
            }
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(%error, "a relay's port could not receive");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

/// How to find out whether an address is one of this machine's: a socket can be bound to it. Where the system lets anyone
/// bind to any address, that tells nothing, and none counts as its own.
pub(super) fn own_addresses() -> fn(IpAddr) -> bool {
    if is_own(NOBODYS.into()) { |_| false } else { is_own }
}

fn is_own(address: IpAddr) -> bool {
    Bound::bind(SocketAddr::new(address, 0)).is_ok()
}
