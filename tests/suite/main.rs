//! Behaviour, through the public edges: one file a capability.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod accounts;
mod bad_input;
mod bus_contract;
mod bus_redis;
mod cluster;
mod config;
mod durability;
mod live;
mod messages;
mod people;
mod program;
mod protocol_doc;
mod resume;
mod rooms;
mod services;
mod store_contract;
mod store_mongo;
mod support;
