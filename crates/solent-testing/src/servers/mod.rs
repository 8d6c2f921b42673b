//! Real servers for tests: Redis alone, with Sentinels, as a cluster; and a proxy to cut wires with.
//!
//! Each server runs as a process of its own on a free port of 127.0.0.1, in a folder of its own, and goes when its handle is
//! dropped, when the test panics, and when the test's process dies.
//!
//! ```
//! use solent_testing::servers::{RedisServer, ServerError};
//!
//! #[tokio::main(flavor = "current_thread")] // in a test: #[tokio::test]
//! async fn main() -> Result<(), ServerError> {
//!     let redis = RedisServer::builder().password("secret").persistent().start().await?;
//!     assert_eq!(redis.command(&["SET", "greeting", "hello"]).await?, "OK");
//!
//!     redis.kill().await?; // as a power cut
//!     redis.restart().await?; // on the same port, with what it had, as it is persistent
//!     assert_eq!(redis.command(&["GET", "greeting"]).await?, "hello");
//!     assert_eq!(redis.keys().await?, ["greeting"]);
//!     Ok(())
//! }
//! ```
//!
//! # Where the program comes from
//!
//! `SOLENT_TEST_REDIS` names a `redis-server`; otherwise the one in `PATH` is taken. It must be Redis 7 or newer, or a program
//! that speaks and starts like it. Without one, [`ServerError::Missing`] says how to get one: a test that needs a server
//! fails, and is never skipped.
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

mod binary;
mod builder;
mod certificate;
mod cluster;
mod deadline;
mod error;
mod folder;
mod instance;
mod port;
mod process;
mod proxy;
mod redis;
mod reply;
mod sentinels;

pub use self::{
    builder::RedisBuilder,
    certificate::Certificates,
    cluster::{RedisCluster, RedisClusterBuilder},
    error::ServerError,
    proxy::Proxy,
    redis::RedisServer,
    reply::Reply,
    sentinels::{RedisSentinels, RedisSentinelsBuilder},
};
