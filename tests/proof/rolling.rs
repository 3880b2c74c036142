//! All nodes of a cluster are restarted under load, one after another, as for an upgrade.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    convergence::{SECRET, crowd},
    crash::{ENDLESS, enough},
    dice::{Seed, length},
    gate::Gate,
    mongod::Mongod,
    run::{Node, audit, compare, mongo},
    services::RedisServer,
    shell::{Habits, Mix, Way},
};

/// The longest that nothing may come to somebody: the server asks a handful of people back within a second, the rest is for a
/// busy machine.
const BLINK: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_of_all_nodes_loses_nothing_and_shows_nobody_an_error() {
    let seed = Seed::of_run();
    let dice = seed.dice();
    let (mongod, redis) = (Mongod::start().await, RedisServer::start().await);
    let (url, bus) = (mongod.url(), redis.url());
    let settings =
        [("PARLOR_MONGODB_URL", url.as_str()), ("PARLOR_REDIS_URL", bus.as_str()), ("PARLOR_SECRET", SECRET)];
    let first = Node::start(&settings).await;
    // To people they are one server.
    let (public, host) = (first.url().to_owned(), first.way().host);
    let settings = [&settings[..], &[("PARLOR_PUBLIC_URL", public.as_str())]].concat();
    let mut nodes = [first, Node::start(&settings).await, Node::start(&settings).await];
    let gate = Gate::open(nodes.iter().map(|node| node.way().address).collect()).await;
    let way = Way { address: gate.address.clone(), host };
    let habits = Habits { mix: Mix::Messages, steps: ENDLESS, pause: 60, cuts: 0 };
    let everyone: Vec<&Node> = nodes.iter().collect();
    let (people, town, shells) = crowd(&everyone, std::slice::from_ref(&way), &habits, &dice).await;
    // All are at work before the first node goes, and for a while after each.
    let work = Duration::from_secs(2);
    sleep(work).await;
    for _ in 0..length("PARLOR_TEST_ROUNDS", 1) {
        for node in &mut nodes {
            node.go_down().await;
            node.start_again().await;
            sleep(work).await;
        }
    }
    enough(&shells);
    let longest = shells.iter().map(crate::shell::Shell::longest_lull).max().unwrap();
    let clients = compare(&people, &town, shells, &way).await;
    for node in &mut nodes {
        node.kill().await;
    }
    let told = audit(&mongo(&url).await, &town, &clients).await;
    let put_off: u64 = clients.iter().map(|client| client.put_off).sum();
    eprintln!("rolling restart: longest time without delivery {longest:?}, {put_off} put off, {told:?}");
    for client in &clients {
        assert_eq!(client.surprised, 0, "a connection of {} ended without a word", client.user);
    }
    assert!(told.acknowledged > 100 && told.resumed > 0, "{told:?}");
    assert!(longest < BLINK, "{longest:?}");
}
