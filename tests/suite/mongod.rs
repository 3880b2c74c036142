//! mongods of a test's own, to be killed, stopped and started again: a replica set of one, or of several.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use mongodb::{
    Client,
    bson::{Document, doc},
};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::services::{free_port, provided, signal, until};

/// How long a member that is well may take to answer.
const ANSWERS: Duration = Duration::from_secs(2);

/// They end when this is dropped.
pub(crate) struct Mongod {
    members: Vec<Member>,
}

/// One of them.
pub(crate) struct Member {
    port: u16,
    folder: TempDir,
    child: Child,
    client: Client,
}

impl Mongod {
    /// Starts one, and waits until it can be written to.
    pub(crate) async fn start() -> Self {
        Self::start_of(1).await
    }

    /// Starts so many, of which another takes over when the primary falls silent for a second or two.
    pub(crate) async fn start_of(count: usize) -> Self {
        let mut members = vec![];
        for _ in 0..count {
            members.push(Member::start().await);
        }
        let set = Self { members };
        let hosts: Vec<Document> = set
            .members
            .iter()
            .enumerate()
            .map(|(n, member)| doc! { "_id": i32::try_from(n).unwrap(), "host": member.address() })
            .collect();
        let settings = doc! { "electionTimeoutMillis": 2_000, "heartbeatIntervalMillis": 500 };
        let initiate = doc! { "replSetInitiate": { "_id": "rs0", "members": hosts, "settings": settings } };
        until("mongod takes its place", async || {
            let said = set.members[0].run(initiate.clone()).await;
            said.map_or_else(|error| error.contains("already initialized"), |_| true)
        })
        .await;
        set.ready().await;
        set
    }

    /// Where they are.
    pub(crate) fn url(&self) -> String {
        let hosts: Vec<String> = self.members.iter().map(Member::address).collect();
        format!("mongodb://{}/?replicaSet=rs0", hosts.join(","))
    }

    /// Ends them all without warning.
    pub(crate) fn kill(&mut self) {
        self.members.iter_mut().for_each(Member::kill);
    }

    /// Starts them again upon what they left, and waits until they can be written to.
    pub(crate) async fn start_again(&mut self) {
        self.members.iter_mut().for_each(Member::start_again);
        self.ready().await;
    }

    /// Makes them hang, or go on.
    pub(crate) fn hang(&self, on: bool) {
        self.members.iter().for_each(|member| member.hang(on));
    }

    /// Waits until one of them can be written to.
    pub(crate) async fn ready(&self) {
        until("mongod can be written to", async || self.who_leads().await.is_some()).await;
    }

    /// Waits for the primary, and returns its number.
    pub(crate) async fn primary(&self) -> usize {
        let mut primary = None;
        until("there is a primary", async || {
            primary = self.who_leads().await;
            primary.is_some()
        })
        .await;
        primary.unwrap()
    }

    /// One of them.
    pub(crate) fn member(&mut self, number: usize) -> &mut Member {
        &mut self.members[number]
    }

    async fn who_leads(&self) -> Option<usize> {
        for (number, member) in self.members.iter().enumerate() {
            let hello = member.run(doc! { "hello": 1 }).await;
            if hello.is_ok_and(|hello| hello.get_bool("isWritablePrimary").unwrap_or_default()) {
                return Some(number);
            }
        }
        None
    }
}

impl Member {
    async fn start() -> Self {
        let (port, folder) = (free_port(), TempDir::new().unwrap());
        let options = "directConnection=true&serverSelectionTimeoutMS=1000";
        let client = Client::with_uri_str(format!("mongodb://127.0.0.1:{port}/?{options}")).await.unwrap();
        Self { port, child: spawn(port, &folder), folder, client }
    }

    /// Ends it without warning.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again upon what it left.
    pub(crate) fn start_again(&mut self) {
        self.child = spawn(self.port, &self.folder);
    }

    /// Makes it hang, or go on.
    pub(crate) fn hang(&self, on: bool) {
        signal(self.child.id(), if on { "-STOP" } else { "-CONT" });
    }

    /// Runs a command of an operator's there.
    pub(crate) async fn run(&self, command: Document) -> Result<Document, String> {
        let admin = self.client.database("admin");
        let said = timeout(ANSWERS, admin.run_command(command).into_future());
        said.await.map_err(|_| "no answer in time".to_owned())?.map_err(|error| error.to_string())
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

fn spawn(port: u16, folder: &TempDir) -> Child {
    let data = folder.path().join("db");
    std::fs::create_dir_all(&data).unwrap();
    Command::new(provided("PARLOR_TEST_MONGOD"))
        .env("LD_LIBRARY_PATH", provided("PARLOR_TEST_MONGOD_LIBS"))
        .args(["--port", &port.to_string(), "--bind_ip", "127.0.0.1", "--nounixsocket", "--replSet", "rs0"])
        .args(["--oplogSize", "128", "--wiredTigerCacheSizeGB", "0.25"])
        .args(["--setParameter", "enableTestCommands=1"])
        .args(["--setParameter", "diagnosticDataCollectionEnabled=false", "--dbpath"])
        .arg(data)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
