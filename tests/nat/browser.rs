//! A browser in somebody's home.

use std::{
    net::{Ipv4Addr, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::{CapabilitiesHelper, ChromeCapabilities, ChromiumLikeCapabilities, WebDriver};
use tokio::sync::{mpsc, oneshot};

use crate::{
    internet::{Place, Running},
    services::{PATIENCE, provided},
};

/// How long two browsers may take to find a way: they try the direct ones first. A page that lost one takes as long to
/// notice.
const MEETING: Duration = Duration::from_secs(60);
/// The driver's port: each home has all ports for itself.
const PORT: u16 = 9_515;

const FLAGS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
];

/// A microphone, a camera and a screen that nobody has to allow, on a page that came without https.
const DEVICES: &[&str] = &[
    "--use-fake-device-for-media-stream=fps=15",
    "--use-fake-ui-for-media-stream",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
    "--unsafely-treat-insecure-origin-as-secure=http://20.0.0.1:8080",
];

/// What a browser is asked for: a script, and what it is given.
type Wish = (String, Vec<Value>, oneshot::Sender<Value>);

/// How a browser begins.
struct Beginning {
    page: String,
    flags: &'static [&'static str],
    /// Run on each page before its own scripts.
    first: Option<String>,
}

/// A browser; it ends when this is dropped.
pub(crate) struct Browser {
    // Dropped first: then the browser ends, and is waited for.
    wishes: mpsc::Sender<Wish>,
    _running: Running,
}

struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Browser {
    /// Starts one there, on a page of the server.
    pub(crate) fn start(place: &Place, page: &str) -> Self {
        Self::begin(place, Beginning { page: page.to_owned(), flags: &[], first: None })
    }

    /// The same, with devices, and a script that each page runs before its own.
    pub(crate) fn with_devices(place: &Place, page: &str, first: String) -> Self {
        Self::begin(place, Beginning { page: page.to_owned(), flags: DEVICES, first: Some(first) })
    }

    fn begin(place: &Place, beginning: Beginning) -> Self {
        let (wishes, waiting) = mpsc::channel(1);
        let running = place.run(|| browse(beginning, waiting));
        Self { wishes, _running: running }
    }

    /// What a script makes of its arguments, in time.
    pub(crate) async fn run(&self, script: &str, args: &[Value]) -> Value {
        let answer = self.try_run(script, args).await;
        assert!(answer.get("error").is_none(), "{}", answer["error"]);
        answer["value"].clone()
    }

    /// Waits until a condition holds in the page, whichever page that is by then.
    pub(crate) async fn until(&self, what: &str, condition: &str) {
        let (start, script) = (Instant::now(), format!("return !!({condition})"));
        loop {
            // Between two pages there is none to ask.
            let answer = self.try_run(&script, &[]).await;
            if answer["value"] == true {
                return;
            }
            if start.elapsed() > MEETING {
                let shown = self.try_run("return document.body.innerText.slice(0, 2000)", &[]).await;
                panic!("not within {MEETING:?}: {what}\n{condition}\n{answer}\n{}", shown["value"]);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// `value` or `error`.
    async fn try_run(&self, script: &str, args: &[Value]) -> Value {
        let (reply, answer) = oneshot::channel();
        let script = format!(
            "const done = arguments[arguments.length - 1], args = arguments;
             (async () => {{ {LIBRARY} {script} }})()
                 .then((value) => done({{ value }}), (error) => done({{ error: `${{error.stack}}` }}))"
        );
        let sent = self.wishes.send((script, args.to_vec(), reply)).await;
        assert!(sent.is_ok(), "the browser is gone");
        answer.await.expect("the browser answers")
    }
}

async fn browse(beginning: Beginning, mut waiting: mpsc::Receiver<Wish>) {
    let Beginning { page, flags, first } = beginning;
    let driver = provided("PARLOR_TEST_CHROMEDRIVER");
    let child = Command::new(&driver)
        .args([format!("--port={PORT}"), "--log-level=OFF".to_owned()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _driver = Driver(child.unwrap_or_else(|error| panic!("{driver} does not start: {error}")));
    let start = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, PORT)).is_err() {
        assert!(start.elapsed() < PATIENCE, "{driver} does not listen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let profile = TempDir::new().unwrap();
    let mut chromium = ChromeCapabilities::new();
    chromium.set_binary(&provided("PARLOR_TEST_CHROMIUM")).unwrap();
    for flag in FLAGS.iter().chain(flags) {
        chromium.add_arg(flag).unwrap();
    }
    chromium.add_arg(&format!("--user-data-dir={}", profile.path().display())).unwrap();
    chromium.set("timeouts", json!({ "script": MEETING.as_millis() as u64 + 5_000 })).unwrap();
    let browser = WebDriver::new(format!("http://127.0.0.1:{PORT}"), chromium).await;
    let browser = browser.unwrap_or_else(|error| panic!("Chromium does not start: {error}"));
    if let Some(first) = first {
        let source = json!({ "source": first });
        let watched = browser.cdp().send_raw("Page.addScriptToEvaluateOnNewDocument", source).await;
        watched.unwrap_or_else(|error| panic!("the browser takes no script: {error}"));
        let focused = json!({ "enabled": true });
        let _ = browser.cdp().send_raw("Emulation.setFocusEmulationEnabled", focused).await;
    }
    browser.goto(&page).await.unwrap_or_else(|error| panic!("{page}: {error}"));
    while let Some((script, args, reply)) = waiting.recv().await {
        let answer = browser.execute_async(script.as_str(), args).await;
        let answer = answer.map(|answer| answer.json().clone());
        let _ = reply.send(answer.unwrap_or_else(|error| json!({ "error": error.to_string() })));
    }
    let _ = browser.quit().await;
}

/// What scripts use: one end of a call with a moving picture and a channel, told whole, without trickling.
const LIBRARY: &str = r"
    window.open_ = window.open_ || ((ice, policy) => {
        const peer = new RTCPeerConnection({ iceServers: [ice], iceTransportPolicy: policy });
        const canvas = document.createElement('canvas');
        const context = canvas.getContext('2d');
        setInterval(() => { context.fillStyle = `hsl(${Date.now() % 360} 90% 50%)`; context.fillRect(0, 0, 300, 150); }, 50);
        const stream = canvas.captureStream(15);
        peer.addTrack(stream.getTracks()[0], stream);
        peer.channel = peer.createDataChannel('words', { negotiated: true, id: 1 });
        peer.heard = [];
        peer.channel.onmessage = (event) => {
            peer.heard.push(event.data);
            if (event.data === 'hello') peer.channel.send('hello to you');
        };
        peer.channel.onopen = () => peer.channel.send('hello');
        return (window.peer = peer);
    });
    window.gathered = window.gathered || (async (peer) => {
        // Ways that lead nowhere keep the gathering going; what leads somewhere comes soon.
        await new Promise((done) => {
            let quiet = setTimeout(done, 6000);
            peer.onicecandidate = () => {
                clearTimeout(quiet);
                quiet = setTimeout(done, 1000);
            };
        });
        return peer.localDescription.sdp;
    });
    window.pair = window.pair || (async (peer) => {
        const stats = [...(await peer.getStats()).values()];
        const of = (id) => stats.find((it) => it.id === id);
        const transport = stats.find((it) => it.type === 'transport');
        const pair = transport && of(transport.selectedCandidatePairId);
        const frames = stats.find((it) => it.type === 'inbound-rtp' && it.kind === 'video')?.framesDecoded ?? 0;
        const [local, remote] = pair ? [of(pair.localCandidateId), of(pair.remoteCandidateId)] : [];
        return {
            frames, heard: peer.heard, state: peer.connectionState,
            local: local?.candidateType, protocol: local?.relayProtocol ?? local?.protocol, remote: remote?.candidateType,
        };
    });
";
