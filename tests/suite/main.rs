//! Behaviour, through the public edges: one file a capability.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod accounts;
mod bus_contract;
mod bus_redis;
mod cluster;
mod config;
mod durability;
mod people;
mod program;
mod services;
mod store_contract;
mod store_mongo;
mod support;
