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
    /// A figure of the same run to compare it with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) beside: Option<f64>,
    /// Whose that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) than: Option<&'static str>,
}

/// All figures of a run, and what they were measured on.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// When, in UTC.
    at: String,
    /// The machine: its processor, how many of it, its system.
    machine: String,
    /// The command.
    command: Vec<String>,
    /// Settings that protect a server from what was done, and were lifted.
    lifted: Vec<String>,
    figures: Vec<Figure>,
}

impl Report {
    /// Of a run that begins now.
    pub(crate) fn new(lifted: Vec<String>) -> Self {
        let report = Self {
            at: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            machine: machine(),
            command: std::env::args().collect(),
            lifted,
            figures: vec![],
        };
        say(&format!("{}  {}", report.at, report.machine));
        say(&format!("limits lifted: {}", report.lifted.join(" ")));
        report
    }

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
        self.figure(what.into(), value, unit, bare.map(|bare| (bare, "bare")));
    }

    fn figure(&mut self, what: String, value: f64, unit: &'static str, beside: Option<(f64, &'static str)>) {
        let ratio = beside
            .map(|(other, name)| format!("  {other:>9.2} {name}  × {:.2}", value / other))
            .unwrap_or_default();
        say(&format!("{what:<66} {value:>12.2} {unit:<12}{ratio}"));
        let (than, beside) = (beside.map(|(_, name)| name), beside.map(|(other, _)| other));
        self.figures.push(Figure { what, value, unit, beside, than });
    }

    /// Adds the spread of many times, in milliseconds, beside the bare broadcaster's.
    pub(crate) fn spread(&mut self, what: &str, times: &mut [Duration], bare: Option<&Spread>) {
        self.spread_of(what, times, bare.map(|bare| (bare, "bare")));
    }

    /// The same, beside another spread.
    pub(crate) fn spread_beside(
        &mut self,
        what: &str,
        times: &mut [Duration],
        other: &Spread,
        name: &'static str,
    ) {
        self.spread_of(what, times, Some((other, name)));
    }

    fn spread_of(&mut self, what: &str, times: &mut [Duration], beside: Option<(&Spread, &'static str)>) {
        let spread = Spread::of(times);
        for (name, of) in [
            ("p50", (|spread| spread.p50) as fn(&Spread) -> f64),
            ("p99", |spread| spread.p99),
            ("p99.9", |spread| spread.p999),
        ] {
            let beside = beside.map(|(other, name)| (of(other), name));
            self.figure(format!("{what}, {name}"), of(&spread), "ms", beside);
        }
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

/// The processor, how many of it, and the system, as far as they are told.
fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpus = read("/proc/cpuinfo");
    let models: Vec<&str> = cpus.lines().filter_map(|line| line.strip_prefix("model name\t: ")).collect();
    let system = read("/proc/sys/kernel/osrelease");
    format!("{} × {}, Linux {}", models.len(), models.first().unwrap_or(&"unknown"), system.trim())
}

/// Prints a line.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
