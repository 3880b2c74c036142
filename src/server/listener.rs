//! Accepts connections and speaks HTTP/1.1 on them. (A proxy in front speaks the later versions, and TLS.)

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::Request, http::StatusCode};
use futures_util::TryFutureExt;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use super::places::Places;
use crate::{
    app::App,
    realtime::{Switching, Wire},
    web::Connection,
};

/// The most bytes of a request's head.
const MAX_HEAD: usize = 32 * 1024;
/// How long to rest when the system has no more connections to give.
const REST: Duration = Duration::from_millis(100);

/// Serves until the node is told to stop; connections end by themselves then, each after its request.
pub(super) async fn serve(app: App, listener: TcpListener, router: Router) {
    let config = &app.config;
    let places = Places::new(config.max_connections, config.max_connections_per_address);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(config.header_timeout).max_buf_size(MAX_HEAD);
    while let Some(accepted) = app.stopping.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => accept(&app, &places, &http, &router, stream, peer),
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

fn accept(
    app: &App,
    places: &Arc<Places>,
    http: &http1::Builder,
    router: &Router,
    stream: TcpStream,
    peer: SocketAddr,
) {
    let peer = peer.ip().to_canonical();
    // Behind a trusted proxy are many people.
    let counted = Some(peer).filter(|peer| !app.config.trusted_proxies.contain(*peer));
    let Some(place) = places.take(counted) else {
        tracing::debug!(%peer, "turned a connection away: too many");
        return;
    };
    let connection = Connection { peer };
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "could not set nodelay");
    }
    let switching = Switching::default();
    let wire = Wire::new(stream, place, switching.clone());
    let router = router.clone();
    let service = tower::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(connection);
        let switching = switching.clone();
        router.clone().oneshot(request.map(Body::new)).inspect_ok(move |answer| {
            if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
                switching.begin();
            }
        })
    });
    let serving =
        http.serve_connection(TokioIo::new(wire), TowerToHyperService::new(service)).with_upgrades();
    let stopping = app.stopping.clone();
    app.tasks.spawn(async move {
        let mut serving = std::pin::pin!(serving);
        let ended = tokio::select! {
            ended = serving.as_mut() => ended,
            () = stopping.cancelled() => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection broke off");
        }
    });
}
