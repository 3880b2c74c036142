//! Whose word about a client's address counts.

use std::net::IpAddr;

use ipnet::IpNet;

/// A set of addresses, given as networks and single addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// The networks and addresses in `text`, with commas between; else the part that is neither.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let parse = |part: &str| {
            let network = part.parse::<IpNet>().ok();
            network.or_else(|| part.parse::<IpAddr>().ok().map(IpNet::from)).ok_or_else(|| part.to_owned())
        };
        parts.map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// Whether `address` is in one of them; an IPv4 address may come as IPv6.
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_single_addresses_are_told_apart_from_others() {
        let networks = Networks::parse("10.0.0.0/8, 192.0.2.7,fd00::/8");
        let contain = |address: &str| {
            let address = address.parse().ok();
            networks.as_ref().ok().zip(address).is_some_and(|(networks, address)| networks.contain(address))
        };
        assert!(
            contain("10.1.2.3") && contain("192.0.2.7") && contain("fd00::1") && contain("::ffff:10.1.2.3")
        );
        assert!(!contain("192.0.2.8") && !contain("fe80::1") && !contain("11.0.0.1"));
    }

    #[test]
    fn the_wrong_part_is_named() {
        assert_eq!(Networks::parse("10.0.0.0/8,proxy"), Err("proxy".to_owned()));
        assert_eq!(Networks::parse("10.0.0.0/33"), Err("10.0.0.0/33".to_owned()));
        assert_eq!(Networks::parse(""), Ok(Networks::default()));
    }
}
