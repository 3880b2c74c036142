//! Whether a request is meant for this server, and comes from its own pages.

use axum::{
    extract::Request,
    http::{HeaderMap, Method, header, uri::Authority},
    response::{IntoResponse, Redirect, Response},
};

use super::{answer::wants_page, session};
use crate::{
    app::App,
    config::{PublicUrl, host_of},
    error::{Code, Error},
};

/// Paths that machines ask for by whatever address they know.
const FOR_MACHINES: &[&str] = &["/healthz", "/readyz", "/metrics"];

/// Beginnings of what programs ask for.
const FOR_PROGRAMS: &[&str] = &["/api/", "/files/", "/pictures/"];

/// Whether a request says that one of our own pages made it. Browsers let no page set these headers.
fn is_ours(headers: &HeaderMap, url: &PublicUrl) -> bool {
    text(headers, "sec-fetch-site") == Some("same-origin") || has_our_origin(headers, url)
}

/// Whether a request names our public URL as the origin of the page that made it.
pub fn has_our_origin(headers: &HeaderMap, url: &PublicUrl) -> bool {
    text(headers, header::ORIGIN.as_str()) == Some(url.origin())
}

/// Refuses writes that come with the cookie, or ask for one, and may have been made by another site's page. Programs
/// show a token, which no page of another site can.
pub fn guard(app: &App, request: &Request) -> Option<Response> {
    let headers = request.headers();
    let writes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let by_token = headers.contains_key(header::AUTHORIZATION);
    let by_cookie = session::shows_cookie(headers, &app.config.public_url) && !by_token;
    let for_pages = !request.uri().path().starts_with("/api/");
    if writes && (by_cookie || for_pages) && !is_ours(headers, &app.config.public_url) {
        return Some(Error::new(Code::CrossSite).into_response());
    }
    None
}

/// Refuses requests for another host: a page elsewhere whose name was made to point here could read the answers. A
/// person who came by another name is sent to the right one.
pub fn host(app: &App, request: &Request) -> Option<Response> {
    let url = &app.config.public_url;
    let authority = text(request.headers(), header::HOST.as_str()).unwrap_or_default();
    let path = request.uri().path();
    if is_for_us(authority, url) || FOR_MACHINES.contains(&path) {
        return None;
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if reads && wants_page(request.uri(), request.headers()) {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        return Some(Redirect::temporary(&url.link(path)).into_response());
    }
    // An address can't be made to point elsewhere, so programs may use it.
    let for_programs = FOR_PROGRAMS.iter().any(|start| path.starts_with(start)) || path == "/ws";
    if for_programs && is_an_address(authority) {
        return None;
    }
    let why = format!("This server is {}; ask for it by that name.", url.origin());
    Some(Error::says(Code::CrossSite, why).into_response())
}

fn is_for_us(authority: &str, url: &PublicUrl) -> bool {
    let usual = if url.is_secure() { ":443" } else { ":80" };
    let authority = authority.strip_suffix(usual).unwrap_or(authority);
    authority.eq_ignore_ascii_case(url.authority())
}

fn is_an_address(authority: &str) -> bool {
    let host = host_of(authority);
    authority.parse::<Authority>().is_ok()
        && (host.eq_ignore_ascii_case("localhost") || host.parse::<std::net::IpAddr>().is_ok())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &'static str, value: &'static str) -> HeaderMap {
        let name = header::HeaderName::from_static(name);
        HeaderMap::from_iter([(name, header::HeaderValue::from_static(value))])
    }

    #[test]
    fn our_own_pages_are_told_from_others() -> Result<(), &'static str> {
        let url = PublicUrl::parse("https://chat.example").ok_or("a URL")?;
        assert!(is_ours(&with("sec-fetch-site", "same-origin"), &url));
        assert!(is_ours(&with("origin", "https://chat.example"), &url));
        for site in ["same-site", "cross-site", "none"] {
            assert!(!is_ours(&with("sec-fetch-site", site), &url), "{site}");
        }
        for origin in
            ["null", "http://chat.example", "https://chat.example:8443", "https://chat.example.evil.test", ""]
        {
            assert!(!is_ours(&with("origin", origin), &url), "{origin}");
        }
        assert!(!is_ours(&HeaderMap::new(), &url));
        Ok(())
    }

    #[test]
    fn a_host_is_ours_by_name_and_port() -> Result<(), &'static str> {
        let url = PublicUrl::parse("https://chat.example").ok_or("a URL")?;
        assert!(is_for_us("Chat.Example", &url) && is_for_us("chat.example:443", &url));
        assert!(!is_for_us("chat.example:80", &url) && !is_for_us("evil.test", &url) && !is_for_us("", &url));
        assert!(
            is_an_address("127.0.0.1:8080") && is_an_address("[::1]:8080") && is_an_address("localhost:1")
        );
        assert!(!is_an_address("evil.test") && !is_an_address("127.0.0.1.evil.test"));
        Ok(())
    }
}
