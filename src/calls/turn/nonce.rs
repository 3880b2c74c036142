//! What a client has to sign along, so that nobody can say again later what it said.
//!
//! A nonce holds its time and proves that this process made it for that client. So nothing is kept for a client that has
//! not proved who it is.

use std::net::SocketAddr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// How long a nonce is good, in seconds: a client has to ask anew after that.
const GOOD_FOR: u64 = 1_800;
/// Hex digits of the time and of the proof.
const DIGITS: usize = 16;

/// What nonces are proved with.
pub(super) struct Nonces {
    key: [u8; 64],
}

impl Nonces {
    /// Those of a process that begins.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        let mut key = [0; 64];
        getrandom::fill(&mut key)?;
        Ok(Self { key })
    }

    /// A fresh one for a client.
    pub(super) fn make(&self, client: SocketAddr, unix: u64) -> String {
        let time = format!("{unix:016x}");
        let proof = self.proof(client, &time);
        format!("{time}{proof}")
    }

    /// Whether it was made for this client, lately.
    pub(super) fn is_good(&self, nonce: &str, client: SocketAddr, unix: u64) -> bool {
        let Some((time, proof)) = nonce.split_at_checked(DIGITS) else { return false };
        let made = u64::from_str_radix(time, 16).unwrap_or_default();
        let ours: bool = self.proof(client, time).as_bytes().ct_eq(proof.as_bytes()).into();
        ours && unix.saturating_sub(made) < GOOD_FOR
    }

    fn proof(&self, client: SocketAddr, time: &str) -> String {
        let mac: Hmac<Sha256> = Hmac::new(&self.key.into());
        let proof = mac.chain_update(client.to_string()).chain_update([0]).chain_update(time).finalize();
        hex::encode(&proof.into_bytes()[..DIGITS / 2])
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_good_for_its_client_for_a_while() {
        let nonces = Nonces::new().unwrap();
        let client: SocketAddr = "192.0.2.1:5000".parse().unwrap();
        let nonce = nonces.make(client, 1_000);
        assert!(nonces.is_good(&nonce, client, 1_000) && nonces.is_good(&nonce, client, 2_799));
        assert!(!nonces.is_good(&nonce, client, 2_800));
        assert!(!nonces.is_good(&nonce, "192.0.2.1:5001".parse().unwrap(), 1_000));
        assert!(!nonces.is_good(&nonces.make(client, 2_000).replace('7', "8"), client, 1_000));
        assert!(!Nonces::new().unwrap().is_good(&nonce, client, 1_000));
        for nonsense in ["", "0", "é", &nonce[1..], &format!("{nonce}0"), "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"]
        {
            assert!(!nonces.is_good(nonsense, client, 1_000), "{nonsense}");
        }
    }
}
