//! The layers from outside, on real servers.

// What the tests of both layers have in common.
mod scene;

// Trying all promises of a layer on one kind of Redis.
mod promises;

// What Redis may remove.
mod eviction;

// What Redis refuses, which waiting does not change.
mod refused;

// One of several hosts is away.
mod hosts;

// What the log must not tell.
mod secret;

// What is slow, or cut off early.
mod wire;

// What stands still.
mod frozen;

// The layer that publishes.
mod pubsub;

// The layer whose messages wait in Redis.
mod queue;
