//! Every setting, checked: a [`Config`] can be run with. What isn't set follows from what is.

mod networks;
mod settings;
#[cfg(test)]
mod tests;
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
pub use url::{PublicUrl, host_of};

/// The fewest characters of a shared secret: as much as an HMAC-SHA256 key has bytes.
const MIN_SECRET: usize = 32;

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

/// A setting's text; empty counts as not set.
fn set(value: &Option<String>) -> Option<&str> {
    value.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

fn wrong(name: &'static str, expected: impl Into<String>, found: impl fmt::Debug) -> Wrong {
    Wrong { name, expected: expected.into(), found: format!("{found:?}") }
}

fn optional<T>(
    name: &'static str,
    value: &Option<String>,
    expected: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Wrong> {
    set(value).map(|text| parse(text).ok_or_else(|| wrong(name, expected, text))).transpose()
}

fn parsed<T: std::str::FromStr>(
    name: &'static str,
    value: &Option<String>,
    usual: &str,
    expected: &str,
) -> Result<T, Wrong> {
    let text = set(value).unwrap_or(usual);
    text.parse().map_err(|_| wrong(name, expected, text))
}

fn number(
    name: &'static str,
    value: &Option<String>,
    usual: u32,
    min: u32,
    max: u32,
) -> Result<NonZeroU32, Wrong> {
    let fits = |number: &NonZeroU32| (min..=max).contains(&number.get());
    match set(value) {
        None => NonZeroU32::new(usual).ok_or_else(|| wrong(name, "a number", usual)),
        Some(text) => text
            .parse()
            .ok()
            .filter(fits)
            .ok_or_else(|| wrong(name, format!("a whole number from {min} to {max}"), text)),
    }
}

fn count(name: &'static str, value: &Option<String>, usual: u32, min: u32, max: u32) -> Result<usize, Wrong> {
    number(name, value, usual, min, max).map(|number| number.get() as usize)
}

fn seconds(name: &'static str, value: &Option<String>, usual: u32) -> Result<Duration, Wrong> {
    number(name, value, usual, 1, 3_600).map(|number| Duration::from_secs(number.get().into()))
}

fn name(value: &Option<String>) -> Result<String, Wrong> {
    let text = set(value).unwrap_or("Parlor");
    let fits = text.chars().count() <= 60 && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
        .ok_or_else(|| wrong("PARLOR_NAME", "at most 60 characters on one line", text))
}

fn registration(text: &str) -> Option<Registration> {
    match text {
        "open" => Some(Registration::Open),
        "link" => Some(Registration::Link),
        "closed" => Some(Registration::Closed),
        _ => None,
    }
}

fn log_format(text: &str) -> Option<LogFormat> {
    match text {
        "text" => Some(LogFormat::Text),
        "json" => Some(LogFormat::Json),
        _ => None,
    }
}

fn log(value: &Option<String>) -> Result<String, Wrong> {
    let text = set(value).unwrap_or("info");
    let good = tracing_subscriber::EnvFilter::try_new(text).is_ok();
    let expected = "error, warn, info, debug, trace, or directives such as info,parlor::log=debug";
    good.then(|| text.to_owned()).ok_or_else(|| wrong("PARLOR_LOG", expected, text))
}

fn trusted_proxies(value: &Option<String>) -> Result<Networks, Wrong> {
    let expected = "addresses and networks with commas between, such as 10.0.0.0/8,192.0.2.7";
    Networks::parse(set(value).unwrap_or_default())
        .map_err(|part| wrong("PARLOR_TRUSTED_PROXIES", expected, part))
}

/// Both addresses or neither. What is found isn't told: it may hold a password.
fn cluster(settings: &Settings) -> Result<Option<Cluster>, Wrong> {
    let url = |name, value: &Option<String>, schemes: [&str; 2]| {
        let Some(text) = set(value) else { return Ok(None) };
        let rest = schemes.iter().find_map(|scheme| text.strip_prefix(scheme)?.strip_prefix("://"));
        let expected = format!("a URL that begins with {}:// or {}://", schemes[0], schemes[1]);
        let found = text.split_once("://").map_or("a text without ://", |(scheme, _)| scheme);
        match rest {
            Some(rest) if !rest.is_empty() => Ok(Some(Secret(text.to_owned()))),
            _ => Err(wrong(name, expected, found)),
        }
    };
    let mongodb_url = url("PARLOR_MONGODB_URL", &settings.mongodb_url, ["mongodb", "mongodb+srv"])?;
    let redis_url = url("PARLOR_REDIS_URL", &settings.redis_url, ["redis", "rediss"])?;
    let missing = |name, other| Wrong {
        name,
        expected: format!("a URL, since {other} is set: a cluster needs both, a single node neither"),
        found: "nothing".to_owned(),
    };
    match (mongodb_url, redis_url) {
        (None, None) => Ok(None),
        (Some(mongodb_url), Some(redis_url)) => Ok(Some(Cluster { mongodb_url, redis_url })),
        (None, Some(_)) => Err(missing("PARLOR_MONGODB_URL", "PARLOR_REDIS_URL")),
        (Some(_), None) => Err(missing("PARLOR_REDIS_URL", "PARLOR_MONGODB_URL")),
    }
}

/// Never told is what was found, only how long it is.
fn secrets(value: &Option<String>, required: bool) -> Result<Vec<Secret>, Wrong> {
    let texts: Vec<&str> =
        set(value).map(|text| text.split(',').map(str::trim).collect()).unwrap_or_default();
    let expected = format!("{MIN_SECRET} characters or more, the same on all nodes");
    let wrong = |found: String| Err(Wrong { name: "PARLOR_SECRET", expected: expected.clone(), found });
    match texts.iter().map(|text| text.chars().count()).find(|length| *length < MIN_SECRET) {
        Some(length) => wrong(format!("one of {length} characters")),
        None if texts.is_empty() && required => wrong("nothing".to_owned()),
        None => Ok(texts.into_iter().map(|text| Secret(text.to_owned())).collect()),
    }
}
