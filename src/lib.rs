//! Parlor.
pub mod web;
