//! From start to shutdown: the settings become what all requests share, that becomes a router, the router is put
//! before a listener, and when the node is told to stop, it lets go in order.

mod files;
mod listener;
mod places;

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    accounts::{Accounts, Keys, KeysError},
    app::{App, Parlor},
    bus::{
        Bus, Events,
        local::LocalBus,
        redis::{ConnectError, RedisBus},
    },
    calls::{
        Calls,
        turn::{Turn, TurnError},
    },
    chat::{Chat, Floods},
    config::{Config, Wrong},
    error::Error,
    files::Files,
    log::Log,
    metrics::metrics,
    model::Timestamp,
    realtime::Hub,
    store::{
        Store, StoreError,
        mongo::MongoStore,
        sqlite::{OpenError, SqliteStore},
    },
    web,
};

/// How long requests and sockets may take to end when the node goes down.
const LET_GO: Duration = Duration::from_secs(10);
/// How often what ran out is let go of.
const TIDY: Duration = Duration::from_secs(60);
/// The disk is listed once in so many sweeps: it may hold much.
const DISK_EVERY: u32 = 60;
/// How often measurements are sorted into their buckets: at 50,000 a second, a few MiB wait at most.
const SORT: Duration = Duration::from_secs(5);

/// Why the node can't start. One line.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is wrong.
    #[error(transparent)]
    Setting(#[from] Wrong),
    /// The address can't be had.
    #[error("PARLOR_BIND: can't listen on {0}: {1}")]
    Bind(SocketAddr, io::Error),
    /// The data folder can't be made.
    #[error("PARLOR_DATA: can't make the folder {0}: {1}")]
    Data(PathBuf, io::Error),
    /// The folder for uploads can't be used.
    #[error("PARLOR_UPLOADS: can't keep files in the folder {0}: {1}")]
    Uploads(PathBuf, io::Error),
    /// The keys can't be had.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The data folder can't be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// MongoDB can't be had.
    #[error("PARLOR_MONGODB_URL: {0}")]
    Store(#[from] StoreError),
    /// Redis can't be had.
    #[error("PARLOR_REDIS_URL: {0}")]
    Bus(#[from] ConnectError),
    /// STUN and TURN can't be had.
    #[error(transparent)]
    Turn(#[from] TurnError),
    /// Anything else.
    #[error(transparent)]
    Other(#[from] Error),
}

/// A node that is ready to serve.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    opened: Opened,
}

/// What is kept, opened, and all that works on it; it serves nobody yet.
#[derive(Debug)]
pub struct Opened {
    /// What works on it.
    pub app: App,
    events: Events,
    /// Whether the database was made by this start.
    new_store: bool,
    /// The keys' file, when it was made by this start.
    new_keys: Option<PathBuf>,
}

impl Server {
    /// Takes the address, opens what is kept, and makes what is missing.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let wanted = config.bind;
        let listener = TcpListener::bind(wanted).await.map_err(|error| StartError::Bind(wanted, error))?;
        let bound = listener.local_addr().map_err(|error| StartError::Bind(wanted, error))?;
        let opened = assemble(config.bound_to(bound), true).await?;
        files::open_many();
        Ok(Self { listener, opened })
    }

    /// What its requests share.
    pub fn app(&self) -> &App {
        &self.opened.app
    }

    /// What whoever started it should know, a line each: where it serves, what it made, how its owner gets in.
    ///
    /// # Errors
    /// When the owner's link can't be made.
    pub async fn greeting(&self) -> Result<Vec<String>, StartError> {
        let Opened { app, new_store, new_keys, .. } = &self.opened;
        let config = &app.config;
        let mut lines = vec![format!("Parlor serves {} on {}", config.public_url.origin(), config.bind)];
        lines.push(match &config.cluster {
            Some(_) => "Data: MongoDB and Redis, as set".to_owned(),
            None => format!(
                "Data: {}",
                std::path::absolute(&config.data).unwrap_or(config.data.clone()).display()
            ),
        });
        if *new_store {
            lines.push("Made a new database there".to_owned());
        }
        if let Some(keys) = new_keys {
            lines.push(format!("Made keys to sign tokens with: {}", keys.display()));
        }
        if let Some(link) = app.accounts.owner_link().await? {
            lines.push(format!("Nobody owns this server yet. Register its owner within a day at {link}"));
        } else if app.accounts.owner().await?.is_none() {
            lines.push("Nobody owns this server yet: who registers first will".to_owned());
        }
        Ok(lines)
    }

    /// Serves until the node is told to stop, and returns when all has ended, or had its time to.
    pub async fn run(self) {
        let Self { listener, opened: Opened { app, events, .. } } = self;
        app.tasks.spawn(app.hub.clone().run(events, app.stopping.clone()));
        app.tasks.spawn(app.calls.clone().run(app.stopping.clone()));
        app.tasks.spawn(app.log.clone().sweep(app.stopping.clone()));
        app.tasks.spawn(tidy(Arc::clone(&app)));
        app.tasks.spawn(sweep_files(Arc::clone(&app)));
        app.tasks.spawn(app.chat.floods().clone().tell(Arc::clone(&app.bus), app.stopping.clone()));
        app.tasks.spawn(sort_metrics(Arc::clone(&app)));
        let router = web::router(&app);
        // On the runtime's own threads: those who come in are then served where they were let in.
        let serving = tokio::spawn(listener::serve(Arc::clone(&app), listener, router));
        if let Err(error) = serving.await
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
        app.tasks.close();
        if tokio::time::timeout(LET_GO, app.tasks.wait()).await.is_err() {
            tracing::warn!(left = app.tasks.len(), "went down before all had ended");
        }
        app.log.rest();
        app.bus.close().await;
    }
}

/// Opens what is kept, and makes what is missing, without serving anybody.
///
/// # Errors
/// The first thing that is wrong.
pub async fn open(config: Config) -> Result<Opened, StartError> {
    assemble(config, false).await
}

async fn assemble(config: Config, serves: bool) -> Result<Opened, StartError> {
    make_folder(&config)?;
    let (store, new_store) = open_store(&config).await?;
    let (bus, events) = open_bus(&config).await?;
    let (keys, new_keys) = match Keys::derived(&config.secrets) {
        Some(keys) => (keys, None),
        None => Keys::kept_in(&config.data)?,
    };
    let (stopping, tasks) = (CancellationToken::new(), TaskTracker::new());
    let turn = match config.turn.as_ref().filter(|_| serves) {
        Some(turn) => Some(Turn::start(turn, keys.clone(), &stopping, &tasks).await?),
        None => None,
    };
    let log = Log::new(Arc::clone(&store), Arc::clone(&bus));
    let accounts = Arc::new(Accounts::new(&config, Arc::clone(&store), log.clone(), keys)?);
    let chat = Chat::new(log.clone(), Floods::new(config.posts));
    let calls = Calls::new(chat.clone(), config.mesh_people, turn.clone());
    let hub = Hub::new(Arc::clone(&accounts), chat.clone(), calls.clone());
    let files = Files::new(&config.uploads, config.files, log.clone(), tasks.clone())
        .map_err(|error| StartError::Uploads(config.uploads.clone(), error))?;
    let app = Parlor { config, accounts, chat, calls, files, hub, log, store, bus, turn, stopping, tasks };
    let app = Arc::new(app);
    Ok(Opened { app, events, new_store, new_keys })
}

/// Told to stop by the operator or the system.
///
/// # Errors
/// When signals can't be listened for.
pub async fn told_to_stop() -> io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            _ = terminate.recv() => Ok(()),
            interrupted = tokio::signal::ctrl_c() => interrupted,
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

fn make_folder(config: &Config) -> Result<(), StartError> {
    if config.cluster.is_some() && !config.secrets.is_empty() {
        return Ok(());
    }
    let mut folder = std::fs::DirBuilder::new();
    folder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    folder.create(&config.data).map_err(|error| StartError::Data(config.data.clone(), error))
}

/// The store, and whether this start made it.
///
/// # Errors
/// When it can't be opened, or reached.
pub async fn open_store(config: &Config) -> Result<(Arc<dyn Store>, bool), StartError> {
    let Some(cluster) = &config.cluster else {
        let store = SqliteStore::open(&config.data)?;
        let created = store.created();
        return Ok((Arc::new(store), created));
    };
    let store = MongoStore::connect(cluster.mongodb_url.reveal(), None).await?;
    Ok((Arc::new(store), false))
}

async fn open_bus(config: &Config) -> Result<(Arc<dyn Bus>, Events), StartError> {
    let Some(cluster) = &config.cluster else {
        let (bus, events) = LocalBus::new();
        return Ok((Arc::new(bus), events));
    };
    let (bus, events) = RedisBus::connect(cluster.redis_url.reveal()).await?;
    Ok((Arc::new(bus), events))
}

/// Keeps what was measured from piling up while nobody asks for it.
async fn sort_metrics(app: App) {
    let mut ticks = tokio::time::interval(SORT);
    while app.stopping.run_until_cancelled(ticks.tick()).await.is_some() {
        metrics().sort();
    }
}

/// Lets go of sessions, invitations and counts that ran out.
async fn tidy(app: App) {
    let mut ticks = tokio::time::interval(TIDY);
    while app.stopping.run_until_cancelled(ticks.tick()).await.is_some() {
        if let Err(error) = app.accounts.tidy(Timestamp::now()).await {
            tracing::warn!(?error, "could not let go of what ran out");
        }
    }
}

/// Lets go of files that nothing uses, often, and of what a node that died left on the disk, now and then.
async fn sweep_files(app: App) {
    let often = app.config.files.kept.min(TIDY);
    let mut ticks = tokio::time::interval(often);
    let mut round = 0_u32;
    while app.stopping.run_until_cancelled(ticks.tick()).await.is_some() {
        let now = Timestamp::now();
        if let Err(error) = app.files.sweep(now).await {
            tracing::warn!(?error, "could not sweep files");
        }
        if round.is_multiple_of(DISK_EVERY)
            && let Err(error) = app.files.sweep_disk(now).await
        {
            tracing::warn!(?error, "could not sweep the disk");
        }
        round = round.wrapping_add(1);
    }
}
