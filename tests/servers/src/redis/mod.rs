//! Redis: alone, with Sentinels, as a cluster.

// The program, and a process of it.
mod binary;
mod instance;
mod reply;

// What tests hold.
mod builder;
mod certificate;
mod cluster;
mod sentinels;
mod server;

pub use self::{
    builder::RedisBuilder,
    certificate::Certificates,
    cluster::{RedisCluster, RedisClusterBuilder},
    reply::Reply,
    sentinels::{RedisSentinels, RedisSentinelsBuilder},
    server::RedisServer,
};
