//! Why a server does not let in.

use redis::{
    Client, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo, RedisConnectionInfo,
    RedisError,
};

use super::verdict::is_final;
use crate::{RedisConfig, config::connection_config};

/// The error that an attempt to connect ended with, or a better one: a server that speaks TLS closes a connection without it
/// before it has said a word, which looks like a server that is away.
pub(super) async fn explain(
    error: RedisError,
    info: ConnectionInfo,
    config: &RedisConfig,
) -> RedisError {
    let ConnectionAddr::Tcp(host, port) = info.addr() else {
        return error;
    };
    if !was_cut(&error) || !speaks_tls(host, *port, config).await {
        return error;
    }
    RedisError::from((
        ErrorKind::InvalidClientConfig,
        "server speaks TLS, use a URL that begins with `rediss`, or RedisServer::tls",
    ))
}

/// Whether the connection was made, and ended by the other end.
fn was_cut(error: &RedisError) -> bool {
    error.is_connection_dropped() && !error.is_connection_refusal()
}

async fn speaks_tls(host: &str, port: u16, config: &RedisConfig) -> bool {
    crate::config::provide_ciphers();
    let addr = ConnectionAddr::TcpTls {
        host: host.to_owned(),
        port,
        insecure: true,
        tls_params: None,
    };
    // Without credentials: it is only to be seen what language is spoken.
    let Ok(info) = addr.into_connection_info() else {
        return false;
    };
    let Ok(client) = Client::open(info.set_redis_settings(RedisConnectionInfo::default())) else {
        return false;
    };
    let config = connection_config(config);
    match client
        .get_multiplexed_async_connection_with_config(&config)
        .await
    {
        Ok(_) => true,
        // Redis's own words came through TLS, or the server wants a certificate of the client.
        Err(error) => error.code().is_some() || is_alert(&error),
    }
}

/// Whether the other end has answered as TLS does.
fn is_alert(error: &RedisError) -> bool {
    is_final(error) && error.to_string().contains("alert")
}
