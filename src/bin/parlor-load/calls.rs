//! Calls in which nobody does anything: what they cost the server, whose part of a call is who is in it.

use std::{
    path::Path,
    rc::Rc,
    time::{Duration, Instant},
};

use crate::{
    Options, Result,
    host::Host,
    people::{Person, nonce},
    readers::{Reading, Seen},
    report::Report,
    wire::connect,
};

/// People in each call: as many as a mesh carries.
const PEOPLE: usize = 4;
/// How long a server may take to come to rest.
const REST: Duration = Duration::from_secs(3);

/// CPU and memory of a call that goes on, beside the same sockets in none.
pub(crate) async fn calls(options: &Options, data: &Path, report: &mut Report) -> Result<()> {
    let host = Host::parlor(options, data).await?;
    let people = Person::some(&host, PEOPLE).await?;
    let seen = Rc::<Seen>::default();
    let mut seats: Vec<(String, Reading)> = vec![];
    for _ in 0..options.calls {
        let room = people[0].room(&host, &people[1..]).await?;
        for person in &people {
            let socket = connect(&host.address, "/ws", &person.authorization()).await?;
            seats.push((room.clone(), Reading::start(socket, &seen)));
        }
    }
    seen.until_ready(seats.len()).await?;
    let without = at_rest(&host, options.seconds).await?;
    let (begun, cpu) = (Instant::now(), host.cpu()?);
    for (n, (room, socket)) in seats.iter().enumerate() {
        let nonce = nonce();
        socket
            .send(&format!(r#"{{"type":"call-join","room":"{room}","nonce":"{nonce}","page":"{nonce}"}}"#))
            .await?;
        // One after another, as people come; many at once would be refused.
        seen.until_ready(seats.len() + n + 1).await?;
    }
    let (time, cpu) = (begun.elapsed(), host.cpu()? - cpu);
    let with = at_rest(&host, options.seconds).await?;
    seen.whole()?;
    let (calls, joins) = (options.calls as f64, seats.len() as f64);
    let what = format!("{} calls of {PEOPLE}", options.calls);
    report.add(format!("{what}: people come in"), joins / time.as_secs_f64(), "/s");
    report.add(format!("{what}: CPU of coming in"), cpu.as_secs_f64() * 1e6 / joins, "µs");
    let more = with.cpu.saturating_sub(without.cpu).as_secs_f64() / options.seconds as f64;
    report.add(format!("{what}: CPU of each a second, beyond its sockets'"), more * 1e6 / calls, "µs");
    let more = with.memory.saturating_sub(without.memory) as f64 / calls;
    report.add(format!("{what}: memory of each, beyond its sockets'"), more / 1024.0, "KiB");
    Ok(())
}

/// What a server takes while nothing is asked of it.
struct AtRest {
    cpu: Duration,
    memory: u64,
}

async fn at_rest(host: &Host, seconds: u64) -> Result<AtRest> {
    tokio::time::sleep(REST).await;
    let before = host.cpu()?;
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    Ok(AtRest { cpu: host.cpu()? - before, memory: host.memory()? })
}
