//! A mongod of a test's own, a replica set of one, to be killed and started again.

use std::process::{Child, Command, Stdio};

use mongodb::{Client, bson::doc};
use tempfile::TempDir;

use crate::services::{free_port, provided, until};

/// It ends when this is dropped.
pub(crate) struct Mongod {
    port: u16,
    folder: TempDir,
    child: Child,
}

impl Mongod {
    /// Starts one, and waits until it can be written to.
    pub(crate) async fn start() -> Self {
        let (port, folder) = (free_port(), TempDir::new().unwrap());
        let child = spawn(port, &folder);
        let server = Self { port, folder, child };
        let client = server.client().await;
        let member = doc! { "_id": 0, "host": format!("127.0.0.1:{port}") };
        let initiate = doc! { "replSetInitiate": { "_id": "rs0", "members": [member] } };
        until("mongod takes its place", async || {
            let said = client.database("admin").run_command(initiate.clone()).await;
            said.map_or_else(|error| error.to_string().contains("already initialized"), |_| true)
        })
        .await;
        server.ready().await;
        server
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("mongodb://127.0.0.1:{}/?replicaSet=rs0", self.port)
    }

    /// Ends it without warning.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again upon what it left.
    pub(crate) async fn start_again(&mut self) {
        self.child = spawn(self.port, &self.folder);
        self.ready().await;
    }

    async fn ready(&self) {
        let client = self.client().await;
        until("mongod can be written to", async || {
            let hello = client.database("admin").run_command(doc! { "hello": 1 }).await;
            hello.is_ok_and(|hello| hello.get_bool("isWritablePrimary").unwrap_or_default())
        })
        .await;
    }

    async fn client(&self) -> Client {
        let options = "directConnection=true&serverSelectionTimeoutMS=1000";
        Client::with_uri_str(format!("mongodb://127.0.0.1:{}/?{options}", self.port)).await.unwrap()
    }
}

fn spawn(port: u16, folder: &TempDir) -> Child {
    let data = folder.path().join("db");
    std::fs::create_dir_all(&data).unwrap();
    Command::new(provided("PARLOR_TEST_MONGOD"))
        .env("LD_LIBRARY_PATH", provided("PARLOR_TEST_MONGOD_LIBS"))
        .args(["--port", &port.to_string(), "--bind_ip", "127.0.0.1", "--nounixsocket", "--replSet", "rs0"])
        .args(["--oplogSize", "128", "--wiredTigerCacheSizeGB", "0.25", "--setParameter"])
        .args(["diagnosticDataCollectionEnabled=false", "--dbpath"])
        .arg(data)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

impl Drop for Mongod {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
