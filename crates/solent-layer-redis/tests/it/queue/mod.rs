//! The layer whose messages wait in Redis.

// What survives when Redis goes away and comes back.
mod away;
// What processes that end leave behind, and what others do about it.
mod end;
// All promises of a layer, on each kind of Redis.
mod promises;
// What is in Redis, as Python's layer has it.
mod python;
// What the tests of this layer have in common.
mod scene;
// Names that workers listen on.
mod worker;
