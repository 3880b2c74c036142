//! What every bus must do, run on both; and what only one between nodes can.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use parlor::{
    bus::{Bus, CAPACITY, Channel, Event, Events, LocalBus, NodeId, Notice, RedisBus},
    model::{RoomId, Stream, UserId},
};
use tokio::time::timeout;

use crate::services::{PATIENCE, RedisServer, redis_url, until};

/// One node, and what it hears.
struct Node {
    bus: Box<dyn Bus>,
    events: Events,
}

impl Node {
    fn alone() -> Self {
        let (bus, events) = LocalBus::new();
        Self { bus: Box::new(bus), events }
    }

    async fn at(url: &str) -> Self {
        let (bus, events) = RedisBus::connect(url).await.unwrap();
        Self { bus: Box::new(bus), events }
    }

    async fn pair(url: &str) -> (Self, Self) {
        (Self::at(url).await, Self::at(url).await)
    }

    fn says(&self, channel: Channel) -> Notice {
        let notice = something();
        self.bus.publish(channel, notice.clone());
        notice
    }

    async fn event(&mut self) -> Event {
        timeout(PATIENCE, self.events.recv()).await.expect("nothing was heard").unwrap()
    }

    async fn hears(&mut self, expected: (NodeId, Channel, Notice)) {
        match self.event().await {
            Event::Notice { from, channel, notice } => assert_eq!((from, channel, notice), expected),
            Event::Lost => panic!("heard of a loss, not {expected:?}"),
        }
    }

    async fn hears_of_loss(&mut self) {
        let event = self.event().await;
        assert!(matches!(event, Event::Lost), "{event:?}");
    }

    /// All that others said up to what `other` says now.
    async fn heard_from(&mut self, other: &Node) -> Vec<(Channel, Notice)> {
        let end = other.says(Channel::Everyone);
        let mut heard = Vec::new();
        loop {
            match self.event().await {
                Event::Notice { notice, .. } if notice == end => return heard,
                Event::Notice { from, channel, notice } if from != self.bus.node() => {
                    heard.push((channel, notice));
                }
                _ => {}
            }
        }
    }
}

/// A notice that nobody else sends.
fn something() -> Notice {
    Notice::Typing { room: RoomId::new(), user: UserId::new() }
}

fn room() -> Channel {
    Channel::Stream(Stream::Room(RoomId::new()))
}

fn person() -> Channel {
    Channel::Stream(Stream::Person(UserId::new()))
}

async fn own_notices_arrive_at_once_and_in_order(mut node: Node) {
    let channels = [room(), person(), Channel::Everyone];
    let said: Vec<_> = (0..300).map(|i| (channels[i % 3], node.says(channels[i % 3]))).collect();
    let mut heard = Vec::new();
    while let Ok(Event::Notice { from, channel, notice }) = node.events.try_recv() {
        assert_eq!(from, node.bus.node());
        heard.push((channel, notice));
    }
    assert_eq!(heard, said);
}

async fn own_notices_arrive_once_when_subscribed(mut node: Node) {
    let channel = room();
    node.bus.subscribe(&[channel]).await;
    let said = node.says(channel);
    node.hears((node.bus.node(), channel, said)).await;
    node.bus.close().await;
    node.bus.unsubscribe(&[channel]);
    let said = node.says(channel);
    node.hears((node.bus.node(), channel, said)).await;
}

async fn what_overflows_is_said_to_be_lost(mut node: Node) {
    let said: Vec<_> = (0..CAPACITY).map(|_| node.says(Channel::Everyone)).collect();
    node.says(Channel::Everyone);
    for notice in said {
        node.hears((node.bus.node(), Channel::Everyone, notice)).await;
    }
    let next = node.says(Channel::Everyone);
    node.hears_of_loss().await;
    node.hears((node.bus.node(), Channel::Everyone, next)).await;
}

async fn a_bus_is_connected(node: Node) {
    assert!(node.bus.connected());
}

mod local {
    use super::*;

    #[tokio::test]
    async fn own_notices_arrive_at_once_and_in_order() {
        super::own_notices_arrive_at_once_and_in_order(Node::alone()).await;
    }

    #[tokio::test]
    async fn own_notices_arrive_once_when_subscribed() {
        super::own_notices_arrive_once_when_subscribed(Node::alone()).await;
    }

    #[tokio::test]
    async fn what_overflows_is_said_to_be_lost() {
        super::what_overflows_is_said_to_be_lost(Node::alone()).await;
    }

    #[tokio::test]
    async fn a_bus_is_connected() {
        super::a_bus_is_connected(Node::alone()).await;
    }
}

mod redis {
    use super::*;

    #[tokio::test]
    async fn own_notices_arrive_at_once_and_in_order() {
        super::own_notices_arrive_at_once_and_in_order(Node::at(&redis_url()).await).await;
    }

    #[tokio::test]
    async fn own_notices_arrive_once_when_subscribed() {
        super::own_notices_arrive_once_when_subscribed(Node::at(&redis_url()).await).await;
    }

    #[tokio::test]
    async fn what_overflows_is_said_to_be_lost() {
        super::what_overflows_is_said_to_be_lost(Node::at(&redis_url()).await).await;
    }

    #[tokio::test]
    async fn a_bus_is_connected() {
        super::a_bus_is_connected(Node::at(&redis_url()).await).await;
    }

    #[tokio::test]
    async fn notices_of_others_arrive_after_subscribing_in_order() {
        let (one, mut other) = Node::pair(&redis_url()).await;
        let channels = [room(), person()];
        other.bus.subscribe(&channels).await;
        let said: Vec<_> = (0..1000).map(|i| (channels[i % 2], one.says(channels[i % 2]))).collect();
        for (channel, notice) in said {
            other.hears((one.bus.node(), channel, notice)).await;
        }
    }

    #[tokio::test]
    async fn a_third_node_hears_too_and_the_sender_itself_only_once() {
        let url = redis_url();
        let (mut one, mut other) = Node::pair(&url).await;
        let mut third = Node::at(&url).await;
        let channel = room();
        for node in [&one, &other, &third] {
            node.bus.subscribe(&[channel]).await;
        }
        let said = one.says(channel);
        let after = other.says(channel);
        third.hears((one.bus.node(), channel, said.clone())).await;
        one.hears((one.bus.node(), channel, said)).await;
        one.hears((other.bus.node(), channel, after.clone())).await;
        other.hears((other.bus.node(), channel, after)).await;
    }

    #[tokio::test]
    async fn everyones_notices_need_no_asking() {
        let (one, mut other) = Node::pair(&redis_url()).await;
        let said = one.says(Channel::Everyone);
        other.hears((one.bus.node(), Channel::Everyone, said)).await;
        other.bus.unsubscribe(&[Channel::Everyone]);
        other.bus.subscribe(&[room()]).await;
        let said = one.says(Channel::Everyone);
        other.hears((one.bus.node(), Channel::Everyone, said)).await;
    }

    #[tokio::test]
    async fn nothing_comes_that_was_not_asked_for() {
        let (one, mut other) = Node::pair(&redis_url()).await;
        let wanted = room();
        other.bus.subscribe(&[wanted]).await;
        one.says(room());
        one.says(person());
        let said = one.says(wanted);
        assert_eq!(other.heard_from(&one).await, [(wanted, said)]);
    }

    #[tokio::test]
    async fn nothing_comes_after_unsubscribing() {
        let (one, mut other) = Node::pair(&redis_url()).await;
        let (gone, kept) = (room(), person());
        other.bus.subscribe(&[gone, kept]).await;
        other.bus.unsubscribe(&[gone]);
        other.bus.subscribe(&[room()]).await; // what was asked before it is in force as well
        one.says(gone);
        let said = one.says(kept);
        assert_eq!(other.heard_from(&one).await, [(kept, said)]);

        other.bus.subscribe(&[gone]).await;
        let said = one.says(gone);
        assert_eq!(other.heard_from(&one).await, [(gone, said)]);
    }

    #[tokio::test]
    async fn thousands_of_channels_can_be_asked_for_at_once() {
        let (one, mut other) = Node::pair(&redis_url()).await;
        let rooms: Vec<_> = (0..3000).map(|_| room()).collect();
        other.bus.subscribe(&rooms).await;
        for room in &rooms {
            one.says(*room);
        }
        let heard = other.heard_from(&one).await;
        assert_eq!(heard.iter().map(|it| it.0).collect::<HashSet<_>>(), rooms.into_iter().collect());
    }

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
        let port = crate::services::free_port();
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
}
