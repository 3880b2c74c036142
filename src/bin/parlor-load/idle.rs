//! Connections that come in as fast as they can, and then do nothing.

use std::{
    path::Path,
    rc::Rc,
    time::{Duration, Instant},
};

use crate::{
    Options, Result,
    host::Host,
    people::Person,
    readers::{Reading, Seen},
    report::Report,
    wire::connect,
};

/// People behind the connections.
const PEOPLE: usize = 50;
/// Connections that are being opened at a time.
const OPENING: usize = 64;
/// How long a server that has nothing to do may take to give back what it doesn't need.
const REST: Duration = Duration::from_secs(3);

/// How fast they come in, and what memory each takes: of what the last nine tenths add, so that what the server takes anyway
/// isn't among it.
pub(crate) async fn idle(options: &Options, data: &Path, report: &mut Report) -> Result<()> {
    let bare = Host::bare().await?;
    let (bare, _) = come_in(&bare, options.idle, &Rc::default(), |_| String::new()).await?;
    let host = Host::parlor(options, data).await?;
    let people = Person::some(&host, PEOPLE).await?;
    let headers = |n: usize| people[n % people.len()].authorization();
    let seen = Rc::<Seen>::default();
    let tenth = options.idle / 10;
    let (_, first) = come_in(&host, tenth, &seen, headers).await?;
    tokio::time::sleep(REST).await;
    let (memory, cpu) = (host.memory()?, host.cpu()?);
    let more = options.idle - tenth;
    let (rate, sockets) = come_in(&host, more, &seen, headers).await?;
    let cpu = host.cpu()? - cpu;
    tokio::time::sleep(REST).await;
    let each = host.memory()?.saturating_sub(memory) as f64 / more as f64;
    report.beside(format!("{more} connections come in"), rate, "/s", Some(bare));
    report.add("CPU a connection that comes in", cpu.as_secs_f64() * 1e6 / more as f64, "µs");
    report.add(format!("memory an idle connection, {} of them", options.idle), each / 1024.0, "KiB");
    let all = host.memory()? as f64 / f64::from(1 << 20);
    report.add(format!("memory of all, {} idle connections", options.idle), all, "MiB");
    seen.whole()?;
    drop((first, sockets));
    Ok(())
}

/// Connections a second, and the connections.
async fn come_in(
    host: &Host,
    count: usize,
    seen: &Rc<Seen>,
    headers: impl Fn(usize) -> String,
) -> Result<(f64, Vec<Reading>)> {
    let before = seen.ready.get();
    let begun = Instant::now();
    let mut sockets = Vec::with_capacity(count);
    let mut coming = tokio::task::JoinSet::new();
    for n in 0..count {
        let (address, headers) = (host.address.clone(), headers(n));
        coming.spawn_local(async move { connect(&address, "/ws", &headers).await });
        if coming.len() >= OPENING
            && let Some(socket) = coming.join_next().await
        {
            sockets.push(Reading::start(socket??, seen));
        }
    }
    while let Some(socket) = coming.join_next().await {
        sockets.push(Reading::start(socket??, seen));
    }
    seen.until_ready(before + count).await?;
    Ok((count as f64 / begun.elapsed().as_secs_f64(), sockets))
}
