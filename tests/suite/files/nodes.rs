//! Two nodes with one folder: an upload goes on at either.

use super::*;
use crate::{
    program::{Program, data_folder},
    services::{RedisServer, mongodb_url},
};

#[tokio::test]
async fn an_upload_goes_on_at_another_node_and_is_had_at_both() {
    let (redis, mongodb) = (RedisServer::start().await, mongodb_url());
    let url = redis.url();
    let settings = [
        ("PARLOR_MONGODB_URL", mongodb.as_str()),
        ("PARLOR_REDIS_URL", &url),
        ("PARLOR_SECRET", "0123456789abcdef0123456789abcdef"),
    ];
    let (_folder, data) = data_folder();
    let nodes = [Program::start(&data, &settings).await, Program::start(&data, &settings).await];
    let [alice, bob] = people_at(&nodes[0].url, ["alice", "bob"]).await;
    let (here, there) = (at(&nodes[0].url, &alice).await, at(&nodes[1].url, &alice).await);
    let his = at(&nodes[1].url, &bob).await;

    for seed in 0..3 {
        let bytes = noise(seed, 1_000_000);
        let path = begin(&here, "both.bin", bytes.len()).await;
        for (n, cut) in [700_000, 300_001, 123_456, 77].into_iter().enumerate() {
            let client = [&here, &there][n % 2];
            let stands = offset(client, &path).await.unwrap();
            let rest = &bytes[stands..];
            add_and_break_off(client, &path, stands, rest, cut.min(rest.len() - 1)).await;
            // Until the connection is found out, the other node may be told to wait.
            let other = [&here, &there][(n + 1) % 2];
            until("the other node goes on", async || {
                let Some(stands) = offset(other, &path).await else { return false };
                add(other, &path, stands, &bytes[stands..(stands + 10).min(bytes.len() - 1)])
                    .await
                    .status
                    .as_u16()
                    == 204
            })
            .await;
        }
        go_on(&there, &path, &bytes).await;
        let file = file_of(&here, &path).await;
        for client in [&here, &there] {
            let (_, headers, came) = download(client, field(&file, "fileUrl")).await;
            assert!(came == bytes);
            assert_eq!(headers["etag"], format!("\"{}\"", sha256(&bytes)));
        }
        // Posted at one node, it is had by a member at the other at once, and gone there at once when it is deleted.
        let room = room(&[&alice, &bob]).await;
        let seq = post(&alice, &room, &[&file]).await;
        assert_eq!(status(&his, field(&file, "fileUrl")).await, 200);
        here.delete(&format!("/api/rooms/{room}/messages/{seq}")).await.expect(200);
        assert_eq!(status(&his, field(&file, "fileUrl")).await, 404);
    }
}
