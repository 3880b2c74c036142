//! Chromium: one driver for the whole run, a process and a fresh profile for each browser.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpStream},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::{CapabilitiesHelper, ChromeCapabilities, ChromiumLikeCapabilities, WebDriver};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::services::{free_port, provided};

/// How long a page may take. Some of what it waits for is many seconds away by rule (15 s of grace in a call), and a
/// browser shares the machine with all that it talks to.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Browsers at a time: one keeps a core busy.
const AT_A_TIME: usize = 2;
static TURNS: Semaphore = Semaphore::const_new(AT_A_TIME);

/// The driver, while somebody has a browser of it.
static SHARED: Mutex<Weak<Driver>> = Mutex::new(Weak::new());

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
    "--window-size=1440,900",
    "--lang=en-US",
    // A mouse, which the machine may not have.
    "--blink-settings=primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4",
];

struct Driver {
    child: Child,
    port: u16,
}

impl Driver {
    fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(driver) = shared.upgrade() {
            return driver;
        }
        let driver = Arc::new(Self::start());
        *shared = Arc::downgrade(&driver);
        driver
    }

    fn start() -> Self {
        let port = free_port();
        let program = provided("PARLOR_TEST_CHROMEDRIVER");
        let child = Command::new(&program)
            .args([format!("--port={port}"), "--log-level=OFF".to_owned()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}, which drives the browser, does not start: {error}"));
        let driver = Self { child, port };
        let start = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(start.elapsed() < PATIENCE, "{program} does not listen");
            thread::sleep(Duration::from_millis(10));
        }
        driver
    }
}

impl Driver {
    /// Ends a session at once, without what a test's own runtime would have to do for it.
    fn end(&self, session: &str) -> io::Result<()> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "DELETE /session/{session} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        stream.read_exact(&mut [0; 12])
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A microphone and a camera that nobody has to allow, and sound that nobody has to click for.
const MEDIA: &[&str] = &[
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
];

/// A window of somebody's. It ends when this is dropped.
pub(crate) struct Browser {
    pub(crate) driver: WebDriver,
    /// Where the browser itself is spoken to, rather than one of its pages.
    pub(crate) debugging: u16,
    shared: Arc<Driver>,
    _profile: TempDir,
    _turn: SemaphorePermit<'static>,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let ended = self.shared.end(&self.driver.session_id().to_string());
        let _ = self.driver.clone().leak();
        assert!(ended.is_ok() || thread::panicking(), "a browser did not end: {ended:?}");
    }
}

/// As many browsers as a test needs at once.
pub(crate) async fn browsers<const N: usize>() -> [Browser; N] {
    let mut turns = TURNS.acquire_many(N.try_into().unwrap()).await.unwrap();
    let mut browsers = vec![];
    for _ in 0..N {
        browsers.push(Browser::start(turns.split(1).unwrap(), MEDIA).await);
    }
    browsers.try_into().unwrap_or_else(|_| unreachable!("as many as asked for"))
}

/// One browser.
pub(crate) async fn browser() -> Browser {
    let [browser] = browsers().await;
    browser
}

/// One browser, with the media that these flags give it, and the machine to itself: people in a call are many pages.
pub(crate) async fn browser_with(flags: &[&str]) -> Browser {
    let turns = TURNS.acquire_many(AT_A_TIME.try_into().unwrap()).await.unwrap();
    Browser::start(turns, flags).await
}

impl Browser {
    async fn start(turn: SemaphorePermit<'static>, flags: &[&str]) -> Self {
        let shared = Driver::shared();
        let profile = TempDir::new().unwrap();
        let mut chromium = ChromeCapabilities::new();
        chromium.set_binary(&provided("PARLOR_TEST_CHROMIUM")).unwrap();
        for flag in FLAGS.iter().chain(flags) {
            chromium.add_arg(flag).unwrap();
        }
        let debugging = free_port();
        chromium.add_arg(&format!("--remote-debugging-port={debugging}")).unwrap();
        chromium.add_arg(&format!("--user-data-dir={}", profile.path().display())).unwrap();
        chromium.set("goog:loggingPrefs", json!({ "browser": "ALL" })).unwrap();
        chromium.set("unhandledPromptBehavior", "ignore").unwrap();
        let driver = WebDriver::new(format!("http://127.0.0.1:{}", shared.port), chromium).await;
        let driver = driver.unwrap_or_else(|error| panic!("Chromium does not start: {error}"));
        // One doesn't write in a window that has no focus, nor does it count as reading.
        let browser = Self { driver, debugging, shared, _profile: profile, _turn: turn };
        browser.cdp("Emulation.setFocusEmulationEnabled", json!({ "enabled": true })).await;
        browser
    }

    /// A command of the browser's own protocol.
    pub(crate) async fn cdp(&self, method: &str, params: Value) -> Value {
        let answer = self.driver.cdp().send_raw(method, params).await;
        answer.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// What a script returns.
    pub(crate) async fn run<T: DeserializeOwned>(&self, script: &str, args: &[Value]) -> T {
        let answer = self.driver.execute(script, args).await;
        answer.and_then(|answer| answer.convert()).unwrap_or_else(|error| panic!("{error} in {script}"))
    }

    /// The value of an expression in the page.
    pub(crate) async fn value<T: DeserializeOwned>(&self, expression: &str) -> T {
        self.run(&format!("return {expression}"), &[]).await
    }

    /// The same with a promise, waited for.
    pub(crate) async fn promised<T: DeserializeOwned>(&self, script: &str, args: &[Value]) -> T {
        let script = format!(
            "const done = arguments[arguments.length - 1], args = arguments;
             (async () => {{ {script} }})().then((value) => done({{ value }}), (error) => done({{ error: `${{error}}` }}))"
        );
        let answer: Value =
            self.driver.execute_async(script.as_str(), args).await.unwrap().convert().unwrap();
        assert!(answer.get("error").is_none(), "{} in {script}", answer["error"]);
        serde_json::from_value(answer["value"].clone()).unwrap()
    }

    /// Waits until a condition holds in the page, whichever page that is by then.
    pub(crate) async fn until(&self, what: &str, condition: &str) {
        self.until_with(what, condition, &[]).await;
    }

    /// The same with arguments for the condition.
    pub(crate) async fn until_with(&self, what: &str, condition: &str, args: &[Value]) {
        let start = Instant::now();
        let script = format!("return !!({condition})");
        loop {
            // Between two pages there is none to ask.
            let answer = self.driver.execute(script.as_str(), args).await;
            if answer.as_ref().is_ok_and(|answer| answer.json() == &json!(true)) {
                return;
            }
            if start.elapsed() > PATIENCE {
                let shown = self
                    .driver
                    .execute("return `${location}\\n${document.body.innerText.slice(0, 1500)}\\n…\\n${document.querySelector('#timeline')?.innerText.slice(-1500)}`", vec![]);
                let shown = shown.await.map(|shown| shown.json().as_str().unwrap_or_default().to_owned());
                let log = self.driver.browser_log().await;
                panic!(
                    "not within {PATIENCE:?}: {what}\n{condition} {args:?}\n{answer:?}\n{shown:?}\n{log:?}"
                );
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// What the browser has complained about since it was asked last: refusals by the content security policy, and
    /// errors that no script caught.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.driver.browser_log().await.unwrap();
        let grave = log.into_iter().filter(|entry| {
            let source = entry.source.as_deref().unwrap_or_default();
            entry.message.contains("Content Security Policy")
                || entry.message.contains("Permissions policy")
                || (entry.level == "SEVERE" && (source == "javascript" || source == "security"))
        });
        grave.map(|entry| entry.message).collect()
    }

    /// The window's inner size; a narrow one is a phone, with a finger for a pointer.
    pub(crate) async fn size(&self, width: u32, height: u32) {
        let phone = width < 600;
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone });
        self.cdp("Emulation.setDeviceMetricsOverride", metrics).await;
        self.cdp("Emulation.setTouchEmulationEnabled", json!({ "enabled": phone })).await;
    }

    /// `light` or `dark`, and nothing that moves.
    pub(crate) async fn scheme(&self, scheme: &str) {
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.cdp("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }
}
