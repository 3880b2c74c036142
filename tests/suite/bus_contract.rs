//! What every bus must do, run on both; and what one between several nodes must.

use std::collections::HashSet;

use parlor::{
    bus::{Bus, CAPACITY, Channel, Event, Events, LocalBus, NodeId, Notice, RedisBus},
    model::{RoomId, Stream, UserId},
};
use tokio::time::timeout;

use crate::services::{PATIENCE, redis_url};

/// One node, and what it hears.
pub(crate) struct Node {
    pub(crate) bus: Box<dyn Bus>,
    pub(crate) events: Events,
}

impl Node {
    pub(crate) fn alone() -> Self {
        let (bus, events) = LocalBus::new();
        Self { bus: Box::new(bus), events }
    }

    pub(crate) async fn at(url: &str) -> Self {
        let (bus, events) = RedisBus::connect(url).await.unwrap();
        Self { bus: Box::new(bus), events }
    }

    pub(crate) async fn pair(url: &str) -> (Self, Self) {
        (Self::at(url).await, Self::at(url).await)
    }

    pub(crate) fn says(&self, channel: Channel) -> Notice {
        let notice = something();
        self.bus.publish(channel, notice.clone());
        notice
    }

    pub(crate) async fn event(&mut self) -> Event {
        timeout(PATIENCE, self.events.recv()).await.expect("nothing was heard").unwrap()
    }

    pub(crate) async fn hears(&mut self, expected: (NodeId, Channel, Notice)) {
        match self.event().await {
            Event::Notice { from, channel, notice } => assert_eq!((from, channel, notice), expected),
            Event::Lost => panic!("heard of a loss, not {expected:?}"),
        }
    }

    pub(crate) async fn hears_of_loss(&mut self) {
        let event = self.event().await;
        assert!(matches!(event, Event::Lost), "{event:?}");
    }

    /// All that others said up to what `other` says now.
    pub(crate) async fn heard_from(&mut self, other: &Node) -> Vec<(Channel, Notice)> {
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

pub(crate) fn room() -> Channel {
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
        assert_eq!(
            heard.iter().map(|it| it.0).collect::<HashSet<_>>(),
            rooms.into_iter().collect::<HashSet<_>>()
        );
    }
}
