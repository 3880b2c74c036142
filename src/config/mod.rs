//! Every setting, checked: a [`Config`] can be run with. What isn't set follows from what is.

mod check;
mod networks;
mod settings;
#[cfg(test)]
mod tests;
mod turn;
mod url;

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
    time::Duration,
};

pub use networks::Networks;
pub use settings::Settings;
pub use turn::TurnConfig;
pub use url::{PublicUrl, host_of, is_loopback_host};

use check::{
    cluster, count, files, log, log_format, metrics_token, name, number, optional, parsed, registration,
    seconds, secrets, set, trusted_proxies,
};

/// A setting that can't be run with. One line, which names it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: expected {expected}; found {found}")]
pub struct Wrong {
    name: &'static str,
    expected: String,
    found: String,
}

/// A text that must not be seen in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Where the nodes of one community meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The store; may hold a password.
    pub mongodb_url: Secret,
    /// The bus; may hold a password.
    pub redis_url: Secret,
}

/// Who may make an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// Anyone.
    Open,
    /// Who has an invitation.
    Link,
    /// Nobody.
    Closed,
}

/// How often something may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// On average.
    pub per_minute: NonZeroU32,
    /// At once.
    pub burst: NonZeroU32,
}

/// How much may be uploaded, and for how long it waits to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileLimits {
    /// The most bytes of a file.
    pub file: u64,
    /// The most bytes that a person may keep.
    pub person: u64,
    /// The most bytes of all together; none where only the disk sets a limit.
    pub server: Option<u64>,
    /// How long an upload may take, and how long a file waits for a message.
    pub kept: Duration,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// A JSON object a line.
    Json,
}

/// Every setting, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub bind: SocketAddr,
    /// What people type to get here.
    pub public_url: PublicUrl,
    /// The server's name, as people see it.
    pub name: String,
    /// Folder for all that is kept on this machine.
    pub data: PathBuf,
    /// Folder for what people upload.
    pub uploads: PathBuf,
    /// How much they may.
    pub files: FileLimits,
    /// Where the nodes meet; none for a node that is alone.
    pub cluster: Option<Cluster>,
    /// Shared secrets, the one that signs first; none where a node that is alone makes its own.
    pub secrets: Vec<Secret>,
    /// Whose `X-Forwarded-For` counts.
    pub trusted_proxies: Networks,
    /// Who may make an account.
    pub registration: Registration,
    /// How often a person may change something.
    pub posts: Rate,
    /// How often an address may try to log in or register.
    pub logins: Rate,
    /// Wrong passwords for one name from one address before it has to wait.
    pub login_tries: u32,
    /// The most bytes of a request's body, uploads aside.
    pub max_body: usize,
    /// The most connections in all.
    pub max_connections: usize,
    /// The most connections of one address.
    pub max_connections_per_address: usize,
    /// How long a client may take to send a request's head.
    pub header_timeout: Duration,
    /// How long a request may take in all, uploads and downloads aside.
    pub request_timeout: Duration,
    /// Frames that may wait for a slow socket before it is closed.
    pub mailbox: usize,
    /// People who may be in a call, each linked to each other.
    pub mesh_people: usize,
    /// STUN and TURN; none when they are off.
    pub turn: Option<TurnConfig>,
    /// Opens the metrics to other machines; none keeps them for this one.
    pub metrics_token: Option<Secret>,
    /// How the log is written.
    pub log_format: LogFormat,
    /// What is logged, as `tracing` understands it.
    pub log: String,
    /// Settings that others follow from: what was really set.
    given: Given,
}

#[derive(Debug, Clone)]
struct Given {
    public_url: Option<PublicUrl>,
    registration: Option<Registration>,
}

impl Config {
    /// Checks all settings.
    ///
    /// # Errors
    /// The first wrong one.
    pub fn new(settings: &Settings) -> Result<Self, Wrong> {
        let bind = parsed(
            "PARLOR_BIND",
            &settings.bind,
            "127.0.0.1:8080",
            "an address and a port, such as 127.0.0.1:8080",
        )?;
        let given = Given {
            public_url: optional(
                "PARLOR_PUBLIC_URL",
                &settings.public_url,
                "a URL of scheme, host and port alone, such as https://chat.example",
                PublicUrl::parse,
            )?,
            registration: optional(
                "PARLOR_REGISTRATION",
                &settings.registration,
                "open, link or closed",
                registration,
            )?,
        };
        let cluster = cluster(settings)?;
        let config = Self {
            bind,
            public_url: public_url_of(bind),
            name: name(&settings.name)?,
            data: PathBuf::from(set(&settings.data).unwrap_or("./data")),
            uploads: PathBuf::from(set(&settings.uploads).unwrap_or("./uploads")),
            files: files(settings)?,
            secrets: secrets(&settings.secret, cluster.is_some())?,
            cluster,
            trusted_proxies: trusted_proxies(&settings.trusted_proxies)?,
            registration: Registration::Link,
            posts: Rate {
                per_minute: number("PARLOR_POST_RATE", &settings.post_rate, 120, 1, 60_000_000)?,
                burst: number("PARLOR_POST_BURST", &settings.post_burst, 30, 1, 1_000_000)?,
            },
            logins: {
                let per_minute = number("PARLOR_LOGIN_RATE", &settings.login_rate, 30, 1, 1_000_000)?;
                Rate { per_minute, burst: per_minute }
            },
            login_tries: number("PARLOR_LOGIN_TRIES", &settings.login_tries, 5, 1, 1_000_000)?.get(),
            max_body: count("PARLOR_MAX_BODY", &settings.max_body, 256, 64, 1 << 20)? * 1024,
            max_connections: count(
                "PARLOR_MAX_CONNECTIONS",
                &settings.max_connections,
                50_000,
                1,
                10_000_000,
            )?,
            max_connections_per_address: count(
                "PARLOR_MAX_CONNECTIONS_PER_ADDRESS",
                &settings.max_connections_per_address,
                1_000,
                1,
                10_000_000,
            )?,
            header_timeout: seconds("PARLOR_HEADER_TIMEOUT", &settings.header_timeout, 15)?,
            request_timeout: seconds("PARLOR_REQUEST_TIMEOUT", &settings.request_timeout, 30)?,
            mailbox: count("PARLOR_MAILBOX", &settings.mailbox, 512, 16, 1_000_000)?,
            mesh_people: count("PARLOR_MESH_PEOPLE", &settings.mesh_people, 4, 2, 8)?,
            turn: turn::turn(settings)?,
            metrics_token: metrics_token(&settings.metrics_token)?,
            log_format: optional("PARLOR_LOG_FORMAT", &settings.log_format, "text or json", log_format)?
                .unwrap_or(LogFormat::Text),
            log: log(&settings.log)?,
            given,
        };
        Ok(config.bound_to(bind))
    }

    /// The same, once the address is known that was really bound: its port may have been left open.
    pub fn bound_to(mut self, bind: SocketAddr) -> Self {
        self.bind = bind;
        self.public_url = self.given.public_url.clone().unwrap_or_else(|| public_url_of(bind));
        let usual = if self.is_local() { Registration::Open } else { Registration::Link };
        self.registration = self.given.registration.unwrap_or(usual);
        self
    }

    /// Whether only this machine can reach the server: then who registers first owns it.
    pub fn is_local(&self) -> bool {
        self.bind.ip().is_loopback() && self.public_url.is_loopback()
    }
}

fn public_url_of(bind: SocketAddr) -> PublicUrl {
    let port = Some(bind.port()).filter(|port| *port != 80);
    let ip = bind.ip();
    let host = match ip {
        _ if ip.is_loopback() || ip.is_unspecified() => "localhost".to_owned(),
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    };
    PublicUrl::new(false, &host, port)
}
