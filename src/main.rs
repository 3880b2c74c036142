//! The command line.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use parlor::{
    config::{Config, LogFormat, Settings},
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
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command.unwrap_or_default() {
        Command::Serve => serve(&arguments.settings).await,
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
    server.run().await;
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
