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

    /// Folder for what people upload; nodes of a cluster share one (./uploads)
    #[arg(long, env = "PARLOR_UPLOADS", value_name = "FOLDER", global = true)]
    pub uploads: Option<String>,

    /// The most MiB of an uploaded file (4096)
    #[arg(long, env = "PARLOR_MAX_FILE", value_name = "MIB", global = true)]
    pub max_file: Option<String>,

    /// The most MiB of files that a person may keep (20480)
    #[arg(long, env = "PARLOR_MAX_FILES_PER_PERSON", value_name = "MIB", global = true)]
    pub max_files_per_person: Option<String>,

    /// The most MiB of files of all people together (as much as the disk takes)
    #[arg(long, env = "PARLOR_MAX_FILES", value_name = "MIB", global = true)]
    pub max_files: Option<String>,

    /// Seconds that an upload may take, and that a file is kept which no message uses (86400)
    #[arg(long, env = "PARLOR_UPLOAD_KEPT", value_name = "SECONDS", global = true)]
    pub upload_kept: Option<String>,

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

    /// People who may be in a call, each linked to each other (4)
    #[arg(long, env = "PARLOR_MESH_PEOPLE", value_name = "COUNT", global = true)]
    pub mesh_people: Option<String>,

    /// Shown as Bearer, it opens /metrics to other machines; 16 characters or more (none: this machine alone)
    #[arg(long, env = "PARLOR_METRICS_TOKEN", value_name = "TEXT", hide_env_values = true, global = true)]
    pub metrics_token: Option<String>,

    /// Where people reach this machine from outside, for calls: an IPv4 address, an IPv6 address, or both with a comma between
    #[arg(long, env = "PARLOR_PUBLIC_ADDRESS", value_name = "ADDRESSES", global = true)]
    pub public_address: Option<String>,

    /// Address and port of STUN and TURN, by UDP and TCP, or off (port 3478 everywhere with --public-address, else off)
    #[arg(long, env = "PARLOR_TURN_BIND", value_name = "ADDRESS:PORT", global = true)]
    pub turn_bind: Option<String>,

    /// Ports that calls are relayed by (49152-65535)
    #[arg(long, env = "PARLOR_TURN_PORTS", value_name = "FIRST-LAST", global = true)]
    pub turn_ports: Option<String>,

    /// Networks that calls are relayed to although they aren't on the internet, with commas between (none)
    #[arg(long, env = "PARLOR_TURN_PEERS", value_name = "NETWORKS", global = true)]
    pub turn_peers: Option<String>,

    /// Places on the relay in all; a link between two people takes one to four at each end (4096)
    #[arg(long, env = "PARLOR_TURN_ALLOCATIONS", value_name = "COUNT", global = true)]
    pub turn_allocations: Option<String>,

    /// Places on the relay of one person (64)
    #[arg(long, env = "PARLOR_TURN_ALLOCATIONS_PER_PERSON", value_name = "COUNT", global = true)]
    pub turn_allocations_per_person: Option<String>,

    /// Kbit a second that one place on the relay may take each way (12000)
    #[arg(long, env = "PARLOR_TURN_BANDWIDTH", value_name = "KBIT", global = true)]
    pub turn_bandwidth: Option<String>,

    /// How the log is written: text or json (text)
    #[arg(long, env = "PARLOR_LOG_FORMAT", value_name = "FORMAT", global = true)]
    pub log_format: Option<String>,

    /// What is logged: error, warn, info, debug, trace, or directives such as info,parlor::log=debug (info)
    #[arg(long, env = "PARLOR_LOG", value_name = "LEVEL", global = true)]
    pub log: Option<String>,
}
