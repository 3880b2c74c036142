//! A look at what is stored, past the server: each stream's log has no hole, its tags chain, and folded afresh it gives
//! what the projections hold.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use parlor::{
    model::{
        Append, Entry, Head, Membership, NonceKey, Person, Rev, RoomId, Seq, Stream, Tag, UserId, What,
        room::RoomView,
    },
    store::Store,
};

use crate::services::until;

/// A stream's log, and where each entry stands in it.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) appends: Vec<Append>,
    pub(crate) places: HashMap<NonceKey, (Rev, Tag)>,
}

impl Story {
    /// All of a stream, checked: dense, chained, every nonce once, time never running back.
    pub(crate) async fn of(store: &Arc<dyn Store>, stream: Stream) -> Self {
        let (mut appends, mut head) = (Vec::<Append>::new(), Head::default());
        loop {
            let more = store.read(stream, head.rev, 500).await.unwrap();
            let Some(last) = more.last() else { break };
            head = last.head();
            appends.extend(more);
        }
        let (mut places, mut before, mut at) = (HashMap::new(), Head::default(), i64::MIN);
        for append in &appends {
            assert_eq!(append.base(), before, "{stream}: an append stands right after the one before it");
            for (entry, rev) in append.entries.iter().zip(before.rev.0 + 1..) {
                assert_eq!(entry.rev.0, rev, "{stream}: no hole");
                assert!(entry.at.0 >= at, "{stream}: time doesn't run back");
                at = entry.at.0;
                let first = places.insert(entry.nonce.clone(), (entry.rev, append.tag));
                assert_eq!(first, None, "{stream}: {:?} is there twice", entry.nonce);
            }
            before = append.head();
        }
        let heads = store.heads(&[stream]).await.unwrap();
        let stored = heads.first().map(|(_, head)| *head).unwrap_or_default();
        assert_eq!(stored, before, "{stream}: the head is that of the log");
        Self { appends, places }
    }

    /// Its entries.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.appends.iter().flat_map(|append| &append.entries)
    }

    /// Where it ends.
    pub(crate) fn head(&self) -> Head {
        self.appends.last().map(Append::head).unwrap_or_default()
    }

    /// The tag of the append that holds this entry.
    pub(crate) fn tag(&self, rev: Rev) -> Option<Tag> {
        let place = self.appends.partition_point(|append| append.head().rev < rev);
        self.appends.get(place).map(|append| append.tag)
    }
}

/// Waits until a stream is folded to its head.
pub(crate) async fn folded(store: &Arc<dyn Store>, stream: Stream) {
    until(&format!("{stream} is folded"), async || {
        let heads = store.heads(&[stream]).await.unwrap();
        let head = heads.first().map(|(_, head)| *head).unwrap_or_default();
        store.watermark(stream).await.unwrap() == head
    })
    .await;
}

/// Checks a room's log, its projections, and what followed from it. Returns its story, and who was ever in it.
pub(crate) async fn room(store: &Arc<dyn Store>, room: RoomId) -> (Story, BTreeSet<UserId>) {
    let stream = Stream::Room(room);
    folded(store, stream).await;
    let story = Story::of(store, stream).await;
    let view = afresh(room, &story);
    let users: BTreeSet<UserId> = view.members.keys().copied().collect();

    let stored = store.rooms(&[room]).await.unwrap().pop();
    assert_eq!(stored, view.room, "{stream}: the room's own state");
    let last = view.room.as_ref().map(|room| room.seq).unwrap_or_default();
    let stored = store.messages(room, Seq(1), Seq(last.0 + 1_000), 1_000_000, false).await.unwrap();
    let afresh: BTreeMap<Seq, _> =
        view.messages.iter().filter_map(|(seq, message)| Some((*seq, message.clone()?))).collect();
    assert_eq!(afresh.len() as u64, last.0, "{stream}: seqs are dense");
    assert_eq!(stored.len(), afresh.len(), "{stream}: as many messages");
    for message in stored {
        assert_eq!(Some(&message), afresh.get(&message.seq), "{stream}: message {}", message.seq);
    }
    let ids: Vec<UserId> = users.iter().copied().collect();
    let mut stored = store.memberships(room, &ids).await.unwrap();
    stored.sort_by_key(|member| member.user);
    let mut members: Vec<Membership> = view.members.values().flatten().cloned().collect();
    members.sort_by_key(|member| member.user);
    assert_eq!(stored, members, "{stream}: memberships");
    let mut present = store.members(room, None, 10_000).await.unwrap().items;
    present.sort_by_key(|member| member.user);
    members.retain(|member| member.role.is_some());
    assert_eq!(present, members, "{stream}: who is in");
    for member in members {
        let listed =
            store.listed(member.user, Some(room)).await.unwrap().pop().expect("a member's list has it");
        let mentions = afresh.values().filter(|message| {
            message.seq > listed.read
                && message.by != member.user
                && (message.everyone() || message.mentions().contains(&member.user))
        });
        assert_eq!(listed.mentions as usize, mentions.count(), "{stream}: mentions of {}", member.user);
        assert!(listed.read <= last && listed.read >= member.since, "{stream}: read by {}", member.user);
    }
    (story, users)
}

/// The state that a room's whole log gives.
fn afresh(room: RoomId, story: &Story) -> RoomView {
    let mut view = RoomView::new(room);
    for entry in story.entries() {
        view.members
            .extend(entry.member().filter(|user| !view.members.contains_key(user)).map(|user| (user, None)));
        view.apply(entry);
    }
    view
}

/// Checks a person's log and profile, and that what follows from these rooms followed once and in order.
pub(crate) async fn person(store: &Arc<dyn Store>, user: UserId, rooms: &HashMap<RoomId, Story>) -> Story {
    let stream = Stream::Person(user);
    folded(store, stream).await;
    let story = Story::of(store, stream).await;
    let person = story.entries().fold(None, |person, entry| Person::apply(person, user, entry));
    assert_eq!(store.people(&[user]).await.unwrap().pop(), person, "{stream}: the profile");
    let mut due = HashMap::<RoomId, Vec<(NonceKey, What)>>::new();
    for (room, of_room) in rooms {
        for entry in of_room.entries() {
            if let Some((_, what)) = entry.follows(*room).filter(|(whom, _)| *whom == user) {
                let nonce = NonceKey::following(Stream::Room(*room), entry.rev);
                due.entry(*room).or_default().push((nonce, what));
            }
        }
    }
    let mut followed = HashMap::<RoomId, Vec<(NonceKey, What)>>::new();
    for entry in story.entries() {
        if let What::RoomAdded { room } | What::RoomGone { room } = &entry.what {
            followed.entry(*room).or_default().push((entry.nonce.clone(), entry.what.clone()));
        }
    }
    for (room, due) in &due {
        assert_eq!(followed.get(room), Some(due), "{stream}: what followed from {room}, in its order");
    }
    assert!(followed.keys().all(|room| due.contains_key(room)), "{stream}: nothing followed from nothing");
    story
}

/// Checks rooms and all the people who were ever in them. Returns the stories of all their streams.
pub(crate) async fn all(
    store: &Arc<dyn Store>,
    rooms: impl IntoIterator<Item = RoomId>,
) -> HashMap<Stream, Story> {
    let (mut stories, mut people) = (HashMap::new(), HashSet::new());
    for id in rooms {
        let (story, users) = room(store, id).await;
        stories.insert(id, story);
        people.extend(users);
    }
    let mut all = HashMap::new();
    for user in people {
        all.insert(Stream::Person(user), person(store, user, &stories).await);
    }
    all.extend(stories.into_iter().map(|(room, story)| (Stream::Room(room), story)));
    all
}
