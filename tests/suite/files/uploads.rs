//! Uploads: whole, in pieces, cut off, too large, at once.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::Value;

use super::*;

#[tokio::test]
async fn a_file_goes_up_in_pieces_and_comes_down_whole() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    let bytes = noise(1, 700_000);
    let path = begin(&alice.api, "thing.dat", bytes.len()).await;
    assert_eq!(offset(&alice.api, &path).await, Some(0));
    for (from, to) in [(0, 1), (1, 300_000), (300_000, 700_000)] {
        let answer = add(&alice.api, &path, from, &bytes[from..to]).await;
        assert_eq!(answer.header("upload-offset"), to.to_string());
        assert_eq!(answer.header("tus-resumable"), "1.0.0");
        answer.expect(204);
    }
    assert_eq!(offset(&alice.api, &path).await, Some(bytes.len()), "a finished upload says so");
    let file = file_of(&alice.api, &path).await;
    assert_eq!((field(&file, "fileName"), field(&file, "kind")), ("thing.dat", "other"));
    assert_eq!(
        (file["fileSize"].as_u64(), field(&file, "fileType")),
        (Some(700_000), "application/octet-stream")
    );
    assert_eq!(field(&file, "fileUrl"), format!("/files/{}.dat", field(&file, "id")));
    let (status, headers, came) = download(&alice.api, field(&file, "fileUrl")).await;
    assert_eq!((status.as_u16(), came == bytes), (200, true));
    assert_eq!(headers["etag"], format!("\"{}\"", sha256(&bytes)));
    assert_eq!(on_disk(&server).len(), 1);
}

#[tokio::test]
async fn a_small_file_may_come_with_its_beginning() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    let request = alice.api.request(Method::POST, "/api/uploads").header("tus-resumable", "1.0.0");
    let request = request.header("upload-length", 5).header("content-type", BYTES).body("hello");
    let answer = send(request).await;
    assert_eq!(answer.header("upload-offset"), "5");
    let file = file_of(&alice.api, answer.header("location")).await;
    assert_eq!((field(&file, "kind"), field(&file, "fileName")), ("text", "file"));
    let empty = upload(&alice.api, "empty.txt", b"").await;
    assert_eq!((empty["fileSize"].as_u64(), field(&empty, "kind")), (Some(0), "other"));
    assert_eq!(status(&alice.api, field(&empty, "fileUrl")).await, 200);
}

#[tokio::test]
async fn an_upload_that_is_cut_anywhere_goes_on_where_it_stopped() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    for seed in 0..6 {
        let bytes = noise(seed, 900_000 + seed as usize);
        let path = begin(&alice.api, "cut.bin", bytes.len()).await;
        let mut dice = noise(seed + 100, 64).into_iter().skip(1).map(usize::from);
        let mut cuts = 0;
        loop {
            let stands = offset(&alice.api, &path).await.unwrap();
            let rest = &bytes[stands..];
            if cuts == 8 || rest.is_empty() {
                go_on(&alice.api, &path, &bytes).await;
                break;
            }
            let after = (dice.next().unwrap() * 256 + dice.next().unwrap()) * 3 % rest.len();
            add_and_break_off(&alice.api, &path, stands, rest, after).await;
            cuts += 1;
        }
        let file = file_of(&alice.api, &path).await;
        let (_, headers, came) = download(&alice.api, field(&file, "fileUrl")).await;
        assert!(came == bytes, "seed {seed}");
        assert_eq!(headers["etag"], format!("\"{}\"", sha256(&bytes)));
    }
}

#[tokio::test]
async fn a_hundred_uploads_run_in_parallel() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    let files = join_all((0..100).map(|n| {
        let alice = &alice;
        // Every second one is like another.
        async move {
            let bytes = noise(n / 2, 60_000);
            let path = begin(&alice.api, &format!("{n}.bin"), bytes.len()).await;
            add(&alice.api, &path, 0, &bytes[..20_000]).await.expect(204);
            add(&alice.api, &path, 20_000, &bytes[20_000..]).await.expect(204);
            (bytes, file_of(&alice.api, &path).await)
        }
    }))
    .await;
    for (bytes, file) in &files {
        assert!(download(&alice.api, field(file, "fileUrl")).await.2 == *bytes);
    }
    assert_eq!(on_disk(&server).len(), 50, "the same content is kept once");
}

#[tokio::test]
async fn a_form_brings_one_file_or_several() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    let one = post_form(&alice.api, &[("note.md", b"# Hello")]).await.expect(201);
    assert_eq!((field(&one, "fileName"), field(&one, "kind")), ("note.md", "text"));
    let both = post_form(&alice.page, &[("a.txt", b"a"), ("b.bin", b"\0b")]).await.expect(201);
    let names: Vec<&str> = both.as_array().unwrap().iter().map(|file| field(file, "fileName")).collect();
    assert_eq!(names, ["a.txt", "b.bin"]);
    assert_eq!(download(&alice.api, field(&both[1], "fileUrl")).await.2, b"\0b");
    post_form(&alice.api, &[]).await.refused(400, "invalid");
    let request = alice.api.request(Method::POST, "/api/files").body("x");
    send(request).await.refused(400, "malformed");
    let broken = "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nbroken off";
    let request = alice.api.request(Method::POST, "/api/files").body(broken);
    send(request.header("content-type", "multipart/form-data; boundary=edge"))
        .await
        .refused(400, "malformed");
    assert_eq!(on_disk(&server).len(), 3, "nothing is left of what broke off");
}

#[tokio::test]
async fn limits_are_told_and_kept() {
    let server = TestServer::with(|settings| {
        settings.max_file = Some("1".to_owned());
        settings.max_files_per_person = Some("2".to_owned());
        settings.max_files = Some("3".to_owned());
    })
    .await;
    const MIB: usize = 1 << 20;
    let [alice, bob] = server.people(["alice", "bob"]).await;
    let limits = alice.api.get("/api/uploads/limits").await.expect(200);
    assert_eq!(limits["file_bytes"].as_u64(), Some(1 << 20));
    assert_eq!((limits["person_bytes"].as_u64(), limits["person_used"].as_u64()), (Some(2 << 20), Some(0)));

    begin_with(&alice.api, &[], MIB + 1).await.refused(413, "too_large");
    post_form(&alice.api, &[("large", &vec![0; MIB + 1])]).await.refused(413, "too_large");
    upload(&alice.api, "a", &noise(1, MIB)).await;
    let path = begin(&alice.api, "b", MIB).await;
    begin_with(&alice.api, &[], 1).await.refused(413, "over_quota");
    let limits = alice.api.get("/api/uploads/limits").await.expect(200);
    assert_eq!(limits["person_used"].as_u64(), Some(2 << 20), "what was begun counts");
    upload(&bob.api, "c", &noise(2, MIB)).await;
    begin_with(&bob.api, &[], 1).await.refused(503, "storage_full");
    let gone = send(alice.api.request(Method::DELETE, &path).header("tus-resumable", "1.0.0")).await;
    gone.expect(204);
    assert_eq!(offset(&alice.api, &path).await, None);
    assert_eq!(on_disk(&server).len(), 2, "nothing is left of what was refused");
    upload(&bob.api, "d", &noise(3, MIB)).await;
}

#[tokio::test]
async fn an_upload_is_its_owners_alone() {
    let server = TestServer::start().await;
    let [alice, bob] = server.people(["alice", "bob"]).await;
    let path = begin(&alice.api, "mine", 10).await;
    assert_eq!(offset(&bob.api, &path).await, None);
    add(&bob.api, &path, 0, b"0123456789").await.refused(404, "not_found");
    send(bob.api.request(Method::DELETE, &path).header("tus-resumable", "1.0.0"))
        .await
        .refused(404, "not_found");
    add(&alice.api, &path, 0, b"0123456789").await.expect(204);
    let file = file_of(&alice.api, &path).await;
    assert_eq!(status(&bob.api, field(&file, "fileUrl")).await, 404);
    bob.api.get(&format!("/api/files/{}", field(&file, "id"))).await.refused(404, "not_found");
    bob.api.delete(&format!("/api/files/{}", field(&file, "id"))).await.refused(404, "not_found");
    server.program().get(field(&file, "fileUrl")).await.refused(401, "unauthenticated");
    alice.api.delete(&format!("/api/files/{}", field(&file, "id"))).await.expect(204);
    assert_eq!(status(&alice.api, field(&file, "fileUrl")).await, 404);
    assert_eq!(on_disk(&server), [""; 0].map(std::path::PathBuf::from));
}

#[tokio::test]
async fn what_is_wrong_with_an_upload_is_said() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    let begin_without = |header: &str| {
        let mut request = alice.api.request(Method::POST, "/api/uploads");
        for (name, value) in [("tus-resumable", "1.0.0"), ("upload-length", "10")] {
            if name != header {
                request = request.header(name, value);
            }
        }
        send(request)
    };
    begin_without("tus-resumable").await.refused(412, "tus_version");
    begin_without("upload-length").await.refused(400, "malformed");
    begin_with(&alice.api, &[("voice", "{}")], 10).await.refused(400, "invalid");
    let path = begin(&alice.api, "x", 10).await;
    add(&alice.api, &path, 4, b"x").await.refused(409, "wrong_offset");
    let request = alice.api.request(Method::PATCH, &path).header("tus-resumable", "1.0.0");
    send(request.header("upload-offset", 0).body("x")).await.refused(400, "malformed");
    add(&alice.api, &path, 0, b"12345678901").await.refused(400, "malformed");
    let answer = send(alice.api.request(Method::OPTIONS, "/api/uploads")).await;
    assert_eq!((answer.status.as_u16(), answer.header("tus-version")), (204, "1.0.0"));
    assert!(answer.header("tus-extension").contains("termination"));
}

#[tokio::test]
async fn a_newer_request_goes_on_where_an_older_one_hangs() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    let bytes = noise(7, 600_000);
    let path = begin(&alice.api, "hanging", bytes.len()).await;
    // The first sends a part, and then nothing, without closing.
    let authority = server.url.trim_start_matches("http://").to_owned();
    let mut hanging = TcpStream::connect(&authority).await.unwrap();
    let head = format!(
        "PATCH {path} HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {}\r\nTus-Resumable: 1.0.0\r\n\
         Upload-Offset: 0\r\nContent-Type: {BYTES}\r\nContent-Length: {}\r\n\r\n",
        alice.api.token.as_deref().unwrap(),
        bytes.len()
    );
    hanging.write_all(head.as_bytes()).await.unwrap();
    hanging.write_all(&bytes[..300_000]).await.unwrap();
    until("bytes arrive", async || offset(&alice.api, &path).await > Some(0)).await;
    let stands = offset(&alice.api, &path).await.unwrap();
    // The second ends the first, which keeps what it has.
    assert!([204, 409].contains(&add(&alice.api, &path, stands, b"").await.status.as_u16()));
    let stands = offset(&alice.api, &path).await.unwrap();
    add(&alice.api, &path, stands, &bytes[stands..]).await.expect(204);
    // Whatever the first still sends harms nothing.
    let _ = hanging.write_all(&vec![0; 300_000]).await;
    let file = file_of(&alice.api, &path).await;
    assert!(download(&alice.api, field(&file, "fileUrl")).await.2 == bytes);
}

#[tokio::test]
async fn of_unfinished_uploads_there_are_not_too_many() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    for _ in 0..200 {
        begin(&alice.api, "x", 1).await;
    }
    begin_with(&alice.api, &[], 1).await.refused(422, "too_many");
    let limits: Value = alice.api.get("/api/uploads/limits").await.expect(200);
    assert_eq!(limits["person_used"].as_u64(), Some(200));
}
