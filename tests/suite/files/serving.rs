//! Who has a file, and how it comes: ranges, tags, names.

use reqwest::{Method, header::HeaderMap};

use super::*;

async fn get_with(client: &Client, url: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, Vec<u8>) {
    let request = headers
        .iter()
        .fold(client.request(Method::GET, url), |request, (name, value)| request.header(*name, *value));
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    (status, headers, answer.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn a_file_is_for_the_members_of_its_rooms() {
    let server = TestServer::start().await;
    let [alice, bob, carol] = server.people(["alice", "bob", "carol"]).await;
    let file = upload(&alice.api, "plan.pdf", b"%PDF-1.7 plan").await;
    let url = field(&file, "fileUrl");
    assert_eq!(
        (status(&alice.api, url).await, status(&bob.api, url).await),
        (200, 404),
        "before it is posted"
    );

    let room = room(&[&alice, &bob]).await;
    let seq = post(&alice, &room, &[&file]).await;
    assert_eq!((status(&alice.api, url).await, status(&bob.api, url).await), (200, 200));
    assert_eq!((status(&carol.api, url).await, status(&bob.page, url).await), (404, 200));
    assert_eq!(bob.api.get(&format!("/api/files/{}", field(&file, "id"))).await.expect(200), file);

    let path = format!("/api/rooms/{room}");
    bob.api.post(&format!("{path}/leave"), json!({})).await.expect(204);
    assert_eq!(status(&bob.api, url).await, 404, "who left has it no more");
    alice.api.post(&format!("{path}/members"), json!({ "user": carol.id })).await.expect(204);
    assert_eq!(status(&carol.api, url).await, 200, "who came has it");
    alice.api.delete(&format!("{path}/messages/{seq}")).await.expect(200);
    for person in [&alice, &carol] {
        assert_eq!(status(&person.api, url).await, 404, "a deleted message's files are gone at once");
    }
}

#[tokio::test]
async fn who_only_looks_into_a_public_room_has_not_its_files() {
    let server = TestServer::start().await;
    let [alice, bob] = server.people(["alice", "bob"]).await;
    let body = json!({ "kind": "public", "name": "Square" });
    let room = alice.api.post("/api/rooms", body).await.expect(201)["room"].as_str().unwrap().to_owned();
    let file = upload(&alice.api, "a.txt", b"words").await;
    post(&alice, &room, &[&file]).await;
    bob.api.get(&format!("/api/rooms/{room}/messages")).await.expect(200);
    assert_eq!(status(&bob.api, field(&file, "fileUrl")).await, 404);
    bob.api.get(&format!("/api/rooms/{room}/files")).await.refused(403, "forbidden");
    bob.api.post(&format!("/api/rooms/{room}/join"), json!({})).await.expect(200);
    assert_eq!(status(&bob.api, field(&file, "fileUrl")).await, 200);
}

#[tokio::test]
async fn a_file_comes_in_parts_and_only_when_it_changed() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    let bytes = noise(3, 10_000);
    let file = upload(&alice.api, "x.bin", &bytes).await;
    let url = field(&file, "fileUrl");
    let (status, headers, whole) = get_with(&alice.api, url, &[]).await;
    assert_eq!((status, whole.len(), &headers["accept-ranges"]), (200, 10_000, &"bytes".parse().unwrap()));
    assert_eq!(headers["cache-control"], "private, no-cache");
    assert_eq!(headers["content-length"], "10000");
    let etag = headers["etag"].to_str().unwrap();

    let (status, headers, part) = get_with(&alice.api, url, &[("range", "bytes=100-199")]).await;
    assert_eq!((status, part.as_slice()), (206, &bytes[100..200]));
    assert_eq!(headers["content-range"], "bytes 100-199/10000");
    let (status, _, part) = get_with(&alice.api, url, &[("range", "bytes=-10"), ("if-range", etag)]).await;
    assert_eq!((status, part.as_slice()), (206, &bytes[9_990..]));
    let (status, _, part) =
        get_with(&alice.api, url, &[("range", "bytes=0-9"), ("if-range", "\"old\"")]).await;
    assert_eq!((status, part.len()), (200, 10_000));
    let (status, headers, _) = get_with(&alice.api, url, &[("range", "bytes=10000-")]).await;
    assert_eq!((status, headers["content-range"].to_str().unwrap()), (416, "bytes */10000"));
    let (status, headers, body) = get_with(&alice.api, url, &[("if-none-match", etag)]).await;
    assert_eq!((status, body.len(), headers["etag"].to_str().unwrap()), (304, 0, etag));
    let answer = alice.api.request(Method::HEAD, url).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["content-length"].to_str().unwrap()),
        (200, "10000")
    );
    for wrong in [
        format!("{url}x"),
        url.replace(".bin", ".jpg"),
        url.replace(".bin", "-480.webp"),
        url.replace(".bin", ""),
    ] {
        assert_eq!(super::status(&alice.api, &wrong).await, 404, "{wrong}");
    }
}

#[tokio::test]
async fn hostile_names_are_told_and_downloaded_harmlessly() {
    let server = TestServer::start().await;
    let [alice, bob] = server.people(["alice", "bob"]).await;
    let room = room(&[&alice, &bob]).await;
    let emoji = "🦀".repeat(63);
    let long = "x".repeat(2_000);
    for name in [
        "../../../etc/passwd",
        "..\\..\\windows\\system32\\config",
        "a/b/c.txt",
        "%2e%2e%2fescape.txt",
        "new\r\nline: header.txt",
        "nul\0byte.txt",
        "invoice\u{202e}fdp.exe",
        "zero\u{200b}width.txt",
        "CON.txt",
        "\"quoted\"; filename=\"other.html\"",
        "<img src=x onerror=alert(1)>.txt",
        "'; DROP TABLE files; --.txt",
        "${jndi:ldap://x}.txt",
        "-rf.txt",
        "~.txt",
        ".htaccess",
        "....",
        "   ",
        "",
        &emoji,
        &long,
        "שלום עולם.txt",
    ] {
        let file = upload(&alice.api, name, name.as_bytes()).await;
        let kept = field(&file, "fileName");
        assert!(!kept.is_empty() && kept.len() <= 255, "{name:?}: {kept:?}");
        assert!(!kept.contains(['/', '\\', '\r', '\n', '\0', '"', '<', '\u{202e}', '\u{200b}']), "{kept:?}");
        let seq = post(&alice, &room, &[&file]).await;
        let (status, headers, bytes) = get_with(&bob.api, field(&file, "fileUrl"), &[]).await;
        assert_eq!((status, bytes.as_slice()), (200, name.as_bytes()));
        let told = headers["content-disposition"].to_str().unwrap();
        assert!(told.starts_with("attachment; filename=\"") && told.matches('"').count() == 2, "{told}");
        let page = bob.page.get(&format!("/rooms/{room}?at={seq}")).await;
        assert!(page.status.is_success() && !page.text.contains("<img src=x"), "{name:?}");
    }
    let inside = server.app.config.uploads.canonicalize().unwrap();
    assert!(on_disk(&server).iter().all(|path| path.canonicalize().unwrap().starts_with(&inside)));
}
