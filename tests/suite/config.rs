//! How the program starts, and how it refuses to.

use std::os::unix::fs::PermissionsExt;

use crate::{
    program::{Program, Refused, data_folder},
    services::{free_port, provided, redis_url},
};

impl Refused {
    /// The one line that it ended with.
    fn line(&self) -> &str {
        assert_eq!(self.code, Some(1), "{self:?}");
        assert_eq!(self.said.len(), 1, "{self:?}");
        self.said[0].strip_prefix("parlor: ").unwrap()
    }
}

#[tokio::test]
async fn a_wrong_setting_stops_the_start_with_one_line_that_names_it() {
    for (name, value) in [
        ("PARLOR_BIND", "everywhere"),
        ("PARLOR_BIND", "127.0.0.1:99999"),
        ("PARLOR_PUBLIC_URL", "chat.example"),
        ("PARLOR_PUBLIC_URL", "https://chat.example/path"),
        ("PARLOR_NAME", "a\nb"),
        ("PARLOR_REGISTRATION", "sometimes"),
        ("PARLOR_TRUSTED_PROXIES", "10.0.0.0/8,proxy"),
        ("PARLOR_MONGODB_URL", "mongodb://127.0.0.1"),
        ("PARLOR_REDIS_URL", "redis://127.0.0.1"),
        ("PARLOR_SECRET", "short"),
        ("PARLOR_POST_RATE", "0"),
        ("PARLOR_POST_BURST", "-1"),
        ("PARLOR_LOGIN_RATE", "1.5"),
        ("PARLOR_LOGIN_TRIES", "five"),
        ("PARLOR_MAX_BODY", "99999999999999999999"),
        ("PARLOR_MAX_CONNECTIONS", "0"),
        ("PARLOR_MAX_CONNECTIONS_PER_ADDRESS", "x"),
        ("PARLOR_MESH_PEOPLE", "9"),
        ("PARLOR_HEADER_TIMEOUT", "1s"),
        ("PARLOR_REQUEST_TIMEOUT", "0"),
        ("PARLOR_MAILBOX", "1"),
        ("PARLOR_METRICS_TOKEN", "short"),
        ("PARLOR_PUBLIC_ADDRESS", "chat.example"),
        ("PARLOR_TURN_BIND", "3478"),
        ("PARLOR_TURN_PORTS", "9-8"),
        ("PARLOR_TURN_PEERS", "home"),
        ("PARLOR_TURN_ALLOCATIONS", "0"),
        ("PARLOR_TURN_ALLOCATIONS_PER_PERSON", "0"),
        ("PARLOR_TURN_BANDWIDTH", "0"),
        ("PARLOR_LOG", "info,=,"),
        ("PARLOR_LOG_FORMAT", "xml"),
    ] {
        let (_folder, data) = data_folder();
        let refused = Program::refused(&data, &[(name, value)]).await;
        let line = refused.line();
        assert!(line.contains(name) && line.contains("; found "), "{line}");
        assert!(!data.exists(), "{name}: nothing is made before the settings are right");
    }
}

#[tokio::test]
async fn a_cluster_without_its_secret_does_not_start() {
    let (_folder, data) = data_folder();
    let redis = redis_url();
    let settings = [("PARLOR_MONGODB_URL", provided("PARLOR_TEST_MONGODB_URL")), ("PARLOR_REDIS_URL", redis)];
    let refused =
        Program::refused(&data, &settings.each_ref().map(|(name, value)| (*name, value.as_str()))).await;
    assert!(refused.line().starts_with("PARLOR_SECRET: "), "{refused:?}");
}

#[tokio::test]
async fn services_that_are_not_there_stop_the_start_with_one_line() {
    let nowhere = free_port();
    let secret = ("PARLOR_SECRET", "0123456789abcdef0123456789abcdef");
    let (mongodb, redis) = (provided("PARLOR_TEST_MONGODB_URL"), redis_url());
    let no_mongodb = format!("mongodb://somebody:hunter2@127.0.0.1:{nowhere}/parlor");
    let no_redis = format!("redis://somebody:hunter2@127.0.0.1:{nowhere}");
    for (mongodb, redis, name) in
        [(&no_mongodb, &redis, "PARLOR_MONGODB_URL: "), (&mongodb, &no_redis, "PARLOR_REDIS_URL: ")]
    {
        let (_folder, data) = data_folder();
        let settings =
            [secret, ("PARLOR_MONGODB_URL", mongodb.as_str()), ("PARLOR_REDIS_URL", redis.as_str())];
        let refused = Program::refused(&data, &settings).await;
        let line = refused.line();
        assert!(line.starts_with(name) && line.contains(&nowhere.to_string()), "{line}");
        assert!(!line.contains("hunter2"), "{line}");
    }
}

#[tokio::test]
async fn a_second_server_on_the_same_data_is_refused_and_the_first_goes_on() {
    let (_folder, data) = data_folder();
    let first = Program::start(&data, &[]).await;
    let second = Program::refused(&data, &[]).await;
    assert!(second.line().contains(data.to_str().unwrap()), "{second:?}");
    assert!(reqwest::get(format!("{}/readyz", first.url)).await.unwrap().status().is_success());

    first.kill().await;
    let third = Program::start(&data, &[]).await;
    assert!(!third.greeting.contains("Made"), "{}", third.greeting);
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let (_folder, data) = data_folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = Program::refused(&data, &[("PARLOR_BIND", &address)]).await;
    assert!(refused.line().starts_with("PARLOR_BIND: ") && refused.line().contains(&address), "{refused:?}");
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let data = file.path().join("data");
    let refused = Program::refused(&data, &[]).await;
    assert!(refused.line().contains(data.to_str().unwrap()), "{refused:?}");
}

#[tokio::test]
async fn the_first_start_says_what_it_made_and_only_its_owner_can_read_it() {
    let (_folder, data) = data_folder();
    let program = Program::start(&data, &[]).await;
    let keys = data.join("keys");
    for made in [data.as_path(), keys.as_path()] {
        assert!(program.greeting.contains(made.to_str().unwrap()), "{}", program.greeting);
    }
    let secret = std::fs::read_to_string(&keys).unwrap();
    let tells = secret.split('"').filter(|part| part.len() > 16).any(|part| program.greeting.contains(part));
    assert!(!tells, "the greeting holds a key");
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(data.clone()), 0o700);
    for entry in std::fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(path.clone()) & 0o077, 0, "{}", path.display());
    }
}

#[tokio::test]
async fn the_owner_of_a_server_for_others_gets_in_by_a_link() {
    let (_folder, data) = data_folder();
    let program = Program::start(&data, &[]).await;
    assert!(
        !program.greeting.contains("http://localhost:8080/")
            && program.greeting.contains("who registers first")
    );

    let (_folder, data) = data_folder();
    let refused_host = [("PARLOR_PUBLIC_URL", "https://chat.example")];
    let program = Program::start(&data, &refused_host).await;
    assert!(program.greeting.contains(" https://chat.example/"), "{}", program.greeting);
}
