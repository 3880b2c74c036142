//! Several nodes over MongoDB and Redis.

use std::{
    path::Path,
    rc::Rc,
    time::{Duration, Instant},
};

use futures_util::future::try_join_all;

use crate::{
    Options, Result,
    crowd::Crowd,
    fanout::deliver,
    host::Host,
    people::Person,
    posts::{SENDERS, Sender},
    readers::{Reading, Seen},
    report::Report,
    wire::connect,
};

/// Nodes that post to one room.
const NODES: usize = 3;
/// In what time all of very many people come.
const RUSH: Duration = Duration::from_secs(60);
/// How long they are watched when all have come.
const REST: Duration = Duration::from_secs(20);

/// Posts of many senders to one room, over several nodes beside one.
pub(crate) async fn hot(options: &Options, data: &Path, report: &mut Report) -> Result<()> {
    for count in [1, NODES] {
        let nodes = Host::cluster(options, &data.join(count.to_string()), count).await?;
        let people = Person::some(&nodes[0], SENDERS).await?;
        let room = people[0].room(&nodes[0], &people[1..]).await?;
        let mut senders = vec![];
        for (n, person) in people.iter().enumerate() {
            senders.push(Sender::new(&nodes[n % count].address, person, &room).await?);
        }
        let before = Appends::of(&nodes).await?;
        let begun = Instant::now();
        let until = begun + Duration::from_secs(options.seconds);
        let done = try_join_all(senders.into_iter().map(|sender| sender.post_until(until))).await?;
        let time = begun.elapsed().as_secs_f64();
        let after = Appends::of(&nodes).await?;
        let mut times: Vec<Duration> = done.iter().flat_map(|(_, times)| times).copied().collect();
        for (sender, _) in &done {
            sender.until(times.len() as u64).await?;
        }
        let appends = after.made - before.made;
        let what = format!("{SENDERS} senders in one room, {count} node(s)");
        report.add(format!("{what}: durable posts acknowledged"), times.len() as f64 / time, "/s");
        report.add(format!("{what}: posts an append"), times.len() as f64 / appends, "");
        report.add(format!("{what}: retries an append"), (after.again - before.again) / appends, "");
        report.spread(&format!("{what}: ack"), &mut times, None);
    }
    Ok(())
}

/// Appends of all nodes.
struct Appends {
    made: f64,
    /// Those that had to be decided again, since another node was faster.
    again: f64,
}

impl Appends {
    async fn of(nodes: &[Host]) -> Result<Self> {
        let mut all = Self { made: 0.0, again: 0.0 };
        for node in nodes {
            all.made += node.counted("parlor_append_seconds_count").await?;
            all.again += node.counted("parlor_append_conflicts_total").await?;
        }
        Ok(all)
    }
}

/// What a message costs a node that hears of it over the bus, with one reader there and with many: what doesn't grow with the
/// readers is the bus.
pub(crate) async fn bus(options: &Options, data: &Path, report: &mut Report) -> Result<()> {
    let mut costs = vec![];
    for readers in [1, options.readers] {
        let mut crowd = Crowd::of_two_nodes(options, &data.join(readers.to_string()), readers).await?;
        let (cpu, _) = deliver(&mut crowd, options, 1).await?;
        // The sender's own delivery is the other node's.
        let message = cpu * crowd.readers as f64;
        report.add(format!("CPU a message on the receiving node, {readers} reader(s) there"), message, "µs");
        costs.push(message);
    }
    let readers = options.readers as f64;
    let delivery = (costs[1] - costs[0]) / (readers - 1.0);
    let bus = (costs[0] - delivery).max(0.0);
    report.add("of it a delivery's own", delivery, "µs");
    report.add("of it the bus, paid once a node", bus, "µs");
    report.add(
        format!("what the bus adds to a delivery at {readers} readers"),
        bus / readers / delivery * 100.0,
        "%",
    );
    Ok(())
}

/// People who all come within a minute and look at the room that everybody is in, over two nodes.
pub(crate) async fn presence(options: &Options, data: &Path, report: &mut Report) -> Result<()> {
    let nodes = Host::cluster(options, data, 2).await?;
    let people = Person::many(&nodes, options.people).await?;
    let general = people[0].general(&nodes[0]).await?;
    let look = format!(r#"{{"type":"watch","room":"{general}"}}"#);
    let seen = Rc::<Seen>::default();
    let mut sockets = Vec::with_capacity(people.len());

    let before = Spent::of(options, &nodes).await?;
    let begun = Instant::now();
    for (n, person) in people.iter().enumerate() {
        let due = begun + RUSH.mul_f64(n as f64 / people.len() as f64);
        tokio::time::sleep_until(due.into()).await;
        let node = &nodes[n % nodes.len()];
        let socket = connect(&node.address, "/ws", &person.authorization()).await?;
        let socket = Reading::start(socket, &seen);
        socket.send(&look).await?;
        sockets.push(socket);
    }
    seen.until_ready(people.len()).await?;
    let rush = format!("{} people come", people.len());
    report.add(format!("{rush}: time"), begun.elapsed().as_secs_f64(), "s");
    let come = Spent::of(options, &nodes).await?;
    come.since(&before).told(&rush, people.len(), report);

    tokio::time::sleep(REST).await;
    let rest = Spent::of(options, &nodes).await?.since(&come);
    rest.told(&format!("{} people are here", people.len()), people.len(), report);
    seen.whole()?;
    drop(sockets);
    Ok(())
}

/// What all of it has cost until some moment, or between two.
struct Spent {
    at: Instant,
    /// Of each node.
    cpu: Vec<Duration>,
    /// What the nodes sent to Redis, and what Redis sent to them, in bytes.
    bus: (u64, u64),
}

impl Spent {
    async fn of(options: &Options, nodes: &[Host]) -> Result<Self> {
        let cpu = nodes.iter().map(Host::cpu).collect::<Result<_>>()?;
        let redis = redis::Client::open(options.redis_url.as_deref().ok_or("no Redis")?)?;
        let mut redis = redis.get_multiplexed_async_connection().await?;
        let info: String = redis::cmd("INFO").arg("stats").query_async(&mut redis).await?;
        let field = |name: &str| -> Result<u64> {
            let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            Ok(line.ok_or("Redis doesn't count its bytes")?.trim().parse()?)
        };
        let bus = (field("total_net_input_bytes")?, field("total_net_output_bytes")?);
        Ok(Self { at: Instant::now(), cpu, bus })
    }

    fn since(&self, before: &Self) -> Since {
        let cpu = self.cpu.iter().zip(&before.cpu).map(|(after, before)| *after - *before).collect();
        let bus = (self.bus.0 - before.bus.0, self.bus.1 - before.bus.1);
        Since { time: self.at - before.at, cpu, bus }
    }
}

struct Since {
    time: Duration,
    cpu: Vec<Duration>,
    bus: (u64, u64),
}

impl Since {
    fn told(&self, what: &str, people: usize, report: &mut Report) {
        let time = self.time.as_secs_f64();
        for (n, cpu) in self.cpu.iter().enumerate() {
            let share = cpu.as_secs_f64() / time * 100.0;
            report.add(format!("{what}: of a core, node {}", n + 1), share, "%");
        }
        let all: f64 = self.cpu.iter().map(Duration::as_secs_f64).sum();
        report.add(format!("{what}: CPU of all nodes a person"), all * 1e6 / people as f64, "µs");
        report.add(format!("{what}: bytes to Redis"), self.bus.0 as f64 / time, "B/s");
        report.add(format!("{what}: bytes from Redis to all nodes"), self.bus.1 as f64 / time, "B/s");
    }
}
