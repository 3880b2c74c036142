//! Behaviour, through the public edges: one file a capability.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]
#![allow(clippy::large_futures, reason = "peers of calls are few, and live in tests alone")]
#![allow(
    clippy::print_stdout,
    reason = "a figure, or the seed of a random run, is for whoever reads the test's output"
)]

mod accounts;
mod away;
mod bad_input;
mod bus_contract;
mod bus_redis;
mod calls;
mod cluster;
mod config;
mod deaf_nodes;
mod durability;
mod files;
mod live;
mod messages;
mod metrics;
mod migrate;
mod mongod;
mod operator;
mod pages;
mod people;
mod presence_over_nodes;
mod program;
mod protocol_doc;
mod resume;
mod rooms;
mod services;
mod store_contract;
mod store_mongo;
mod support;
mod turn;
