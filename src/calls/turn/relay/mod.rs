//! The relay's rules (RFC 8656), without I/O: who has an allocation, and where each packet goes.
//!
//! Packets and the time come in, what to do with them comes out. A packet from a client is read by [`Relay::hear`], one
//! from a peer by [`Relay::arrive`]. An allocation is opened in two steps, since a port has to be had in between. What
//! holds a port open is `P`: when an allocation ends, it is dropped.
//!
//! Of RFC 8656 is left out what browsers don't ask for: reserving ports, two families in one allocation, forbidding
//! fragments.

mod allocation;
mod requests;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use self::allocation::{Allocation, Opened};
use super::{
    nonce::Nonces,
    peers::Peers,
    stun::{self, Draft, Key, Message, Transaction, attribute, kind},
};
use crate::{accounts::Keys, metrics::metrics};

/// Answers a second to one address that hasn't proved who it is: they can be asked for in somebody else's name, and are
/// larger than what asks for them.
const UNPROVED: u32 = 200;
/// Addresses that this is counted for; more get no answer within a second.
const STRANGERS: usize = 20_000;

/// The time, for what is measured and for what is written in credentials.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    pub(super) at: Instant,
    /// Seconds since 1970.
    pub(super) unix: u64,
}

/// Who sends to the server: an address, and the stream it came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Client {
    /// None is by datagram.
    pub(super) stream: Option<u64>,
    pub(super) address: SocketAddr,
}

/// What is set.
#[derive(Debug)]
pub(super) struct Limits {
    /// Allocations in all.
    pub(super) allocations: usize,
    /// Allocations of one person.
    pub(super) of_one: usize,
    /// Bytes a second, of one allocation in one direction.
    pub(super) bandwidth: u64,
}

/// The allocations, and the rules.
pub(super) struct Relay<P> {
    keys: Keys,
    nonces: Nonces,
    peers: Peers,
    limits: Limits,
    /// The addresses that allocations have, as others see them: at most one a family.
    addresses: Vec<IpAddr>,
    /// Whether an address is one of the machine's own, as far as that isn't set.
    is_own: fn(IpAddr) -> bool,
    allocations: HashMap<Client, Allocation<P>>,
    by_address: HashMap<SocketAddr, Client>,
    strangers: HashMap<IpAddr, u32>,
    strangers_since: Instant,
    indications: u64,
}

/// What is to be done with a packet from a client.
#[derive(Debug)]
pub(super) enum Act<'a, P> {
    /// Nothing.
    Nothing,
    /// This goes back.
    Answer(Vec<u8>),
    /// A port has to be had; then [`Relay::opened`].
    Open(Opening),
    /// This leaves by that port.
    Send(Arc<P>, SocketAddr, &'a [u8]),
    /// The frame goes to another client: what it is sent to is an allocation here.
    Pass(Client),
}

/// A request for an allocation that may have one.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) client: Client,
    /// The address that its port must have.
    pub(super) address: IpAddr,
    /// Whether its port must be even.
    pub(super) even: bool,
    name: String,
    user: String,
    key: Key,
    transaction: Transaction,
    lifetime: u32,
}

impl<P> Relay<P> {
    pub(super) fn new(
        keys: Keys,
        nonces: Nonces,
        peers: Peers,
        limits: Limits,
        addresses: Vec<IpAddr>,
        is_own: fn(IpAddr) -> bool,
        now: Instant,
    ) -> Self {
        Self {
            keys,
            nonces,
            peers,
            limits,
            addresses,
            is_own,
            allocations: HashMap::new(),
            by_address: HashMap::new(),
            strangers: HashMap::new(),
            strangers_since: now,
            indications: 0,
        }
    }

    /// What to do with what a client sent. What goes to another client is written to `frame`.
    pub(super) fn hear<'a>(
        &mut self,
        now: Now,
        client: Client,
        packet: &'a [u8],
        frame: &mut Vec<u8>,
    ) -> Act<'a, P> {
        if packet.first().is_some_and(|first| first >> 6 == 1) {
            let Some((channel, data)) = stun::read_channel(packet) else { return Act::Nothing };
            let Some(allocation) = self.live(client, now) else { return Act::Nothing };
            let Some(peer) = allocation.peer_of(channel, now.at) else { return Act::Nothing };
            return self.send(now, client, (peer, data), frame);
        }
        let Some(message) = Message::read(packet) else { return Act::Nothing };
        match message.kind() {
            kind::SEND => {
                let peer = message.attribute(attribute::PEER).and_then(|value| message.address(value));
                let data = message.attribute(attribute::DATA);
                match peer.zip(data) {
                    Some(addressed) => self.send(now, client, addressed, frame),
                    None => Act::Nothing,
                }
            }
            kind::BINDING if self.may_answer(client.address.ip(), now.at) => {
                let mapped = SocketAddr::new(client.address.ip().to_canonical(), client.address.port());
                Act::Answer(Draft::success(&message).with_address(attribute::MAPPED, mapped).bytes())
            }
            kind::ALLOCATE | kind::REFRESH | kind::CREATE_PERMISSION | kind::CHANNEL_BIND => {
                self.request(now, client, &message)
            }
            _ => Act::Nothing,
        }
    }

    /// Whom a packet goes to that came to an allocation's address, and as what.
    pub(super) fn arrive(
        &mut self,
        now: Now,
        relayed: SocketAddr,
        peer: SocketAddr,
        data: &[u8],
        frame: &mut Vec<u8>,
    ) -> Option<Client> {
        let client = *self.by_address.get(&relayed)?;
        let count = self.indications;
        let allocation = self.allocations.get_mut(&client).filter(|allocation| now.at < allocation.until)?;
        if !allocation.permits(peer.ip(), now.at) {
            return None;
        }
        if !allocation.received.take(data.len(), now.at) {
            metrics().turn_refused("bandwidth");
            return None;
        }
        metrics().turn_received_bytes.increment(data.len() as u64);
        match allocation.channel_to(peer, now.at) {
            Some(channel) => stun::write_channel(frame, channel, data),
            None => {
                self.indications = count.wrapping_add(1);
                stun::write_data(frame, count, peer, data);
            }
        }
        Some(client)
    }

    /// Sends to a peer, if that is permitted: by the network, or straight to who has that address here.
    fn send<'a>(
        &mut self,
        now: Now,
        client: Client,
        (peer, data): (SocketAddr, &'a [u8]),
        frame: &mut Vec<u8>,
    ) -> Act<'a, P> {
        let Some(allocation) = self.allocations.get_mut(&client).filter(|it| now.at < it.until) else {
            return Act::Nothing;
        };
        if !allocation.permits(peer.ip(), now.at) {
            return Act::Nothing;
        }
        let within = self.by_address.contains_key(&peer);
        if !within && !self.peers.may_be(peer.ip()) {
            metrics().turn_refused("peer");
            return Act::Nothing;
        }
        if !allocation.sent.take(data.len(), now.at) {
            metrics().turn_refused("bandwidth");
            return Act::Nothing;
        }
        metrics().turn_sent_bytes.increment(data.len() as u64);
        if !within {
            return Act::Send(Arc::clone(&allocation.port), peer, data);
        }
        let relayed = allocation.relayed;
        self.arrive(now, peer, relayed, data, frame).map_or(Act::Nothing, Act::Pass)
    }

    /// Opens the allocation that a port was had for, or refuses it when there was none.
    pub(super) fn opened(&mut self, now: Now, opening: Opening, had: Option<(SocketAddr, P)>) -> Vec<u8> {
        if let Some(allocation) = self.live(opening.client, now) {
            // Asked twice, and the other came first.
            return requests::answer_opened(allocation, now.at);
        }
        let Some((relayed, port)) = had else {
            metrics().turn_refused("no port");
            return requests::refuse_opening(&opening, 508, "No port is free");
        };
        let client = opening.client;
        let bandwidth = self.limits.bandwidth;
        let opened = Opened { relayed, port: Arc::new(port) };
        let allocation = Allocation::new(opening, opened, now.at, bandwidth);
        let answer = requests::answer_opened(&allocation, now.at);
        self.let_go(client);
        self.by_address.insert(relayed, client);
        self.allocations.insert(client, allocation);
        metrics().turn_opened.increment(1);
        answer
    }

    /// A client's stream ended, and its allocation with it.
    pub(super) fn let_go(&mut self, client: Client) {
        if let Some(allocation) = self.allocations.remove(&client) {
            self.by_address.remove(&allocation.relayed);
        }
    }

    /// Lets go of all.
    pub(super) fn end(&mut self) {
        self.allocations.clear();
        self.by_address.clear();
    }

    /// Lets go of allocations that ran out.
    pub(super) fn tidy(&mut self, now: Instant) {
        let over: Vec<Client> =
            self.allocations.values().filter(|it| it.until <= now).map(|it| it.client).collect();
        for client in over {
            self.let_go(client);
        }
    }

    /// How many allocations there are.
    pub(super) fn len(&self) -> usize {
        self.allocations.len()
    }

    /// Whether a client has an allocation.
    pub(super) fn knows(&self, client: Client) -> bool {
        self.allocations.contains_key(&client)
    }

    /// Whether an allocation has this address.
    pub(super) fn is_taken(&self, relayed: SocketAddr) -> bool {
        self.by_address.contains_key(&relayed)
    }

    fn live(&mut self, client: Client, now: Now) -> Option<&mut Allocation<P>> {
        self.allocations.get_mut(&client).filter(|allocation| now.at < allocation.until)
    }

    /// Whether one who hasn't proved who they are is answered now.
    fn may_answer(&mut self, address: IpAddr, now: Instant) -> bool {
        if now.saturating_duration_since(self.strangers_since) >= Duration::from_secs(1) {
            self.strangers.clear();
            self.strangers_since = now;
        }
        let address = crate::accounts::network(address);
        if self.strangers.len() >= STRANGERS && !self.strangers.contains_key(&address) {
            return false;
        }
        let count = self.strangers.entry(address).or_default();
        *count += 1;
        *count <= UNPROVED
    }
}
