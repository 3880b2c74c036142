//! The relay, with clients whose packets and whose clock are made here.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use proptest::prelude::*;

use super::*;
use crate::{
    calls::turn::{
        pass::{self, Pass},
        stun::is_channel,
    },
    config::{Config, Networks, Settings},
    model::UserId,
};

/// Where the relay is, as others see it.
const RELAY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(20, 0, 0, 1));
/// Somebody on the internet.
const PEER: &str = "30.0.0.1:4000";
const BEGIN: u64 = 1_800_000_000;

struct House {
    relay: Relay<u16>,
    now: Now,
    keys: Keys,
    next_port: u16,
}

fn keys(secret: &str) -> Keys {
    let secret = Some(secret.repeat(40));
    Keys::derived(&Config::new(&Settings { secret, ..Settings::default() }).unwrap().secrets).unwrap()
}

fn house_with(allowed: &str, limits: Limits) -> House {
    let at = Instant::now();
    let peers = Peers::new(Networks::parse(allowed).unwrap(), vec![RELAY]);
    let addresses = vec![RELAY, "2a00::1".parse().unwrap()];
    let own = |address: IpAddr| address == IpAddr::from([40, 0, 0, 1]);
    let relay = Relay::new(keys("a"), Nonces::new().unwrap(), peers, limits, addresses, own, at);
    House { relay, now: Now { at, unix: BEGIN }, keys: keys("a"), next_port: 50_000 }
}

fn house() -> House {
    house_with("", Limits { allocations: 10, of_one: 3, bandwidth: 1_000_000 })
}

/// One who asks.
#[derive(Clone)]
struct Asker {
    client: Client,
    pass: Pass,
    nonce: String,
}

/// What an answer says: 0 for a success, else the error's code.
fn code(answer: &[u8]) -> u16 {
    let message = Message::read(answer).unwrap();
    match message.attribute(attribute::ERROR_CODE) {
        Some(value) => u16::from(value[2]) * 100 + u16::from(value[3]),
        None => 0,
    }
}

fn peer() -> SocketAddr {
    PEER.parse().unwrap()
}

fn address(text: &str) -> SocketAddr {
    SocketAddr::new(text.parse().unwrap(), 9)
}

impl House {
    fn later(&mut self, seconds: u64) {
        self.now = Now { at: self.now.at + Duration::from_secs(seconds), unix: self.now.unix + seconds };
    }

    /// Somebody with good credentials who has not sent anything.
    fn asker(&self, port: u16, user: UserId) -> Asker {
        let client = Client { stream: None, address: SocketAddr::from(([25, 0, 0, 1], port)) };
        Asker { client, pass: Pass::make(&self.keys, user, self.now.unix), nonce: String::new() }
    }

    fn hear(&mut self, client: Client, packet: &[u8]) -> Option<Vec<u8>> {
        match self.relay.hear(self.now, client, packet, &mut vec![]) {
            Act::Answer(answer) => Some(answer),
            Act::Open(opening) => {
                self.next_port += 1;
                let relayed = SocketAddr::new(opening.address, self.next_port);
                Some(self.relay.opened(self.now, opening, Some((relayed, self.next_port))))
            }
            Act::Nothing => None,
            act => panic!("{act:?}"),
        }
    }

    /// Asks, with a fresh nonce when the one at hand isn't good.
    fn ask(&mut self, asker: &mut Asker, draft: impl Fn() -> Draft) -> Vec<u8> {
        for _ in 0..2 {
            let answer = self.hear(asker.client, &asker.sign(draft())).unwrap();
            if !matches!(code(&answer), 401 | 438) {
                return answer;
            }
            let message = Message::read(&answer).unwrap();
            let Some(nonce) = message.text(attribute::NONCE) else { return answer };
            if code(&answer) == 401 && !asker.nonce.is_empty() {
                return answer;
            }
            asker.nonce = nonce.to_owned();
        }
        self.hear(asker.client, &asker.sign(draft())).unwrap()
    }

    /// Opens an allocation, and returns its address.
    fn open(&mut self, asker: &mut Asker) -> SocketAddr {
        let answer = self.ask(asker, allocate);
        assert_eq!(code(&answer), 0);
        relayed(&answer)
    }

    fn permit(&mut self, asker: &mut Asker, peer: SocketAddr) -> u16 {
        code(
            &self.ask(asker, || {
                Draft::new(kind::CREATE_PERMISSION, [3; 12]).with_address(attribute::PEER, peer)
            }),
        )
    }

    fn bind(&mut self, asker: &mut Asker, channel: u16, peer: SocketAddr) -> u16 {
        let draft = || {
            let draft = Draft::new(kind::CHANNEL_BIND, [4; 12]);
            let number = [channel.to_be_bytes(), [0, 0]].concat();
            draft.with(attribute::CHANNEL, &number).with_address(attribute::PEER, peer)
        };
        code(&self.ask(asker, draft))
    }

    fn refresh(&mut self, asker: &mut Asker, seconds: u32) -> u16 {
        let draft = || Draft::new(kind::REFRESH, [5; 12]).with(attribute::LIFETIME, &seconds.to_be_bytes());
        code(&self.ask(asker, draft))
    }

    /// Where bytes go that a client sends to a peer: out by a port, to another client, or nowhere.
    fn send(&mut self, asker: &Asker, peer: SocketAddr, data: &[u8]) -> Went {
        let draft =
            Draft::new(kind::SEND, [6; 12]).with_address(attribute::PEER, peer).with(attribute::DATA, data);
        self.went(asker.client, &draft.bytes())
    }

    fn went(&mut self, client: Client, packet: &[u8]) -> Went {
        let mut frame = vec![];
        match self.relay.hear(self.now, client, packet, &mut frame) {
            Act::Nothing => Went::Nowhere,
            Act::Send(port, peer, data) => Went::Out(*port, peer, data.to_vec()),
            Act::Pass(client) => Went::Over(client, frame),
            act => panic!("{act:?}"),
        }
    }

    /// What a client is sent when a peer sends.
    fn arrive(&mut self, relayed: SocketAddr, peer: SocketAddr, data: &[u8]) -> Option<(Client, Vec<u8>)> {
        let mut frame = vec![];
        let client = self.relay.arrive(self.now, relayed, peer, data, &mut frame)?;
        Some((client, frame))
    }
}

#[derive(Debug, PartialEq)]
enum Went {
    Nowhere,
    Out(u16, SocketAddr, Vec<u8>),
    Over(Client, Vec<u8>),
}

fn allocate() -> Draft {
    Draft::new(kind::ALLOCATE, [1; 12]).with(attribute::TRANSPORT, &[17, 0, 0, 0])
}

fn relayed(answer: &[u8]) -> SocketAddr {
    let message = Message::read(answer).unwrap();
    message.address(message.attribute(attribute::RELAYED).unwrap()).unwrap()
}

impl Asker {
    fn key(&self) -> Key {
        Key::new(&self.pass.name, pass::REALM, &self.pass.password)
    }

    fn sign(&self, draft: Draft) -> Vec<u8> {
        if self.nonce.is_empty() {
            return draft.bytes();
        }
        let draft = draft.with(attribute::USERNAME, self.pass.name.as_bytes());
        let draft = draft.with(attribute::REALM, pass::REALM.as_bytes());
        draft.with(attribute::NONCE, self.nonce.as_bytes()).signed(&self.key()).bytes()
    }
}

#[test]
fn anybody_learns_their_address_and_who_sends_nonsense_learns_nothing() {
    let mut house = house();
    let asker = house.asker(1_000, UserId::new());
    let answer = house.hear(asker.client, &Draft::new(kind::BINDING, [9; 12]).bytes()).unwrap();
    let message = Message::read(&answer).unwrap();
    assert_eq!(message.address(message.attribute(attribute::MAPPED).unwrap()), Some(asker.client.address));
    for nonsense in [&b""[..], b"x", &[0x40, 1, 0, 9, 1], &[0; 20], &Draft::new(0x0fff, [9; 12]).bytes()] {
        assert!(house.hear(asker.client, nonsense).is_none());
    }
}

#[test]
fn bytes_pass_both_ways_by_indication_and_by_channel() {
    let mut house = house();
    let mut alice = house.asker(1_000, UserId::new());
    let relayed = house.open(&mut alice);
    assert_eq!(relayed, SocketAddr::new(RELAY, 50_001));
    assert_eq!(house.send(&alice, peer(), b"early"), Went::Nowhere, "without permission");
    assert_eq!(house.arrive(relayed, peer(), b"early"), None, "without permission");
    assert_eq!(house.permit(&mut alice, peer()), 0);
    assert_eq!(house.send(&alice, peer(), b"hello"), Went::Out(50_001, peer(), b"hello".to_vec()));
    let (client, frame) = house.arrive(relayed, peer(), b"hi").unwrap();
    let message = Message::read(&frame).unwrap();
    assert_eq!((client, message.kind()), (alice.client, kind::DATA));
    assert_eq!(message.attribute(attribute::DATA), Some(&b"hi"[..]));
    assert_eq!(message.address(message.attribute(attribute::PEER).unwrap()), Some(peer()));

    assert_eq!(house.bind(&mut alice, 0x4001, peer()), 0);
    let (_, frame) = house.arrive(relayed, peer(), b"hi").unwrap();
    assert_eq!(stun::read_channel(&frame), Some((0x4001, &b"hi"[..])));
    let out = house.went(alice.client, &frame);
    assert_eq!(out, Went::Out(50_001, peer(), b"hi".to_vec()));
}

#[test]
fn two_who_only_use_the_relay_reach_each_other_within_the_process() {
    let mut house = house();
    let (mut alice, mut bob) = (house.asker(1_000, UserId::new()), house.asker(2_000, UserId::new()));
    let (at_alice, at_bob) = (house.open(&mut alice), house.open(&mut bob));
    assert_eq!(house.permit(&mut alice, at_bob), 0);
    assert_eq!(house.send(&alice, at_bob, b"hello"), Went::Nowhere, "bob permits nobody");
    assert_eq!(house.bind(&mut bob, 0x4abc, at_alice), 0);
    let Went::Over(client, frame) = house.send(&alice, at_bob, b"hello") else { panic!("not handed over") };
    assert_eq!((client, stun::read_channel(&frame)), (bob.client, Some((0x4abc, &b"hello"[..]))));
    // At the relay's address, what isn't an allocation is the machine itself.
    for port in [22, 8_080, 50_009] {
        assert_eq!(house.send(&alice, SocketAddr::new(RELAY, port), b"hello"), Went::Nowhere);
    }
    assert_eq!(house.refresh(&mut bob, 0), 0);
    assert_eq!(house.send(&alice, at_bob, b"hello"), Went::Nowhere, "bob is gone");
}

#[test]
fn nothing_is_relayed_to_who_isnt_on_the_internet() {
    let mut house = house();
    let mut alice = house.asker(1_000, UserId::new());
    house.open(&mut alice);
    for at in
        ["127.0.0.1", "10.0.0.1", "100.64.0.1", "169.254.169.254", "192.168.1.1", "224.0.0.1", "40.0.0.1"]
    {
        assert_eq!(house.permit(&mut alice, address(at)), 403, "{at}");
        assert_eq!(house.bind(&mut alice, 0x4001, address(at)), 403, "{at}");
        assert_eq!(house.send(&alice, address(at), b"hello"), Went::Nowhere, "{at}");
    }
    let mut bob = house.asker(2_000, UserId::new());
    let opened = house.ask(&mut bob, || allocate().with(attribute::FAMILY, &[2, 0, 0, 0]));
    assert!(relayed(&opened).is_ipv6());
    for at in
        ["::1", "fc00::1", "fe80::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:30.0.0.1", "64:ff9b::1e00:1"]
    {
        assert_eq!(house.permit(&mut bob, address(at)), 403, "{at}");
        assert_eq!(house.send(&bob, address(at), b"hello"), Went::Nowhere, "{at}");
    }
    assert_eq!(house.permit(&mut bob, peer()), 443, "another family");
    assert_eq!(house.permit(&mut bob, address("2a00::7")), 0);
}

#[test]
fn a_setting_opens_networks() {
    let mut house =
        house_with("10.0.0.0/8, 40.0.0.1", Limits { allocations: 9, of_one: 9, bandwidth: 1_000 });
    let mut alice = house.asker(1_000, UserId::new());
    house.open(&mut alice);
    for at in ["10.1.2.3", "40.0.0.1"] {
        assert_eq!(house.permit(&mut alice, address(at)), 0);
        assert!(matches!(house.send(&alice, address(at), b"x"), Went::Out(..)));
    }
    assert_eq!(house.permit(&mut alice, address("192.168.1.1")), 403);
}

#[test]
fn wrong_expired_and_strange_credentials_are_refused() {
    let mut house = house();
    let good = house.asker(1_000, UserId::new());
    let mut unsigned = good.clone();
    assert_eq!(code(&house.hear(good.client, &unsigned.sign(allocate())).unwrap()), 401);

    let mut wrong = good.clone();
    wrong.pass.password.push('x');
    assert_eq!(code(&house.ask(&mut wrong, allocate)), 401);
    let mut others = good.clone();
    others.pass = Pass::make(&keys("b"), UserId::new(), BEGIN);
    assert_eq!(code(&house.ask(&mut others, allocate)), 401, "of another server");
    let mut renamed = good.clone();
    renamed.pass.name = renamed.pass.name.replace("1800003600", "1900003600");
    assert_eq!(code(&house.ask(&mut renamed, allocate)), 401, "a longer life than was given");
    unsigned.pass.name = "nobody".to_owned();
    assert_eq!(code(&house.ask(&mut unsigned, allocate)), 401);

    let mut old = good.clone();
    house.later(3_601);
    assert_eq!(code(&house.ask(&mut old, allocate)), 401, "expired");
    assert_eq!(house.relay.len(), 0);
}

#[test]
fn another_persons_credentials_dont_touch_an_allocation() {
    let mut house = house();
    let mut alice = house.asker(1_000, UserId::new());
    house.open(&mut alice);
    let mut mallory = house.asker(1_000, UserId::new());
    assert_eq!(mallory.client, alice.client);
    assert_eq!(house.refresh(&mut mallory, 0), 441);
    assert_eq!(house.permit(&mut mallory, peer()), 441);
    assert_eq!(house.relay.len(), 1);
}

#[test]
fn a_running_allocation_lives_on_past_the_hour_of_its_credentials() {
    let mut house = house();
    let mut alice = house.asker(1_000, UserId::new());
    let relayed = house.open(&mut alice);
    for _ in 0..30 {
        house.later(290);
        assert_eq!(house.refresh(&mut alice, 600), 0);
        assert_eq!(house.permit(&mut alice, peer()), 0);
        house.relay.tidy(house.now.at);
    }
    assert!(house.now.unix > BEGIN + 2 * 3_600);
    assert!(house.arrive(relayed, peer(), b"still here").is_some());
    assert!(matches!(house.send(&alice, peer(), b"still here"), Went::Out(..)));
    let mut again = Asker { client: Client { stream: None, address: address("25.0.0.9") }, ..alice };
    again.nonce.clear();
    assert_eq!(code(&house.ask(&mut again, allocate)), 401, "but opens no other");
}

#[test]
fn what_isnt_refreshed_ends_and_its_port_with_it() {
    let mut house = house();
    let mut alice = house.asker(1_000, UserId::new());
    let relayed = house.open(&mut alice);
    assert_eq!(house.permit(&mut alice, peer()), 0);
    house.later(301);
    assert_eq!(house.send(&alice, peer(), b"x"), Went::Nowhere, "the permission ran out");
    house.later(300);
    assert!(house.arrive(relayed, peer(), b"x").is_none());
    assert_eq!(house.permit(&mut alice, peer()), 437, "the allocation ran out");
    house.relay.tidy(house.now.at);
    assert_eq!((house.relay.len(), house.relay.is_taken(relayed)), (0, false));
}

#[test]
fn a_lost_answer_is_given_again_and_another_request_is_a_mismatch() {
    let mut house = house();
    let mut alice = house.asker(1_000, UserId::new());
    let first = house.open(&mut alice);
    assert_eq!(house.open(&mut alice), first);
    let other = || Draft::new(kind::ALLOCATE, [2; 12]).with(attribute::TRANSPORT, &[17, 0, 0, 0]);
    assert_eq!(code(&house.ask(&mut alice, other)), 437);
    assert_eq!(house.relay.len(), 1);
}

#[test]
fn caps_hold() {
    let mut house = house_with("", Limits { allocations: 5, of_one: 3, bandwidth: 1_000 });
    let (alice, bob) = (UserId::new(), UserId::new());
    for port in 0..3 {
        let mut asker = house.asker(1_000 + port, alice);
        house.open(&mut asker);
    }
    let mut fourth = house.asker(1_004, alice);
    assert_eq!(code(&house.ask(&mut fourth, allocate)), 486);
    for port in 0..2 {
        let mut asker = house.asker(2_000 + port, bob);
        house.open(&mut asker);
    }
    let mut sixth = house.asker(2_004, bob);
    assert_eq!(code(&house.ask(&mut sixth, allocate)), 508);

    let mut asker = house.asker(2_000, bob);
    asker.pass = Pass::make(&house.keys, bob, BEGIN);
    for peer in 0..64 {
        assert_eq!(house.permit(&mut asker, SocketAddr::from(([30, 0, 1, peer], 9))), 0);
    }
    assert_eq!(house.permit(&mut asker, peer()), 508);
    let one = SocketAddr::from(([30, 0, 1, 1], 9));
    assert_eq!(house.permit(&mut asker, one), 0, "one that is permitted may be permitted again");

    assert!(matches!(house.send(&asker, one, &[0; 900]), Went::Out(..)));
    assert_eq!(house.send(&asker, one, &[0; 200]), Went::Nowhere, "over the bandwidth");
    house.later(1);
    assert!(matches!(house.send(&asker, one, &[0; 200]), Went::Out(..)));
}

#[test]
fn a_channel_is_one_peers_and_a_peer_has_one_channel() {
    let mut house = house();
    let mut alice = house.asker(1_000, UserId::new());
    house.open(&mut alice);
    let other = address("30.0.0.2");
    assert_eq!(house.bind(&mut alice, 0x4001, peer()), 0);
    assert_eq!(house.bind(&mut alice, 0x4001, peer()), 0);
    assert_eq!(house.bind(&mut alice, 0x4001, other), 400);
    assert_eq!(house.bind(&mut alice, 0x4002, peer()), 400);
    assert_eq!(house.bind(&mut alice, 0x3fff, other), 400);
    assert_eq!(house.bind(&mut alice, 0x8000, other), 400);
    house.later(599);
    assert_eq!(house.refresh(&mut alice, 600), 0);
    house.later(2);
    assert_eq!(house.bind(&mut alice, 0x4001, other), 0, "it ran out");
}

#[test]
fn what_isnt_offered_is_refused_by_its_code() {
    let mut house = house();
    let mut alice = house.asker(1_000, UserId::new());
    let plain = || Draft::new(kind::ALLOCATE, [1; 12]);
    let udp = allocate;
    assert_eq!(code(&house.ask(&mut alice, plain)), 400);
    assert_eq!(code(&house.ask(&mut alice, || plain().with(attribute::TRANSPORT, &[6, 0, 0, 0]))), 442);
    assert_eq!(code(&house.ask(&mut alice, || udp().with(attribute::EVEN_PORT, &[0x80]))), 508);
    assert_eq!(code(&house.ask(&mut alice, || udp().with(attribute::RESERVATION, &[0; 8]))), 508);
    assert_eq!(code(&house.ask(&mut alice, || udp().with(attribute::FAMILY, &[3, 0, 0, 0]))), 400);
    assert_eq!(code(&house.ask(&mut alice, || udp().with(0x001a, &[]))), 420);
    assert_eq!(code(&house.ask(&mut alice, || udp().with(0xc057, &[1, 2]))), 0);
    assert_eq!(house.refresh(&mut alice, 0), 0);
    assert_eq!(house.refresh(&mut alice, 600), 437);
}

#[test]
fn strangers_are_answered_only_so_often() {
    let mut house = house();
    let asker = house.asker(1_000, UserId::new());
    let binding = Draft::new(kind::BINDING, [9; 12]).bytes();
    let answers = (0..500).filter(|_| house.hear(asker.client, &binding).is_some()).count();
    assert_eq!(answers, UNPROVED as usize);
    let other = Client { stream: None, address: address("25.0.0.2") };
    assert!(house.hear(other, &binding).is_some());
    house.later(1);
    assert!(house.hear(asker.client, &binding).is_some());
}

/// A packet that is almost one that the relay takes.
fn almost() -> impl Strategy<Value = Vec<u8>> {
    const KINDS: [u16; 10] = [0x0001, 0x0003, 0x0004, 0x0008, 0x0009, 0x0016, 0x0017, 0x0103, 0x0113, 0x4001];
    let attributes =
        proptest::collection::vec((0_u16..0x30, proptest::collection::vec(any::<u8>(), 0..24)), 0..6);
    (
        proptest::sample::select(&KINDS[..]),
        attributes,
        any::<bool>(),
        proptest::option::of((0_usize..300, any::<u8>())),
    )
        .prop_map(|(kind, attributes, whole, flip)| {
            let draft = attributes
                .into_iter()
                .fold(Draft::new(kind, [8; 12]), |it, (kind, value)| it.with(kind, &value));
            let mut bytes = draft.bytes();
            if !whole {
                bytes.truncate(bytes.len().saturating_sub(3));
            }
            if let Some((at, by)) = flip
                && let Some(byte) = bytes.get_mut(at)
            {
                *byte ^= by;
            }
            bytes
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_packet_brings_it_down(packets in proptest::collection::vec(prop_oneof![
        almost(),
        proptest::collection::vec(any::<u8>(), 0..80),
    ], 1..8)) {
        let mut house = house();
        let mut alice = house.asker(1_000, UserId::new());
        let relayed = house.open(&mut alice);
        let strange = Client { stream: Some(7), address: address("25.0.0.9") };
        for packet in &packets {
            for client in [alice.client, strange] {
                match house.relay.hear(house.now, client, packet, &mut vec![]) {
                    // Nothing here is signed, and nobody was permitted.
                    Act::Answer(answer) => prop_assert!(Message::read(&answer).is_some()),
                    Act::Nothing => {}
                    act => prop_assert!(false, "{act:?}"),
                }
            }
            prop_assert!(house.arrive(relayed, peer(), packet).is_none());
        }
        prop_assert_eq!(house.relay.len(), 1);
    }

    #[test]
    fn whatever_is_signed_is_answered_and_reaches_only_places(
        requests in proptest::collection::vec((
            proptest::sample::select(&[kind::ALLOCATE, kind::REFRESH, kind::CREATE_PERMISSION, kind::CHANNEL_BIND][..]),
            proptest::collection::vec((proptest::sample::select(&[
                attribute::CHANNEL, attribute::LIFETIME, attribute::FAMILY, attribute::EVEN_PORT, attribute::TRANSPORT,
                attribute::RESERVATION, 0x001a, 0x8022,
            ][..]), proptest::collection::vec(any::<u8>(), 0..9)), 0..4),
            any::<(IpAddr, u16)>(),
            0_u64..400,
        ), 1..12),
    ) {
        let mut house = house();
        let mut alice = house.asker(1_000, UserId::new());
        house.open(&mut alice);
        for (kind, attributes, to, wait) in requests {
            let to = SocketAddr::from(to);
            house.later(wait);
            let answer = house.ask(&mut alice, || {
                let draft = Draft::new(kind, [8; 12]).with_address(attribute::PEER, to);
                attributes.iter().fold(draft, |draft, (kind, value)| draft.with(*kind, value))
            });
            prop_assert!(Message::read(&answer).is_some());
            prop_assert!(house.relay.len() <= 1);
            if let Went::Out(_, peer, _) = house.send(&alice, to, b"x") {
                prop_assert!(Peers::new(Networks::default(), vec![]).may_be(peer.ip()));
            }
            for channel in (0x4000..0x4010).filter(|channel| is_channel(*channel)) {
                let mut frame = vec![];
                stun::write_channel(&mut frame, channel, b"x");
                if let Act::Send(_, peer, _) = house.relay.hear(house.now, alice.client, &frame, &mut vec![]) {
                    prop_assert!(Peers::new(Networks::default(), vec![]).may_be(peer.ip()));
                }
            }
        }
    }
}
