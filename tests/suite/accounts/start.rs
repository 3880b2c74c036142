use reqwest::Method;
use serde_json::json;

use crate::support::{Client, PASSWORD, Process, client::send};

#[tokio::test]
async fn the_program_starts_with_nothing_set_but_where_and_says_what_it_made() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("parlor");
    let settings = [("PARLOR_BIND", "127.0.0.1:0"), ("PARLOR_DATA", folder.to_str().unwrap())];
    let first = Process::start(&settings);
    let said = first.greeting.join("\n");
    assert!(first.url.starts_with("http://localhost:"), "{said}");
    assert!(said.contains(folder.to_str().unwrap()) && said.contains("Made a new database"), "{said}");
    assert!(said.contains("Made keys"), "{said}");
    let keys = std::fs::read_to_string(folder.join("keys")).unwrap();
    let key = keys.lines().last().unwrap();
    assert!(key.len() == 64 && !said.contains(key), "{said}");

    let [alice] = crate::support::people_at(&first.url, ["alice"]).await;
    assert!(first.terminate(), "ends well when told to");

    let again = Process::start(&settings);
    assert!(!again.greeting.join("\n").contains("Made"), "{:?}", again.greeting);
    let login = json!({"name": "alice", "password": PASSWORD});
    Client::program(&again.url).post("/api/auth/login", login).await.expect(200);
    // Its tokens are for another port's public URL; the session is the same.
    let refresh = json!({"refresh_token": alice.pass["refresh_token"]});
    Client::program(&again.url).post("/api/auth/refresh", refresh).await.expect(200);
}

#[test]
fn a_wrong_setting_stops_the_start_with_one_line_that_names_it() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().to_str().unwrap();
    for (name, value) in [
        ("PARLOR_BIND", "8080"),
        ("PARLOR_PUBLIC_URL", "chat.example"),
        ("PARLOR_REDIS_URL", "redis://127.0.0.1"),
        ("PARLOR_SECRET", "short"),
        ("PARLOR_REGISTRATION", "sometimes"),
        ("PARLOR_BIND", "192.0.2.1:8080"),
    ] {
        let (code, said) = Process::fails(&[("PARLOR_DATA", folder), (name, value)]);
        assert_eq!(code, Some(1), "{said}");
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
        assert!(said.starts_with("parlor: PARLOR_"), "{said}");
    }
    assert!(std::fs::read_dir(folder).unwrap().next().is_none(), "nothing was made");
}

#[test]
fn a_second_server_on_the_same_folder_is_refused_with_one_line() {
    let data = tempfile::tempdir().unwrap();
    let settings = [("PARLOR_BIND", "127.0.0.1:0"), ("PARLOR_DATA", data.path().to_str().unwrap())];
    let first = Process::start(&settings);
    let (code, said) = Process::fails(&settings);
    assert_eq!((code, said.trim_end().lines().count()), (Some(1), 1), "{said}");
    assert!(said.contains(data.path().to_str().unwrap()), "{said}");
    first.kill();
    assert!(Process::start(&settings).terminate());
}

#[tokio::test]
async fn keys_that_others_can_read_are_not_used() {
    let data = tempfile::tempdir().unwrap();
    let settings = [("PARLOR_BIND", "127.0.0.1:0"), ("PARLOR_DATA", data.path().to_str().unwrap())];
    let first = Process::start(&settings);
    send(Client::program(&first.url).request(Method::GET, "/healthz")).await.expect(200);
    assert!(first.terminate());
    use std::os::unix::fs::PermissionsExt;
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(data.path().join("keys"), open).unwrap();
    let (code, said) = Process::fails(&settings);
    assert_eq!((code, said.trim_end().lines().count()), (Some(1), 1), "{said}");
    assert!(said.contains("chmod 600"), "{said}");
}
