//! What clients ask for: an allocation, more time for it, peers, channels.

use std::{
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use super::{
    Act, Client, Now, Opening, Relay,
    allocation::{Allocation, LIFETIME, LONGEST, Unbound},
};
use crate::{
    calls::turn::{
        pass,
        stun::{self, Draft, Key, Message, attribute, kind},
    },
    metrics::metrics,
};

/// The number of UDP among the internet's protocols.
const UDP: u8 = 17;
/// IPv4 and IPv6, as families are written.
const V4: u8 = 1;
const V6: u8 = 2;

/// What is understood of attributes that must be.
const UNDERSTOOD: [u16; 10] = [
    attribute::USERNAME,
    attribute::REALM,
    attribute::NONCE,
    attribute::CHANNEL,
    attribute::LIFETIME,
    attribute::PEER,
    attribute::FAMILY,
    attribute::EVEN_PORT,
    attribute::TRANSPORT,
    attribute::RESERVATION,
];

/// Who signed a request, as was proved.
struct Signer {
    name: String,
    key: Key,
}

/// Why a request is refused.
struct Refusal(u16, &'static str);

const MISMATCH: Refusal = Refusal(437, "No allocation, or one already");
const MALFORMED: Refusal = Refusal(400, "Not understood");
const FORBIDDEN: Refusal = Refusal(403, "Nothing is relayed there");
const WRONG_FAMILY: Refusal = Refusal(443, "Not of the allocation's family");

impl<P> Relay<P> {
    /// What to do with a request that has to be signed.
    pub(super) fn request<'a>(&mut self, now: Now, client: Client, message: &Message<'_>) -> Act<'a, P> {
        let signer = match self.signer(now, client, message) {
            Ok(signer) => signer,
            Err(refusal) => {
                let may = self.may_answer(client.address.ip(), now.at);
                return if may { Act::Answer(refusal) } else { Act::Nothing };
            }
        };
        let unknown: Vec<u8> = message
            .attributes()
            .map(|(kind, _)| kind)
            .filter(|kind| *kind < attribute::OPTIONAL && !UNDERSTOOD.contains(kind))
            .flat_map(u16::to_be_bytes)
            .collect();
        if !unknown.is_empty() {
            let refusal = Draft::error(message, 420, "Unknown").with(attribute::UNKNOWN, &unknown);
            return Act::Answer(refusal.signed(&signer.key).bytes());
        }
        let done = match message.kind() {
            kind::ALLOCATE => match self.allocate(now, client, message, &signer) {
                Ok(act) => return act,
                Err(refusal) => Err(refusal),
            },
            kind::REFRESH => self.refresh(now, client, message),
            kind::CREATE_PERMISSION => self.permit(now, client, message),
            _ => self.bind(now, client, message),
        };
        let draft = done.unwrap_or_else(|Refusal(code, reason)| Draft::error(message, code, reason));
        Act::Answer(draft.signed(&signer.key).bytes())
    }

    /// Who signed it; else how it is refused. An allocation that runs is its opener's, however old their credentials are.
    fn signer(&self, now: Now, client: Client, message: &Message<'_>) -> Result<Signer, Vec<u8>> {
        let nonce = || self.nonces.make(client.address, now.unix);
        let challenge = |code, reason| {
            let draft = Draft::error(message, code, reason).with(attribute::REALM, pass::REALM.as_bytes());
            draft.with(attribute::NONCE, nonce().as_bytes()).bytes()
        };
        if !message.is_signed() {
            return Err(challenge(401, "Unauthorized"));
        }
        let fields = (
            message.text(attribute::USERNAME),
            message.text(attribute::REALM),
            message.text(attribute::NONCE),
        );
        let (Some(name), Some(_), Some(nonce)) = fields else {
            return Err(Draft::error(message, 400, "Not understood").bytes());
        };
        if !self.nonces.is_good(nonce, client.address, now.unix) {
            return Err(challenge(438, "Stale nonce"));
        }
        let allocation = self.allocations.get(&client).filter(|allocation| now.at < allocation.until);
        let running = allocation.filter(|allocation| allocation.name == name);
        let key = match running {
            Some(allocation) => Some(allocation.key.clone()).filter(|key| message.is_signed_by(key)),
            None => {
                let good = pass::owner(name, now.unix).is_some();
                let mut keys = pass::signing_keys(&self.keys, name);
                keys.find(|key| message.is_signed_by(key)).filter(|_| good)
            }
        };
        match key {
            None => {
                metrics().turn_refused("credentials");
                Err(challenge(401, "Unauthorized"))
            }
            Some(key) if allocation.is_some() && running.is_none() => {
                metrics().turn_refused("credentials");
                Err(Draft::error(message, 441, "Somebody else's allocation").signed(&key).bytes())
            }
            Some(key) => Ok(Signer { name: name.to_owned(), key }),
        }
    }

    fn allocate<'a>(
        &mut self,
        now: Now,
        client: Client,
        message: &Message<'_>,
        signer: &Signer,
    ) -> Result<Act<'a, P>, Refusal> {
        if let Some(allocation) = self.live(client, now) {
            if allocation.opened_by == message.transaction() {
                return Ok(Act::Answer(answer_opened(allocation, now.at)));
            }
            return Err(MISMATCH);
        }
        let transport = message.attribute(attribute::TRANSPORT).and_then(<[u8]>::first).ok_or(MALFORMED)?;
        if *transport != UDP {
            return Err(Refusal(442, "Only UDP is relayed"));
        }
        if message.attribute(attribute::RESERVATION).is_some() {
            return Err(Refusal(508, "Ports aren't reserved"));
        }
        let even = match message.attribute(attribute::EVEN_PORT) {
            None => false,
            Some([0x80..=0xff, ..]) => return Err(Refusal(508, "Ports aren't reserved")),
            Some(_) => true,
        };
        let address = match message.attribute(attribute::FAMILY).map(<[u8]>::first) {
            None | Some(Some(&V4)) => self.address(IpAddr::is_ipv4),
            Some(Some(&V6)) => self.address(IpAddr::is_ipv6),
            Some(_) => return Err(MALFORMED),
        };
        let address = address.ok_or(Refusal(440, "No address of this family"))?;
        let user = pass::owner(&signer.name, now.unix).ok_or(Refusal(401, "Unauthorized"))?;
        let theirs = self.allocations.values().filter(|allocation| allocation.user == user).count();
        if theirs >= self.limits.of_one {
            metrics().turn_refused("allocations of one");
            return Err(Refusal(486, "Too many allocations of one person"));
        }
        if self.allocations.len() >= self.limits.allocations {
            metrics().turn_refused("allocations");
            return Err(Refusal(508, "Too many allocations"));
        }
        Ok(Act::Open(Opening {
            client,
            address,
            even,
            user: user.to_owned(),
            name: signer.name.clone(),
            key: signer.key.clone(),
            transaction: message.transaction(),
            lifetime: lifetime(message).unwrap_or(LIFETIME).clamp(LIFETIME, LONGEST),
        }))
    }

    fn refresh(&mut self, now: Now, client: Client, message: &Message<'_>) -> Result<Draft, Refusal> {
        let allocation = self.live(client, now).ok_or(MISMATCH)?;
        let lasts = match lifetime(message) {
            Some(0) => 0,
            asked => asked.unwrap_or(LIFETIME).clamp(LIFETIME, LONGEST),
        };
        if family(message).is_some_and(|family| (family == V4) != allocation.relayed.is_ipv4()) {
            return Err(WRONG_FAMILY);
        }
        allocation.until = now.at + Duration::from_secs(lasts.into());
        if lasts == 0 {
            self.let_go(client);
        }
        Ok(Draft::success(message).with(attribute::LIFETIME, &lasts.to_be_bytes()))
    }

    fn permit(&mut self, now: Now, client: Client, message: &Message<'_>) -> Result<Draft, Refusal> {
        let family = self.live(client, now).ok_or(MISMATCH)?.relayed.is_ipv4();
        let values = message.attributes().filter(|(kind, _)| *kind == attribute::PEER);
        let peers: Option<Vec<SocketAddr>> = values.map(|(_, value)| message.address(value)).collect();
        let peers = peers.filter(|peers| !peers.is_empty()).ok_or(MALFORMED)?;
        for peer in &peers {
            self.may_permit(peer.ip(), family)?;
        }
        let allocation = self.live(client, now).ok_or(MISMATCH)?;
        for peer in peers {
            if !allocation.permit(peer.ip(), now.at) {
                return Err(Refusal(508, "Too many peers"));
            }
        }
        Ok(Draft::success(message))
    }

    fn bind(&mut self, now: Now, client: Client, message: &Message<'_>) -> Result<Draft, Refusal> {
        let family = self.live(client, now).ok_or(MISMATCH)?.relayed.is_ipv4();
        let number = message.attribute(attribute::CHANNEL).and_then(|value| value.first_chunk::<2>());
        let number =
            number.map(|number| u16::from_be_bytes(*number)).filter(|number| stun::is_channel(*number));
        let peer = message.attribute(attribute::PEER).and_then(|value| message.address(value));
        let (Some(number), Some(peer)) = (number, peer) else { return Err(MALFORMED) };
        self.may_permit(peer.ip(), family)?;
        let allocation = self.live(client, now).ok_or(MISMATCH)?;
        match allocation.bind(number, peer, now.at) {
            Ok(()) => Ok(Draft::success(message)),
            Err(Unbound::Taken) => Err(Refusal(400, "The channel or the peer has another")),
            Err(Unbound::TooMany) => Err(Refusal(508, "Too many channels")),
        }
    }

    /// Whether somebody may be permitted: those whom bytes may leave for, and those on this relay, who are all at its own
    /// address. Which of its ports are theirs is looked up for each packet.
    fn may_permit(&self, peer: IpAddr, is_v4: bool) -> Result<(), Refusal> {
        if peer.is_ipv4() != is_v4 {
            return Err(WRONG_FAMILY);
        }
        let outside = self.peers.may_be(peer) && (self.peers.is_allowed(peer) || !(self.is_own)(peer));
        if outside || self.addresses.contains(&peer) {
            return Ok(());
        }
        metrics().turn_refused("peer");
        Err(FORBIDDEN)
    }

    fn address(&self, is_family: impl Fn(&IpAddr) -> bool) -> Option<IpAddr> {
        self.addresses.iter().copied().find(is_family)
    }
}

/// What the opener of an allocation is answered, whenever they ask.
pub(super) fn answer_opened<P>(allocation: &Allocation<P>, now: Instant) -> Vec<u8> {
    let client = allocation.client.address;
    let mapped = SocketAddr::new(client.ip().to_canonical(), client.port());
    Draft::new(kind::ALLOCATE | kind::SUCCESS, allocation.opened_by)
        .with_address(attribute::RELAYED, allocation.relayed)
        .with(attribute::LIFETIME, &allocation.left(now).to_be_bytes())
        .with_address(attribute::MAPPED, mapped)
        .signed(&allocation.key)
        .bytes()
}

/// What is answered where no port was to be had.
pub(super) fn refuse_opening(opening: &Opening, code: u16, reason: &str) -> Vec<u8> {
    Draft::refusal(kind::ALLOCATE, opening.transaction, code, reason).signed(&opening.key).bytes()
}

fn lifetime(message: &Message<'_>) -> Option<u32> {
    let value = message.attribute(attribute::LIFETIME)?;
    value.first_chunk().map(|seconds| u32::from_be_bytes(*seconds))
}

fn family(message: &Message<'_>) -> Option<u8> {
    message.attribute(attribute::FAMILY)?.first().copied()
}
