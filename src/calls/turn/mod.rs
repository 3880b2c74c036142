//! STUN and TURN: how browsers that can't reach each other do, by way of the server.
//!
//! A packet comes in by datagram ([`udp`]) or in a stream ([`tcp`]), the [`relay`] says what is to be done with it, and
//! [`Node`] does it. Each allocation has a [`port`] of its own, where its peers' packets come in and its client's leave.
//! What goes from one allocation of this server to another never leaves the process.
//!
//! | part | says |
//! |---|---|
//! | [`stun`] | how messages are written |
//! | [`pass`], [`nonce`] | who is asking |
//! | [`peers`] | to whom bytes may go |
//! | [`sockets`] | how packets come and go |
//! | [`relay`] | all of the rules together, without I/O |

mod nonce;
mod pass;
mod peers;
mod port;
mod relay;
mod sockets;
mod stun;
mod tcp;
mod udp;

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde::Serialize;
use tokio::{
    net::{TcpListener, UdpSocket},
    sync::mpsc,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    nonce::Nonces,
    pass::Pass,
    peers::Peers,
    port::{Port, Ports},
    relay::{Act, Client, Limits, Now, Relay},
};
use crate::{
    accounts::Keys,
    config::TurnConfig,
    model::{Timestamp, UserId},
};

/// The largest packet that is relayed: media have to fit what networks carry, 1,500 bytes as a rule.
const MAX_PACKET: usize = 4_096;
/// How long to rest when a socket can't receive, so that it isn't asked without end.
const REST: Duration = Duration::from_millis(10);
/// How often allocations that ran out are let go of.
const TIDY: Duration = Duration::from_secs(5);
/// Tries to have the same port by UDP and TCP, where any will do.
const TRIES: u32 = 20;

/// How long credentials open a way through the relay. A way that is open goes on for as long as it is used.
pub const CREDENTIALS_GOOD_FOR: Duration = Duration::from_secs(pass::GOOD_FOR);

/// What a browser's `RTCPeerConnection` is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IceServer {
    /// Where, by which protocol.
    pub urls: Vec<String>,
    /// Who, until when.
    pub username: String,
    /// The password.
    pub credential: String,
    /// How long both open an allocation.
    #[serde(skip)]
    pub ttl: Duration,
}

/// Why STUN and TURN can't be had. One line.
#[derive(Debug, thiserror::Error)]
pub enum TurnError {
    /// The address can't be had.
    #[error("PARLOR_TURN_BIND: can't listen on {0}: {1}")]
    Bind(SocketAddr, io::Error),
    /// The system has no random numbers.
    #[error("no random numbers: {0}")]
    Random(getrandom::Error),
}

/// STUN and TURN, as they run on this node.
#[derive(Clone)]
pub struct Turn {
    node: Arc<Node>,
    keys: Keys,
    urls: Vec<String>,
    bound: SocketAddr,
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turn").field("urls", &self.urls).finish_non_exhaustive()
    }
}

impl Turn {
    /// Listens, and serves as `tasks` until `stop`; then all that it relays ends at once.
    ///
    /// # Errors
    /// When the address can't be had.
    pub async fn start(
        config: &TurnConfig,
        keys: Keys,
        stop: &CancellationToken,
        tasks: &TaskTracker,
    ) -> Result<Self, TurnError> {
        let (udp, tcp) = bind(config.bind).await.map_err(|error| TurnError::Bind(config.bind, error))?;
        let bound = udp.local_addr().map_err(|error| TurnError::Bind(config.bind, error))?;
        let mut ours = config.public.clone();
        ours.push(bound.ip());
        let limits = Limits {
            allocations: config.allocations,
            of_one: config.allocations_per_person,
            bandwidth: config.bandwidth,
        };
        let room = sockets::room(&udp);
        let relay = Relay::new(
            keys.clone(),
            Nonces::new().map_err(TurnError::Random)?,
            Peers::new(config.peers.clone(), ours),
            limits,
            config.public.clone(),
            port::own_addresses(),
            Instant::now(),
        );
        let node = Arc::new(Node {
            relay: Mutex::new(relay),
            udp,
            streams: Mutex::default(),
            ports: Ports::new(config.ports.clone(), bound.ip()),
        });
        tasks.spawn(stop.clone().run_until_cancelled_owned(udp::serve(Arc::clone(&node))));
        tasks.spawn(tcp::serve(Arc::clone(&node), tcp, stop.clone(), config.allocations));
        tasks.spawn(keep_tidy(Arc::clone(&node), stop.clone()));
        let urls = urls(&config.public, bound.port());
        tracing::info!(%bound, public = ?config.public, room, "STUN and TURN serve");
        Ok(Self { node, keys, urls, bound })
    }

    /// What somebody's browser needs to be reached, from now on.
    pub fn credentials(&self, user: UserId) -> IceServer {
        let Pass { name, password } = Pass::make(&self.keys, user, Now::read().unix);
        IceServer { urls: self.urls.clone(), username: name, credential: password, ttl: CREDENTIALS_GOOD_FOR }
    }

    /// Where it listens.
    pub fn bound(&self) -> SocketAddr {
        self.bound
    }

    /// How many allocations are open.
    pub fn allocations(&self) -> usize {
        self.node.relay().len()
    }

    /// How many streams are open.
    pub fn connections(&self) -> usize {
        self.node.streams().len()
    }
}

/// What all tasks share.
struct Node {
    relay: Mutex<Relay<Port>>,
    udp: UdpSocket,
    /// Ways to the clients that came by stream.
    streams: Mutex<HashMap<u64, mpsc::Sender<Vec<u8>>>>,
    ports: Ports,
}

impl Node {
    /// Does what is to be done with a client's packet. `frame` is where what is handed on is written.
    fn hear(self: &Arc<Self>, client: Client, packet: &[u8], frame: &mut Vec<u8>) {
        let now = Now::read();
        let act = self.relay().hear(now, client, packet, frame);
        match act {
            Act::Nothing => {}
            Act::Answer(answer) => self.tell(client, answer.as_slice()),
            Act::Send(port, peer, data) => sockets::send(&port.socket, data, peer),
            Act::Pass(other) => self.tell(other, frame),
            Act::Open(opening) => {
                let had = self.ports.open(self, opening.address, opening.even);
                let answer = self.relay().opened(Now::read(), opening, had);
                self.tell(client, &answer);
            }
        }
    }

    /// Sends to a client, or drops it when the client doesn't take what it is sent.
    fn tell(&self, client: Client, packet: &[u8]) {
        match client.stream {
            None => sockets::send(&self.udp, packet, client.address),
            Some(stream) => {
                if let Some(stream) = self.streams().get(&stream) {
                    let _ = stream.try_send(packet.to_vec());
                }
            }
        }
    }

    fn relay(&self) -> MutexGuard<'_, Relay<Port>> {
        self.relay.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn streams(&self) -> MutexGuard<'_, HashMap<u64, mpsc::Sender<Vec<u8>>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Now {
    fn read() -> Self {
        Self { at: Instant::now(), unix: u64::try_from(Timestamp::now().0 / 1_000).unwrap_or_default() }
    }
}

/// Lets go of allocations that ran out, and in the end of all.
async fn keep_tidy(node: Arc<Node>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(TIDY);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        node.relay().tidy(Instant::now());
    }
    node.relay().end();
}

/// The same port by UDP and by TCP.
async fn bind(wanted: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let mut tries = TRIES;
    loop {
        let tcp = TcpListener::bind(wanted).await?;
        let bound = SocketAddr::new(wanted.ip(), tcp.local_addr()?.port());
        match sockets::bind(bound, sockets::OF_ALL) {
            Ok(udp) => return Ok((udp, tcp)),
            Err(_) if wanted.port() == 0 && tries > 0 => tries -= 1,
            Err(error) => return Err(error),
        }
    }
}

fn urls(public: &[IpAddr], port: u16) -> Vec<String> {
    let places: Vec<SocketAddr> = public.iter().map(|address| SocketAddr::new(*address, port)).collect();
    let stun = places.iter().map(|place| format!("stun:{place}"));
    let udp = places.iter().map(|place| format!("turn:{place}?transport=udp"));
    let tcp = places.iter().map(|place| format!("turn:{place}?transport=tcp"));
    stun.chain(udp).chain(tcp).collect()
}
