//! Whom bytes may be relayed to: nobody whom the sender couldn't reach without us.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

use crate::config::Networks;

/// IPv4 that isn't somebody's place on the internet: this network, private, carriers' NAT, loopback, link-local, protocol
/// assignments, documentation, relays from IPv6, private, benchmarks, documentation, multicast, reserved.
const NOT_PLACES: [Ipv4Net; 15] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 88, 99, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
];

/// The part of IPv6 that is given out. Outside are loopback, mapped and translated IPv4, local, link-local, multicast.
const GIVEN_OUT: Ipv6Net = v6([0x2000, 0, 0], 3);
/// Within it: protocol assignments and tunnels that hold IPv4, documentation, 6to4, documentation.
const NOT_PLACES_V6: [Ipv6Net; 4] =
    [v6([0x2001, 0, 0], 23), v6([0x2001, 0xdb8, 0], 32), v6([0x2002, 0, 0], 16), v6([0x3fff, 0, 0], 20)];

const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6([a, b, c]: [u16; 3], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix)
}

/// Whom bytes may be relayed to.
#[derive(Debug)]
pub(super) struct Peers {
    /// Whom a setting allows, whatever they are.
    allowed: Networks,
    /// The server's own addresses: behind them are its services, which trust the machine.
    ours: Vec<IpAddr>,
}

impl Peers {
    pub(super) fn new(allowed: Networks, ours: Vec<IpAddr>) -> Self {
        Self { allowed, ours }
    }

    /// Whether bytes may leave for there. Live allocations of this server aren't its business: they never leave.
    pub(super) fn may_be(&self, peer: IpAddr) -> bool {
        if let IpAddr::V6(peer) = peer
            && peer.to_ipv4_mapped().is_some()
        {
            return false;
        }
        self.allowed.contain(peer) || is_place(peer) && !self.ours.contains(&peer)
    }

    /// Whether a setting allows it.
    pub(super) fn is_allowed(&self, peer: IpAddr) -> bool {
        self.allowed.contain(peer)
    }
}

/// Whether somebody may be at home there.
fn is_place(peer: IpAddr) -> bool {
    match peer {
        IpAddr::V4(peer) => !NOT_PLACES.iter().any(|network| network.contains(&peer)),
        IpAddr::V6(peer) => {
            GIVEN_OUT.contains(&peer) && !NOT_PLACES_V6.iter().any(|network| network.contains(&peer))
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    fn peers(allowed: &str) -> Peers {
        Peers::new(Networks::parse(allowed).unwrap(), vec!["8.8.4.4".parse().unwrap()])
    }

    #[test]
    fn nobody_is_reached_who_isnt_on_the_internet() {
        for peer in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.8.9.10",
            "169.254.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "8.8.4.4",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::8.8.8.8",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:1::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!peers("").may_be(peer.parse().unwrap()), "{peer}");
        }
    }

    #[test]
    fn whoever_else_is_on_the_internet_is_reached() {
        for peer in [
            "1.1.1.1",
            "8.8.8.8",
            "11.0.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "223.255.255.255",
            "2001:4860:4860::8888",
            "2a00::1",
            "2600::1",
        ] {
            assert!(peers("").may_be(peer.parse().unwrap()), "{peer}");
        }
    }

    #[test]
    fn a_setting_allows_more_but_never_a_mapped_address() {
        let peers = peers("10.1.0.0/16,127.0.0.1,fd00::/8");
        for peer in ["10.1.2.3", "127.0.0.1", "fd00::7"] {
            assert!(peers.may_be(peer.parse().unwrap()), "{peer}");
        }
        for peer in ["10.2.0.1", "127.0.0.2", "::ffff:10.1.2.3", "::ffff:127.0.0.1"] {
            assert!(!peers.may_be(peer.parse().unwrap()), "{peer}");
        }
    }
}
