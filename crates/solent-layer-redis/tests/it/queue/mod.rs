//! The layer whose messages wait in Redis.

// All promises of a layer, on each kind of Redis.
mod promises;
