//! An acknowledgement waits for the disk: seen in the system calls of the program.

use std::fs;

use serde_json::json;

use crate::{
    people::people,
    program::{Program, data_folder},
    services::until,
};

/// A line of strace's: which thread, what it did, on which file.
#[derive(Debug, Clone, Copy)]
struct Call<'a> {
    thread: &'a str,
    text: &'a str,
}

impl<'a> Call<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let (thread, text) = line.split_once(' ')?;
        Some(Self { thread, text: text.trim_start() })
    }

    /// Begins to sync the write-ahead log.
    fn syncs(self) -> bool {
        (self.text.starts_with("fdatasync(") || self.text.starts_with("fsync("))
            && self.text.contains("-wal>")
    }

    /// Has synced, in one go or after others came in between.
    fn synced(self) -> bool {
        (self.syncs() || self.text.contains("sync resumed>")) && self.text.ends_with("= 0")
    }

    /// Writes this into the write-ahead log.
    fn logs(self, text: &str) -> bool {
        self.text.starts_with("pwrite64(") && self.text.contains("-wal>") && self.text.contains(text)
    }

    /// Sends this to a client.
    fn sends(self, text: &str) -> bool {
        let call =
            ["write(", "writev(", "sendto(", "sendmsg("].iter().any(|name| self.text.starts_with(name));
        call && self.text.contains("<socket:[") && self.text.contains(text)
    }
}

#[tokio::test]
async fn an_acknowledgement_waits_until_the_disk_has_it() {
    let (folder, data) = data_folder();
    let trace = folder.path().join("trace");
    let calls = "pwrite64,write,writev,sendto,sendmsg,fsync,fdatasync";
    let program = Program::traced(&data, calls, &trace).await;
    let [alice] = people(&program.url, ["alice"]).await;
    let (room, text) = (alice.general().await, "marked-d41d8cd98f00b204");
    let answer = alice.post(&format!("/api/rooms/{room}/messages"), json!({ "text": text })).await.ok();
    let tag = answer["tag"].as_str().unwrap();
    program.kill().await;
    until("the trace is written", async || fs::read_to_string(&trace).unwrap().contains("killed by SIGKILL"))
        .await;

    let trace = fs::read_to_string(&trace).unwrap();
    let calls: Vec<Call<'_>> = trace.lines().filter_map(Call::of).collect();
    let written = calls.iter().position(|call| call.logs(text)).expect("it was never written");
    let told = calls.iter().position(|call| call.sends(tag)).expect("it was never acknowledged");
    assert!(written < told);
    let between = &calls[written..told];
    let synced = between.iter().enumerate().filter(|(_, call)| call.syncs()).any(|(begun, sync)| {
        between[begun..].iter().find(|call| call.thread == sync.thread && call.synced()).is_some()
    });
    assert!(synced, "acknowledged before it was synced: {between:#?}");
}
