//! The settings as they are written: text, from a flag or from the environment, nothing checked yet.

#![allow(rustdoc::broken_intra_doc_links, reason = "clap shows these texts, usual values in brackets")]

/// What can be set. Each is a flag, and an environment variable of the same name; a flag goes first.
///
/// All are texts here, so that a wrong one is told in Parlor's own words; an empty one counts as not set.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Settings")]
pub struct Settings {
    /// Address and port to listen on (127.0.0.1:8080)
    #[arg(long, env = "PARLOR_BIND", value_name = "ADDRESS:PORT", global = true)]
    pub bind: Option<String>,

    /// What people type to get here (http:// and the address it listens on)
    #[arg(long, env = "PARLOR_PUBLIC_URL", value_name = "URL", global = true)]
    pub public_url: Option<String>,

    /// The server's name, as people see it (Parlor)
    #[arg(long, env = "PARLOR_NAME", value_name = "NAME", global = true)]
    pub name: Option<String>,

    /// Folder for all that is kept on this machine (./data)
    #[arg(long, env = "PARLOR_DATA", value_name = "FOLDER", global = true)]
    pub data: Option<String>,

    /// MongoDB that all nodes share; together with --redis-url (none: SQLite in the data folder)
    #[arg(long, env = "PARLOR_MONGODB_URL", value_name = "URL", hide_env_values = true, global = true)]
    pub mongodb_url: Option<String>,

    /// Redis that all nodes share; together with --mongodb-url
    #[arg(long, env = "PARLOR_REDIS_URL", value_name = "URL", hide_env_values = true, global = true)]
    pub redis_url: Option<String>,

    /// Secret that all nodes share, 32 characters or more; several with commas between: the first signs, all count
    #[arg(long, env = "PARLOR_SECRET", value_name = "TEXT", hide_env_values = true, global = true)]
    pub secret: Option<String>,

    /// Proxies whose X-Forwarded-For is believed: addresses and networks with commas between (nobody)
    #[arg(long, env = "PARLOR_TRUSTED_PROXIES", value_name = "NETWORKS", global = true)]
    pub trusted_proxies: Option<String>,

    /// Who may register: open, link or closed (open on loopback, else link)
    #[arg(long, env = "PARLOR_REGISTRATION", value_name = "WHO", global = true)]
    pub registration: Option<String>,

    /// Messages and other changes that a person may make a minute, on average (120)
    #[arg(long, env = "PARLOR_POST_RATE", value_name = "A MINUTE", global = true)]
    pub post_rate: Option<String>,

    /// Messages and other changes that a person may make at once (30)
    #[arg(long, env = "PARLOR_POST_BURST", value_name = "COUNT", global = true)]
    pub post_burst: Option<String>,

    /// Logins and registrations that an address may try a minute, on average (30)
    #[arg(long, env = "PARLOR_LOGIN_RATE", value_name = "A MINUTE", global = true)]
    pub login_rate: Option<String>,

    /// Wrong passwords for one name from one address before it has to wait, longer each time (5)
    #[arg(long, env = "PARLOR_LOGIN_TRIES", value_name = "COUNT", global = true)]
    pub login_tries: Option<String>,

    /// The most KiB that a request may bring, uploads aside (256)
    #[arg(long, env = "PARLOR_MAX_BODY", value_name = "KIB", global = true)]
    pub max_body: Option<String>,

    /// The most connections in all (50000)
    #[arg(long, env = "PARLOR_MAX_CONNECTIONS", value_name = "COUNT", global = true)]
    pub max_connections: Option<String>,

    /// The most connections of one address; trusted proxies aside (1000)
    #[arg(long, env = "PARLOR_MAX_CONNECTIONS_PER_ADDRESS", value_name = "COUNT", global = true)]
    pub max_connections_per_address: Option<String>,

    /// Seconds that a client may take to send a request's head (15)
    #[arg(long, env = "PARLOR_HEADER_TIMEOUT", value_name = "SECONDS", global = true)]
    pub header_timeout: Option<String>,

    /// Seconds that a request may take in all, uploads and downloads aside (30)
    #[arg(long, env = "PARLOR_REQUEST_TIMEOUT", value_name = "SECONDS", global = true)]
    pub request_timeout: Option<String>,

    /// Frames that may wait for a slow socket before it is closed (512)
    #[arg(long, env = "PARLOR_MAILBOX", value_name = "FRAMES", global = true)]
    pub mailbox: Option<String>,

    /// How the log is written: text or json (text)
    #[arg(long, env = "PARLOR_LOG_FORMAT", value_name = "FORMAT", global = true)]
    pub log_format: Option<String>,

    /// What is logged: error, warn, info, debug, trace, or directives such as info,parlor::log=debug (info)
    #[arg(long, env = "PARLOR_LOG", value_name = "LEVEL", global = true)]
    pub log: Option<String>,
}
