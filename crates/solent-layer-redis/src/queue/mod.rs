//! The layer whose messages wait in Redis: the layout of `channels_redis.core`.
//!
//! What it shares with Python is in [`wire`](crate::wire). A process has one [reader](reader) for all of its own channels on
//! each host, one [worker](worker) for the names it listens on, and one task for [upkeep](upkeep).

mod answer;
mod check;
mod close;
mod deliver;
mod flush;
mod group;
mod hosts;
mod joining;
mod layer;
mod leave;
mod listen;
mod members;
mod pop;
mod process;
mod prune;
mod reader;
mod recover;
mod rights;
mod script;
mod send;
mod shared;
mod task;
mod upkeep;
mod worker;

pub use self::layer::RedisQueueLayer;
