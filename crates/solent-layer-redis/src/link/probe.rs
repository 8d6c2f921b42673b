//! Why a server does not let in.

use redis::{
    Client, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo, RedisConnectionInfo,
    RedisError,
};

use super::verdict::is_final;
use crate::{RedisConfig, config::connection_config};

/// The error that an attempt to connect ended with, or a better one.
///
/// A server that speaks TLS closes a connection without it before it has said a word. One that does not waits for the end of
/// what it takes for a line. Both look like a server that is away.
pub(super) async fn explain(
    error: RedisError,
    info: ConnectionInfo,
    config: &RedisConfig,
) -> RedisError {
    let other = match info.addr() {
        ConnectionAddr::Tcp(host, port) if was_cut(&error) => {
            let addr = ConnectionAddr::TcpTls {
                host: host.clone(),
                port: *port,
                insecure: true,
                tls_params: None,
            };
            let advice =
                "server speaks TLS, use a URL that begins with `rediss`, or RedisServer::tls";
            (addr, advice)
        }
        ConnectionAddr::TcpTls { host, port, .. } if error.is_timeout() => {
            let addr = ConnectionAddr::Tcp(host.clone(), *port);
            (
                addr,
                "server speaks no TLS, use a URL that begins with `redis`",
            )
        }
        _ => return error,
    };
    let (addr, advice) = other;
    if !answers(addr, config).await {
        return error;
    }
    RedisError::from((ErrorKind::InvalidClientConfig, advice))
}

/// Whether the connection was made, and ended by the other end.
fn was_cut(error: &RedisError) -> bool {
    error.is_connection_dropped() && !error.is_connection_refusal()
}

/// Whether a Redis answers there.
async fn answers(addr: ConnectionAddr, config: &RedisConfig) -> bool {
    crate::config::provide_ciphers();
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
        // Redis's own words came through, or the server wants a certificate of the client.
        Err(error) => error.code().is_some() || is_alert(&error),
    }
}

/// Whether the other end has answered as TLS does.
fn is_alert(error: &RedisError) -> bool {
    is_final(error) && error.to_string().contains("alert")
}
