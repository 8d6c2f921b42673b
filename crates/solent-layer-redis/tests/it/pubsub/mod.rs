//! The layer that publishes.

// What survives when Redis goes away and comes back.
mod away;

// Bursts of what others publish.
mod burst;

// What is told of sends, and what Redis has to do.
mod cost;

// All promises of a layer, on each kind of Redis.
mod promises;
