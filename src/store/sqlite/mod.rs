//! The store in a single file.
