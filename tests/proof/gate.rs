//! Stands where a proxy does: one address for all nodes, each connection handed to a node that takes it.

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// The way in.
pub(crate) struct Gate {
    /// Where it listens.
    pub(crate) address: String,
    task: JoinHandle<()>,
}

impl Gate {
    /// Opens one before the nodes at these addresses.
    pub(crate) async fn open(nodes: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        Self { address, task: tokio::spawn(accept(listener, nodes)) }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, nodes: Vec<String>) {
    let mut connections = JoinSet::new();
    for turn in 0.. {
        let Ok((mut client, _)) = listener.accept().await else { return };
        let mut nodes = nodes.clone();
        let count = nodes.len();
        nodes.rotate_left(turn % count);
        connections.spawn(async move {
            for node in nodes {
                // One that goes down takes nobody in any more; the next does.
                if let Ok(mut server) = TcpStream::connect(&node).await {
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                    return;
                }
            }
        });
        while connections.try_join_next().is_some() {}
    }
}
