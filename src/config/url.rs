//! Where people reach the server.

use std::net::IpAddr;

use axum::http::Uri;

/// The address that people type, and that links, cookies, and the checks of `Origin` and `Host` are made from: a scheme,
/// a host, a port, no path. Lower case, and without a default port, as browsers send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    scheme_length: usize,
}

impl PublicUrl {
    /// The public URL that `text` says, if it says one.
    pub fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.trim().parse().ok()?;
        let secure = match uri.scheme_str()? {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let authority = uri.authority()?;
        let bare = uri.path() == "/" && uri.query().is_none() && !text.contains(['#', '?', '@']);
        if !bare || authority.host().is_empty() {
            return None;
        }
        // What follows the last colon is a port, unless it is the inside of an IPv6 address.
        let has_port = !authority.as_str().ends_with(authority.host());
        let port = match authority.port_u16() {
            None if has_port => return None,
            Some(0) => return None,
            port => port.filter(|port| *port != if secure { 443 } else { 80 }),
        };
        Some(Self::new(secure, &authority.host().to_ascii_lowercase(), port))
    }

    /// `host` is a name, or an address in the form it has in a URL.
    pub(super) fn new(secure: bool, host: &str, port: Option<u16>) -> Self {
        let scheme = if secure { "https://" } else { "http://" };
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        Self { origin: format!("{scheme}{host}{port}"), scheme_length: scheme.len() }
    }

    /// Scheme, host and port, as in an `Origin` header and at the start of a link.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Host and port, as in a `Host` header.
    pub fn authority(&self) -> &str {
        &self.origin[self.scheme_length..]
    }

    /// Whether it is reached under TLS.
    pub fn is_secure(&self) -> bool {
        self.origin.starts_with("https://")
    }

    /// Whether only this machine can reach it by that name.
    pub fn is_loopback(&self) -> bool {
        is_loopback_host(host_of(self.authority()))
    }

    /// The link to a path, which begins with a slash.
    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }
}

/// The host in `host[:port]`, without an IPv6 address's brackets.
pub fn host_of(authority: &str) -> &str {
    if let Some(rest) = authority.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

/// Whether only this machine is called so.
pub fn is_loopback_host(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_what_a_browser_sends_as_origin() {
        for (text, origin) in [
            ("https://Chat.Example", "https://chat.example"),
            ("https://chat.example/", "https://chat.example"),
            ("https://chat.example:443", "https://chat.example"),
            ("http://chat.example:8080/", "http://chat.example:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("http://[::1]", "http://[::1]"),
        ] {
            assert_eq!(PublicUrl::parse(text).map(|url| url.origin), Some(origin.to_owned()), "{text}");
        }
    }

    #[test]
    fn anything_but_scheme_host_and_port_is_no_public_url() {
        for text in [
            "",
            "chat.example",
            "ftp://chat.example",
            "https://",
            "https://chat.example/parlor",
            "https://a@chat.example",
            "https://chat.example?x",
            "https://chat.example/#x",
            "https://chat.example:0",
            "https://chat.example:",
            "https://chat.example:99999",
            "https://chat example",
        ] {
            assert_eq!(PublicUrl::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn loopback_is_told_from_the_rest() {
        let is_loopback = |text| PublicUrl::parse(text).is_some_and(|url| url.is_loopback());
        assert!(
            is_loopback("http://localhost:8080")
                && is_loopback("http://127.0.0.1")
                && is_loopback("http://[::1]:1")
        );
        assert!(!is_loopback("http://localhost.example") && !is_loopback("http://192.168.1.2:8080"));
    }
}
