//! The sweep: what a node left unfolded when it died is folded by another, and old entries are trimmed.

use std::{collections::HashSet, time::Duration};

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{Log, LogError, fold::roll_forward};
use crate::{
    metrics::metrics,
    model::{Stream, Timestamp},
};

/// How often recent appends are looked through.
const EVERY: Duration = Duration::from_secs(5);
/// How far back a sweep looks behind the last one: longer than a write can be on its way.
const OVERLAP: Duration = Duration::from_secs(60);
/// How old an entry gets before it may be trimmed: longer than any client keeps a change that it has not sent.
const KEPT: Duration = Duration::from_secs(8 * 24 * 3600);
/// How many sweeps pass between two trims.
const TRIM_EVERY: u32 = 720;

impl Log {
    /// Sweeps until `stop`: once at the start over all streams, then every few seconds over those appended to lately. A stream that
    /// is behind in two sweeps in a row has nobody who folds it.
    pub async fn sweep(self, stop: CancellationToken) {
        let mut since = Timestamp::default();
        let mut behind: Option<HashSet<Stream>> = None;
        let mut round = 0;
        while !stop.is_cancelled() {
            let began = Timestamp::now();
            match self.sweep_once(since, behind.as_ref()).await {
                Ok((still, all)) => {
                    behind = Some(still);
                    if all {
                        since = began.minus(OVERLAP);
                    }
                }
                Err(error) => warn!(%error, "the sweep failed"),
            }
            if round % TRIM_EVERY == 0 {
                match self.store().trim(Timestamp::now().minus(KEPT)).await {
                    Ok(0) => {}
                    Ok(count) => info!(count, "trimmed old appends"),
                    Err(error) => warn!(%error, "trimming failed"),
                }
            }
            round = round.wrapping_add(1);
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    async fn sweep_once(
        &self,
        since: Timestamp,
        before: Option<&HashSet<Stream>>,
    ) -> Result<(HashSet<Stream>, bool), LogError> {
        let behind: HashSet<Stream> = self.store().unfolded(since).await?.into_iter().collect();
        metrics().stands("parlor_streams_behind", behind.len() as f64);
        let mut all = true;
        for stream in &behind {
            if before.is_none_or(|before| before.contains(stream)) {
                // One that can't be folded must not hold up the others; it is behind next time, too.
                if let Err(error) = roll_forward(self, *stream).await {
                    warn!(%stream, %error, "a stream can't be folded");
                    all = false;
                }
            }
        }
        Ok((behind, all))
    }
}
