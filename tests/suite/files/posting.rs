//! Posting files: what others get, how a room lists them, what becomes of them.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use parlor::model::Timestamp;

use super::*;
use crate::people::Person as Program;

/// A time at which everything that nothing uses is due.
fn in_two_days() -> Timestamp {
    Timestamp::now().plus(Duration::from_secs(2 * 86_400))
}

#[tokio::test]
async fn a_message_bears_its_files_to_programs_and_pages() {
    let server = TestServer::start().await;
    let [alice, bob] = server.people(["alice", "bob"]).await;
    let room = room(&[&alice, &bob]).await;
    let his = Program::login(&server.url, "bob").await;
    let (mut program, mut page) = (his.socket().await, his.socket_for("html").await);
    let photo = upload(&alice.api, "sea & sand.png", &encoded(&picture(600, 400), ImageFormat::Png)).await;
    let note = upload(&alice.api, "note.txt", b"words").await;

    let hers = Program::login(&server.url, "alice").await;
    let mut sends = hers.socket().await;
    let ids = [&photo["id"], &note["id"]];
    sends.send(&json!({"type":"message","room":room,"nonce":"n1","text":"","files":ids})).await;
    let heard = program.find(|frame| frame["change"] == "posted").await;
    let message = &heard["message"];
    assert_eq!(
        (field(message, "messageType"), field(message, "kind"), field(message, "text")),
        ("file", "text", "")
    );
    assert_eq!(message["files"], json!([photo, note]));
    let html = page.find(|frame| frame["change"] == "posted").await["html"].as_str().unwrap().to_owned();
    for part in [
        "data-files=\"2\"",
        "<div class=\"images\" data-count=\"1\"><a class=\"image\"",
        &format!("href=\"{}\"", field(&photo, "fileUrl")),
        &format!("src=\"/files/{}-480.webp\"", field(&photo, "id")),
        "width=\"496\" height=\"331\"",
        "data-width=\"600\" data-height=\"400\"",
        "alt=\"sea &#38; sand.png\"",
        "data-placeholder=\"",
        "<div class=\"card\"",
        "data-kind=\"text\"",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(!html.contains("class=\"text\""), "there are no words");
    let seq = message["seq"].as_u64().unwrap();
    let shown = bob.page.get(&format!("/rooms/{room}")).await.text;
    assert!(
        shown.contains(&format!("{}-480.webp", field(&photo, "id"))) && shown.contains("data-upload-max=")
    );
    // Words come and go; the files stay.
    let path = format!("/api/rooms/{room}/messages/{seq}");
    let base = alice.api.get(&path).await.expect(200)["base"].clone();
    let edited = alice.api.patch(&path, json!({"text": "look", "base": base})).await.expect(200);
    let edited = alice.api.patch(&path, json!({"text": "", "base": edited["rev"]})).await.expect(200);
    assert_eq!(alice.api.get(&path).await.expect(200)["files"], json!([photo, note]));
    assert_eq!(alice.api.get(&path).await.expect(200)["base"], edited["rev"]);
    alice.api.delete(&path).await.expect(200);
    let deleted = bob.api.get(&path).await.expect(200);
    assert_eq!((field(&deleted, "messageType"), &deleted["files"]), ("deleted", &Value::Null));
    assert!(!bob.page.get(&format!("/rooms/{room}")).await.text.contains(field(&photo, "id")));
}

#[tokio::test]
async fn only_ones_own_finished_files_can_be_posted() {
    let server = TestServer::start().await;
    let [alice, bob] = server.people(["alice", "bob"]).await;
    let room = room(&[&alice, &bob]).await;
    let path = format!("/api/rooms/{room}/messages");
    let file = upload(&alice.api, "hers.txt", b"hers").await;
    let unfinished = begin(&bob.api, "x", 10).await.replace("/api/uploads/", "");
    let id = &file["id"];
    for ids in [json!([id]), json!([unfinished]), json!([parlor::model::FileId::new().to_string()])] {
        bob.api.post(&path, json!({"text": "mine", "files": ids})).await.refused(404, "not_found");
    }
    alice.api.post(&path, json!({"files": [id, id]})).await.refused(400, "invalid");
    alice.api.post(&path, json!({"files": vec![id; 11]})).await.refused(400, "invalid");
    alice.api.post(&path, json!({"text": ""})).await.refused(400, "invalid");
    alice.api.post(&path, json!({})).await.refused(400, "invalid");
    assert_eq!(status(&bob.api, field(&file, "fileUrl")).await, 404);
    let seq = post(&alice, &room, &[&file]).await;
    let base = alice.api.get(&format!("{path}/{seq}")).await.expect(200)["base"].clone();
    assert!(base.is_u64());
    let words = alice.api.post(&path, json!({"text": "words"})).await.expect(201);
    let edit = json!({"text": " ", "base": words["rev"]});
    alice.api.patch(&format!("{path}/{}", words["seq"]), edit).await.refused(400, "invalid");
    alice.api.delete(&format!("/api/files/{}", field(&file, "id"))).await.refused(403, "forbidden");
}

#[tokio::test]
async fn a_room_lists_its_files_by_kind_and_page() {
    let server = TestServer::start().await;
    let [alice, bob, carol] = server.people(["alice", "bob", "carol"]).await;
    let room = room(&[&alice, &bob]).await;
    let photo = upload(&alice.api, "a.png", &encoded(&picture(9, 9), ImageFormat::Png)).await;
    let note = upload(&alice.api, "a.txt", b"words").await;
    let paper = upload(&bob.api, "a.pdf", b"%PDF-1.7").await;
    post(&alice, &room, &[&photo, &note]).await;
    let second = post(&bob, &room, &[&paper]).await;
    let third = post(&alice, &room, &[&photo]).await;
    let path = format!("/api/rooms/{room}/files");
    let names = async |query: &str| -> Vec<String> {
        let files = bob.api.get(&format!("{path}{query}")).await.expect(200)["files"].clone();
        files.as_array().unwrap().iter().map(|file| field(file, "fileName").to_owned()).collect()
    };
    assert_eq!(names("").await, ["a.png", "a.pdf", "a.png", "a.txt"]);
    assert_eq!(names("?kind=image").await, ["a.png", "a.png"]);
    assert_eq!(names("?kind=pdf,text").await, ["a.pdf", "a.txt"]);
    assert_eq!(names("?kind=video").await, [""; 0]);
    let first = bob.api.get(&format!("{path}?limit=2")).await.expect(200);
    assert_eq!((first["next"].as_u64(), first["files"].as_array().unwrap().len()), (Some(second), 2));
    assert_eq!(
        (first["files"][0]["seq"].as_u64(), field(&first["files"][0], "author")),
        (Some(third), &*alice.id)
    );
    assert_eq!(names(&format!("?limit=2&before={second}")).await, ["a.png", "a.txt"]);
    bob.api.get(&format!("{path}?kind=nonsense")).await.refused(400, "invalid");
    carol.api.get(&path).await.refused(404, "not_found");
    alice.api.delete(&format!("/api/rooms/{room}/messages/{third}")).await.expect(200);
    assert_eq!(names("?kind=image").await, ["a.png"]);
}

#[tokio::test]
async fn what_nothing_uses_is_swept_and_what_is_used_stays() {
    let server = TestServer::start().await;
    let [alice, bob] = server.people(["alice", "bob"]).await;
    let room = room(&[&alice, &bob]).await;
    let photo = encoded(&picture(600, 400), ImageFormat::Png);
    let (posted, unused) =
        (upload(&alice.api, "a.png", &photo).await, upload(&alice.api, "b.bin", b"\0").await);
    let same = upload(&bob.api, "c.png", &photo).await;
    begin(&alice.api, "unfinished", 10).await;
    let seq = post(&alice, &room, &[&posted]).await;
    let again = post(&alice, &room, &[&posted]).await;
    assert_eq!(on_disk(&server).len(), 4, "one content with a thumb, another, and what arrived of an upload");

    server.app.files.sweep(Timestamp::now()).await.unwrap();
    assert_eq!(on_disk(&server).len(), 4, "not before its time");
    server.app.files.sweep(in_two_days()).await.unwrap();
    assert_eq!(on_disk(&server).len(), 2);
    assert_eq!(status(&bob.api, field(&posted, "fileUrl")).await, 200);
    assert_eq!(status(&bob.api, field(&same, "fileUrl")).await, 404);
    assert_eq!(status(&alice.api, field(&unused, "fileUrl")).await, 404);

    for (seq, left) in [(seq, 2), (again, 0)] {
        alice.api.delete(&format!("/api/rooms/{room}/messages/{seq}")).await.expect(200);
        server.app.files.sweep(in_two_days()).await.unwrap();
        assert_eq!(on_disk(&server).len(), left);
    }
    assert_eq!(alice.api.get("/api/uploads/limits").await.expect(200)["person_used"].as_u64(), Some(0));
}

#[tokio::test]
async fn what_nothing_knows_of_is_swept_from_the_disk() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    let kept = upload(&alice.api, "kept.bin", &noise(1, 100)).await;
    let uploads = server.app.config.uploads.clone();
    let lost = files_under(&uploads.join("files")).pop().unwrap();
    let lost = lost.with_file_name(format!("{}-0123456789abcdef", sha256(b"lost")));
    std::fs::create_dir_all(&lost).unwrap();
    std::fs::remove_dir(&lost).unwrap();
    let shelf = uploads.join("files").join(&sha256(b"lost")[..2]);
    std::fs::create_dir_all(&shelf).unwrap();
    for path in [
        shelf.join(lost.file_name().unwrap()),
        uploads.join("incoming").join(parlor::model::FileId::new().to_string()),
        uploads.join("incoming").join("half.made"),
    ] {
        std::fs::write(path, b"left behind").unwrap();
    }
    server.app.files.sweep_disk(Timestamp::now()).await.unwrap();
    assert_eq!(on_disk(&server).len(), 4, "it may be on its way");
    server.app.files.sweep_disk(in_two_days()).await.unwrap();
    assert_eq!(on_disk(&server).len(), 1);
    assert_eq!(status(&alice.api, field(&kept, "fileUrl")).await, 200);
}

/// Many upload a content while it is swept again and again: whoever was told that the file is there has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_of_what_is_being_swept_keeps_its_file() {
    // What isn't posted within a second is swept; what is about to be posted isn't yet.
    let server = Arc::new(TestServer::with(|settings| settings.upload_kept = Some("1".to_owned())).await);
    let [alice] = server.people(["alice"]).await;
    let room = room(&[&alice]).await;
    let bytes = noise(5, 50_000);
    let sweeper = tokio::spawn({
        let server = server.clone();
        async move {
            loop {
                server.app.files.sweep(Timestamp::now().plus(Duration::from_millis(990))).await.unwrap();
                server.app.files.sweep_disk(Timestamp::now()).await.unwrap();
            }
        }
    });
    let rounds = (0..8).map(|_| async {
        let mut kept = 0;
        for _ in 0..12 {
            let path = begin_swept(&alice.api, bytes.len()).await;
            if add(&alice.api, &path, 0, &bytes).await.status.as_u16() != 204 {
                continue;
            }
            // It may be swept before it is posted; but once it is posted, it stays.
            let id = path.replace("/api/uploads/", "");
            let posted = alice.api.post(&format!("/api/rooms/{room}/messages"), json!({"files": [id]})).await;
            if posted.status.as_u16() == 201 {
                let (status, _, came) = download(&alice.api, &format!("/files/{id}.bin")).await;
                assert_eq!((status.as_u16(), came == bytes), (200, true));
                kept += 1;
            }
        }
        kept
    });
    let kept: usize = join_all(rounds).await.into_iter().sum();
    sweeper.abort();
    let _ = sweeper.await;
    assert!(kept > 0);
    let files = alice.api.get(&format!("/api/rooms/{room}/files?limit=100")).await.expect(200);
    for file in files["files"].as_array().unwrap() {
        assert!(download(&alice.api, field(file, "fileUrl")).await.2 == bytes);
    }
}

async fn begin_swept(client: &Client, length: usize) -> String {
    begin(client, "same.bin", length).await
}
