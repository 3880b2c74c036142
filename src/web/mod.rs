//! The edge.
pub mod views;
