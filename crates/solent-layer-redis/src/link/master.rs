//! Who the master is.

use futures::stream::{FuturesUnordered, StreamExt};
use redis::{
    Client, ConnectionInfo, ErrorKind, RedisError, RedisResult, Value, aio::MultiplexedConnection,
    cmd,
};

use super::{source::config_error, verdict::is_final};
use crate::{
    RedisConfig, RedisSentinel, RedisServer,
    config::{connection_config, connection_info},
};

/// Asks all Sentinels for the master, and the master whether it is one. The first answer that leads to a master counts, so
/// that Sentinels which do not answer hold nothing up.
pub(super) async fn find(
    sentinel: &RedisSentinel,
    config: &RedisConfig,
) -> RedisResult<ConnectionInfo> {
    let servers = sentinel.sentinel_servers();
    let mut asked: FuturesUnordered<_> = servers
        .map(|server| ask(server, sentinel, config))
        .collect();
    let mut last: Option<Failure> = None;
    while let Some(answer) = asked.next().await {
        match answer {
            Ok(master) => return Ok(master),
            Err(failure) => {
                if last
                    .as_ref()
                    .is_none_or(|last| failure.says_more_than(last))
                {
                    last = Some(failure);
                }
            }
        }
    }
    Err(last.map_or_else(unknown, Failure::into_error))
}

/// Why a Sentinel did not lead to a master.
enum Failure {
    /// It did not say where the master is.
    Sentinel(RedisError),
    /// It did, but that server is away, or none (yet).
    Master(RedisError),
}

impl Failure {
    /// What the master says counts before what Sentinels say, and that before their silence.
    fn says_more_than(&self, other: &Self) -> bool {
        self.weight() > other.weight()
    }

    fn weight(&self) -> u8 {
        match self {
            Self::Master(_) => 2,
            Self::Sentinel(error) => u8::from(is_final(error)),
        }
    }

    fn into_error(self) -> RedisError {
        match self {
            Self::Sentinel(error) | Self::Master(error) => error,
        }
    }
}

async fn ask(
    server: RedisServer,
    sentinel: &RedisSentinel,
    config: &RedisConfig,
) -> Result<ConnectionInfo, Failure> {
    let master = place(&server, sentinel, config).await;
    let master = master.map_err(Failure::Sentinel)?;
    let master = connection_info(&sentinel.master_at(master), config)
        .map_err(|error| Failure::Sentinel(config_error(error)))?;
    match confirm(&master, config).await {
        Ok(()) => Ok(master),
        Err(error) => Err(Failure::Master(error)),
    }
}

/// Where a Sentinel says that the master is.
async fn place(
    server: &RedisServer,
    sentinel: &RedisSentinel,
    config: &RedisConfig,
) -> RedisResult<(String, u16)> {
    let info = connection_info(server, config).map_err(config_error)?;
    let mut connection = connect(&info, config).await?;
    let place: Option<(String, u16)> = cmd("SENTINEL")
        .arg("GET-MASTER-ADDR-BY-NAME")
        .arg(&sentinel.master)
        .query_async(&mut connection)
        .await?;
    place.ok_or_else(|| {
        RedisError::from((
            ErrorKind::MasterNameNotFoundBySentinel,
            "sentinel does not know this master",
            sentinel.master.clone(),
        ))
    })
}

async fn confirm(master: &ConnectionInfo, config: &RedisConfig) -> RedisResult<()> {
    let mut connection = connect(master, config).await?;
    check_role(&mut connection).await
}

/// Asks a server whether it is a master.
pub(super) async fn check_role(connection: &mut MultiplexedConnection) -> RedisResult<()> {
    let role: Value = cmd("ROLE").query_async(connection).await?;
    match role {
        Value::Array(parts) if parts.first() == Some(&Value::BulkString(b"master".to_vec())) => {
            Ok(())
        }
        _ => Err(RedisError::from((
            ErrorKind::Client,
            "sentinel names a server that is no master (yet)",
        ))),
    }
}

async fn connect(
    info: &ConnectionInfo,
    config: &RedisConfig,
) -> RedisResult<MultiplexedConnection> {
    Client::open(info.clone())?
        .get_multiplexed_async_connection_with_config(&connection_config(config))
        .await
}

fn unknown() -> RedisError {
    RedisError::from((
        ErrorKind::EmptySentinelList,
        "no sentinel is known that could name the master",
    ))
}
