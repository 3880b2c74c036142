//! Behaviour, through the public edges: one file a capability.

mod store_contract;
mod store_mongo;
