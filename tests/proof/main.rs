//! Proof of the log: races against a store with scripted faults, random runs, crashes and cuts, each compared with a
//! fresh load, field for field.
//!
//! A random run says its seed when it fails; `PARLOR_TEST_SEED` gives it one, `PARLOR_TEST_STEPS`,
//! `PARLOR_TEST_KILLS` and `PARLOR_TEST_TROUBLES` another length.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]
#![allow(clippy::print_stderr, reason = "a run says its seed, and what it did")]
#![allow(dead_code, reason = "the helpers of the suite are shared whole")]

mod audit;
mod chaos;
mod client;
mod convergence;
mod crash;
mod dice;
mod faulty;
mod gate;
#[path = "../suite/mongod.rs"]
mod mongod;
#[path = "../suite/people.rs"]
mod people;
mod place;
#[path = "../suite/program.rs"]
mod program;
mod proxy;
mod races;
mod rolling;
mod run;
#[path = "../suite/services.rs"]
mod services;
mod shell;
