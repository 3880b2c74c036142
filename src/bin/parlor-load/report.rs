//! What was measured, as a table and as JSON.

use std::{
    io::{self, Write},
    time::Duration,
};

use serde::Serialize;

/// One figure.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    /// What was measured.
    pub(crate) what: String,
    /// How much.
    pub(crate) value: f64,
    /// Of what.
    pub(crate) unit: &'static str,
    /// The bare broadcaster's figure of the same run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bare: Option<f64>,
}

/// All figures of a run.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    figures: Vec<Figure>,
}

impl Report {
    /// Adds a figure, and shows it.
    pub(crate) fn add(&mut self, what: impl Into<String>, value: f64, unit: &'static str) {
        self.beside(what, value, unit, None);
    }

    /// Adds a figure beside the bare broadcaster's.
    pub(crate) fn beside(
        &mut self,
        what: impl Into<String>,
        value: f64,
        unit: &'static str,
        bare: Option<f64>,
    ) {
        let what = what.into();
        let ratio =
            bare.map(|bare| format!("  {:>9.2} bare  × {:.2}", bare, value / bare)).unwrap_or_default();
        say(&format!("{what:<66} {value:>12.2} {unit:<12}{ratio}"));
        self.figures.push(Figure { what, value, unit, bare });
    }

    /// Adds the spread of many times, in milliseconds.
    pub(crate) fn spread(&mut self, what: &str, times: &mut [Duration], bare: Option<&Spread>) -> Spread {
        let spread = Spread::of(times);
        for (name, value, bare) in [
            ("p50", spread.p50, bare.map(|bare| bare.p50)),
            ("p99", spread.p99, bare.map(|bare| bare.p99)),
            ("p99.9", spread.p999, bare.map(|bare| bare.p999)),
        ] {
            self.beside(format!("{what}, {name}"), value, "ms", bare);
        }
        spread
    }

    /// All of it as JSON.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// Where many times lie, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    p50: f64,
    p99: f64,
    p999: f64,
}

impl Spread {
    /// Of these times.
    pub(crate) fn of(times: &mut [Duration]) -> Self {
        times.sort_unstable();
        let at = |per_mille: usize| {
            let place = times.len().saturating_sub(1) * per_mille / 1_000;
            times.get(place).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
        };
        Self { p50: at(500), p99: at(990), p999: at(999) }
    }
}

/// Prints a line.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
