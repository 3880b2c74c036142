//! The real program, as an operator starts it.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

/// How long a start may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running `parlor`.
pub(crate) struct Process {
    /// Where it serves, without a slash at the end.
    pub(crate) url: String,
    /// What it has printed at its start.
    pub(crate) greeting: Vec<String>,
    child: Child,
}

impl Process {
    /// Starts it with these settings and none of the environment's.
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        let mut child = command(settings).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, printed) = mpsc::channel();
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut greeting = Vec::new();
        let url = loop {
            let line = printed.recv_timeout(PATIENCE).expect("parlor doesn't say where it serves");
            greeting.push(line.clone());
            if let Some(rest) = line.strip_prefix("Parlor serves ") {
                break rest.split(' ').next().unwrap().to_owned();
            }
        };
        while let Ok(line) = printed.recv_timeout(Duration::from_millis(300)) {
            greeting.push(line);
        }
        Self { url, greeting, child }
    }

    /// Ends it without warning.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Tells it to stop, and waits for it. Returns whether it ended well.
    pub(crate) fn terminate(mut self) -> bool {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
        self.child.wait().unwrap().success()
    }

    /// What it says when it can't start: its exit code, and its lines.
    pub(crate) fn fails(settings: &[(&str, &str)]) -> (Option<i32>, String) {
        let output = command(settings).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PARLOR_")) {
        command.env_remove(name);
    }
    command.envs(settings.iter().copied());
    command
}
