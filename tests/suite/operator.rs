//! What an operator does by hand.

use std::path::Path;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    people::{Answer, Person, nonce},
    program::{House, Program, data_folder},
    services::{mongodb_url, redis_url},
};

/// What stands after these words in a line of what was said.
fn after<'a>(said: &'a str, words: &str) -> &'a str {
    said.lines().find_map(|line| line.strip_prefix(words)).unwrap_or_else(|| panic!("{words:?} in {said:?}"))
}

async fn log_in(url: &str, name: &str, password: &str) -> Answer {
    let asked = json!({ "name": name, "password": password });
    Answer::to(reqwest::Client::new().post(format!("{url}/api/auth/login")).json(&asked)).await
}

/// Uploads a file, as `curl -F` does.
async fn upload(person: &Person, name: &str, text: &str) -> Value {
    let body = format!(
        "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{text}\r\n--edge--\r\n"
    );
    let request = person.request(Method::POST, "/api/files").body(body);
    let request = request.header("content-type", "multipart/form-data; boundary=edge");
    Answer::to(request.header("idempotency-key", nonce())).await.ok()
}

async fn succeeds(data: &Path, order: &[&str]) -> String {
    let (succeeded, said) = Program::order(data, &[], order).await;
    assert!(succeeded, "{order:?}: {said}");
    said
}

#[tokio::test]
async fn an_account_is_made_while_the_server_serves_and_registration_is_closed() {
    let house = House::with(&[("PARLOR_REGISTRATION", "closed")]).await;
    let said = succeeds(&house.data(), &["user", "create", "olga", "--display", "Olga P."]).await;
    assert!(said.starts_with("Made olga, who owns the server\n"), "{said}");
    let answer = log_in(&house.url, "olga", after(&said, "Password: ")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);

    let said = succeeds(&house.data(), &["user", "create", "bob"]).await;
    assert!(said.starts_with("Made bob\n"), "{said}");
    assert_eq!(log_in(&house.url, "bob", after(&said, "Password: ")).await.status, StatusCode::OK);

    let (succeeded, said) = Program::order(&house.data(), &[], &["user", "create", "bob"]).await;
    assert!(!succeeded && said.starts_with("parlor: ") && said.contains("already"), "{said}");
    let (succeeded, said) = Program::order(&house.data(), &[], &["user", "create", "not a name"]).await;
    assert!(!succeeded && said.lines().count() == 1, "{said}");
}

#[tokio::test]
async fn a_reset_password_replaces_the_old_one_and_ends_every_session() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let mut socket = alice.socket().await;

    let said = succeeds(&house.data(), &["user", "reset-password", "alice"]).await;
    let closed = socket.closed().await;
    assert!(closed.is_some(), "her socket is closed");
    assert_eq!(alice.ask(Method::GET, "/api/me", None).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(log_in(&house.url, "alice", crate::people::PASSWORD).await.code(), "wrong_credentials");
    let answer = log_in(&house.url, "alice", after(&said, "New password: ")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);

    let (succeeded, said) = Program::order(&house.data(), &[], &["user", "reset-password", "nobody"]).await;
    assert!(!succeeded && said == "parlor: Nobody has this name.\n", "{said}");
}

#[tokio::test]
async fn an_account_is_made_before_the_server_first_serves() {
    let (_folder, data) = data_folder();
    let said = succeeds(&data, &["user", "create", "olga"]).await;
    let server = Program::start(&data, &[]).await;
    assert!(!server.greeting.contains("Nobody owns"), "{}", server.greeting);
    assert_eq!(log_in(&server.url, "olga", after(&said, "Password: ")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn in_a_cluster_a_command_reaches_every_node() {
    let (mongodb, redis) = (mongodb_url(), redis_url());
    let settings = [
        ("PARLOR_MONGODB_URL", mongodb.as_str()),
        ("PARLOR_REDIS_URL", redis.as_str()),
        ("PARLOR_SECRET", "0123456789abcdef0123456789abcdef"),
    ];
    let (_folder, data) = data_folder();
    let node = Program::start(&data, &settings).await;
    let alice = Person::register(&node.url, "alice").await;
    let mut socket = alice.socket().await;

    let elsewhere = TempDir::new().unwrap();
    let order = ["user", "reset-password", "alice"];
    let (succeeded, said) = Program::order(elsewhere.path(), &settings, &order).await;
    assert!(succeeded, "{said}");
    assert!(socket.closed().await.is_some(), "her socket is closed");
    let answer = log_in(&node.url, "alice", after(&said, "New password: ")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
}

#[tokio::test]
async fn a_backup_taken_while_people_write_is_restored_whole() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let room = alice.general().await;
    for n in 0..50 {
        alice.say(&room, &format!("before {n}")).await;
    }
    let file = upload(&alice, "tide.txt", "low at noon").await;
    alice
        .post(&format!("/api/rooms/{room}/messages"), json!({ "text": "", "files": [file["id"]] }))
        .await
        .ok();
    let folder = TempDir::new().unwrap();
    let copy = folder.path().join("copy");
    let mut said = vec![];
    let backup = async { succeeds(&house.data(), &["backup", copy.to_str().unwrap()]).await };
    let writing = async {
        for n in 0..50 {
            said.push(alice.say(&room, &format!("meanwhile {n}")).await);
        }
    };
    let (told, ()) = tokio::join!(backup, writing);
    assert!(told.contains("Copied the database"), "{told}");

    let (_elsewhere, data) = data_folder();
    let restored = Program::order(&data, &[], &["restore", copy.to_str().unwrap()]).await;
    assert!(restored.0, "{}", restored.1);
    let server = Program::start(&data, &[]).await;
    let again = Person::login(&server.url, "alice").await;
    let kept = again.get(file["fileUrl"].as_str().unwrap()).await;
    assert_eq!((kept.status, kept.text.as_str()), (StatusCode::OK, "low at noon"));
    let page = again.get(&format!("/api/rooms/{room}/messages?limit=100")).await.ok();
    let texts: Vec<_> =
        page["messages"].as_array().unwrap().iter().map(|it| it["text"].as_str().unwrap()).collect();
    assert!((0..50).all(|n| texts.contains(&format!("before {n}").as_str())), "{texts:?}");
    let keys = |data: &Path| std::fs::read(data.join("keys")).unwrap();
    assert_eq!(keys(&data), keys(&house.data()), "what was signed there counts here");
    again.say(&room, "afterwards").await;
}

#[tokio::test]
async fn a_backup_or_restore_overwrites_nothing() {
    let house = House::open().await;
    let folder = TempDir::new().unwrap();
    let copy = folder.path().join("copy");
    let copy = copy.to_str().unwrap();
    succeeds(&house.data(), &["backup", copy]).await;
    for (order, why) in [(["backup", copy], "isn't empty"), (["restore", copy], "in use")] {
        let (succeeded, said) = Program::order(&house.data(), &[], &order).await;
        assert!(!succeeded && said.contains(why), "{order:?}: {said}");
    }
    let (_elsewhere, data) = data_folder();
    succeeds(&data, &["restore", copy]).await;
    for (from, why) in [(copy, "has a database already"), ("/nowhere", "has a database already")] {
        let (succeeded, said) = Program::order(&data, &[], &["restore", from]).await;
        assert!(!succeeded && said.contains(why), "{from}: {said}");
    }
    let (_fresh, data) = data_folder();
    let (succeeded, said) = Program::order(&data, &[], &["restore", "/nowhere"]).await;
    assert!(!succeeded && said.contains("holds no backup"), "{said}");
}

#[tokio::test]
async fn a_check_tells_what_is_sound_and_what_is_damaged() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let room = alice.general().await;
    alice.say(&room, "one").await;
    alice.say(&room, "two").await;
    let said = succeeds(&house.data(), &["check"]).await;
    assert!(said.contains("Sound: 2 streams, ") && said.contains(" 2 messages"), "{said}");

    let folder = TempDir::new().unwrap();
    let copy = folder.path().join("copy");
    succeeds(&house.data(), &["backup", copy.to_str().unwrap()]).await;
    let db = rusqlite::Connection::open(copy.join("parlor.db")).unwrap();
    db.execute("DELETE FROM messages WHERE seq = 1", []).unwrap();
    drop(db);
    let (succeeded, said) = Program::order(&copy, &[], &["check"]).await;
    assert!(!succeeded && said.contains("message 1 isn't there"), "{said}");
}
