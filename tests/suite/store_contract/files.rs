//! Files: kept once a content, told of by messages, taken out when nothing uses them.

use std::{collections::HashSet, sync::Arc, time::Duration};

use parlor::{
    model::{
        Attachment, FileId, FileKind, Place, RoomId, Seq, StoredFile, Timestamp, Upload, UserId, What,
        file::{ContentHash, FileName, Said},
    },
    store::{Store, Taken},
};
use tokio::task::JoinSet;

use super::stream::Scene;

fn attachment(kind: FileKind) -> Attachment {
    Attachment {
        id: FileId::new(),
        name: FileName::clean("a name.bin"),
        ending: "bin".to_owned(),
        size: 1_000,
        mime: "application/octet-stream".to_owned(),
        kind,
        pixels: None,
        placeholder: None,
        thumbs: vec![],
        voice: None,
    }
}

/// A file that is to be kept.
pub(crate) fn file(owner: UserId, content: u8) -> StoredFile {
    StoredFile {
        about: attachment(FileKind::Other),
        owner,
        place: Place::new(ContentHash([content; 32])),
        created: Timestamp(5_000),
        due: Some(Timestamp(10_000)),
        rooms: vec![],
    }
}

fn upload(owner: UserId, length: u64, expires: i64) -> Upload {
    Upload { id: FileId::new(), owner, length, expires: Timestamp(expires), said: Said::default() }
}

async fn get(store: &Arc<dyn Store>, id: FileId) -> Option<StoredFile> {
    store.files(&[id]).await.unwrap().pop()
}

pub(super) async fn an_upload_is_kept_until_it_ends(store: Arc<dyn Store>) {
    let (ann, bob) = (UserId::new(), UserId::new());
    let (early, late) = (upload(ann, 10, 1_000), upload(ann, 20, 9_000));
    for upload in [&early, &late, &upload(bob, 40, 9_000)] {
        store.begin_upload(upload).await.unwrap();
    }
    assert_eq!(store.upload(late.id).await.unwrap().as_ref(), Some(&late));
    assert_eq!(store.taken(ann).await.unwrap(), Taken { files: 0, uploads: 30, count: 2 });
    assert_eq!(store.taken_by_all().await.unwrap(), 70);
    assert_eq!(store.expired_uploads(Timestamp(5_000), 10).await.unwrap(), std::slice::from_ref(&early));
    assert!(store.end_upload(early.id).await.unwrap());
    assert!(!store.end_upload(early.id).await.unwrap());
    assert_eq!(store.upload(early.id).await.unwrap(), None);
    assert_eq!(store.taken(ann).await.unwrap(), Taken { files: 0, uploads: 20, count: 1 });
}

pub(super) async fn a_file_ends_its_upload(store: Arc<dyn Store>) {
    let ann = UserId::new();
    let upload = upload(ann, 1_000, 9_000);
    store.begin_upload(&upload).await.unwrap();
    let mut kept = file(ann, 1);
    kept.about.id = upload.id;
    assert_eq!(store.keep_file(&kept).await.unwrap(), kept.place);
    assert_eq!(store.upload(upload.id).await.unwrap(), None);
    assert_eq!(get(&store, upload.id).await, Some(kept.clone()));
    assert_eq!(store.taken(ann).await.unwrap(), Taken { files: 1_000, uploads: 0, count: 0 });
    let mut again = kept.clone();
    again.place = Place::new(kept.place.hash);
    assert_eq!(store.keep_file(&again).await.unwrap(), kept.place, "a repeat finds the first");
    assert_eq!(store.taken_by_all().await.unwrap(), 1_000);
}

pub(super) async fn a_content_lies_at_one_place(store: Arc<dyn Store>) {
    let (one, other, more) = (file(UserId::new(), 1), file(UserId::new(), 1), file(UserId::new(), 2));
    assert_eq!(store.keep_file(&one).await.unwrap(), one.place);
    assert_eq!(store.keep_file(&other).await.unwrap(), one.place);
    assert_eq!(store.keep_file(&more).await.unwrap(), more.place);
    assert_eq!(get(&store, other.about.id).await.unwrap().place, one.place);
    let hashes = [1, 2, 3].map(|content| ContentHash([content; 32]));
    let places: HashSet<_> = store.places(&hashes).await.unwrap().into_iter().collect();
    assert_eq!(places, HashSet::from([one.place, more.place]));
}

pub(super) async fn a_content_is_dropped_when_no_file_has_it(store: Arc<dyn Store>) {
    let due = Timestamp(10_000);
    let (one, other) = (file(UserId::new(), 1), file(UserId::new(), 1));
    for file in [&one, &other] {
        store.keep_file(file).await.unwrap();
    }
    let hash = one.place.hash;
    assert!(store.remove_file(one.about.id, due).await.unwrap());
    assert!(!store.remove_file(one.about.id, due).await.unwrap());
    assert_eq!(store.drop_content(hash).await.unwrap(), None);
    assert_eq!(get(&store, other.about.id).await.unwrap().place, one.place);
    assert!(store.remove_file(other.about.id, due).await.unwrap());
    assert_eq!(store.drop_content(hash).await.unwrap(), Some(one.place));
    assert_eq!(store.drop_content(hash).await.unwrap(), None);
    let anew = file(UserId::new(), 1);
    assert_eq!(store.keep_file(&anew).await.unwrap(), anew.place, "it lies elsewhere now");
}

/// Many keep a content while others take it out: no place that was named as free is used by any file.
pub(super) async fn a_content_that_is_kept_and_dropped_at_once_keeps_its_files(store: Arc<dyn Store>) {
    let due = Timestamp(10_000);
    let mut at_work = JoinSet::new();
    for n in 0..24 {
        let store = store.clone();
        at_work.spawn(async move {
            let file = file(UserId::new(), 1);
            let place = store.keep_file(&file).await.unwrap();
            if n % 3 > 0 {
                assert!(store.remove_file(file.about.id, due).await.unwrap());
            }
            let freed = store.drop_content(file.place.hash).await.unwrap();
            ((n % 3 == 0).then_some((file.about.id, place)), freed)
        });
    }
    let (mut kept, mut freed) = (vec![], HashSet::new());
    while let Some(done) = at_work.join_next().await {
        let (file, place) = done.unwrap();
        kept.extend(file);
        freed.extend(place);
    }
    let [lies] = store.places(&[ContentHash([1; 32])]).await.unwrap().try_into().unwrap();
    for (file, place) in kept {
        assert_eq!(get(&store, file).await.unwrap().place, place);
        assert_eq!(place, lies);
    }
    assert!(!freed.contains(&lies));
}

pub(super) async fn only_ones_own_files_are_attached(store: Arc<dyn Store>) {
    let (ann, bob, room) = (UserId::new(), UserId::new(), RoomId::new());
    let (hers, his) = (file(ann, 1), file(bob, 2));
    for file in [&hers, &his] {
        store.keep_file(file).await.unwrap();
    }
    let asked = [hers.about.id, his.about.id, FileId::new()];
    let found = store.attach(ann, &asked, room, Timestamp(20_000)).await.unwrap();
    assert_eq!(found, std::slice::from_ref(&hers.about));
    let noted = get(&store, hers.about.id).await.unwrap();
    assert_eq!((noted.rooms, noted.due), (vec![room], Some(Timestamp(20_000))));
    assert_eq!(get(&store, his.about.id).await.unwrap(), his);
    store.attach(ann, &asked, room, Timestamp(15_000)).await.unwrap();
    let noted = get(&store, hers.about.id).await.unwrap();
    assert_eq!((noted.rooms, noted.due), (vec![room], Some(Timestamp(20_000))), "never looked at earlier");
}

pub(super) async fn what_is_due_is_found_until_it_is_settled(store: Arc<dyn Store>) {
    let ann = UserId::new();
    let files: Vec<_> = (1..=3).map(|n| file(ann, n)).collect();
    for (n, file) in files.iter().enumerate() {
        let due = Some(Timestamp(10_000 + n as i64));
        store.keep_file(&StoredFile { due, ..file.clone() }).await.unwrap();
    }
    let due = async |now| -> Vec<FileId> {
        let due = store.due_files(Timestamp(now), 10).await.unwrap();
        due.into_iter().map(|file| file.about.id).collect()
    };
    assert_eq!(due(9_999).await, []);
    assert_eq!(due(10_001).await, [files[0].about.id, files[1].about.id]);
    store.settle(files[0].about.id, Timestamp(9_000)).await.unwrap();
    assert_eq!(due(10_001).await.len(), 2, "that has changed meanwhile");
    store.settle(files[0].about.id, Timestamp(10_000)).await.unwrap();
    assert_eq!(due(10_001).await, [files[1].about.id]);
    store.loosen(&[files[0].about.id, FileId::new()], Timestamp(9_000)).await.unwrap();
    assert_eq!(due(9_999).await, [files[0].about.id]);
    assert!(!store.remove_file(files[0].about.id, Timestamp(10_000)).await.unwrap());
    store.attach(ann, &[files[0].about.id], RoomId::new(), Timestamp(30_000)).await.unwrap();
    assert!(
        !store.remove_file(files[0].about.id, Timestamp(9_000)).await.unwrap(),
        "it was posted meanwhile"
    );
    assert!(get(&store, files[0].about.id).await.is_some());
}

/// A message with these files.
async fn posts(scene: &mut Scene, by: UserId, seq: u64, files: &[&Attachment]) -> Seq {
    let files = files.iter().copied().cloned().collect();
    let (text, mentions) = (String::new(), vec![]);
    scene
        .does(by, What::Posted { seq: Seq(seq), text, reply_to: None, mentions, everyone: false, files })
        .await;
    Seq(seq)
}

pub(super) async fn files_are_found_by_the_messages_that_hold_them(store: Arc<dyn Store>) {
    let ann = UserId::new();
    let mut scene = Scene::with(&store, &[ann]).await;
    let (photo, song, late) =
        (attachment(FileKind::Image), attachment(FileKind::Audio), attachment(FileKind::Image));
    let first = posts(&mut scene, ann, 1, &[&photo, &song]).await;
    scene.says(ann).await;
    let second = posts(&mut scene, ann, 3, &[&photo]).await;
    posts(&mut scene, ann, 4, &[&late]).await;

    let holding = async |file: &Attachment, limit| -> Vec<u64> {
        let found = store.messages_with(scene.room, file.id, limit).await.unwrap();
        found.iter().map(|message| message.seq.0).collect()
    };
    assert_eq!(holding(&photo, 9).await, [3, 1]);
    assert_eq!(holding(&photo, 1).await, [3]);
    assert_eq!(holding(&attachment(FileKind::Image), 9).await, [0; 0]);
    assert_eq!(store.messages_with(RoomId::new(), photo.id, 9).await.unwrap(), []);

    let listed = async |kinds: &[FileKind], before, limit| -> (Vec<u64>, bool) {
        let page = store.messages_with_files(scene.room, kinds, Seq(before), limit).await.unwrap();
        (page.items.iter().map(|message| message.seq.0).collect(), page.more)
    };
    assert_eq!(listed(&[], u64::MAX, 9).await, (vec![4, 3, 1], false));
    assert_eq!(listed(&[], u64::MAX, 2).await, (vec![4, 3], true));
    assert_eq!(listed(&[], 3, 2).await, (vec![1], false));
    assert_eq!(listed(&[FileKind::Audio], u64::MAX, 9).await, (vec![1], false));
    assert_eq!(listed(&[FileKind::Audio, FileKind::Image], 4, 9).await, (vec![3, 1], false));
    assert_eq!(listed(&[FileKind::Pdf], u64::MAX, 9).await, (vec![], false));

    scene.edits(ann, first, &[], false).await;
    assert_eq!(
        store.messages_with(scene.room, song.id, 9).await.unwrap().len(),
        1,
        "an edit leaves files alone"
    );
    for seq in [first, second] {
        scene.does(ann, What::Deleted { seq }).await;
    }
    assert_eq!(store.messages_with(scene.room, photo.id, 9).await.unwrap(), []);
    let left = store.messages_with_files(scene.room, &[], Seq(u64::MAX), 9).await.unwrap();
    assert_eq!(left.items.iter().map(|message| message.seq.0).collect::<Vec<_>>(), [4]);
}

pub(super) async fn many_uploads_are_counted(store: Arc<dyn Store>) {
    let ann = UserId::new();
    let mut begin = JoinSet::new();
    for _ in 0..50 {
        let (store, upload) = (store.clone(), upload(ann, u64::from(u32::MAX), 9_000));
        begin.spawn(async move { store.begin_upload(&upload).await.unwrap() });
    }
    while let Some(done) = begin.join_next().await {
        done.unwrap();
    }
    let taken = store.taken(ann).await.unwrap();
    assert_eq!(taken, Taken { files: 0, uploads: 50 * u64::from(u32::MAX), count: 50 });
    let soon = Timestamp(9_000).plus(Duration::from_millis(1));
    assert_eq!(store.expired_uploads(soon, 20).await.unwrap().len(), 20);
}
