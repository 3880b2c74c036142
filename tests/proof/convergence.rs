//! State by events equals a fresh load: seeded random runs of all that can be done.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use crate::{
    dice::{Dice, Seed, length},
    mongod::Mongod,
    people::{Person, people},
    run::{Node, audit, compare, mongo},
    services::RedisServer,
    shell::{Habits, Mix, Shell, Town, Way},
};

pub(crate) const NAMES: [&str; 5] = ["ann", "ben", "cleo", "dan", "eve"];
pub(crate) const SECRET: &str = "a secret that all of these nodes share in tests";

/// People on these nodes, each at work through all of these ways.
pub(crate) async fn crowd(
    nodes: &[&Node],
    ways: &[Way],
    habits: &Habits,
    dice: &Dice,
) -> (Vec<Person>, Arc<Town>, Vec<Shell>) {
    let people: Vec<Person> = people(nodes[0].url(), NAMES).await.into();
    let general = people[0].general().await;
    let town = Town::new(&people.iter().collect::<Vec<_>>(), &NAMES, &general);
    let shells = people.iter().enumerate().map(|(n, person)| {
        // Nobody is always at one node, and somebody at each.
        let mut ways = ways.to_vec();
        let count = ways.len();
        ways.rotate_left(n % count);
        Shell::start(person, &town, &ways, habits.clone(), dice.split(n as u64 + 10))
    });
    let shells = shells.collect();
    (people, town, shells)
}

async fn worked_off(shells: &[Shell], mut meanwhile: impl AsyncFnMut()) {
    while shells.iter().any(|shell| shell.left.load(std::sync::atomic::Ordering::Acquire) > 0) {
        meanwhile().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_random_run_on_one_node_all_see_what_a_fresh_load_shows() {
    let seed = Seed::of_run();
    let dice = seed.dice();
    let mut node = Node::start(&[]).await;
    let habits = Habits { mix: Mix::All, steps: length("PARLOR_TEST_STEPS", 300), pause: 40, cuts: 60 };
    let (people, town, shells) = crowd(&[&node], &[node.way()], &habits, &dice).await;
    let clients = compare(&people, &town, shells, &node.way()).await;
    node.kill().await;
    let told = audit(&node.sqlite(), &town, &clients).await;
    eprintln!("one node: {told:?}");
    assert!(told.acknowledged as u64 > habits.steps);
}

/// Two nodes with a mongod of their own; `redis` are the addresses by which they know Redis.
async fn two(mongod: &Mongod, redis: [&str; 2]) -> [Node; 2] {
    let url = mongod.url();
    let settings = |redis| {
        [("PARLOR_MONGODB_URL", url.as_str()), ("PARLOR_REDIS_URL", redis), ("PARLOR_SECRET", SECRET)]
    };
    let one = Node::start(&settings(redis[0])).await;
    // To people they are one server.
    let public = [("PARLOR_PUBLIC_URL", one.url())];
    let other = Node::start(&[&settings(redis[1])[..], &public].concat()).await;
    [one, other]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_random_run_on_two_nodes_with_losses_and_kills_all_see_what_a_fresh_load_shows() {
    let seed = Seed::of_run();
    let mut dice = seed.dice();
    let (mut mongod, redis) = (Mongod::start().await, RedisServer::start().await);
    let mut nodes = two(&mongod, [&redis.url(), &redis.url()]).await;
    let ways = [nodes[0].way(), nodes[1].way()];
    let habits = Habits { mix: Mix::All, steps: length("PARLOR_TEST_STEPS", 260), pause: 80, cuts: 60 };
    let (people, town, shells) = crowd(&[&nodes[0], &nodes[1]], &ways, &habits, &dice).await;
    let mut kills = length("PARLOR_TEST_KILLS", 4);
    worked_off(&shells, async || {
        sleep(Duration::from_millis(dice.between(150, 900))).await;
        match dice.below(6) {
            0 if kills > 0 => {
                kills -= 1;
                let pause = Duration::from_millis(dice.below(400));
                if let Some(node) = nodes.get_mut(dice.below(3) as usize) {
                    node.kill().await;
                    sleep(pause).await;
                    node.start_again().await;
                } else {
                    mongod.kill();
                    sleep(pause).await;
                    mongod.start_again().await;
                }
            }
            1 => {
                redis.hang(true);
                sleep(Duration::from_millis(dice.below(500))).await;
                redis.hang(false);
            }
            _ => redis.run(&["CLIENT", "KILL", "TYPE", "pubsub"]).await.unwrap(),
        }
    })
    .await;
    let clients = compare(&people, &town, shells, &nodes[1].way()).await;
    for node in &mut nodes {
        node.kill().await;
    }
    let told = audit(&mongo(&mongod.url()).await, &town, &clients).await;
    eprintln!("two nodes: {told:?}");
    assert!(told.acknowledged as u64 > habits.steps);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_that_hear_nothing_of_each_other_show_the_same_all_the_same() {
    let seed = Seed::of_run();
    let dice = seed.dice();
    let (mongod, redis) = (Mongod::start().await, RedisServer::start().await);
    // Databases of Redis keep their channels apart: each node publishes, and the other never hears it.
    let [one, other] = [1, 2].map(|database| format!("{}/{database}", redis.url()));
    let mut nodes = two(&mongod, [&one, &other]).await;
    let ways = [nodes[0].way(), nodes[1].way()];
    let habits = Habits { mix: Mix::All, steps: length("PARLOR_TEST_STEPS", 120), pause: 80, cuts: 100 };
    let (people, town, shells) = crowd(&[&nodes[0], &nodes[1]], &ways, &habits, &dice).await;
    let clients = compare(&people, &town, shells, &nodes[0].way()).await;
    for node in &mut nodes {
        node.kill().await;
    }
    let told = audit(&mongo(&mongod.url()).await, &town, &clients).await;
    eprintln!("deaf nodes: {told:?}");
    assert!(told.acknowledged as u64 > habits.steps);
}
