//! What tests of the whole begin with: a server, and people who are logged in there.
//!
//! ```ignore
//! let server = TestServer::start().await;
//! let [alice, bob] = server.people(["alice", "bob"]).await;
//! let room = alice.api.post("/api/rooms", json!({"kind": "public", "name": "tea"})).await.expect(201);
//! ```

pub(crate) mod client;

use std::net::SocketAddr;

use parlor::{
    app::App,
    config::{Config, Settings},
    server::Server,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;

pub(crate) use client::{Answer, Client, Person, nonce, people_at};

/// Good enough for a server, and the same for everybody.
pub(crate) use crate::people::PASSWORD;

/// A server within this process, on a port of its own, with a data folder that goes with it.
pub(crate) struct TestServer {
    /// Its address, without a slash at the end.
    pub(crate) url: String,
    /// What its requests share.
    pub(crate) app: App,
    /// What it prints at its start.
    pub(crate) greeting: Vec<String>,
    settings: Settings,
    running: Option<JoinHandle<()>>,
    data: Option<TempDir>,
}

impl TestServer {
    /// On SQLite, alone, open to anyone who is on this machine.
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// The same, with other settings.
    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut settings = settings(&data);
        change(&mut settings);
        Self::run(settings, data).await
    }

    /// Ends it in order, and starts it again at the same place.
    pub(crate) async fn restart(mut self) -> Self {
        let data = self.data.take().unwrap();
        let settings = Settings { bind: Some(self.app.config.bind.to_string()), ..self.settings.clone() };
        self.stop().await;
        Self::run(settings, data).await
    }

    /// Ends it in order.
    pub(crate) async fn stop(mut self) {
        self.app.stopping.cancel();
        if let Some(running) = self.running.take() {
            running.await.unwrap();
        }
    }

    async fn run(settings: Settings, data: TempDir) -> Self {
        let server = Server::start(Config::new(&settings).unwrap()).await.unwrap();
        let greeting = server.greeting().await.unwrap();
        let app = server.app().clone();
        let url = format!("http://{}", host(app.config.bind));
        let running = Some(tokio::spawn(server.run()));
        Self { url, app, greeting, settings, running, data: Some(data) }
    }

    /// Somebody with a browser, who isn't logged in.
    pub(crate) fn browser(&self) -> Client {
        Client::browser(&self.url)
    }

    /// A program that isn't logged in.
    pub(crate) fn program(&self) -> Client {
        Client::program(&self.url)
    }

    /// People who registered, each logged in by a browser and by a program. The first one of all owns the server.
    pub(crate) async fn people<const N: usize>(&self, names: [&str; N]) -> [Person; N] {
        people_at(&self.url, names).await
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.app.stopping.cancel();
    }
}

/// Of a server for a test: everybody comes from one address, so its rates are high.
pub(crate) fn settings(data: &TempDir) -> Settings {
    Settings {
        bind: Some("127.0.0.1:0".to_owned()),
        data: Some(data.path().join("data").display().to_string()),
        uploads: Some(data.path().join("uploads").display().to_string()),
        login_rate: Some("100000".to_owned()),
        post_rate: Some("1000000".to_owned()),
        post_burst: Some("100000".to_owned()),
        ..Settings::default()
    }
}

/// As the public URL names it by default.
fn host(bound: SocketAddr) -> String {
    format!("localhost:{}", bound.port())
}
