//! Clients that come by datagram.

use std::sync::Arc;

use super::{MAX_PACKET, Node, REST, relay::Client};

/// Hears clients, until it is dropped.
pub(super) async fn serve(node: Arc<Node>) {
    // One more than is taken, so that a longer one is told from one that fits.
    let mut buffer = vec![0; MAX_PACKET + 1];
    let mut frame = Vec::new();
    loop {
        match node.udp.recv_from(&mut buffer).await {
            Ok((length, address)) if length <= MAX_PACKET => {
                node.hear(Client { stream: None, address }, &buffer[..length], &mut frame);
            }
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(%error, "STUN could not receive");
                tokio::time::sleep(REST).await;
            }
        }
    }
}
