//! Where Redis is, and how the layers use it.
//!
//! Nothing here waits or connects: [`client`] turns the settings into those of the Redis client, and is the only one that
//! knows it.

mod access;
mod address;
mod backoff;
mod client;
mod cluster;
mod error;
mod host;
mod layer_url;
mod secret;
mod sentinel;
mod server;
mod settings;
mod url;
mod validate;

#[cfg(test)]
mod tests;

pub(crate) use self::client::{
    cluster_builder, connection_config, connection_info, provide_ciphers,
};
pub use self::{
    access::{ClientCertificate, RedisAccess, RedisTls, TlsCheck},
    address::RedisAddress,
    backoff::Backoff,
    cluster::RedisCluster,
    error::ConfigError,
    host::RedisHost,
    layer_url::{RedisLayerKind, RedisLayerUrl},
    secret::Secret,
    sentinel::RedisSentinel,
    server::RedisServer,
    settings::RedisConfig,
};
