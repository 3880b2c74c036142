//! The server that is measured: a process of its own, on a core of its own.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{Options, Result, http::Http};

/// What the kernel counts CPU time in; Linux has had 100 a second on every common machine.
const TICKS: u64 = 100;
/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Settings that protect a server from what this program does. The report names them.
pub(crate) const LIFTED: &[(&str, &str)] = &[
    ("PARLOR_POST_RATE", "60000000"),
    ("PARLOR_POST_BURST", "1000000"),
    ("PARLOR_LOGIN_RATE", "1000000"),
    ("PARLOR_MAX_CONNECTIONS", "1000000"),
    ("PARLOR_MAX_CONNECTIONS_PER_ADDRESS", "1000000"),
];

/// Keeps this program off the server's core.
pub(crate) fn keep_to_own_core() {
    let own = std::process::id().to_string();
    // Where there is no taskset or one core alone, the figures say less, and the report says so.
    let _ = Command::new("taskset")
        .args(["-acp", "1", &own])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

/// A running server.
pub(crate) struct Host {
    child: Child,
    /// Host and port.
    pub(crate) address: String,
    /// How long it took from the start to its first answer.
    pub(crate) started: Duration,
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Host {
    /// Starts the bare broadcaster.
    pub(crate) async fn bare() -> Result<Self> {
        let mut command = pinned(&std::env::current_exe()?);
        command.arg("--bare");
        Self::start(command, false, |line| line.strip_prefix("bare on ").map(str::to_owned)).await
    }

    /// Starts Parlor on a data folder.
    pub(crate) async fn parlor(options: &Options, data: &Path) -> Result<Self> {
        Self::node(options, data, pinned(&program(options)?)).await
    }

    /// Starts so many nodes of one community, on whatever core is free: together they are more than one can bear.
    pub(crate) async fn cluster(options: &Options, data: &Path, count: usize) -> Result<Vec<Self>> {
        if options.mongodb_url.is_none() {
            return Err("nodes meet in MongoDB and Redis: --mongodb-url and --redis-url say where".into());
        }
        let mut nodes = Vec::<Self>::with_capacity(count);
        for n in 0..count {
            let mut command = Command::new(program(options)?);
            if let Some(first) = nodes.first() {
                // To people they are one server.
                let port = first.address.rsplit_once(':').ok_or("no port")?.1;
                command.env("PARLOR_PUBLIC_URL", format!("http://localhost:{port}"));
            }
            nodes.push(Self::node(options, &data.join(n.to_string()), command).await?);
        }
        Ok(nodes)
    }

    async fn node(options: &Options, data: &Path, mut command: Command) -> Result<Self> {
        command
            .envs(LIFTED.iter().copied())
            .env("PARLOR_BIND", "127.0.0.1:0")
            .env("PARLOR_DATA", data)
            .env("PARLOR_UPLOADS", data.with_file_name("uploads"));
        command.env("PARLOR_LOG", "warn");
        if let (Some(mongodb), Some(redis)) = (&options.mongodb_url, &options.redis_url) {
            command.env("PARLOR_MONGODB_URL", mongodb).env("PARLOR_REDIS_URL", redis);
            command.env("PARLOR_SECRET", "a secret of at least thirty-two characters");
        }
        Self::start(command, true, |line| Some(line.split_once(" on ")?.1.to_owned())).await
    }

    async fn start(
        mut command: Command,
        answers: bool,
        place: impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let begun = Instant::now();
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        let address = loop {
            let line = lines.next().ok_or("the server ended at once")??;
            if let Some(address) = place(&line) {
                break address;
            }
        };
        // What else it says must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let mut host = Self { child, address, started: Duration::ZERO };
        let http = Http::new(&host.address);
        while answers && http.get("/healthz", &[]).await.is_err() {
            if begun.elapsed() > PATIENCE {
                return Err("the server doesn't answer".into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        host.started = begun.elapsed();
        Ok(host)
    }

    /// What it counts of itself under this name.
    pub(crate) async fn counted(&self, name: &str) -> Result<f64> {
        let page = Http::new(&self.address).get("/metrics", &[]).await?.body;
        let page = String::from_utf8_lossy(&page).into_owned();
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(value.unwrap_or("0").parse()?)
    }

    /// CPU time that it has used.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields: Vec<&str> = stat.rsplit_once(") ").ok_or("no stat")?.1.split(' ').collect();
        let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
        Ok(Duration::from_millis(ticks * 1_000 / TICKS))
    }

    /// Memory of its own, in bytes.
    pub(crate) fn memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no status")?;
        let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib * 1024)
    }
}

fn program(options: &Options) -> Result<PathBuf> {
    match &options.server {
        Some(program) => Ok(program.clone()),
        None => Ok(std::env::current_exe()?.with_file_name("parlor")),
    }
}

fn pinned(program: &Path) -> Command {
    let taskset = PathBuf::from("/usr/bin/taskset");
    if taskset.exists() {
        let mut command = Command::new(taskset);
        command.args(["-c", "0"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}
