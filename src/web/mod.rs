//! The edge.
pub mod fragment;
pub mod views;
