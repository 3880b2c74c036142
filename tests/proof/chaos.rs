//! A cluster of three nodes whose parts fail one after another, and some together: nodes, members of MongoDB's replica
//! set, Redis, and what is between them. `PARLOR_TEST_TROUBLES` says how often, about two seconds each.

use std::time::{Duration, Instant};

use mongodb::bson::{Document, doc};
use tokio::time::sleep;

use crate::{
    convergence::{NAMES, SECRET, crowd},
    crash::{ENDLESS, enough},
    dice::{Dice, Seed, length},
    mongod::Mongod,
    people::{Person, Socket},
    proxy::Proxy,
    run::{Node, audit, compare, mongo},
    services::RedisServer,
    shell::{Habits, Mix, Way},
};

/// About how many bytes a connection to Redis lives on the way of one of the nodes.
const CUT_AFTER: u64 = 40_000;

/// How long it may take until who is here is true again: a killed node's people are shown for half a minute.
const TRUE_AGAIN: Duration = Duration::from_secs(60);

/// Three nodes, and what they stand on.
struct Cluster {
    nodes: Vec<Node>,
    mongod: Mongod,
    redis: RedisServer,
    /// Between the last node and Redis: what is told there is often lost.
    spoiler: Proxy,
}

impl Cluster {
    async fn start(dice: &Dice) -> Self {
        let (mongod, redis) = (Mongod::start_of(3).await, RedisServer::start().await);
        let bus = redis.url();
        let spoiler =
            Proxy::start(bus.trim_start_matches("redis://").to_owned(), CUT_AFTER, dice.split(2)).await;
        let spoiled = format!("redis://{}", spoiler.address);
        let url = mongod.url();
        let mut public = None;
        let mut nodes = vec![];
        for bus in [&bus, &bus, &spoiled] {
            let mut settings = vec![
                ("PARLOR_MONGODB_URL", url.as_str()),
                ("PARLOR_REDIS_URL", bus),
                ("PARLOR_SECRET", SECRET),
            ];
            // To people they are one server.
            settings.extend(public.as_deref().map(|public| ("PARLOR_PUBLIC_URL", public)));
            let node = Node::start(&settings).await;
            public.get_or_insert_with(|| node.url().to_owned());
            nodes.push(node);
        }
        Self { nodes, mongod, redis, spoiler }
    }

    fn ways(&self) -> Vec<Way> {
        self.nodes.iter().map(Node::way).collect()
    }

    /// Something goes wrong, and is well again after a while. Says what it was.
    async fn suffer(&mut self, dice: &mut Dice) -> String {
        // Often a node dies in the same moment.
        let dies = dice.below(3) as usize;
        let together = dice.one_in(3);
        if together {
            self.nodes[dies].kill().await;
        }
        let what = self.suffer_one((dies + 1) % 3, dice).await;
        if together {
            self.start_node(dies).await;
            return format!("node {dies} killed, {what}");
        }
        what
    }

    async fn suffer_one(&mut self, node: usize, dice: &mut Dice) -> String {
        let moment = Duration::from_millis(dice.below(600));
        // Longer than it takes to find that a primary is gone, and elect another.
        let long = Duration::from_millis(dice.between(500, 5_000));
        match dice.below(10) {
            0 | 1 => {
                self.nodes[node].kill().await;
                sleep(moment).await;
                self.start_node(node).await;
                format!("node {node} killed")
            }
            2 => {
                self.nodes[node].hang(true);
                sleep(long).await;
                self.nodes[node].hang(false);
                format!("node {node} hung for {long:?}")
            }
            3 => {
                let first = self.mongod.primary().await;
                self.mongod.member(first).kill();
                sleep(long).await;
                self.mongod.member(first).start_again();
                format!("primary killed for {long:?}")
            }
            4 => {
                let first = self.mongod.primary().await;
                self.mongod.member(first).hang(true);
                sleep(long).await;
                self.mongod.member(first).hang(false);
                format!("primary cut off for {long:?}")
            }
            5 => {
                let first = self.mongod.primary().await;
                // The connection may end before the answer.
                let down = doc! { "replSetStepDown": 5, "force": true };
                let _ = self.mongod.member(first).run(down).await;
                sleep(moment).await;
                "primary steps down".to_owned()
            }
            6 => {
                let second = (self.mongod.primary().await + 1) % 3;
                self.mongod.member(second).kill();
                sleep(long).await;
                self.mongod.member(second).start_again();
                format!("secondary killed for {long:?}")
            }
            7 => self.fail_commands(dice).await,
            8 => {
                self.redis.kill();
                sleep(long).await;
                self.redis.start_again().await;
                format!("Redis killed for {long:?}")
            }
            _ => {
                self.redis.hang(true);
                sleep(long).await;
                self.redis.hang(false);
                let _ = self.redis.run(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
                format!("Redis hung for {long:?}, connections cut")
            }
        }
    }

    /// Some of what the nodes ask of MongoDB fails, one way or another.
    async fn fail_commands(&mut self, dice: &mut Dice) -> String {
        let mut data: Document = match dice.below(4) {
            0 => doc! { "closeConnection": true },
            1 => doc! { "errorCode": 11_600 }, // interrupted at shutdown
            2 => doc! { "writeConcernError": { "code": 64, "errmsg": "waiting for replication timed out" } },
            _ => doc! { "blockConnection": true, "blockTimeMS": 300 },
        };
        let what = data.to_string();
        data.insert("failCommands", vec!["insert", "update", "find", "aggregate", "findAndModify"]);
        data.insert("appName", "parlor");
        let first = self.mongod.primary().await;
        let some = doc! { "activationProbability": 0.3 };
        let fail = doc! { "configureFailPoint": "failCommand", "mode": some, "data": data };
        self.mongod.member(first).run(fail).await.unwrap();
        sleep(Duration::from_millis(dice.between(500, 2_500))).await;
        let off = doc! { "configureFailPoint": "failCommand", "mode": "off" };
        self.mongod.member(first).run(off).await.unwrap();
        format!("MongoDB fails: {what}")
    }

    /// Starts a dead node when what it stands on is there, as whoever looks after it would sooner or later.
    async fn start_node(&mut self, node: usize) {
        self.mongod.ready().await;
        self.nodes[node].start_again().await;
    }
}

/// Waits until these are seen so, whatever was seen before.
async fn sees(eyes: &mut Socket, people: &[Person], state: &str) {
    let begun = Instant::now();
    let mut others: Vec<&str> = people.iter().map(|person| person.user.as_str()).collect();
    while !others.is_empty() {
        assert!(begun.elapsed() < TRUE_AGAIN, "not {state}: {others:?}");
        sleep(Duration::from_millis(50)).await;
        for frame in eyes.settled().await {
            let Some(told) = frame["people"].as_array().filter(|_| frame["type"] == "presence") else {
                continue;
            };
            let of = |user: &str| told.iter().find(|here| here["user"] == user)?["state"].as_str();
            // All that it doesn't name are offline when it names everybody.
            let unnamed = if frame["full"] == true { "offline" } else { "" };
            others.retain(|user| of(user).unwrap_or(unnamed) != state);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_part_of_a_cluster_fails_nothing_is_lost_and_all_see_the_same() {
    let seed = Seed::of_run();
    let mut dice = seed.dice();
    let mut cluster = Cluster::start(&dice).await;
    let ways = cluster.ways();
    let pause = length("PARLOR_TEST_PAUSE", 250);
    let habits = Habits { mix: Mix::All, steps: ENDLESS, pause, cuts: 60 };
    let everyone: Vec<&Node> = cluster.nodes.iter().collect();
    let (people, town, shells) = crowd(&everyone, &ways, &habits, &dice).await;
    let begun = Instant::now();
    for _ in 0..length("PARLOR_TEST_TROUBLES", 20) {
        sleep(Duration::from_millis(dice.between(100, 1_000))).await;
        let at = begun.elapsed();
        let what = cluster.suffer(&mut dice).await;
        eprintln!("{:>6.1} s: {what}", at.as_secs_f64());
    }
    let lasted = begun.elapsed();
    cluster.mongod.ready().await;
    cluster.spoiler.be_fair();
    enough(&shells);
    let (watcher, others) = people.split_first().unwrap();
    for other in others {
        // Whom one has direct messages with one sees from anywhere.
        town.made(watcher.room("direct", "", &[other]).await, false);
    }
    sees(&mut watcher.socket().await, others, "online").await;
    let clients = compare(&people, &town, shells, &ways[1]).await;
    sees(&mut watcher.socket().await, others, "offline").await;
    for node in &mut cluster.nodes {
        node.kill().await;
    }
    let told = audit(&mongo(&cluster.mongod.url()).await, &town, &clients).await;
    let (put_off, cuts) = (clients.iter().map(|client| client.put_off).sum::<u64>(), cluster.spoiler.cuts());
    eprintln!(
        "chaos for {lasted:?}: {} people, {put_off} put off, {cuts} cuts before Redis, {told:?}",
        NAMES.len()
    );
    assert!(told.acknowledged > 100, "{told:?}");
}
