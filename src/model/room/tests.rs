//! The rules of a room, by example and by chance.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::model::{
    Actor, Entry, NonceKey, Refusal, RequestHash, Rev, RoomCommand, RoomId, Seq, Timestamp, UserId, What,
    command::Mentions,
};

/// A room whose whole log is at hand, and people who ask for things.
struct Played {
    view: RoomView,
    log: Vec<Entry>,
}

impl Played {
    fn new() -> Self {
        Self { view: RoomView::new(RoomId::new()), log: vec![] }
    }

    fn of(kind: RoomKind, owner: UserId, others: &[UserId]) -> Self {
        let mut room = Self::new();
        let name = Some("A room".parse().expect("a name"));
        room.ask(owner, RoomCommand::Create { kind, name, topic: None, people: others.to_vec() })
            .expect("a new room");
        room
    }

    fn ask(&mut self, user: UserId, command: RoomCommand) -> Result<usize, Refusal> {
        self.ask_as(Actor { user, owns_server: false }, command)
    }

    fn ask_as(&mut self, actor: Actor, command: RoomCommand) -> Result<usize, Refusal> {
        for user in Touches::of_command(actor, &command).members {
            self.view.members.entry(user).or_default();
        }
        let whats = self.view.decide(actor, &command)?;
        let count = whats.len();
        for what in whats {
            let rev = Rev(self.log.len() as u64 + 1);
            let entry = Entry {
                rev,
                at: Timestamp(rev.0 as i64),
                by: actor.user,
                nonce: NonceKey(format!("{rev}").into()),
                request: RequestHash::of(&()),
                what,
            };
            for user in Touches::of_entry(&entry).members {
                self.view.members.entry(user).or_default();
            }
            self.view.apply(&entry);
            self.log.push(entry);
        }
        Ok(count)
    }

    fn say(&mut self, user: UserId, text: &str) -> Seq {
        self.ask(user, post(text, None)).expect("a member may post");
        self.room().seq
    }

    fn room(&self) -> &Room {
        self.view.room.as_ref().expect("the room is there")
    }

    fn base(&self, seq: Seq) -> Rev {
        self.view.message(seq).expect("the message is there").base
    }
}

fn post(text: &str, reply_to: Option<Seq>) -> RoomCommand {
    RoomCommand::Post {
        text: text.parse().ok(),
        reply_to,
        mentions: Mentions::default(),
        files: vec![],
        attachments: vec![],
    }
}

fn edit(seq: Seq, base: Rev, text: &str) -> RoomCommand {
    RoomCommand::Edit { seq, base, text: text.parse().ok(), mentions: Mentions::default() }
}

fn react(seq: Seq, emoji: &str, on: bool) -> RoomCommand {
    RoomCommand::React { seq, emoji: emoji.parse().expect("an emoji"), on }
}

fn three() -> (UserId, UserId, UserId) {
    (UserId::new(), UserId::new(), UserId::new())
}

#[test]
fn a_private_room_is_not_there_for_those_outside() {
    let (ann, bob, eve) = three();
    let mut room = Played::of(RoomKind::Private, ann, &[bob]);
    let seq = room.say(bob, "hello");
    for command in [RoomCommand::Join, post("me too", None), RoomCommand::Delete { seq }, RoomCommand::Leave]
    {
        assert_eq!(room.ask(eve, command), Err(Refusal::NotFound));
    }
    assert_eq!(room.ask(bob, RoomCommand::Add { user: eve }), Ok(1));
    assert_eq!(room.ask(eve, post("now I am in", None)), Ok(1));
}

#[test]
fn a_public_room_is_joined_before_one_posts() {
    let (ann, bob, _) = three();
    let mut room = Played::of(RoomKind::Public, ann, &[]);
    assert_eq!(room.ask(bob, post("hello", None)), Err(Refusal::JoinFirst));
    assert_eq!(room.ask(bob, RoomCommand::Join), Ok(1));
    assert_eq!(room.ask(bob, RoomCommand::Join), Ok(0));
    assert_eq!(room.ask(bob, post("hello", None)), Ok(1));
}

#[test]
fn an_edit_names_the_text_that_it_is_based_on() {
    let (ann, bob, _) = three();
    let mut room = Played::of(RoomKind::Public, ann, &[bob]);
    let seq = room.say(ann, "one");
    let first = room.base(seq);
    assert_eq!(room.ask(bob, react(seq, "👍", true)), Ok(1));
    assert_eq!(room.ask(ann, edit(seq, first, "two")), Ok(1), "a reaction doesn't count");
    assert_eq!(room.ask(ann, edit(seq, first, "three")), Err(Refusal::StaleEdit));
    assert_eq!(room.ask(bob, edit(seq, room.base(seq), "four")), Err(Refusal::Forbidden));
    assert_eq!(room.ask(ann, RoomCommand::Delete { seq }), Ok(1));
    assert_eq!(room.ask(ann, edit(seq, room.base(seq), "five")), Err(Refusal::Deleted));
}

#[test]
fn a_deleted_message_keeps_its_place_and_nothing_else() {
    let (ann, bob, _) = three();
    let mut room = Played::of(RoomKind::Public, ann, &[bob]);
    let seq = room.say(bob, "gone soon");
    room.ask(ann, react(seq, "👍", true)).expect("a reaction");
    assert_eq!(room.ask(ann, RoomCommand::Delete { seq }), Ok(1), "the room's owner may");
    let message = room.view.message(seq).expect("its place stays");
    assert_eq!((&message.body, message.reactions.len()), (&Body::Deleted, 0));
    assert_eq!(room.ask(ann, react(seq, "👍", true)), Err(Refusal::Deleted));
    assert_eq!(room.ask(ann, post("an answer", Some(seq))), Err(Refusal::Deleted));
    assert_eq!(room.ask(bob, RoomCommand::Delete { seq }), Ok(0));
}

#[test]
fn reactions_are_added_and_removed_never_toggled() {
    let (ann, bob, _) = three();
    let mut room = Played::of(RoomKind::Public, ann, &[bob]);
    let seq = room.say(ann, "hello");
    assert_eq!(room.ask(bob, react(seq, "👍", true)), Ok(1));
    assert_eq!(room.ask(bob, react(seq, "👍", true)), Ok(0));
    assert_eq!(room.ask(bob, react(seq, "👍", false)), Ok(1));
    assert_eq!(room.ask(bob, react(seq, "👍", false)), Ok(0));
    for emoji in emojis::iter().take(MAX_DISTINCT_REACTIONS) {
        assert_eq!(room.ask(bob, react(seq, emoji.as_str(), true)), Ok(1));
    }
    assert_eq!(room.ask(ann, react(seq, "🦔", true)), Err(Refusal::TooMany));
}

#[test]
fn a_room_never_loses_its_last_owner_while_others_stay() {
    let (ann, bob, _) = three();
    let mut room = Played::of(RoomKind::Private, ann, &[bob]);
    assert_eq!(room.ask(ann, RoomCommand::Leave), Err(Refusal::LastOwner));
    assert_eq!(
        room.ask(ann, RoomCommand::SetRole { user: ann, role: Role::Member }),
        Err(Refusal::LastOwner)
    );
    assert_eq!(room.ask(bob, RoomCommand::Remove { user: ann }), Err(Refusal::Forbidden));
    assert_eq!(room.ask(ann, RoomCommand::SetRole { user: bob, role: Role::Owner }), Ok(1));
    assert_eq!(room.ask(ann, RoomCommand::Leave), Ok(1));
    assert_eq!(room.ask(bob, RoomCommand::Leave), Ok(1), "the last one out needs nobody");
    assert_eq!((room.room().members, room.room().owners), (0, 0));
}

#[test]
fn direct_messages_are_of_two_for_ever() {
    let (ann, bob, eve) = three();
    let mut room = Played::of(RoomKind::Direct, ann, &[bob]);
    assert_eq!(room.ask(ann, RoomCommand::Add { user: eve }), Err(Refusal::Forbidden));
    assert_eq!(room.ask(ann, RoomCommand::Leave), Err(Refusal::Forbidden));
    assert_eq!(room.ask(ann, RoomCommand::Remove { user: bob }), Err(Refusal::Forbidden));
    let again = RoomCommand::Create { kind: RoomKind::Direct, name: None, topic: None, people: vec![ann] };
    assert_eq!(room.ask(bob, again), Ok(0), "who begins too, finds it");
}

#[test]
fn the_servers_owner_may_act_in_public_rooms_alone() {
    let (ann, bob, eve) = three();
    let owner = Actor { user: eve, owns_server: true };
    let rename = || RoomCommand::Rename { name: "Another".parse().expect("a name") };
    let mut public = Played::of(RoomKind::Public, ann, &[bob]);
    assert_eq!(public.ask_as(owner, rename()), Ok(1));
    assert_eq!(public.ask_as(owner, RoomCommand::Remove { user: bob }), Ok(1));
    let mut private = Played::of(RoomKind::Private, ann, &[bob]);
    assert_eq!(private.ask_as(owner, rename()), Err(Refusal::NotFound));
}

#[test]
fn a_group_is_bounded() {
    let ann = UserId::new();
    let others: Vec<UserId> = (1..MAX_GROUP).map(|_| UserId::new()).collect();
    let mut room = Played::of(RoomKind::Group, ann, &others);
    assert_eq!(room.ask(ann, RoomCommand::Add { user: UserId::new() }), Err(Refusal::TooMany));
    assert_eq!(room.ask(others[0], RoomCommand::Leave), Ok(1));
    assert_eq!(room.ask(ann, RoomCommand::Add { user: UserId::new() }), Ok(1));
    assert_eq!(room.room().people.len(), MAX_GROUP);
}

/// A command by one of four people, about one of the first messages.
fn any_command(people: Vec<UserId>) -> impl Strategy<Value = (UserId, RoomCommand)> {
    let person = prop::sample::select(people);
    let seq = (1_u64..12).prop_map(Seq);
    let command = prop_oneof![
        5 => (any::<bool>(), seq.clone()).prop_map(|(reply, seq)| post("some words", reply.then_some(seq))),
        3 => (seq.clone(), 1_u64..60, "[a-z]{1,4}").prop_map(|(seq, base, text)| edit(seq, Rev(base), &text)),
        1 => seq.clone().prop_map(|seq| RoomCommand::Delete { seq }),
        3 => (seq.clone(), any::<bool>(), prop::sample::select(vec!["👍", "🎉"]))
            .prop_map(|(seq, on, emoji)| react(seq, emoji, on)),
        1 => (seq, any::<bool>()).prop_map(|(seq, on)| RoomCommand::Pin { seq, on }),
        1 => Just(RoomCommand::Join),
        1 => Just(RoomCommand::Leave),
        1 => person.clone().prop_map(|user| RoomCommand::Add { user }),
        1 => person.clone().prop_map(|user| RoomCommand::Remove { user }),
        1 => (person.clone(), any::<bool>()).prop_map(|(user, owner)| {
            RoomCommand::SetRole { user, role: if owner { Role::Owner } else { Role::Member } }
        }),
        1 => "[a-z]{1,3}".prop_map(|name| RoomCommand::Rename { name: name.parse().expect("a name") }),
    ];
    (person, command)
}

fn people() -> Vec<UserId> {
    (0_u8..4).map(|n| UserId::from_bytes([n; 16])).collect()
}

proptest! {
    #[test]
    fn folded_afresh_a_log_gives_the_same_state_and_its_counts_are_true(
        kind in prop::sample::select(vec![RoomKind::Public, RoomKind::Private, RoomKind::Group]),
        commands in prop::collection::vec(any_command(people()), 0..80),
    ) {
        let all = people();
        let mut room = Played::of(kind, all[0], &all[1..2]);
        for (user, command) in commands {
            let _ = room.ask(user, command);
        }
        let mut afresh = RoomView::new(room.view.id);
        afresh.members = all.iter().map(|user| (*user, None)).collect();
        for entry in &room.log {
            afresh.apply(entry);
        }
        prop_assert_eq!(&afresh.room, &room.view.room);
        prop_assert_eq!(&afresh.messages, &room.view.messages);
        let present = |view: &RoomView| -> HashMap<UserId, Membership> {
            view.members.values().flatten().map(|member| (member.user, member.clone())).collect()
        };
        prop_assert_eq!(present(&afresh), present(&room.view));

        let members: Vec<_> = all.iter().filter_map(|user| room.view.member(*user)).collect();
        let owners = members.iter().filter(|member| member.role == Some(Role::Owner)).count();
        let now = room.room();
        prop_assert_eq!((now.members as usize, now.owners as usize), (members.len(), owners));
        prop_assert_eq!(now.seq.0 as usize, room.view.messages.values().flatten().count());
        prop_assert_eq!(now.rev.0 as usize, room.log.len());
        if !now.kind.is_talk() && now.members > 0 {
            prop_assert!(now.owners > 0, "somebody owns it");
        }
    }

    #[test]
    fn documents_that_were_folded_further_stay_so(
        commands in prop::collection::vec(any_command(people()), 1..60),
        from in any::<prop::sample::Index>(),
    ) {
        let all = people();
        let mut room = Played::of(RoomKind::Public, all[0], &all[1..]);
        for (user, command) in commands {
            let _ = room.ask(user, command);
        }
        // A node that died between a few documents and the watermark: another folds from an earlier place again.
        let from = from.index(room.log.len());
        let before = room.view.clone();
        for entry in &room.log[from..] {
            room.view.apply(entry);
        }
        prop_assert_eq!(&room.view.room, &before.room);
        prop_assert_eq!(&room.view.messages, &before.messages);
        prop_assert_eq!(&room.view.members, &before.members);
    }
}

#[test]
fn what_follows_in_a_persons_stream_is_their_room_list() {
    let (ann, bob, _) = three();
    let mut room = Played::of(RoomKind::Private, ann, &[bob]);
    room.ask(ann, RoomCommand::Remove { user: bob }).expect("an owner may");
    let id = room.view.id;
    let follows: Vec<_> = room.log.iter().filter_map(|entry| entry.follows(id)).collect();
    assert_eq!(
        follows,
        [
            (ann, What::RoomAdded { room: id }),
            (bob, What::RoomAdded { room: id }),
            (bob, What::RoomGone { room: id }),
        ]
    );
}
