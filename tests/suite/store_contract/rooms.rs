//! Rooms and their members, as pages list them.

use std::sync::Arc;

use parlor::{
    model::{Doc, Rev, Role, Room, RoomId, RoomKind, UserId},
    store::Store,
};

use super::stream::{member, put_docs, room};

async fn put_rooms(store: &Arc<dyn Store>, names: &[&str]) -> Vec<Room> {
    let rooms: Vec<_> = names.iter().map(|name| room(name, RoomKind::Public)).collect();
    put_docs(store, rooms.iter().cloned().map(Doc::Room)).await;
    rooms
}

async fn search(store: &Arc<dyn Store>, query: &str) -> Vec<String> {
    let page = store.public_rooms(query, None, 100).await.unwrap();
    assert!(!page.more);
    page.items.into_iter().map(|room| room.name).collect()
}

pub(super) async fn rooms_are_found_by_id(store: Arc<dyn Store>) {
    let mut rooms = put_rooms(&store, &["a", "b", "c"]).await;
    let asked = [rooms[2].id, RoomId::new(), rooms[0].id];
    let mut found = store.rooms(&asked).await.unwrap();
    found.sort_by_key(|room| room.id);
    rooms.remove(1);
    assert_eq!(found, rooms);
    assert_eq!(store.rooms(&[]).await.unwrap(), []);
}

pub(super) async fn public_rooms_come_by_name_page_by_page(store: Arc<dyn Store>) {
    put_rooms(&store, &["delta", "Bravo", "alpha", "Éclair", "charlie"]).await;
    let (mut names, mut after) = (vec![], None);
    for more in [true, true, false] {
        let page = store.public_rooms("", after, 2).await.unwrap();
        assert_eq!(page.more, more);
        after = page.items.last().map(|room| room.id);
        names.extend(page.items.into_iter().map(|room| room.name));
    }
    assert_eq!(names, ["alpha", "Bravo", "charlie", "delta", "Éclair"]);
    let exactly = store.public_rooms("", None, 5).await.unwrap();
    assert_eq!((exactly.items.len(), exactly.more), (5, false));
}

pub(super) async fn rooms_of_one_name_come_by_id(store: Arc<dyn Store>) {
    let mut ids: Vec<_> =
        put_rooms(&store, &["same", "Same", "SAME", "same"]).await.iter().map(|room| room.id).collect();
    ids.sort();
    let (mut found, mut after) = (vec![], None);
    for _ in 0..4 {
        let page = store.public_rooms("am", after, 1).await.unwrap();
        after = page.items.last().map(|room| room.id);
        found.extend(after);
        assert_eq!(page.more, found.len() < 4);
    }
    assert_eq!(found, ids);
}

pub(super) async fn public_rooms_are_searched_by_any_part_of_their_name(store: Arc<dyn Store>) {
    put_rooms(&store, &["Rust help", "trust", "Go", "50% off", "a_b", "axb", "c.*d", "Äpfel"]).await;
    assert_eq!(search(&store, "rust").await, ["Rust help", "trust"]);
    assert_eq!(search(&store, "t h").await, ["Rust help"]);
    assert_eq!(search(&store, "äpf").await, ["Äpfel"]);
    assert_eq!(search(&store, "nothing").await, [""; 0]);
    // What means something to a database means nothing here.
    assert_eq!(search(&store, "%").await, ["50% off"]);
    assert_eq!(search(&store, "_").await, ["a_b"]);
    assert_eq!(search(&store, ".*").await, ["c.*d"]);
}

pub(super) async fn a_room_that_is_not_public_is_not_listed(store: Arc<dyn Store>) {
    put_rooms(&store, &["open"]).await;
    let closed = [RoomKind::Private, RoomKind::Group, RoomKind::Direct];
    put_docs(&store, closed.map(|kind| Doc::Room(room("open secret", kind)))).await;
    assert_eq!(search(&store, "").await, ["open"]);
    assert_eq!(search(&store, "open").await, ["open"]);
}

pub(super) async fn a_renamed_room_is_found_by_its_new_name(store: Arc<dyn Store>) {
    let mut room = put_rooms(&store, &["before"]).await.remove(0);
    room.rev = Rev(2);
    room.name = "After".to_owned();
    put_docs(&store, [Doc::Room(room)]).await;
    assert_eq!(search(&store, "before").await, [""; 0]);
    assert_eq!(search(&store, "after").await, ["After"]);
}

pub(super) async fn members_come_page_by_page_without_those_who_left(store: Arc<dyn Store>) {
    let (here, elsewhere) = (RoomId::new(), RoomId::new());
    let mut users: Vec<_> = (0..7).map(|_| UserId::new()).collect();
    users.sort();
    let role = |n: usize| if n == 0 { Role::Owner } else { Role::Member };
    let places = users.iter().enumerate().map(|(n, user)| member(here, *user, 1, Some(role(n))));
    put_docs(&store, places.map(Doc::Member)).await;
    put_docs(&store, [Doc::Member(member(elsewhere, UserId::new(), 1, Some(Role::Member)))]).await;
    for gone in [1, 6] {
        put_docs(&store, [Doc::Member(member(here, users[gone], 2, None))]).await;
    }
    let (mut found, mut after) = (vec![], None);
    for more in [true, true, false] {
        let page = store.members(here, after, 2).await.unwrap();
        assert_eq!(page.more, more);
        after = page.items.last().map(|member| member.user);
        found.extend(page.items);
    }
    let expected: Vec<_> = [0, 2, 3, 4, 5].map(|n| member(here, users[n], 1, Some(role(n)))).to_vec();
    assert_eq!(found, expected);
    assert_eq!(store.members(RoomId::new(), None, 2).await.unwrap().items, []);
}

pub(super) async fn memberships_tell_also_who_left(store: Arc<dyn Store>) {
    let (room, stayed, left, stranger) = (RoomId::new(), UserId::new(), UserId::new(), UserId::new());
    let (stayed, left) = (member(room, stayed, 3, Some(Role::Owner)), member(room, left, 5, None));
    put_docs(&store, [stayed.clone(), left.clone()].map(Doc::Member)).await;
    let mut found = store.memberships(room, &[left.user, stranger, stayed.user]).await.unwrap();
    found.sort_by_key(|member| member.rev);
    assert_eq!(found, [stayed, left.clone()]);
    // Who was gone may come back, but an older state may not.
    put_docs(&store, [Doc::Member(member(room, left.user, 4, Some(Role::Member)))]).await;
    assert_eq!(store.memberships(room, &[left.user]).await.unwrap(), std::slice::from_ref(&left));
    let back = member(room, left.user, 6, Some(Role::Member));
    put_docs(&store, [Doc::Member(back.clone())]).await;
    assert_eq!(store.memberships(room, &[left.user]).await.unwrap(), [back]);
}
