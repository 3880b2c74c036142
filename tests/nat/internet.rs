//! An internet out of network namespaces: a backbone, a server on it, and homes behind routers.
//!
//! ```text
//! home 192.168.1.2 ── router ── 20.0.n.1 ┐
//!                                        ├ backbone ── 20.0.0.1 server
//! home 192.168.1.2 ── router ── 20.0.m.1 ┘
//! ```

use std::{
    collections::HashMap,
    fs::File,
    future::Future,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use parlor::{
    app::App,
    calls::turn::IceServer,
    config::{Config, Settings},
    model::UserId,
    server::Server,
};
use rustix::{
    fd::AsFd,
    thread::{LinkNameSpaceType, move_into_link_name_space},
};
use tempfile::TempDir;
use tokio::{runtime::Builder, sync::oneshot};

/// How a router treats what comes out of its home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Router {
    /// A sender keeps its port, whomever it sends to: peers find it.
    Cone,
    /// Each peer is sent to from another port: what one learns of it helps no other.
    Symmetric,
    /// No datagram passes.
    NoUdp,
}

impl Router {
    /// What the router does, as `nft` understands it. What comes in unasked leaves no trace, else a peer who is early
    /// would take the port away from who belongs there.
    fn rules(self) -> String {
        let masquerade = if self == Self::Symmetric { "masquerade fully-random" } else { "masquerade" };
        let drop = if self == Self::NoUdp { "meta l4proto udp drop;" } else { "" };
        format!(
            "table ip home {{
                chain out {{ type nat hook postrouting priority srcnat; oifname wan {masquerade}; }}
                chain through {{ type filter hook forward priority 0; {drop} iifname wan ct state new drop; }}
                chain in {{ type filter hook input priority 0; iifname wan ct state new drop; }}
            }}"
        )
    }
}

/// All of it; gone when it is dropped.
pub(crate) struct Internet {
    name: String,
    spaces: Vec<String>,
    homes: u8,
}

impl Internet {
    /// A backbone with nobody on it.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("parlor{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let mut internet = Self { name, spaces: vec![], homes: 0 };
        internet.space("backbone");
        internet.forward("backbone");
        internet
    }

    /// A place on the backbone, with an address that is on the internet.
    pub(crate) fn place(&mut self, name: &str, net: u8) -> Place {
        let space = self.space(name);
        self.join(name, &format!("20.0.{net}.1/24"), net);
        Place { space }
    }

    /// A home behind a router.
    pub(crate) fn home(&mut self, router: Router) -> Place {
        self.homes += 1;
        let net = self.homes;
        let (at_router, at_home) = (format!("router{net}"), format!("home{net}"));
        self.space(&at_router);
        self.forward(&at_router);
        self.join(&at_router, &format!("20.0.{net}.1/24"), net);
        let space = self.space(&at_home);
        self.line((&at_router, "lan"), (&at_home, "wan"));
        self.up(&at_router, "lan", "192.168.1.1/24");
        self.up(&at_home, "wan", "192.168.1.2/24");
        self.ip(&["-n", &space, "route", "add", "default", "via", "192.168.1.1"]);
        let router = ["netns", "exec", &self.full(&at_router), "nft", &router.rules()].map(str::to_owned);
        self.ip(&router.each_ref().map(String::as_str));
        Place { space }
    }

    /// Takes a home's address away.
    pub(crate) fn loses_its_address(&self, home: &Place) {
        self.ip(&["-n", &home.space, "address", "flush", "dev", "wan"]);
    }

    /// Gives a home another address, by the last of its numbers.
    pub(crate) fn gets_another_address(&self, home: &Place, last: u8) {
        let space = &home.space;
        self.ip(&["-n", space, "address", "add", &format!("192.168.1.{last}/24"), "dev", "wan"]);
        self.ip(&["-n", space, "route", "add", "default", "via", "192.168.1.1"]);
    }

    fn full(&self, name: &str) -> String {
        format!("{}-{name}", self.name)
    }

    fn space(&mut self, name: &str) -> String {
        let space = self.full(name);
        let made = Command::new("ip").args(["netns", "add", &space]).output();
        let made =
            made.unwrap_or_else(|error| panic!("network namespaces can't be made without `ip`: {error}"));
        let why = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "network namespaces can't be made here (it takes root): {why}");
        self.spaces.push(space.clone());
        self.ip(&["-n", &space, "link", "set", "lo", "up"]);
        space
    }

    /// Lays a line from the backbone.
    fn join(&self, name: &str, address: &str, net: u8) {
        let (space, line) = (self.full(name), format!("line{net}"));
        self.line(("backbone", &line), (name, "wan"));
        self.up("backbone", &line, &format!("20.0.{net}.254/24"));
        self.up(name, "wan", address);
        self.ip(&["-n", &space, "route", "add", "default", "via", &format!("20.0.{net}.254")]);
    }

    /// A line between two places, with a name at each end.
    fn line(&self, (one, at_one): (&str, &str), (other, at_other): (&str, &str)) {
        let (one, other) = (self.full(one), self.full(other));
        let ends = [at_one, "netns", &one, "type", "veth", "peer", "name", at_other, "netns", &other];
        self.ip(&[&["link", "add"], &ends[..]].concat());
    }

    fn up(&self, name: &str, line: &str, address: &str) {
        let space = self.full(name);
        self.ip(&["-n", &space, "address", "add", address, "dev", line]);
        self.ip(&["-n", &space, "link", "set", line, "up"]);
    }

    fn forward(&self, name: &str) {
        self.ip(&["netns", "exec", &self.full(name), "sysctl", "-qw", "net.ipv4.ip_forward=1"]);
    }

    fn ip(&self, args: &[&str]) {
        let done =
            Command::new("ip").args(args).env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin").output().unwrap();
        assert!(done.status.success(), "ip {args:?}: {}", String::from_utf8_lossy(&done.stderr));
    }
}

impl Drop for Internet {
    fn drop(&mut self) {
        for space in &self.spaces {
            let _ = Command::new("ip").args(["netns", "delete", space]).status();
        }
    }
}

/// Where something runs.
#[derive(Debug)]
pub(crate) struct Place {
    space: String,
}

impl Place {
    /// Runs this there, on a thread of its own: all sockets that it opens, and programs that it starts, are there.
    pub(crate) fn run<F: Future>(&self, work: impl FnOnce() -> F + Send + 'static) -> Running {
        let space = self.space.clone();
        let thread = thread::spawn(move || {
            let space = File::open(format!("/var/run/netns/{space}")).unwrap();
            move_into_link_name_space(space.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(work());
        });
        Running(Some(thread))
    }
}

/// What runs in a place; waited for when it is dropped, so that nothing is left when a test ends.
pub(crate) struct Running(Option<thread::JoinHandle<()>>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking(), "what ran in a place broke off");
        }
    }
}

/// A server on the internet.
pub(crate) struct House {
    pub(crate) app: App,
    /// Of those who have an account, by name.
    pub(crate) passwords: HashMap<&'static str, String>,
    _running: Running,
    _data: Arc<TempDir>,
}

impl House {
    /// Opens it, with accounts of these people, and its relay as it is when nothing but the address is set.
    pub(crate) async fn open(internet: &mut Internet, names: &[&'static str]) -> Self {
        let names = names.to_vec();
        let data = Arc::new(TempDir::new().unwrap());
        let (sender, opened) = oneshot::channel();
        let kept = Arc::clone(&data);
        let running = internet.place("server", 0).run(move || async move {
            let settings = Settings {
                bind: Some("20.0.0.1:8080".to_owned()),
                public_address: Some("20.0.0.1".to_owned()),
                data: Some(kept.path().join("data").display().to_string()),
                ..Settings::default()
            };
            let server = Server::start(Config::new(&settings).unwrap()).await.unwrap();
            let app = server.app().clone();
            let mut passwords = HashMap::new();
            for name in names {
                let (_, password) = app.accounts.create_by_hand(name.parse().unwrap(), None).await.unwrap();
                passwords.insert(name, password);
            }
            sender.send((app, passwords)).unwrap_or_else(|_| panic!("nobody waits for the server"));
            server.run().await;
        });
        let (app, passwords) = opened.await.expect("the server starts");
        Self { app, passwords, _running: running, _data: data }
    }

    /// What a browser is told of the relay.
    pub(crate) fn credentials(&self) -> IceServer {
        self.app.turn.as_ref().expect("the relay is on").credentials(UserId::new())
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.app.stopping.cancel();
    }
}
