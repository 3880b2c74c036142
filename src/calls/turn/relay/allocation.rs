//! One client's place on the relay: its address there, who may send to it, and how much.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    super::stun::{Key, Transaction},
    Client,
};

/// How long an allocation lives without being refreshed, unless its client asks for more,
pub(super) const LIFETIME: u32 = 600;
/// and at most, in seconds.
pub(super) const LONGEST: u32 = 3_600;
/// How long a peer may send without being permitted anew.
const PERMISSION: Duration = Duration::from_secs(300);
/// How long a channel lasts without being bound anew.
const CHANNEL: Duration = Duration::from_secs(600);
/// Peers, and channels, that one allocation may have: a browser's connection has a dozen at worst.
const MOST: usize = 64;

/// One client's place on the relay.
#[derive(Debug)]
pub(super) struct Allocation<P> {
    pub(super) client: Client,
    /// The name that it was opened with.
    pub(super) name: String,
    /// Whose it is.
    pub(super) user: String,
    pub(super) key: Key,
    /// Which request opened it: its answer may be lost, and is given again.
    pub(super) opened_by: Transaction,
    /// Its address on the relay, as others see it.
    pub(super) relayed: SocketAddr,
    /// What holds the address open.
    pub(super) port: Arc<P>,
    pub(super) until: Instant,
    permissions: Vec<(IpAddr, Instant)>,
    channels: Vec<Channel>,
    /// Bytes on their way to peers,
    pub(super) sent: Bucket,
    /// and to the client.
    pub(super) received: Bucket,
}

#[derive(Debug, Clone, Copy)]
struct Channel {
    number: u16,
    peer: SocketAddr,
    until: Instant,
}

/// Why a channel isn't bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unbound {
    /// The number or the peer has another already.
    Taken,
    /// There are too many.
    TooMany,
}

/// What a new allocation begins with.
#[derive(Debug)]
pub(super) struct Opened<P> {
    pub(super) relayed: SocketAddr,
    pub(super) port: Arc<P>,
}

impl<P> Allocation<P> {
    pub(super) fn new(
        request: super::Opening,
        Opened { relayed, port }: Opened<P>,
        now: Instant,
        bandwidth: u64,
    ) -> Self {
        Self {
            client: request.client,
            name: request.name,
            user: request.user,
            key: request.key,
            opened_by: request.transaction,
            relayed,
            port,
            until: now + Duration::from_secs(request.lifetime.into()),
            permissions: vec![],
            channels: vec![],
            sent: Bucket::full(bandwidth, now),
            received: Bucket::full(bandwidth, now),
        }
    }

    /// Whether this peer may send to it, and be sent to.
    pub(super) fn permits(&self, peer: IpAddr, now: Instant) -> bool {
        self.permissions.iter().any(|(permitted, until)| *permitted == peer && now < *until)
    }

    /// Permits a peer; false when there are too many.
    pub(super) fn permit(&mut self, peer: IpAddr, now: Instant) -> bool {
        self.permissions.retain(|(permitted, until)| now < *until && *permitted != peer);
        let room = self.permissions.len() < MOST;
        if room {
            self.permissions.push((peer, now + PERMISSION));
        }
        room
    }

    /// Binds a channel to a peer, and permits it.
    pub(super) fn bind(&mut self, number: u16, peer: SocketAddr, now: Instant) -> Result<(), Unbound> {
        self.channels.retain(|channel| now < channel.until);
        let same = |channel: &Channel| channel.number == number && channel.peer == peer;
        let other = |channel: &&Channel| (channel.number == number || channel.peer == peer) && !same(channel);
        if self.channels.iter().find(other).is_some() {
            return Err(Unbound::Taken);
        }
        self.channels.retain(|channel| !same(channel));
        if self.channels.len() >= MOST || !self.permit(peer.ip(), now) {
            return Err(Unbound::TooMany);
        }
        self.channels.push(Channel { number, peer, until: now + CHANNEL });
        Ok(())
    }

    /// The peer that a channel is bound to.
    pub(super) fn peer_of(&self, number: u16, now: Instant) -> Option<SocketAddr> {
        let channel = self.channels.iter().find(|channel| channel.number == number && now < channel.until)?;
        Some(channel.peer)
    }

    /// The channel that is bound to a peer.
    pub(super) fn channel_to(&self, peer: SocketAddr, now: Instant) -> Option<u16> {
        let channel = self.channels.iter().find(|channel| channel.peer == peer && now < channel.until)?;
        Some(channel.number)
    }

    /// Whole seconds that it has left.
    pub(super) fn left(&self, now: Instant) -> u32 {
        u32::try_from(self.until.saturating_duration_since(now).as_secs()).unwrap_or(LONGEST)
    }
}

/// How much may pass: so many bytes a second, and as many at once.
#[derive(Debug)]
pub(super) struct Bucket {
    a_second: u64,
    left: u64,
    filled: Instant,
}

impl Bucket {
    fn full(a_second: u64, now: Instant) -> Self {
        Self { a_second, left: a_second, filled: now }
    }

    /// Takes this much, if there is as much.
    pub(super) fn take(&mut self, bytes: usize, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.filled);
        let more = (since.as_secs_f64() * self.a_second as f64) as u64;
        // What is less than a byte waits for the next time.
        if more > 0 {
            self.left = self.a_second.min(self.left.saturating_add(more));
            self.filled = now;
        }
        let room = self.left >= bytes as u64;
        if room {
            self.left -= bytes as u64;
        }
        room
    }
}
