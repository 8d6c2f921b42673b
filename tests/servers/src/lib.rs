//! Real servers for tests: Redis alone, with Sentinels, as a cluster; PostgreSQL; and a proxy to cut wires with. And a [`Log`] of
//! what was logged.
//!
//! Each server runs as a process of its own on a free port of 127.0.0.1, in a folder of its own, and goes when its handle is
//! dropped, when the test panics, and when the test's process dies.
//!
//! # Where the program comes from
//!
//! `SOLENT_TEST_REDIS` names a `redis-server`; otherwise the one in `PATH` is taken. It must be Redis 7 or newer, or a program
//! that speaks and starts like it. `SOLENT_TEST_POSTGRES` names a `postgres`, with `initdb` beside it; otherwise they are
//! looked for in `PATH` and where packages put them. It must be PostgreSQL 14 or newer. Without one,
//! [`ServerError::Missing`] says how to get one: a test that needs a server fails, and is never skipped.
//!
//! # Time
//!
//! What waits here waits in real time, on a thread of the runtime's pool for blocking work, at most 30 seconds. While it waits,
//! a paused clock stands still. Clients of a real server need a clock that runs.
//!
//! # The end of a server
//!
//! A server in a `static` is never dropped. It ends with the test's process all the same, also if that is killed: beside every
//! server a shell waits for the end of a pipe whose other end only the test's process holds. The server and the shell are
//! process groups of their own, so that an interrupt at the terminal does not take the shell before its work is done.

#![cfg(unix)]

mod postgres;
mod redis;

mod account;
mod error;
mod folder;
mod log;
mod port;
mod process;
mod proxy;
mod wait;

pub use self::log::Log;
pub use self::postgres::{PostgresServer, Row};
pub use self::redis::{
    Certificates, RedisBuilder, RedisCluster, RedisClusterBuilder, RedisSentinels,
    RedisSentinelsBuilder, RedisServer, Reply,
};
pub use self::{error::ServerError, proxy::Proxy};
