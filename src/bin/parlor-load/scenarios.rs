//! What is measured, one function each.

use std::{
    fs,
    path::Path,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::{net::TcpStream, task::AbortHandle};

use crate::{
    Fault, Options, Result,
    host::{Host, LIFTED},
    http::Http,
    people::{Person, nonce},
    readers::{Seen, read},
    report::{Report, Spread, say},
    wire::{self, connect},
};

/// People behind the readers: each has many sockets, as a person with many tabs.
const PEOPLE: usize = 50;
/// Senders of the durable posts.
const SENDERS: usize = 64;
/// Readers of each of the many small rooms.
const FEW: usize = 10;
/// Requests for pages at a time.
const VISITORS: usize = 8;
/// A message's text: with all else about as many bytes as a short line takes.
const TEXT: &str = "The quick brown fox jumps over the lazy dog, and is back before anybody has noticed it.";

/// Something to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Scenario {
    /// One message at a time to one big room.
    Fanout,
    /// Eight messages at a time to one big room.
    Coalesced,
    /// One message at a time to each of many small rooms.
    Small,
    /// Messages at a steady rate to one big room: how long deliveries take.
    Steady,
    /// Durable posts of many senders.
    Posts,
    /// Memory of connections that do nothing, and how fast they come in.
    Idle,
    /// Pages of a room with a long history.
    Pages,
    /// The start on a long history, and memory at rest.
    Start,
}

const ALL: &[Scenario] = &[
    Scenario::Fanout,
    Scenario::Coalesced,
    Scenario::Small,
    Scenario::Steady,
    Scenario::Posts,
    Scenario::Idle,
    Scenario::Pages,
    Scenario::Start,
];

/// Measures what is asked for.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let lifted: Vec<String> = LIFTED.iter().map(|(name, value)| format!("{name}={value}")).collect();
    say(&format!("limits lifted: {}", lifted.join(" ")));
    let mut report = Report::default();
    let scenarios = if options.scenarios.is_empty() { ALL } else { &options.scenarios };
    for scenario in scenarios {
        let folder = tempdir()?;
        let done = measure(*scenario, options, &folder, &mut report).await;
        fs::remove_dir_all(&folder)?;
        done?;
    }
    if let Some(path) = &options.json {
        fs::write(path, report.json())?;
    }
    Ok(())
}

fn tempdir() -> Result<std::path::PathBuf> {
    let folder = std::env::temp_dir().join(format!("parlor-load-{}", nonce()));
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

async fn measure(scenario: Scenario, options: &Options, data: &Path, report: &mut Report) -> Result<()> {
    match scenario {
        Scenario::Fanout => fanout(options, data, report, 1, options.readers, 1).await,
        Scenario::Coalesced => fanout(options, data, report, 1, options.readers, 8).await,
        Scenario::Small => fanout(options, data, report, options.rooms, FEW, 1).await,
        Scenario::Steady => steady(options, data, report).await,
        Scenario::Posts => {
            posts(options, data, report, 8).await?;
            posts(options, data, report, SENDERS).await
        }
        Scenario::Idle => idle(options, data, report).await,
        Scenario::Pages => pages(options, data, report).await,
        Scenario::Start => start(options, data, report).await,
    }
}

/// Rooms with readers, of one server.
struct Crowd {
    host: Host,
    seen: Rc<Seen>,
    rooms: Vec<Room>,
    readers: usize,
    tasks: Vec<AbortHandle>,
}

struct Room {
    name: String,
    sender: Rc<TcpStream>,
    sent: u64,
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Crowd {
    /// On Parlor: people who are logged in and members, each with sockets of their own.
    async fn of_parlor(options: &Options, data: &Path, rooms: usize, readers: usize) -> Result<Self> {
        let host = Host::parlor(options, data).await?;
        let people = Person::some(&host, PEOPLE.min(readers)).await?;
        let mut names = vec![];
        for _ in 0..rooms {
            names.push(people[0].room(&host, &people[1..]).await?);
        }
        let mut crowd = Self { host, seen: Rc::default(), rooms: vec![], readers, tasks: vec![] };
        // With many rooms everybody is in all of them; so a room's readers are all sockets there are.
        for n in 0..readers {
            let stream =
                connect(&crowd.host.address, "/ws", &people[n % people.len()].authorization()).await?;
            let stream = crowd.reads(stream);
            if n < rooms {
                crowd.rooms.push(Room { name: names[n].clone(), sender: stream, sent: 0 });
            }
        }
        for name in names.into_iter().skip(crowd.rooms.len()) {
            let sender = Rc::clone(&crowd.rooms[0].sender);
            crowd.rooms.push(Room { name, sender, sent: 0 });
        }
        crowd.seen.until_ready(readers).await?;
        Ok(crowd)
    }

    /// On the bare broadcaster.
    async fn of_bare(rooms: usize, readers: usize) -> Result<Self> {
        let host = Host::bare().await?;
        let mut crowd = Self { host, seen: Rc::default(), rooms: vec![], readers, tasks: vec![] };
        for room in 0..rooms {
            for n in 0..readers {
                let stream = connect(&crowd.host.address, &format!("/{room}"), "").await?;
                let sender = crowd.reads(stream);
                if n == 0 {
                    crowd.rooms.push(Room { name: room.to_string(), sender, sent: 0 });
                }
            }
        }
        crowd.seen.until_ready(rooms * readers).await?;
        Ok(crowd)
    }

    fn reads(&mut self, stream: TcpStream) -> Rc<TcpStream> {
        let stream = Rc::new(stream);
        self.tasks.push(read(Rc::clone(&stream), Rc::clone(&self.seen)));
        stream
    }

    /// Sends a message to a room: Parlor's own frame, or to the bare broadcaster what Parlor would make of it.
    async fn send(&mut self, room: usize, bare: bool, due: Instant) -> Result<()> {
        let nonce = nonce();
        self.seen.due.borrow_mut().insert(nonce.clone(), due);
        let room = &mut self.rooms[room];
        room.sent += 1;
        let frame =
            if bare { as_parlor_would(&room.name, room.sent, &nonce) } else { post(&room.name, &nonce) };
        write(&room.sender, &wire::masked(&frame)).await
    }
}

fn post(room: &str, nonce: &str) -> String {
    format!(r#"{{"type":"message","room":"{room}","nonce":"{nonce}","text":"{TEXT}"}}"#)
}

/// A frame with as many bytes as Parlor's, and what a reader checks at the same places.
fn as_parlor_would(room: &str, rev: u64, nonce: &str) -> String {
    let id = "0198c0de-0000-7000-8000-000000000000";
    format!(
        r#"{{"type":"message","room":"{id}{room}","rev":{rev},"tag":"0123456789abcdef","change":"posted","seq":{rev},"author":"{id}","nonce":"{nonce}","mentions":[],"everyone":false,"message":{{"seq":{rev},"rev":{rev},"author":"{id}","at":1790000000000,"kind":"text","text":"{TEXT}","html":"<p>{TEXT}</p>","base":{rev},"edited_at":null,"reply_to":null,"mentions":[],"everyone":false,"pinned":false,"reactions":[],"nonce":"{nonce}"}}}}"#
    )
}

async fn write(stream: &TcpStream, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Deliveries and CPU a delivery, closed loop: the next messages go out when all readers have those before.
async fn fanout(
    options: &Options,
    data: &Path,
    report: &mut Report,
    rooms: usize,
    readers: usize,
    together: usize,
) -> Result<()> {
    let bare = deliver(&mut Crowd::of_bare(rooms, readers).await?, options, true, together).await?;
    let ours = deliver(&mut Crowd::of_parlor(options, data, rooms, readers).await?, options, false, together)
        .await?;
    let what = format!("{rooms} room(s) × {readers} readers, {together} in flight");
    report.beside(format!("{what}: CPU a delivery"), ours.0, "µs", Some(bare.0));
    report.beside(format!("{what}: deliveries"), ours.1, "/s", Some(bare.1));
    Ok(())
}

/// CPU µs a delivery, and deliveries a second.
async fn deliver(crowd: &mut Crowd, options: &Options, bare: bool, together: usize) -> Result<(f64, f64)> {
    let rooms = crowd.rooms.len();
    let round = |crowd: &Crowd| crowd.seen.deliveries.get() + (together * crowd.readers) as u64;
    let (begun, cpu, before) = (Instant::now(), crowd.host.cpu()?, crowd.seen.deliveries.get());
    let mut room = 0;
    while begun.elapsed().as_secs() < options.seconds {
        let until = round(crowd);
        for _ in 0..together {
            crowd.send(room, bare, Instant::now()).await?;
        }
        crowd.seen.until(until).await?;
        room = (room + 1) % rooms;
    }
    let (time, cpu) = (begun.elapsed(), crowd.host.cpu()? - cpu);
    let deliveries = (crowd.seen.deliveries.get() - before) as f64;
    Ok((cpu.as_secs_f64() * 1e6 / deliveries, deliveries / time.as_secs_f64()))
}

/// How long deliveries take from when they were due, open loop.
async fn steady(options: &Options, data: &Path, report: &mut Report) -> Result<()> {
    let mut bare = Crowd::of_bare(1, options.readers).await?;
    let bare = Spread::of(&mut at_rate(&mut bare, options, true).await?);
    let mut ours = Crowd::of_parlor(options, data, 1, options.readers).await?;
    let mut times = at_rate(&mut ours, options, false).await?;
    let what = format!("{} readers × {} messages/s: delivery", options.readers, options.rate);
    report.spread(&what, &mut times, Some(&bare));
    Ok(())
}

async fn at_rate(crowd: &mut Crowd, options: &Options, bare: bool) -> Result<Vec<Duration>> {
    let begun = Instant::now();
    let all = options.seconds * options.rate;
    for n in 0..all {
        let due = begun + Duration::from_secs_f64(n as f64 / options.rate as f64);
        tokio::time::sleep_until(due.into()).await;
        crowd.send(0, bare, due).await?;
    }
    crowd.seen.until(all * crowd.readers as u64).await?;
    Ok(crowd.seen.latencies.take())
}

/// Durable posts, closed loop: each sender has one on its way.
async fn posts(options: &Options, data: &Path, report: &mut Report, rooms: usize) -> Result<()> {
    let host = Host::parlor(options, &data.join(rooms.to_string())).await?;
    let people = Person::some(&host, SENDERS).await?;
    let mut names = vec![];
    for room in 0..rooms {
        let members: Vec<Person> = people.iter().skip(room).step_by(rooms).cloned().collect();
        names.push(members[0].room(&host, &members[1..]).await?);
    }
    let begun = Instant::now();
    let cpu = host.cpu()?;
    let until = begun + Duration::from_secs(options.seconds);
    let senders = people.iter().enumerate().map(|(n, person)| {
        let (room, headers) = (names[n % rooms].clone(), person.authorization());
        let address = host.address.clone();
        tokio::task::spawn_local(async move { sender(&address, &headers, &room, until).await })
    });
    let mut times = vec![];
    for sender in senders.collect::<Vec<_>>() {
        times.extend(sender.await??);
    }
    let (time, cpu) = (begun.elapsed(), host.cpu()? - cpu);
    let count = times.len() as f64;
    let what = format!("{SENDERS} senders in {rooms} rooms");
    report.add(format!("{what}: durable posts acknowledged"), count / time.as_secs_f64(), "/s");
    report.add(format!("{what}: CPU a post"), cpu.as_secs_f64() * 1e6 / count, "µs");
    report.spread(&format!("{what}: ack"), &mut times, None);
    Ok(())
}

async fn sender(address: &str, headers: &str, room: &str, until: Instant) -> Result<Vec<Duration>> {
    let seen = Rc::<Seen>::default();
    let stream = Rc::new(connect(address, "/ws", headers).await?);
    let task = read(Rc::clone(&stream), Rc::clone(&seen));
    seen.until_ready(1).await?;
    while Instant::now() < until {
        let nonce = nonce();
        seen.due.borrow_mut().insert(nonce.clone(), Instant::now());
        let posted = seen.acks.borrow().len() + 1;
        write(&stream, &wire::masked(&post(room, &nonce))).await?;
        while seen.acks.borrow().len() < posted {
            seen.whole()?;
            tokio::time::timeout(Duration::from_secs(30), seen.acked.notified()).await?;
        }
        seen.due.borrow_mut().clear();
    }
    task.abort();
    Ok(seen.acks.take())
}

/// Connections that come in as fast as they can, and then do nothing.
async fn idle(options: &Options, data: &Path, report: &mut Report) -> Result<()> {
    let bare = Host::bare().await?;
    let (bare_rate, _, _) = come_in(&bare, options.idle, |_| String::new()).await?;
    drop(bare);
    let host = Host::parlor(options, data).await?;
    let people = Person::some(&host, PEOPLE).await?;
    let headers = |n: usize| people[n % people.len()].authorization();
    let (rate, bytes, sockets) = come_in(&host, options.idle, headers).await?;
    report.beside(format!("{} connections come in", options.idle), rate, "/s", Some(bare_rate));
    report.add(format!("memory an idle connection, {} of them", options.idle), bytes / 1024.0, "KiB");
    drop(sockets);
    Ok(())
}

/// Connections a second, memory each, and the connections.
async fn come_in(
    host: &Host,
    count: usize,
    headers: impl Fn(usize) -> String,
) -> Result<(f64, f64, Vec<Rc<TcpStream>>)> {
    let seen = Rc::<Seen>::default();
    let (begun, memory) = (Instant::now(), host.memory()?);
    let mut sockets = Vec::with_capacity(count);
    let mut coming = tokio::task::JoinSet::new();
    for n in 0..count {
        let (address, headers) = (host.address.clone(), headers(n));
        coming.spawn_local(async move { connect(&address, "/ws", &headers).await });
        if coming.len() >= SENDERS
            && let Some(stream) = coming.join_next().await
        {
            sockets.push(hold(stream??, &seen));
        }
    }
    while let Some(stream) = coming.join_next().await {
        sockets.push(hold(stream??, &seen));
    }
    seen.until_ready(count).await?;
    let rate = count as f64 / begun.elapsed().as_secs_f64();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let bytes = host.memory()?.saturating_sub(memory) as f64 / count as f64;
    Ok((rate, bytes, sockets))
}

fn hold(stream: TcpStream, seen: &Rc<Seen>) -> Rc<TcpStream> {
    let stream = Rc::new(stream);
    read(Rc::clone(&stream), Rc::clone(seen));
    stream
}

/// A room with a long history.
async fn fill(options: &Options, host: &Host) -> Result<(Person, String)> {
    let people = Person::some(host, SENDERS).await?;
    let room = people[0].room(host, &people[1..]).await?;
    let each = options.stored / SENDERS as u64 + 1;
    let senders = people.iter().map(|person| {
        let (room, headers, address) = (room.clone(), person.authorization(), host.address.clone());
        tokio::task::spawn_local(async move {
            let seen = Rc::<Seen>::default();
            let stream = Rc::new(connect(&address, "/ws", &headers).await?);
            let task = read(Rc::clone(&stream), Rc::clone(&seen));
            seen.until_ready(1).await?;
            for n in 1..=each {
                write(&stream, &wire::masked(&post(&room, &nonce()))).await?;
                // Sixteen on their way, so that filling doesn't take longer than measuring.
                seen.until((n * SENDERS as u64).saturating_sub(16 * SENDERS as u64)).await?;
            }
            seen.until(each * SENDERS as u64).await?;
            task.abort();
            Ok::<(), Fault>(())
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await??;
    }
    Ok((people[0].clone(), room))
}

/// Pages of a room, as a browser gets them.
async fn pages(options: &Options, data: &Path, report: &mut Report) -> Result<()> {
    let host = Host::parlor(options, data).await?;
    let (person, room) = fill(options, &host).await?;
    let cookie = person.cookie(&host).await?;
    let authority = format!("localhost:{}", host.address.rsplit_once(':').ok_or("no port")?.1);
    let (begun, cpu) = (Instant::now(), host.cpu()?);
    let until = begun + Duration::from_secs(options.seconds);
    let visitors = (0..VISITORS).map(|_| {
        let http = Http::new(&host.address);
        let (cookie, authority, path) = (cookie.clone(), authority.clone(), format!("/rooms/{room}"));
        tokio::task::spawn_local(async move {
            let mut times = vec![];
            while Instant::now() < until {
                let asked = Instant::now();
                let headers = [("cookie", cookie.as_str()), ("host", authority.as_str())];
                let answer = http.get(&path, &headers).await?;
                if answer.status != 200 || answer.body.len() < 10_000 {
                    return Err(format!("{}: {} bytes", answer.status, answer.body.len()).into());
                }
                times.push(asked.elapsed());
            }
            Ok::<_, Fault>(times)
        })
    });
    let mut times = vec![];
    for visitor in visitors.collect::<Vec<_>>() {
        times.extend(visitor.await??);
    }
    let (time, cpu) = (begun.elapsed(), host.cpu()? - cpu);
    let what = format!("room page of 100 messages, {} stored", options.stored);
    report.add(&what, times.len() as f64 / time.as_secs_f64(), "/s");
    report.add(format!("{what}: CPU a page"), cpu.as_secs_f64() * 1e6 / times.len() as f64, "µs");
    report.spread(&what, &mut times, None);
    Ok(())
}

/// From the start to the first answer, and memory at rest.
async fn start(options: &Options, data: &Path, report: &mut Report) -> Result<()> {
    let host = Host::parlor(options, data).await?;
    fill(options, &host).await?;
    drop(host);
    let host = Host::parlor(options, data).await?;
    let what = format!("start to first answer, {} messages stored", options.stored);
    report.add(what, host.started.as_secs_f64() * 1e3, "ms");
    tokio::time::sleep(Duration::from_secs(2)).await;
    report.add("memory at rest", host.memory()? as f64 / f64::from(1 << 20), "MiB");
    Ok(())
}
