//! The page in a real Chromium, through its driver: one file a capability.
//!
//! A test opens a [`house::House`], a server of its own, and seats people there: some in browsers
//! ([`chromium::Browser`], with what a person does in a page in [`page`]), others as programs ([`people::Person`]).
//! Nothing sleeps: each step waits until what it needs is so, within [`services::PATIENCE`].

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

#[path = "../suite/people.rs"]
#[allow(dead_code, reason = "shared with the suite, which uses more of it")]
mod people;
#[path = "../suite/program.rs"]
#[allow(dead_code, reason = "shared with the suite, which uses more of it")]
mod program;
#[path = "../suite/services.rs"]
#[allow(dead_code, reason = "shared with the suite, which uses more of it")]
mod services;

mod accessibility;
mod calls;
mod calls_seen;
mod calls_worked;
mod chromium;
mod csp;
mod details;
mod door;
mod faces;
mod history;
mod hostile;
mod house;
mod installed;
mod keyboard;
mod network;
mod no_script;
mod page;
mod party;
mod relay;
mod ringing;
mod samples;
mod seeing;
mod side;
mod talk;
mod upload;
mod voice;
mod xss;
