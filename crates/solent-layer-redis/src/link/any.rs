//! Which node to talk to, where any will do.

use rand::seq::SliceRandom;
use redis::{Client, ConnectionInfo, ErrorKind, RedisError, RedisResult, cmd};

use super::source::config_error;
use crate::{
    RedisConfig, RedisServer,
    config::{connection_config, connection_info},
};

/// The first node that answers. Processes begin with different ones, so that each has its share.
pub(super) async fn find_node(
    servers: &[RedisServer],
    config: &RedisConfig,
) -> RedisResult<ConnectionInfo> {
    let mut servers: Vec<_> = servers.iter().collect();
    servers.shuffle(&mut rand::rng());
    let mut last = RedisError::from((ErrorKind::ClusterConnectionNotFound, "no node is known"));
    for server in servers {
        let info = connection_info(server, config).map_err(config_error)?;
        match ping(info.clone(), config).await {
            Ok(()) => return Ok(info),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn ping(info: ConnectionInfo, config: &RedisConfig) -> RedisResult<()> {
    let mut connection = Client::open(info)?
        .get_multiplexed_async_connection_with_config(&connection_config(config))
        .await?;
    cmd("PING").exec_async(&mut connection).await
}
