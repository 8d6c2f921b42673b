//! What the settings are for the Redis client. Only this file and those that connect know it.
//!
//! Certificates are read from their files here, each time, so that a renewed one is used by the next connection. The files
//! are small; reading them blocks.

use std::{fs, path::Path, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo,
    IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo, RedisError, TlsCertificates, TlsMode,
    cluster::ClusterClientBuilder,
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
};
use rustls::crypto::{CryptoProvider, ring};

use super::{
    ConfigError, RedisAccess, RedisAddress, RedisCluster, RedisConfig, RedisServer, RedisTls,
    TlsCheck,
};

/// How to connect to a server.
pub(crate) fn connection_info(
    server: &RedisServer,
    config: &RedisConfig,
) -> Result<ConnectionInfo, ConfigError> {
    let RedisServer {
        address,
        access,
        database,
    } = server;
    let info = plain_address(address, access.tls.as_ref())
        .into_connection_info()
        .map_err(refused)?
        .set_redis_settings(login(access)?.set_db((*database).into()))
        .set_tcp_settings(tcp_settings(config));
    match &access.tls {
        Some(tls) if address.unix_path().is_none() => with_tls(info, tls),
        _ => Ok(info),
    }
}

/// How to connect to a cluster. It remains to say what happens to pushed messages and when to try again.
pub(crate) fn cluster_builder(
    cluster: &RedisCluster,
    config: &RedisConfig,
) -> Result<ClusterClientBuilder, ConfigError> {
    let nodes = cluster
        .servers()
        .map(|node| connection_info(&node, config))
        .collect::<Result<Vec<_>, _>>()?;
    let builder = ClusterClientBuilder::new(nodes)
        .use_protocol(ProtocolVersion::RESP3)
        .connection_timeout(config.connect_timeout)
        .response_timeout(config.response_timeout)
        .tcp_settings(tcp_settings(config));
    let Some(tls) = &cluster.access.tls else {
        return Ok(builder);
    };
    // The nodes that are found later are connected to as the builder says, not as the first ones.
    Ok(builder
        .certs(certificates(tls)?)
        .tls(match tls.check {
            TlsCheck::Nothing => TlsMode::Insecure,
            TlsCheck::Full | TlsCheck::Certificate => TlsMode::Secure,
        })
        .danger_accept_invalid_hostnames(tls.check == TlsCheck::Certificate))
}

/// The time limits of a connection. It remains to say what happens to pushed messages.
pub(crate) fn connection_config(config: &RedisConfig) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(config.connect_timeout))
        .set_response_timeout(Some(config.response_timeout))
}

fn plain_address(address: &RedisAddress, tls: Option<&RedisTls>) -> ConnectionAddr {
    match (address, tls) {
        (RedisAddress::Unix(path), _) => ConnectionAddr::Unix(path.clone()),
        (RedisAddress::Tcp { host, port }, None) => ConnectionAddr::Tcp(host.clone(), *port),
        (RedisAddress::Tcp { host, port }, Some(tls)) => ConnectionAddr::TcpTls {
            host: host.clone(),
            port: *port,
            insecure: tls.check == TlsCheck::Nothing,
            tls_params: None,
        },
    }
}

fn login(access: &RedisAccess) -> Result<RedisConnectionInfo, ConfigError> {
    super::validate::access(access)?;
    let mut info = RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3);
    if let Some(user) = &access.user {
        info = info.set_username(user);
    }
    if let Some(password) = access
        .password
        .as_ref()
        .and_then(|password| password.expose_str())
    {
        info = info.set_password(password);
    }
    Ok(info)
}

/// Small commands leave at once, and a peer that vanished is noticed.
fn tcp_settings(config: &RedisConfig) -> TcpSettings {
    const SECOND: Duration = Duration::from_secs(1);
    let silence = config.keepalive.max(SECOND);
    let keepalive = TcpKeepalive::new()
        .with_time(silence)
        .with_interval((silence / 3).max(SECOND));
    #[cfg(not(windows))]
    let keepalive = keepalive.with_retries(3);
    let settings = TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(keepalive);
    // The questions are asked only while nothing is on its way; this is for when something is.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    let settings = settings.set_user_timeout(silence.saturating_mul(2));
    settings
}

fn with_tls(info: ConnectionInfo, tls: &RedisTls) -> Result<ConnectionInfo, ConfigError> {
    provide_ciphers();
    // The client gives its parameters for TLS away only in this way.
    let client = Client::build_with_tls(info, certificates(tls)?).map_err(refused)?;
    let info = client.get_connection_info().clone();
    let mut address = info.addr().clone();
    address.set_danger_accept_invalid_hostnames(tls.check == TlsCheck::Certificate);
    Ok(info.set_addr(address))
}

fn certificates(tls: &RedisTls) -> Result<TlsCertificates, ConfigError> {
    let client_tls = tls.client.as_ref().map(|client| {
        Ok(ClientTlsConfig {
            client_cert: read(&client.certificate)?,
            client_key: read(&client.key)?,
        })
    });
    Ok(TlsCertificates {
        client_tls: client_tls.transpose()?,
        root_cert: tls.ca_file.as_deref().map(read_authorities).transpose()?,
    })
}

fn read(path: &Path) -> Result<Vec<u8>, ConfigError> {
    fs::read(path).map_err(|source| ConfigError::TlsFile {
        path: path.into(),
        source,
    })
}

/// A file without a certificate would trust no server, which would show only when it connects.
fn read_authorities(path: &Path) -> Result<Vec<u8>, ConfigError> {
    const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
    let pem = read(path)?;
    if pem.windows(BEGIN.len()).any(|window| window == BEGIN) {
        return Ok(pem);
    }
    Err(ConfigError::TlsFile {
        path: path.into(),
        source: std::io::Error::other("no certificate in PEM form in it"),
    })
}

/// The client takes the process' provider of ciphers and panics if there is none. One that the program chose stays.
pub(crate) fn provide_ciphers() {
    if CryptoProvider::get_default().is_none() {
        // If another thread was faster there is one now, which is all that is wanted.
        let _ = ring::default_provider().install_default();
    }
}

fn refused(error: RedisError) -> ConfigError {
    ConfigError::Client(error.into())
}
