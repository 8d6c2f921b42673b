//! Who the master is.

use redis::{Client, ConnectionInfo, ErrorKind, RedisError, RedisResult, Value, cmd};

use super::source::config_error;
use crate::{
    RedisConfig, RedisSentinel,
    config::{connection_config, connection_info},
};

/// Asks one Sentinel after the other for the master, and the master whether it is one.
pub(super) async fn find_master(
    sentinel: &RedisSentinel,
    config: &RedisConfig,
) -> RedisResult<ConnectionInfo> {
    let mut last = RedisError::from((
        ErrorKind::MasterNameNotFoundBySentinel,
        "no sentinel knows the master, see that its name is right",
    ));
    for server in sentinel.sentinel_servers() {
        let info = connection_info(&server, config).map_err(config_error)?;
        match ask(info, sentinel, config).await {
            Ok(master) => return Ok(master),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn ask(
    info: ConnectionInfo,
    sentinel: &RedisSentinel,
    config: &RedisConfig,
) -> RedisResult<ConnectionInfo> {
    let timeouts = connection_config(config);
    let mut connection = Client::open(info)?
        .get_multiplexed_async_connection_with_config(&timeouts)
        .await?;
    let address: Option<(String, u16)> = cmd("SENTINEL")
        .arg("GET-MASTER-ADDR-BY-NAME")
        .arg(&sentinel.master)
        .query_async(&mut connection)
        .await?;
    let (host, port) = address.ok_or_else(|| {
        RedisError::from((
            ErrorKind::MasterNameNotFoundBySentinel,
            "sentinel does not know this master",
            sentinel.master.clone(),
        ))
    })?;
    let master =
        connection_info(&sentinel.master_at((host, port)), config).map_err(config_error)?;
    let mut connection = Client::open(master.clone())?
        .get_multiplexed_async_connection_with_config(&timeouts)
        .await?;
    let role: Value = cmd("ROLE").query_async(&mut connection).await?;
    match role {
        Value::Array(parts) if parts.first() == Some(&Value::BulkString(b"master".to_vec())) => {
            Ok(master)
        }
        _ => Err(RedisError::from((
            ErrorKind::Client,
            "sentinel names a server that is no master (yet)",
        ))),
    }
}
