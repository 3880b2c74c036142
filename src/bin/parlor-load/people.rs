//! People with accounts, and rooms that they are in.

use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{StreamExt, TryStreamExt};
use serde_json::json;

use crate::{Result, host::Host, http::Http};

const PASSWORD: &str = "a horse, a battery and a staple";
/// How many register at a time, where many do.
const AT_A_TIME: usize = 8;

/// Somebody who is logged in.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// Their login name.
    pub(crate) name: String,
    user: String,
    token: String,
}

/// A nonce that no other change has, and that says when it was made, as the page's do.
pub(crate) fn nonce() -> String {
    uuid::Uuid::now_v7().to_string()
}

impl Person {
    /// Registers so many people, one after another.
    pub(crate) async fn some(host: &Host, count: usize) -> Result<Vec<Self>> {
        let http = Http::new(&host.address);
        let mut people = Vec::with_capacity(count);
        for _ in 0..count {
            people.push(Self::register(&http).await?);
        }
        Ok(people)
    }

    /// Registers so many people on several nodes at a time.
    pub(crate) async fn many(nodes: &[Host], count: usize) -> Result<Vec<Self>> {
        let https: Vec<Http> = nodes.iter().map(|node| Http::new(&node.address)).collect();
        let coming = (0..count).map(|n| Self::register(&https[n % https.len()]));
        futures_util::stream::iter(coming).buffer_unordered(AT_A_TIME).try_collect().await
    }

    async fn register(http: &Http) -> Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let name = format!("load{}.{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let body = json!({ "name": name, "password": PASSWORD });
        let pass = http.post("/api/auth/register", &[("idempotency-key", &nonce())], &body).await?;
        let text = |field: &str| pass[field].as_str().unwrap_or_default().to_owned();
        Ok(Self { name, user: text("user"), token: text("access_token") })
    }

    /// The room that everybody is in.
    pub(crate) async fn general(&self, host: &Host) -> Result<String> {
        let headers = self.headers(&nonce());
        let answer = Http::new(&host.address).get("/api/rooms", &headers.each()).await?;
        let rooms: serde_json::Value = serde_json::from_slice(&answer.body)?;
        let general =
            rooms["rooms"].as_array().and_then(|rooms| rooms.iter().find(|r| r["name"] == "general"));
        Ok(general.and_then(|room| room["room"].as_str()).ok_or("nobody is in general")?.to_owned())
    }

    /// The header that says who asks, as a whole line.
    pub(crate) fn authorization(&self) -> String {
        format!("Authorization: Bearer {}\r\n", self.token)
    }

    /// Makes a public room, and has the others join it.
    pub(crate) async fn room(&self, host: &Host, others: &[Person]) -> Result<String> {
        let http = Http::new(&host.address);
        let first: Vec<&str> = others.iter().take(15).map(|person| person.user.as_str()).collect();
        let body = json!({ "kind": "public", "name": nonce(), "people": first });
        let room = http.post("/api/rooms", &self.headers(&nonce()).each(), &body).await?;
        let room = room["room"].as_str().ok_or("no room")?.to_owned();
        for other in others.iter().skip(15) {
            let headers = other.headers(&nonce());
            http.post(&format!("/api/rooms/{room}/join"), &headers.each(), &json!({})).await?;
        }
        Ok(room)
    }

    /// Logs in as a browser does, and returns its cookie.
    pub(crate) async fn cookie(&self, host: &Host) -> Result<String> {
        let http = Http::new(&host.address);
        let port = host.address.rsplit_once(':').ok_or("no port")?.1;
        let authority = format!("localhost:{port}");
        let headers = [("host", authority.as_str()), ("sec-fetch-site", "same-origin")];
        let password = PASSWORD.replace(' ', "+").replace(',', "%2C");
        let answer =
            http.form("/login", &headers, format!("name={}&password={password}&next=", self.name)).await?;
        let cookie = answer.headers.get("set-cookie").ok_or("no cookie")?.to_str()?;
        Ok(cookie.split(';').next().unwrap_or_default().to_owned())
    }

    fn headers(&self, nonce: &str) -> Headers {
        Headers { authorization: format!("Bearer {}", self.token), nonce: nonce.to_owned() }
    }
}

struct Headers {
    authorization: String,
    nonce: String,
}

impl Headers {
    fn each(&self) -> [(&str, &str); 2] {
        [("authorization", &self.authorization), ("idempotency-key", &self.nonce)]
    }
}
