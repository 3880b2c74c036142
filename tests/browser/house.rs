//! A server of a test's own, and people who come in.

use std::path::PathBuf;

use reqwest::{header, redirect::Policy};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    chromium::Browser,
    people::{PASSWORD, Person, Socket, nonce},
    program::{Program, data_folder},
    services::free_port,
};

/// Nobody waits here for the sake of others.
const GENEROUS: &[(&str, &str)] = &[
    ("PARLOR_POST_RATE", "60000000"),
    ("PARLOR_POST_BURST", "1000000"),
    ("PARLOR_LOGIN_RATE", "1000000"),
    ("PARLOR_LOGIN_TRIES", "1000"),
];

/// Changes under way at a time when somebody says a lot.
const AHEAD: u64 = 64;

/// A server on a port that stays its own.
pub(crate) struct House {
    /// What people type.
    pub(crate) url: String,
    /// Where it listens itself, whatever lies between.
    pub(crate) direct: String,
    settings: Vec<(String, String)>,
    program: Option<Program>,
    data: PathBuf,
    _folder: TempDir,
}

impl House {
    /// Opens one.
    pub(crate) async fn open() -> Self {
        Self::behind(free_port(), None).await
    }

    /// Opens one at `port`, which people reach by another URL.
    pub(crate) async fn behind(port: u16, url: Option<String>) -> Self {
        Self::with(port, url, &[]).await
    }

    /// Opens one that is a node of a cluster.
    pub(crate) async fn in_a_cluster(mongodb: &str, redis: &str) -> Self {
        let secret = "0123456789abcdef0123456789abcdef";
        let meets = [("PARLOR_MONGODB_URL", mongodb), ("PARLOR_REDIS_URL", redis), ("PARLOR_SECRET", secret)];
        Self::with(free_port(), None, &meets).await
    }

    async fn with(port: u16, url: Option<String>, more: &[(&str, &str)]) -> Self {
        let direct = format!("http://127.0.0.1:{port}");
        let url = url.unwrap_or_else(|| direct.clone());
        let (folder, data) = data_folder();
        let mut settings = vec![
            ("PARLOR_BIND".to_owned(), format!("127.0.0.1:{port}")),
            ("PARLOR_PUBLIC_URL".to_owned(), url.clone()),
        ];
        let more = GENEROUS.iter().chain(more);
        settings.extend(more.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let mut house = Self { url, direct, settings, program: None, data, _folder: folder };
        house.start().await;
        house
    }

    /// Starts the server again, on the same folder and port.
    pub(crate) async fn start(&mut self) {
        let settings: Vec<(&str, &str)> =
            self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.program = Some(Program::start(&self.data, &settings).await);
    }

    /// Starts the server again under another name, on the same folder and port.
    pub(crate) async fn is_called(&mut self, url: String) {
        self.kill().await;
        for (name, value) in &mut self.settings {
            if name == "PARLOR_PUBLIC_URL" {
                value.clone_from(&url);
            }
        }
        self.url = url;
        self.start().await;
    }

    /// Ends the server without warning.
    pub(crate) async fn kill(&mut self) {
        self.program.take().expect("it runs").kill().await;
    }

    /// Registers these people, the first of all owning the server.
    pub(crate) async fn people<const N: usize>(&self, names: [&str; N]) -> [Person; N] {
        crate::people::people(&self.direct, names).await
    }

    /// Lets somebody with an account in, in this browser, and opens a page.
    pub(crate) async fn seat(&self, browser: &Browser, name: &str, path: &str) {
        let cookie = self.cookie(name).await;
        browser.cdp("Network.setCookie", json!({ "name": "parlor", "value": cookie, "url": self.url })).await;
        browser.go(&format!("{}{path}", self.url)).await;
    }

    async fn cookie(&self, name: &str) -> String {
        let password = PASSWORD.replace(' ', "+").replace(',', "%2C");
        let http = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
        let answer = http
            .post(format!("{}/login", self.direct))
            .header(header::HOST, self.url.trim_start_matches("http://"))
            .header(header::ORIGIN, &self.url)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64) Chrome/1")
            .body(format!("name={name}&password={password}"));
        let answer = answer.send().await.unwrap();
        let cookie = answer.headers().get(header::SET_COOKIE);
        let cookie = cookie.unwrap_or_else(|| panic!("{name} can't log in: {}", answer.status()));
        let (cookie, _) = cookie.to_str().unwrap().split_once(';').unwrap();
        cookie.strip_prefix("parlor=").unwrap().to_owned()
    }
}

/// Says many things in a room as fast as the server takes them.
pub(crate) async fn say_all(socket: &mut Socket, room: &str, texts: impl IntoIterator<Item = String>) {
    let mut waiting = 0;
    for text in texts {
        socket.send(&json!({ "type": "message", "room": room, "nonce": nonce(), "text": text })).await;
        waiting += 1;
        if waiting == AHEAD {
            acknowledged(socket).await;
            waiting -= 1;
        }
    }
    for _ in 0..waiting {
        acknowledged(socket).await;
    }
}

async fn acknowledged(socket: &mut Socket) {
    loop {
        let frame = socket.next().await;
        assert_ne!(frame["type"], "error", "{frame}");
        if frame["type"] == "ack" {
            return;
        }
    }
}
