//! What is measured.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    Options, Result, calls, cluster, fanout, growth,
    host::LIFTED,
    idle, pages,
    people::nonce,
    posts,
    report::{Report, say},
    wide,
};

/// Rooms of many senders.
const ROOMS: [usize; 2] = [8, 64];
/// Readers of each of the many small rooms.
const FEW: usize = 10;
/// Messages on their way to the big room at a time, where they may leave together.
const TOGETHER: usize = 8;

/// Something to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Scenario {
    /// One message at a time to one big room.
    Fanout,
    /// Eight messages at a time to one big room.
    Coalesced,
    /// One message at a time in each of many small rooms.
    Small,
    /// Messages at a steady rate to one big room: how long deliveries take.
    Steady,
    /// Durable posts of many senders.
    Posts,
    /// Memory of connections that do nothing, and how fast they come in.
    Idle,
    /// CPU and memory of calls in which nobody does anything.
    Calls,
    /// Pages of a room with a long history.
    Pages,
    /// The start on a long history, and memory at rest.
    Start,
    /// Posting while messages go out to very many readers.
    Wide,
    /// How cost grows with readers, messages stored, rooms and people. Takes minutes, so only when it is named.
    Growth,
    /// One room that all post to, over three nodes and on one. Needs MongoDB, so only when it is named; so do the next.
    Hot,
    /// What the bus adds to a delivery on the node that receives.
    Bus,
    /// Very many people who come within a minute, over two nodes. Takes minutes.
    Presence,
}

const ALL: &[Scenario] = &[
    Scenario::Fanout,
    Scenario::Coalesced,
    Scenario::Small,
    Scenario::Steady,
    Scenario::Posts,
    Scenario::Idle,
    Scenario::Calls,
    Scenario::Pages,
    Scenario::Start,
    Scenario::Wide,
];

/// Measures what is asked for.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let lifted: Vec<String> = LIFTED.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut report = Report::new(lifted);
    let scenarios = if options.scenarios.is_empty() { ALL } else { &options.scenarios };
    for scenario in scenarios {
        let folder = tempdir()?;
        let done = measure(*scenario, options, &folder, &mut report).await;
        fs::remove_dir_all(&folder)?;
        done?;
    }
    if let Some(path) = &options.json {
        fs::write(path, report.json())?;
        say(&format!("written to {}", path.display()));
    }
    Ok(())
}

fn tempdir() -> Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("parlor-load-{}", nonce()));
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

async fn measure(scenario: Scenario, options: &Options, data: &Path, report: &mut Report) -> Result<()> {
    let big = (1, options.readers);
    match scenario {
        Scenario::Fanout => fanout::fanout(options, data, report, big, 1).await,
        Scenario::Coalesced => fanout::fanout(options, data, report, big, TOGETHER).await,
        Scenario::Small => fanout::fanout(options, data, report, (options.rooms, FEW), 1).await,
        Scenario::Steady => fanout::steady(options, data, report).await,
        Scenario::Posts => {
            for rooms in ROOMS {
                posts::posts(options, data, report, rooms).await?;
            }
            Ok(())
        }
        Scenario::Idle => idle::idle(options, data, report).await,
        Scenario::Calls => calls::calls(options, data, report).await,
        Scenario::Pages => pages::pages(options, data, report).await,
        Scenario::Start => pages::start(options, data, report).await,
        Scenario::Wide => wide::wide(options, data, report).await,
        Scenario::Growth => growth::growth(options, data, report).await,
        Scenario::Hot => cluster::hot(options, data, report).await,
        Scenario::Bus => cluster::bus(options, data, report).await,
        Scenario::Presence => cluster::presence(options, data, report).await,
    }
}
