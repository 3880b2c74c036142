//! The command line.

use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use parlor::{
    config::{Config, LogFormat, Settings},
    operator::{self, Order},
    server::{Server, StartError, told_to_stop},
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A chat server for a household or a company.
#[derive(Debug, Parser)]
#[command(name = "parlor", version)]
struct Arguments {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Default, Subcommand)]
enum Command {
    /// Serve (this is done when nothing else is asked for)
    #[default]
    Serve,
    #[command(flatten)]
    ByHand(ByHand),
}

/// What an operator does by hand.
#[derive(Debug, Subcommand)]
enum ByHand {
    /// Make accounts, and help people back in; also while the server serves
    #[command(subcommand)]
    User(User),
    /// Copy all that is kept into a new folder; the server may go on serving
    Backup {
        /// The folder
        to: PathBuf,
    },
    /// Bring a backup back into a data folder that has no database yet
    Restore {
        /// The backup's folder
        from: PathBuf,
    },
    /// Look whether what is kept is sound; the server may go on serving
    Check,
    /// Move all that is kept from SQLite into MongoDB, or back; nothing may serve either meanwhile
    Migrate {
        /// Where all is: a data folder, or the URL of a MongoDB database
        #[arg(long, env = "PARLOR_MIGRATE_FROM", value_name = "PLACE", hide_env_values = true)]
        from: String,
        /// Where it is to be, and nothing is yet: the same
        #[arg(long, env = "PARLOR_MIGRATE_TO", value_name = "PLACE", hide_env_values = true)]
        to: String,
    },
}

#[derive(Debug, Subcommand)]
enum User {
    /// Make an account, and print its password; the first of all owns the server
    Create {
        /// The name to log in with
        name: String,
        /// The name that others see
        #[arg(long)]
        display: Option<String>,
    },
    /// Give an account another password, print it, and log the account out everywhere
    ResetPassword {
        /// The name they log in with
        name: String,
    },
}

impl From<User> for Order {
    fn from(user: User) -> Self {
        match user {
            User::Create { name, display } => Order::CreateUser { name, display },
            User::ResetPassword { name } => Order::ResetPassword { name },
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command.unwrap_or_default() {
        Command::Serve => serve(&arguments.settings).await.map_err(anyhow::Error::from),
        Command::ByHand(order) => by_hand(&arguments.settings, order).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "parlor: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(settings: &Settings) -> Result<(), StartError> {
    let config = Config::new(settings)?;
    log_to_stderr(&config);
    let server = Server::start(config).await?;
    for line in server.greeting().await? {
        let _ = writeln!(std::io::stdout(), "{line}");
    }
    let stopping = server.app().stopping.clone();
    tokio::spawn(async move {
        if let Err(error) = told_to_stop().await {
            tracing::warn!(%error, "can't be stopped by a signal");
            return;
        }
        tracing::info!("going down");
        stopping.cancel();
    });
    #[cfg(unix)]
    if server.app().config.cluster.is_none() {
        server.app().tasks.spawn(operator::listen(server.app().clone()));
    }
    server.run().await;
    Ok(())
}

/// Does what the operator asks for, and says how it went.
async fn by_hand(settings: &Settings, order: ByHand) -> anyhow::Result<()> {
    let config = Config::new(settings)?;
    let progress = |line: String| {
        let _ = writeln!(std::io::stderr(), "{line}");
    };
    let told = match order {
        ByHand::User(user) => operator::obey(config, &user.into()).await?,
        ByHand::Backup { to } => operator::backup(&config, &to, progress)?,
        ByHand::Restore { from } => operator::restore(&config, &from, progress)?,
        ByHand::Check => operator::check(config, progress).await?,
        ByHand::Migrate { from, to } => operator::migrate(&from, &to, progress).await?,
    };
    for line in told {
        writeln!(std::io::stdout(), "{line}")?;
    }
    Ok(())
}

/// `tower-sessions` calls a cookie of an ended session suspicious; it is every day's.
fn log_to_stderr(config: &Config) {
    let quiet = ["tower_sessions=error", "tower_sessions_core=error"]
        .into_iter()
        .filter_map(|text| text.parse().ok());
    let filter = tracing_subscriber::EnvFilter::new(&config.log);
    let filter = quiet.fold(filter, tracing_subscriber::EnvFilter::add_directive);
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match config.log_format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().init(),
    }
}
