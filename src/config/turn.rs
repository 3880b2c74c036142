//! The settings of STUN and TURN.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    ops::RangeInclusive,
};

use super::{
    Networks, Settings, Wrong,
    check::{count, number, set, wrong},
};

/// The port that clients expect.
const PORT: u16 = 3478;
/// Where ports are free for anybody; what most firewalls' rules for media name.
const PORTS: RangeInclusive<u16> = 49_152..=65_535;

/// How STUN and TURN are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnConfig {
    /// Where to listen, by UDP and TCP.
    pub bind: SocketAddr,
    /// Where this machine is reached from outside: one or two addresses, at most one a family.
    pub public: Vec<IpAddr>,
    /// Which ports are relayed by.
    pub ports: RangeInclusive<u16>,
    /// Who may be relayed to although they aren't on the internet.
    pub peers: Networks,
    /// Allocations in all.
    pub allocations: usize,
    /// Allocations of one person.
    pub allocations_per_person: usize,
    /// Bytes a second, of one allocation in one direction.
    pub bandwidth: u64,
}

/// On when either where to listen or where one is reached is set.
pub(super) fn turn(settings: &Settings) -> Result<Option<TurnConfig>, Wrong> {
    let public = public(set(&settings.public_address).unwrap_or_default())?;
    let bind = match set(&settings.turn_bind) {
        Some("off") => Bind::Off,
        None if public.is_empty() => Bind::Off,
        None => Bind::At(SocketAddr::new(everywhere(&public), PORT)),
        Some(text) => Bind::At(text.parse().map_err(|_| {
            wrong("PARLOR_TURN_BIND", "an address and a port, such as 0.0.0.0:3478, or off", text)
        })?),
    };
    // What is set is checked whether or not it is in force.
    let rest = TurnConfig {
        bind: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), PORT),
        public: vec![],
        ports: ports(set(&settings.turn_ports))?,
        peers: peers(set(&settings.turn_peers).unwrap_or_default())?,
        allocations: count("PARLOR_TURN_ALLOCATIONS", &settings.turn_allocations, 4_096, 1, 100_000)?,
        allocations_per_person: count(
            "PARLOR_TURN_ALLOCATIONS_PER_PERSON",
            &settings.turn_allocations_per_person,
            64,
            1,
            100_000,
        )?,
        bandwidth: u64::from(
            number("PARLOR_TURN_BANDWIDTH", &settings.turn_bandwidth, 12_000, 64, 10_000_000)?.get(),
        ) * 125,
    };
    let Bind::At(bind) = bind else { return Ok(None) };
    let public = match public {
        public if !public.is_empty() => public,
        _ if !bind.ip().is_unspecified() => vec![bind.ip()],
        _ => {
            let expected =
                "the address that people reach this machine at, since PARLOR_TURN_BIND is everywhere";
            return Err(Wrong {
                name: "PARLOR_PUBLIC_ADDRESS",
                expected: expected.to_owned(),
                found: "nothing".to_owned(),
            });
        }
    };
    Ok(Some(TurnConfig { bind, public, ..rest }))
}

enum Bind {
    Off,
    At(SocketAddr),
}

/// The address that stands for all of the machine's, of the widest family that is needed.
fn everywhere(public: &[IpAddr]) -> IpAddr {
    match public.iter().any(IpAddr::is_ipv6) {
        true => Ipv6Addr::UNSPECIFIED.into(),
        false => Ipv4Addr::UNSPECIFIED.into(),
    }
}

fn public(text: &str) -> Result<Vec<IpAddr>, Wrong> {
    let expected = "an IPv4 address, an IPv6 address, or both with a comma between";
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let address = |part: &str| {
        let address = part.parse::<IpAddr>().ok().map(|address| address.to_canonical());
        let fits = |address: &IpAddr| !address.is_unspecified() && !address.is_multicast();
        address.filter(fits).ok_or_else(|| wrong("PARLOR_PUBLIC_ADDRESS", expected, part))
    };
    let public = parts.map(address).collect::<Result<Vec<_>, _>>()?;
    let of = |v4: bool| public.iter().filter(|address| address.is_ipv4() == v4).count();
    if of(true) > 1 || of(false) > 1 {
        return Err(wrong("PARLOR_PUBLIC_ADDRESS", expected, text));
    }
    Ok(public)
}

fn ports(text: Option<&str>) -> Result<RangeInclusive<u16>, Wrong> {
    let Some(text) = text else { return Ok(PORTS) };
    let ends = text.split_once('-').and_then(|(first, last)| {
        Some((first.trim().parse::<u16>().ok()?, last.trim().parse::<u16>().ok()?))
    });
    match ends {
        Some((first, last)) if 1_024 <= first && first <= last => Ok(first..=last),
        _ => Err(wrong("PARLOR_TURN_PORTS", "two ports from 1024 to 65535, such as 49152-65535", text)),
    }
}

fn peers(text: &str) -> Result<Networks, Wrong> {
    let expected = "addresses and networks with commas between, such as 10.0.0.0/8,192.0.2.7";
    Networks::parse(text).map_err(|part| wrong("PARLOR_TURN_PEERS", expected, part))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    fn of(change: impl FnOnce(&mut Settings)) -> Result<Option<TurnConfig>, String> {
        let mut settings = Settings::default();
        change(&mut settings);
        turn(&settings).map_err(|wrong| wrong.to_string())
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn it_is_off_until_it_is_known_where_people_reach_it() {
        assert_eq!(of(|_| {}), Ok(None));
        assert_eq!(of(|it| it.turn_ports = some("40000-40010")), Ok(None));
        let on = of(|it| it.public_address = some("192.0.2.7")).unwrap().unwrap();
        assert_eq!((on.bind.to_string().as_str(), on.public.len()), ("0.0.0.0:3478", 1));
        let both = of(|it| it.public_address = some("192.0.2.7, 2001:db8::7")).unwrap().unwrap();
        assert_eq!((both.bind.to_string().as_str(), both.public.len()), ("[::]:3478", 2));
        let off = of(|it| (it.public_address, it.turn_bind) = (some("192.0.2.7"), some("off")));
        assert_eq!(off, Ok(None));
        let here = of(|it| it.turn_bind = some("192.0.2.7:80")).unwrap().unwrap();
        assert_eq!(here.public, [IpAddr::from([192, 0, 2, 7])]);
    }

    #[test]
    fn a_wrong_setting_is_named_even_while_it_is_off() {
        for (name, found) in [
            ("PARLOR_TURN_BIND", of(|it| it.turn_bind = some("3478"))),
            ("PARLOR_PUBLIC_ADDRESS", of(|it| it.turn_bind = some("0.0.0.0:3478"))),
            ("PARLOR_PUBLIC_ADDRESS", of(|it| it.public_address = some("chat.example"))),
            ("PARLOR_PUBLIC_ADDRESS", of(|it| it.public_address = some("0.0.0.0"))),
            ("PARLOR_PUBLIC_ADDRESS", of(|it| it.public_address = some("192.0.2.1,192.0.2.2"))),
            ("PARLOR_TURN_PORTS", of(|it| it.turn_ports = some("50000"))),
            ("PARLOR_TURN_PORTS", of(|it| it.turn_ports = some("50000-40000"))),
            ("PARLOR_TURN_PORTS", of(|it| it.turn_ports = some("80-90"))),
            ("PARLOR_TURN_PEERS", of(|it| it.turn_peers = some("10.0.0.0/33"))),
            ("PARLOR_TURN_ALLOCATIONS", of(|it| it.turn_allocations = some("0"))),
            ("PARLOR_TURN_ALLOCATIONS_PER_PERSON", of(|it| it.turn_allocations_per_person = some("x"))),
            ("PARLOR_TURN_BANDWIDTH", of(|it| it.turn_bandwidth = some("1"))),
        ] {
            let wrong = found.unwrap_err();
            assert!(wrong.starts_with(&format!("{name}: expected ")), "{wrong}");
        }
    }
}
