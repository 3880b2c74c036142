//! Somebody at home, with the page open in a browser.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    browser::Browser,
    internet::{House, Place},
};

/// How long it may take until one sees more of another: what is lost on the way has to be noticed first.
const SEEING: Duration = Duration::from_secs(90);
/// Frames that count as seeing: two seconds of them, more than can be on their way.
const FRAMES: u64 = 30;

/// Every connection that a page makes can be looked at. Small pictures, since the machine makes and shows them all.
const WATCHED: &str = "{
    window.peers = [];
    const { RTCPeerConnection } = window;
    window.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(...all) { super(...all); window.peers.push(this); }
    };
    if (!localStorage.getItem('parlor.calls')) localStorage.setItem('parlor.calls', JSON.stringify({ picture: 'small', relay: RELAY }));
}";

/// How the connection stands that is up: frames of the camera and of voices' energy that came, and the way that they take.
const LINK: &str = "
    const open = window.peers.filter((one) => one.connectionState === 'connected').at(-1);
    if (!open) return {};
    const stats = [...(await open.getStats()).values()];
    const of = (id) => stats.find((it) => it.id === id);
    const transport = stats.find((it) => it.type === 'transport');
    const pair = of(transport?.selectedCandidatePairId);
    const [local, remote] = pair ? [of(pair.localCandidateId), of(pair.remoteCandidateId)] : [];
    const inbound = (mid) => stats.find((it) => it.type === 'inbound-rtp' && it.mid === mid);
    return {
        frames: inbound('1')?.framesDecoded ?? 0, energy: inbound('0')?.totalAudioEnergy ?? 0,
        local: local?.candidateType, protocol: local?.relayProtocol ?? local?.protocol, remote: remote?.candidateType,
        told: stats.filter((it) => it.type === 'remote-candidate').map((it) => it.candidateType),
    };";

/// Somebody who is logged in.
pub(crate) struct Person {
    pub(crate) browser: Browser,
}

impl Person {
    /// Comes in by the door; `relay`: hides their address from others.
    pub(crate) async fn comes(home: &Place, house: &House, name: &str, relay: bool) -> Self {
        let watched = WATCHED.replace("RELAY", if relay { "true" } else { "false" });
        let browser = Browser::with_devices(home, "http://20.0.0.1:8080/login", watched);
        let enter = "
            document.querySelector('#name').value = args[0];
            document.querySelector('#password').value = args[1];
            setTimeout(() => document.querySelector('form').requestSubmit());";
        browser.run(enter, &[json!(name), json!(house.passwords[name])]).await;
        let person = Self { browser };
        person.is_connected().await;
        person
    }

    pub(crate) async fn is_connected(&self) {
        self.browser.until("the page is connected", "document.querySelector('main[data-room] #calling [data-call]') && document.querySelector('#banner').hidden && document.querySelector('.person-row[data-is=here]')").await;
    }

    pub(crate) async fn click(&self, css: &str) {
        self.browser.until(css, &format!("document.querySelector(`{css}`)?.checkVisibility()")).await;
        self.browser.run("document.querySelector(args[0]).click()", &[json!(css)]).await;
    }

    /// Stands before the mirror, with the camera on.
    pub(crate) async fn to_the_mirror(&self) {
        self.click("#calling [data-call]").await;
        self.browser
            .until("the microphone", "document.querySelector('#prejoin .dock button:first-child:not(.off)')")
            .await;
        self.click("#prejoin .dock button:last-child").await;
        self.browser
            .until("the camera", "document.querySelector('#prejoin video:not([hidden])')?.videoWidth > 0")
            .await;
    }

    /// Goes into the room's call, with microphone and camera.
    pub(crate) async fn joins(&self) {
        self.to_the_mirror().await;
        self.click("#prejoin [type=submit]").await;
        self.browser
            .until("the stage", "document.querySelector('#stage:not([hidden]) .tile[data-own]')")
            .await;
    }

    /// How they reach the other.
    pub(crate) async fn link(&self) -> Value {
        self.browser.run(LINK, &[]).await
    }

    /// Waits until more of the other's pictures and voice has come than now, and says by which way.
    pub(crate) async fn sees_more(&self, what: &str) -> Value {
        let start = Instant::now();
        let mut first: Option<Value> = None;
        loop {
            let now = self.link().await;
            if now["frames"].is_u64() {
                let first = first.get_or_insert_with(|| now.clone());
                // A link that was begun anew counts from nothing.
                if now["frames"].as_u64() < first["frames"].as_u64() {
                    *first = now.clone();
                }
                let more = now["frames"].as_u64() >= first["frames"].as_u64().map(|frames| frames + FRAMES);
                if more && now["energy"].as_f64() > first["energy"].as_f64() {
                    return now;
                }
            }
            if start.elapsed() > SEEING {
                let state = "return [document.body.innerText.slice(0, 1500), ...window.peers.map((one) => `${one.connectionState} ${one.iceConnectionState} ${one.signalingState}`)]";
                let shown = self.browser.run(state, &[]).await;
                panic!("not within {SEEING:?}: {what}: from {first:?} to {now}\n{shown}");
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}
