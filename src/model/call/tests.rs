//! The rules of a call, by example and by chance.

#![allow(clippy::expect_used, reason = "a test may fail")]

use std::collections::{BTreeSet, HashMap, HashSet};

use proptest::prelude::*;

use super::{rules::*, *};
use crate::model::{Nonce, RoomKind};

const LIMIT: usize = 4;

fn user(n: u8) -> UserId {
    UserId::from_bytes([n; 16])
}

fn node(n: u64) -> NodeId {
    NodeId(Tag(n + 1))
}

fn page(n: u8) -> PageId {
    format!("p{n}").parse::<Nonce>().expect("a page")
}

fn call(kind: RoomKind) -> Call {
    Call::new(CallId::new(), (RoomId::general(), kind), user(0), node(0), LIMIT, Timestamp(0))
}

fn joining(n: u8, of_page: u8, seat: Option<Seat>) -> Joining {
    Joining { user: user(n), page: page(of_page), node: node(0), seat, media: Media::default() }
}

fn join(call: &mut Call, n: u8, of_page: u8, seat: Option<Seat>, at: i64) -> Result<Joined, Refused> {
    call.join(joining(n, of_page, seat), Timestamp(at))
}

#[test]
fn the_fifth_is_refused_and_those_in_it_come_back_all_the_same() {
    let mut call = call(RoomKind::Public);
    let seats: Vec<Seat> = (0..4).map(|n| join(&mut call, n, n, None, 0).expect("a place").seat).collect();
    let before = call.clone();
    assert_eq!(join(&mut call, 4, 4, None, 1), Err(Refused::Full));
    assert_eq!(call, before);
    assert_eq!(join(&mut call, 2, 2, Some(seats[2]), 1).expect("back").seat, seats[2]);
}

#[test]
fn the_same_page_comes_back_to_its_place_and_a_reload_gets_a_number_of_its_own() {
    let mut call = call(RoomKind::Public);
    let first = join(&mut call, 0, 0, None, 0).expect("a place").seat;
    assert!(call.lose(first, node(0), Timestamp(10)));
    assert_eq!(join(&mut call, 0, 0, Some(first), 20), Ok(Joined { seat: first, before: None }));
    let reloaded = join(&mut call, 0, 1, Some(first), 30).expect("a place");
    assert_eq!((reloaded.seat.peer, reloaded.before.map(|lost| lost.seat)), (first.peer, Some(first)));
    assert!(reloaded.seat.entry > first.entry);
    // The page that was there before finds its place taken, and doesn't take it back.
    assert_eq!(join(&mut call, 0, 0, Some(first), 40), Err(Refused::Moved));
    assert!(!call.leave(first) && !call.lose(first, node(0), Timestamp(50)));
    assert_eq!(call.people.len(), 1);
}

#[test]
fn who_is_away_too_long_is_gone_and_the_call_with_the_last() {
    let mut call = call(RoomKind::Public);
    let seat = join(&mut call, 0, 0, None, 0).expect("a place").seat;
    let grace = GRACE.as_millis() as i64;
    assert!(call.lose(seat, node(0), Timestamp(100)));
    assert_eq!(call.tick(Timestamp(100 + grace - 1)), []);
    assert_eq!(call.tick(Timestamp(100 + grace)), [Lost { seat, node: node(0) }]);
    assert!(call.is_over());
}

#[test]
fn a_ring_ends_by_coming_by_declining_and_by_time() {
    let mut call = call(RoomKind::Group);
    join(&mut call, 0, 0, None, 0).expect("a place");
    for (n, busy) in [(1, false), (2, false), (3, false), (4, true)] {
        assert!(call.ring(user(n), busy, Timestamp(0)));
    }
    join(&mut call, 1, 1, None, 5).expect("a place");
    assert!(call.decline(user(2)) && !call.decline(user(2)) && !call.decline(user(9)));
    call.tick(Timestamp(RING.as_millis() as i64));
    let states: Vec<_> = call.rings.iter().map(|ring| (ring.user, ring.state)).collect();
    let expected = [(2, RingState::Declined), (3, RingState::Missed), (4, RingState::Busy)];
    assert_eq!(states, expected.map(|(n, state)| (user(n), state)));
    assert!(call.ring(user(3), false, Timestamp(50_000)), "once more");
}

#[test]
fn a_call_that_nobody_answered_is_missed_or_declined() {
    let mut call = call(RoomKind::Direct);
    let seat = join(&mut call, 0, 0, None, 0).expect("a place").seat;
    call.ring(user(1), false, Timestamp(0));
    assert_eq!(call.outcome(Timestamp(9)).0, Outcome::Missed);
    call.decline(user(1));
    assert_eq!(call.outcome(Timestamp(9)).0, Outcome::Declined);
    join(&mut call, 1, 1, None, 1_000).expect("a place");
    assert!(call.leave(seat));
    assert_eq!(call.outcome(Timestamp(61_000)), (Outcome::Finished, std::time::Duration::from_secs(60)));
}

#[test]
fn a_hand_is_up_since_it_was_raised() {
    let mut call = call(RoomKind::Public);
    let seat = join(&mut call, 0, 0, None, 0).expect("a place").seat;
    let up = Media { hand: true, ..Media::default() };
    assert!(call.send(seat, up.clone(), Timestamp(5)));
    assert!(call.send(seat, Media { muted: true, ..up.clone() }, Timestamp(9)));
    assert!(!call.send(seat, Media { muted: true, ..up }, Timestamp(10)));
    assert_eq!(call.people[0].hand, Some(Timestamp(5)));
    assert!(call.send(seat, Media::default(), Timestamp(11)));
    assert_eq!(call.people[0].hand, None);
}

#[test]
fn numbers_of_a_later_term_are_new_whatever_was_lost() {
    let mut call = call(RoomKind::Public);
    let early = join(&mut call, 0, 0, None, 0).expect("a place").seat;
    let old = call.clone();
    let late = join(&mut call, 1, 1, None, 0).expect("a place").seat;
    let mut taken = old;
    taken.take_over(node(1), Term(2), Timestamp(1));
    let newest = join(&mut taken, 2, 2, None, 2).expect("a place").seat;
    assert!(newest.entry > late.entry && late.entry > early.entry);
    assert!(taken.people[0].away.is_some(), "its sockets died with the node");
}

#[test]
fn streams_are_bounded() {
    let shares = |json: &str| serde_json::from_str::<Shares>(json).is_ok();
    assert!(shares("[]") && shares(r#"["{a-1}","b"]"#));
    let long = format!("[{:?}]", "x".repeat(65));
    for wrong in [r#"["a","b","c","d","e"]"#, r#"[""]"#, r#"["a b"]"#, r#"["ä"]"#, "[1]", long.as_str()] {
        assert!(!shares(wrong), "{wrong}");
    }
}

/// What can come to the one who owns a call, in any order.
#[derive(Debug, Clone)]
enum Step {
    Join { user: u8, page: u8, node: u64, back: bool },
    Leave { user: u8, stale: bool },
    Lose { user: u8, node: u64 },
    LoseNode(u64),
    Hold { user: u8, node: u64 },
    Send { user: u8, muted: bool, hand: bool },
    Speak { user: u8, on: bool },
    Ring(u8, bool),
    Decline(u8),
    Remove(u8),
    TakeOver(u64),
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let (user, node) = (0_u8..7, 0_u64..3);
    prop_oneof![
        6 => (user.clone(), 0_u8..20, node.clone(), any::<bool>())
            .prop_map(|(user, page, node, back)| Step::Join { user, page, node, back }),
        2 => (user.clone(), any::<bool>()).prop_map(|(user, stale)| Step::Leave { user, stale }),
        3 => (user.clone(), node.clone()).prop_map(|(user, node)| Step::Lose { user, node }),
        1 => node.clone().prop_map(Step::LoseNode),
        2 => (user.clone(), node.clone()).prop_map(|(user, node)| Step::Hold { user, node }),
        2 => (user.clone(), any::<bool>(), any::<bool>())
            .prop_map(|(user, muted, hand)| Step::Send { user, muted, hand }),
        2 => (user.clone(), any::<bool>()).prop_map(|(user, on)| Step::Speak { user, on }),
        1 => (user.clone(), any::<bool>()).prop_map(|(user, busy)| Step::Ring(user, busy)),
        1 => user.clone().prop_map(Step::Decline),
        1 => user.prop_map(Step::Remove),
        1 => node.prop_map(Step::TakeOver),
        4 => (0_i64..20_000).prop_map(Step::Wait),
    ]
}

/// What others see of a call: if it is another, the count is another.
fn seen(call: &Call) -> Call {
    let mut seen = call.clone();
    seen.n = 0;
    for participant in &mut seen.people {
        participant.speaking = false;
    }
    seen
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_in_whatever_order_a_call_stays_sound(
        direct in any::<bool>(),
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut call = call(if direct { RoomKind::Group } else { RoomKind::Public });
        let mut now = Timestamp(1_000);
        let mut seats: HashMap<u8, Vec<Seat>> = HashMap::new();
        let mut entries: HashSet<Arrival> = HashSet::new();
        let mut of_page: HashMap<Arrival, (u8, PageId)> = HashMap::new();
        for step in steps {
            let before = call.clone();
            let last = |user: &u8| seats.get(user).and_then(|all| all.last().copied());
            match step {
                Step::Join { user: n, page: of, node: on, back } => {
                    let seat = if back { last(&n) } else { None };
                    let wish = Joining { node: node(on), ..joining(n, of, seat) };
                    match call.join(wish, now) {
                        Ok(Joined { seat, before: lost }) => {
                            if entries.insert(seat.entry) {
                                of_page.insert(seat.entry, (n, page(of)));
                                seats.entry(n).or_default().push(seat);
                            }
                            prop_assert_eq!(&of_page[&seat.entry], &(n, page(of)), "a number is one page's");
                            prop_assert!(lost.is_none_or(|lost| lost.seat != seat && lost.seat.peer == seat.peer));
                            prop_assert!(call.people.iter().any(|it| it.seat() == seat && it.away.is_none()));
                        }
                        Err(refused) => {
                            prop_assert_eq!(&call, &before, "a refusal changes nothing");
                            match refused {
                                Refused::Full => prop_assert_eq!(before.people.len(), LIMIT),
                                Refused::Moved => prop_assert!(seat.is_some()),
                                Refused::Over => prop_assert!(false, "it's the store that knows"),
                            }
                        }
                    }
                }
                Step::Leave { user: n, stale } => {
                    let all = seats.get(&n).cloned().unwrap_or_default();
                    let seat = if stale { all.first().copied() } else { all.last().copied() };
                    if let Some(seat) = seat {
                        let there = before.people.iter().any(|it| it.seat() == seat);
                        prop_assert_eq!(call.leave(seat), there);
                    }
                }
                Step::Lose { user, node: on } => {
                    let _ = last(&user).map(|seat| call.lose(seat, node(on), now));
                }
                Step::LoseNode(on) => {
                    call.lose_node(node(on), now);
                }
                Step::Hold { user, node: on } => {
                    let media = Media::default();
                    let _ = last(&user).map(|seat| call.hold(seat, node(on), &media, now));
                }
                Step::Send { user, muted, hand } => {
                    let media = Media { muted, hand, ..Media::default() };
                    let _ = last(&user).map(|seat| call.send(seat, media, now));
                }
                Step::Speak { user, on } => {
                    let _ = last(&user).map(|seat| call.speak(seat, on));
                }
                Step::Ring(n, busy) => {
                    call.ring(user(n), busy, now);
                }
                Step::Decline(n) => {
                    call.decline(user(n));
                }
                Step::Remove(n) => {
                    call.remove(user(n));
                    prop_assert!(call.people.iter().all(|it| it.user != user(n)));
                    prop_assert!(call.rings.iter().all(|ring| ring.user != user(n)));
                }
                Step::TakeOver(on) => call.take_over(node(on), call.term.next(), now),
                Step::Wait(ms) => {
                    now.0 += ms;
                    call.tick(now);
                }
            }
            prop_assert!(call.place() >= before.place(), "it never goes back");
            if seen(&call) != seen(&before) {
                prop_assert!(call.place() > before.place(), "what others see is counted");
            }
            sound(&call, now)?;
        }
        let json = serde_json::to_string(&call).expect("it can be kept");
        prop_assert_eq!(&serde_json::from_str::<Call>(&json).expect("and read back"), &call);
        // Everybody's sockets die: within the grace nobody is left, and it's over.
        for on in 0..3 {
            call.lose_node(node(on), now);
        }
        call.tick(now.plus(GRACE));
        prop_assert!(call.is_over());
        prop_assert!(call.rings.iter().all(|ring| ring.until <= now.plus(RING)));
    }
}

fn sound(call: &Call, now: Timestamp) -> Result<(), TestCaseError> {
    prop_assert!(call.people.len() <= LIMIT);
    let unique = |len| prop_assert_eq_len(call.people.len(), len);
    unique(call.people.iter().map(|it| it.user).collect::<BTreeSet<_>>().len())?;
    unique(call.people.iter().map(|it| it.peer.to_string()).collect::<BTreeSet<_>>().len())?;
    unique(call.people.iter().map(|it| it.entry).collect::<BTreeSet<_>>().len())?;
    prop_assert!(call.people.iter().all(|it| it.entry <= call.arrived));
    prop_assert!(call.people.is_sorted_by_key(|it| it.at), "in the order of coming");
    for participant in &call.people {
        prop_assert!(call.were.contains(&participant.user));
        prop_assert!(call.rings.iter().all(|ring| ring.user != participant.user));
        prop_assert!(participant.away.is_none_or(|until| until <= now.plus(GRACE)));
        prop_assert_eq!(participant.hand.is_some(), participant.media.hand);
        prop_assert!(!(participant.speaking && participant.away.is_some()));
        for other in &call.people {
            let linked = call.linked(participant.peer, other.peer);
            prop_assert_eq!(linked, participant.peer != other.peer, "each with each");
            prop_assert_eq!(linked, call.linked(other.peer, participant.peer));
        }
    }
    prop_assert!(call.kind.is_talk() || call.rings.is_empty());
    prop_assert!(call.people.len() < 2 || call.together.is_some());
    Ok(())
}

fn prop_assert_eq_len(people: usize, unique: usize) -> Result<(), TestCaseError> {
    prop_assert_eq!(people, unique);
    Ok(())
}
