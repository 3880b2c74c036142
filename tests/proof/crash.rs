//! Crashes and cuts: what was acknowledged is there exactly once, in one order that all clients share; what wasn't, at
//! most once.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use crate::{
    dice::{Dice, Seed, length},
    mongod::Mongod,
    people::{Person, people},
    proxy::Proxy,
    run::{Node, audit, compare, mongo},
    services::RedisServer,
    shell::{Habits, Mix, Shell, Town, Way},
};

const NAMES: [&str; 4] = ["ann", "ben", "cleo", "dan"];
const SECRET: &str = "a secret that all of these nodes share in tests";
/// Enough to never run out before the last kill.
pub(crate) const ENDLESS: u64 = 1 << 40;

/// People who post, edit, delete and react until they are told to stop.
async fn crowd(node: &Node, way: &Way, steps: u64, dice: &Dice) -> (Vec<Person>, Arc<Town>, Vec<Shell>) {
    let people: Vec<Person> = people(node.url(), NAMES).await.into();
    let general = people[0].general().await;
    let town = Town::new(&people.iter().collect::<Vec<_>>(), &NAMES, &general);
    let habits = Habits { mix: Mix::Messages, steps, pause: 80, cuts: 0 };
    let shells = people.iter().enumerate().map(|(n, person)| {
        Shell::start(person, &town, std::slice::from_ref(way), habits.clone(), dice.split(n as u64 + 10))
    });
    let shells = shells.collect();
    (people, town, shells)
}

/// Tells them to stop.
pub(crate) fn enough(shells: &[Shell]) {
    for shell in shells {
        shell.left.store(0, std::sync::atomic::Ordering::Release);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_twenty_kills_on_sqlite() {
    let seed = Seed::of_run();
    let mut dice = seed.dice();
    let mut node = Node::start(&[]).await;
    let (people, town, shells) = crowd(&node, &node.way(), ENDLESS, &dice).await;
    for _ in 0..length("PARLOR_TEST_KILLS", 20) {
        sleep(Duration::from_millis(dice.between(30, 900))).await;
        node.kill().await;
        node.start_again().await;
    }
    enough(&shells);
    let clients = compare(&people, &town, shells, &node.way()).await;
    node.kill().await;
    let told = audit(&node.sqlite(), &town, &clients).await;
    eprintln!("kills on SQLite: {told:?}");
    assert!(told.acknowledged > 100, "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_twenty_kills_on_mongodb() {
    let seed = Seed::of_run();
    let mut dice = seed.dice();
    let (mut mongod, redis) = (Mongod::start().await, RedisServer::start().await);
    let (url, bus) = (mongod.url(), redis.url());
    let mut node =
        Node::start(&[("PARLOR_MONGODB_URL", &url), ("PARLOR_REDIS_URL", &bus), ("PARLOR_SECRET", SECRET)])
            .await;
    let (people, town, shells) = crowd(&node, &node.way(), ENDLESS, &dice).await;
    for n in 0..length("PARLOR_TEST_KILLS", 20) {
        sleep(Duration::from_millis(dice.between(30, 900))).await;
        match n % 5 {
            // Under a node that lives on, and together with it.
            2 => mongod.kill(),
            4 => {
                mongod.kill();
                node.kill().await;
            }
            _ => node.kill().await,
        }
        if n % 5 == 2 || n % 5 == 4 {
            sleep(Duration::from_millis(dice.below(400))).await;
            mongod.start_again().await;
        }
        if n % 5 != 2 {
            node.start_again().await;
        }
    }
    enough(&shells);
    let clients = compare(&people, &town, shells, &node.way()).await;
    node.kill().await;
    let told = audit(&mongo(&url).await, &town, &clients).await;
    eprintln!("kills on MongoDB: {told:?}");
    assert!(told.acknowledged > 100, "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_cuts_at_any_byte() {
    let seed = Seed::of_run();
    let dice = seed.dice();
    let mut node = Node::start(&[]).await;
    let host = node.way().host;
    let proxy = Proxy::start(host.clone(), 6_000, dice.split(1)).await;
    let way = Way { address: proxy.address.clone(), host };
    let steps = length("PARLOR_TEST_STEPS", 300);
    let (people, town, shells) = crowd(&node, &way, steps, &dice).await;
    while shells.iter().any(|shell| shell.left.load(std::sync::atomic::Ordering::Acquire) > 0) {
        sleep(Duration::from_millis(50)).await;
    }
    proxy.be_fair();
    let clients = compare(&people, &town, shells, &node.way()).await;
    node.kill().await;
    let told = audit(&node.sqlite(), &town, &clients).await;
    eprintln!("{} cuts: {told:?}", proxy.cuts());
    assert!(proxy.cuts() > 20 && told.acknowledged as u64 > steps, "{told:?}");
}
