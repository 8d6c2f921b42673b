//! The layer that publishes.

// What survives when Redis goes away and comes back.
mod away;

// What is told of sends, and what Redis has to do.
mod cost;

// All promises of a layer, on each kind of Redis.
mod promises;
