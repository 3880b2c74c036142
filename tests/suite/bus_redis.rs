//! What the bus over Redis does beyond the contract: when Redis goes away, hangs, is missing, or says strange things.

use std::time::{Duration, Instant};

use parlor::bus::{Channel, Event, Notice, RedisBus};
use tokio::time::timeout;

use crate::{
    bus_contract::{Node, room},
    services::{PATIENCE, RedisServer, free_port, redis_url, until},
};

#[tokio::test]
async fn the_last_words_of_a_node_leave_when_it_stops() {
    let (one, mut other) = Node::pair(&redis_url()).await;
    let node = one.bus.node();
    one.bus.publish(Channel::Everyone, Notice::Leaving);
    one.bus.close().await;
    drop(one);
    other.hears((node, Channel::Everyone, Notice::Leaving)).await;
}

#[tokio::test]
async fn communities_with_a_database_each_do_not_hear_each_other() {
    let (mut here, there) = (Node::at(&redis_url()).await, Node::at(&redis_url()).await);
    let channel = room();
    here.bus.subscribe(&[channel]).await;
    there.says(channel);
    there.says(Channel::Everyone);
    there.bus.close().await;
    let mark = here.says(channel);
    here.hears((here.bus.node(), channel, mark)).await;
}

#[tokio::test]
async fn what_no_node_sends_is_ignored() {
    let server = RedisServer::start().await;
    let (one, mut other) = Node::pair(&server.url()).await;
    for garbage in [
        "",
        "nonsense",
        "{}",
        "null",
        "\u{0}\u{1}",
        r#"{"from":"0123456789abcdef"}"#,
        r#"{"from":"0123456789abcdef","notice":"explode"}"#,
        r#"{"from":"0123456789abcdef","notice":{"typing":{"room":"x","user":"y"}}}"#,
        r#"{"from":17,"notice":"leaving"}"#,
    ] {
        server.run(&["PUBLISH", "everyone:channel", garbage]).await.unwrap();
    }
    assert_eq!(other.heard_from(&one).await, []);
    assert!(other.bus.connected());
}

#[tokio::test]
async fn a_restart_of_redis_is_survived() {
    let mut server = RedisServer::start().await;
    let (mut one, mut other) = Node::pair(&server.url()).await;
    let (kept, dropped, added) = (room(), room(), room());
    other.bus.subscribe(&[kept, dropped]).await;

    server.kill();
    one.hears_of_loss().await;
    other.hears_of_loss().await;
    assert!(!one.bus.connected() && !other.bus.connected());
    let start = Instant::now();
    other.bus.subscribe(&[added]).await;
    other.bus.unsubscribe(&[dropped]);
    assert!(start.elapsed() < Duration::from_secs(1), "nobody waits for a Redis that is away");

    server.start_again().await;
    one.hears_of_loss().await;
    other.hears_of_loss().await;
    assert!(one.bus.connected() && other.bus.connected());
    one.says(dropped);
    let said = [(kept, one.says(kept)), (added, one.says(added))];
    assert_eq!(other.heard_from(&one).await, said);
}

#[tokio::test]
async fn a_killed_connection_comes_back() {
    let server = RedisServer::start().await;
    let (mut one, mut other) = Node::pair(&server.url()).await;
    let channel = room();
    other.bus.subscribe(&[channel]).await;
    for _ in 0..3 {
        server.run(&["CLIENT", "KILL", "TYPE", "pubsub"]).await.unwrap();
        for node in [&mut one, &mut other] {
            node.hears_of_loss().await;
            node.hears_of_loss().await;
            assert!(node.bus.connected());
        }
        let said = one.says(channel);
        assert_eq!(other.heard_from(&one).await, [(channel, said)]);
        while one.events.try_recv().is_ok() {}
    }
}

#[tokio::test]
async fn publishing_does_not_wait_for_a_redis_that_is_away() {
    let mut server = RedisServer::start().await;
    let mut node = Node::at(&server.url()).await;
    server.kill();
    node.hears_of_loss().await;
    publishes_at_once(&mut node);
}

#[tokio::test]
async fn publishing_does_not_wait_for_a_redis_that_hangs() {
    let server = RedisServer::start().await;
    let mut node = Node::at(&server.url()).await;
    server.hang(true);
    publishes_at_once(&mut node);
    node.hears_of_loss().await;
    assert!(!node.bus.connected(), "who doesn't answer isn't there");
    server.hang(false);
    node.hears_of_loss().await;
    assert!(node.bus.connected());
}

#[tokio::test]
async fn a_redis_that_falls_silent_is_noticed() {
    let server = RedisServer::start().await;
    let mut node = Node::at(&server.url()).await;
    server.hang(true);
    node.hears_of_loss().await;
    assert!(!node.bus.connected());
}

fn publishes_at_once(node: &mut Node) {
    let channel = room();
    let start = Instant::now();
    for _ in 0..20_000 {
        let said = node.says(channel);
        let event = node.events.try_recv();
        assert!(matches!(event, Ok(Event::Notice { notice, .. }) if notice == said));
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn subscribing_to_a_redis_that_hangs_ends_and_its_late_effect_is_told() {
    let server = RedisServer::start().await;
    let (one, mut other) = Node::pair(&server.url()).await;
    let channel = room();
    server.hang(true);
    let start = Instant::now();
    other.bus.subscribe(&[channel]).await;
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    server.hang(false);
    other.hears_of_loss().await;
    until("both are connected", async || one.bus.connected() && other.bus.connected()).await;
    let said = one.says(channel);
    assert_eq!(other.heard_from(&one).await, [(channel, said)]);
}

#[tokio::test]
async fn the_start_fails_clearly_without_redis() {
    let port = free_port();
    let url = format!("redis://somebody:secret@127.0.0.1:{port}");
    let error = RedisBus::connect(&url).await.unwrap_err().to_string();
    assert!(error.contains(&format!("127.0.0.1:{port}")), "{error}");
    assert!(!error.contains("secret") && !error.contains('\n'), "{error}");
}

#[tokio::test]
async fn the_start_does_not_wait_for_ever() {
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", mute.local_addr().unwrap());
    let error = timeout(PATIENCE, RedisBus::connect(&url)).await.unwrap().unwrap_err();
    assert!(error.to_string().starts_with("no connection to Redis at 127.0.0.1"), "{error}");
}

#[tokio::test]
async fn an_address_that_is_none_is_refused() {
    for url in ["", "nowhere", "http://127.0.0.1:6379", "redis://127.0.0.1:port", "redis://127.0.0.1/x"] {
        let error = RedisBus::connect(url).await.unwrap_err().to_string();
        assert!(error.starts_with("not the address of a Redis server"), "{url}: {error}");
    }
}
