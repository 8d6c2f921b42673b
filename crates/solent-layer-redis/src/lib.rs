//! Channel layers on Redis.

mod config;
mod error;
mod link;
mod pubsub;
mod queue;
mod wire;

pub use self::{
    config::{
        Backoff, ClientCertificate, ConfigError, RedisAccess, RedisAddress, RedisCluster,
        RedisConfig, RedisHost, RedisLayerKind, RedisLayerUrl, RedisSentinel, RedisServer,
        RedisTls, Secret, TlsCheck,
    },
    pubsub::RedisPubSubLayer,
    queue::RedisQueueLayer,
    wire::{Json, MessagePack, Serializer},
};
