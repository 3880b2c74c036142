//! The services that tests run on: shared ones, which `./test` starts, and own ones for tests that kill them.

use std::{
    env,
    net::{Ipv4Addr, TcpListener},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, AtomicU32, Ordering},
    time::{Duration, Instant},
};

/// How long anything may take that a test waits for, on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What `./test` sets.
pub(crate) fn provided(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run the tests with ./test, or `scripts/with-services cargo test`")
    })
}

/// A database of the shared Redis that no other test uses.
pub(crate) fn redis_url() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("{}/{}", provided("PARLOR_TEST_REDIS_URL"), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A database of the shared MongoDB that no other test uses.
pub(crate) fn mongodb_url() -> String {
    let url = provided("PARLOR_TEST_MONGODB_URL");
    let (hosts, options) = url.split_once('?').unwrap_or((&url, ""));
    let name = parlor::model::Tag::random();
    format!("{}/parlor_test_{name}?{options}", hosts.trim_end_matches('/'))
}

/// A port that nothing listens on, below those that the system hands out to connections, so that a service that
/// was stopped finds its own free again.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + u16::try_from(std::process::id() % 5_000).unwrap();
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed) % 5_000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// Waits for what is about to be.
pub(crate) async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !done().await {
        assert!(start.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Sends a signal to a process that the test started.
pub(crate) fn signal(process: u32, signal: &str) {
    let status = Command::new("kill").args([signal, &process.to_string()]).status().unwrap();
    assert!(status.success(), "{signal} to {process}");
}

/// A redis-server of a test's own.
pub(crate) struct RedisServer {
    port: u16,
    child: Child,
}

impl RedisServer {
    /// Starts one.
    pub(crate) async fn start() -> Self {
        let port = free_port();
        let server = Self { port, child: Self::spawn(port) };
        server.ready().await;
        server
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Runs one command there.
    pub(crate) async fn run(&self, command: &[&str]) -> redis::RedisResult<()> {
        let client = redis::Client::open(self.url())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd(command[0]).arg(&command[1..]).exec_async(&mut connection).await
    }

    /// Ends it without warning.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again at the same place.
    pub(crate) async fn start_again(&mut self) {
        self.child = Self::spawn(self.port);
        self.ready().await;
    }

    /// Makes it hang, or go on.
    pub(crate) fn hang(&self, on: bool) {
        signal(self.child.id(), if on { "-STOP" } else { "-CONT" });
    }

    fn spawn(port: u16) -> Child {
        Command::new(provided("PARLOR_TEST_REDIS_SERVER"))
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", &port.to_string()])
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    }

    async fn ready(&self) {
        until("redis-server answers", async || self.run(&["PING"]).await.is_ok()).await;
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
