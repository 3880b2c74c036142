//! How cost grows: CPU of a post, a page, a connection and a resume, each at two sizes of what it must not depend on.

use std::{
    path::Path,
    rc::Rc,
    time::{Duration, Instant},
};

use crate::{
    Options, Result,
    crowd::Crowd,
    fanout::deliver,
    host::Host,
    pages::Asking,
    people::Person,
    posts::{Sender, filled},
    readers::{Reading, Seen},
    report::Report,
    wire::connect,
};

/// Messages of the smaller history, and people of the smaller community.
const FEW: u64 = 1_000;
/// Rooms of the smaller server.
const ROOMS: usize = 10;
/// Entries that a resume brings.
const MISSED: u64 = 20;

/// All of it.
pub(crate) async fn growth(options: &Options, data: &Path, report: &mut Report) -> Result<()> {
    for readers in [options.readers / 10, options.readers] {
        let folder = data.join(format!("readers{readers}"));
        let mut crowd = Crowd::of_parlor(options, &folder, 1, readers).await?;
        let (cpu, _) = deliver(&mut crowd, options, 1).await?;
        report.add(format!("{readers} readers in a room: CPU a delivery"), cpu, "µs");
    }
    for stored in [FEW, options.history] {
        let host = Host::parlor(options, &data.join(format!("stored{stored}"))).await?;
        let (person, room) = filled(&host, stored).await?;
        probe(options, &host, &person, &room, &format!("{stored} messages stored"), report).await?;
    }
    for rooms in [ROOMS, options.rooms] {
        let host = Host::parlor(options, &data.join(format!("rooms{rooms}"))).await?;
        let people = Person::some(&host, 2).await?;
        for _ in 0..rooms {
            people[0].room(&host, &[]).await?;
        }
        let room = people[1].room(&host, &[]).await?;
        probe(options, &host, &people[1], &room, &format!("{rooms} rooms of others"), report).await?;
    }
    for count in [10, options.people] {
        let host = Host::parlor(options, &data.join(format!("people{count}"))).await?;
        let people = Person::some(&host, count).await?;
        let room = people[0].room(&host, &people[1..2]).await?;
        probe(options, &host, &people[0], &room, &format!("{count} people"), report).await?;
    }
    Ok(())
}

async fn probe(
    options: &Options,
    host: &Host,
    person: &Person,
    room: &str,
    what: &str,
    report: &mut Report,
) -> Result<()> {
    let time = Duration::from_secs(options.seconds.max(1));
    let sender = Sender::new(&host.address, person, room).await?;
    let cpu = each(host, time, async || sender.post().await.map(drop)).await?;
    report.add(format!("{what}: a post"), cpu, "µs CPU");
    drop(sender);
    let asking = Asking::new(host, &person.cookie(host).await?, room, "identity")?;
    let cpu = each(host, time, async || asking.ask().await.map(drop)).await?;
    report.add(format!("{what}: a page, nothing new"), cpu, "µs CPU");
    let headers = person.authorization();
    let seen = Rc::<Seen>::default();
    let cpu = each(host, time, async || {
        let before = seen.ready.get();
        let socket = Reading::start(connect(&host.address, "/ws", &headers).await?, &seen);
        seen.until_ready(before + 1).await?;
        drop(socket);
        Ok(())
    })
    .await?;
    report.add(format!("{what}: a connection"), cpu, "µs CPU");
    let sender = Sender::new(&host.address, person, room).await?;
    sender.post().await?;
    let (rev, tag) = sender.last().ok_or("no place to resume from")?;
    for _ in 0..MISSED {
        sender.post().await?;
    }
    let resume = format!(r#"{{"type":"resume","room":"{room}","rev":{rev},"tag":"{tag}"}}"#);
    let cpu = each(host, time, async || sender.ask(&resume).await).await?;
    report.add(format!("{what}: a resume of {MISSED} entries"), cpu, "µs CPU");
    Ok(())
}

/// The server's CPU µs each time that something is done over and over.
async fn each(host: &Host, time: Duration, mut once: impl AsyncFnMut() -> Result<()>) -> Result<f64> {
    let (begun, cpu) = (Instant::now(), host.cpu()?);
    let mut count = 0_u32;
    while begun.elapsed() < time {
        once().await?;
        count += 1;
    }
    Ok((host.cpu()? - cpu).as_secs_f64() * 1e6 / f64::from(count))
}
