//! A link of a headless peer: frames in order, acknowledged and sent again; and perfect negotiation over them, as
//! `docs/protocol.md` has it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
};
use serde_json::{Value, json};
use tokio::{
    sync::mpsc::UnboundedSender,
    task::JoinHandle,
    time::{Instant, interval},
};
use webrtc::{
    data_channel::{DataChannel, DataChannelEvent},
    media_stream::{
        MediaStreamTrack,
        track_local::{TrackLocal, static_rtp::TrackLocalStaticRTP},
        track_remote::{TrackRemote, TrackRemoteEvent},
    },
    peer_connection::*,
};

/// The first pause before frames are sent again; tests are in more of a hurry than pages.
const RESEND: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(1);
/// How often a voice is sent: a packet of 20 ms.
const PACKET: Duration = Duration::from_millis(20);

/// Which link: its id and generation, as the task of its peer knows it.
pub(super) type Key = (String, u64);

/// What the engine brings up.
#[derive(Debug)]
pub(super) enum Event {
    /// A way to be reached.
    Candidate(RTCIceCandidateInit),
    /// Words over the data channel.
    Data(String),
    /// A packet of their voice.
    Packet,
}

/// One connection to one other page.
pub(super) struct Link {
    pub(super) id: String,
    pub(super) generation: u64,
    polite: bool,
    pc: Arc<dyn PeerConnection>,
    /// Sent, and not acknowledged yet.
    unacked: BTreeMap<u64, Value>,
    next: u64,
    resend_at: Instant,
    pause: Duration,
    /// The last number that was taken in order, and those that wait.
    taken: u64,
    waiting: BTreeMap<u64, Value>,
    pub(super) ack_due: bool,
    /// An offer of ours has no answer yet.
    offered: bool,
    ignoring: bool,
    sending: JoinHandle<()>,
}

struct Handler {
    key: Key,
    me: String,
    events: UnboundedSender<(Key, Event)>,
}

impl Handler {
    fn talk(&self, channel: Arc<dyn DataChannel>) {
        let (key, events, me) = (self.key.clone(), self.events.clone(), self.me.clone());
        tokio::spawn(talk(channel, key, me, events));
    }
}

async fn talk(channel: Arc<dyn DataChannel>, key: Key, me: String, events: UnboundedSender<(Key, Event)>) {
    if channel.writable().await.is_err() || channel.send_text(&me).await.is_err() {
        return;
    }
    while let Some(event) = channel.poll().await {
        if let DataChannelEvent::OnMessage(message) = event {
            let words = String::from_utf8_lossy(&message.data).into_owned();
            let _ = events.send((key.clone(), Event::Data(words)));
        }
    }
}

#[async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        if let Ok(candidate) = event.candidate.to_json() {
            let _ = self.events.send((self.key.clone(), Event::Candidate(candidate)));
        }
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        self.talk(channel);
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let (key, events) = (self.key.clone(), self.events.clone());
        tokio::spawn(async move {
            while let Some(event) = track.poll().await {
                if matches!(event, TrackRemoteEvent::OnRtpPacket(_)) {
                    let _ = events.send((key.clone(), Event::Packet));
                }
            }
        });
    }
}

impl Link {
    pub(super) async fn new(
        id: &str,
        generation: u64,
        polite: bool,
        me: &str,
        events: UnboundedSender<(Key, Event)>,
    ) -> Self {
        let handler = Handler { key: (id.to_owned(), generation), me: me.to_owned(), events };
        let mut media = MediaEngine::default();
        media.register_default_codecs().unwrap();
        let registry = register_default_interceptors(Registry::new(), &mut media).unwrap();
        let settings = SettingEngineBuilder::new()
            .with_include_loopback_candidate(true)
            .with_multicast_dns_mode(rtc::ice::mdns::MulticastDnsMode::Disabled)
            .build();
        let pc = PeerConnectionBuilder::new()
            .with_configuration(RTCConfigurationBuilder::new().build())
            .with_media_engine(media)
            .with_interceptor_registry(registry)
            .with_setting_engine(settings)
            .with_handler(Arc::new(handler))
            .with_udp_addrs(vec!["127.0.0.1:0"])
            .build()
            .await
            .unwrap();
        let pc: Arc<dyn PeerConnection> = Arc::new(pc);
        let sending = voice(&pc).await;
        Self {
            id: id.to_owned(),
            generation,
            polite,
            pc,
            unacked: BTreeMap::new(),
            next: 1,
            resend_at: Instant::now(),
            pause: RESEND,
            taken: 0,
            waiting: BTreeMap::new(),
            ack_due: false,
            offered: false,
            ignoring: false,
            sending,
        }
    }

    /// Makes an offer, with a channel for words in the first.
    pub(super) async fn offer(&mut self, me: &str, events: &UnboundedSender<(Key, Event)>) {
        let channel = self.pc.create_data_channel("words", None).await.unwrap();
        let key = (self.id.clone(), self.generation);
        tokio::spawn(talk(channel, key, me.to_owned(), events.clone()));
        self.offer_again().await;
    }

    async fn offer_again(&mut self) {
        let offer = self.pc.create_offer(None).await.unwrap();
        self.pc.set_local_description(offer).await.unwrap();
        self.offered = true;
        let sdp = self.pc.local_description().await.unwrap().sdp;
        self.say("webrtc-offer", json!({ "sdp": sdp }));
    }

    /// Numbers a frame, to be sent until it is acknowledged.
    pub(super) fn say(&mut self, kind: &str, more: Value) {
        let mut frame = json!({ "type": kind, "n": self.next });
        frame.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.unacked.insert(self.next, frame);
        self.next += 1;
        self.resend_at = Instant::now();
        self.pause = RESEND;
    }

    pub(super) fn tell_candidate(&mut self, candidate: RTCIceCandidateInit) {
        let RTCIceCandidateInit { candidate, sdp_mid, sdp_mline_index, .. } = candidate;
        let one = json!({ "candidate": candidate, "mid": sdp_mid, "line": sdp_mline_index });
        self.say("webrtc-ice", json!({ "candidates": [one] }));
    }

    /// What is to be sent now: what isn't acknowledged, with longer and longer pauses; and an acknowledgement.
    pub(super) fn due(&mut self) -> Vec<Value> {
        let mut frames = vec![];
        if self.resend_at <= Instant::now() && !self.unacked.is_empty() {
            frames.extend(self.unacked.values().cloned());
            self.resend_at = Instant::now() + self.pause;
            self.pause = LONGEST.min(self.pause * 2);
        }
        if std::mem::take(&mut self.ack_due) {
            frames.push(json!({ "type": "webrtc-ack", "n": self.taken }));
        }
        frames
    }

    /// Takes a frame in, and those that waited for it.
    pub(super) async fn take(&mut self, frame: Value) {
        let n = frame["n"].as_u64().unwrap();
        if frame["type"] == "webrtc-ack" {
            self.unacked.retain(|sent, _| *sent > n);
            return;
        }
        self.ack_due = true;
        if n > self.taken && self.waiting.len() < 256 {
            self.waiting.insert(n, frame);
        }
        while let Some(frame) = self.waiting.remove(&(self.taken + 1)) {
            self.taken += 1;
            self.apply(&frame).await;
        }
    }

    /// Perfect negotiation. What can't be applied harms only its sender.
    async fn apply(&mut self, frame: &Value) {
        let sdp = || frame["sdp"].as_str().unwrap().to_owned();
        match frame["type"].as_str().unwrap() {
            "webrtc-offer" => {
                self.ignoring = self.offered && !self.polite;
                if self.ignoring {
                    return;
                }
                let glare = std::mem::take(&mut self.offered);
                if glare {
                    let rollback = RTCSessionDescription::rollback(None).unwrap();
                    self.pc.set_local_description(rollback).await.unwrap();
                }
                let Ok(offer) = RTCSessionDescription::offer(sdp()) else { return };
                if self.pc.set_remote_description(offer).await.is_err() {
                    return;
                }
                let answer = self.pc.create_answer(None).await.unwrap();
                self.pc.set_local_description(answer).await.unwrap();
                let sdp = self.pc.local_description().await.unwrap().sdp;
                self.say("webrtc-answer", json!({ "sdp": sdp }));
                if glare {
                    // What was rolled back is wanted still: a channel, say.
                    self.offer_again().await;
                }
            }
            "webrtc-answer" if self.offered => {
                let Ok(answer) = RTCSessionDescription::answer(sdp()) else { return };
                self.offered = self.pc.set_remote_description(answer).await.is_err();
            }
            "webrtc-ice" if !self.ignoring => {
                for one in frame["candidates"].as_array().unwrap() {
                    let candidate = RTCIceCandidateInit {
                        candidate: one["candidate"].as_str().unwrap().to_owned(),
                        sdp_mid: one["mid"].as_str().map(str::to_owned),
                        sdp_mline_index: one["line"].as_u64().map(|line| line as u16),
                        ..RTCIceCandidateInit::default()
                    };
                    let _ = self.pc.add_ice_candidate(candidate).await;
                }
            }
            _ => {}
        }
    }

    pub(super) async fn close(self) {
        self.sending.abort();
        let _ = self.pc.close().await;
    }
}

/// Sends packets of a voice as soon as they can be sent.
async fn voice(pc: &Arc<dyn PeerConnection>) -> JoinHandle<()> {
    let ssrc = parlor::model::Tag::random().0 as u32;
    let codec = RTCRtpCodec {
        mime_type: "audio/opus".to_owned(),
        clock_rate: 48_000,
        channels: 2,
        ..RTCRtpCodec::default()
    };
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(ssrc), ..Default::default() },
        codec,
        ..RTCRtpEncodingParameters::default()
    };
    let stream = MediaStreamTrack::new(
        "stream".to_owned(),
        "voice".to_owned(),
        "voice".to_owned(),
        RtpCodecKind::Audio,
        vec![encoding],
    );
    let track = Arc::new(TrackLocalStaticRTP::new(stream));
    let sender = pc.add_track(track.clone() as Arc<dyn TrackLocal>).await.unwrap();
    tokio::spawn(async move {
        let mut ticks = interval(PACKET);
        for sequence_number in 0_u16.. {
            ticks.tick().await;
            let Ok(parameters) = sender.get_parameters().await else { continue };
            let codecs = parameters.rtp_parameters.codecs;
            let Some(opus) = codecs.iter().find(|it| it.rtp_codec.mime_type == "audio/opus") else {
                continue;
            };
            let header = rtc::rtp::Header {
                version: 2,
                payload_type: opus.payload_type,
                sequence_number,
                timestamp: u32::from(sequence_number) * 960,
                ssrc,
                ..Default::default()
            };
            let packet = rtc::rtp::Packet { header, payload: Bytes::from_static(&[0xfc; 60]) };
            let _ = track.write_rtp(packet).await;
        }
    })
}
