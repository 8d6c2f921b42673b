//! Which node to talk to, where any will do.

use rand::seq::SliceRandom;
use redis::{Client, ConnectionInfo, ErrorKind, RedisError, RedisResult, cmd};

use super::{source::config_error, verdict::is_final};
use crate::{
    RedisCluster, RedisConfig, RedisServer,
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
    let mut refused = false;
    for server in servers {
        let info = connection_info(server, config).map_err(config_error)?;
        match ping(info.clone(), config).await {
            Ok(()) => return Ok(info),
            // A refusal says more than silence.
            Err(_) if refused => {}
            Err(error) => {
                refused = is_final(&error);
                last = error;
            }
        }
    }
    Err(last)
}

/// Why no node of a cluster can be used, if one of them has refused it.
pub(super) async fn refusal(cluster: &RedisCluster, config: &RedisConfig) -> Option<RedisError> {
    for server in cluster.servers() {
        let info = match connection_info(&server, config) {
            Ok(info) => info,
            Err(error) => return Some(config_error(error)),
        };
        match ping(info, config).await {
            Err(error) if is_final(&error) => return Some(error),
            _ => {}
        }
    }
    None
}

/// Asks a node whether it is one of a cluster.
async fn ping(info: ConnectionInfo, config: &RedisConfig) -> RedisResult<()> {
    let mut connection = Client::open(info)?
        .get_multiplexed_async_connection_with_config(&connection_config(config))
        .await?;
    cmd("CLUSTER").arg("INFO").exec_async(&mut connection).await
}
