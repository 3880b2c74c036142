//! A server that is killed in the middle of uploads, and a disk that is full.

use tokio::task::JoinSet;

use super::*;
use crate::program::{Program, data_folder};

#[tokio::test]
async fn a_server_that_is_killed_leaves_nothing_behind_after_the_sweep() {
    let (_folder, data) = data_folder();
    let uploads = data.with_file_name("uploads");
    let program = Program::start(&data, &[("PARLOR_UPLOAD_KEPT", "2")]).await;
    let [alice] = people_at(&program.url, ["alice"]).await;
    let room = room(&[&alice]).await;
    let kept = upload(&alice.api, "kept.bin", &noise(1, 1_000)).await;
    post(&alice, &room, &[&kept]).await;

    let mut sends = JoinSet::new();
    for seed in 0..8 {
        let mut client = Client::program(&program.url);
        client.token = alice.api.token.clone();
        sends.spawn(async move {
            let bytes = noise(seed, 2_000_000);
            let path = begin(&client, "x", bytes.len()).await;
            add_and_break_off(&client, &path, 0, &bytes, 1_500_000).await;
            // And by a form, whose end never comes.
            let authority = client.url.trim_start_matches("http://");
            let mut wire = TcpStream::connect(authority).await.unwrap();
            let head = format!(
                "POST /api/files HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {}\r\n\
                 Content-Type: multipart/form-data; boundary=edge\r\nContent-Length: 9000000\r\n\r\n--edge\r\n\
                 Content-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n",
                client.token.as_deref().unwrap()
            );
            wire.write_all(head.as_bytes()).await.unwrap();
            wire.write_all(&bytes).await.unwrap();
            wire
        });
    }
    let wires = sends.join_all().await;
    until("much has arrived", async || files_under(&uploads).len() > 12).await;
    program.kill().await;
    drop(wires);
    assert!(files_under(&uploads).len() > 12, "killed in the middle");

    let program = Program::start(&data, &[("PARLOR_UPLOAD_KEPT", "2")]).await;
    until("all but what is used is swept", async || files_under(&uploads).len() == 1).await;
    let client = at(&program.url, &alice).await;
    assert_eq!(download(&client, field(&kept, "fileUrl")).await.2, noise(1, 1_000));
}

#[tokio::test]
async fn a_full_disk_is_told_and_left_as_it_was() {
    const MIB: usize = 1 << 20;
    let (_folder, data) = data_folder();
    let program = Program::on_a_small_disk(&data, 4).await;
    let [alice] = people_at(&program.url, ["alice"]).await;
    let kept = upload(&alice.api, "kept.bin", &noise(1, MIB)).await;
    for round in 0..3 {
        let path = begin(&alice.api, "large.bin", 6 * MIB).await;
        add(&alice.api, &path, 0, &noise(round, 6 * MIB)).await.refused(503, "storage_full");
        assert_eq!(offset(&alice.api, &path).await, None, "the upload is gone");
        post_form(&alice.api, &[("large.bin", &noise(round, 6 * MIB))]).await.refused(503, "storage_full");
    }
    let used = alice.api.get("/api/uploads/limits").await.expect(200)["person_used"].as_u64();
    assert_eq!(used, Some(MIB as u64));
    // Hardly more than this is free, so nothing else is there.
    let bytes = noise(9, 2 * MIB + MIB / 2);
    let more = upload(&alice.api, "more.bin", &bytes).await;
    assert!(download(&alice.api, field(&more, "fileUrl")).await.2 == bytes);
    assert_eq!(download(&alice.api, field(&kept, "fileUrl")).await.2.len(), MIB);
}
