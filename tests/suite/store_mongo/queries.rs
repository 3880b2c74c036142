//! That whatever is asked is served by an index, read at majority, and written to a majority's journals.

use std::time::Duration;

use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use parlor::{
    model::{
        Attachment, CallId, Doc, Ended, FileId, FileKind, Head, InviteId, Membership, NodeId, NonceKey,
        Person, Refusal, Rev, Role, Room, RoomId, RoomKind, Seq, SessionId, StoredFile, Stream, Tag, Term,
        Timestamp, Upload, UserId,
        account::{Invite, NewAccount, Session, SessionKind},
        file::{ContentHash, Said},
    },
    store::{AccountStore, CallRecord, CallStore, FileStore, LogStore, RoomStore, mongo::MongoStore},
};

use super::{
    append, message, message_doc,
    place::{Between, Place},
    write,
};

fn room(id: RoomId, name: &str) -> Room {
    Room {
        id,
        rev: Rev(1),
        kind: RoomKind::Public,
        name: name.to_owned(),
        topic: String::new(),
        created: Timestamp::now(),
        at: Timestamp::now(),
        seq: Seq(3),
        members: 1,
        owners: 1,
        people: Vec::new(),
        picture: None,
    }
}

fn session(user: UserId, secret: [u8; 32]) -> Session {
    let now = Timestamp::now();
    Session {
        id: SessionId::new(),
        user,
        kind: SessionKind::Program,
        secret,
        used: None,
        agent: "a program".to_owned(),
        created: now,
        seen: now,
        expires: now.plus(Duration::from_secs(3_600)),
    }
}

/// Uses all that a store can do at least once.
async fn use_all(store: &MongoStore) {
    let now = Timestamp::now();
    let hour = Duration::from_secs(3_600);
    let (user, rooms) = (UserId::new(), [RoomId::new(), RoomId::new()]);

    // The log, and what is folded from it.
    let streams = rooms.map(Stream::Room);
    for (id, stream) in rooms.into_iter().zip(streams) {
        let first = append(stream, Head::default(), &["one", "two"]);
        store.append(&write(&first)).await.unwrap();
        let second = append(stream, first.head(), &["three"]);
        store.append(&write(&second)).await.unwrap();
        let place = Membership { room: id, user, rev: Rev(1), role: Some(Role::Owner), since: Seq(0) };
        let profile = Person {
            id: user,
            rev: Rev(1),
            name: "ann".to_owned(),
            display: "Ann".to_owned(),
            bio: String::new(),
            status: None,
            created: now,
            at: now,
            picture: None,
        };
        let mut edited = message(id, 1, 2, "one, edited");
        edited.edited = Some(now);
        let docs = vec![
            Doc::Room(room(id, "general")),
            Doc::Member(place),
            Doc::Person(profile),
            message_doc(id, 1, 1, "one"),
            message_doc(id, 2, 2, "two"),
            Doc::Message(edited),
        ];
        assert!(store.fold(stream, Rev(0), first.head(), docs).await.unwrap());
        assert!(!store.fold(stream, Rev(0), first.head(), vec![]).await.unwrap());
        assert_eq!(store.watermark(stream).await.unwrap(), first.head());
        assert_eq!(store.read(stream, Rev(1), 10).await.unwrap(), [first.clone(), second]);
        assert_eq!(store.read(stream, Rev(3), 10).await.unwrap(), []);
        assert_eq!(store.find(stream, &[first.entries[0].nonce.clone()]).await.unwrap().len(), 1);
        let nonce = NonceKey("refused".into());
        let ended = Ended { nonce, request: first.entries[0].request, refusal: Some(Refusal::JoinFirst) };
        store.note_ended(stream, vec![ended]).await.unwrap();
    }
    assert_eq!(store.heads(&streams).await.unwrap().len(), 2);
    for since in [now.minus(hour), now.minus(Duration::from_secs(60))] {
        assert_eq!(store.unfolded(since).await.unwrap().len(), 2);
    }
    assert_eq!(store.trim(now.plus(hour)).await.unwrap(), 2);
    let first = store.streams(None, 1).await.unwrap();
    assert_eq!(store.streams(first.first().copied(), 5).await.unwrap().len(), 1);

    // Rooms and people.
    assert_eq!(store.rooms(&rooms).await.unwrap().len(), 2);
    let page = store.public_rooms("ener", None, 1).await.unwrap();
    assert!(page.more);
    assert_eq!(store.public_rooms("", Some(page.items[0].id), 5).await.unwrap().items.len(), 1);
    assert_eq!(store.listed(user, None).await.unwrap().len(), 2);
    assert_eq!(store.listed(user, Some(rooms[0])).await.unwrap().len(), 1);
    assert_eq!(store.memberships(rooms[0], &[user, UserId::new()]).await.unwrap().len(), 1);
    assert_eq!(store.members(rooms[0], Some(UserId::from_bytes([0; 16])), 5).await.unwrap().items.len(), 1);
    assert_eq!(store.messages(rooms[0], Seq(1), Seq(9), 5, true).await.unwrap().len(), 2);
    assert_eq!(store.messages(rooms[0], Seq(1), Seq(9), 1, false).await.unwrap().len(), 1);
    assert_eq!(store.messages_at(rooms[0], &[Seq(2), Seq(7)]).await.unwrap().len(), 1);
    let mut pinned = message(rooms[0], 2, 3, "two");
    pinned.pinned = true;
    let at = store.watermark(streams[0]).await.unwrap();
    assert!(store.fold(streams[0], at.rev, at, vec![Doc::Message(pinned)]).await.unwrap());
    for before in [None, Some(Seq(3))] {
        assert_eq!(store.pinned(rooms[0], before, 5).await.unwrap().items.len(), 1);
    }
    assert!(store.mark_read(user, rooms[0], Seq(2)).await.unwrap());
    assert!(!store.mark_read(user, rooms[0], Seq(1)).await.unwrap());
    store.set_draft(user, rooms[0], "not sent").await.unwrap();
    assert_eq!(store.drafts(user).await.unwrap().len(), 1);
    store.set_draft(user, rooms[0], "").await.unwrap();
    assert_eq!(store.people(&[user]).await.unwrap().len(), 1);
    assert_eq!(store.people_named(&["ann".to_owned()]).await.unwrap().len(), 1);
    assert_eq!(store.find_people("an", Some("a"), 5).await.unwrap().items.len(), 1);
    assert_eq!(store.find_people("", None, 5).await.unwrap().items.len(), 1);

    // Files.
    let upload =
        Upload { id: FileId::new(), owner: user, length: 9, expires: now.plus(hour), said: Said::default() };
    store.begin_upload(&upload).await.unwrap();
    assert_eq!(store.upload(upload.id).await.unwrap().as_ref(), Some(&upload));
    assert_eq!(store.expired_uploads(now, 5).await.unwrap(), []);
    let about = Attachment {
        id: upload.id,
        name: upload.said.name.clone(),
        ending: "bin".to_owned(),
        size: 9,
        mime: "application/octet-stream".to_owned(),
        kind: FileKind::Other,
        pixels: None,
        placeholder: None,
        thumbs: vec![],
        voice: None,
    };
    let stored = StoredFile {
        about,
        owner: user,
        place: parlor::model::Place::new(ContentHash([1; 32])),
        created: now,
        due: Some(now),
        rooms: vec![],
    };
    assert_eq!(store.keep_file(&stored).await.unwrap(), stored.place);
    assert!(!store.end_upload(upload.id).await.unwrap());
    assert_eq!(store.files(&[upload.id]).await.unwrap().len(), 1);
    assert_eq!(store.taken(user).await.unwrap().files, 9);
    assert_eq!(store.taken_by_all().await.unwrap(), 9);
    assert_eq!(store.due_files(now, 5).await.unwrap().len(), 1);
    assert_eq!(store.attach(user, &[upload.id], rooms[0], now).await.unwrap().len(), 1);
    store.settle(upload.id, now).await.unwrap();
    store.loosen(&[upload.id], now).await.unwrap();
    assert_eq!(store.messages_with(rooms[0], upload.id, 5).await.unwrap(), []);
    for kinds in [&[][..], &[FileKind::Image], &[FileKind::Image, FileKind::Pdf]] {
        assert_eq!(store.messages_with_files(rooms[0], kinds, Seq(9), 5).await.unwrap().items, []);
    }
    assert!(store.remove_file(upload.id, now).await.unwrap());
    assert_eq!(store.places(&[stored.place.hash]).await.unwrap().len(), 1);
    assert!(store.drop_content(stored.place.hash).await.unwrap().is_some());

    // Calls.
    let begun = CallRecord {
        room: rooms[0],
        call: CallId::new(),
        term: Term(1),
        owner: NodeId(Tag::random()),
        until: now,
        state: "{}".to_owned(),
    };
    assert!(store.begin_call(&begun).await.unwrap() && !store.begin_call(&begun).await.unwrap());
    assert_eq!(store.call(rooms[0]).await.unwrap().as_ref(), Some(&begun));
    assert_eq!(store.overdue_calls(now, 5).await.unwrap().len(), 1);
    assert!(store.set_call(&CallRecord { term: Term(2), ..begun.clone() }, Term(1)).await.unwrap());
    assert!(store.end_call(rooms[0], begun.call, Term(2)).await.unwrap());

    // Accounts, sessions, invitations.
    let invite = Invite {
        id: InviteId::new(),
        secret: [1; 32],
        by: Some(user),
        created: now,
        expires: now.plus(hour),
        uses: 2,
    };
    store.create_invite(&invite).await.unwrap();
    let account = NewAccount {
        id: user,
        name: "ann".parse().unwrap(),
        password: "$argon2id$".to_owned(),
        owner: true,
        invite: Some(invite.secret),
        created: now,
    };
    store.create_account(account.clone()).await.unwrap();
    store.create_account(account).await.unwrap();
    store.complete_account(user).await.unwrap();
    store.set_password(user, "$argon2id$new").await.unwrap();
    assert!(store.account(user).await.unwrap().unwrap().complete);
    assert_eq!(store.owner().await.unwrap(), store.account_named("ann").await.unwrap());
    assert_eq!(store.invite(&invite.secret, now).await.unwrap().unwrap().uses, 1);
    assert_eq!(store.invites(now).await.unwrap().len(), 1);
    let login = session(user, [2; 32]);
    assert!(store.create_session(&login).await.unwrap());
    assert!(store.rotate_session(login.id, &[2; 32], &[3; 32], now, login.expires).await.unwrap());
    store.touch_session(login.id, now, login.expires).await.unwrap();
    assert!(store.session_by_secret(&[2; 32], now).await.unwrap().is_some());
    assert!(store.session(login.id, now).await.unwrap().is_some());
    assert_eq!(store.sessions_of(user, now).await.unwrap().len(), 1);
    store.sweep_accounts(now).await.unwrap();
    assert!(store.end_session(login.id).await.unwrap());
    assert!(store.end_invite(invite.id).await.unwrap());
}

/// What the server noted of the operations on a database's own collections.
async fn profile(place: &Place) -> Vec<Document> {
    let own = doc! { "ns": { "$not": { "$regex": r"\.system\." } } };
    let notes = place.database.collection::<Document>("system.profile").find(own).await.unwrap();
    notes.try_collect().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_is_served_by_an_index() {
    let place = Place::new().await;
    let store = place.store().await;
    place.database.run_command(doc! { "profile": 2 }).await.unwrap();
    use_all(&store).await;
    place.database.run_command(doc! { "profile": 0 }).await.unwrap();
    let notes = profile(&place).await;
    assert!(notes.len() > 50, "{}", notes.len());
    for note in notes {
        let plan = note.get_str("planSummary").unwrap_or_default();
        assert!(!plan.contains("COLLSCAN"), "{plan}: {:?}", note.get_document("command"));
        let sorted = note.get_bool("hasSortStage").unwrap_or_default();
        let small = ["sessions", "invites", "people"];
        let of_few = small.iter().any(|name| note.get_str("ns").unwrap().ends_with(name));
        // The names of all streams, for whoever looks through all there is: the index gives each once.
        let of_names = plan.contains("DISTINCT_SCAN");
        assert!(!sorted || of_few || of_names, "sorted in memory: {:?}", note.get_document("command"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_is_read_at_majority_and_written_to_its_journals() {
    let place = Place::new().await;
    let between = Between::new(place.address()).await;
    let store = place.store_at(&between.address).await;
    use_all(&store).await;
    let (mut reads, mut writes) = (0, 0);
    for command in between.commands() {
        match command.keys().next().unwrap().as_str() {
            "insert" | "update" | "delete" | "findAndModify" | "create" | "createIndexes" => {
                writes += 1;
                let concern = command.get_document("writeConcern").unwrap();
                assert_eq!(concern.get_str("w").unwrap(), "majority", "{command}");
                assert!(concern.get_bool("j").unwrap(), "{command}");
                assert!(concern.contains_key("wtimeout"), "{command}");
            }
            "find" | "aggregate" => {
                reads += 1;
                let concern = command.get_document("readConcern").unwrap();
                assert_eq!(concern.get_str("level").unwrap(), "majority", "{command}");
                assert!(command.contains_key("maxTimeMS"), "{command}");
            }
            "hello" | "isMaster" | "ismaster" | "endSessions" | "getMore" => {}
            other => panic!("an unexpected command: {other}"),
        }
    }
    assert!(reads > 30 && writes > 20, "{reads} reads, {writes} writes");
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_read_one_document_a_stream_however_long_the_logs_are() {
    let place = Place::new().await;
    let store = place.store().await;
    let streams: Vec<_> = (0..20).map(|_| Stream::Room(RoomId::new())).collect();
    let logs = streams.iter().map(|stream| async {
        let mut head = Head::default();
        for _ in 0..30 {
            let next = append(*stream, head, &["a", "b"]);
            store.append(&write(&next)).await.unwrap();
            head = next.head();
        }
        (*stream, head)
    });
    let mut expected = futures_util::future::join_all(logs).await;
    place.database.run_command(doc! { "profile": 2 }).await.unwrap();
    let mut heads = store.heads(&streams).await.unwrap();
    let behind = store.unfolded(Timestamp(0)).await.unwrap();
    place.database.run_command(doc! { "profile": 0 }).await.unwrap();
    assert_eq!(behind.len(), streams.len());
    heads.sort_by_key(|(stream, _)| *stream);
    expected.sort_by_key(|(stream, _)| *stream);
    assert_eq!(heads, expected);
    let notes = profile(&place).await;
    assert_eq!(notes.len(), 2, "two queries");
    for note in notes {
        assert!(note.get_str("planSummary").unwrap().contains("DISTINCT_SCAN"), "{note}");
        let examined = note.get_i32("docsExamined").unwrap();
        assert!(examined <= 20, "{examined} documents examined");
        let keys = note.get_i32("keysExamined").unwrap();
        assert!(keys <= 45, "{keys} keys examined");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_many_rooms_takes_few_queries() {
    let place = Place::new().await;
    let store = place.store().await;
    let user = UserId::new();
    for n in 0..150_u8 {
        let id = RoomId::new();
        let place = Membership { room: id, user, rev: Rev(1), role: Some(Role::Member), since: Seq(0) };
        let mut call = message(id, 1, 1, "@ann");
        if let parlor::model::Body::Text { mentions, everyone, .. } = &mut call.body {
            mentions.push(user);
            *everyone = n % 2 == 0;
        }
        let docs = vec![Doc::Room(room(id, &format!("room {n}"))), Doc::Member(place), Doc::Message(call)];
        let head = Head { rev: Rev(1), tag: parlor::model::Tag::random() };
        assert!(store.fold(Stream::Room(id), Rev(0), head, docs).await.unwrap());
    }
    place.database.run_command(doc! { "profile": 2 }).await.unwrap();
    let listed = store.listed(user, None).await.unwrap();
    place.database.run_command(doc! { "profile": 0 }).await.unwrap();
    assert_eq!(listed.len(), 150);
    assert!(listed.iter().all(|listed| listed.mentions == 1));
    let notes = profile(&place).await;
    // The last is for the rooms' heads.
    assert!(notes.len() <= 6, "{} queries", notes.len());
    for note in notes {
        let (examined, returned) =
            (note.get_i32("keysExamined").unwrap(), note.get_i32("nreturned").unwrap());
        assert!(examined <= 4 * returned + 10, "{examined} keys for {returned}: {note}");
    }
}
