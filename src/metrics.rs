//! What a node counts of itself, for `GET /metrics`. `docs/operating.md` says what each means.
//!
//! Handles are made once; to count is an atomic addition. Whatever differs by a label that is seldom used is looked up
//! when it happens. The counts are the process's, as Prometheus expects them.

use std::{sync::LazyLock, time::Instant};

use metrics::{Counter, Histogram, Unit, counter, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Seconds, from what a lookup in memory takes to what somebody complains of.
const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0];
/// How many went together.
const TOGETHER: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// The kinds of answer, by the first digit of their status.
const STATUSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

macro_rules! counted {
    (
        counters { $($count:ident = $count_name:literal, $count_help:literal;)* }
        histograms { $($spread:ident = $spread_name:literal, $unit:ident, $spread_help:literal;)* }
        others { $($kind:ident $other_name:literal, $other_help:literal;)* }
    ) => {
        /// Handles to what is counted often.
        #[derive(Debug)]
        pub struct Metrics {
            $(#[doc = $count_help] pub $count: Counter,)*
            $(#[doc = $spread_help] pub $spread: Histogram,)*
            /// Seconds to answer a request, by the kind of answer.
            requests: [Histogram; STATUSES.len()],
            page: Option<PrometheusHandle>,
        }

        impl Metrics {
            fn new(page: Option<PrometheusHandle>) -> Self {
                $(metrics::describe_counter!($count_name, $count_help);)*
                $(metrics::describe_histogram!($spread_name, Unit::$unit, $spread_help);)*
                $(describe!($kind $other_name, $other_help);)*
                Self {
                    $($count: counter!($count_name),)*
                    $($spread: metrics::histogram!($spread_name),)*
                    requests: STATUSES.map(|status| metrics::histogram!("parlor_request_seconds", "status" => status)),
                    page,
                }
            }
        }

        /// The names of all there are.
        #[cfg(test)]
        const NAMES: &[&str] = &[$($count_name,)* $($spread_name,)* $($other_name,)*];
    };
}

macro_rules! describe {
    (counter $name:literal, $help:literal) => {
        metrics::describe_counter!($name, $help)
    };
    (gauge $name:literal, $help:literal) => {
        metrics::describe_gauge!($name, $help)
    };
    (histogram $name:literal, $help:literal) => {
        metrics::describe_histogram!($name, Unit::Seconds, $help)
    };
}

counted! {
    counters {
        deliveries = "parlor_deliveries_total", "Frames handed to sockets.";
        sockets_opened = "parlor_sockets_opened_total", "Sockets that came in.";
        heals = "parlor_heals_total", "Gaps in what came over the bus that were filled from the log.";
        reloads = "parlor_reloads_total", "Streams whose readers had to load anew, since the log was another.";
        append_conflicts = "parlor_append_conflicts_total", "Appends decided again, since another node was faster.";
        bus_published = "parlor_bus_published_total", "Notices handed to Redis.";
        turn_opened = "parlor_turn_opened_total", "Allocations opened on the relay.";
        turn_sent_bytes = "parlor_turn_sent_bytes_total", "Bytes from clients of the relay to their peers.";
        turn_received_bytes = "parlor_turn_received_bytes_total", "Bytes from peers to clients of the relay.";
        bus_received = "parlor_bus_received_total", "Appends heard of from other nodes.";
    }
    histograms {
        appends = "parlor_append_seconds", Seconds, "Time for an append to be durable.";
        append_entries = "parlor_append_entries", Count, "Entries in an append.";
        write_batch = "parlor_write_batch", Count, "Writes that shared one wait for the disk.";
        acks = "parlor_ack_seconds", Seconds, "Time from a change's arrival at its stream to its acknowledgement.";
        fold_lag = "parlor_fold_lag_seconds", Seconds, "Time from an append to its projections being up to it.";
    }
    others {
        histogram "parlor_request_seconds", "Time to answer a request, by the kind of answer.";
        counter "parlor_socket_closes_total", "Sockets that ended, by reason.";
        counter "parlor_store_errors_total", "Errors of the store, by kind.";
        counter "parlor_bus_errors_total", "Errors of the bus, by kind.";
        counter "parlor_turn_refusals_total", "What the relay refused, by reason.";
        gauge "parlor_turn_allocations", "Allocations that are open on the relay.";
        gauge "parlor_turn_connections", "Streams that are open to the relay.";
        counter "parlor_signals_total", "What pages in calls told each other, by kind.";
        counter "parlor_calls_ended_total", "Calls that ended, by outcome.";
        gauge "parlor_calls", "Calls that are this node's.";
        gauge "parlor_call_people", "People in calls that are this node's.";
        gauge "parlor_sockets", "Sockets that are open.";
        gauge "parlor_streams_read", "Streams that have readers on this node.";
        gauge "parlor_streams_behind", "Streams whose projections were behind their log at the last sweep.";
        gauge "parlor_bus_connected", "Whether other nodes are in reach: 1 or 0.";
        gauge "parlor_open_files_limit", "How many files and connections the system lets the process have open.";
        gauge "parlor_start_time_seconds", "When the process started, in seconds since 1970.";
        gauge "parlor_build_info", "1, with the version that runs.";
    }
}

static METRICS: LazyLock<Metrics> = LazyLock::new(|| {
    let builder = PrometheusBuilder::new();
    let builder = builder.set_buckets(&SECONDS);
    let together = ["parlor_append_entries", "parlor_write_batch"];
    let builder = together.into_iter().fold(builder, |builder, name| {
        builder.and_then(|builder| builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), &TOGETHER))
    });
    let page = builder.and_then(PrometheusBuilder::install_recorder);
    let page = page.inspect_err(|error| tracing::error!(%error, "nothing can be counted")).ok();
    let metrics = Metrics::new(page);
    gauge!("parlor_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    gauge!("parlor_start_time_seconds").set(crate::model::Timestamp::now().0 as f64 / 1_000.0);
    metrics
});

/// What this process counts.
pub fn metrics() -> &'static Metrics {
    &METRICS
}

impl Metrics {
    /// All counts, in Prometheus' text format.
    pub fn page(&self) -> String {
        self.page.as_ref().map(PrometheusHandle::render).unwrap_or_default()
    }

    /// Sorts what was measured into its buckets, so that it doesn't pile up while nobody asks.
    pub fn sort(&self) {
        if let Some(page) = &self.page {
            page.run_upkeep();
        }
    }

    /// Counts a request that was begun then.
    pub fn answered(&self, status: u16, begun: Instant) {
        let kind = usize::from(status / 100).saturating_sub(1);
        if let Some(requests) = self.requests.get(kind) {
            requests.record(begun.elapsed());
        }
    }

    /// Counts a socket that ended.
    pub fn closed(&self, reason: &'static str) {
        counter!("parlor_socket_closes_total", "reason" => reason).increment(1);
    }

    /// Counts an error of the store.
    pub fn store_error(&self, kind: &'static str) {
        counter!("parlor_store_errors_total", "kind" => kind).increment(1);
    }

    /// Counts an error of the bus.
    pub fn bus_error(&self, kind: &'static str) {
        counter!("parlor_bus_errors_total", "kind" => kind).increment(1);
    }

    /// Counts what the relay refused.
    pub fn turn_refused(&self, reason: &'static str) {
        counter!("parlor_turn_refusals_total", "reason" => reason).increment(1);
    }

    /// Notes what stands at a number now.
    pub fn stands(&self, name: &'static str, number: f64) {
        gauge!(name).set(number);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_documentation_lists_every_metric_and_no_other() {
        let documented: BTreeSet<&str> = include_str!("../docs/operating.md")
            .lines()
            .filter_map(|line| line.strip_prefix("| `parlor_")?.split('`').next())
            .collect();
        let ours = NAMES.iter().filter_map(|name| name.strip_prefix("parlor_")).collect();
        assert_eq!(documented, ours);
    }
}
