//! The network between a browser and the server, which a test can cut.

use std::net::Ipv4Addr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// What gets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// All.
    Open,
    /// All but sockets: pages load, and aren't connected.
    PagesOnly,
    /// What the browser sends, but no answer.
    NoAnswers,
    /// Nothing.
    Cut,
}

/// A port in front of another.
pub(crate) struct Relay {
    pub(crate) url: String,
    way: watch::Sender<Way>,
    listening: JoinHandle<()>,
}

impl Relay {
    /// In front of a port of this machine.
    pub(crate) async fn before(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let (way, watched) = watch::channel(Way::Open);
        let listening = tokio::spawn(async move {
            while let Ok((browser, _)) = listener.accept().await {
                tokio::spawn(carry(browser, port, watched.clone()));
            }
        });
        Self { url, way, listening }
    }

    /// Changes what gets through. Connections that may not go on are cut, not ended politely.
    pub(crate) fn set(&self, way: Way) {
        self.way.send_replace(way);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn carry(mut browser: TcpStream, port: u16, mut way: watch::Receiver<Way>) {
    if *way.borrow() == Way::Cut {
        return;
    }
    let mut first = vec![0; 16 * 1024];
    let Ok(length @ 1..) = browser.read(&mut first).await else { return };
    first.truncate(length);
    let socket = first.starts_with(b"GET /ws");
    let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else { return };
    if server.write_all(&first).await.is_err() {
        return;
    }
    let ((from_browser, to_browser), (from_server, to_server)) = (browser.into_split(), server.into_split());
    let shut = way.clone();
    tokio::select! {
        () = pump(from_browser, to_server, None) => {}
        () = pump(from_server, to_browser, Some(shut)) => {}
        _ = way.wait_for(|way| *way == Way::Cut || (*way == Way::PagesOnly && socket)) => {}
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, way: Option<watch::Receiver<Way>>) {
    let mut some = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut some).await {
        let lost = way.as_ref().is_some_and(|way| *way.borrow() == Way::NoAnswers);
        if !lost && to.write_all(&some[..length]).await.is_err() {
            return;
        }
    }
}
