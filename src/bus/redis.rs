//! The bus of many nodes, over Redis pub/sub.
