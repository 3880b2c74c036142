//! Clients that come by stream, where datagrams don't get through.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::BytesMut;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{MAX_PACKET, Node, relay::Client, stun};
use crate::{accounts::network, metrics::metrics};

/// Frames that wait for a client; beyond them they are lost, as they would be by datagram.
const WAITING: usize = 128;
/// How long one write may take.
const WRITE: Duration = Duration::from_secs(15);
/// How long a client without an allocation may be silent.
const IDLE: Duration = Duration::from_secs(20);
/// The most streams of one address: a company behind one has that many people in calls at worst.
const OF_ONE: usize = 512;
/// Streams for each allocation that there may be: a stream comes before its allocation.
const PER_ALLOCATION: usize = 2;
/// How long to rest when the system has no more connections to give.
const REST: Duration = Duration::from_millis(100);
/// The largest frame: a packet and what goes around it.
const MAX_FRAME: usize = MAX_PACKET + 256;

/// How many streams there are of each address.
#[derive(Debug, Default)]
struct Places(Mutex<HashMap<IpAddr, usize>>);

/// A stream's place; given back when it is dropped.
struct Place {
    places: Arc<Places>,
    network: IpAddr,
}

impl Places {
    fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let network = network(address);
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = places.entry(network).or_default();
        if *count >= OF_ONE {
            return None;
        }
        *count += 1;
        Some(Place { places: Arc::clone(self), network })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = places.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                places.remove(&self.network);
            }
        }
    }
}

/// Takes streams in until `stop`, and lets all go then.
pub(super) async fn serve(
    node: Arc<Node>,
    listener: TcpListener,
    stop: CancellationToken,
    allocations: usize,
) {
    let places = Arc::new(Places::default());
    let next = AtomicU64::new(0);
    let most = allocations.saturating_mul(PER_ALLOCATION);
    let streams = tokio_util::task::TaskTracker::new();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "TURN could not accept a connection");
                tokio::time::sleep(REST).await;
                continue;
            }
        };
        let place = places.take(address.ip()).filter(|_| streams.len() < most);
        let Some(place) = place else {
            metrics().turn_refused("connections");
            continue;
        };
        let client = Client { stream: Some(next.fetch_add(1, Ordering::Relaxed)), address };
        let carrying = carry(Arc::clone(&node), client, stream, place);
        streams.spawn(stop.clone().run_until_cancelled_owned(carrying));
    }
    streams.close();
    streams.wait().await;
}

/// Carries one client's frames both ways, until either end is gone.
async fn carry(node: Arc<Node>, client: Client, stream: TcpStream, _place: Place) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "could not set nodelay");
    }
    let Some(id) = client.stream else { return };
    let (read, write) = stream.into_split();
    let (sender, frames) = mpsc::channel(WAITING);
    node.streams().insert(id, sender);
    let _gone = Gone { node: Arc::clone(&node), client, id };
    tokio::select! {
        () = hear(&node, client, read) => {}
        () = tell(frames, write) => {}
    }
}

/// Lets go of what a stream had, however it ends.
struct Gone {
    node: Arc<Node>,
    client: Client,
    id: u64,
}

impl Drop for Gone {
    fn drop(&mut self) {
        self.node.streams().remove(&self.id);
        self.node.relay().let_go(self.client);
    }
}

async fn hear(node: &Arc<Node>, client: Client, mut stream: OwnedReadHalf) {
    let mut buffer = BytesMut::new();
    let mut passed = Vec::new();
    loop {
        while let Some(head) = buffer.first_chunk() {
            let Some(length) = stun::frame_length(*head).filter(|length| *length <= MAX_FRAME) else {
                return;
            };
            if buffer.len() < length {
                break;
            }
            let frame = buffer.split_to(length);
            node.hear(client, &frame, &mut passed);
        }
        buffer.reserve(MAX_FRAME);
        match timeout(IDLE, stream.read_buf(&mut buffer)).await {
            Ok(Ok(0) | Err(_)) => return,
            Ok(Ok(_)) => {}
            Err(_) if node.relay().knows(client) => {}
            Err(_) => return,
        }
    }
}

async fn tell(mut frames: mpsc::Receiver<Vec<u8>>, mut stream: OwnedWriteHalf) {
    let mut waiting = Vec::with_capacity(WAITING);
    while frames.recv_many(&mut waiting, WAITING).await > 0 {
        // What came together leaves together.
        let all = waiting.drain(..).reduce(|mut all, frame| {
            all.extend(frame);
            all
        });
        match timeout(WRITE, stream.write_all(&all.unwrap_or_default())).await {
            Ok(Ok(())) => {}
            _ => return,
        }
    }
}
