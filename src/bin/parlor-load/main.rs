//! `parlor-load`: measures a Parlor server from outside, beside a bare broadcaster that does nothing but write frames.
//!
//! The server runs on one core and this program on another. People log in for real and hold real sockets; every delivery is
//! checked to come once and in order, or the run is void. `docs/performance.md` tells what the figures mean.

mod bare;
mod calls;
mod cluster;
mod crowd;
mod fanout;
mod growth;
mod host;
mod http;
mod idle;
mod pages;
mod people;
mod posts;
mod readers;
mod report;
mod scenarios;
mod wide;
mod wire;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;

use scenarios::Scenario;

/// Measures a Parlor server.
#[derive(Debug, Parser)]
#[command(name = "parlor-load", version)]
pub struct Options {
    /// What to measure; all of it when nothing is named.
    #[arg(value_enum)]
    scenarios: Vec<Scenario>,
    /// The server's program; the one beside this when absent.
    #[arg(long)]
    server: Option<PathBuf>,
    /// MongoDB for the server; SQLite when absent. Needs --redis-url.
    #[arg(long, requires = "redis_url")]
    mongodb_url: Option<String>,
    /// Redis for the server.
    #[arg(long, requires = "mongodb_url")]
    redis_url: Option<String>,
    /// How long each measurement takes, in seconds.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// Readers of the one big room.
    #[arg(long, default_value_t = 1_000)]
    readers: usize,
    /// Rooms of the many small ones, with ten readers each.
    #[arg(long, default_value_t = 500)]
    rooms: usize,
    /// Connections that do nothing.
    #[arg(long, default_value_t = 10_000)]
    idle: usize,
    /// Calls in which nobody does anything, with four people each.
    #[arg(long, default_value_t = 100)]
    calls: usize,
    /// Messages stored before pages are read and before the start is measured.
    #[arg(long, default_value_t = 100_000)]
    stored: u64,
    /// Messages stored in the longer history of `growth`.
    #[arg(long, default_value_t = 1_000_000)]
    history: u64,
    /// People of the larger community of `growth`, and of `presence`.
    #[arg(long, default_value_t = 10_000)]
    people: usize,
    /// Messages a second of the open loop.
    #[arg(long, default_value_t = 100)]
    rate: u64,
    /// Writes the figures as JSON, too.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Be the bare broadcaster instead, on a port that is printed.
    #[arg(long, hide = true)]
    bare: bool,
}

/// Whatever went wrong; a run that isn't whole says nothing.
pub type Fault = Box<dyn std::error::Error + Send + Sync>;

/// An answer of this program's parts.
pub type Result<T, E = Fault> = std::result::Result<T, E>;

fn main() -> ExitCode {
    let options = Options::parse();
    // As many sockets as the system allows; where that is too few, connecting says so.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    if !options.bare {
        host::keep_to_own_core();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = runtime.map_err(Into::into).and_then(|runtime| {
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime, async {
            if options.bare { bare::serve().await } else { scenarios::run(&options).await }
        })
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::say(&format!("parlor-load: {error}"));
            ExitCode::FAILURE
        }
    }
}
