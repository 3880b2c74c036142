use std::{sync::Arc, time::Duration};

use super::{
    state::{BEAT_EVERY, MOVES},
    watched::MAX_NAMED,
    *,
};
use crate::{
    bus::{LocalBus, NodeId},
    model::Tag,
};

fn alone() -> Presences {
    Presences::new(Arc::new(LocalBus::new().0))
}

fn eyes() -> Arc<Mailbox> {
    Arc::new(Mailbox::new(10))
}

/// What a socket was told since this was asked last.
fn told(mailbox: &Mailbox) -> String {
    mailbox.take().iter().map(Frame::as_str).collect::<Vec<_>>().join(" ")
}

/// Begins to look at a room with these members; what is shown at once.
fn look(
    presences: &Presences,
    socket: u64,
    mailbox: &Arc<Mailbox>,
    room: RoomId,
    members: &[UserId],
) -> String {
    let socket = SocketId(socket);
    let shown = presences.watch(socket, mailbox, room);
    let shown =
        shown.or_else(|| presences.watch_these(socket, mailbox, room, members.iter().copied().collect()));
    shown.unwrap().as_str().to_owned()
}

/// Carries what one node tells to another, but for what is lost.
fn carry(from: (NodeId, &Presences), to: &Presences, lost: bool) {
    let notice = from.1.state().tick(Instant::now());
    if let Some(notice) = notice.filter(|_| !lost) {
        to.hear(from.0, notice);
    }
}

#[test]
fn a_state_that_was_over_before_it_was_told_is_corrected_for_who_saw_it() {
    let (presences, eyes, user, room) = (alone(), eyes(), UserId::new(), RoomId::new());
    let theirs = SocketId(1);
    presences.enter(theirs, user, true);
    presences.state().tick(Instant::now());
    presences.enter(theirs, user, false);
    let full = look(&presences, 2, &eyes, room, &[user]);
    assert!(full.contains("idle"), "{full}");
    presences.enter(theirs, user, true);
    presences.state().tick(Instant::now());
    assert!(told(&eyes).contains("online"), "who saw them idle learns that they are back");
    presences.state().tick(Instant::now());
    assert_eq!(told(&eyes), "", "once");
}

#[test]
fn who_may_not_look_any_more_is_told_nothing() {
    let (presences, user, room) = (alone(), UserId::new(), RoomId::new());
    let (out, still) = (eyes(), eyes());
    look(&presences, 2, &out, room, &[user]);
    look(&presences, 3, &still, room, &[user]);
    presences.shut(room, [SocketId(2)]);
    presences.enter(SocketId(1), user, true);
    presences.state().tick(Instant::now());
    assert_eq!(told(&out), "");
    assert!(told(&still).contains("online"));
}

#[test]
fn of_many_who_look_at_a_room_one_reads_its_members() {
    let (presences, eyes, user, room) = (alone(), eyes(), UserId::new(), RoomId::new());
    assert!(presences.watch(SocketId(1), &eyes, room).is_none(), "nobody has read them yet");
    assert!(presences.watch_these(SocketId(1), &eyes, room, [user].into()).is_some());
    assert!(presences.watch(SocketId(2), &eyes, room).is_some());
    for socket in [1, 2] {
        presences.unwatch(SocketId(socket));
    }
    assert!(presences.watch(SocketId(3), &eyes, room).is_none(), "nobody looked any more");
}

#[test]
fn who_joins_or_goes_while_members_are_read_is_not_lost() {
    let (presences, eyes, room) = (alone(), eyes(), RoomId::new());
    let (joins, goes) = (UserId::new(), UserId::new());
    for (socket, user) in [(1, joins), (2, goes)] {
        presences.enter(SocketId(socket), user, true);
    }
    presences.state().tick(Instant::now());
    assert!(presences.watch(SocketId(3), &eyes, room).is_none());
    presences.member(room, joins, true);
    presences.member(room, goes, false);
    let full = presences.watch_these(SocketId(3), &eyes, room, [goes].into()).unwrap();
    assert!(
        full.as_str().contains(&joins.to_string()) && !full.as_str().contains(&goes.to_string()),
        "{}",
        full.as_str()
    );
}

#[test]
fn of_many_people_the_number_is_told_and_stays_true() {
    let (presences, eyes, room) = (alone(), eyes(), RoomId::new());
    let members: Vec<UserId> = (0..MAX_NAMED + 5).map(|_| UserId::new()).collect();
    let count = |n: usize| format!("\"count\":{n}}}");
    for (n, user) in members.iter().take(3).enumerate() {
        presences.enter(SocketId(n as u64), *user, true);
    }
    presences.enter(SocketId(100), UserId::new(), true);
    presences.state().tick(Instant::now());
    let full = look(&presences, 1_000, &eyes, room, &members);
    assert!(full.contains(&count(3)) && !full.contains("people"), "{full}");

    presences.enter(SocketId(3), members[3], true);
    presences.enter(SocketId(0), members[0], false);
    presences.state().tick(Instant::now());
    assert!(told(&eyes).contains(&count(4)), "idle is here");
    let late = super::tests::eyes();
    assert!(look(&presences, 1_001, &late, room, &[]).contains(&count(4)));
    let stranger = UserId::new();
    presences.enter(SocketId(200), stranger, true);
    presences.state().tick(Instant::now());
    assert_eq!(told(&eyes), "", "who isn't a member doesn't count");
    presences.member(room, stranger, true);
    presences.member(room, members[1], false);
    presences.member(room, members[2], false);
    presences.state().tick(Instant::now());
    assert!(told(&eyes).contains(&count(3)) && told(&late).contains(&count(3)));
}

#[test]
fn what_is_lost_between_nodes_is_asked_for() {
    let (here, there, node) = (alone(), alone(), NodeId(Tag::random()));
    let (kept, lost) = (UserId::new(), UserId::new());
    here.enter(SocketId(1), kept, true);
    carry((node, &here), &there, false);
    here.enter(SocketId(2), lost, true);
    carry((node, &here), &there, true);
    assert_eq!(there.of(lost), Presence::Offline);
    let mut asked = false;
    for _ in 0..BEAT_EVERY {
        let notice = here.state().tick(Instant::now());
        asked = notice.is_some_and(|notice| there.state().hear(node, notice, Instant::now())) || asked;
    }
    assert!(asked, "a sign of life tells that something is missing");
    here.hear(NodeId(Tag::random()), Notice::PresenceWanted);
    carry((node, &here), &there, false);
    assert_eq!((there.of(kept), there.of(lost)), (Presence::Online, Presence::Online));
    let later = Instant::now() + Duration::from_secs(10);
    for _ in 0..2 * BEAT_EVERY {
        let notice = here.state().tick(Instant::now());
        assert!(!notice.is_some_and(|notice| there.state().hear(node, notice, later)), "they agree");
    }
}

#[test]
fn who_was_on_a_silent_node_is_gone_within_half_a_minute() {
    let (here, there, node) = (alone(), alone(), NodeId(Tag::random()));
    let (only, both) = (UserId::new(), UserId::new());
    here.enter(SocketId(1), only, true);
    here.enter(SocketId(2), both, true);
    there.enter(SocketId(1), both, false);
    carry((node, &here), &there, false);
    assert_eq!((there.of(only), there.of(both)), (Presence::Online, Presence::Online));
    let silent = Instant::now();
    there.state().tick(silent + Duration::from_secs(20));
    assert_eq!(there.of(only), Presence::Online, "a few lost signs of life are nothing");
    there.state().tick(silent + Duration::from_secs(28));
    assert_eq!((there.of(only), there.of(both)), (Presence::Offline, Presence::Idle));
}

#[test]
fn who_moves_from_a_node_that_stops_is_not_seen_to_go() {
    let (here, there, node) = (alone(), alone(), NodeId(Tag::random()));
    let (moves, goes) = (UserId::new(), UserId::new());
    here.enter(SocketId(1), moves, true);
    here.enter(SocketId(2), goes, true);
    carry((node, &here), &there, false);
    there.hear(node, Notice::Leaving);
    let left = Instant::now();
    there.state().tick(left + Duration::from_secs(2));
    assert_eq!(there.of(moves), Presence::Online);
    there.enter(SocketId(1), moves, true);
    there.state().tick(left + MOVES);
    assert_eq!((there.of(moves), there.of(goes)), (Presence::Online, Presence::Offline));
}
