use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::json;

use crate::{
    program::{Program, data_folder},
    support::{Client, PASSWORD, people_at},
};

#[tokio::test]
async fn after_a_start_on_the_same_data_everybody_is_still_in() {
    let (_folder, data) = data_folder();
    let first = Program::start(&data, &[]).await;
    let [alice] = people_at(&first.url, ["alice"]).await;
    first.kill().await;

    let again = Program::start(&data, &[]).await;
    let login = json!({"name": "alice", "password": PASSWORD});
    Client::program(&again.url).post("/api/auth/login", login).await.expect(200);
    let refresh = json!({"refresh_token": alice.pass["refresh_token"]});
    Client::program(&again.url).post("/api/auth/refresh", refresh).await.expect(200);
}

#[tokio::test]
async fn keys_that_others_can_read_are_not_used() {
    let (_folder, data) = data_folder();
    Program::start(&data, &[]).await.kill().await;
    fs::set_permissions(data.join("keys"), fs::Permissions::from_mode(0o644)).unwrap();
    let refused = Program::refused(&data, &[]).await;
    assert_eq!((refused.code, refused.said.len()), (Some(1), 1), "{refused:?}");
    assert!(refused.said[0].contains("chmod 600"), "{refused:?}");
}
