//! Who is at the other end of the wire, as far as addresses tell.

use std::net::IpAddr;

use axum::{
    extract::{FromRequestParts, Request},
    http::{HeaderMap, header, request::Parts},
};

use crate::{accounts::Client, app::App, config::Networks, error::Error};

/// The connection that a request came by; put there by the listener.
#[derive(Debug, Clone, Copy)]
pub struct Connection {
    /// The address at its other end: a client's, or a proxy's.
    pub peer: IpAddr,
}

/// The client's address: the peer's, or what a trusted proxy says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address(pub IpAddr);

/// Finds out a request's [`Address`].
pub fn locate(app: &App, request: &mut Request) {
    let peer = request.extensions().get::<Connection>().map(|connection| connection.peer);
    let peer = peer.unwrap_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED));
    let address = client_address(peer, request.headers(), &app.config.trusted_proxies);
    request.extensions_mut().insert(Address(address));
}

/// The nearest address that isn't a trusted proxy's: each proxy adds, at the end, the one that it saw itself, so
/// what a client made up stands before and is never reached.
fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &Networks) -> IpAddr {
    let forwarded = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = forwarded.flat_map(|line| line.split(',')).map(str::trim).collect();
    let mut address = peer.to_canonical();
    for hop in hops.into_iter().rev() {
        let Some(next) = trusted.contain(address).then(|| hop_address(hop)).flatten() else { break };
        address = next;
    }
    address
}

/// An address, as proxies write it: some add the port.
fn hop_address(text: &str) -> Option<IpAddr> {
    let bare = text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    bare.or_else(with_port).map(|address| address.to_canonical())
}

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let address =
            parts.extensions.get::<Address>().ok_or_else(|| Error::internal("a request without address"))?;
        let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Client::new(address.0, agent.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen_from(peer: &str, forwarded: &[&'static str], trusted: &str) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", header::HeaderValue::from_static(line));
        }
        let trusted = Networks::parse(trusted).unwrap_or_default();
        let peer = peer.parse().unwrap_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED));
        client_address(peer, &headers, &trusted).to_string()
    }

    #[test]
    fn nobodys_word_about_an_address_counts_unless_told_so() {
        assert_eq!(seen_from("192.0.2.1", &["203.0.113.9"], ""), "192.0.2.1");
        assert_eq!(seen_from("192.0.2.1", &["203.0.113.9"], "10.0.0.0/8"), "192.0.2.1");
    }

    #[test]
    fn behind_trusted_proxies_it_is_the_last_that_they_didnt_add_for_each_other() {
        let trusted = "10.0.0.0/8";
        assert_eq!(seen_from("10.0.0.1", &["203.0.113.9"], trusted), "203.0.113.9");
        assert_eq!(seen_from("10.0.0.1", &["203.0.113.9, 10.0.0.2"], trusted), "203.0.113.9");
        assert_eq!(seen_from("10.0.0.1", &["203.0.113.9", "10.0.0.2"], trusted), "203.0.113.9");
        assert_eq!(seen_from("::ffff:10.0.0.1", &["[2001:db8::1]:443"], trusted), "2001:db8::1");
    }

    #[test]
    fn what_a_client_makes_up_is_not_believed() {
        let trusted = "10.0.0.0/8";
        assert_eq!(seen_from("10.0.0.1", &["127.0.0.1, 203.0.113.9"], trusted), "203.0.113.9");
        assert_eq!(seen_from("10.0.0.1", &["10.0.0.7, 203.0.113.9, 10.0.0.2"], trusted), "203.0.113.9");
        assert_eq!(seen_from("10.0.0.1", &["nonsense"], trusted), "10.0.0.1");
    }
}
