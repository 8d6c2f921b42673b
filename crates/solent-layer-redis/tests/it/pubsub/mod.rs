//! The layer that publishes.

// All promises of a layer, on each kind of Redis.
mod promises;
