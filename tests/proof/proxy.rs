//! Something between a client and a server that spoils connections at random: holds bytes back, cuts in the middle of
//! a frame, closes one direction or both.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::{JoinHandle, JoinSet},
    time::sleep,
};

use crate::dice::Dice;

/// A proxy before one server.
pub(crate) struct Proxy {
    /// Where it listens.
    pub(crate) address: String,
    state: Arc<State>,
    task: JoinHandle<()>,
}

struct State {
    /// About how many bytes a connection lives.
    life: u64,
    fair: AtomicBool,
    cuts: AtomicU64,
}

impl Proxy {
    /// Starts one before the server at `to`. A connection lives for about `life` bytes.
    pub(crate) async fn start(to: String, life: u64, dice: Dice) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(State { life, fair: AtomicBool::new(false), cuts: AtomicU64::new(0) });
        let task = tokio::spawn(accept(listener, to, dice, state.clone()));
        Self { address, state, task }
    }

    /// From now on it spoils nothing.
    pub(crate) fn be_fair(&self) {
        self.state.fair.store(true, Ordering::Relaxed);
    }

    /// How many connections it has cut.
    pub(crate) fn cuts(&self) -> u64 {
        self.state.cuts.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, to: String, dice: Dice, state: Arc<State>) {
    let mut connections = JoinSet::new();
    for n in 0.. {
        let Ok((client, _)) = listener.accept().await else { return };
        let Ok(server) = TcpStream::connect(&to).await else { continue };
        connections.spawn(carry(client, server, dice.split(n), state.clone()));
        while connections.try_join_next().is_some() {}
    }
}

async fn carry(client: TcpStream, server: TcpStream, mut dice: Dice, state: Arc<State>) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let up = flow(from_client, to_server, state.life, dice.split(1), &state);
    let down = flow(from_server, to_client, state.life * 4, dice.split(2), &state);
    if dice.one_in(3) {
        // One direction at a time: the other may go on for a while.
        tokio::join!(up, down);
    } else {
        tokio::select! { () = up => {}, () = down => {} }
    }
}

/// Carries bytes one way, in pieces, until their count is up.
async fn flow(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, life: u64, mut dice: Dice, state: &State) {
    let mut left = dice.between(life / 8, life * 2);
    let mut buffer = [0; 4096];
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer).await else { return };
        let fair = state.fair.load(Ordering::Relaxed);
        if !fair && dice.one_in(12) {
            sleep(Duration::from_millis(dice.below(60))).await;
        }
        let now = if fair { count } else { (count as u64).min(left) as usize };
        if to.write_all(&buffer[..now]).await.is_err() {
            return;
        }
        left = left.saturating_sub(now as u64);
        if !fair && (now < count || left == 0) {
            state.cuts.fetch_add(1, Ordering::Relaxed);
            return;
        }
    }
}
