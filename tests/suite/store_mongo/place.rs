//! A database of a test's own, and the ways to disturb it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use mongodb::{
    Client, Database,
    bson::{Document, doc},
};
use parlor::{model::Tag, store::mongo::MongoStore};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Mutex, MutexGuard},
};

use crate::services::provided;

/// The server has one `failCommand` for all.
static FAULTS: Mutex<()> = Mutex::const_new(());

/// A database that goes with the test.
pub(crate) struct Place {
    pub(crate) url: String,
    pub(crate) name: String,
    /// The way to look at it past the store.
    pub(crate) database: Database,
}

impl Place {
    /// One that is empty, on the server that the environment names.
    pub(crate) async fn new() -> Self {
        let url = provided("PARLOR_TEST_MONGODB_URL");
        let name = format!("parlor_test_{}", Tag::random());
        let client = Client::with_uri_str(&url).await.unwrap();
        let database = client.database(&name);
        Self { url, name, database }
    }

    /// A store in it.
    pub(crate) async fn store(&self) -> MongoStore {
        MongoStore::connect(&self.url, Some(&self.name)).await.unwrap()
    }

    /// A store in it that knows the server by another address.
    pub(crate) async fn store_at(&self, address: &str) -> MongoStore {
        let url = format!("mongodb://{address}/?directConnection=true");
        MongoStore::connect(&url, Some(&self.name)).await.unwrap()
    }

    /// The server's own address.
    pub(crate) fn address(&self) -> String {
        let rest = self.url.trim_start_matches("mongodb://");
        rest.split(['/', '?', ',']).next().unwrap().to_owned()
    }

    /// Makes commands on this database's collection fail, `times` times, for as long as the guard is held.
    pub(crate) async fn fail(
        &self,
        times: i32,
        collection: &str,
        mut data: Document,
    ) -> MutexGuard<'static, ()> {
        let guard = FAULTS.lock().await;
        data.insert("namespace", format!("{}.{collection}", self.name));
        let fail = doc! { "configureFailPoint": "failCommand", "mode": { "times": times }, "data": data };
        self.database.client().database("admin").run_command(fail).await.unwrap();
        guard
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let (url, name) = (self.url.clone(), self.name.clone());
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let drop = async { Client::with_uri_str(url).await?.database(&name).drop().await };
            runtime.block_on(drop).map_err(std::io::Error::other)
        });
        let _ = dropped.join();
    }
}

/// Stands between a store and the server, hears what the store says, and can keep the server's answers to itself.
pub(crate) struct Between {
    pub(crate) address: String,
    wire: Arc<Wire>,
}

#[derive(Default)]
struct Wire {
    lose_answers: AtomicBool,
    commands: std::sync::Mutex<Vec<Document>>,
}

impl Between {
    /// Passes everything on, to begin with.
    pub(crate) async fn new(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let wire = Arc::new(Wire::default());
        let shared = Arc::clone(&wire);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&server).await else { continue };
                let ((client_in, client_out), (server_in, server_out)) =
                    (client.into_split(), server.into_split());
                tokio::spawn(asked(client_in, server_out, Arc::clone(&shared)));
                tokio::spawn(answered(server_in, client_out, Arc::clone(&shared)));
            }
        });
        Self { address, wire }
    }

    /// From now on, whatever the server answers is lost, and the connection with it; or no more.
    pub(crate) fn lose_answers(&self, lose: bool) {
        self.wire.lose_answers.store(lose, Ordering::SeqCst);
    }

    /// What the store said until now, but for documents that a command carries apart.
    pub(crate) fn commands(&self) -> Vec<Document> {
        self.wire.commands.lock().unwrap().clone()
    }
}

async fn asked(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, wire: Arc<Wire>) {
    // A message: its length, three numbers, flags, and the kind of the first section, which is the command.
    const AHEAD: usize = 21;
    while let Ok(length) = from.read_u32_le().await {
        let mut message = length.to_le_bytes().to_vec();
        message.resize(length as usize, 0);
        if from.read_exact(&mut message[4..]).await.is_err() {
            return;
        }
        if message[12..16] == 2_013_u32.to_le_bytes() && message[AHEAD - 1] == 0 {
            let length = u32::from_le_bytes(message[AHEAD..AHEAD + 4].try_into().unwrap()) as usize;
            let command = mongodb::bson::deserialize_from_slice(&message[AHEAD..AHEAD + length]).unwrap();
            wire.commands.lock().unwrap().push(command);
        }
        if to.write_all(&message).await.is_err() {
            return;
        }
    }
}

async fn answered(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, wire: Arc<Wire>) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if wire.lose_answers.load(Ordering::SeqCst) || to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
