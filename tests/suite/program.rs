//! The program, as an operator starts it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use tempfile::{NamedTempFile, TempDir};
use tokio::{
    process::{Child, Command},
    time::timeout,
};

use crate::{
    people::{Person, people},
    services::{PATIENCE, provided, signal, until},
};

/// A node that serves; it is killed when this is dropped.
pub(crate) struct Program {
    /// Where it serves, as it said.
    pub(crate) url: String,
    /// What it said when it started.
    pub(crate) greeting: String,
    child: Child,
}

/// How a program that didn't start ended.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The status it left.
    pub(crate) code: Option<i32>,
    /// All that it said on both outputs.
    pub(crate) said: Vec<String>,
}

/// A folder for a node's data, which isn't there yet.
pub(crate) fn data_folder() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    (folder, data)
}

/// A node on SQLite, with a data folder of its own and rates that no test comes near.
pub(crate) struct House {
    /// Where it serves.
    pub(crate) url: String,
    program: Program,
    folder: TempDir,
}

impl House {
    /// As it is when nothing else is set.
    pub(crate) async fn open() -> Self {
        Self::with(&[]).await
    }

    /// With these settings besides.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let (folder, data) = data_folder();
        let usual = [
            ("PARLOR_LOGIN_RATE", "100000"),
            ("PARLOR_POST_RATE", "1000000"),
            ("PARLOR_POST_BURST", "100000"),
        ];
        let program = Program::start(&data, &[&usual, settings].concat()).await;
        Self { url: program.url.clone(), program, folder }
    }

    /// People who just registered, the first of all owning the server.
    pub(crate) async fn people<const N: usize>(&self, names: [&str; N]) -> [Person; N] {
        people(&self.url, names).await
    }

    /// The address and port that it listens on.
    pub(crate) fn address(&self) -> String {
        self.url.replace("http://localhost", "127.0.0.1")
    }

    /// The folder of its data.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Tells it to go down.
    pub(crate) fn terminate(&self) {
        self.program.signal("-TERM");
    }
}

/// The one that was built with the tests, unless who measures has another.
fn parlor() -> Command {
    let program = std::env::var("PARLOR_TEST_PROGRAM");
    Command::new(program.as_deref().unwrap_or(env!("CARGO_BIN_EXE_parlor")))
}

/// Nothing of the environment that the tests run in may decide how the program starts.
fn with(mut command: Command, data: &Path, settings: &[(&str, &str)]) -> Command {
    let inherited = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PARLOR_"));
    for (name, _) in inherited {
        command.env_remove(name);
    }
    command.env("PARLOR_BIND", "127.0.0.1:0").env("PARLOR_DATA", data);
    command.env("PARLOR_UPLOADS", data.with_file_name("uploads")).envs(settings.iter().copied());
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// One of the operator's commands, to be run.
pub(crate) fn ordered(data: &Path, settings: &[(&str, &str)], order: &[&str]) -> Command {
    let mut command = parlor();
    command.args(order);
    with(command, data, settings)
}

impl Program {
    /// Starts it, and waits until it serves.
    pub(crate) async fn start(data: &Path, settings: &[(&str, &str)]) -> Self {
        Self::of(parlor(), data, settings).await
    }

    /// The same, with a trace of these system calls written to a file.
    pub(crate) async fn traced(data: &Path, calls: &str, trace: &Path) -> Self {
        let mut strace = Command::new("strace");
        // The tracer goes into the background, so that the child is the program.
        strace.args(["-D", "-f", "-y", "-s", "65536", "-e", &format!("trace={calls}"), "-o"]);
        strace.arg(trace).arg(env!("CARGO_BIN_EXE_parlor"));
        Self::of(strace, data, &[]).await
    }

    /// The same, where its uploads lie on a disk of so many MiB that is its own.
    pub(crate) async fn on_a_small_disk(data: &Path, mebibytes: u32) -> Self {
        let mut command = Command::new("unshare");
        let mount = format!(
            "mkdir -p \"$PARLOR_UPLOADS\" && mount -t tmpfs -o size={mebibytes}m tmpfs \"$PARLOR_UPLOADS\" && exec \"$0\""
        );
        command.args(["--map-root-user", "--mount", "sh", "-c", &mount, env!("CARGO_BIN_EXE_parlor")]);
        Self::of(command, data, &[]).await
    }

    /// The same, by a clock that a test can move: this file says how much later it is.
    pub(crate) async fn by_the_clock(data: &Path, settings: &[(&str, &str)], clock: &Path) -> Self {
        let mut command = parlor();
        command.env("LD_PRELOAD", provided("PARLOR_TEST_FAKETIME"));
        command.env("FAKETIME_TIMESTAMP_FILE", clock).env("FAKETIME_CACHE_DURATION", "1");
        // What is measured, timers say, goes on as it did: it is the date that changes.
        command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        Self::of(command, data, settings).await
    }

    async fn of(command: Command, data: &Path, settings: &[(&str, &str)]) -> Self {
        let said = NamedTempFile::new().unwrap();
        let read = || fs::read_to_string(&said).unwrap();
        let child = with(command, data, settings).stdout(said.reopen().unwrap()).spawn().unwrap();
        let place = || {
            let said = read();
            let (url, rest) = said.strip_prefix("Parlor serves ")?.split_once(" on ")?;
            Some((url.to_owned(), rest.split_once('\n')?.0.to_owned()))
        };
        until("the program says where it serves", async || place().is_some()).await;
        let (url, address) = place().unwrap();
        let alive = format!("http://{address}/healthz");
        until("it answers", async || reqwest::get(&alive).await.is_ok()).await;
        Self { url, greeting: read(), child }
    }

    /// Runs it where it should not start, and returns how it ended.
    pub(crate) async fn refused(data: &Path, settings: &[(&str, &str)]) -> Refused {
        let output = with(parlor(), data, settings).output();
        let output =
            timeout(PATIENCE, output).await.unwrap_or_else(|_| panic!("it started with {settings:?}"));
        let output = output.unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap().lines().map(str::to_owned).collect();
        Refused { code: output.status.code(), said }
    }

    /// Runs one of the operator's commands; returns whether it succeeded, and all that it said.
    pub(crate) async fn order(data: &Path, settings: &[(&str, &str)], order: &[&str]) -> (bool, String) {
        let output = timeout(PATIENCE, ordered(data, settings, order).output()).await;
        let output = output.unwrap_or_else(|_| panic!("{order:?} takes too long")).unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.success(), said)
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, what: &str) {
        signal(self.child.id().expect("it runs"), what);
    }

    /// Tells it to go down, and waits until it has.
    pub(crate) async fn go_down(mut self) {
        self.signal("-TERM");
        let ended = timeout(PATIENCE, self.child.wait()).await.expect("it goes down in time").unwrap();
        assert!(ended.success(), "{ended}");
    }

    /// Ends it without warning.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}
