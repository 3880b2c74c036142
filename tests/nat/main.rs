//! Calls between people behind routers: each test builds an internet of its own out of network namespaces, with a server
//! on it and a home behind each router, and lets real browsers find a way to each other.
//!
//! It takes root, `ip` and `nft`; where namespaces can't be made, the tests fail and say so.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

#[path = "../suite/services.rs"]
#[allow(dead_code, reason = "shared with the suite, which uses more of it")]
mod services;

mod browser;
mod calls;
mod internet;
mod person;
mod routes;

/// Two browsers are as much as a small machine carries.
static TURNS: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(1);
