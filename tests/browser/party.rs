//! Several people in one browser: a context of its own for each, with cookies and storage that are theirs alone, and
//! devices that aren't there. What they say and show to each other is real, and is counted where it arrives.

use std::time::Instant;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use thirtyfour::WindowHandle;
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use crate::{
    chromium::{Browser, PATIENCE, browser_with},
    house::House,
};

/// Microphones that beep, cameras that count (the second and the third of them in formats of their own, which freeze), a screen
/// to share; and nobody who asks whether they may be used.
const DEVICES: &[&str] = &[
    "--use-fake-device-for-media-stream=fps=15,device-count=4",
    "--use-fake-ui-for-media-stream",
    "--mute-audio",
    // A page that a test loads again was touched by nobody.
    "--autoplay-policy=no-user-gesture-required",
];

/// Every connection that a page makes can be counted at. Small pictures, since the machine makes and shows them all.
const WATCHED: &str = "{
    window.peers = [];
    const { RTCPeerConnection } = window;
    window.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(...all) { super(...all); window.peers.push(this); }
    };
    if (!localStorage.getItem('parlor.calls')) localStorage.setItem('parlor.calls', JSON.stringify({ picture: 'small' }));
}";

/// For each connection that stands: how much voice came over it so far, how many pictures of the camera, and of the screen.
const FLOWS: &str = "
    const open = window.peers.filter((one) => one.connectionState === 'connected');
    return Promise.all(open.map(async (one) => {
        const all = [...(await one.getStats()).values()].filter(({ type }) => type === 'inbound-rtp');
        const of = (mid, field) => all.find((flow) => flow.mid === mid)?.[field] ?? 0;
        return [of('0', 'totalAudioEnergy'), of('1', 'framesDecoded'), of('2', 'framesDecoded')];
    }));";

/// Of somebody: voice, camera, screen.
pub(crate) type Flow = [f64; 3];

/// What somebody sends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sends {
    pub(crate) voice: bool,
    pub(crate) camera: bool,
    pub(crate) screen: bool,
}

/// Voice and camera.
pub(crate) const BOTH: Sends = Sends { voice: true, camera: true, screen: false };

/// One browser with several people.
pub(crate) struct Party {
    pub(crate) page: Browser,
    house: String,
    /// Whether people have allowed the page their devices; then browsers tell each other their plain addresses.
    allows: bool,
    line: WebSocketStream<MaybeTlsStream<TcpStream>>,
    asked: u64,
}

impl Party {
    pub(crate) async fn at(house: &House) -> Self {
        Self::with(house, DEVICES).await
    }

    /// With these flags instead of devices.
    pub(crate) async fn with(house: &House, flags: &[&str]) -> Self {
        let page = browser_with(flags).await;
        let version: Value = reqwest::get(format!("http://127.0.0.1:{}/json/version", page.debugging))
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let url = version["webSocketDebuggerUrl"].as_str().unwrap();
        let (line, _) = connect_async(url).await.unwrap();
        Self { page, house: house.url.clone(), allows: flags == DEVICES, line, asked: 0 }
    }

    /// Somebody comes, with an account, and opens a page. They are the one on show now.
    pub(crate) async fn comes(&mut self, house: &House, name: &str, path: &str) -> WindowHandle {
        let context =
            self.ask("Target.createBrowserContext", json!({ "disposeOnDetach": false }), None).await;
        if self.allows {
            let allowed = json!({ "browserContextId": context["browserContextId"], "permissions": ["audioCapture", "videoCapture"] });
            self.ask("Browser.grantPermissions", allowed, None).await;
        }
        let target = json!({ "url": "about:blank", "browserContextId": context["browserContextId"], "newWindow": true });
        let target = self.ask("Target.createTarget", target, None).await;
        let seat: WindowHandle = target["targetId"].as_str().unwrap().to_owned().into();
        self.page.look_at(&seat).await;
        self.page.cdp("Emulation.setFocusEmulationEnabled", json!({ "enabled": true })).await;
        self.page.cdp("Page.addScriptToEvaluateOnNewDocument", json!({ "source": WATCHED })).await;
        house.seat(&self.page, name, path).await;
        seat
    }

    /// A page's process dies, as if somebody had pulled the plug.
    pub(crate) async fn crash(&mut self, seat: &WindowHandle) {
        let attach = json!({ "targetId": seat.to_string(), "flatten": true });
        let session = self.ask("Target.attachToTarget", attach, None).await;
        let session = session["sessionId"].as_str().unwrap().to_owned();
        self.tell("Page.crash", json!({}), Some(&session)).await;
    }

    /// Goes into the call of the room on show by way of the mirror, with microphone and camera.
    pub(crate) async fn joins(&self) {
        self.to_the_mirror().await;
        self.page.click("#prejoin [type=submit]").await;
        self.is_inside().await;
    }

    /// The same without the camera.
    pub(crate) async fn joins_unseen(&self) {
        self.page.click("#calling [data-call]").await;
        self.hears_oneself().await;
        self.page.click("#prejoin [type=submit]").await;
        self.is_inside().await;
    }

    async fn hears_oneself(&self) {
        let open = "document.querySelector('#prejoin .dock button:first-child:not(.off)')";
        self.page.until("the microphone is heard", open).await;
    }

    /// Stands before the mirror, with the camera on.
    pub(crate) async fn to_the_mirror(&self) {
        let page = &self.page;
        page.click("#calling [data-call]").await;
        self.hears_oneself().await;
        // One that was on the last time comes on by itself.
        if !page.value::<bool>("JSON.parse(localStorage.getItem('parlor.calls')).seen === true").await {
            page.click("#prejoin .dock button:last-child").await;
        }
        page.until(
            "the camera is seen",
            "document.querySelector('#prejoin video:not([hidden])')?.videoWidth > 0",
        )
        .await;
    }

    pub(crate) async fn is_inside(&self) {
        self.page.until("the stage", "document.querySelector('#stage:not([hidden]) .tile[data-own]')").await;
    }

    /// Looks through the eyes of somebody.
    pub(crate) async fn as_seen_by(&self, seat: &WindowHandle) -> &Browser {
        self.page.look_at(seat).await;
        &self.page
    }

    /// What has come so far to the page on show, connection by connection.
    pub(crate) async fn flows(&self) -> Vec<Flow> {
        self.page.promised(FLOWS, &[]).await
    }

    /// Waits until more comes from each of the others, of all that they send: as many of them as are given.
    pub(crate) async fn gets(&self, what: &str, others: &[Sends]) {
        let start = Instant::now();
        let mut before: Option<Vec<Flow>> = None;
        loop {
            let now = self.flows().await;
            let first = before.get_or_insert_with(|| now.clone());
            if first.len() != now.len() {
                *first = now.clone();
            }
            if now.len() == others.len() && comes(first, &now, others) {
                return;
            }
            if start.elapsed() > PATIENCE {
                let state = "window.peers.map((one) => `${one.connectionState} ${one.iceConnectionState} ${one.signalingState}`)";
                let states: Vec<String> = self.page.value(state).await;
                panic!("{what}: {others:?} from {first:?} to {now:?}, {states:?}");
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    /// Waits until everybody at these seats gets all that everybody else sends.
    pub(crate) async fn everybody_gets_everybody(&self, seats: &[(WindowHandle, Sends)]) {
        for (i, (seat, _)) in seats.iter().enumerate() {
            self.page.look_at(seat).await;
            let others: Vec<Sends> =
                seats.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, (_, sends))| *sends).collect();
            self.gets(&format!("at seat {i} of {}", self.house), &others).await;
        }
    }

    async fn ask(&mut self, method: &str, params: Value, session: Option<&str>) -> Value {
        let id = self.tell(method, params, session).await;
        loop {
            let message = self.line.next().await.unwrap().unwrap();
            let Ok(answer) = serde_json::from_str::<Value>(&message.to_string()) else { continue };
            if answer["id"] == id {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    async fn tell(&mut self, method: &str, params: Value, session: Option<&str>) -> u64 {
        self.asked += 1;
        let mut frame = json!({ "id": self.asked, "method": method, "params": params });
        if let Some(session) = session {
            frame["sessionId"] = session.into();
        }
        self.line.send(Message::text(frame.to_string())).await.unwrap();
        self.asked
    }
}

/// Whether there is more of everything. Who is at which connection is not to be told, so the senders are matched to the
/// connections by what they send.
fn comes(before: &[Flow], now: &[Flow], others: &[Sends]) -> bool {
    let mut grown: Vec<[bool; 3]> = vec![];
    for (was, is) in before.iter().zip(now) {
        grown.push([is[0] > was[0], is[1] > was[1] && is[1] > 1.0, is[2] > was[2] && is[2] > 1.0]);
    }
    // Those who send most choose first.
    let mut wanted: Vec<[bool; 3]> = others.iter().map(|one| [one.voice, one.camera, one.screen]).collect();
    wanted.sort_by_key(|one| std::cmp::Reverse(one.iter().filter(|sends| **sends).count()));
    wanted.iter().all(|wanted| {
        let fits = |flow: &[bool; 3]| flow.iter().zip(wanted).all(|(grown, wanted)| *grown || !wanted);
        let place = grown.iter().position(fits);
        place.map(|place| grown.remove(place)).is_some()
    })
}
